package durable

import (
	"errors"
	"fmt"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// A Move puts one staged tree into its place in the store.
type Move struct {
	From     string // name in the stage
	To       string // path in the store; its parent directories are made as needed
	Exchange bool   // swap with the tree that is there, which is removed once that is durable
}

// replaced is what exchanges have taken out of its place, and what may go as
// soon as a sync has made them durable.
type replaced struct {
	staged []string // names in the stage
	kept   []string // names in the folder of kept trees
}

// Commit puts a batch of staged trees into place. The order is what makes it
// safe: sync the data, call intend (nil: none), rename. The renames themselves
// are durable only after the next SyncAll; a journal must not call the moves
// done before that. intend receives the inode numbers of the staged trees, by
// which a later run tells whether a rename had happened.
//
// What an exchange replaces is removed by the next Commit or by End, after the
// sync that makes the exchange durable: an exchange that a power cut undoes
// finds the old tree whole.
func (r *Run) Commit(moves []Move, intend func(inodes []uint64) error) error {
	if len(moves) == 0 {
		return nil
	}
	inodes := make([]uint64, len(moves))
	for i, m := range moves {
		info, err := r.Stage.Stat(m.From)
		if err != nil {
			return err
		}
		inodes[i] = info.Ino
	}
	if err := r.Store.SyncAll(); err != nil {
		return err
	}
	if err := r.dropReplaced(); err != nil {
		return err
	}
	if intend != nil {
		if err := intend(inodes); err != nil {
			return err
		}
	}
	for i, m := range moves {
		if err := r.move(m, inodes[i]); err != nil {
			return err
		}
	}
	return nil
}

func (r *Run) move(m Move, inode uint64) error {
	if m.Exchange {
		return r.exchange(m, inode)
	}
	if r.Store.env.owner != nil { // the directory that is there may lack its owner
		if err := r.Store.MkdirAll(filepath.Dir(m.To)); err != nil {
			return err
		}
	}
	err := r.Stage.Rename(m.From, r.Store.Dir, m.To)
	if errors.Is(err, unix.ENOENT) {
		if err := r.Store.MkdirAll(filepath.Dir(m.To)); err != nil {
			return err
		}
		err = r.Stage.Rename(m.From, r.Store.Dir, m.To)
	}
	return err
}

// exchange swaps the staged tree with the one in place, by one rename where the
// file system has that.
func (r *Run) exchange(m Move, inode uint64) error {
	err := r.Stage.Exchange(m.From, r.Store.Dir, m.To)
	if errors.Is(err, unix.EACCES) && r.Store.openUp(m.To) { // a directory that moves must be writable
		err = r.Stage.Exchange(m.From, r.Store.Dir, m.To)
	}
	if isMissing(err) {
		return r.exchangeByTwo(m, inode)
	}
	if err == nil {
		r.replaced.staged = append(r.replaced.staged, m.From)
	}
	return err
}

// isMissing tells whether a rename failed because the kernel, the file system
// or a filter of system calls does not know its flag. EPERM says so too, and
// where it means what it says, the plain rename will say it again.
func isMissing(err error) bool {
	return errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EPERM)
}

// exchangeByTwo stands in for an exchange: the tree in place goes to the kept
// trees, then the staged one takes its place. Between the two renames the kept
// tree is the only copy of the user's mail in the store's eyes. So what is to
// happen is durable before the first, the first is durable before the second,
// and nothing clears the kept trees but [Run.dropReplaced] and recovery, which
// know that the new tree is in place.
func (r *Run) exchangeByTwo(m Move, inode uint64) error {
	old, err := r.Store.Stat(m.To)
	if err != nil {
		return err
	}
	k := keptMove{run: r.Name, id: m.From, to: m.To, old: old.Ino, new: inode}
	if err := r.writeKept(&k); err != nil {
		return err
	}
	if err := r.Store.Rename(m.To, r.Store.Dir, k.tree()); err != nil {
		return err
	}
	if err := r.Store.syncNames(filepath.Dir(m.To), k.dir()); err != nil {
		return errors.Join(err, r.Store.putBack(&k))
	}
	if err := r.Stage.Rename(m.From, r.Store.Dir, m.To); err != nil {
		return errors.Join(err, r.Store.putBack(&k))
	}
	r.replaced.kept = append(r.replaced.kept, k.id)
	return nil
}

// dropReplaced removes what earlier exchanges have replaced; a sync has made
// them durable.
func (r *Run) dropReplaced() error {
	list := r.replaced
	r.replaced = replaced{}
	if len(list.staged)+len(list.kept) == 0 {
		return nil
	}
	base := workDir + "/" + r.Name + "/"
	for _, name := range list.staged {
		if err := r.Store.RemoveAll(base + stageDir + "/" + name); err != nil {
			return err
		}
	}
	for _, id := range list.kept {
		if err := r.Store.RemoveAll(base + keptDir + "/" + id); err != nil {
			return err
		}
	}
	if len(list.kept) == 0 {
		return nil
	}
	// A tree without its note could be anybody's: the notes go last.
	if err := r.Store.syncNames(base + keptDir); err != nil {
		return err
	}
	for _, id := range list.kept {
		if err := r.Store.Remove(base + keptDir + "/" + id + noteSuffix); err != nil {
			return err
		}
	}
	return nil
}

// noteSuffix is of the files that say where a kept tree belongs.
const noteSuffix = ".note"

// keptMove is an exchange by two renames, as its note has it.
type keptMove struct {
	run, id  string
	to       string // the tree's place in the store
	old, new uint64 // inode numbers of the tree that was in place and of the one to come
}

func (k *keptMove) dir() string  { return workDir + "/" + k.run + "/" + keptDir }
func (k *keptMove) tree() string { return k.dir() + "/" + k.id }
func (k *keptMove) note() string { return k.tree() + noteSuffix }

// writeKept makes the note of k durable.
func (r *Run) writeKept(k *keptMove) error {
	if err := r.Store.Mkdir(k.dir()); err != nil {
		return err
	}
	text := fmt.Appendf(nil, "imsconv-kept 1\nto %q\nold %d\nnew %d\n", k.to, k.old, k.new)
	f, err := r.Store.Create(k.note())
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil && r.Store.opt.Sync != SyncNone {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	return r.Store.syncNames(k.dir(), filepath.Dir(k.dir()))
}

// parse reads the note of k. A note that is not whole was never followed by a
// rename.
func (k *keptMove) parse(text []byte) bool {
	var version int
	n, err := fmt.Sscanf(string(text), "imsconv-kept %d\nto %q\nold %d\nnew %d\n", &version, &k.to, &k.old, &k.new)
	return err == nil && n == 4 && version == 1 && local(k.to) == nil
}
