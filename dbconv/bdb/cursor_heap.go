package bdb

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"
)

// Page types of a heap.
const (
	pageHeapMeta   = 14
	pageHeap       = 15
	pageHeapRegion = 16
)

// A record of a heap has a header of heapHeader bytes, a piece of a record in
// several pieces one of heapSplitHeader; the flags are in its first byte. No
// item takes fewer bytes than the longer header.
const (
	heapHeader      = 4
	heapSplitHeader = 16

	heapSplit = 0x01 // a piece
	heapFirst = 0x02 // the one that the address of the record is that of
	heapLast  = 0x04
)

// heapRegion tells whether page no should be one that keeps account of the
// pages behind it.
func (m *Meta) heapRegion(no int64) bool {
	return m.regionFits() && (no-1)%(int64(m.RegionSize)+1) == 0
}

// regionFits tells whether a region may have as many pages as the metadata
// says: each takes 2 bits of its first page.
func (m *Meta) regionFits() bool {
	hdr := headerSize
	if m.Checksum {
		hdr = checksumHeader
	}
	return m.RegionSize > 0 && int64(m.RegionSize) <= 4*int64(m.PageSize-hdr)
}

// logged tells whether the file was used with a log.
func (m *Meta) logged() bool { return m.LSN[0] != 0 && m.LSN[0] <= maxLogFile }

// A heapPage is a page of a heap with records.
type heapPage struct {
	node
	order *layout // in which the slots and the headers of the items are stored
	high  int     // the last slot
	free  int     // the first slot without an item
	fault string  // what is wrong with the page as a whole; "" nothing
}

// A heapItem is a record of a heap, or a piece of one.
type heapItem struct {
	off, size int // where it lies; size is that of data alone
	flags     byte
	data      []byte
	total     uint32 // of a first piece: length of the record
	next      uint32 // page of the next piece
	nextItem  int
}

// room is what an item takes on its page at least: shortened pieces keep the
// room that they had.
func (it *heapItem) room() int { return max(align4(it.header()+it.size), heapSplitHeader) }

func (it *heapItem) header() int {
	if it.flags&heapSplit != 0 {
		return heapSplitHeader
	}
	return heapHeader
}

// heapOrders are the orders in which slots and items may be stored: that of the
// file, and the other one. Release 5.3 turns around the page headers of a file
// that is not in the host's own order, but neither slots nor items; and it
// turns the two numbers at 16 and 18 around as one, so that they are exchanged.
func (l *layout) heapOrders() [2]*layout {
	own, other := *l, *l
	other.big = !own.big
	return [2]*layout{&own, &other}
}

// decodeHeap reads the header of p.buf in the order in which the page is whole;
// when it is in neither, in the one that lies first in orders.
func (l *layout) decodeHeap(p *heapPage, orders [2]*layout) {
	l.decode(&p.node)
	a, b := l.u16(p.buf[16:]), l.u16(p.buf[18:])
	fault := ""
	for i, order := range orders {
		p.order, p.high, p.free = order, a, b
		if order.big != l.big {
			p.high, p.free = b, a
		}
		p.fault = p.check()
		if p.fault == "" {
			return
		}
		if i == 0 {
			fault = p.fault
		}
	}
	p.order, p.high, p.free, p.fault = orders[0], a, b, fault
	if orders[0].big != l.big {
		p.high, p.free = b, a
	}
}

// slots is the number of slots; 0 when they do not fit the page.
func (p *heapPage) slots() int {
	if p.order.hdr+2*(p.high+1) > p.order.ps {
		return 0
	}
	return p.high + 1
}

// offset is that of the item in slot i, 0 without one.
func (p *heapPage) offset(i int) int { return p.order.u16(p.buf[p.order.hdr+2*i:]) }

