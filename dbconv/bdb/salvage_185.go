package bdb

// scan185 looks at the pages of a 1.85 file that nothing led to.
func (s *salvager) scan185() error {
	in := s.input(s.rd)
	if s.rd.meta.Type == Hash {
		return s.leftHash185(in)
	}
	free, err := freePages185(in)
	if err != nil {
		return err
	}
	t := newTree185(in)
	t.recno = uint64(s.report.Records)
	pages := newPager(s.rd.r, in.lay.ps, in.lay.pages)
	t.leaf.buf = make([]byte, in.lay.ps)
	for no := int64(1); no < in.lay.pages; no++ {
		if err := s.tick(); err != nil {
			return err
		}
		if s.seen.has(no) || free.has(no) {
			continue
		}
		b, err := pages.page(no)
		if err != nil {
			return err
		}
		copy(t.leaf.buf, b)
		t.leaf.no = no
		in.lay.decode185(&t.leaf)
		if err := s.leaf185(t); err != nil {
			return err
		}
	}
	return s.leftChains185(in, free)
}

// leftChains185 tells of overflow pages that neither a record that was found
// led to nor the free list.
func (s *salvager) leftChains185(in *input, free *pageSet) error {
	var left pageRanges
	for no := int64(1); no < in.lay.pages; no++ {
		if s.seen.has(no) || free.has(no) {
			continue
		}
		b, err := in.pager.page(no)
		if err != nil {
			return err
		}
		nd := node185{buf: b}
		in.lay.decode185(&nd)
		if nd.flags&p185TypeMask == p185Overflow && int64(nd.pgno) == no {
			left.add(no)
		}
	}
	if left.pages > 0 {
		s.problem(in.damage(left.first, NoItem, "%s of long items whose records are lost", left))
	}
	return nil
}

// leaf185 takes the records of a 1.85 leaf.
func (s *salvager) leaf185(t *tree185) error {
	nd := &t.leaf
	typ := nd.flags & p185TypeMask
	switch {
	case typ != p185Leaf && typ != p185RLeaf:
		known := typ == p185Internal || typ == p185RInternal || typ == p185Overflow
		if !known || int64(nd.pgno) != nd.no {
			s.problem(t.in.damage(nd.no, NoItem, "page %d of type %#x: its records, if any, are lost", nd.pgno, nd.flags))
		}
		return nil
	case int64(nd.pgno) != nd.no && !s.opts.Aggressive:
		s.problem(t.in.damage(nd.no, NoItem, "page says it is page %d: its records are lost", nd.pgno))
		return nil
	}
	if most := (t.in.lay.ps - header185Page) / 2; nd.n > most {
		nd.n = most
	}
	for i := range nd.n {
		key, value, ok, err := t.record(i)
		if err != nil {
			return err
		}
		t.recno++
		if ok {
			if err := s.give(key, value); err != nil {
				return err
			}
		}
	}
	return nil
}

// freePages185 are the pages on the free list of a 1.85 btree: they keep their
// old contents, which must not come back. A broken list ends where it breaks.
func freePages185(in *input) (*pageSet, error) {
	free := newPageSet()
	for no := int64(in.meta.Free); no > 0 && no < in.lay.pages && !free.add(no); {
		b, err := in.pager.page(no)
		if err != nil {
			return nil, err
		}
		no = int64(in.lay.u32(b[8:]))
	}
	return free, nil
}

// leftHash185 takes the small pairs of pages of a 1.85 hash that no bucket led
// to and whose bitmap, if it can be read, does not call them free.
func (s *salvager) leftHash185(in *input) error {
	h := newHash185(in)
	v := &verifier{stop: s.ctx.Err, rd: s.rd, lay: &s.rd.lay, pager: in.pager, reached: newPageSet(), free: newPageSet()}
	maps, err := v.bitmaps185(s.seen)
	if err != nil {
		return err
	}
	for no := int64(in.meta.HeaderPages); no < in.lay.pages; no++ {
		if err := s.tick(); err != nil {
			return err
		}
		if s.seen.has(no) || maps.has(no) || v.free.has(no) {
			continue
		}
		b, err := in.pager.page(no)
		if err != nil {
			return err
		}
		h.buf = append(h.buf[:0], b...)
		h.no, h.floor = no, in.lay.ps
		n := h.u(0)
		if n == 0 || n%2 != 0 || 2*(n+3) > in.lay.ps {
			continue
		}
		s.problem(in.damage(no, NoItem, "no bucket leads to this page"))
		for i := 1; i < n; i += 2 {
			if h.u(i+1) < mark185Real {
				continue
			}
			if key, value, ok := h.pair(i); ok {
				if err := s.give(key, value); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
