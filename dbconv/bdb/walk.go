package bdb

// treeKind is what a walk expects to find.
type treeKind uint8

const (
	keyedTree  treeKind = iota // btree of keys
	recordTree                 // recno
	dupTree                    // off-page duplicates: a tree, or a 2.x chain of pages
)

// maxDepth bounds the height of a tree; real ones stay below 10.
const maxDepth = 64

// A walk visits the leaves of one tree from left to right by the child lists of
// its internal pages, and compares that with the chain of the leaves.
type walk struct {
	in    *input
	kind  treeKind
	stack []step
	depth int
	leaf  node
	chain bool // a 2.x duplicate chain: only next links

	last    uint32 // page of the leaf before; 0: none
	follow  uint32 // its next link
	linked  bool   // follow is to be compared
	skipped uint64 // records below children that could not be entered (recno)
	detour  bool   // an internal page is unusable: the chain of leaves is followed
	strayed bool   // after a detour: children may have been visited
}

// A step is an internal page on the way down and the child to go to next.
type step struct {
	nd node
	i  int
}

// start goes to the first leaf. ok is false when there is none.
func (w *walk) start(kind treeKind, root uint32, from place) (ok bool, err error) {
	w.kind, w.depth, w.chain, w.skipped = kind, 0, false, 0
	w.detour, w.strayed = false, false
	w.last, w.follow, w.linked = 0, 0, true
	leaf, err := w.enter(root, from, nil)
	if leaf || err != nil {
		return leaf, err
	}
	return w.next()
}

// next goes to the next leaf.
func (w *walk) next() (ok bool, err error) {
	if w.chain {
		if w.leaf.next == 0 {
			return false, nil
		}
		return w.enter(w.leaf.next, place{w.leaf.no, NoItem}, nil)
	}
	for w.detour || w.depth > 0 {
		if w.detour {
			if leaf, err := w.along(); leaf || err != nil {
				return leaf, err
			}
			continue
		}
		s := &w.stack[w.depth-1]
		if s.i >= s.nd.n {
			w.depth--
			continue
		}
		i := s.i
		s.i++
		if leaf, err := w.down(s, i); leaf || err != nil {
			return leaf, err
		}
	}
	return false, w.atEnd()
}

// down goes to child i of an internal page.
func (w *walk) down(s *step, i int) (leaf bool, err error) {
	child, records, ok := w.in.lay.child(&s.nd, i)
	if !ok {
		err := w.in.problem(w.in.damage(s.nd.no, i, "item lies outside the page"))
		w.astray(0, records)
		return false, err
	}
	if w.strayed && w.in.seen.has(int64(child)) {
		return false, nil
	}
	depth := w.depth
	leaf, err = w.enter(child, place{s.nd.no, i}, &s.nd)
	if !leaf && err == nil && w.depth == depth { // neither leaf nor internal page
		w.astray(child, records)
	}
	return leaf, err
}

// astray is called when child could not be entered. What lies below it is read
// along the chain of leaves if the leaf before leads there.
func (w *walk) astray(child, records uint32) {
	if w.linked && w.last != 0 && w.follow != 0 && w.follow != child && !w.in.seen.has(int64(w.follow)) {
		w.detour = true
		return
	}
	w.linked = false
	// A record takes at least 6 bytes: more than the file could hold is not
	// believed.
	if n := w.skipped + uint64(records); n <= uint64(w.in.meta.Size)/6 {
		w.skipped = n
	}
}

// along goes to the next leaf of the chain. The end of the chain is the end of
// the tree; where the chain breaks the tree goes on.
func (w *walk) along() (leaf bool, err error) {
	if w.follow == 0 {
		w.detour, w.depth, w.linked = false, 0, false
		return false, nil
	}
	depth := w.depth
	leaf, err = w.enter(w.follow, place{int64(w.last), NoItem}, nil)
	w.depth = depth
	if !leaf {
		w.detour, w.strayed, w.linked = false, true, false
	}
	return leaf, err
}

