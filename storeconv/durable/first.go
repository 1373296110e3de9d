package durable

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/ims"
)

// The first version stood in for an exchange by moving the tree in place to
// stage/<n>.old, and noted nowhere whose it was. What it left there is put back
// where the index in it says, or told.
const firstSuffix = ".old"

func isFirst(name string) bool { return strings.HasSuffix(name, firstSuffix) }

// restoreFirst puts back what the first version has left half done.
func (s *Store) restoreFirst(l *Leftover) error {
	stage := l.folder() + "/" + stageDir
	var names []string
	err := eachDir(s.Dir, stage, func(name string) {
		if isFirst(name) {
			names = append(names, name)
		}
	})
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := s.endFirst(stage, name); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) endFirst(stage, name string) error {
	tree := stage + "/" + name
	away := &HalfDoneError{Tree: filepath.Join(s.name, tree), Why: "and nothing in it says whose it is"}
	to, ok := placeByIndex(s.Dir, tree)
	if !ok {
		return away
	}
	away.Place = filepath.Join(s.name, to)
	_, err := s.Stat(to)
	switch {
	case errors.Is(err, unix.ENOENT):
		if err := s.MkdirAll(filepath.Dir(to)); err != nil {
			return err
		}
		if err := s.Rename(tree, s.Dir, to); err != nil {
			return err
		}
		if err := s.SyncNames(filepath.Dir(to)); err != nil {
			return err
		}
		return s.SyncNames(stage)
	case err != nil:
		return err
	}
	// The first version had put the new tree in place, and was removing the old.
	copied, err := s.hasAll(tree, to)
	if err != nil {
		return err
	}
	if !copied {
		away.Why = "and the tree there now does not hold all of its messages"
		return away
	}
	return s.RemoveAll(tree)
}

// placeByIndex tells the place of a user's tree by the index of its INBOX.
func placeByIndex(d *Dir, tree string) (to string, ok bool) {
	f, err := d.Open(tree + "/" + ims.IndexName)
	if err != nil {
		return "", false
	}
	defer f.Close()
	index, err := ims.NewIndexReader(f)
	if err != nil {
		return "", false
	}
	id, ok := strings.CutPrefix(index.Header.Name, "user/")
	if !ok || ims.CheckUserID(id) != nil || ims.CheckPartition(index.Header.Partition) != nil {
		return "", false
	}
	return ims.UserDir(index.Header.Partition, id), true
}

// hasAll tells whether every file below the directory old is below the
// directory fresh too, under the same path: as another name of it, or with the
// same bytes. An index is made anew for every tree, and need only be there.
func (s *Store) hasAll(old, fresh string) (bool, error) {
	list, err := s.ReadNames(old)
	if err != nil {
		return false, err
	}
	for _, e := range list {
		a, b := old+"/"+e.Name(), fresh+"/"+e.Name()
		var same bool
		switch {
		case e.IsDir():
			same, err = s.hasAll(a, b)
		default:
			same, err = s.sameFile(a, b)
		}
		if err != nil || !same {
			return false, err
		}
	}
	return true, nil
}

func (s *Store) sameFile(a, b string) (bool, error) {
	ia, err := s.Stat(a)
	if err != nil {
		return false, err
	}
	ib, err := s.Stat(b)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if ia.Ino == ib.Ino && ia.Dev == ib.Dev || filepath.Base(a) == ims.IndexName && ib.IsRegular() {
		return true, nil
	}
	if !ia.IsRegular() || !ib.IsRegular() || ia.Size != ib.Size {
		return false, nil
	}
	return s.sameBytes(a, b)
}

func (s *Store) sameBytes(a, b string) (bool, error) {
	fa, err := s.Open(a)
	if err != nil {
		return false, err
	}
	defer fa.Close()
	fb, err := s.Open(b)
	if err != nil {
		return false, err
	}
	defer fb.Close()
	return equalReaders(fa, fb)
}

// equalReaders compares two streams.
func equalReaders(a, b io.Reader) (bool, error) {
	bufA, bufB := make([]byte, 32<<10), make([]byte, 32<<10)
	for {
		n, errA := io.ReadFull(a, bufA)
		m, errB := io.ReadFull(b, bufB)
		if !bytes.Equal(bufA[:n], bufB[:m]) {
			return false, nil
		}
		endA, endB := isEnd(errA), isEnd(errB)
		switch {
		case errA != nil && !endA:
			return false, errA
		case errB != nil && !endB:
			return false, errB
		case endA || endB:
			return endA && endB, nil
		}
	}
}

func isEnd(err error) bool { return err == io.EOF || err == io.ErrUnexpectedEOF }
