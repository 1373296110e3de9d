package restore

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sync"

	"imsconv/storeconv"
	"imsconv/storeconv/durable"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/internal/journal"
	"imsconv/storeconv/lists"
	"imsconv/storeconv/selection"
	"imsconv/storeconv/sims"
)

// run is one call of Restore.
type run struct {
	opt       Options
	log       *countingLog
	sel       *selection.Matcher
	streams   []*Stream
	path      string
	partition string

	store  *durable.Store // nil: dry run without a store
	folder *durable.Run   // the run's own folder in the store; nil: dry run
	jr     *journal.Journal

	work  chan *batch
	order chan *batch
	free  chan *batch
	ready chan *placement

	mu     sync.Mutex
	err    error
	cancel context.CancelFunc

	staged stagedUsers
	date   int64 // of the backup, else of its latest message; for the databases
	rep    Report

	all        []*Stream // the streams, then those of the reference that have been read
	referenced bool

	later      []putOff       // of a dry run,
	laterNames map[string]int // and which of them has a name,
	others     []otherSaid    // what others are said to have,
	planned    plannedBoxes   // and what it would put into place

	content contentSum // of what was selected, where that matters
	relink  bool       // a crash has parted links from their first copies: joined at the end
	parted  bool       // so are links whose first copies have been put back
}

func newRun(store string, streams []*Stream, opt Options) (*run, error) {
	r := &run{opt: opt, log: &countingLog{Log: opt.Log}, streams: streams, all: slices.Clone(streams), path: store, partition: opt.Partition}
	if opt.Log == nil {
		r.log.Log = storeconv.Discard
	}
	if r.partition == "" {
		r.partition = "primary"
	}
	if err := ims.CheckPartition(r.partition); err != nil {
		return nil, err
	}
	if err := checkInputs(streams, opt.Reference); err != nil {
		return nil, err
	}
	var err error
	r.sel, err = selection.Compile(opt.Selection)
	return r, err
}

func (r *run) do(ctx context.Context) (Report, error) {
	if err := r.open(ctx); err == errFinished {
		r.rep.Finished = true
		r.tidy()
		return r.rep, r.close(true)
	} else if err != nil {
		return r.rep, errors.Join(err, r.close(false))
	}
	err := r.convert(ctx)
	if err == nil && !r.dry() {
		err = errors.Join(r.writeLists(), r.join())
	}
	if err == nil && r.opt.Done != nil {
		err = r.opt.Done(r.rep)
	}
	if err == nil && r.folder != nil {
		err = errors.Join(r.noteFinished(), r.noteTold())
	}
	if closeErr := r.close(err == nil); err == nil {
		err = closeErr
	}
	return r.rep, err
}

var errFinished = errors.New("an earlier run of this name had finished")

// tidy removes the lock file that a run leaves when it is killed behind all
// else. One that stays harms nobody. Where this run has a folder, its end does
// so.
func (r *run) tidy() {
	if r.opt.DryRun || r.folder != nil {
		return
	}
	if _, err := r.store.Stat(ims.WorkDir + "/lock"); err == nil {
		_ = r.store.RemoveWorkDir()
	}
}

