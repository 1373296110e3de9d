package bdb

// A treeCheck is the check of one tree: a btree, a recno, or a duplicate set.
type treeCheck struct {
	v      *verifier
	kind   treeKind
	order  order
	sorted bool // the order of the items is checked
	last   uint32
	follow uint32
	linked bool
	passed bool  // the last leaf was not read: follow is not known
	count  int64 // records so far
	home   place // what the tree hangs on
}

// tree checks the btree or recno of v.rd.
func (v *verifier) tree() error {
	m := &v.rd.meta
	t := treeCheck{v: v, kind: keyedTree, sorted: !v.opts.NoOrder, linked: true, home: place{int64(m.PageNo), NoItem}}
	if m.Type == Recno {
		t.kind, t.sorted = recordTree, false
	}
	if m.Root == 0 || int64(m.Root) >= m.Pages {
		return nil // told with the metadata
	}
	if err := t.whole(m.Root); err != nil {
		return err
	}
	for _, c := range []uint32{m.KeyCount, m.RecordCount} {
		if int64(c) > m.Size { // what db_stat counted last; it may be out of date
			v.odd(int64(m.PageNo), NoItem, "cached count of %d, %d records were found", c, t.count)
		}
	}
	v.report.Records += t.count
	return nil
}

// duplicates checks an off-page duplicate set and returns its number of
// members.
func (v *verifier) duplicates(root uint32, from place) (int64, error) {
	m := &v.rd.meta
	if !m.Dup {
		v.odd(from.page, from.item, "duplicate set in a database without duplicates")
	}
	t := treeCheck{v: v, kind: dupTree, linked: true, home: from, sorted: m.DupSort && !v.opts.NoOrder}
	return t.count, t.whole(root)
}

// whole checks the tree from its root.
func (t *treeCheck) whole(root uint32) error {
	_, _, err := t.page(root, t.home, nil)
	if err != nil {
		return err
	}
	if err := t.known(); err != nil {
		return err
	}
	if t.linked && t.last != 0 && t.follow != 0 {
		t.v.unlinked(t.last, t.follow, "last leaf of the tree links to page %d", t.follow)
	}
	return nil
}

// page checks page no and all below it, and returns the number of records.
func (t *treeCheck) page(no uint32, from place, parent *node) (records int64, ok bool, err error) {
	v := t.v
	if !v.claim(no, from) {
		t.linked = false
		return 0, false, nil
	}
	if t.settled(no) {
		v.progress(1)
		t.last, t.linked, t.passed = no, true, true
		return 0, true, nil
	}
	nd := v.node()
	defer v.release()
	if ok, err = v.own(nd, no); err != nil {
		return 0, false, err
	}
	if !ok || !t.header(nd, parent) {
		t.linked = false
		return 0, false, nil
	}
	switch nd.typ {
	case pageIBtree, pageIRecno:
		records, err = t.internal(nd, parent == nil)
	case pageDup:
		records, err = t.dupChain(nd)
	default:
		records, err = t.leafPage(nd)
	}
	return records, err == nil, err
}

// header checks type, level and items of a page of the tree.
func (t *treeCheck) header(nd, parent *node) bool {
	v := t.v
	w := walk{kind: t.kind}
	leaf, ok := w.fits(nd, parent)
	if !ok {
		v.lost(nd.no, NoItem, "page of type %d in a tree where it does not belong", nd.typ)
		return false
	}
	if !v.lay.slots(nd) {
		v.lost(nd.no, NoItem, "%d items do not fit the page", nd.n)
		return false
	}
	want := nd.level
	switch {
	case nd.typ == pageDup:
		want = 0
	case leaf:
		want = 1
	case parent != nil:
		want = parent.level - 1
	case nd.level < 2 || nd.level > maxDepth:
		want = 2
	}
	if nd.level != want {
		v.odd(nd.no, NoItem, "page of level %d, want %d", nd.level, want)
	}
	if !leaf && v.depth > maxDepth {
		v.lost(nd.no, NoItem, "tree is deeper than %d levels", maxDepth)
		return false
	}
	return true
}

