package bdb

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strconv"
)

// Page types and flags of the 1.85 btree, the low bits of the flags word.
const (
	p185Internal  = 0x01
	p185Leaf      = 0x02
	p185Overflow  = 0x04
	p185RInternal = 0x08
	p185RLeaf     = 0x10
	p185TypeMask  = 0x1f
	p185Preserve  = 0x20

	item185BigData = 0x01
	item185BigKey  = 0x02

	header185Page = 20
)

// A node185 is one page of a 1.85 btree.
type node185 struct {
	buf        []byte
	no         int64
	pgno       uint32
	prev, next uint32
	flags      uint32
	lower      int
	upper      int
	n          int
}

func (l *layout) decode185(nd *node185) {
	b := nd.buf
	nd.pgno, nd.prev, nd.next, nd.flags = l.u32(b), l.u32(b[4:]), l.u32(b[8:]), l.u32(b[12:])
	nd.lower, nd.upper = l.u16(b[16:]), l.u16(b[18:])
	nd.n = max(nd.lower-header185Page, 0) / 2
}

// bounds185 tells whether slots and items of nd lie on the page, in this order.
func (l *layout) bounds185(nd *node185) bool {
	return nd.lower >= header185Page && nd.lower%2 == 0 && nd.lower <= nd.upper && nd.upper <= l.ps
}

// slot185 is the offset of item i of nd, -1 when it leaves less than min bytes.
func (l *layout) slot185(nd *node185, i, min int) int {
	off := l.u16(nd.buf[header185Page+2*i:])
	if off < nd.lower || off+min > l.ps {
		return -1
	}
	return off
}

// A tree185 goes through the leaves of a 1.85 btree or recno.
type tree185 struct {
	in     *input
	stack  []step185
	depth  int
	leaf   node185
	i      int
	begun  bool
	recno  uint64
	digits []byte
	last   uint32 // leaf before, 0: none
	follow uint32 // its next link
	linked bool
	check  pageCheck
}

type step185 struct {
	nd node185
	i  int
}

func newTree185(in *input) *tree185 { return &tree185{in: in, linked: true} }

func (t *tree185) next() (key, value []byte, err error) {
	for {
		if t.i >= t.leaf.n {
			if err := t.nextLeaf(); err != nil {
				return nil, nil, err
			}
			continue
		}
		i := t.i
		t.i++
		t.recno++
		key, value, ok, err := t.record(i)
		if ok || err != nil {
			return key, value, err
		}
	}
}

// record reads item i of the leaf.
func (t *tree185) record(i int) (key, value []byte, ok bool, err error) {
	l, nd := &t.in.lay, &t.leaf
	at := place{nd.no, i}
	it, ok := l.item185(nd, i)
	if !ok {
		return nil, nil, false, t.in.problem(t.in.damage(at.page, at.item, "item does not fit the page"))
	}
	if !t.check.take(l.slot185(nd, i, 1), align4(it.size)) {
		return nil, nil, false, t.in.problem(t.in.damage(at.page, at.item, "item overlaps another item"))
	}
	key, value = it.key, it.data
	if t.in.meta.Type == Recno {
		t.digits = strconv.AppendUint(t.digits[:0], t.recno, 10)
		key = t.digits
	}
	if it.bigKey {
		t.in.key, ok, err = t.in.chain185(t.in.key, l.u32(it.key), l.u32(it.key[4:]), at)
		if !ok || err != nil {
			return nil, nil, false, err
		}
		key = t.in.key
	}
	if it.bigData {
		k, pgno, size := l.bigData185(it)
		if !it.bigKey && t.in.meta.Type != Recno {
			key = k
		}
		t.in.val, ok, err = t.in.chain185(t.in.val, pgno, size, at)
		if !ok || err != nil {
			return nil, nil, false, err
		}
		value = t.in.val
	}
	return key, value, true, nil
}

// An item185 is a decoded leaf item; big parts are 8 bytes: page and size.
type item185 struct {
	key, data       []byte
	bigKey, bigData bool
	size            int // bytes on the page, without alignment
}

