package merge

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"imsconv/storeconv"
	"imsconv/storeconv/durable"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/nms"
)

// state is what became of a tree.
type state int

const (
	stateStaged    state = iota
	stateThere           // in place already
	stateRefused         // something else is in its place, or it cannot be read
	stateLooked          // a dry run, or the store's own
	stateUnstarted       // the merge was cancelled
)

// result is what a worker made of a unit.
type result struct {
	state  state
	stage  string // name in the run's stage
	mode   uint32 // of the tree's top
	counts counts
	boxes  []string
	notes  []storeconv.Note
	err    error // of the store: ends the merge
}

// stageCounter numbers what is staged.
type stageCounter = atomic.Uint64

// mergeTrees finds the trees of all parts in order, has workers copy them into
// the stage, and puts them in place batch by batch, in order.
func (m *merge) mergeTrees(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	// The window bounds how far the workers may be ahead of the slowest tree.
	window := 64 * m.opts.Jobs
	order := make(chan *unit, window)
	work := make(chan *unit, window)
	finished := make(chan error, 1)
	for range m.opts.Jobs {
		go m.work(ctx, work)
	}
	go func() { finished <- m.commitTrees(ctx, cancel, order) }()

	err := m.eachTree(m.log, func(u *unit) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		order <- u
		if len(u.done) == 0 {
			work <- u
		}
		return nil
	})
	close(work)
	close(order)
	if commitErr := <-finished; commitErr != nil {
		return commitErr
	}
	return err
}

// worker makes units, one after the other.
type worker struct {
	m       *merge
	fs      durable.FS // of the store
	walk    walk
	clone   cloner
	compare comparer
}

func (m *merge) work(ctx context.Context, work <-chan *unit) {
	w := &worker{m: m, fs: durable.OS}
	if m.opts.FS != nil {
		w.fs = m.opts.FS
	}
	w.compare.fs = w.fs
	w.clone.files = durable.Cloner{FS: w.fs, Owner: m.opts.Owner, Pool: m.pool}
	w.walk.dst = nms.Descent{Close: w.fs.Close, Stat: w.fs.Fstat,
		Open: func(dir int, name string) (int, error) { return durable.OpenIn(w.fs, dir, name) }}
	for u := range work {
		if ctx.Err() != nil {
			u.done <- result{state: stateUnstarted}
			continue
		}
		u.done <- w.unit(u)
	}
}

// unit makes one tree in the stage, unless it is in place already.
func (w *worker) unit(u *unit) result {
	if u.part == nil {
		return w.look(u, w.m.store)
	}
	src, err := u.part.openDir(u.rel)
	if err != nil {
		if ims.OfMachine(err) {
			return result{err: fmt.Errorf("%s: open: %w", u.where(), err)}
		}
		return refuse(u, "unreadable", fmt.Sprintf("open: %v", err))
	}
	defer unix.Close(src)
	if done, res := w.inPlace(u, src); done {
		return res
	}
	switch {
	case w.m.opts.Via == ViaNone:
		return refuse(u, "not-there", fmt.Sprintf("the store does not have %s: bring the tree, or merge with --via copy", u.name()))
	case w.m.run == nil:
		return w.look(u, u.part.path)
	}
	return w.stage(u, src)
}

func refuse(u *unit, kind, text string) result {
	return result{state: stateRefused, notes: []storeconv.Note{{Severity: storeconv.Problem, Kind: kind, Where: u.where(), Text: text}}}
}

// result fills in what the walk found.
func (w *worker) result(res result) result {
	res.counts = w.walk.counts
	res.notes = append(res.notes, w.walk.notes...)
	res.boxes = w.walk.sortedBoxes()
	if p := w.m.opts.Progress; p != nil {
		p.Add(res.counts.messages+res.counts.others, res.counts.bytes)
	}
	return res
}

// look goes through a tree below the store at path and writes nothing.
func (w *worker) look(u *unit, path string) result {
	fd, err := (&part{path: path}).openDir(u.rel)
	if err != nil {
		return result{err: fmt.Errorf("%s: open: %w", u.where(), err)}
	}
	defer unix.Close(fd)
	err = w.walk.top(new(looker), u.where(), fd, -1)
	return w.result(result{state: stateLooked, err: err})
}

// inPlace looks at what the store has in the tree's place.
func (w *worker) inPlace(u *unit, src int) (done bool, res result) {
	if w.m.dst == nil {
		return false, res
	}
	there, err := durable.OpenIn(w.fs, w.m.dst.FD(), u.rel)
	if err == unix.ENOENT {
		return false, res
	}
	if err == unix.ENOTDIR || err == unix.ELOOP {
		return true, refuse(u, "already-there", "the store has something else than a directory in the place of "+u.name())
	}
	if err != nil {
		return true, result{err: fmt.Errorf("%s: open: %w", u.rel, err)}
	}
	defer w.fs.Close(there)
	w.compare.begin()
	if err := w.walk.top(&w.compare, u.where(), src, there); err != nil {
		return true, result{err: err}
	}
	if w.compare.differs == "" {
		return true, w.result(result{state: stateThere})
	}
	return true, refuse(u, "already-there", fmt.Sprintf("the store has another tree for %s, which stays as it is (%s)", u.name(), w.compare.differs))
}

