package durable

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// A HalfDoneError says that a killed run has left a tree away from its place,
// and that only a person can tell where it belongs or which of two trees is the
// right one. Nothing has been removed.
type HalfDoneError struct {
	Tree  string // where the tree is
	Place string // where it belongs; "" when not known
	Why   string
}

func (e *HalfDoneError) Error() string {
	if e.Place == "" {
		return fmt.Sprintf("%s: a mailbox tree that a killed run had moved away, %s: move it back to its place, then give the command again; nothing was removed", e.Tree, e.Why)
	}
	return fmt.Sprintf("%s: a mailbox tree that a killed run had moved away from %s, %s: keep the right one in that place and the other one elsewhere, then give the command again; nothing was removed", e.Tree, e.Place, e.Why)
}

// recover looks at what runs that are no longer alive have left: trees that are
// away go back to their places, folders of those that had done their work go,
// the rest is told in others.
//
// All begins hold one lock meanwhile, so that a folder whose run is not alive
// stays so.
func (r *Run) recover() error {
	if err := r.waitLock(recoverRange, "what earlier runs have left"); err != nil {
		return err
	}
	defer r.unlock(recoverRange)
	list, err := leftovers(r.Store.Dir, r.lock)
	if err != nil || len(list) == 0 {
		return err
	}
	// What is seen here may be in the memory of the machine only, and a journal
	// that calls it done must not outlive it.
	if err := r.Store.Dir.Sync(); err != nil {
		return err
	}
	for _, l := range list {
		if !l.Busy || l.Name == r.Name {
			if err := r.Store.restoreKept(&l); err != nil {
				return err
			}
			if err := r.Store.restoreFirst(&l); err != nil {
				return err
			}
		}
		if l.Name != r.Name {
			l.Away = nil
			if l.Finished && !l.Busy && r.Store.RemoveAll(l.folder()) == nil {
				continue
			}
			r.others = append(r.others, l)
		}
	}
	return nil
}

// restoreKept ends the exchanges by two renames that a run was in the middle
// of. Those whose new tree is in place are done; of the others the old tree
// goes back.
func (s *Store) restoreKept(l *Leftover) error {
	dir := l.folder() + "/" + keptDir
	list, err := s.ReadNames(dir)
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range list {
		id, isNote := strings.CutSuffix(e.Name(), noteSuffix)
		k := keptMove{run: filepath.Base(l.folder()), id: id}
		if !isNote {
			if err := s.checkNote(&k); err != nil {
				return err
			}
			continue
		}
		if err := s.endKept(&k); err != nil {
			return err
		}
	}
	return nil
}

// checkNote refuses a kept tree without a note: no run of ours leaves one.
func (s *Store) checkNote(k *keptMove) error {
	if _, err := s.Stat(k.note()); !errors.Is(err, unix.ENOENT) {
		return err
	}
	if _, err := s.Stat(k.tree()); errors.Is(err, unix.ENOENT) {
		return nil // gone back, and its note with it
	}
	return &HalfDoneError{Tree: filepath.Join(s.name, k.tree()), Why: "and the note of where from is not there"}
}

func (s *Store) endKept(k *keptMove) error {
	text, err := s.ReadFile(k.note(), 64<<10)
	if err != nil {
		return err
	}
	whole := k.parse(text)
	tree, err := s.Stat(k.tree())
	if errors.Is(err, unix.ENOENT) {
		return s.Remove(k.note()) // nothing was moved, or all is done
	}
	if err != nil {
		return err
	}
	away := &HalfDoneError{Tree: filepath.Join(s.name, k.tree()), Place: filepath.Join(s.name, k.to)}
	if !whole {
		away.Place, away.Why = "", "and the note of where from is damaged"
		return away
	}
	place, err := s.Stat(k.to)
	switch {
	case errors.Is(err, unix.ENOENT):
		return s.putBack(k)
	case err != nil:
		return err
	case place.Ino == k.new && tree.Ino == k.old:
		if err := s.RemoveAll(k.tree()); err != nil {
			return err
		}
		if err := s.SyncNames(k.dir()); err != nil {
			return err
		}
		return s.Remove(k.note())
	}
	away.Why = "and another tree is there now"
	return away
}

// putBack moves a kept tree back to its place, which is empty.
func (s *Store) putBack(k *keptMove) error {
	if err := s.MkdirAll(filepath.Dir(k.to)); err != nil {
		return err
	}
	if err := s.Rename(k.tree(), s.Dir, k.to); err != nil {
		return err
	}
	if err := s.SyncNames(filepath.Dir(k.to)); err != nil {
		return err
	}
	if err := s.SyncNames(k.dir()); err != nil {
		return err
	}
	return s.Remove(k.note())
}
