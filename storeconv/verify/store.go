package verify

import (
	"context"
	"fmt"
	"hash/maphash"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"imsconv/dbconv/bdb"
	"imsconv/storeconv"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/nms"
	"imsconv/storeconv/sims"
)

// StoreOptions say what a store is held against.
type StoreOptions struct {
	// Streams are the streams that the store was restored from, in the order in
	// which they were. Each is read once.
	Streams []Stream

	// Selection is what the restore was limited to, and the names it gave.
	Selection storeconv.Selection

	// Only looks at the users of the Selection alone, which has some: others may
	// be at work on the store meanwhile. What is no user's is passed over.
	Only bool

	CRLF    bool // every line end is CR LF, as restore --newline crlf leaves it
	NoIndex bool // the store has no indexes, as restore --no-index leaves it

	// Owner is whose everything must be, -1 any; nil: that of the store
	// directory.
	Owner *storeconv.Owner

	// Origin, when not nil, is the NMS store that this one was relocated from:
	// what lies oddly here and just so there is a warning. See NMS for the
	// comparison of the two.
	Origin *Origin

	Jobs     int                // mailboxes checked at a time; 0: one a processor
	Log      storeconv.Log      // nil: discard
	Progress storeconv.Progress // messages and bytes; nil: none
}

// Origin is the source of a relocated store and how things were named.
type Origin struct {
	From    string
	Options NMSOptions
}

// StoreReport counts what was looked at.
type StoreReport struct {
	Users     int64 `json:"users"`
	Mailboxes int64 `json:"mailboxes"`
	Messages  int64 `json:"messages"`    // files, each reference counted
	Bytes     int64 `json:"bytes"`       // of them
	Links     int64 `json:"links"`       // messages that are hard links to another, as restore counts them: of n names of one file, n-1
	Foreign   int64 `json:"foreign"`     // mailboxes whose index is not ours: only their file names were looked at
	Records   int64 `json:"records"`     // of the four databases
	OddRecord int64 `json:"odd_records"` // records in the vendor's form, not looked into

	Members   int64 `json:"members"`   // messages of the streams, links among them
	Expired   int64 `json:"expired"`   // of these, marked expired and so not looked for
	Copies    int64 `json:"copies"`    // links of the streams that are files of their own, as restore counts them: the first one to a message that is left out, and those that could not be links
	Unchecked int64 `json:"unchecked"` // links that could not be compared: nothing is known of their first copy

	NoEnd []string `json:"no_end,omitempty"` // streams without an end marker: more may have come behind what was read
}

// Store checks the store in the directory store, which it only reads: every
// message file against its index, every index against the databases of
// mboxlist, every record of these against the tree, and, with streams, every
// message of them against the store. The package comment has the list. It goes
// on after a problem. The error is for what makes checking impossible: the
// store cannot be opened, a stream cannot be read further, the context is
// done.
//
// The lines come in the same order whatever Jobs is. Memory: four bytes a
// message of the mailboxes at work, about 150 bytes a message of the mailbox
// at hand in a stream, about 100 bytes a mailbox of a stream up to 200,000 of
// them, 2 MiB of members that wait for their mailbox's turn, or 32 MiB where
// the stream comes back to mailboxes, below 256 MiB.
func Store(ctx context.Context, store string, opts StoreOptions) (StoreReport, error) {
	v, err := newVerifier(store, opts)
	if err != nil {
		return StoreReport{}, err
	}
	defer v.close()
	err = v.run(ctx)
	return v.report, err
}

// newVerifier opens a store. Its databases are run's to open.
func newVerifier(store string, opts StoreOptions) (*verifier, error) {
	if opts.Log == nil {
		opts.Log = storeconv.Discard
	}
	if opts.Jobs <= 0 {
		opts.Jobs = runtime.GOMAXPROCS(0)
	}
	v := &verifier{opts: opts, log: opts.Log, path: store, seed: maphash.MakeSeed()}
	var err error
	if v.chosen, err = choose(opts.Selection); err != nil {
		return nil, err
	}
	if opts.Only {
		v.chosen.onlyNamed()
	}
	return v, v.open()
}

