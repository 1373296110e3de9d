package bdb

// treeBuilder builds one tree from its leaves up. Leaves get their page number
// when they are opened, because the leaf before names it; inner pages when
// they are full. The root comes last.
type treeBuilder struct {
	p      *pageWriter
	leaf   uint8 // page type of the leaves
	inner  uint8 // page type of the inner pages; 0: the leaves are only a chain
	root   uint32
	counts bool // inner entries count the records below them
	whole  bool // separators are whole keys, not the shortest that divide
	levels []*treeLevel
	last   []byte // key of the last pair, for the shortest separator
	first  uint32 // page of the first leaf
	total  uint32 // records
}

// treeLevel is the page being filled at one level of a tree.
type treeLevel struct {
	page    []byte
	head    int    // bytes before the slots
	pgno    uint32 // 0: not given yet
	prev    uint32 // leaf before
	entries int
	lower   int // end of the slots
	upper   int // start of the items
	records uint32
	sep     []byte // what divides this page from the one before
}

func newMainTree(p *pageWriter, t TreeOptions, root uint32) *treeBuilder {
	if t.Recno {
		return newTree(p, outLRecno, outIRecno, root, true, true)
	}
	return newTree(p, outLBtree, outIBtree, root, t.RecordNumbers, t.KeepOrder)
}

func newTree(p *pageWriter, leaf, inner uint8, root uint32, counts, whole bool) *treeBuilder {
	t := &treeBuilder{p: p, leaf: leaf, inner: inner, root: root, counts: counts, whole: whole}
	t.levels = append(t.levels, newLevel(p.size, p.head))
	return t
}

func newLevel(size, head int) *treeLevel {
	l := &treeLevel{page: make([]byte, size), head: head}
	l.reset()
	return l
}

func (l *treeLevel) reset() {
	clear(l.page)
	l.entries, l.lower, l.upper, l.records = 0, l.head, len(l.page), 0
}

func (l *treeLevel) fits(need int) bool { return l.lower+need <= l.upper }

// slot adds an index slot that points at off.
func (t *treeBuilder) slot(l *treeLevel, off int) {
	t.p.put16(l.page[l.lower:], uint16(off))
	l.lower += 2
	l.entries++
}

// item lays data down on the page, on overflow pages when it is long, and
// returns its offset.
func (t *treeBuilder) item(l *treeLevel, data []byte, flag uint8) (int, error) {
	if len(data) > t.p.limit {
		pgno, err := t.p.overflow(data)
		if err != nil {
			return 0, err
		}
		return t.reference(l, itemOverflow|flag, pgno, uint32(len(data))), nil
	}
	l.upper -= (3 + len(data) + 3) &^ 3
	b := l.page[l.upper:]
	t.p.put16(b, uint16(len(data)))
	b[2] = itemData | flag
	copy(b[3:], data)
	return l.upper, nil
}

// reference lays down an overflow or duplicate reference.
func (t *treeBuilder) reference(l *treeLevel, kind uint8, pgno, length uint32) int {
	l.upper -= referenceSize
	putReference(t.p, l.page[l.upper:], kind, pgno, length)
	return l.upper
}

func putReference(p *pageWriter, b []byte, kind uint8, pgno, length uint32) {
	b[2] = kind
	p.put32(b[4:], pgno)
	p.put32(b[8:], length)
}

// addPair adds a record with a key of its own.
func (t *treeBuilder) addPair(key, value []byte) error {
	l, err := t.leafFor(key, dataItem(len(key), t.p.limit)+dataItem(len(value), t.p.limit)+4)
	if err != nil {
		return err
	}
	off, err := t.item(l, key, 0)
	if err != nil {
		return err
	}
	t.slot(l, off)
	if off, err = t.item(l, value, 0); err != nil {
		return err
	}
	t.slot(l, off)
	l.records++
	return nil
}

