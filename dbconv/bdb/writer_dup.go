package bdb

// group holds the records of one key until the next key comes. With duplicates
// the items are laid down as they come, long ones on overflow pages at once, so
// that the group stays below a quarter of a page; from there on the set has its
// own pages.
type group struct {
	has   bool
	key   []byte
	value []byte // the last value
	items []byte // items of the set, back to back
	ends  []int  // where each ends
	tree  *treeBuilder
	spare *treeBuilder // kept for its memory
}

// reset forgets the set, not the key.
func (g *group) reset() {
	g.items, g.ends, g.tree = g.items[:0], g.ends[:0], nil
}

// addDuplicate lays down the next member of the set of the current key.
func (w *Writer) addDuplicate(value []byte) error {
	g := &w.group
	w.count(g.key, value)
	start := len(g.items)
	if g.tree != nil {
		start = 0
		g.items = g.items[:0]
	}
	if err := w.layDown(value); err != nil {
		return err
	}
	if g.tree != nil {
		return g.tree.addLaid(g.items, value)
	}
	g.ends = append(g.ends, len(g.items))
	if start == 0 || dataItem(len(g.key), w.pages.limit)+len(g.items) < w.pages.size/4 {
		return nil
	}
	return w.moveOffPage()
}

// layDown appends the item of value to the group.
func (w *Writer) layDown(value []byte) error {
	g := &w.group
	at := len(g.items)
	n := dataItem(len(value), w.pages.limit)
	for range n {
		g.items = append(g.items, 0)
	}
	b := g.items[at:]
	if len(value) > w.pages.limit {
		pgno, err := w.pages.overflow(value)
		if err != nil {
			return err
		}
		putReference(w.pages, b, itemOverflow, pgno, uint32(len(value)))
		return nil
	}
	w.pages.put16(b, uint16(len(value)))
	b[2] = itemData
	copy(b[3:], value)
	return nil
}

// moveOffPage starts the pages of a duplicate set with the members so far.
func (w *Writer) moveOffPage() error {
	g := &w.group
	g.tree = g.spare
	if g.tree == nil {
		g.tree = w.newDuplicateTree()
	}
	g.spare = g.tree
	g.tree.restart()
	start := 0
	for _, end := range g.ends {
		if err := g.tree.addLaid(g.items[start:end], nil); err != nil {
			return err
		}
		start = end
	}
	g.ends = g.ends[:0]
	return nil
}

// newDuplicateTree: a chain in versions 6 and 7, from 8 a tree by value when
// the set is sorted, else by record number.
func (w *Writer) newDuplicateTree() *treeBuilder {
	switch {
	case w.opts.Version < 8:
		return newTree(w.pages, outDuplicate, 0, 0, false, true)
	case w.subTree.DuplicatesSorted:
		return newTree(w.pages, outLDup, outIBtree, 0, true, true)
	}
	return newTree(w.pages, outLRecno, outIRecno, 0, true, true)
}

// restart empties a tree so that it can be built again elsewhere.
func (t *treeBuilder) restart() {
	t.levels = t.levels[:1]
	l := t.levels[0]
	l.reset()
	l.pgno, l.prev, l.sep = 0, 0, l.sep[:0]
	t.first, t.total = 0, 0
}

// flushDuplicates writes the set of the current key.
func (w *Writer) flushDuplicates() error {
	g := &w.group
	if g.tree == nil {
		err := w.tree.addSet(g.key, g.items, g.ends)
		g.reset()
		return err
	}
	pgno, err := g.tree.finish()
	if err != nil {
		return err
	}
	g.reset()
	return w.tree.addOffPage(g.key, pgno)
}