// check tells what is wrong with the page: the number of its items, and where
// they lie. They fill the page to its end but for the room that pieces of
// records lost when they were changed.
func (p *heapPage) check() string {
	n := p.slots()
	if n == 0 {
		return fmt.Sprintf("%d slots do not fit the page", p.high+1)
	}
	var items []heapItem
	for i := range n {
		it, there, wrong := p.item(i)
		if wrong != "" {
			return fmt.Sprintf("slot %d: %s", i, wrong)
		}
		if there {
			items = append(items, it)
		}
	}
	if len(items) != p.n {
		return fmt.Sprintf("the page counts %d items, its slots lead to %d", p.n, len(items))
	}
	if last := p.offset(p.high) != 0; last != (p.n > 0) || !last && p.high > 0 {
		return fmt.Sprintf("the last slot is said to be %d", p.high)
	}
	return p.packed(items)
}

func (p *heapPage) packed(items []heapItem) string {
	slices.SortFunc(items, func(a, b heapItem) int { return a.off - b.off })
	end := p.order.ps
	for _, it := range slices.Backward(items) {
		gap := end - it.off - it.room()
		if gap < 0 || gap > 0 && it.flags&heapSplit == 0 {
			return fmt.Sprintf("the item at offset %d does not end where the next begins", it.off)
		}
		end = it.off
	}
	if end&0xffff != p.low {
		return fmt.Sprintf("the lowest item lies at offset %d, not at %d", end, p.low)
	}
	return ""
}

// item decodes the item of slot i. there is false when the slot is not in use;
// wrong says why there is an item that cannot be read.
func (p *heapPage) item(i int) (it heapItem, there bool, wrong string) {
	l := p.order
	off := p.offset(i)
	if off == 0 {
		return it, false, ""
	}
	if off < l.hdr+2*p.slots() || off%4 != 0 || off+heapSplitHeader > l.ps {
		return it, false, fmt.Sprintf("leads to offset %d", off)
	}
	b := p.buf[off:]
	it.off, it.flags, it.size = off, b[0], l.u16(b[2:])
	split := it.flags&heapSplit != 0
	if it.flags&^(heapSplit|heapFirst|heapLast) != 0 || !split && it.flags != 0 {
		return it, false, fmt.Sprintf("item with the unknown flags %#02x", it.flags)
	}
	if it.header()+it.size > len(b) {
		return it, false, fmt.Sprintf("item of %d bytes does not fit the page", it.size)
	}
	it.data = b[it.header() : it.header()+it.size]
	if split {
		it.total, it.next, it.nextItem = l.u32(b[4:]), l.u32(b[8:]), l.u16(b[12:])
	}
	return it, true, ""
}

// A heapCursor goes through the records of a heap in the order of their
// addresses.
type heapCursor struct {
	in     *input
	orders [2]*layout
	page   heapPage // whose records are given
	usable bool
	at     int // the next slot
	taken  cover
	tail   heapPage // of the pieces of a record
	pieces *pageSet // pieces behind the first that a record led to
	left   bool     // pieces that no record led to are given, after all records
	key    [6]byte

	gaps int64 // pages that were never written
	gap  int64 // the first of them
}

func newHeapCursor(in *input) *heapCursor {
	return &heapCursor{in: in, orders: in.lay.heapOrders(), pieces: newPageSet()}
}

// next returns a record. Its key is its address: the page, 4 bytes, and the
// slot, 2 bytes, both big-endian.
func (c *heapCursor) next() (key, value []byte, err error) {
	for {
		for !c.usable || c.at >= c.page.slots() {
			if err := c.advance(); err != nil {
				return nil, nil, err
			}
		}
		i := c.at
		c.at++
		value, ok, err := c.record(i)
		if err != nil {
			return nil, nil, err
		}
		if ok {
			binary.BigEndian.PutUint32(c.key[:], uint32(c.page.no))
			binary.BigEndian.PutUint16(c.key[4:], uint16(i))
			return c.key[:], value, nil
		}
	}
}

// advance goes to the next page; io.EOF behind the last. With rescue the pages
// are gone through once more, for pieces whose record is lost.
func (c *heapCursor) advance() error {
	c.at, c.usable = 0, false
	no := c.page.no + 1
	if no >= c.in.lay.pages {
		if !c.left {
			c.tellGaps()
		}
		if !c.in.rescue || c.left {
			return io.EOF
		}
		c.left, no = true, 1
	}
	if no >= c.in.lay.pages {
		return io.EOF
	}
	c.page.no = no
	return c.load(no)
}