// verifier is one call of Store.
type verifier struct {
	opts       StoreOptions
	log        storeconv.Log
	path       string
	root       int // the store, open
	owner      owner
	chosen     *chosen
	stop       context.CancelCauseFunc
	partitions []string
	origin     *origin // nil: none

	// Of the goroutine that takes results in their order.
	lists    lists
	settled  [4]recordSum // records of the databases that the tree has answered for
	seed     maphash.Seed // of their sums
	report   StoreReport
	user     userTotals
	indexed  bool             // some mailbox has an index of ours
	shared   []storeconv.Note // of directories that lie above mailboxes of ours
	strange  strangeDates
	late     map[lateKey]storeconv.Note // differences that something to come may explain
	said     map[uint64]saidBy          // of mailboxes by the hash of their names in the streams, what was said last
	contents recentContents             // of the first copies that came last
	reached  map[uint64]struct{}        // mailboxes, by hash, whose Last UID is what a stream has said
	backups  []int64                    // dates of the streams that have come
	misdated []misdated                 // files whose first copy of a stream has another date
	owners   map[uint64]firstSaid       // of mailboxes of the store, by the hash of their path
	besides  map[uint64]besideSaid      // likewise
	excused  map[lateKey]bool           // what these may explain
	lister   nms.Lister                 // of openMailbox
	entered  int                        // mailboxes that were opened for members of streams, each time

	// Of all workers.
	dateLock sync.Mutex
	dates    *bdb.Sorter // of files with several names; see attributes.go
	named    *bdb.Sorter // files with several names, once for each that was met
	cache    factCache
}

func (v *verifier) open() error {
	info, err := os.Stat(v.path)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%s: not a directory", v.path)
	}
	if v.root, err = nms.OpenPath(v.path); err != nil {
		return err
	}
	var st unix.Stat_t
	if err := unix.Fstat(v.root, &st); err != nil {
		unix.Close(v.root)
		return fmt.Errorf("%s: stat: %w", v.path, err)
	}
	v.owner = owner{int(st.Uid), int(st.Gid)}
	if o := v.opts.Owner; o != nil {
		v.owner = owner{o.UID, o.GID}
	}
	v.dates, v.named = bdb.NewSorter("", sortMemory), bdb.NewSorter("", sortMemory)
	return nil
}

// sortMemory is what one sorter holds in memory, in bytes; the rest goes to
// temporary files.
const sortMemory = 8 << 20

func (v *verifier) close() {
	v.lists.close()
	v.dates.Close()
	v.named.Close()
	if v.origin != nil {
		v.origin.close()
	}
	unix.Close(v.root)
}

