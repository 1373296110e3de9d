package relocate

import (
	"context"
	"fmt"
	"path/filepath"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/carry"
	"imsconv/storeconv/durable"
	"imsconv/storeconv/ims"
)

// relocateTrees finds the users of all partitions in order, has workers copy
// them into the stage, and puts them in place batch by batch, in order.
func (r *relocation) relocateTrees(ctx context.Context) error {
	r.placer = carry.Placer[*userTree]{
		Run: r.run, Jobs: r.opts.Jobs, Sync: r.opts.Sync, Progress: r.opts.Progress,
		Worker: func() func(*userTree) carry.Result { return r.newWorker().tree },
		Clash:  clash, Settle: r.settle,
	}
	return r.placer.Place(ctx, r.eachUser)
}

// treeWorker makes userTrees, one after the other.
type treeWorker struct {
	r       *relocation
	fs      durable.FS // of the new store
	names   treeNames
	walk    *carry.Walk
	clone   carry.Cloner
	links   *linker
	compare carry.Comparer
	found   findings // of the comparison
}

func (r *relocation) newWorker() *treeWorker {
	w := &treeWorker{r: r, fs: r.opts.FS}
	if w.fs == nil {
		w.fs = durable.OS
	}
	w.walk = carry.NewWalk(w.fs, &w.names)
	w.clone = carry.Cloner{Met: checkMode, Files: durable.Cloner{FS: w.fs, Owner: r.opts.Owner, Pool: r.pool}}
	w.links = newLinker(&w.clone.Files)
	switch r.via {
	case ViaHardlink:
		w.clone.Link = w.links.hard
	case ViaSymlink:
		w.clone.Link = w.links.symbolic
	}
	// A symbolic link to a message counts as the message.
	w.compare = carry.Comparer{FS: w.fs, Follow: true, Met: checkMode, Differs: w.found.add}
	return w
}

// tree makes one user's tree in the stage, unless it is in place already.
func (w *treeWorker) tree(u *userTree) carry.Result {
	top := carry.Top{Where: u.Where, Dst: -1}
	step := "open"
	var err error
	if top.Src, err = u.source(); err == nil {
		defer unix.Close(top.Src)
		step, err = "stat", unix.Fstat(top.Src, &top.Stat)
	}
	if ims.OfMachine(err) {
		return carry.Result{Err: fmt.Errorf("%s: %s: %w", u.Where, step, err)}
	}
	if err != nil {
		return u.Refuse("unreadable", fmt.Sprintf("%s: %v", step, err))
	}
	if w.r.opts.DryRun {
		return w.look(u, &top)
	}
	if u.legacyPath != "" {
		if err := w.r.moveLegacy(u); err != nil {
			return carry.Result{Err: err}
		}
	}
	exchange, done, res := w.inPlace(u, top)
	if done {
		return res
	}
	return w.stage(u, top, exchange)
}

// look walks a tree of a dry run, unless the run would leave it out or has
// nothing to do.
func (w *treeWorker) look(u *userTree, top *carry.Top) carry.Result {
	completes := false
	if w.r.dst != nil {
		var done bool
		var res carry.Result
		if completes, done, res = w.inPlace(u, *top); done {
			return res
		}
		if completes && w.found.unread {
			return carry.Stays(&u.Tree, w.walk)
		}
	}
	w.names = treeNames{repair: w.r.opts.RepairHash}
	err := w.walk.Tree(&carry.Looker{Met: checkMode, Link: w.clone.Link != nil, Copies: &w.r.copies}, top)
	res := w.result(u, carry.Looked)
	res.Exchange, res.Err = completes, err
	return res
}

// result tells what the walk found.
func (w *treeWorker) result(u *userTree, state carry.State) carry.Result {
	u.moved = w.names.moved
	return w.walk.Result(carry.Result{State: state})
}

// inPlace looks at what the new store has in the user's place.
func (w *treeWorker) inPlace(u *userTree, top carry.Top) (exchange, done bool, res carry.Result) {
	var err error
	top.Dst, err = durable.OpenIn(w.fs, w.r.dst.FD(), u.To)
	if err == unix.ENOENT && w.r.opts.DryRun && u.legacyPath != "" { // a run would have moved it
		top.Dst, err = durable.OpenIn(w.fs, w.r.dst.FD(), u.legacyPath)
	}
	if err == unix.ENOENT {
		return false, false, res
	}
	if err != nil {
		return false, true, carry.Result{Err: fmt.Errorf("%s: open: %w", filepath.Join(w.r.store, u.To), err)}
	}
	defer w.fs.Close(top.Dst)
	same, err := w.compareTo(&top, w.r.opts.RepairHash)
	if err == nil && same == treeOther && w.names.moved > 0 {
		// An earlier run without RepairHash may have left the names as they were.
		same, err = w.compareTo(&top, false)
		if same != treeOther {
			same = treePartial
		}
	}
	if err != nil {
		return false, true, carry.Result{Err: err}
	}
	switch same {
	case treeSame:
		return false, true, w.result(u, carry.There)
	case treePartial:
		return true, false, res
	case treeClosed:
		res = w.result(u, carry.Refused)
		res.Notes = append(res.Notes, u.Note("unreadable",
			fmt.Sprintf("what the new store has of user %s cannot be looked at, and stays as it is: the counterpart of %s", u.User, w.found.closed)))
		return false, true, res
	}
	res = w.result(u, carry.Refused)
	res.Notes = append(res.Notes, u.Note("already-there",
		fmt.Sprintf("the new store has another tree for user %s, which stays as it is (%s)", u.User, w.found.differs)))
	return false, true, res
}

