package bdb

import (
	"errors"
	"io"
)

// queue checks the pages of a queue.
func (v *verifier) queue() error {
	m := &v.rd.meta
	rd := *v.rd
	rd.opts.Problem = func(err error) {
		v.tellUnlessGap(err)
	}
	in := newInput(&rd)
	c := newQueueCursor(in)
	if err := v.readAll(c.next); err != nil {
		return err
	}
	v.progress(m.Pages)
	v.stats.queuePages(m, v.lay, v.report.Records)
	for no := int64(1); no < m.Pages; no++ {
		v.reached.add(no)
		if err := v.outside(no); err != nil {
			return err
		}
	}
	return nil
}

// readAll reads the records of a file by a cursor's next, and counts them.
func (v *verifier) readAll(next func() (key, value []byte, err error)) error {
	for n := 0; ; n++ {
		if n%1024 == 0 {
			if err := v.stop(); err != nil {
				return err
			}
		}
		_, _, err := next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		v.records(1)
	}
}

// tellUnlessGap takes what a cursor tells: what was never written is odd, but
// no fault.
func (v *verifier) tellUnlessGap(err error) {
	var e *Error
	switch {
	case !errors.As(err, &e):
	case e.Err != errGaps:
		v.tell(e)
	case v.opts.Note != nil:
		v.opts.Note(e)
	}
}

// outside checks what a page has besides the records of the queue: those that
// were taken have left their flags.
func (v *verifier) outside(no int64) error {
	b, err := v.pager.page(no)
	if err != nil || allZero(b) {
		return err
	}
	m := &v.rd.meta
	if typ, own := b[25], int64(v.lay.u32(b[8:])); typ != pageQueue || own != no {
		switch {
		case v.inQueue(no): // told by the cursor
		case typ != pageQueue:
			v.unled(no, NoItem, "page of type %d in a queue", typ)
		default:
			v.unled(no, NoItem, "page says it is page %d", own)
		}
		return nil
	}
	if v.lay.sum && !v.inQueue(no) {
		if ok, _ := v.lay.checkSum(b, checksumAt); !ok {
			v.unled(no, NoItem, "checksum does not match")
			return nil
		}
	}
	for i := range int64(m.RecPage) {
		flags := b[int64(v.lay.hdr)+i*m.queueStep()]
		switch {
		case m.inQueue((no-1)*int64(m.RecPage) + i + 1):
		case flags&^(queueValid|queueSet) != 0:
			v.odd(no, int(i), "unknown flags %#02x of a record outside of the queue", flags)
			return nil
		case flags&queueValid != 0:
			v.unled(no, int(i), "a record outside of the queue, which goes from %d to %d", m.FirstRec, m.NextRec-1)
			return nil
		}
	}
	return nil
}

// inQueue tells whether a page has records of the queue.
func (v *verifier) inQueue(no int64) bool {
	m := &v.rd.meta
	for i := range int64(m.RecPage) {
		if m.inQueue((no-1)*int64(m.RecPage) + i + 1) {
			return true
		}
	}
	return false
}
