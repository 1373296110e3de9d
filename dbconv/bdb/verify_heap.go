package bdb

// heap checks the pages of a heap.
func (v *verifier) heap() error {
	m := &v.rd.meta
	rd := *v.rd
	rd.opts.Problem = func(err error) {
		v.tellUnlessGap(err)
	}
	if !m.regionFits() {
		v.odd(int64(m.PageNo), NoItem, "regions of %d pages do not go with pages of %d bytes", m.RegionSize, m.PageSize)
	}
	c := newHeapCursor(newInput(&rd))
	if err := v.readAll(c.next); err != nil {
		return err
	}
	v.progress(m.Pages)
	if c.orders[0].big != v.lay.big {
		v.note(0, ErrCorrupt, "slots and headers of records are stored in the other byte order, as release 5.3 does; a host of that order cannot read the file")
	}
	return v.heapPages(c)
}

// heapPages looks at what costs no record, and for pieces that no record led
// to.
func (v *verifier) heapPages(c *heapCursor) error {
	m := &v.rd.meta
	if last := m.lastRegion(); m.regionFits() && m.Regions != last {
		v.odd(int64(m.PageNo), NoItem, "%d regions are counted, the file has %d", m.Regions, last)
	}
	r := heapRegionCheck{v: v}
	for no := int64(1); no < m.Pages; no++ {
		v.reached.add(no)
		if no%1024 == 0 {
			if err := v.stop(); err != nil {
				return err
			}
		}
		b, err := v.pager.page(no)
		if err != nil {
			return err
		}
		p := &r.page
		p.no = no
		p.buf = append(p.buf[:0], b...)
		v.lay.decodeHeap(p, c.orders)
		v.stats.heapPage(p, m.heapRegion(no))
		if b[24] != 0 {
			v.odd(no, NoItem, "heap page of level %d", b[24])
		}
		if m.heapRegion(no) {
			r.begin()
			continue
		}
		r.filled()
		if c.unfit(p, no) == "" && p.typ == pageHeap {
			v.logged(no, [2]uint32{v.lay.u32(b), v.lay.u32(b[4:])})
			v.heapPage(c, p)
		}
	}
	if c.pieces.full {
		v.odd(-1, NoItem, "the file has too many pieces of records to tell which belong to none")
	}
	r.end()
	return nil
}

// lastRegion is the number of regions that the pages of the file make.
func (m *Meta) lastRegion() uint32 {
	step := int64(m.RegionSize) + 1
	return uint32((m.Pages - 1 + step - 1) / step)
}

// heapPage checks the items of a page: the first free slot, and that every
// piece belongs to a record.
func (v *verifier) heapPage(c *heapCursor, p *heapPage) {
	free := -1
	for i := range p.slots() {
		it, there, wrong := p.item(i)
		if !there && wrong == "" && free < 0 {
			free = i
		}
		if there && it.flags&(heapSplit|heapFirst) == heapSplit && !c.pieces.full && !c.pieces.has(c.piece(p.no, i)) {
			v.lost(p.no, i, "a piece of a record of which nothing leads to it")
		}
	}
	if free < 0 {
		free = p.slots()
	}
	if p.fault == "" && p.free != free {
		v.odd(p.no, NoItem, "the first free slot is said to be %d, it is %d", p.free, free)
	}
}

// A heapRegionCheck compares region pages with the pages that they keep account
// of.
type heapRegionCheck struct {
	v      *verifier
	page   heapPage // the page that is looked at
	region int64    // page of the account; 0: none that can be used
	bits   []byte
	stale  int64 // pages whose account is not as full as they are, or fuller
	first  int64 // of them
}

// begin takes a region page.
func (r *heapRegionCheck) begin() {
	v, p := r.v, &r.page
	m := &v.rd.meta
	r.region = 0
	fault := ""
	switch {
	case int64(p.pgno) != p.no || p.typ != pageHeapRegion:
		v.odd(p.no, NoItem, "no region page, where one should be (page %d of type %d)", p.pgno, p.typ)
		return
	case v.lay.sum && !v.sumFits(p.buf):
		v.odd(p.no, NoItem, "checksum of the region page does not match")
		return
	case !allZero(p.buf[16:22]) || p.low != v.lay.ps&0xffff:
		fault = "region page with items"
	}
	last := min(p.no+int64(m.RegionSize), m.Pages-1)
	if last == p.no {
		last = 0
	}
	if stored := int64(v.lay.u32(p.buf[12:])); fault == "" && stored != last && !(m.logged() && stored > last && stored <= p.no+int64(m.RegionSize)) {
		v.odd(p.no, NoItem, "the last page of the region is said to be %d, it is %d", stored, last)
	}
	if fault != "" {
		v.odd(p.no, NoItem, "%s", fault)
	}
	r.region = p.no
	r.bits = append(r.bits[:0], p.buf[v.lay.hdr:]...)
	for i := last - p.no; i >= 0 && i < int64(m.RegionSize); i++ {
		if r.account(i) != 0 && last != 0 {
			v.odd(p.no, NoItem, "account of page %d, which the region does not have", p.no+1+i)
			return
		}
	}
}

func (v *verifier) sumFits(b []byte) bool {
	ok, _ := v.lay.checkSum(b, checksumAt)
	return ok
}

// account is what the region page says of its page i: 0 to 3, the fuller the
// more.
func (r *heapRegionCheck) account(i int64) byte { return r.bits[i/4] >> (i % 4 * 2) & 3 }

// filled compares a page with records with the account of it.
func (r *heapRegionCheck) filled() {
	p := &r.page
	if r.region == 0 || p.fault != "" || p.typ != pageHeap {
		return
	}
	if r.account(p.no-r.region-1) == p.fullness() {
		return
	}
	if r.stale++; r.stale == 1 {
		r.first = p.no
	}
}

// space is the room between slots and items, in bytes.
func (p *heapPage) space() int { return p.low - p.order.hdr - 2*p.slots() }

// fullness is the class of a page by its free space in percent. Of an empty
// page of 64 KiB the lowest offset is stored as 0, for which the library finds
// no space.
func (p *heapPage) fullness() byte {
	switch free := p.space() * 100 / p.order.ps; {
	case free <= 5:
		return 3
	case free <= 33:
		return 2
	case free <= 66:
		return 1
	}
	return 0
}

// end tells of accounts that are out of date. The library leaves such behind
// when records are changed: it is no fault.
func (r *heapRegionCheck) end() {
	if r.stale > 0 {
		r.v.note(r.first, ErrCorrupt, "the account of %d pages, this one the first, is not as full as they are, or fuller, as the library leaves it when records change", r.stale)
	}
}
