package export

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"

	"imsconv/storeconv"
	"imsconv/storeconv/durable"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/maildir"
	"imsconv/storeconv/selection"
)

// run is one call of Export.
type run struct {
	opt      Options
	log      storeconv.Log
	src      *Source
	dst      string
	template template
	uidl     uidl
	sel      *selection.Matcher
	claims   *claims

	settings settings
	naming   maildir.Naming

	out    *durable.Store // nil: dry run without a destination
	folder *durable.Run   // the run's own folder; nil: dry run
	pool   *pool

	work    chan *batch
	done    chan *user // finished, to be put in place
	results *results
	notes   *notes
	whole   *lane // of a stream: all that is told; nil: each user of the store has a lane
	serial  int   // of users

	mu     sync.Mutex
	err    error
	cancel context.CancelFunc
	rep    Report
	sums   sync.Map
	firsts sync.Map // of a dry run: the records of first copies by their keys
	retold sync.Map // users whose kept notes this run has told, by the hash of their places
}

func newRun(dst string, src *Source, opt Options) (*run, error) {
	if err := opt.check(src); err != nil {
		return nil, err
	}
	if opt.Path == "" {
		opt.Path = maildirPath
		if opt.To == Mbox {
			opt.Path = "%u"
		}
	}
	if opt.Jobs <= 0 {
		opt.Jobs = runtime.GOMAXPROCS(0)
	}
	r := &run{opt: opt, log: opt.Log, src: src, dst: dst, claims: newClaims(), results: newResults(opt.Results)}
	if r.log == nil {
		r.log = storeconv.Discard
	}
	r.notes = newNotes(r.log, cmp.Or(opt.kept, mostNotes))
	if src.stream != nil {
		r.whole = r.notes.open()
	}
	var err error
	if r.template, err = parseTemplate(opt.Path, opt.Domain); err != nil {
		return nil, fmt.Errorf("path %q: %w", opt.Path, err)
	}
	if r.uidl, err = parseUIDL(opt.UIDL); err != nil {
		return nil, err
	}
	compile := selection.Compile
	if src.stream == nil {
		compile = selection.CompileOfStore
	}
	if r.sel, err = compile(opt.Selection); err != nil {
		return nil, err
	}
	r.settings = settingsOf(&opt)
	r.naming = r.settings.naming()
	if src.store == "" {
		return r, nil
	}
	if err := checkStore(src.store); err != nil {
		return nil, err
	}
	return r, r.checkApart()
}

// checkStore makes sure that there is a store before anything is made.
func checkStore(path string) error {
	root, err := os.Open(path)
	if err != nil {
		return err
	}
	defer root.Close()
	return ims.NewReader(root).Check()
}

// checkApart refuses a destination that is the store, within it or above it.
func (r *run) checkApart() error {
	store, dst := durable.RealPath(r.src.store), durable.RealPath(r.dst)
	switch {
	case store == dst:
		return errors.New("the destination is the store itself")
	case strings.HasPrefix(dst+"/", store+"/"):
		return errors.New("the destination is within the store")
	case strings.HasPrefix(store+"/", dst+"/") && r.template.covers(strings.TrimPrefix(store, dst+"/")):
		return errors.New("the store is within the destination, where a user's mail may go")
	}
	return nil
}

func (r *run) do(ctx context.Context) (Report, error) {
	err := r.open(ctx)
	if err == nil {
		err = r.convert(ctx)
	}
	if err == nil {
		err = r.results.flush()
	}
	if err == nil && r.folder != nil {
		err = r.finishSite()
	}
	waiting := r.rep.Waiting
	finished := err == nil && waiting == 0
	if closeErr := r.close(finished); err == nil {
		err = closeErr
	}
	if err == nil && waiting > 0 {
		err = fmt.Errorf("%d users could not be changed: %w", waiting, ErrWaiting)
	}
	return r.rep, err
}

// open opens the destination, makes sure that it was made in the same way, and
// takes up an interrupted run.
func (r *run) open(ctx context.Context) error {
	opt := durable.Options{FS: r.opt.FS, Command: r.opt.Command, Sync: r.opt.Sync, Owner: r.opt.Owner, Fault: r.opt.fault, Log: r.opt.Log, Done: ctx.Done()}
	if opt.Owner != nil {
		if err := opt.Owner.Check(); err != nil {
			return err
		}
	}
	if r.opt.DryRun {
		opt.Owner = nil
		there, err := durable.Exists(r.opt.FS, r.dst)
		if !there {
			r.pool = newPool(nil)
			return err
		}
	}
	var err error
	if r.out, err = durable.OpenStore(r.dst, opt); err != nil {
		return err
	}
	if err := r.checkSettings(); err != nil {
		return err
	}
	if r.opt.DryRun {
		r.pool = newPool(nil)
		return nil
	}
	if err := r.checkSpace(); err != nil {
		return err
	}
	if r.folder, err = r.out.BeginAnew(r.name()); err != nil {
		return err
	}
	r.folder.TellOthers(r.log)
	r.pool = newPool(r.folder.Stage)
	if err := r.out.MkdirAll(exportedDir); err != nil {
		return err
	}
	return r.addSettings()
}

