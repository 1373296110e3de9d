package relocate

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"imsconv/storeconv"
	"imsconv/storeconv/durable"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/nms"
)

// treeWorker makes userTrees, one after the other.
type treeWorker struct {
	r       *relocation
	fs      durable.FS // of the new store
	walk    userWalk
	clone   cloner
	compare comparer
	scan    scanner
}

func (r *relocation) work(ctx context.Context, work <-chan *userTree) {
	w := &treeWorker{r: r}
	w.walk.repair = r.opts.RepairHash
	w.clone = cloner{via: r.via, euid: os.Geteuid()}
	w.clone.files.Pool = r.pool
	w.fs = durable.OS
	if r.opts.FS != nil {
		w.fs = r.opts.FS
	}
	w.compare.fs, w.clone.files.FS = w.fs, w.fs
	w.walk.dst = nms.Descent{Close: w.fs.Close, Stat: w.fs.Fstat,
		Open: func(dir int, name string) (int, error) { return durable.OpenIn(w.fs, dir, name) }}
	w.clone.files.Owner = r.opts.Owner
	for u := range work {
		if ctx.Err() != nil {
			u.done <- treeResult{state: treeUnstarted}
			continue
		}
		u.done <- w.tree(u)
	}
}

// tree makes one user's tree in the stage, unless it is in place already.
func (w *treeWorker) tree(u *userTree) treeResult {
	src, err := u.source()
	if err != nil {
		if ims.OfMachine(err) {
			return treeResult{err: fmt.Errorf("%s: open: %w", u.where, err)}
		}
		return treeResult{state: treeRefused, notes: []storeconv.Note{{Severity: storeconv.Problem, Kind: "unreadable", Where: u.where, Text: fmt.Sprintf("open: %v", err)}}}
	}
	defer unix.Close(src)
	if w.r.opts.DryRun {
		w.begin(u, &w.scan)
		err := w.walk.top(src, -1)
		return w.result(u, treeResult{state: treeScanned, err: err})
	}
	if u.legacyPath != "" {
		if err := w.r.moveLegacy(u); err != nil {
			return treeResult{err: err}
		}
	}
	exchange, done, res := w.inPlace(u, src)
	if done {
		return res
	}
	return w.stage(u, src, exchange)
}

func (w *treeWorker) begin(u *userTree, v treeVisitor) {
	w.walk.visitor = v
	w.walk.reset(u.where)
}

// result fills in what the walk found.
func (w *treeWorker) result(u *userTree, res treeResult) treeResult {
	res.counts = w.walk.counts
	res.moved = w.walk.moved
	res.notes = append(res.notes, w.walk.notes...)
	if !u.shared {
		res.boxes = slices.Clone(w.walk.boxes)
	}
	return w.addProgress(res)
}

// addProgress tells the progress.
func (w *treeWorker) addProgress(res treeResult) treeResult {
	if w.r.opts.Progress != nil {
		w.r.opts.Progress.Add(res.counts.Messages+res.counts.Others, res.counts.Bytes)
	}
	return res
}

// inPlace looks at what the new store has in the user's place.
func (w *treeWorker) inPlace(u *userTree, src int) (exchange, done bool, res treeResult) {
	there, err := durable.OpenIn(w.fs, w.r.dst.FD(), u.to)
	if err == unix.ENOENT {
		return false, false, res
	}
	if err != nil {
		return false, true, treeResult{err: fmt.Errorf("%s: open: %w", u.to, err)}
	}
	defer w.fs.Close(there)
	same, err := w.compareTo(u, src, there)
	if err == nil && same == treeOther && w.walk.moved > 0 {
		// An earlier run without RepairHash may have left the names as they were.
		w.walk.repair = false
		same, err = w.compareTo(u, src, there)
		w.walk.repair = true
		if same != treeOther {
			same = treePartial
		}
	}
	if err != nil {
		return false, true, treeResult{err: err}
	}
	switch same {
	case treeSame:
		return false, true, w.result(u, treeResult{state: treeThere})
	case treePartial:
		return true, false, res
	}
	res = w.result(u, treeResult{state: treeRefused})
	res.notes = append(res.notes, storeconv.Note{Severity: storeconv.Problem, Kind: "already-there", Where: u.where,
		Text: fmt.Sprintf("the new store has another tree for user %s, which stays as it is (%s)", u.newID, w.compare.differs)})
	return false, true, res
}