// stage makes the tree in the run's stage.
func (w *worker) stage(u *unit, src int) result {
	var st unix.Stat_t
	if err := unix.Fstat(src, &st); err != nil {
		return result{err: fmt.Errorf("%s: stat: %w", u.where(), err)}
	}
	name := strconv.FormatUint(w.m.stages.Add(1), 10)
	stage := w.m.run.Stage.FD()
	if err := w.fs.Mkdirat(stage, name, durable.DirMode); err != nil {
		return result{err: fmt.Errorf("make stage: %w", err)}
	}
	dst, err := durable.OpenIn(w.fs, stage, name)
	if err != nil {
		return result{err: fmt.Errorf("open stage: %w", err)}
	}
	w.clone.link = u.part.via == ViaHardlink
	err = w.walk.top(&w.clone, u.where(), src, dst)
	if closeErr := w.fs.Close(dst); err == nil {
		err = closeErr
	}
	return w.result(result{state: stateStaged, stage: name, mode: st.Mode & 0o7777, err: err})
}

// Limits of a batch: what is lost of a merge that is killed, and staged at a
// time.
const (
	batchTrees = 2000
	batchFiles = 50000
	batchBytes = 512 << 20
)

// batch is staged trees on their way into place.
type batch struct {
	units   []*unit
	results []result
	files   int64
	bytes   int64
}

func (b *batch) add(u *unit, res result) {
	b.units, b.results = append(b.units, u), append(b.results, res)
	b.files += res.counts.messages + res.counts.others
	b.bytes += res.counts.copied
}

func (b *batch) full() bool {
	return len(b.units) >= batchTrees || b.files >= batchFiles || b.bytes >= batchBytes
}

// commitTrees takes the trees in order and puts them in place batch by batch.
// After an error it drains the channel, so that nobody waits for it.
func (m *merge) commitTrees(ctx context.Context, cancel context.CancelCauseFunc, order <-chan *unit) error {
	var b batch
	var failed error
	for u := range order {
		res := <-u.done
		if failed != nil || res.state == stateUnstarted {
			continue
		}
		failed = res.err
		switch {
		case failed != nil:
		case res.state != stateStaged:
			failed = m.settle(u, res)
		default:
			b.add(u, res)
			if b.full() || m.opts.Sync == storeconv.SyncUser {
				failed = m.commit(&b)
			}
		}
		if failed != nil {
			cancel(failed)
		}
	}
	if failed == nil {
		failed = m.commit(&b)
	}
	if failed == nil && ctx.Err() != nil {
		failed = context.Cause(ctx)
	}
	return failed
}

// commit puts one batch in place. Its users are locked meanwhile, in the order
// of the walk, which is that of every merge.
func (m *merge) commit(b *batch) error {
	defer func() { *b = batch{units: b.units[:0], results: b.results[:0]} }()
	if len(b.units) == 0 {
		return nil
	}
	locked := slices.Clone(b.units)
	for _, u := range locked {
		if err := m.run.LockUser(u.id); err != nil {
			return fmt.Errorf("lock %s: %w", u.name(), err)
		}
	}
	err := m.commitLocked(b)
	for _, u := range locked {
		err = errors.Join(err, m.run.UnlockUser(u.id))
	}
	if err != nil {
		return err
	}
	for i, u := range b.units {
		// The owner's write permission was kept for the rename.
		if mode := b.results[i].mode; mode&0o200 == 0 {
			if err := m.dst.FS().Fchmodat(m.dst.FD(), u.rel, mode); err != nil {
				return fmt.Errorf("%s: change mode: %w", u.rel, err)
			}
		}
		if err := m.settle(u, b.results[i]); err != nil {
			return err
		}
	}
	return nil
}

func (m *merge) commitLocked(b *batch) error {
	if err := m.dropClashes(b); err != nil {
		return err
	}
	moves := make([]durable.Move, len(b.units))
	for i, u := range b.units {
		moves[i] = durable.Move{From: b.results[i].stage, To: u.rel}
	}
	return m.run.Commit(moves, nil)
}

// dropClashes gives up staged trees whose place another run has taken in the
// meantime.
func (m *merge) dropClashes(b *batch) error {
	keep := 0
	for i, u := range b.units {
		if _, err := m.dst.Stat(u.rel); errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) {
			b.units[keep], b.results[keep] = u, b.results[i]
			keep++
			continue
		}
		if err := m.run.Stage.RemoveAll(b.results[i].stage); err != nil {
			return err
		}
		if err := m.settle(u, refuse(u, "already-there", "the store has got another tree for "+u.name()+" in the meantime, which stays as it is")); err != nil {
			return err
		}
	}
	b.units, b.results = b.units[:keep], b.results[:keep]
	return nil
}

// settle counts a tree that is done with, and tells its notes.
func (m *merge) settle(u *unit, res result) error {
	for _, n := range res.notes {
		n.Tell(m.log)
	}
	r := &m.report
	if u.part != nil && u.id != "" {
		r.Trees++
	}
	switch {
	case res.state == stateRefused:
		if u.id != "" {
			r.LeftOut++
		}
		return m.refused.add(u.part, u.id, u.partition)
	case u.part == nil:
		return m.noteBoxes(u, res.boxes)
	case u.id == "":
	case res.state == stateThere:
		r.Unchanged++
	default:
		r.Placed++
	}
	m.countFiles(u, &res.counts)
	m.dirs.note(u.part, u.rel)
	return m.noteBoxes(u, res.boxes)
}

// countFiles counts the files of a tree that is in place. Of one that was so
// before, nothing was copied or linked.
func (m *merge) countFiles(u *unit, c *counts) {
	r := &m.report
	r.Mailboxes += c.mailboxes
	r.Messages += c.messages
	r.Others += c.others
	r.Bytes += c.bytes
	r.Linked += c.linked
	r.Copied += c.copied
	r.Shared += c.shared
	r.Fallback += c.fallback
	if c.fallback > 0 {
		m.log.Warning("copied", u.where(), fmt.Sprintf("%d messages could not be linked and were copied", c.fallback))
	}
}
