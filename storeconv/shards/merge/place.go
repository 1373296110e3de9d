package merge

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/carry"
	"imsconv/storeconv/durable"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/nms"
)

// mergeTrees finds the trees of all parts in order, has workers copy them into
// the stage, and puts them in place batch by batch, in order.
func (m *merge) mergeTrees(ctx context.Context) error {
	m.placer = carry.Placer[*unit]{
		Run: m.run, Jobs: m.opts.Jobs, Sync: m.opts.Sync, Progress: m.opts.Progress,
		Worker: func() func(*unit) carry.Result { return m.newWorker().unit },
		Clash:  clash, Settle: m.settle,
	}
	return m.placer.Place(ctx, func(yield func(*unit) error) error { return m.eachTree(m.log, yield) })
}

// treeNames reads the names of a tree. What is wrong with them was told when
// the part was made.
type treeNames struct{}

// Message tells whether a file is a message.
func (treeNames) Message(name string, inBox bool) bool { return inBox && nms.IsMessage(name) }

// Stray tells nobody.
func (treeNames) Stray(*carry.Walk) {}

// Folder decodes the name of a folder's directory, which goes over as it is.
func (treeNames) Folder(_ *carry.Walk, name string) (component, counterpart string, ok bool) {
	component, err := ims.UnescapeName(strings.TrimPrefix(name, "="))
	return component, name, err == nil && ims.Component(component) == name
}

// worker makes units, one after the other.
type worker struct {
	m       *merge
	fs      durable.FS // of the store
	walk    *carry.Walk
	clone   carry.Cloner
	compare carry.Comparer
	found   findings // of the comparison
}

func (m *merge) newWorker() *worker {
	w := &worker{m: m, fs: m.opts.FS}
	if w.fs == nil {
		w.fs = durable.OS
	}
	w.walk = carry.NewWalk(w.fs, treeNames{})
	w.walk.Index = new(holder).mailbox
	w.clone.Files = durable.Cloner{FS: w.fs, Owner: m.opts.Owner, Pool: m.pool}
	w.found.fs = w.fs
	w.compare = carry.Comparer{FS: w.fs, Differs: w.found.add, Same: w.found.index}
	return w
}

// unit makes one tree in the stage, unless it is in place already.
func (w *worker) unit(u *unit) carry.Result {
	from := u.part
	if from == nil {
		from = &part{path: w.m.store}
	}
	top := carry.Top{Where: u.Where, Dst: -1}
	var err error
	if top.Src, err = from.openDir(u.To); err != nil {
		if u.part == nil || ims.OfMachine(err) {
			return carry.Result{Err: fmt.Errorf("%s: open: %w", u.Where, err)}
		}
		return u.Refuse("unreadable", fmt.Sprintf("open: %v", err))
	}
	defer unix.Close(top.Src)
	if err := unix.Fstat(top.Src, &top.Stat); err != nil {
		return carry.Result{Err: fmt.Errorf("%s: stat: %w", u.Where, err)}
	}
	partly := false
	if u.part != nil {
		var done bool
		var res carry.Result
		if partly, done, res = w.inPlace(u, top); done {
			return res
		}
	}
	switch {
	case u.part != nil && w.m.opts.Via == ViaNone:
		return u.Refuse("not-there", fmt.Sprintf("the store does not have %s: bring the tree, or merge with --via copy", u.Whose()))
	case partly && w.m.run == nil && w.found.unread:
		return carry.Stays(&u.Tree, w.walk)
	case u.part == nil || w.m.run == nil:
		look := new(carry.Looker)
		if u.part != nil {
			look.Link, look.Copies = u.part.via == ViaHardlink, &w.m.met
		}
		err := w.walk.Tree(look, &top)
		return w.walk.Result(carry.Result{State: carry.Looked, Exchange: partly, Err: err})
	}
	w.clone.Link = nil
	if u.part.via == ViaHardlink {
		w.clone.Link = w.link
	}
	if !partly {
		return w.m.placer.Stage(w.walk, &w.clone, top)
	}
	return w.m.placer.Complete(&u.Tree, w.walk, &w.clone, top, w.found.unread)
}

// link makes a message a hard link to that of the part.
func (w *worker) link(_ *carry.Walk, src, dst int, name string, _ *unix.Stat_t) error {
	return w.fs.Linkat(src, name, dst, name)
}

// inPlace looks at what the store has in the tree's place. It is there partly
// where a run before could not read all of it, and told so.
func (w *worker) inPlace(u *unit, top carry.Top) (partly, done bool, res carry.Result) {
	if w.m.dst == nil {
		return false, false, res
	}
	var err error
	top.Dst, err = durable.OpenIn(w.fs, w.m.dst.FD(), u.To)
	if err == unix.ENOENT {
		return false, false, res
	}
	if err == unix.ENOTDIR || err == unix.ELOOP {
		return false, true, u.Refuse("already-there", "the store has something else than a directory in the place of "+u.Whose())
	}
	if err != nil {
		return false, true, carry.Result{Err: fmt.Errorf("%s: open: %w", filepath.Join(w.m.store, u.To), err)}
	}
	defer w.fs.Close(top.Dst)
	w.found = findings{fs: w.fs}
	w.compare.Begin()
	if err := w.walk.Tree(&w.compare, &top); err != nil {
		return false, true, carry.Result{Err: err}
	}
	differs := w.found.differs
	if differs == "" && w.m.opts.Via == ViaNone {
		differs = w.found.missing
	}
	if differs != "" {
		return false, true, u.Refuse("already-there", fmt.Sprintf("the store has another tree for %s, which stays as it is (%s)", u.Whose(), differs))
	}
	if w.found.closed != "" {
		at := filepath.Join(w.m.store, u.To) + strings.TrimPrefix(w.found.closed, u.Where)
		return false, true, u.Refuse("unreadable", fmt.Sprintf("what the store has of %s cannot be looked at, and stays as it is: %s", u.Whose(), at))
	}
	w.walk.Counts.Linked = 0 // not by this merge
	if w.found.missing == "" {
		return false, true, w.walk.Result(carry.Result{State: carry.There})
	}
	return true, false, res
}

// clash is the result for a staged tree whose place another run has taken in
// the meantime.
func clash(u *unit, _ carry.Result) carry.Result {
	return u.Refuse("already-there", "the store has got another tree for "+u.Whose()+" in the meantime, which stays as it is")
}

// settle counts a tree that is done with, and tells its notes.
func (m *merge) settle(u *unit, res carry.Result) error {
	for _, n := range res.Notes {
		n.Tell(m.log)
	}
	r := &m.report
	if u.part != nil && u.User != "" {
		r.Trees++
	}
	switch {
	case res.State == carry.Refused:
		if u.User != "" {
			r.LeftOut++
		}
		return m.refused.add(u.part, u.User, u.partition)
	case u.part == nil:
		return m.noteBoxes(u, res.Boxes)
	case u.User == "":
	case res.State == carry.There:
		r.Unchanged++
	case res.Exchange:
		r.Completed++
	default:
		r.Placed++
	}
	// Of a tree that was there before, nothing was copied or linked now.
	r.Counts.Add(&res.Counts)
	if n := res.Counts.Fallback; n > 0 {
		m.log.Warning("copied", u.Where, fmt.Sprintf("%d messages could not be linked and were copied", n))
	}
	m.dirs.note(u.part, u.To)
	return m.noteBoxes(u, res.Boxes)
}
