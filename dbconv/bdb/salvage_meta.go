package bdb

import "io"

// believe corrects what the flags of a readable metadata page say against all
// pages: one wrong bit there would cost every record.
func (s *salvager) believe(r io.ReaderAt, m *Meta) error {
	if m.Legacy185 || m.Type == Queue || m.Type == Heap {
		return nil
	}
	rd := &Reader{r: r, meta: *m, lay: layoutOf(m), opts: Options{MaxItem: s.opts.MaxItem}}
	if m.Type != Hash {
		if err := s.believeType(rd, m); err != nil {
			return err
		}
	}
	if m.SubDBs {
		return s.believeSubDBs(rd, m)
	}
	rd.meta, rd.opts.Problem = *m, s.problem
	if err := rd.checkLength(&input{Reader: rd}); err != nil {
		return err
	}
	m.FixedLen = rd.meta.FixedLen
	if m.Dup || m.Type == Recno {
		return nil
	}
	g := guess{big: rd.lay.big, ps: rd.lay.ps}
	if err := g.look(s.ctx, r, m.Size, m.Pages); err != nil {
		return err
	}
	if g.dups > 0 {
		m.Dup, m.DupSort = true, g.sorted > 0
		s.problem(metaError("the flags know of no duplicates, there are some"))
	}
	return nil
}

// believeType compares the type with that of the root page.
func (s *salvager) believeType(rd *Reader, m *Meta) error {
	if m.Root == 0 || int64(m.Root) >= m.Pages {
		return nil
	}
	b := make([]byte, m.PageSize)
	if _, err := rd.r.ReadAt(b, int64(m.Root)*int64(m.PageSize)); err != nil {
		return err
	}
	typ := m.Type
	switch b[25] {
	case pageIBtree, pageLBtree:
		typ = Btree
	case pageIRecno, pageLRecno:
		typ = Recno
	}
	if typ != m.Type && rd.lay.u32(b[8:]) == m.Root {
		s.problem(metaError("the flags say %s, the root page is one of a %s", m.Type, typ))
		m.Type = typ
	}
	return nil
}

// believeSubDBs looks for one sub-database that the records of the master lead
// to.
func (s *salvager) believeSubDBs(rd *Reader, m *Meta) error {
	c := newBtreeCursor(newInput(rd))
	others := 0
	for {
		_, value, err := c.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if _, _, err := rd.subMeta(value); err == nil {
			return nil
		}
		if len(value) != 4 {
			others++
		}
	}
	if others > 0 {
		m.SubDBs = false
		s.problem(metaError("the flags say sub-databases, there are records only"))
	}
	return nil
}