// run does all of it. It ends early with what the machine refuses.
func (v *verifier) run(ctx context.Context) error {
	ctx, v.stop = context.WithCancelCause(ctx)
	defer v.stop(nil)
	err := v.check(ctx)
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

func (v *verifier) check(ctx context.Context) error {
	if v.opts.Origin != nil {
		var err error
		if v.origin, err = openOrigin(ctx, v.opts.Origin); err != nil {
			return err
		}
	}
	if err := v.top(); err != nil {
		return err
	}
	if err := v.lists.open(v.root, v.path, v.log); err != nil {
		return err
	}
	if err := v.tree(ctx); err != nil {
		return err
	}
	v.tellShared()
	if err := v.countLinks(ctx); err != nil {
		return err
	}
	if err := v.records(ctx); err != nil {
		return err
	}
	if len(v.opts.Streams) == 0 {
		return v.tellDates(ctx)
	}
	for i, s := range v.opts.Streams {
		if err := v.stream(ctx, s, i); err != nil {
			return err
		}
	}
	v.endStreams()
	if err := v.tellMisdated(ctx); err != nil {
		return err
	}
	for _, name := range v.chosen.missing() {
		v.tell(problem("no-such-user", sims.DisplayName(name), "named, and not in what the store is held against"))
	}
	return nil
}

// hash stands for a name where many are remembered: a mailbox may have little
// more than its names, and there may be any number of them.
func (v *verifier) hash(name string) uint64 { return maphash.String(v.seed, name) }

func (v *verifier) tell(notes ...storeconv.Note) {
	for _, n := range notes {
		if n.Machine != nil {
			v.stop(n.Machine)
			continue
		}
		n.Tell(v.log)
	}
}

// refused ends the run when an error, nil for none, that is passed over is one
// of the machine.
func (v *verifier) refused(where string, err error) {
	if ims.OfMachine(err) {
		v.tell(problem("unreadable", where, "%v", err))
	}
}

// workDir is the directory of unfinished runs.
const workDir = ".imsconv"

// top finds the partitions and looks at what else lies at the top of the store.
func (v *verifier) top() error {
	var l nms.Lister
	entries, err := listDir(&l, v.root)
	if err != nil {
		return fmt.Errorf("%s: %w", v.path, err)
	}
	known, worked := false, false
	var notes []storeconv.Note // of a directory that is no store nothing else is told
	for _, e := range entries {
		switch e.Name {
		case "partition", "mboxlist":
			known = true
		case "user", "session", "dbdata", "lost+found", expireRule:
		case workDir:
			worked = true
		default:
			notes = append(notes, problem("stray-file", e.Name, "no part of a store"))
		}
	}
	if !known {
		return fmt.Errorf("%s: %w", v.path, ims.ErrNoStore)
	}
	if v.opts.Only {
		return v.findPartitions(&l)
	}
	v.tell(notes...)
	if worked {
		v.unfinished()
	}
	v.listFiles(&l)
	return v.findPartitions(&l)
}

// unfinished tells of runs that have left their folders. A lock and the list of
// finished runs stay in good order.
func (v *verifier) unfinished() {
	root, err := os.Open(v.path)
	if err != nil {
		v.tell(problem("unreadable", workDir, "%v", err))
		return
	}
	defer root.Close()
	runs, err := ims.NewReader(root).Runs()
	if err != nil {
		v.tell(problem("stray-file", workDir, "%v", err))
	}
	for _, u := range runs {
		n := problem(u.Kind(), u.Path, "%s", u.Text())
		if u.Done {
			n.Severity = storeconv.Warning
		}
		v.tell(n)
	}
}

// listFiles looks at what lies in mboxlist beside the databases: a server keeps
// files of its environment and logs there.
func (v *verifier) listFiles(l *nms.Lister) {
	dir, err := nms.OpenDir(v.root, "mboxlist")
	if err != nil {
		return // a missing database is told with the databases
	}
	defer unix.Close(dir)
	entries, err := listDir(l, dir)
	if err != nil {
		v.tell(problem("unreadable", "mboxlist", "%v", err))
	}
	for _, e := range entries {
		switch name := e.Name; {
		case name == "folder.db", name == "quota.db", name == "subscr.db", name == "peruser.db", name == "lright.db":
		case strings.HasPrefix(name, "__db."), strings.HasPrefix(name, "log."):
		default:
			v.tell(problem("stray-file", "mboxlist/"+name, "no database of a store"))
		}
	}
}

func (v *verifier) findPartitions(l *nms.Lister) error {
	dir, err := nms.OpenDir(v.root, "partition")
	if notThere(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s/partition: %w", v.path, err)
	}
	defer unix.Close(dir)
	entries, err := listDir(l, dir)
	if err != nil {
		return fmt.Errorf("%s/partition: %w", v.path, err)
	}
	for _, e := range entries {
		if e.Type != nms.Directory {
			v.tell(problem("stray-file", "partition/"+e.Name, "not a directory"))
			continue
		}
		v.partitions = append(v.partitions, e.Name)
	}
	slices.Sort(v.partitions)
	return nil
}