// item185 decodes item i of a leaf of a btree (key and data) or recno (data).
func (l *layout) item185(nd *node185, i int) (it item185, ok bool) {
	head := 9
	if nd.flags&p185TypeMask == p185RLeaf {
		head = 5
	}
	off := l.slot185(nd, i, head)
	if off < 0 {
		return it, false
	}
	b := nd.buf[off:]
	flags := b[head-1]
	it.bigData, it.bigKey = flags&item185BigData != 0, flags&item185BigKey != 0
	ksize, dsize := uint64(0), uint64(l.u32(b[head-5:]))
	if head == 9 {
		ksize = uint64(l.u32(b))
	}
	if uint64(head)+ksize+dsize > uint64(len(b)) || it.bigKey && ksize != 8 || it.bigData && dsize != 8 {
		return it, false
	}
	it.key = b[head : head+int(ksize) : head+int(ksize)]
	it.data = b[head+int(ksize) : head+int(ksize+dsize) : head+int(ksize+dsize)]
	it.size = head + int(ksize+dsize)
	return it, true
}

// bigData185 reads key, page and size of an item with big data. In files of a
// foreign order the library turned the wrong bytes around when only the data
// was big: the words 4 and 8 bytes behind the flags byte, counted from the key.
func (l *layout) bigData185(it item185) (key []byte, pgno, size uint32) {
	pgno, size = l.u32(it.data), l.u32(it.data[4:])
	if it.bigKey || l.fits185(pgno, size) || len(it.key) < 4 {
		return it.key, pgno, size
	}
	n := len(it.key)
	area := append(bytes.Clone(it.key), it.data...)
	slices.Reverse(area[4:8])
	slices.Reverse(area[8:12])
	other := layout{big: !l.big}
	if p, s := other.u32(area[n:]), other.u32(area[n+4:]); l.fits185(p, s) {
		return area[:n], p, s
	}
	return it.key, pgno, size
}

func (l *layout) fits185(pgno, size uint32) bool {
	return pgno != 0 && int64(pgno) < l.pages && int64(size) <= l.pages*int64(l.ps-header185Page)
}

// chain185 reads a big item from its overflow pages.
func (in *input) chain185(dst []byte, head, size uint32, from place) (data []byte, ok bool, err error) {
	room := in.lay.ps - header185Page
	if int64(size) > in.lay.pages*int64(room) {
		return dst, false, in.problem(in.damage(from.page, from.item, "item of %d bytes is longer than the file", size))
	}
	if int64(size) > in.opts.MaxItem {
		e := in.damage(from.page, from.item, "%d bytes, at most %d are read", size, in.opts.MaxItem)
		e.Err = ErrTooBig
		return dst, false, in.problem(e)
	}
	if cap(dst) < int(size) {
		dst = make([]byte, 0, int(size))
	}
	dst = dst[:0]
	for no := head; len(dst) < int(size); {
		b, fault, err := in.overflow185(no)
		if err != nil {
			return dst, false, err
		}
		if fault != "" {
			return dst, false, in.problem(in.damage(from.page, from.item, "overflow chain: %s", fault))
		}
		dst = append(dst, b[header185Page:header185Page+min(room, int(size)-len(dst))]...)
		no = in.lay.u32(b[8:])
	}
	return dst, true, nil
}

func (in *input) overflow185(no uint32) (b []byte, fault string, err error) {
	if *in.overflow <= 0 {
		return nil, "its pages are shared by more items than can be", nil
	}
	*in.overflow--
	if no == 0 {
		return nil, "ends early", nil
	}
	if int64(no) >= in.lay.pages {
		return nil, fmt.Sprintf("leads to page %d, the file has %d pages", no, in.lay.pages), nil
	}
	if b, err = in.pager.page(int64(no)); err != nil {
		return nil, "", err
	}
	in.seen.add(int64(no))
	if own := in.lay.u32(b); own != no {
		return nil, fmt.Sprintf("page %d says it is page %d", no, own), nil
	}
	if t := in.lay.u32(b[12:]) & p185TypeMask; t != p185Overflow {
		return nil, fmt.Sprintf("page %d is of type %#x", no, t), nil
	}
	return b, "", nil
}