// load reads page no, which may have records. What is wrong with a region page
// costs no record.
func (c *heapCursor) load(no int64) error {
	p := &c.page
	c.in.seen.add(no)
	b, err := c.in.pager.page(no)
	if err != nil {
		return err
	}
	p.buf = append(p.buf[:0], b...)
	c.in.lay.decodeHeap(p, c.orders)
	region := c.in.meta.heapRegion(no)
	if region && (p.typ != pageHeap || int64(p.pgno) != no) {
		return nil
	}
	if p.zero() {
		if never, err := c.neverWritten(no); never || err != nil {
			return err
		}
	}
	if fault := c.unfit(p, no); fault != "" {
		return c.tell(no, NoItem, "%s", fault)
	}
	if p.typ != pageHeap {
		return nil
	}
	c.usable = true
	c.taken = cover{on: p.fault != ""}
	if p.fault == "" {
		c.noteOrder(p)
		return nil
	}
	return c.tell(no, NoItem, "%s: records are missing, or wrong", p.fault)
}

// neverWritten tells whether a page of zeros may be one that was taken by a
// transaction that was given up, and counts it: the file has a log, and the
// region page, of zeros itself or not, has no account of it.
func (c *heapCursor) neverWritten(no int64) (bool, error) {
	m := &c.in.meta
	if !m.logged() || !m.regionFits() {
		return false, nil
	}
	i := (no - 1) % (int64(m.RegionSize) + 1)
	b, err := c.in.pager.page(no - i)
	if err != nil {
		return false, err
	}
	i--
	region := b[25] == pageHeapRegion && int64(c.in.lay.u32(b[8:])) == no-i-1
	if !allZero(b) && (!region || b[c.in.lay.hdr+int(i/4)]>>(i%4*2)&3 != 0) {
		return false, nil
	}
	if c.left {
		return true, nil
	}
	if c.gaps++; c.gaps == 1 {
		c.gap = no
	}
	return true, nil
}

// tellGaps tells of the pages that were never written.
func (c *heapCursor) tellGaps() {
	if c.gaps == 0 {
		return
	}
	e := c.in.damage(c.gap, NoItem, "%d pages, this one the first, are all zeros: transactions that took them were given up, or their records are lost", c.gaps)
	e.Err, e.Tolerated = errGaps, true
	_ = c.in.problem(e) // a tolerated Error never stops
}

// tell tells of damage, not again when the pages are gone through once more.
func (c *heapCursor) tell(no int64, item int, format string, args ...any) error {
	if c.left {
		return nil
	}
	return c.in.problem(c.in.damage(no, item, format, args...))
}

// noteOrder remembers the order of the first page that can be read in one of
// them only: a damaged one is then taken to have it too.
func (c *heapCursor) noteOrder(p *heapPage) {
	if p.n > 0 && p.order.big != c.orders[0].big {
		c.orders[0], c.orders[1] = c.orders[1], c.orders[0]
	}
}

// unfit tells why a page cannot be used; "" nothing.
func (c *heapCursor) unfit(p *heapPage, no int64) string {
	switch {
	case p.zero():
		return "page is all zeros, it was never written"
	case c.in.lay.sum && !c.in.rescue && !c.sumFits(p.buf):
		return "checksum does not match, page skipped"
	case int64(p.pgno) != no && !c.in.rescue:
		return fmt.Sprintf("page says it is page %d", p.pgno)
	case p.typ == pageHeapRegion && !c.in.meta.regionFits():
		return ""
	case p.typ == pageInvalid && p.n == 0:
		return ""
	case p.typ != pageHeap:
		return fmt.Sprintf("page of type %d in a heap", p.typ)
	}
	return ""
}

func (c *heapCursor) sumFits(b []byte) bool {
	ok, _ := c.in.lay.checkSum(b, checksumAt)
	return ok
}

