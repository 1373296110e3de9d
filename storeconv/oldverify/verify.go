package oldverify

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"imsconv/storeconv"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/selection"
)

// VerifyOptions say what a store is held against.
type Options struct {
	// Streams are the streams that the store was restored from, in the order in which they were. Each is read once.
	Streams []Stream

	storeconv.Selection // what the restore was limited to, and the names it gave

	// CRLF expects every line end as CR LF, as restore --newline crlf leaves it.
	CRLF bool
	// NoIndex expects a store without indexes, as restore --no-index leaves it.
	NoIndex  bool
	Jobs     int                // mailboxes checked at a time; 0: one a processor
	Log      storeconv.Log      // nil: discard
	Progress storeconv.Progress // nil: none
}

// VerifyReport counts what was looked at.
type Report struct {
	Users     int64 `json:"users"`
	Mailboxes int64 `json:"mailboxes"`
	Messages  int64 `json:"messages"`    // files, each reference counted
	Bytes     int64 `json:"bytes"`       // of them
	Links     int64 `json:"links"`       // references to files that have more than one
	Foreign   int64 `json:"foreign"`     // mailboxes whose index is not ours: only their file names were looked at
	Records   int64 `json:"records"`     // of the four databases
	OddRecord int64 `json:"odd_records"` // records in the vendor's form, not looked into

	Members   int64 `json:"members"`   // messages of the streams, links among them
	Expired   int64 `json:"expired"`   // of these, marked expired and so not looked for
	Copies    int64 `json:"copies"`    // links of the streams that are files of their own, for a good reason
	Unchecked int64 `json:"unchecked"` // links whose content could not be compared: their first copy is not in the store
}

// Verify checks the store in the directory store, which it only reads: every message file against its index, every index
// against the databases of mboxlist, every record of these against the tree, and, with streams, every message of them
// against the store. It goes on after a problem. The error is for what makes checking impossible: the store cannot be
// opened, a stream cannot be read further.
//
// Memory: four bytes a message of the mailboxes at work, the pages of the databases in the system's cache; see
// VerifyStream for a stream's.
func Verify(ctx context.Context, store string, opts Options) (Report, error) {
	if opts.Log == nil {
		opts.Log = storeconv.Discard
	}
	if opts.Jobs <= 0 {
		opts.Jobs = runtime.GOMAXPROCS(0)
	}
	sel, err := selection.Compile(opts.Selection)
	if err != nil {
		return Report{}, err
	}
	root, err := os.Open(store)
	if err != nil {
		return Report{}, err
	}
	defer root.Close()
	if st, err := root.Stat(); err != nil {
		return Report{}, err
	} else if !st.IsDir() {
		return Report{}, fmt.Errorf("%s: not a directory", store)
	}
	v := &verifier{opts: opts, log: opts.Log, sel: sel, reader: ims.NewReader(root)}
	if err := v.findPartitions(root); err != nil {
		return v.report, err
	}
	if v.lists, err = OpenLists(root, v.log); err != nil {
		return v.report, err
	}
	defer v.lists.Close()
	if err := v.tree(ctx); err != nil {
		return v.report, err
	}
	if err := v.records(ctx); err != nil {
		return v.report, err
	}
	for i, s := range opts.Streams {
		if err := v.stream(ctx, s, i == len(opts.Streams)-1); err != nil {
			return v.report, err
		}
	}
	v.endStreams()
	return v.report, nil
}

// verifier is one run of Verify. The fields below order belong to the goroutine that takes results in order.
type verifier struct {
	opts       Options
	log        storeconv.Log
	sel        *selection.Matcher
	reader     *ims.Reader
	partitions []string

	lists   *Lists
	report  Report
	user    userTotals
	indexed bool // some mailbox has an index of ours
	late    map[string]string
}

// note is one line for the log, kept until its turn comes.
type note struct {
	kind, where, text string
	warning           bool
}

func (v *verifier) tell(notes []note) {
	for _, n := range notes {
		if n.warning {
			v.log.Warning(n.kind, n.where, n.text)
		} else {
			v.log.Problem(n.kind, n.where, n.text)
		}
	}
}

