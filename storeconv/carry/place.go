package carry

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"

	"imsconv/storeconv"
	"imsconv/storeconv/durable"
	"imsconv/storeconv/ims"
)

// A Placer has workers make trees in the stage of a run, and puts them in place
// in order, batch by batch. U points to what a conversion knows of a tree. The
// fields are set before [Placer.Place].
type Placer[U Unit] struct {
	Run      *durable.Run // nil: nothing is staged
	Jobs     int          // workers, 1 at the least
	Sync     storeconv.SyncMode
	Progress storeconv.Progress

	// Worker makes what makes trees, for one goroutine.
	Worker func() func(U) Result
	// Clash makes the result of a staged tree that found its place taken.
	Clash func(U, Result) Result
	// Settle is told of each tree once it is done with: one that was staged when
	// it is in place, others in their turn, which may be before staged ones that
	// were found earlier. An error ends the run.
	Settle func(U, Result) error

	stages atomic.Uint64 // numbers what is staged
}

// Place makes and places all trees that each yields, or tells what has been
// told of them. Its error is each's, or the first one of a tree in the order
// of the trees.
func (p *Placer[U]) Place(ctx context.Context, each func(yield func(U) error) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	// The window bounds how far the workers may be ahead of the slowest tree.
	window := 64 * p.Jobs
	order := make(chan U, window)
	work := make(chan U, window)
	finished := make(chan error, 1)
	for range p.Jobs {
		go p.work(ctx, work)
	}
	go func() { finished <- p.commitAll(ctx, cancel, order) }()

	err := each(func(u U) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		told := u.tree().Told()
		order <- u
		if !told {
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

// work makes trees, one after the other.
func (p *Placer[U]) work(ctx context.Context, work <-chan U) {
	treeOf := p.Worker()
	for u := range work {
		if ctx.Err() != nil {
			u.tree().done <- Result{State: Unstarted}
			continue
		}
		res := treeOf(u)
		if p.Progress != nil {
			p.Progress.Add(res.Counts.Messages+res.Counts.Others, res.Counts.Bytes)
		}
		u.tree().done <- res
	}
}

// Stage makes a tree in the stage. w walks it with c. An error names the place
// in the stage, since it is of that, and then what was to be brought there.
func (p *Placer[U]) Stage(w *Walk, c *Cloner, top Top) Result {
	f, stage := p.Run.Stage.FS(), p.Run.Stage.FD()
	name := strconv.FormatUint(p.stages.Add(1), 10)
	at := filepath.Join(p.Run.Stage.Name(), name)
	if err := f.Mkdirat(stage, name, durable.DirMode); err != nil {
		return Result{Err: fmt.Errorf("%s: make directory: %w", at, err)}
	}
	var err error
	if top.Dst, err = durable.OpenIn(f, stage, name); err != nil {
		return Result{Err: fmt.Errorf("%s: open: %w", at, err)}
	}
	err = w.Tree(c, &top)
	if err != nil && !ims.OfMachine(err) {
		err = fmt.Errorf("%s: copy of %w", at, err)
	}
	if closeErr := f.Close(top.Dst); err == nil && closeErr != nil {
		err = fmt.Errorf("%s: close: %w", at, closeErr)
	}
	return w.Result(Result{State: Staged, stage: name, mode: top.Stat.Mode & 0o7777, Err: err})
}

// Complete makes a tree in the stage that is to take the place of one that is
// there in part. There must be nothing in that one that the source could not
// be read for: where [Comparer] said Unread it stays, and so it does where this
// walk, which reads more, meets a gap that the comparison, w's last walk, did
// not. A later run completes it then.
func (p *Placer[U]) Complete(t *Tree, w *Walk, c *Cloner, top Top, unread bool) Result {
	if unread {
		return Stays(t, w)
	}
	gaps := slices.Clone(w.Gaps)
	res := p.Stage(w, c, top)
	res.Exchange = true
	if res.Err != nil || slices.Equal(gaps, w.Gaps) {
		return res
	}
	if err := p.Run.Stage.RemoveAll(res.stage); err != nil {
		return Result{Err: err}
	}
	return Stays(t, w)
}

// Stays is the result for a tree in place that cannot be completed now.
func Stays(t *Tree, w *Walk) Result {
	res := w.Result(Result{State: There})
	res.Notes = append(res.Notes, t.Note("incomplete", "the store has the tree of "+t.Whose()+" in part, and it stays as it is: the same command completes it once all of it can be read"))
	return res
}

// Result adds to res what the last walk found.
func (w *Walk) Result(res Result) Result {
	res.Counts = w.Counts
	res.Boxes = slices.Clone(w.Boxes)
	res.Notes = append(res.Notes, w.Notes...)
	return res
}

// Limits of a batch: what is lost of a run that is killed, and staged at a
// time. Where nothing is synced a batch costs next to nothing, and a small one
// is put in place while others are made.
const (
	batchTrees    = 2000
	batchFiles    = 50000
	batchBytes    = 512 << 20
	unsyncedBatch = 50
)

// treesOf is how many trees a batch has at the most.
func treesOf(sync storeconv.SyncMode) int {
	switch sync {
	case storeconv.SyncUser:
		return 1
	case storeconv.SyncNone:
		return unsyncedBatch
	}
	return batchTrees
}

// batch is staged trees on their way into place.
type batch[U Unit] struct {
	trees   []U
	results []Result
	files   int64
	bytes   int64
}

func (b *batch[U]) add(u U, res Result) {
	b.trees, b.results = append(b.trees, u), append(b.results, res)
	b.files += res.Counts.Messages + res.Counts.Others
	b.bytes += res.Counts.Copied
}

func (b *batch[U]) full(trees int) bool {
	return len(b.trees) >= trees || b.files >= batchFiles || b.bytes >= batchBytes
}

// reset forgets the batch and keeps its memory.
func (b *batch[U]) reset() { *b = batch[U]{trees: b.trees[:0], results: b.results[:0]} }

// commitAll takes the trees in order and puts them in place batch by batch.
// After an error it drains the channel, so that nobody waits for it.
func (p *Placer[U]) commitAll(ctx context.Context, cancel context.CancelCauseFunc, order <-chan U) error {
	var b batch[U]
	var failed error
	for u := range order {
		res := <-u.tree().done
		if failed != nil || res.State == Unstarted {
			continue
		}
		failed = res.Err
		switch {
		case failed != nil:
		case res.State != Staged:
			failed = p.Settle(u, res)
		default:
			b.add(u, res)
			if b.full(treesOf(p.Sync)) {
				failed = p.commit(&b)
			}
		}
		if failed != nil {
			cancel(failed)
		}
	}
	if failed == nil {
		failed = p.commit(&b)
	}
	if failed == nil && ctx.Err() != nil {
		failed = context.Cause(ctx)
	}
	return failed
}

// commit puts one batch in place. Its users are locked meanwhile, in the order
// of the walk, which is that of every run over the same source.
func (p *Placer[U]) commit(b *batch[U]) error {
	defer b.reset()
	if len(b.trees) == 0 {
		return nil
	}
	locked := slices.Clone(b.trees)
	for _, u := range locked {
		if err := p.Run.LockUser(u.tree().User); err != nil {
			return fmt.Errorf("lock %s: %w", u.tree().Whose(), err)
		}
	}
	err := p.commitLocked(b)
	for _, u := range locked {
		err = errors.Join(err, p.Run.UnlockUser(u.tree().User))
	}
	if err != nil {
		return err
	}
	for i, u := range b.trees {
		if err := p.restoreMode(u.tree(), b.results[i].mode); err != nil {
			return err
		}
		if err := p.Settle(u, b.results[i]); err != nil {
			return err
		}
	}
	return nil
}

// restoreMode takes away the write permission that the top of a staged tree has
// kept for the rename.
func (p *Placer[U]) restoreMode(t *Tree, mode uint32) error {
	if mode&ownerWrites != 0 {
		return nil
	}
	store := p.Run.Store.Dir
	if err := store.FS().Fchmodat(store.FD(), t.To, mode); err != nil {
		return fmt.Errorf("%s: change mode: %w", filepath.Join(store.Name(), t.To), err)
	}
	return nil
}

func (p *Placer[U]) commitLocked(b *batch[U]) error {
	if err := p.dropClashes(b); err != nil {
		return err
	}
	moves := make([]durable.Move, len(b.trees))
	for i, u := range b.trees {
		moves[i] = durable.Move{From: b.results[i].stage, To: u.tree().To, Exchange: b.results[i].Exchange}
	}
	return p.Run.Commit(moves, nil)
}

// dropClashes gives up the staged trees of a batch that find their place taken:
// by one of the same batch, or by another run in the meantime.
func (p *Placer[U]) dropClashes(b *batch[U]) error {
	taken := make(map[string]bool, len(b.trees))
	keep := 0
	for i, u := range b.trees {
		to, res := u.tree().To, b.results[i]
		_, err := p.Run.Store.Stat(to)
		if !taken[to] && (res.Exchange || err != nil) {
			taken[to] = true
			b.trees[keep], b.results[keep] = u, res
			keep++
			continue
		}
		if err := p.Run.Stage.RemoveAll(res.stage); err != nil {
			return err
		}
		if err := p.Settle(u, p.Clash(u, res)); err != nil {
			return err
		}
	}
	b.trees, b.results = b.trees[:keep], b.results[:keep]
	return nil
}