// addSet adds a key with a set of duplicates that are laid down already: items
// holds them back to back, ends where each ends.
func (t *treeBuilder) addSet(key, items []byte, ends []int) error {
	l, err := t.leafFor(key, dataItem(len(key), t.p.limit)+len(items)+4*len(ends))
	if err != nil {
		return err
	}
	keyOff, err := t.item(l, key, 0)
	if err != nil {
		return err
	}
	start := 0
	for _, end := range ends {
		l.upper -= end - start
		copy(l.page[l.upper:], items[start:end])
		t.slot(l, keyOff)
		t.slot(l, l.upper)
		start = end
	}
	l.records++
	return nil
}

// addOffPage adds a key whose duplicates have their own pages.
func (t *treeBuilder) addOffPage(key []byte, pgno uint32) error {
	l, err := t.leafFor(key, dataItem(len(key), t.p.limit)+referenceSize+4)
	if err != nil {
		return err
	}
	off, err := t.item(l, key, 0)
	if err != nil {
		return err
	}
	t.slot(l, off)
	t.slot(l, t.reference(l, itemOffDup, pgno, 0))
	l.records++
	return nil
}

// addItem adds a record of a recno tree.
func (t *treeBuilder) addItem(data []byte) error { return t.addFlagged(data, 0) }

// addGap adds a deleted record of a recno tree.
func (t *treeBuilder) addGap(data []byte) error { return t.addFlagged(data, itemDeleted) }

func (t *treeBuilder) addFlagged(data []byte, flag uint8) error {
	l, err := t.leafFor(data, dataItem(len(data), t.p.limit)+2)
	if err != nil {
		return err
	}
	off, err := t.item(l, data, flag)
	if err != nil {
		return err
	}
	t.slot(l, off)
	l.records++
	return nil
}

// addLaid adds an item of a duplicate set that is laid down already; data is
// its content, wanted when the item begins a page.
func (t *treeBuilder) addLaid(item, data []byte) error {
	l, err := t.leafFor(data, len(item)+2)
	if err != nil {
		return err
	}
	l.upper -= len(item)
	copy(l.page[l.upper:], item)
	t.slot(l, l.upper)
	l.records++
	return nil
}

// leafFor returns the leaf that has need bytes of room for the next key: the
// current one or a new one.
func (t *treeBuilder) leafFor(key []byte, need int) (*treeLevel, error) {
	l := t.levels[0]
	t.total++
	if !l.fits(need) {
		if err := t.nextLeaf(l, key); err != nil {
			return nil, err
		}
	}
	if !t.whole {
		t.last = append(t.last[:0], key...)
	}
	return l, nil
}

// nextLeaf writes the current leaf and opens the next, whose first key is key.
func (t *treeBuilder) nextLeaf(l *treeLevel, key []byte) error {
	if err := t.numberLeaf(l); err != nil {
		return err
	}
	next, err := t.p.alloc()
	if err != nil {
		return err
	}
	t.p.header(l.page, l.pgno, l.prev, next, l.entries, l.upper, t.leafLevel(), t.leaf)
	if err := t.p.write(l.pgno, l.page); err != nil {
		return err
	}
	if err := t.addChild(1, l); err != nil {
		return err
	}
	l.prev, l.pgno = l.pgno, next
	l.reset()
	l.sep = append(l.sep[:0], t.separator(key)...)
	return nil
}

func (t *treeBuilder) numberLeaf(l *treeLevel) (err error) {
	if l.pgno != 0 {
		return nil
	}
	l.pgno, err = t.p.alloc()
	t.first = l.pgno
	return err
}

// leafLevel is 0 on the duplicate chains of versions 6 and 7.
func (t *treeBuilder) leafLevel() uint8 {
	if t.inner == 0 {
		return 0
	}
	return 1
}

// separator is the shortest key that is greater than the last one and not
// greater than key; in a tree of another order, key.
func (t *treeBuilder) separator(key []byte) []byte {
	if t.inner != outIBtree {
		return nil
	}
	if t.whole {
		return key
	}
	n := 0
	for n < len(t.last) && n < len(key) && t.last[n] == key[n] {
		n++
	}
	return key[:min(n+1, len(key))]
}

