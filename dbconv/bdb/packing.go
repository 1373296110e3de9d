package bdb

// A packing checks that the items of a page fill it without gap or overlap,
// from the lowest offset, which the header names, to the end of the page. All
// pages of all releases are laid out so: a page that is not has lost items, or
// holds some that are none.
type packing struct {
	ps     int
	used   int // bytes of the items met so far
	low    int // lowest offset
	ends   []int
	starts startSet
}

// reset makes p ready for a page of ps bytes.
func (p *packing) reset(ps int) {
	p.ps, p.used, p.low, p.ends = ps, 0, ps, p.ends[:0]
	clear(p.starts[:(ps/4+63)/64])
}

// add marks an item of size bytes at off.
func (p *packing) add(off, size int) {
	p.used += size
	p.low = min(p.low, off)
	p.starts[off/256%len(p.starts)] |= 1 << (off / 4 % 64)
	p.ends = append(p.ends, off+size)
}

// whole tells whether the items lie end to start from low to the end of the
// page.
func (p *packing) whole(low int) bool {
	if len(p.ends) == 0 {
		return low == p.ps&0xffff
	}
	if p.low != low || p.used != p.ps-low {
		return false
	}
	for _, end := range p.ends {
		if end != p.ps && (end > p.ps || end%4 != 0 || p.starts[end/256%len(p.starts)]&(1<<(end/4%64)) == 0) {
			return false
		}
	}
	return true
}

// A cover is the part of a page that items were taken from, a bit for 4 bytes.
// It is needed on pages that are not whole, where items may overlap: a byte
// belongs to one item, so that no page gives more bytes than it has.
type cover struct {
	on    bool
	cells startSet
}

// take marks an item of size bytes at off. It is false when part of the item
// belongs to one that was taken before.
func (c *cover) take(off, size int) bool {
	if !c.on {
		return true
	}
	free := true
	for cell := off / 4; cell <= (off+max(size, 1)-1)/4; cell++ {
		word, bit := &c.cells[cell/64%len(c.cells)], uint64(1)<<(cell%64)
		free = free && *word&bit == 0
		*word |= bit
	}
	return free
}

// A pageCheck is what a cursor knows of the layout of the leaf that it is on.
// It adds up the items only: whether they lie end to start is found out after
// the last record, and items that take as many bytes as there are cannot be
// many.
type pageCheck struct {
	used, low int
	plain     bool // see input.plain
	cover
}

func (p *pageCheck) reset(ps int) { p.used, p.low, p.on = 0, ps, false }

func (p *pageCheck) add(off, size int) {
	p.used += size
	p.low = min(p.low, off)
}

// full tells whether the items may fill the page of ps bytes from low on.
func (p *pageCheck) full(low, ps int) bool {
	return p.low&0xffff == low && p.used == ps-p.low
}

// notWhole tells of a leaf whose items do not fill it, and has overlapping
// items found from here on.
func (in *input) notWhole(pc *pageCheck, no int64, low int) error {
	pc.cover = cover{on: true}
	return in.problem(in.damage(no, NoItem, "items do not fill the page from offset %d: records are missing, or wrong", low))
}

// plain tells whether a leaf is whole and has nothing but items that lie on it,
// none of them deleted and none shared by slots. Most leaves are so: their
// items need no further look, neither by a cursor nor after the last record.
func (in *input) plain(nd *node) bool {
	l := &in.lay
	least, low, used, ordered := l.hdr+2*nd.n, l.ps, 0, true
	for i := range nd.n {
		off := l.u16(nd.buf[l.hdr+2*i:])
		if off < least || off%4 != 0 || off+4 > l.ps || nd.buf[off+2] != kindData {
			return false
		}
		size := align4(3 + l.u16(nd.buf[off:]))
		if off+size > l.ps {
			return false
		}
		ordered = ordered && off+size == low
		low = min(low, off)
		used += size
	}
	switch {
	case nd.n == 0 || low&0xffff != nd.low || used != l.ps-low:
		return false
	case ordered: // each ends where the one before begins
		return true
	}
	p := &in.packing
	p.reset(l.ps)
	for i := range nd.n {
		off := l.u16(nd.buf[l.hdr+2*i:])
		p.add(off, align4(3+l.u16(nd.buf[off:])))
	}
	return p.whole(low)
}