// atEnd checks the link of the last leaf.
func (w *walk) atEnd() error {
	if !w.linked || w.last == 0 || w.follow == 0 {
		return nil
	}
	w.linked = false
	return w.in.problem(w.in.damage(int64(w.last), NoItem, "the last leaf of the tree links to page %d", w.follow))
}

// child decodes entry i of an internal page.
func (l *layout) child(nd *node, i int) (pgno, records uint32, ok bool) {
	if nd.typ == pageIRecno {
		off := l.slot(nd, i, 8)
		if off < 0 {
			return 0, 0, false
		}
		return l.u32(nd.buf[off:]), l.u32(nd.buf[off+4:]), true
	}
	off := l.slot(nd, i, 12)
	if off < 0 {
		return 0, 0, false
	}
	return l.u32(nd.buf[off+4:]), l.u32(nd.buf[off+8:]), true
}

// enter loads page no: a leaf becomes w.leaf (true), an internal page is put on
// the stack.
func (w *walk) enter(no uint32, from place, parent *node) (leaf bool, err error) {
	if w.depth == maxDepth {
		return false, w.in.problem(w.in.damage(from.page, from.item, "tree is deeper than %d levels", maxDepth))
	}
	if w.depth == len(w.stack) {
		w.stack = append(w.stack, step{})
		if parent != nil { // the stack may have moved
			parent = &w.stack[w.depth-1].nd
		}
	}
	s := &w.stack[w.depth]
	if ok, err := w.in.own(&s.nd, no, from); !ok || err != nil {
		return false, err
	}
	leaf, fits := w.fits(&s.nd, parent)
	if !fits {
		w.in.seen.remove(s.nd.no) // it may belong somewhere else
		return false, w.in.problem(w.in.damage(s.nd.no, NoItem, "page of type %d in a tree where it does not belong", s.nd.typ))
	}
	if parent != nil && s.nd.level+1 != parent.level {
		w.in.tolerate(s.nd.no, NoItem, "level %d below a page of level %d", s.nd.level, parent.level)
	}
	if !leaf {
		s.i = 0
		w.depth++
		if s.nd.n == 0 {
			return false, w.in.problem(w.in.damage(s.nd.no, NoItem, "internal page without items"))
		}
		return false, nil
	}
	w.leaf, s.nd = s.nd, w.leaf
	return true, w.link()
}

// fits tells whether nd may stand here, and whether it is a leaf.
func (w *walk) fits(nd, parent *node) (leaf, ok bool) {
	switch nd.typ {
	case pageIBtree:
		return false, w.kind != recordTree && (parent == nil || parent.typ == pageIBtree)
	case pageIRecno:
		return false, w.kind != keyedTree && (parent == nil || parent.typ == pageIRecno)
	case pageLBtree:
		return true, w.kind == keyedTree
	case pageLRecno:
		return true, w.kind != keyedTree && (parent == nil || parent.typ == pageIRecno)
	case pageLDup:
		return true, w.kind == dupTree && (parent == nil || parent.typ == pageIBtree)
	case pageDup:
		if w.kind == dupTree && parent == nil {
			w.chain = true
			return true, true
		}
	}
	return false, false
}

// link compares the leaf with the chain of leaves.
func (w *walk) link() error {
	nd := &w.leaf
	last, want, linked := w.last, w.follow, w.linked
	w.last, w.follow, w.linked = nd.pgno, nd.next, true
	switch {
	case !linked:
	case last == 0 && nd.prev != 0 && !w.chain:
		return w.in.problem(w.in.damage(nd.no, NoItem, "the first leaf of the tree links back to page %d", nd.prev))
	case last != 0 && want != nd.pgno:
		return w.in.problem(w.in.damage(int64(last), NoItem, "links to page %d, the next leaf of the tree is page %d", want, nd.pgno))
	case last != 0 && nd.prev != last:
		w.in.tolerate(nd.no, NoItem, "links back to page %d, the leaf before is page %d", nd.prev, last)
	}
	return nil
}
