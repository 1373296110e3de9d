package bdb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Page types as written (the byte at offset 25 of a page).
const (
	outDuplicate = 1
	outIBtree    = 3
	outIRecno    = 4
	outLBtree    = 5
	outLRecno    = 6
	outOverflow  = 7
	outMeta      = 9
	outLDup      = 12
)

// Item types as written.
const (
	itemData      = 1
	itemOffDup    = 2
	itemOverflow  = 3
	itemDeleted   = 0x80
	referenceSize = 12 // bytes of an overflow or duplicate reference
)

const (
	plainHeader = 26 // bytes before the slots
	sumHeader   = 32 // with a checksum
	sumAt       = 28
	metaSumAt   = 492
	metaSumOver = 512 // bytes of a metadata page that its checksum covers
	rootPage    = 1
	// windowSize is the number of bytes gathered before the destination is
	// written.
	windowSize = 1 << 20
)

// inlineLimit is the longest item kept on a page, which must hold minKey pairs.
func inlineLimit(pageSize, header, minKey int) int {
	return (pageSize-header)/(2*minKey) - 10
}

// bigEndian says whether order is the big-endian one.
func bigEndian(order binary.ByteOrder) bool {
	return order == nil || order.Uint16([]byte{0, 1}) == 1
}

// dataItem is the space of an item of n bytes, overflow or not.
func dataItem(n, limit int) int {
	if n > limit {
		return referenceSize
	}
	return (3 + n + 3) &^ 3
}

// pageWriter gives out page numbers and writes pages, gathering neighbours into
// large writes.
type pageWriter struct {
	dst    io.WriterAt
	size   int // bytes of a page
	head   int // bytes before the slots
	limit  int // longest item kept on a page
	big    bool
	next   uint32 // first page number not given out
	end    uint32 // first page number never given out: more than next after a rewind
	window []byte
	base   int64 // file offset of window
	used   int   // bytes of window that are set
	chain  []byte
}

func newPageWriter(dst io.WriterAt, size int, big, sums bool) *pageWriter {
	n := max(windowSize/size, 4) * size
	p := &pageWriter{dst: dst, size: size, head: plainHeader, big: big, next: rootPage + 1, end: rootPage + 1, window: make([]byte, n), chain: make([]byte, size)}
	if sums {
		p.head = sumHeader
	}
	p.limit = inlineLimit(size, p.head, defaultMinKey)
	return p
}

// sealOf is the checksum of a page whose own bytes for it are zero: h = 33h +
// c.
func sealOf(page []byte) uint32 {
	h := uint32(0)
	for _, c := range page {
		h = h*33 + uint32(c)
	}
	return h
}

func (p *pageWriter) put16(b []byte, v uint16) {
	if p.big {
		binary.BigEndian.PutUint16(b, v)
	} else {
		binary.LittleEndian.PutUint16(b, v)
	}
}

func (p *pageWriter) put32(b []byte, v uint32) {
	if p.big {
		binary.BigEndian.PutUint32(b, v)
	} else {
		binary.LittleEndian.PutUint32(b, v)
	}
}

// alloc gives out the next page number.
func (p *pageWriter) alloc() (uint32, error) {
	if p.next == 1<<32-2 {
		return 0, errors.New("bdb: the file would have more than 2^32-2 pages")
	}
	n := p.next
	p.next++
	return n, nil
}

// header fills the first 26 bytes of a page, the last thing before it is
// written.
func (p *pageWriter) header(page []byte, pgno, prev, next uint32, entries, hf int, level, kind uint8) {
	clear(page[:8])
	p.put32(page[8:], pgno)
	p.put32(page[12:], prev)
	p.put32(page[16:], next)
	p.put16(page[20:], uint16(entries))
	p.put16(page[22:], uint16(hf)) // an empty page of 65,536 bytes stores 0
	page[24], page[25] = level, kind
}

// write puts a page into the window, or straight into the file when the window
// has moved on.
func (p *pageWriter) write(pgno uint32, page []byte) error {
	if p.head == sumHeader {
		p.seal(page)
	}
	off := int64(pgno) * int64(p.size)
	if off < p.base {
		return p.writeAt(page, off)
	}
	if off >= p.base+int64(len(p.window)) {
		if err := p.flush(); err != nil {
			return err
		}
		p.base = off
	}
	at := int(off - p.base)
	if at > p.used {
		clear(p.window[p.used:at])
	}
	copy(p.window[at:], page)
	p.used = max(p.used, at+p.size)
	return nil
}

// seal puts the checksum on a page.
func (p *pageWriter) seal(page []byte) {
	if page[25] == outMeta {
		clear(page[metaSumAt : metaSumAt+4])
		p.put32(page[metaSumAt:], sealOf(page[:metaSumOver]))
		return
	}
	clear(page[plainHeader:sumHeader])
	p.put32(page[sumAt:], sealOf(page))
}

// flush writes the window.
func (p *pageWriter) flush() error {
	if p.used == 0 {
		return nil
	}
	err := p.writeAt(p.window[:p.used], p.base)
	p.base += int64(p.used)
	p.used = 0
	return err
}

func (p *pageWriter) writeAt(b []byte, off int64) error {
	n, err := p.dst.WriteAt(b, off)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	if err != nil {
		return fmt.Errorf("bdb: write of page %d: %w", off/int64(p.size), err)
	}
	return nil
}

// overflow writes data to a chain of overflow pages and returns its first page.
func (p *pageWriter) overflow(data []byte) (uint32, error) {
	room := p.size - p.head
	first := p.next
	prev := uint32(0)
	for len(data) > 0 {
		pgno, err := p.alloc()
		if err != nil {
			return 0, err
		}
		n := min(room, len(data))
		next := uint32(0)
		if n < len(data) {
			next = pgno + 1
		}
		p.header(p.chain, pgno, prev, next, 1, n, 0, outOverflow)
		copy(p.chain[p.head:], data[:n])
		clear(p.chain[p.head+n:])
		if err := p.write(pgno, p.chain); err != nil {
			return 0, err
		}
		data = data[n:]
		prev = pgno
	}
	return first, nil
}

// restart gives out page numbers from the beginning again.
func (p *pageWriter) restart() {
	p.end = max(p.end, p.next)
	p.next = rootPage + 1
	p.base, p.used = 0, 0
}

// freeRest puts the pages that an earlier, longer attempt wrote on the free
// list and returns its head.
func (p *pageWriter) freeRest() (uint32, error) {
	if p.next >= p.end {
		return 0, nil
	}
	head := p.next
	for p.next < p.end {
		pgno := p.next
		p.next++
		next := p.next
		if next == p.end {
			next = 0
		}
		clear(p.chain)
		p.header(p.chain, pgno, 0, next, 0, p.size, 0, 0)
		if err := p.write(pgno, p.chain); err != nil {
			return 0, err
		}
	}
	return head, nil
}