// internal checks an internal page and its children.
func (t *treeCheck) internal(nd *node, root bool) (records int64, err error) {
	v := t.v
	before := v.report.Missing
	if nd.n == 0 {
		v.lost(nd.no, NoItem, "internal page without items")
	}
	t.internalItems(nd)
	v.stats.page(v.lay, nd, t.kind)
	if root && v.stats != nil && t.kind != dupTree {
		v.stats.Levels = int(nd.level)
	}
	for i := range nd.n {
		if i > 0 && nd.typ == pageIBtree {
			if err := v.without(func() error { return t.separator(nd, i) }); err != nil {
				return records, err
			}
		} else if nd.typ == pageIBtree {
			if err := v.without(func() error { return t.firstKey(nd) }); err != nil {
				return records, err
			}
		}
		child, stored, ok := v.lay.child(nd, i)
		if !ok {
			t.linked = false
			continue // told by internalItems
		}
		t.order.keep()
		missing := v.report.Missing
		n, ok, err := t.page(child, place{nd.no, i}, nd)
		if err != nil {
			return records, err
		}
		records += n
		if ok && !t.counted(nd.typ, int64(stored), n) {
			short := t.countsKept(nd.typ) && int64(stored) > n && v.report.Missing == missing
			t.miscount(short, place{nd.no, i}, "counts %d records below page %d, %d were found", stored, child, n)
		}
	}
	t.order.keep()
	if root && t.countsKept(nd.typ) && int64(nd.prev) != records && (t.kind != dupTree || nd.prev != 0) {
		short := int64(nd.prev) > records && v.report.Missing == before
		t.miscount(short, place{nd.no, NoItem}, "root counts %d records, %d were found", nd.prev, records)
	}
	return records, nil
}

// miscount tells of a record count that is wrong: short when fewer records were
// found than it promises and nothing found below the page explains it.
func (t *treeCheck) miscount(short bool, at place, format string, args ...any) {
	if short {
		t.v.lost(at.page, at.item, format, args...)
		return
	}
	t.v.odd(at.page, at.item, format, args...)
}

// countsKept tells whether internal pages of type typ keep record counts.
func (t *treeCheck) countsKept(typ uint8) bool {
	return typ == pageIRecno || t.kind == keyedTree && t.v.rd.meta.RecNum
}

// counted tells whether a stored record count is right.
func (t *treeCheck) counted(typ uint8, stored, found int64) bool {
	switch {
	case t.countsKept(typ):
		return stored == found
	case t.kind == dupTree: // releases differ
		return stored == found || stored == 0
	}
	return stored == 0
}

// internalItems checks that the items of an internal page fill it.
func (t *treeCheck) internalItems(nd *node) {
	v, l := t.v, t.v.lay
	p := v.packing()
	fine := true
	for i := range nd.n {
		if nd.typ == pageIRecno {
			off := l.slot(nd, i, 8)
			if off < 0 || off%2 != 0 {
				v.unled(nd.no, i, "item lies outside the page")
				fine = false
				continue
			}
			p.add(off, 8)
			continue
		}
		off := l.slot(nd, i, 12)
		if off < 0 {
			v.unled(nd.no, i, "item lies outside the page")
			fine = false
			continue
		}
		n, kind := l.u16(nd.buf[off:]), nd.buf[off+2]
		if off+12+n > l.ps || kind != kindData && (kind != kindOverflow || n != 12) {
			v.odd(nd.no, i, "item of %d bytes, type %d", n, kind)
			fine = false
			continue
		}
		p.add(off, align4(12+n))
	}
	if fine && !p.whole(nd.low) {
		v.odd(nd.no, NoItem, "items do not fill the page from offset %d", nd.low)
	}
}

// separator checks the key of entry i of an internal page.
func (t *treeCheck) separator(nd *node, i int) error {
	key, ok, err := t.internalKey(nd, i, t.sorted)
	if !ok || err != nil || !t.sorted {
		return err
	}
	if !t.order.key(key, true) {
		t.v.odd(nd.no, i, "key is out of order")
	}
	t.order.keep()
	return nil
}

// firstKey checks the chain of a stale first key, which takes no part in the
// order.
func (t *treeCheck) firstKey(nd *node) error {
	_, _, err := t.internalKey(nd, 0, false)
	return err
}