// compareTo holds the source's tree against the one that is there.
func (w *treeWorker) compareTo(u *userTree, src, there int) (sameTree, error) {
	w.begin(u, &w.compare)
	w.compare.reset()
	err := w.walk.top(src, there)
	return w.compare.result(), err
}

// stage makes the tree in the run's stage.
func (w *treeWorker) stage(u *userTree, src int, exchange bool) treeResult {
	var st unix.Stat_t
	if err := unix.Fstat(src, &st); err != nil {
		if ims.OfMachine(err) {
			return treeResult{err: fmt.Errorf("%s: stat: %w", u.where, err)}
		}
		return treeResult{state: treeRefused, notes: []storeconv.Note{{Severity: storeconv.Problem, Kind: "unreadable", Where: u.where, Text: fmt.Sprintf("stat: %v", err)}}}
	}
	name := strconv.FormatUint(w.r.stageNumber.Add(1), 10)
	stage := w.r.run.Stage.FD()
	if err := w.fs.Mkdirat(stage, name, 0o700); err != nil {
		return treeResult{err: fmt.Errorf("make stage: %w", err)}
	}
	dst, err := durable.OpenIn(w.fs, stage, name)
	if err != nil {
		return treeResult{err: fmt.Errorf("open stage: %w", err)}
	}
	w.begin(u, &w.clone)
	w.clone.srcName, w.clone.srcPath = u.where, u.path()
	err = w.walk.top(src, dst)
	if closeErr := w.fs.Close(dst); err == nil {
		err = closeErr
	}
	return w.result(u, treeResult{state: treeStaged, stage: name, mode: st.Mode & 0o7777, exchange: exchange, err: err})
}

// moveLegacy takes up a tree that an earlier run without RepairHash put where
// the source has it.
func (r *relocation) moveLegacy(u *userTree) error {
	if _, err := r.dst.Stat(u.legacyPath); err != nil {
		return nil
	}
	if _, err := r.dst.Stat(u.to); err == nil {
		return nil // both are there: the comparison will tell
	}
	if err := r.dst.MkdirAll(filepath.Dir(u.to)); err != nil {
		return err
	}
	return r.dst.Rename(u.legacyPath, r.dst.Dir, u.to)
}

// Limits of a batch: what is lost of a run that is killed, and staged at a
// time.
const (
	treeBatchTrees = 2000
	treeBatchFiles = 50000
	treeBatchBytes = 512 << 20
)

// treeBatch is staged trees on their way into place.
type treeBatch struct {
	trees   []*userTree
	results []treeResult
	files   int64
	bytes   int64
}

// commitTrees takes the trees in order and puts them in place batch by batch.
// After an error it drains the channel, so that nobody waits for it.
func (r *relocation) commitTrees(ctx context.Context, cancel context.CancelCauseFunc, order <-chan *userTree) error {
	var batch treeBatch
	var failed error
	for u := range order {
		res := <-u.done
		if failed != nil || res.state == treeUnstarted {
			continue
		}
		if res.err != nil {
			failed = res.err
			cancel(failed)
			continue
		}
		if res.state != treeStaged {
			if failed = r.reportTree(u, res); failed != nil {
				cancel(failed)
			}
			continue
		}
		batch.trees, batch.results = append(batch.trees, u), append(batch.results, res)
		batch.files += res.counts.Messages + res.counts.Others
		batch.bytes += res.counts.Copied
		if len(batch.trees) >= treeBatchTrees || batch.files >= treeBatchFiles || batch.bytes >= treeBatchBytes || r.opts.Sync == storeconv.SyncUser {
			if failed = r.commit(&batch); failed != nil {
				cancel(failed)
			}
		}
	}
	if failed == nil {
		failed = r.commit(&batch)
	}
	if failed == nil && ctx.Err() != nil {
		failed = context.Cause(ctx)
	}
	return failed
}