// findPartitions lists the partitions and looks at what else lies at the top of the store.
func (v *verifier) findPartitions(root *os.File) error {
	names, err := root.ReadDir(-1)
	if err != nil {
		return err
	}
	known := false
	slices.SortFunc(names, func(a, b os.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	for _, e := range names {
		switch e.Name() {
		case "partition", "mboxlist":
			known = true
		case "user", "session", "dbdata", "lost+found", ims.ExpireRule:
		case ims.WorkDir:
			v.log.Problem("unfinished", ims.WorkDir, "an interrupted run has left its work directory; the same command again finishes it")
		default:
			v.log.Problem(ims.StrayFile, e.Name(), "no part of a store")
		}
	}
	if !known {
		return fmt.Errorf("%s: no store: neither partition nor mboxlist is there", root.Name())
	}
	v.listFiles(root)
	v.partitions, err = v.reader.Partitions(func(kind, path, text string) { v.log.Problem(kind, path, text) })
	return err
}

// listFiles looks at what lies in mboxlist beside the databases: a server keeps environment and log files there.
func (v *verifier) listFiles(root *os.File) {
	entries, err := os.ReadDir(filepath.Join(root.Name(), "mboxlist"))
	if err != nil {
		return // a missing database is told with the databases
	}
	for _, e := range entries {
		name := e.Name()
		switch {
		case name == "folder.db", name == "quota.db", name == "subscr.db", name == "peruser.db", name == "lright.db":
		case strings.HasPrefix(name, "__db."), strings.HasPrefix(name, "log."):
		default:
			v.log.Problem(ims.StrayFile, "mboxlist/"+name, "no database of a store")
		}
	}
}

// task is one mailbox, or the end of a user, on its way through the workers. Results are taken in the order of the walk,
// so that the lines come in the same order whatever the number of workers.
type task struct {
	box   *ims.Mailbox // nil: what is told, and the end of a user
	end   bool         // the user is complete
	notes []note       // met by the walk before this
	done  chan struct{}
	res   boxResult
}

// tree walks the store and checks every mailbox.
func (v *verifier) tree(ctx context.Context) error {
	work := make(chan *task)
	order := make(chan *task, 2*v.opts.Jobs)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(work)
		defer close(order)
		w := &treeWalk{v: v, ctx: ctx, work: work, order: order}
		return w.run()
	})
	for range v.opts.Jobs {
		g.Go(func() error {
			c := newBoxChecker(v.opts.NoIndex, v.opts.Progress)
			for t := range work {
				t.res = c.check(ctx, t.box)
				t.box.Close()
				close(t.done)
			}
			return nil
		})
	}
	g.Go(func() error {
		for t := range order {
			if t.box != nil {
				<-t.done
			}
			v.take(t)
		}
		return nil
	})
	return g.Wait()
}

// treeWalk hands the mailboxes out.
type treeWalk struct {
	v           *verifier
	ctx         context.Context
	work, order chan *task
	notes       []note
}

func (w *treeWalk) stray(kind, path, text string) {
	w.notes = append(w.notes, note{kind: kind, where: path, text: text})
	if len(w.notes) >= 1024 {
		w.send(&task{}) // an error comes again with the next task
	}
}

func (w *treeWalk) run() error {
	for i, p := range w.v.partitions {
		err := w.v.reader.Users(p, w.stray, func(u ims.User) error { return w.user(i, u) })
		if err != nil {
			return err
		}
	}
	return w.send(&task{})
}

// user hands out the mailboxes of a user, of all partitions together when the first of them comes.
func (w *treeWalk) user(partition int, u ims.User) error {
	parts := []ims.User{u}
	for i, p := range w.v.partitions {
		if i == partition {
			continue
		}
		other := ims.User{Partition: p, ID: u.ID, Path: ims.UserDir(p, u.ID)}
		if box, err := w.v.reader.Mailbox(p, u.ID, ims.Inbox); err == nil {
			box.Close()
			if i < partition {
				return nil
			}
			parts = append(parts, other)
		}
	}
	for _, part := range parts {
		err := w.v.reader.Mailboxes(part, w.stray, func(box *ims.Mailbox) error {
			return w.send(&task{box: box, done: make(chan struct{})})
		})
		if err != nil {
			return err
		}
	}
	return w.send(&task{end: true})
}

func (w *treeWalk) send(t *task) error {
	t.notes, w.notes = w.notes, nil
	select {
	case w.order <- t:
	case <-w.ctx.Done():
		if t.box != nil {
			t.box.Close()
		}
		return w.ctx.Err()
	}
	if t.box == nil {
		return nil
	}
	select {
	case w.work <- t:
		return nil
	case <-w.ctx.Done():
		t.box.Close()
		close(t.done)
		return w.ctx.Err()
	}
}

// take is the end of a task's way.
func (v *verifier) take(t *task) {
	v.tell(t.notes)
	switch {
	case t.box != nil:
		v.takeMailbox(t.box, &t.res)
	case t.end:
		v.endUser()
	}
}
