package bdb

// checkMeta185 checks the metadata of a 1.85 btree or hash.
func (v *verifier) checkMeta185(raw []byte) {
	m := &v.rd.meta
	if m.Type == Hash {
		v.checkHeader185(raw)
		return
	}
	if odd := m.RawFlags &^ (flag185NoDups | flag185Recno); odd != 0 {
		v.odd(0, NoItem, "unknown flags %#x", odd)
	}
	if m.Type != Recno && m.NumElem != 0 {
		v.odd(0, NoItem, "record count %d in a btree", m.NumElem)
	}
}

// A treeCheck185 is the check of a 1.85 btree or recno.
type treeCheck185 struct {
	v      *verifier
	nodes  []*node185
	depth  int
	height int // depth of the leaves; 0: not known yet
	order  order
	last   uint32
	follow uint32
	linked bool
	count  int64
}

func (v *verifier) tree185() error {
	m := &v.rd.meta
	t := treeCheck185{v: v, linked: true}
	t.order.equal = !m.NoDups
	if _, err := t.page(1, place{0, NoItem}); err != nil {
		return err
	}
	if t.linked && t.follow != 0 {
		v.unlinked(t.last, t.follow, "last leaf of the tree links to page %d", t.follow)
	}
	if m.Type == Recno && int64(m.NumElem) != t.count {
		tell := v.odd
		if int64(m.NumElem) > t.count && v.report.Missing == 0 {
			tell = v.lost
		}
		tell(0, NoItem, "metadata counts %d records, %d were found", m.NumElem, t.count)
	}
	v.report.Records += t.count
	return nil
}

// page checks page no and all below it, and returns the number of records.
func (t *treeCheck185) page(no uint32, from place) (records int64, err error) {
	v := t.v
	if t.depth >= maxDepth {
		v.lost(from.page, from.item, "tree is deeper than %d levels", maxDepth)
		return 0, nil
	}
	if !v.claim(no, from) {
		t.linked = false
		return 0, nil
	}
	if t.depth == len(t.nodes) {
		t.nodes = append(t.nodes, &node185{})
	}
	nd := t.nodes[t.depth]
	v.node() // for the packing of this level
	defer v.release()
	t.depth++
	defer func() { t.depth-- }()
	ok, err := v.load185(nd, no)
	if err != nil {
		return 0, err
	}
	recno := v.rd.meta.Type == Recno
	switch typ := nd.flags & p185TypeMask; {
	case !ok:
	case typ == p185Internal && !recno, typ == p185RInternal && recno:
		return t.internal(nd)
	case typ == p185Leaf && !recno, typ == p185RLeaf && recno:
		return t.leaf(nd)
	default:
		v.lost(nd.no, NoItem, "page of type %#x in a tree", typ)
	}
	t.linked = false
	return 0, nil
}

// load185 reads a claimed page of a tree and checks its header.
func (v *verifier) load185(nd *node185, no uint32) (bool, error) {
	if err := v.stop(); err != nil {
		return false, err
	}
	v.progress(1)
	b, err := v.pager.page(int64(no))
	if err != nil {
		return false, err
	}
	if nd.buf == nil {
		nd.buf = make([]byte, v.lay.ps)
	}
	copy(nd.buf, b)
	nd.no = int64(no)
	v.lay.decode185(nd)
	if nd.pgno != no {
		v.lost(nd.no, NoItem, "page says it is page %d", nd.pgno)
		return false, nil
	}
	if !v.lay.bounds185(nd) {
		v.lost(nd.no, NoItem, "items between offsets %d and %d", nd.lower, nd.upper)
		return false, nil
	}
	if odd := nd.flags &^ p185TypeMask; odd != 0 {
		v.odd(nd.no, NoItem, "unknown page flags %#x", odd)
	}
	return true, nil
}

func (t *treeCheck185) internal(nd *node185) (records int64, err error) {
	v, l := t.v, t.v.lay
	if nd.n == 0 {
		v.lost(nd.no, NoItem, "internal page without items")
	}
	if v.stats != nil {
		v.stats.Internal.add(nd.upper - nd.lower)
	}
	p := v.packing()
	fine := true
	for i := range nd.n {
		size, ok := l.internalSize185(nd, i)
		if !ok {
			fine = false
			v.unled(nd.no, i, "item does not fit the page")
			continue
		}
		p.add(l.slot185(nd, i, 8), align4(size))
	}
	if fine && !p.whole(nd.upper) {
		v.odd(nd.no, NoItem, "items do not fill the page from offset %d", nd.upper)
	}
	for i := range nd.n {
		if _, ok := l.internalSize185(nd, i); !ok {
			t.linked = false
			continue
		}
		n, err := t.child(nd, i)
		records += n
		if err != nil {
			return records, err
		}
	}
	return records, nil
}