// open opens the destination and takes up an interrupted run.
func (r *run) open(ctx context.Context) error {
	var err error
	opt := durable.Options{FS: r.opt.FS, Command: r.opt.Command, Sync: r.opt.Sync, Owner: r.opt.Owner, Fault: r.opt.fault, Log: r.opt.Log, Done: ctx.Done()}
	if opt.Owner != nil {
		if err := opt.Owner.Check(); err != nil {
			return err
		}
	}
	if r.opt.DryRun {
		opt.Owner = nil
		if there, err := durable.Exists(r.opt.FS, r.path); !there {
			return err
		}
		if r.store, err = durable.OpenStore(r.path, opt); err != nil {
			return err
		}
		if err := r.store.CheckPlace("partition/"+r.partition+"/=user", lists.Dir); err != nil {
			return err
		}
		if err := r.checkFinished(ctx); err != nil {
			return err
		}
		if err := lists.Check(r.store); err != nil {
			return err
		}
		if err := durable.TellLeftovers(r.opt.FS, r.path, r.name(), r.log); err != nil {
			return err
		}
		missing, err := lists.Missing(r.store)
		for _, path := range missing {
			lists.TellMissing(path, r.log)
		}
		return err
	}
	if r.store, err = durable.OpenStore(r.path, opt); err != nil {
		return err
	}
	if err := r.store.CheckPlace("partition/"+r.partition+"/=user", lists.Dir); err != nil {
		return err
	}
	if err := r.checkFinished(ctx); err != nil {
		return err
	}
	if err := lists.Check(r.store); err != nil {
		return err
	}
	_, err = r.store.Stat(ims.WorkDir + "/" + r.name())
	fresh := isNotExist(err) || isNotDir(err)
	if fresh {
		if err := r.checkSpace(); err != nil {
			return err
		}
	}
	if err := r.begin(); err != nil {
		return err
	}
	// What an interrupted run had staged took room until Begin removed it.
	if !fresh {
		if err := r.checkSpace(); err != nil {
			return err
		}
	}
	// The journal is synced in every mode: what it has not written yet is lost
	// with the process, and a kill is survived without syncing the rest.
	if r.jr, err = journal.OpenIn(r.store.FS(), r.folder.Path("journal"), true); err != nil {
		return err
	}
	if err := r.recover(); err != nil {
		return err
	}
	return r.tellMissing()
}

// tellMissing tells of databases of the store that are missing and that this
// run makes, also when it goes on after an interruption. Another run may be
// between writing one and the next: it holds the lock meanwhile.
func (r *run) tellMissing() error {
	_, looked, err := r.jr.Get(lookedKey)
	if err == nil && !looked {
		err = r.noteMissing()
	}
	if err != nil {
		return err
	}
	return r.jr.Range(keyMissing, func(key, _ []byte) error {
		lists.TellMissing(string(key[len(keyMissing):]), r.log)
		return nil
	})
}

// noteMissing puts into the journal which databases are missing.
func (r *run) noteMissing() error {
	if err := r.folder.LockLists(); err != nil {
		return fmt.Errorf("lock the mailbox lists: %w", err)
	}
	defer r.folder.UnlockLists() // the process's end drops it too
	missing, err := lists.Missing(r.store)
	if err != nil {
		return err
	}
	b := r.jr.Batch()
	b.Put(lookedKey, nil)
	for _, path := range missing {
		b.Put(keyMissing+path, nil)
	}
	return b.Commit()
}

// checkSpace refuses to fill a new store that has no room for the streams. Once
// a user is in place it asks for nothing: what is missing is not known.
func (r *run) checkSpace() error {
	if _, err := r.store.Stat("partition"); err == nil || !r.sel.IsAll() {
		return nil
	}
	var need int64
	for _, s := range r.streams {
		need += max(s.Size, 0)
	}
	free, inodes, err := r.store.Space()
	if err != nil {
		return err
	}
	if uint64(need) > free {
		return fmt.Errorf("%s: the streams have %d bytes, the file system has %d free", r.path, need, free)
	}
	if need > 0 && inodes < 16 {
		return fmt.Errorf("%s: the file system has %d inodes free", r.path, inodes)
	}
	return nil
}

