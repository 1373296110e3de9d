package bdb

import "strconv"

// queue gives the records of a queue in the order of their numbers, those too
// that lie outside of what the metadata says is the queue.
func (s *salvager) queue() error {
	in, m := s.input(s.rd), &s.rd.meta
	first := int64(m.FirstRec)
	if m.FirstRec > m.NextRec { // numbers have begun again: those left are between
		first = 0
	}
	if err := s.outside(in, func(n int64) bool { return n < first }); err != nil {
		return err
	}
	if err := s.drain(newQueueCursor(in)); err != nil {
		return err
	}
	return s.outside(in, func(n int64) bool { return n >= first })
}

// outside gives the records that are not in the queue and whose numbers are
// wanted.
func (s *salvager) outside(in *input, wanted func(n int64) bool) error {
	var nd node
	for no := int64(1); no < in.lay.pages; no++ {
		if err := s.tick(); err != nil {
			return err
		}
		b, err := in.pager.page(no)
		if err != nil {
			return err
		}
		nd.no = no
		nd.buf = append(nd.buf[:0], b...)
		in.lay.decode(&nd)
		sound := int64(nd.pgno) == no
		if in.lay.sum {
			ok, _ := in.lay.checkSum(b, checksumAt)
			sound = sound && ok
		}
		if nd.typ != pageQueue || !sound {
			continue // told with the queue, or with the other pages
		}
		if err := s.queuePage(in, &nd, wanted); err != nil {
			return err
		}
	}
	return nil
}

// queuePage gives the records of a page that are not in the queue.
func (s *salvager) queuePage(in *input, nd *node, wanted func(n int64) bool) error {
	m := &s.rd.meta
	found := 0
	for i := range int64(m.RecPage) {
		at := int64(in.lay.hdr) + i*m.queueStep()
		n := (nd.no-1)*int64(m.RecPage) + i + 1
		if nd.buf[at]&queueValid == 0 || n >= 1<<32 || m.inQueue(n) || !wanted(n) {
			continue
		}
		if found++; found == 1 {
			s.problem(in.damage(nd.no, int(i), "records from %d on lie outside of the queue, which goes from %d to %d, and are taken", n, m.FirstRec, m.NextRec-1))
		}
		if err := s.give(strconv.AppendInt(nil, n, 10), nd.buf[at+1:at+1+int64(m.RecLen)]); err != nil {
			return err
		}
	}
	return nil
}
