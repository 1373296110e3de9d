package relocate

import (
	"fmt"

	"imsconv/storeconv/carry"
)

// findings are what a comparison with the tree that is in place has found.
type findings struct {
	missing int64  // in the source and not in place
	differs string // the first thing that is in both and not the same
	unread  bool   // in place is what could not be read in the source
	closed  string // a directory in place that cannot be opened, by the source's name
}

// sameTree says what a comparison found.
type sameTree int

const (
	treeSame    sameTree = iota
	treePartial          // all that is in place is right; the source has more
	treeOther            // in place is something else
	treeClosed           // what is in place cannot be looked at
)

func (f *findings) result() sameTree {
	switch {
	case f.differs != "":
		return treeOther
	case f.closed != "":
		return treeClosed
	case f.missing > 0:
		return treePartial
	}
	return treeSame
}

// add notes a difference.
func (f *findings) add(w *carry.Walk, name string, d carry.Difference, err error) {
	switch d {
	case carry.NoFile, carry.NoDirectory:
		f.missing++
	case carry.Unread:
		f.unread = true
	case carry.Closed:
		if f.closed == "" {
			f.closed = fmt.Sprintf("%s: open: %v", w.At(), err)
		}
	case carry.NotDirectory:
		f.differ(w.At(), err.Error())
	case carry.OtherMode:
		f.differ(w.At()+"/"+name, "another mode")
	case carry.OtherSize:
		f.differ(w.At()+"/"+name, "another size")
	case carry.OtherTime, carry.OtherContent:
		f.differ(w.At()+"/"+name, "another time")
	case carry.MoreFiles:
		f.differ(w.At(), "more files in place than in the source")
	}
}

func (f *findings) differ(where, what string) {
	if f.differs == "" {
		f.differs = where + ": " + what
	}
}