// plainItem is the data of slot i of a plain leaf.
func (l *layout) plainItem(nd *node, i int) []byte {
	off := l.u16(nd.buf[l.hdr+2*i:])
	end := off + 3 + l.u16(nd.buf[off:])
	return nd.buf[off+3 : end : end]
}

// pairs checks the layout of a btree leaf.
func (in *input) pairs(pc *pageCheck, nd *node) error {
	l := &in.lay
	in.repeats += int64(l.ps) * repeatFactor
	if pc.plain = nd.n%2 == 0 && in.plain(nd); pc.plain {
		pc.on = false
		in.root().file.whole(in, nd)
		return nil
	}
	pc.reset(l.ps)
	fine, last := nd.n%2 == 0, -1
	for i := 0; i < nd.n; i++ {
		off := l.slot(nd, i, 3)
		if off < 0 || off%2 != 0 {
			fine = false
			continue
		}
		if i%2 == 0 {
			if off == last {
				continue // the key of the pair before
			}
			last = off
		}
		size, ok := in.slotSize(nd, i, off)
		if !ok {
			fine = false
			continue
		}
		pc.add(off, size)
	}
	switch {
	case fine && pc.full(nd.low, l.ps):
		return nil
	case fine:
		return in.notWhole(pc, nd.no, nd.low)
	}
	pc.cover = cover{on: true} // the items that do not fit are told of one by one
	return nil
}

// slotSize is the number of bytes that the item of slot i takes, at off.
func (in *input) slotSize(nd *node, i, off int) (size int, ok bool) {
	l := &in.lay
	var it item
	if i%2 == 0 && l.v6() && shared(l, nd, i) {
		it, ok = l.key6(nd, off, in.pager)
	} else {
		it, ok = l.item(nd, off)
	}
	return it.slot, ok
}

// items checks the layout of a leaf with one data item a slot.
func (in *input) items(pc *pageCheck, nd *node) error {
	l := &in.lay
	in.repeats += int64(l.ps) * repeatFactor
	if pc.plain = in.plain(nd); pc.plain {
		pc.on = false
		in.root().file.whole(in, nd)
		return nil
	}
	pc.reset(l.ps)
	fine := true
	for i := range nd.n {
		off := l.slot(nd, i, 3)
		if off < 0 || off%2 != 0 {
			fine = false
			continue
		}
		it, ok := l.item(nd, off)
		if fine = fine && ok; ok {
			pc.add(off, it.slot)
		}
	}
	switch {
	case fine && pc.full(nd.low, l.ps):
		return nil
	case fine:
		return in.notWhole(pc, nd.no, nd.low)
	}
	pc.cover = cover{on: true}
	return nil
}

// items185 checks the layout of a 1.85 leaf.
func (in *input) items185(pc *pageCheck, nd *node185) error {
	l := &in.lay
	in.repeats += int64(l.ps) * repeatFactor
	pc.reset(l.ps)
	fine := true
	for i := range nd.n {
		it, ok := l.item185(nd, i)
		if fine = fine && ok; ok {
			pc.add(l.slot185(nd, i, 1), align4(it.size))
		}
	}
	switch {
	case fine && pc.full(nd.upper, l.ps):
		return nil
	case fine:
		return in.notWhole(pc, nd.no, nd.upper)
	}
	pc.cover = cover{on: true}
	return nil
}

// hashLow checks that the lowest item of a hash page is where the header says:
// its items lie one before the other from the end of the page.
func (in *input) hashLow(nd *node) error {
	l := &in.lay
	in.repeats += int64(l.ps) * repeatFactor
	low := l.ps
	if nd.n > 0 {
		low = l.u16(nd.buf[l.hdr+2*(nd.n-1):])
	}
	if nd.low == low&0xffff {
		return nil
	}
	return in.problem(in.damage(nd.no, NoItem, "items begin at offset %d, the header says %d: records are missing, or wrong", low, nd.low))
}