// compareTo holds the source's tree against the one that is there.
func (w *treeWorker) compareTo(top *carry.Top, repair bool) (sameTree, error) {
	w.names, w.found = treeNames{repair: repair}, findings{}
	w.compare.Begin()
	err := w.walk.Tree(&w.compare, top)
	return w.found.result(), err
}

// stage makes the tree in the run's stage.
func (w *treeWorker) stage(u *userTree, top carry.Top, exchange bool) carry.Result {
	w.names = treeNames{repair: w.r.opts.RepairHash}
	w.links.srcName, w.links.srcPath = u.Where, u.path()
	if !exchange {
		res := w.r.placer.Stage(w.walk, &w.clone, top)
		u.moved = w.names.moved
		return res
	}
	res := w.r.placer.Complete(&u.Tree, w.walk, &w.clone, top, w.found.unread)
	u.moved = w.names.moved
	return res
}

// moveLegacy takes up a tree that an earlier run without RepairHash put where
// the source has it.
func (r *relocation) moveLegacy(u *userTree) error {
	if _, err := r.dst.Stat(u.legacyPath); err != nil {
		return nil
	}
	if _, err := r.dst.Stat(u.To); err == nil {
		return nil // both are there: the comparison will tell
	}
	if err := r.dst.MkdirAll(filepath.Dir(u.To)); err != nil {
		return err
	}
	return r.dst.Rename(u.legacyPath, r.dst.Dir, u.To)
}

// clash is the result for a staged tree whose place is taken: by one of the
// same user that lies where it belongs, or by another run in the meantime.
func clash(u *userTree, res carry.Result) carry.Result {
	res.State = carry.Refused
	res.Notes = append(res.Notes, u.Note("already-there", fmt.Sprintf("another directory of user %s has its place in the new store: left out", u.id)))
	return res
}

// clashes tells whether the place of a tree that is put right, and that is not
// put there by this run, is another's: of the one that lies there in the
// source, or of another that is put right. A tree of which the new store has
// the like is told of so too, as by the run that could not place it.
func (r *relocation) clashes(u *userTree) bool {
	if !u.rehash && !u.respell {
		return false
	}
	var st unix.Stat_t
	right := ims.Hash(u.id) + "/" + ims.Component(u.id)
	if (u.hash != ims.Hash(u.id) || u.respell) && unix.Fstatat(u.part.fd, right, &st, unix.AT_SYMLINK_NOFOLLOW) == nil {
		return true
	}
	if r.late[u.To] {
		return true
	}
	r.takePlace(u)
	return false
}

// takePlace notes that a tree that is put right has its place.
func (r *relocation) takePlace(u *userTree) {
	if !u.rehash && !u.respell {
		return
	}
	if r.late == nil {
		r.late = make(map[string]bool)
	}
	r.late[u.To] = true
}

// settle counts a tree that is done with, and tells its notes.
func (r *relocation) settle(u *userTree, res carry.Result) error {
	switch res.State {
	case carry.Looked, carry.There:
		if r.clashes(u) {
			res = clash(u, res)
		}
	case carry.Note, carry.Refused:
	default:
		r.takePlace(u)
	}
	for _, n := range res.Notes {
		n.Tell(r.log)
	}
	r.countUser(u, &res)
	switch res.State {
	case carry.Note, carry.Refused:
		return nil
	}
	// Of a tree that was there before, nothing was copied or linked now.
	r.report.Counts.Add(&res.Counts)
	if n := res.Counts.Fallback; n > 0 {
		r.log.Warning("copied", u.Where, fmt.Sprintf("%d messages could not be linked and were copied", n))
	}
	if u.shared {
		return nil
	}
	r.dirTimes.note(r, u)
	if err := r.noteMailboxes(u, res.Boxes); err != nil {
		return err
	}
	if !r.opts.Requota {
		return nil
	}
	return r.count(u, &res.Counts)
}

// countUser counts what became of a user.
func (r *relocation) countUser(u *userTree, res *carry.Result) {
	rep := &r.report
	switch {
	case res.State == carry.Note:
		rep.Users += u.users
		rep.LeftOut += u.leftOut
		return
	case u.shared && res.State != carry.Refused:
		rep.SharedTrees++
		return
	case !u.shared:
		rep.Users++
	}
	switch res.State {
	case carry.Refused:
		rep.LeftOut++
		return
	case carry.There:
		rep.Unchanged++
		return
	}
	if res.Exchange {
		rep.Completed++
	} else {
		rep.Placed++
	}
	if u.User != u.id {
		rep.Renamed++
	}
	if u.rehash && r.opts.RepairHash {
		rep.Rehashed++
	}
	if u.respell {
		rep.Respelled++
	}
	rep.Respelled += u.moved
}