// nextLeaf goes to the next leaf by the child lists.
func (t *tree185) nextLeaf() error {
	t.i, t.leaf.n = 0, 0
	if !t.begun {
		t.begun = true
		leaf, err := t.enter(1, place{0, NoItem})
		if leaf || err != nil {
			return err
		}
	}
	for t.depth > 0 {
		s := &t.stack[t.depth-1]
		if s.i >= s.nd.n {
			t.depth--
			continue
		}
		i := s.i
		s.i++
		child, ok := t.in.lay.child185(&s.nd, i)
		if !ok {
			t.linked = false
			if err := t.in.problem(t.in.damage(s.nd.no, i, "item lies outside the page")); err != nil {
				return err
			}
			continue
		}
		depth := t.depth
		leaf, err := t.enter(child, place{s.nd.no, i})
		if leaf || err != nil {
			return err
		}
		if t.depth == depth {
			t.linked = false
		}
	}
	if t.linked && t.last != 0 && t.follow != 0 {
		t.linked = false
		return t.in.problem(t.in.damage(int64(t.last), NoItem, "the last leaf of the tree links to page %d", t.follow))
	}
	return io.EOF
}

// child185 is the child page of entry i of an internal page.
func (l *layout) child185(nd *node185, i int) (uint32, bool) {
	head := 9
	if nd.flags&p185TypeMask == p185RInternal {
		head = 8
	}
	off := l.slot185(nd, i, head)
	if off < 0 {
		return 0, false
	}
	return l.u32(nd.buf[off+4:]), true
}

// enter loads page no: a leaf becomes t.leaf (true), an internal page goes on
// the stack.
func (t *tree185) enter(no uint32, from place) (leaf bool, err error) {
	in := t.in
	if t.depth == maxDepth {
		return false, in.problem(in.damage(from.page, from.item, "tree is deeper than %d levels", maxDepth))
	}
	if t.depth == len(t.stack) {
		t.stack = append(t.stack, step185{})
	}
	s := &t.stack[t.depth]
	if ok, err := in.own185(&s.nd, no, from); !ok || err != nil {
		return false, err
	}
	switch typ := s.nd.flags & p185TypeMask; {
	case typ == p185Internal && in.meta.Type == Btree, typ == p185RInternal && in.meta.Type == Recno:
		s.i = 0
		t.depth++
		if s.nd.n == 0 {
			return false, in.problem(in.damage(s.nd.no, NoItem, "internal page without items"))
		}
		return false, nil
	case typ == p185Leaf && in.meta.Type == Btree, typ == p185RLeaf && in.meta.Type == Recno:
		t.leaf, s.nd = s.nd, t.leaf
		if err := in.items185(&t.check, &t.leaf); err != nil {
			return true, err
		}
		return true, t.link()
	default:
		return false, in.problem(in.damage(s.nd.no, NoItem, "page of type %#x in a tree", typ))
	}
}

// own185 loads page no, which must know its number and be visited once.
func (in *input) own185(nd *node185, no uint32, from place) (bool, error) {
	if no == 0 || int64(no) >= in.lay.pages {
		return false, in.problem(in.damage(from.page, from.item, "leads to page %d, the file has %d pages", no, in.lay.pages))
	}
	if in.seen.add(int64(no)) {
		return false, in.problem(in.damage(from.page, from.item, "leads to page %d, which was reached before", no))
	}
	b, err := in.pager.page(int64(no))
	if err != nil {
		return false, err
	}
	if nd.buf == nil {
		nd.buf = make([]byte, in.lay.ps)
	}
	copy(nd.buf, b)
	nd.no = int64(no)
	in.lay.decode185(nd)
	if nd.pgno != no {
		return false, in.problem(in.damage(nd.no, NoItem, "page says it is page %d", nd.pgno))
	}
	if !in.lay.bounds185(nd) {
		return false, in.problem(in.damage(nd.no, NoItem, "items between offsets %d and %d", nd.lower, nd.upper))
	}
	return true, nil
}

// link compares the leaf with the chain of leaves.
func (t *tree185) link() error {
	nd := &t.leaf
	last, want, linked := t.last, t.follow, t.linked
	t.last, t.follow, t.linked = nd.pgno, nd.next, true
	if linked && last != 0 && want != nd.pgno {
		return t.in.problem(t.in.damage(int64(last), NoItem, "links to page %d, the next leaf of the tree is page %d", want, nd.pgno))
	}
	return nil
}