// internalSize185 is the size of entry i of an internal page without alignment.
func (l *layout) internalSize185(nd *node185, i int) (int, bool) {
	if nd.flags&p185TypeMask == p185RInternal {
		return 8, l.slot185(nd, i, 8) >= 0
	}
	off := l.slot185(nd, i, 9)
	if off < 0 {
		return 0, false
	}
	n, flags := uint64(l.u32(nd.buf[off:])), nd.buf[off+8]
	if uint64(off)+9+n > uint64(l.ps) || flags&^item185BigKey != 0 || flags != 0 && n != 8 {
		return 0, false
	}
	return 9 + int(n), true
}

// child checks entry i of an internal page and what lies below.
func (t *treeCheck185) child(nd *node185, i int) (int64, error) {
	v, l := t.v, t.v.lay
	off := l.slot185(nd, i, 8)
	b := nd.buf[off:]
	if nd.flags&p185TypeMask == p185RInternal {
		n, err := t.page(l.u32(b[4:]), place{nd.no, i})
		if err == nil && int64(l.u32(b)) != n {
			v.odd(nd.no, i, "counts %d records below page %d, %d were found", l.u32(b), l.u32(b[4:]), n)
		}
		return n, err
	}
	n := int(l.u32(b))
	key := b[9 : 9+n]
	if b[8] != 0 {
		var ok bool
		err := v.without(func() (err error) {
			v.valBuf, ok, err = v.overflow185(l.u32(key), l.u32(key[4:]), place{nd.no, i}, i > 0, v.valBuf)
			return err
		})
		if err != nil {
			return 0, err
		}
		key = v.valBuf
		if !ok {
			key = nil
		}
	}
	if i > 0 && key != nil && !v.opts.NoOrder && !t.order.key(key, true) {
		v.odd(nd.no, i, "key is out of order")
	}
	t.order.keep()
	return t.page(l.u32(b[4:]), place{nd.no, i})
}

func (t *treeCheck185) leaf(nd *node185) (int64, error) {
	v, l := t.v, t.v.lay
	if t.height == 0 {
		t.height = t.depth
	}
	if t.height != t.depth {
		v.odd(nd.no, NoItem, "leaf at level %d, others at level %d", t.depth, t.height)
	}
	t.links(nd)
	if v.stats != nil {
		v.stats.Levels = t.depth
		v.stats.Leaf.add(nd.upper - nd.lower)
		v.stats.Keys += int64(nd.n)
		v.stats.Data += int64(nd.n)
		if nd.n == 0 {
			v.stats.Empty++
		}
	}
	p := v.packing()
	fine := true
	for i := range nd.n {
		it, ok := l.item185(nd, i)
		if !ok {
			fine = false
			v.lost(nd.no, i, "item does not fit the page")
			continue
		}
		p.add(l.slot185(nd, i, 1), align4(it.size))
		if err := t.record(nd, i, it); err != nil {
			return 0, err
		}
	}
	if fine && !p.whole(nd.upper) {
		v.lost(nd.no, NoItem, "items do not fill the page from offset %d", nd.upper)
	}
	t.order.keep()
	t.count += int64(nd.n)
	return int64(nd.n), nil
}

// links compares a leaf with the chain of the leaves.
func (t *treeCheck185) links(nd *node185) {
	v := t.v
	if t.linked && t.last != 0 && t.follow != nd.pgno {
		v.unlinked(t.last, t.follow, "links to page %d, the next leaf of the tree is page %d", t.follow, nd.pgno)
	}
	if t.linked && nd.prev != t.last {
		v.odd(nd.no, NoItem, "links back to page %d, the leaf before is page %d", nd.prev, t.last)
	}
	t.last, t.follow, t.linked = nd.pgno, nd.next, true
}

