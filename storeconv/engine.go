package storeconv

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"

	"imsconv/storeconv/durable"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/internal/journal"
)

// restore is one run of Restore.
type restore struct {
	opt       RestoreOptions
	log       Log
	sel       *selection
	streams   []*Stream
	path      string
	partition string

	store *durable.Store // nil: dry run without a store
	run   *durable.Run   // nil: dry run
	jr    *journal.Journal

	work  chan *batch
	order chan *batch
	free  chan *batch
	ready chan *finished

	mu     sync.Mutex
	err    error
	cancel context.CancelFunc

	staged stagedUsers
	date   int64 // of the backup, else of its latest message; for the databases
	rep    RestoreReport

	all        []*Stream // the streams, then those of the reference that have been read
	referenced bool

	relink bool // a crash has parted links from their first copies: joined at the end
}

func newRestore(store string, streams []*Stream, opt RestoreOptions) (*restore, error) {
	r := &restore{opt: opt, log: opt.Log, streams: streams, all: slices.Clone(streams), path: store, partition: opt.Partition}
	if r.log == nil {
		r.log = discard{}
	}
	if r.partition == "" {
		r.partition = "primary"
	}
	if err := ims.CheckPartition(r.partition); err != nil {
		return nil, err
	}
	if len(streams) == 0 {
		return nil, errors.New("no stream to restore from")
	}
	var err error
	r.sel, err = newSelection(&opt)
	return r, err
}

func (r *restore) do(ctx context.Context) (RestoreReport, error) {
	if err := r.open(); err == errFinished {
		r.rep.Finished = true
		return r.rep, r.close(true)
	} else if err != nil {
		return r.rep, errors.Join(err, r.close(false))
	}
	err := r.convert(ctx)
	if err == nil && r.run != nil {
		err = errors.Join(r.writeLists(), r.join())
	}
	if err == nil && r.opt.Done != nil {
		err = r.opt.Done(r.rep)
	}
	if closeErr := r.close(err == nil); err == nil {
		err = closeErr
	}
	return r.rep, err
}

var errFinished = errors.New("an earlier run of this name had finished")

// open opens the destination and takes up an interrupted run.
func (r *restore) open() error {
	mode, err := durable.ParseSyncMode(r.opt.Sync)
	if err != nil {
		return err
	}
	opt := durable.Options{FS: r.opt.FS, Command: r.opt.Command, Sync: mode, Fault: r.opt.fault}
	if r.opt.SetOwner {
		opt.Owner = &durable.Owner{UID: r.opt.UID, GID: r.opt.GID}
		if err := checkOwner(opt.Owner); err != nil {
			return err
		}
	}
	if r.opt.DryRun {
		if there, err := durable.Exists(r.opt.FS, r.path); !there {
			return err
		}
		if r.store, err = durable.OpenStore(r.path, opt); err != nil {
			return err
		}
		return r.store.CheckPlace("partition/"+r.partition+"/=user", listDir)
	}
	if r.store, err = durable.OpenStore(r.path, opt); err != nil {
		return err
	}
	if err := r.store.CheckPlace("partition/"+r.partition+"/=user", listDir); err != nil {
		return err
	}
	if err := r.checkSpace(); err != nil {
		return err
	}
	if r.run, err = r.store.Begin(r.name()); err != nil {
		return err
	}
	tellOthers(r.log, r.run)
	if r.run.Finished() {
		return errFinished
	}
	// The journal is synced in every mode: what it has not written yet is lost with the process, and a kill is survived without syncing the rest.
	if r.jr, err = journal.OpenIn(r.store.FS(), r.run.Path("journal"), true); err != nil {
		return err
	}
	return r.recover()
}

// tellOthers tells what interrupted runs have left in the store.
func tellOthers(log Log, run *durable.Run) {
	for _, o := range run.Others() {
		if !o.Busy {
			log.Warning("leftover", o.Path, o.Advice())
		}
	}
}

// checkOwner refuses an owner that the process may not give files to.
func checkOwner(o *durable.Owner) error {
	if os.Geteuid() == 0 || o.UID == os.Geteuid() && (o.GID == os.Getegid() || o.GID == -1) {
		return nil
	}
	return fmt.Errorf("only root can give files to user %d, group %d", o.UID, o.GID)
}

// checkSpace refuses to start filling a new store that has no room for the streams.
func (r *restore) checkSpace() error {
	if _, err := r.store.Stat("partition"); err == nil || !r.sel.everything() {
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

// name names the run by the streams and by all that decides what is written, so that the same command finds its own interrupted run.
func (r *restore) name() string {
	h := sha256.New()
	for _, s := range r.streams {
		h.Write(s.ID[:])
	}
	o := &r.opt
	fmt.Fprintf(h, "%q %q %v %q %q %d %v %v\n", r.partition, o.Paths, o.Shard, o.Domain, o.Encoding, o.Existing, o.CRLF, o.NoIndex)
	for _, u := range sortedKeys(o.Select) {
		fmt.Fprintf(h, "user %q\n", u)
	}
	if o.Select != nil {
		fmt.Fprintln(h, "selected")
	}
	for _, u := range sortedKeys(o.Map) {
		fmt.Fprintf(h, "map %q %q\n", u, o.Map[u])
	}
	return "restore-" + hex.EncodeToString(h.Sum(nil)[:8])
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// close ends the run. finished removes what it kept for being continued.
func (r *restore) close(finished bool) error {
	var errs []error
	if r.jr != nil {
		errs = append(errs, r.jr.Close())
	}
	if r.run != nil {
		errs = append(errs, r.run.End(finished))
	}
	if r.store != nil {
		errs = append(errs, r.store.Close())
	}
	return errors.Join(errs...)
}

// convert runs the pipeline.
func (r *restore) convert(ctx context.Context) error {
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
	r.ready = make(chan *finished, 64)

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
	p.finish(err == nil)
	close(r.work)
	close(r.order)
	workers.Wait()
	collecting.Wait()
	close(r.ready)
	committing.Wait()

	r.rep, r.date = p.rep, p.latest
	r.rep.add(&c.rep)
	r.rep.UnknownKeys = p.unknown
	if failed := r.failure(); failed != nil {
		return failed
	}
	return err
}

// fail notes the first error that ends the run, and stops the reading.
func (r *restore) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		r.err = err
		r.cancel()
	}
}

func (r *restore) failure() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

func (r *RestoreReport) add(o *RestoreReport) {
	r.Users += o.Users
	r.Mailboxes += o.Mailboxes
	r.Messages += o.Messages
	r.Bytes += o.Bytes
	r.Links += o.Links
	r.Copies += o.Copies
	r.Expired += o.Expired
	r.Pending += o.Pending
	r.Duplicates += o.Duplicates
	r.Updated += o.Updated
	r.Refused += o.Refused
	r.NotSelected += o.NotSelected
	r.Resumed += o.Resumed
	r.BareLF += o.BareLF
}