// record gives the record in slot i. ok is false when there is none: the slot
// is empty, holds a piece that another leads to, or what it holds is damaged,
// which was told.
func (c *heapCursor) record(i int) (value []byte, ok bool, err error) {
	it, there, wrong := c.page.item(i)
	no := c.page.no
	switch {
	case wrong != "":
		return nil, false, c.tell(no, i, "%s", wrong)
	case !there:
		return nil, false, nil
	case c.left:
		return it.data, it.flags&(heapSplit|heapFirst) == heapSplit && !c.pieces.has(c.piece(no, i)), nil
	case it.flags&(heapSplit|heapFirst) == heapSplit:
		return nil, false, nil
	case !c.taken.take(it.off, it.room()):
		return nil, false, c.tell(no, i, "the item lies over another")
	case it.flags&heapSplit == 0:
		return it.data, true, nil
	}
	return c.joined(it, place{no, i})
}

// piece numbers an item of the file.
func (c *heapCursor) piece(no int64, item int) int64 {
	return no*int64(c.in.lay.ps/heapSplitHeader) + int64(item)
}

// joined puts the pieces of a record together. it is the first of them.
func (c *heapCursor) joined(it heapItem, from place) (value []byte, ok bool, err error) {
	in := c.in
	size := int64(it.total)
	if size > in.lay.pages*int64(in.lay.ps) {
		return nil, false, in.problem(in.damage(from.page, from.item, "record of %d bytes is longer than the file", size))
	}
	big := size > in.opts.MaxItem
	in.val = in.val[:0]
	at, sum := from, int64(0)
	for {
		if sum += int64(it.size); sum <= size && !big {
			in.val = append(in.val, it.data...)
		}
		if it.flags&heapLast != 0 || sum > size {
			break
		}
		to := place{int64(it.next), it.nextItem}
		var wrong string
		if it, wrong, err = c.follow(to); err != nil {
			return nil, false, err
		}
		if wrong != "" {
			err := in.problem(in.damage(at.page, at.item, "the next piece of the record should be page %d item %d: %s", to.page, to.item, wrong))
			return in.val, in.rescue, err
		}
		at = to
	}
	switch {
	case sum != size:
		err := in.problem(in.damage(from.page, from.item, "record of %d bytes in pieces of %d bytes", size, sum))
		return in.val, in.rescue, err
	case big:
		e := in.damage(from.page, from.item, "%d bytes, at most %d are read", size, in.opts.MaxItem)
		e.Err = ErrTooBig
		return nil, false, in.problem(e)
	}
	return in.val, true, nil
}

// follow reads a piece that another leads to; wrong says why it cannot be one.
func (c *heapCursor) follow(to place) (it heapItem, wrong string, err error) {
	if to.page == 0 || to.page >= c.in.lay.pages {
		return it, fmt.Sprintf("the file has %d pages", c.in.lay.pages), nil
	}
	p := &c.tail
	if p.no != to.page || len(p.buf) == 0 {
		b, err := c.in.pager.page(to.page)
		if err != nil {
			return it, "", err
		}
		p.no = to.page
		p.buf = append(p.buf[:0], b...)
		c.in.lay.decodeHeap(p, c.orders)
	}
	if wrong := c.unfit(p, to.page); wrong != "" {
		return it, wrong, nil
	}
	if p.typ != pageHeap || to.item >= p.slots() {
		return it, "there is none", nil
	}
	it, there, wrong := p.item(to.item)
	switch {
	case wrong != "":
		return it, wrong, nil
	case !there:
		return it, "there is none", nil
	case it.flags&(heapSplit|heapFirst) != heapSplit:
		return it, "it is a record of its own", nil
	case c.pieces.add(c.piece(to.page, to.item)):
		return it, "it belongs to another record", nil
	case c.pieces.full && !c.mayFollow():
		return it, "more pieces are shared than can be", nil
	}
	return it, "", nil
}

// mayFollow bounds the pieces of a file that has more of them than are
// remembered.
func (c *heapCursor) mayFollow() bool {
	*c.in.overflow--
	return *c.in.overflow >= 0
}
