package bdb

import (
	"fmt"
	"io"
	"strconv"
)

// Queue pages: a longer header than others, and records of one length behind
// it, each with a byte of flags before it.
const (
	pageQueueMeta = 10
	pageQueue     = 11

	queueHeader    = 28
	queueSumHeader = 48

	queueValid = 0x01 // the record is there
	queueSet   = 0x02 // it was there once
)

// queueStep is the distance of the records of a queue in bytes.
func (m *Meta) queueStep() int64 { return (int64(m.RecLen) + 1 + 3) &^ 3 }

// queuePage is the page of record number n, and where on it.
func (l *layout) queuePage(m *Meta, n uint32) (page, at int64) {
	i := int64(n) - 1
	return 1 + i/int64(m.RecPage), int64(l.hdr) + i%int64(m.RecPage)*m.queueStep()
}

// queueFits tells what is wrong with the numbers that place records; ""
// nothing.
func (m *Meta) queueFits() string {
	hdr := int64(queueHeader)
	if m.Checksum {
		hdr = queueSumHeader
	}
	switch {
	case m.RecLen == 0 || m.queueStep() > int64(m.PageSize)-hdr:
		return "records of " + strconv.Itoa(int(m.RecLen)) + " bytes do not fit a page"
	case int64(m.RecPage) != (int64(m.PageSize)-hdr)/m.queueStep():
		return strconv.Itoa(int(m.RecPage)) + " records a page do not go with their length"
	case m.FirstRec == 0 || m.NextRec == 0:
		return "record number 0"
	}
	return ""
}

// A queueCursor goes through the records of a queue.
type queueCursor struct {
	in     *input
	n      uint32 // the next record
	page   int64  // loaded into nd; 0 none
	usable bool
	nd     node
	key    []byte

	gaps int64  // records that were never written
	gap  uint32 // the first of them
}

func newQueueCursor(in *input) *queueCursor {
	return &queueCursor{in: in, n: in.meta.FirstRec}
}

func (c *queueCursor) next() (key, value []byte, err error) {
	m := &c.in.meta
	for c.n != m.NextRec {
		n := c.n
		page, at := c.in.lay.queuePage(m, n)
		if page != c.page {
			if err := c.load(page); err != nil {
				return nil, nil, err
			}
		}
		if !c.usable {
			if err := c.pass(page); err != nil {
				return nil, nil, err
			}
			continue
		}
		if c.n++; c.n == 0 { // numbers begin again at 1
			c.n = 1
		}
		there, err := c.there(c.nd.buf[at], n)
		if err != nil {
			return nil, nil, err
		}
		if !there {
			continue
		}
		c.key = strconv.AppendUint(c.key[:0], uint64(n), 10)
		return c.key, c.nd.buf[at+1 : at+1+int64(m.RecLen)], nil
	}
	c.tellGaps()
	return nil, nil, io.EOF
}

// errGaps is the class of the note that records of a queue, or pages of a heap,
// were never written.
var errGaps = fmt.Errorf("%w", ErrCorrupt)

// tellGaps tells of records that were never written. A program may pass over
// numbers, but most do not, and zeros over a part of a page look the same.
func (c *queueCursor) tellGaps() {
	if c.gaps == 0 {
		return
	}
	page, _ := c.in.lay.queuePage(&c.in.meta, c.gap)
	e := c.in.damage(page, NoItem, "%d records between the first and the last, number %d the first of them, were never written, or are lost", c.gaps, c.gap)
	if c.gaps == 1 {
		e.Text = fmt.Sprintf("record %d, between the first and the last, was never written, or is lost", c.gap)
	}
	e.Err, e.Tolerated = errGaps, true
	_ = c.in.problem(e) // a tolerated Error never stops
}

// there tells by its flags whether record n is there. With flags that no
// release writes it may be; what they hide is lost, unless all that is doubtful
// is wanted.
func (c *queueCursor) there(flags byte, n uint32) (bool, error) {
	if flags == 0 {
		if c.gaps++; c.gaps == 1 {
			c.gap = n
		}
	}
	if flags&^(queueValid|queueSet) == 0 {
		return flags&queueValid != 0, nil
	}
	item := int((int64(n) - 1) % int64(c.in.meta.RecPage))
	err := c.in.problem(c.in.damage(c.page, item, "record %d has the unknown flags %#02x", n, flags))
	return flags&queueValid != 0 || c.in.rescue, err
}

// load goes to a page. One that the file does not have, or that cannot be used,
// is told of.
func (c *queueCursor) load(page int64) error {
	c.page, c.usable = page, false
	if page >= c.in.lay.pages {
		return c.in.problem(c.in.damage(0, NoItem, "record %d lies on page %d, the file has %d pages", c.n, page, c.in.lay.pages))
	}
	if c.in.reached(page) {
		return c.in.problem(c.in.damage(0, NoItem, "record %d lies on page %d, which was reached before", c.n, page))
	}
	ok, err := c.in.fetch(&c.nd, uint32(page), place{0, NoItem})
	if !ok || err != nil {
		return err
	}
	switch {
	case c.nd.zero():
		return c.in.problem(c.in.damage(page, NoItem, "page is all zeros, it was never written"))
	case int64(c.nd.pgno) != page:
		return c.in.problem(c.in.damage(page, NoItem, "page says it is page %d", c.nd.pgno))
	case c.nd.typ != pageQueue:
		return c.in.problem(c.in.damage(page, NoItem, "page of type %d in a queue", c.nd.typ))
	}
	c.usable = true
	return nil
}

// pass goes behind the records of a page that cannot be used. Of the pages
// behind the end of the file none can.
func (c *queueCursor) pass(page int64) error {
	m := &c.in.meta
	last := uint64(page) * uint64(m.RecPage) // number of the last record on it
	left := uint64(m.NextRec-c.n) - 1        // records behind this one
	if page >= c.in.lay.pages && m.NextRec > c.n || last-uint64(c.n) >= left {
		c.n = m.NextRec
		return nil
	}
	if page >= c.in.lay.pages || last >= 1<<32-1 {
		c.n, c.page = 1, 0
		return nil
	}
	c.n = uint32(last) + 1
	return nil
}

// inQueue tells whether record n is between the first and the next: numbers
// begin again at 1.
func (m *Meta) inQueue(n int64) bool {
	first, next := int64(m.FirstRec), int64(m.NextRec)
	if first <= next {
		return first <= n && n < next
	}
	return n >= first || n < next
}