// name names the run by the streams and by all that decides what is written, so
// that the same command finds its own interrupted run.
func (r *run) name() string {
	h := sha256.New()
	for _, s := range r.streams {
		h.Write(s.ID[:])
	}
	o := &r.opt
	fmt.Fprintf(h, "%q %q %s %q %q %d %v %v\n", r.partition, o.Paths, o.Shard.Name(), o.Domain, o.Encoding, o.Existing, o.CRLF, o.NoIndex)
	for _, u := range slices.Sorted(maps.Keys(o.Users)) {
		fmt.Fprintf(h, "user %q\n", u)
	}
	if o.Users != nil {
		fmt.Fprintln(h, "selected")
	}
	for _, u := range slices.Sorted(maps.Keys(o.Map)) {
		fmt.Fprintf(h, "map %q %q\n", u, o.Map[u])
	}
	return "restore-" + hex.EncodeToString(h.Sum(nil)[:8])
}

// close ends the run. finished removes what it kept for being continued.
func (r *run) close(finished bool) error {
	errs := []error{r.dropKept()}
	if r.jr != nil {
		errs = append(errs, r.jr.Close())
	}
	if r.folder != nil {
		errs = append(errs, r.folder.End(finished))
	}
	if r.store != nil {
		errs = append(errs, r.store.Close())
	}
	return errors.Join(errs...)
}

// convert runs the pipeline.
func (r *run) convert(ctx context.Context) error {
	jobs := r.opt.Jobs
	if jobs <= 0 {
		jobs = runtime.GOMAXPROCS(0)
	}
	work, cancel := context.WithCancel(ctx)
	defer cancel()
	r.cancel = cancel
	depth := 2*jobs + 4
	r.work = make(chan *batch, depth)
	r.order = make(chan *batch, depth)
	r.free = make(chan *batch, depth+jobs+4)
	r.ready = make(chan *placement, 64)

	var workers, collecting, committing sync.WaitGroup
	for range jobs {
		workers.Go(func() { r.worker() })
	}
	c := newCollector(r)
	collecting.Go(c.loop)
	committing.Go(r.commitLoop)

	p := newPlanner(r)
	err := r.planUntil(ctx, work, p)
	interrupted := ctx.Err() != nil && err == ctx.Err()
	if err != nil && !interrupted {
		r.fail(err)
	}
	p.send()
	close(r.work)
	close(r.order)
	workers.Wait()
	collecting.Wait()
	close(r.ready)
	committing.Wait()

	r.rep, r.date, r.content, r.parted = p.rep, p.latest, p.content, c.parted
	r.rep.add(&c.rep)
	r.rep.UnknownKeys = p.unknown
	if failed := r.failure(); failed != nil {
		return failed
	}
	return err
}

// dry tells that nothing is written.
func (r *run) dry() bool { return r.folder == nil }

// whereOf returns the position of a member for the log.
func (r *run) whereOf(stream int, offset int64, name string) string {
	if where := r.streams[stream].Where; where != nil {
		return where(offset, name)
	}
	at := fmt.Sprintf("%s: offset %d", r.streams[stream].Name, offset)
	if name == "" {
		return at
	}
	return at + ": " + sims.DisplayName(name)
}

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

func (r *Report) add(o *Report) {
	r.Users += o.Users
	r.Mailboxes += o.Mailboxes
	r.Messages += o.Messages
	r.Bytes += o.Bytes
	r.Links += o.Links
	r.Copies += o.Copies
	r.Expired += o.Expired
	r.Pending += o.Pending
	r.Duplicates += o.Duplicates
	r.Repeated += o.Repeated
	r.Updated += o.Updated
	r.PutBack += o.PutBack
	r.Refused += o.Refused
	r.NotSelected += o.NotSelected
	r.Resumed += o.Resumed
	r.BareLF += o.BareLF
	r.FlagsLost += o.FlagsLost
	r.KeywordsLost += o.KeywordsLost
	r.OtherUID += o.OtherUID
	for kind, n := range o.Lost {
		r.loseSome(kind, n)
	}
}

// lose counts a message that is refused or cannot be read.
func (r *Report) lose(kind string) { r.loseSome(kind, 1) }

func (r *Report) loseSome(kind string, n int64) {
	if r.Lost == nil {
		r.Lost = make(map[string]int64)
	}
	r.Lost[kind] += n
}