func (r *run) checkSettings() error {
	was, ok, err := readSettings(r.out.Dir)
	if err != nil || !ok {
		return err
	}
	if text := was.differs(&r.settings); text != "" {
		return fmt.Errorf("%s was made by an export %s: give the same options, or another destination", r.dst, text)
	}
	return nil
}

// addSettings writes down what the exports into the destination have met.
func (r *run) addSettings() error {
	if err := r.folder.LockLists(); err != nil {
		return err
	}
	defer r.folder.UnlockLists()
	if err := r.checkSettings(); err != nil { // another run may have been faster
		return err
	}
	was, ok, err := readSettings(r.out.Dir)
	if err != nil {
		return err
	}
	now := r.settings
	if ok {
		now = was
		now.add(&r.settings)
	}
	r.settings = now
	if ok && now == was {
		return nil
	}
	return r.writeBeside(settingsFile, durable.FileMode, func(w io.Writer) error {
		_, err := io.WriteString(w, now.text())
		return err
	})
}

// syncNames makes the names in a directory of the destination durable, unless
// nothing is.
func (r *run) syncNames(dir string) error {
	if r.opt.Sync == storeconv.SyncNone {
		return nil
	}
	return r.out.SyncNames(dir)
}

// checkSpace refuses to fill a file system that has no room for the stream.
func (r *run) checkSpace() error {
	if r.src.stream == nil || r.src.stream.size <= 0 || !r.sel.IsAll() {
		return nil
	}
	if _, err := r.out.Stat(exportedDir); err == nil {
		return nil
	}
	free, _, err := r.out.Space()
	if err != nil {
		return err
	}
	if uint64(r.src.stream.size) > free {
		return fmt.Errorf("%s: the stream has %d bytes, the file system has %d free", r.dst, r.src.stream.size, free)
	}
	return nil
}

// name names the run by the source and by what decides whose mail is written,
// so that the same command finds its own interrupted run.
func (r *run) name() string {
	h := sha256.New()
	if r.src.stream != nil {
		h.Write(r.src.stream.id[:])
	} else {
		fmt.Fprintf(h, "store %q\n", durable.RealPath(r.src.store))
	}
	o := &r.opt
	fmt.Fprintf(h, "%q %q %s %q %q %d %d\n", o.Partition, o.Paths, o.Shard.Name(), o.Domain, o.Encoding, o.Via, o.Newline)
	for _, u := range slices.Sorted(maps.Keys(o.Users)) {
		fmt.Fprintf(h, "user %q\n", u)
	}
	for _, u := range slices.Sorted(maps.Keys(o.Map)) {
		fmt.Fprintf(h, "map %q %q\n", u, o.Map[u])
	}
	return "export-" + hex.EncodeToString(h.Sum(nil)[:8])
}

func (r *run) close(finished bool) error {
	var errs []error
	if r.folder != nil {
		errs = append(errs, r.folder.End(finished))
	}
	if r.out != nil {
		errs = append(errs, r.out.Close())
	}
	return errors.Join(errs...)
}

// convert runs the pipeline: a feeder, workers, and one who puts users in
// place.
func (r *run) convert(ctx context.Context) error {
	work, cancel := context.WithCancel(ctx)
	defer cancel()
	r.cancel = cancel
	defer context.AfterFunc(work, r.notes.stop)()
	r.work = make(chan *batch, 2*r.opt.Jobs)
	r.done = make(chan *user, 64)
	var workers, placing sync.WaitGroup
	for range r.opt.Jobs {
		workers.Go(func() { r.worker() })
	}
	placing.Go(r.place)
	var err error
	if r.src.stream != nil {
		err = r.feedStream(ctx, work)
	} else {
		err = r.feedStore(work)
	}
	close(r.work)
	workers.Wait()
	close(r.done)
	placing.Wait()
	r.notes.flush()
	if failed := r.failure(); failed != nil && ctx.Err() == nil {
		return failed
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// resumed tells that an interrupted run goes on: files that it has placed are
// shared with copies that it has not come to.
func (r *run) resumed() bool { return r.folder != nil && r.folder.Resumed() }

// dry tells that nothing is written.
func (r *run) dry() bool { return r.folder == nil }

// fail notes the first error that ends the run, and stops the reading.
func (r *run) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		r.err = err
		r.cancel()
	}
}

func (r *run) failure() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// count changes the report.
func (r *run) count(fn func(*Report)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fn(&r.rep)
}

func (r *run) progress(items, bytes int64) {
	if r.opt.Progress != nil {
		r.opt.Progress.Add(items, bytes)
	}
}