// addChild enters a complete page into the page above it.
func (t *treeBuilder) addChild(level int, child *treeLevel) error {
	if t.inner == 0 {
		return nil
	}
	if level == len(t.levels) {
		t.levels = append(t.levels, newLevel(t.p.size, t.p.head))
	}
	l := t.levels[level]
	if !l.fits(t.childSize(l, child) + 2) {
		if err := t.closeInner(level); err != nil {
			return err
		}
	}
	if l.entries == 0 {
		l.sep = append(l.sep[:0], child.sep...)
	}
	l.records += child.records
	return t.enter(l, child)
}

func (t *treeBuilder) childSize(l, child *treeLevel) int {
	switch {
	case t.inner == outIRecno:
		return 8
	case l.entries == 0:
		return 12
	case len(child.sep) > t.p.limit:
		return 12 + referenceSize
	}
	return (12 + len(child.sep) + 3) &^ 3
}

// enter lays an inner entry down. The first key of an inner page is left empty.
func (t *treeBuilder) enter(l, child *treeLevel) error {
	count := uint32(0)
	if t.counts {
		count = child.records
	}
	size := t.childSize(l, child)
	var chain uint32
	long := t.inner == outIBtree && l.entries > 0 && len(child.sep) > t.p.limit
	if long {
		var err error
		if chain, err = t.p.overflow(child.sep); err != nil {
			return err
		}
	}
	l.upper -= size
	b := l.page[l.upper:]
	if t.inner == outIRecno {
		t.p.put32(b, child.pgno)
		t.p.put32(b[4:], count)
		t.slot(l, l.upper)
		return nil
	}
	t.p.put32(b[4:], child.pgno)
	t.p.put32(b[8:], count)
	b[2] = itemData
	switch {
	case long:
		t.p.put16(b, referenceSize)
		b[2] = itemOverflow
		putReference(t.p, b[12:], itemOverflow, chain, uint32(len(child.sep)))
	case l.entries > 0:
		t.p.put16(b, uint16(len(child.sep)))
		copy(b[12:], child.sep)
	}
	t.slot(l, l.upper)
	return nil
}

// closeInner writes the page of an inner level, which is not the root, and
// empties it.
func (t *treeBuilder) closeInner(level int) error {
	l := t.levels[level]
	pgno, err := t.p.alloc()
	if err != nil {
		return err
	}
	l.pgno = pgno
	t.p.header(l.page, pgno, 0, 0, l.entries, l.upper, uint8(level+1), t.inner)
	if err := t.p.write(pgno, l.page); err != nil {
		return err
	}
	if err := t.addChild(level+1, l); err != nil {
		return err
	}
	l.reset()
	return nil
}

// finish writes the pages that are still open, the root last, and returns the
// root: of a chain, its first page.
func (t *treeBuilder) finish() (uint32, error) {
	leaf := t.levels[0]
	if t.inner == 0 || len(t.levels) > 1 {
		if err := t.numberLeaf(leaf); err != nil {
			return 0, err
		}
		t.p.header(leaf.page, leaf.pgno, leaf.prev, 0, leaf.entries, leaf.upper, t.leafLevel(), t.leaf)
		if err := t.p.write(leaf.pgno, leaf.page); err != nil {
			return 0, err
		}
		if t.inner == 0 {
			return t.first, nil
		}
		if err := t.addChild(1, leaf); err != nil {
			return 0, err
		}
	}
	for level := 1; level < len(t.levels)-1; level++ {
		if err := t.closeInner(level); err != nil {
			return 0, err
		}
	}
	return t.finishRoot()
}

func (t *treeBuilder) finishRoot() (uint32, error) {
	top := len(t.levels) - 1
	l := t.levels[top]
	root, err := t.root, error(nil)
	if root == 0 {
		if root, err = t.p.alloc(); err != nil {
			return 0, err
		}
	}
	kind, prev := t.inner, uint32(0)
	if top == 0 {
		kind = t.leaf
	} else if t.counts {
		prev = t.total
	}
	t.p.header(l.page, root, prev, 0, l.entries, l.upper, uint8(top+1), kind)
	return root, t.p.write(root, l.page)
}