// record checks item i of a leaf.
func (t *treeCheck185) record(nd *node185, i int, it item185) error {
	v, l := t.v, t.v.lay
	key, at := it.key, place{nd.no, i}
	head := 9
	if nd.flags&p185TypeMask == p185RLeaf {
		head = 5
	}
	if flags := nd.buf[l.slot185(nd, i, head)+head-1]; flags&^(item185BigData|item185BigKey) != 0 || head == 5 && it.bigKey {
		v.lost(nd.no, i, "unknown item flags %#x", flags)
		return nil
	}
	if it.bigData {
		k, pgno, size := l.bigData185(it)
		if !it.bigKey {
			key = k
		}
		if _, _, err := v.overflow185(pgno, size, at, false, v.keyBuf); err != nil {
			return err
		}
	}
	if it.bigKey {
		var ok bool
		var err error
		t.order.keep()
		v.keyBuf, ok, err = v.overflow185(l.u32(it.key), l.u32(it.key[4:]), at, true, v.keyBuf)
		if !ok || err != nil {
			return err
		}
		key = v.keyBuf
	}
	if head == 9 && !v.opts.NoOrder && !t.order.key(key, false) {
		v.odd(nd.no, i, "key is out of order")
	}
	if it.bigKey {
		t.order.keep()
	}
	return nil
}

// overflow185 checks the chain of a big item. A chain whose first page is
// marked to be preserved belongs to a leaf key and to its copies on internal
// pages.
func (v *verifier) overflow185(head, size uint32, from place, keep bool, buf []byte) (data []byte, ok bool, err error) {
	data, ok, err = v.chain185(head, size, from, keep, buf)
	v.spoilt(head, ok)
	return data, ok, err
}

func (v *verifier) chain185(head, size uint32, from place, keep bool, buf []byte) (data []byte, ok bool, err error) {
	buf = buf[:0]
	room := int64(v.lay.ps - header185Page)
	if int64(size) > v.lay.pages*room {
		v.lost(from.page, from.item, "item of %d bytes is longer than the file", size)
		return buf, false, nil
	}
	again := v.refs[head] != nil
	if again && v.refs[head].size != size {
		v.lost(from.page, from.item, "item of %d bytes shares a chain of %d bytes", size, v.refs[head].size)
		return buf, false, nil
	}
	if again && v.refs[head].broken {
		v.lost(from.page, from.item, "leads to the overflow chain of page %d, which is damaged", head)
		return buf, false, nil
	}
	if again && (!keep || !v.mayRepeat(from)) {
		return buf, !keep, nil
	}
	no, at := head, from
	for left := int64(size); left > 0 || no == head && size == 0; left -= room {
		if !again && !v.claim(no, at) || again && (no == 0 || int64(no) >= v.lay.pages) {
			return buf, false, nil
		}
		if again {
			v.again++
		}
		v.progress(1)
		b, err := v.pager.page(int64(no))
		if err != nil {
			return buf, false, err
		}
		nd := node185{buf: b, no: int64(no)}
		v.lay.decode185(&nd)
		if nd.pgno != no || nd.flags&p185TypeMask != p185Overflow || nd.flags&^(p185TypeMask|p185Preserve) != 0 {
			v.lost(nd.no, NoItem, "page %d of type %#x in an overflow chain", nd.pgno, nd.flags)
			return buf, false, nil
		}
		if !again && (nd.prev != 0 || nd.lower != 0 || nd.upper != 0) {
			v.odd(nd.no, NoItem, "overflow page has links or items that it should not have")
		}
		if v.stats != nil && !again {
			v.stats.Overflow.add(int(max(room-left, 0)))
		}
		if no == head && nd.flags&p185Preserve != 0 && !again && len(v.refs) < maxRefs {
			v.refs[head] = &reference{size: size}
		}
		if keep && len(buf) < compareLimit {
			buf = append(buf, b[header185Page:header185Page+min(room, left)]...)
		}
		at, no = place{nd.no, NoItem}, nd.next
		if size == 0 {
			break
		}
	}
	if no != 0 {
		v.lost(at.page, NoItem, "overflow chain goes on behind the end of its item")
	}
	return buf, true, nil
}

// freeList185 follows the free pages of a 1.85 btree; they keep their old
// contents.
func (v *verifier) freeList185() error {
	m := &v.rd.meta
	if m.Type == Hash {
		return nil
	}
	from := place{0, NoItem}
	for no := m.Free; no != 0; {
		if !v.claim(no, from) {
			return nil
		}
		b, err := v.pager.page(int64(no))
		if err != nil {
			return err
		}
		nd := node185{buf: b, no: int64(no)}
		v.lay.decode185(&nd)
		if nd.pgno != no {
			v.lost(nd.no, NoItem, "page says it is page %d", nd.pgno)
			return nil
		}
		from, no = place{nd.no, NoItem}, nd.next
		if v.stats != nil {
			v.stats.FreeList++
		}
	}
	return nil
}