// commit puts one batch in place. Its users are locked meanwhile, in the order
// of the walk, which is that of every run over the same source.
func (r *relocation) commit(b *treeBatch) error {
	defer func() { *b = treeBatch{trees: b.trees[:0], results: b.results[:0]} }()
	locked := slices.Clone(b.trees)
	for _, u := range locked {
		if err := r.run.LockUser(u.newID); err != nil {
			return fmt.Errorf("lock user %s: %w", u.newID, err)
		}
	}
	err := r.commitLocked(b)
	for _, u := range locked {
		err = errors.Join(err, r.run.UnlockUser(u.newID))
	}
	if err != nil {
		return err
	}
	for i, u := range b.trees {
		// The owner's write permission was kept for the rename.
		if mode := b.results[i].mode; mode&0o200 == 0 {
			if err := r.dst.FS().Fchmodat(r.dst.FD(), u.to, mode); err != nil {
				return fmt.Errorf("%s: change mode: %w", u.to, err)
			}
		}
		if err := r.reportTree(u, b.results[i]); err != nil {
			return err
		}
	}
	return nil
}

func (r *relocation) commitLocked(b *treeBatch) error {
	if err := r.dropClashes(b); err != nil {
		return err
	}
	moves := make([]durable.Move, len(b.trees))
	for i, u := range b.trees {
		moves[i] = durable.Move{From: b.results[i].stage, To: u.to, Exchange: b.results[i].exchange}
	}
	return r.run.Commit(moves, nil)
}

// dropClashes takes out of a batch the trees that find their place full: by one
// of the same user that lies where it belongs, or by another run in the
// meantime.
func (r *relocation) dropClashes(b *treeBatch) error {
	taken := make(map[string]bool, len(b.trees))
	keep := 0
	for i, u := range b.trees {
		_, err := r.dst.Stat(u.to)
		clash := taken[u.to] || !b.results[i].exchange && err == nil
		if !clash {
			taken[u.to] = true
			b.trees[keep], b.results[keep] = u, b.results[i]
			keep++
			continue
		}
		if err := r.clash(u, b.results[i]); err != nil {
			return err
		}
	}
	b.trees, b.results = b.trees[:keep], b.results[:keep]
	return nil
}

// clash gives up a staged tree whose place is taken.
func (r *relocation) clash(u *userTree, res treeResult) error {
	if err := r.run.Stage.RemoveAll(res.stage); err != nil {
		return err
	}
	res.state = treeRefused
	res.notes = append(res.notes, storeconv.Note{Severity: storeconv.Problem, Kind: "already-there", Where: u.where,
		Text: fmt.Sprintf("another directory of user %s has its place in the new store: left out", u.id)})
	return r.reportTree(u, res)
}

// reportTree counts a tree that is done with, and tells its notes.
func (r *relocation) reportTree(u *userTree, res treeResult) error {
	for _, n := range res.notes {
		n.Tell(r.log)
	}
	r.countUser(u, res)
	switch res.state {
	case treeNote, treeRefused:
		return nil
	}
	r.countFiles(u, res.counts)
	if u.shared {
		return nil
	}
	r.dirTimes.note(r, u)
	if err := r.noteMailboxes(u, res.boxes); err != nil {
		return err
	}
	if !r.opts.Requota {
		return nil
	}
	return r.count(u, res.counts)
}

// countUser counts what became of a user.
func (r *relocation) countUser(u *userTree, res treeResult) {
	rep := &r.report
	switch {
	case res.state == treeNote:
		rep.Users += res.users
		rep.LeftOut += res.leftOut
		return
	case u.shared && res.state != treeRefused:
		rep.SharedTrees++
		return
	case !u.shared:
		rep.Users++
	}
	switch res.state {
	case treeRefused:
		rep.LeftOut++
		return
	case treeThere:
		rep.Unchanged++
		return
	}
	if res.exchange {
		rep.Completed++
	} else {
		rep.Placed++
	}
	if u.newID != u.id {
		rep.Renamed++
	}
	if u.rehash && r.opts.RepairHash {
		rep.Rehashed++
	}
	if u.respell {
		rep.Respelled++
	}
	rep.Respelled += res.moved
}

// countFiles counts the files of a tree that is in place. Of one that was so
// before, nothing was copied or linked.
func (r *relocation) countFiles(u *userTree, c treeCounts) {
	rep := &r.report
	rep.Mailboxes += c.Mailboxes
	rep.Messages += c.Messages
	rep.Others += c.Others
	rep.Bytes += c.Bytes
	rep.Copied += c.Copied
	rep.Linked += c.Linked
	rep.Shared += c.Shared
	rep.Fallback += c.Fallback
	if c.Fallback > 0 {
		r.log.Warning("copied", u.where, fmt.Sprintf("%d messages could not be linked and were copied", c.Fallback))
	}
}

// stageCounter numbers the staged trees.
type stageCounter = atomic.Uint64