// internalKey is the key of entry i of an internal page, with its chain
// checked.
func (t *treeCheck) internalKey(nd *node, i int, keep bool) (key []byte, ok bool, err error) {
	v, l := t.v, t.v.lay
	off := l.slot(nd, i, 12)
	if off < 0 {
		return nil, false, nil
	}
	n := l.u16(nd.buf[off:])
	if off+12+n > l.ps {
		return nil, false, nil
	}
	key = nd.buf[off+12 : off+12+n]
	if nd.buf[off+2] != kindOverflow {
		return key, true, nil
	}
	if n != 12 {
		return nil, false, nil
	}
	v.valBuf, ok, err = v.overflow(l.u32(key[4:]), l.u32(key[8:]), place{nd.no, i}, keep, v.valBuf)
	return v.valBuf, ok, err
}

// leafPage checks a leaf of any type.
func (t *treeCheck) leafPage(nd *node) (records int64, err error) {
	v := t.v
	if err := t.known(); err != nil {
		return 0, err
	}
	t.links(nd)
	v.stats.page(v.lay, nd, t.kind)
	if v.stats != nil && t.kind != dupTree && v.stats.Levels == 0 {
		v.stats.Levels = 1
	}
	switch {
	case t.seen(nd):
		records = int64(nd.n)
		if nd.typ == pageLBtree {
			records /= 2
		}
	case nd.typ == pageLBtree:
		records, err = t.pairs(nd)
	default:
		records, err = t.items(nd)
	}
	t.count += records
	t.order.keep()
	return records, err
}

// seen tells whether a cursor found the leaf plain, so that nothing can be
// wrong with its items but their order and a length.
func (t *treeCheck) seen(nd *node) bool {
	v := t.v
	return v.cursors != nil && v.cursors.plain.has(nd.no) && !(t.kind == recordTree && v.rd.meta.FixedLen)
}

// settled tells whether leaf no needs no look after that of a cursor. Where
// pages count the records below them the leaf is counted.
func (t *treeCheck) settled(no uint32) bool {
	return t.kind == keyedTree && !t.v.rd.meta.RecNum && t.v.cursors.settled(int64(no))
}

// known finds out where the last leaf leads to, if it was not read.
func (t *treeCheck) known() error {
	if !t.passed {
		return nil
	}
	b, err := t.v.pager.page(int64(t.last))
	if err != nil {
		return err
	}
	t.follow, t.passed = t.v.lay.u32(b[16:]), false
	return nil
}

// links compares a leaf with the chain of the leaves.
func (t *treeCheck) links(nd *node) {
	v := t.v
	switch {
	case !t.linked:
	case t.follow != nd.pgno && t.last != 0:
		v.unlinked(t.last, t.follow, "links to page %d, the next leaf of the tree is page %d", t.follow, nd.pgno)
	}
	if (t.linked || t.last != 0) && nd.prev != t.last && (t.linked || nd.prev == 0) {
		if t.last == 0 && t.linked && nd.typ != pageDup { // leaves before this one
			v.unlinked(nd.pgno, nd.prev, "the first leaf of the tree links back to page %d", nd.prev)
		} else {
			v.odd(nd.no, NoItem, "links back to page %d, the leaf before is page %d", nd.prev, t.last)
		}
	}
	t.last, t.follow, t.linked = nd.pgno, nd.next, true
}

// dupChain checks a 2.x chain of duplicate pages from its first page.
func (t *treeCheck) dupChain(nd *node) (records int64, err error) {
	v := t.v
	if v.rd.meta.Type == Hash && v.rd.meta.Version > 6 || v.rd.meta.Type != Hash && v.rd.meta.Version > 7 {
		v.odd(nd.no, NoItem, "duplicate page of an older form than the file")
	}
	for {
		n, err := t.leafPage(nd)
		records += n
		if err != nil || nd.next == 0 {
			return records, err
		}
		no := nd.next
		if !v.claim(no, place{nd.no, NoItem}) {
			t.linked = false
			return records, nil
		}
		ok, err := v.own(nd, no)
		if !ok || err != nil {
			t.linked = false
			return records, err
		}
		if nd.typ != pageDup || !t.header(nd, nil) {
			v.lost(nd.no, NoItem, "page of type %d in a chain of duplicates", nd.typ)
			t.linked = false
			return records, nil
		}
	}
}
