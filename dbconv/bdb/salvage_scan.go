package bdb

import (
	"fmt"
	"strconv"
)

// A scan takes the records from single pages.
type scan struct {
	s     *salvager
	in    *input
	pages *pager
	tree  *btreeCursor
	hash  *hashCursor
	nd    node

	structured bool // what the structure led to is done
}

// scan looks at all pages, or with structured at those that nothing led to.
func (s *salvager) scan(structured bool) error {
	in := s.input(s.rd)
	sc := &scan{s: s, in: in, pages: newPager(s.rd.r, in.lay.ps, in.lay.pages), tree: newBtreeCursor(in), hash: newHashCursor(in)}
	sc.structured = structured
	sc.nd.buf, sc.nd.starts = make([]byte, in.lay.ps), new(startSet)
	for no := int64(1); no < in.lay.pages; no++ {
		if err := sc.each(no, sc.leaf); err != nil {
			return err
		}
	}
	for no := int64(1); no < in.lay.pages; no++ {
		if s.seen.has(no) {
			continue
		}
		if err := sc.each(no, sc.leftover); err != nil {
			return err
		}
	}
	if s.opts.Progress != nil {
		s.opts.Progress(s.pages)
	}
	return nil
}

// each loads page no and hands it to do when it is fit to be used.
func (sc *scan) each(no int64, do func() error) error {
	if err := sc.s.tick(); err != nil {
		return err
	}
	b, err := sc.pages.page(no)
	if err != nil {
		return err
	}
	nd := &sc.nd
	copy(nd.buf, b)
	nd.no = no
	sc.in.lay.decode(nd)
	return do()
}

// leaf takes the records of a leaf or bucket page.
func (sc *scan) leaf() error {
	nd, l := &sc.nd, &sc.in.lay
	if sc.structured && nd.typ != pageIBtree && sc.s.seen.has(nd.no) {
		return nil
	}
	switch nd.typ {
	case pageIBtree:
		return sc.internalKeys()
	case pageLBtree, pageHashOld, pageHash:
		if !sc.holds(nd.typ) {
			sc.s.problem(sc.in.damage(nd.no, NoItem, "page of type %d in a %s: its records, if any, are lost", nd.typ, sc.s.rd.meta.Type))
			return nil
		}
	case pageLRecno:
		if sc.s.rd.meta.Type != Recno || sc.s.rd.meta.SubDBs {
			return nil // duplicates: their key leads to them
		}
	default:
		switch {
		case nd.typ > pageHash:
			sc.s.problem(sc.in.damage(nd.no, NoItem, "page of unknown type %d: its records, if any, are lost", nd.typ))
		case int64(nd.pgno) != nd.no && !nd.zero():
			sc.s.problem(sc.in.damage(nd.no, NoItem, "page says it is page %d: its records, if any, are lost", nd.pgno))
		}
		return nil
	}
	if !sc.sound() {
		return nil
	}
	sc.s.seen.add(nd.no)
	if most := (l.ps - l.hdr) / 2; nd.n > most {
		sc.s.problem(sc.in.damage(nd.no, NoItem, "%d items do not fit the page", nd.n))
		nd.n = most
	}
	if sc.s.rd.meta.SubDBs && nd.n > 0 {
		sc.s.problem(sc.in.damage(nd.no, NoItem, "nothing leads to this page: its records go to the database %s", OtherDatabase))
	}
	switch nd.typ {
	case pageLBtree:
		return sc.treeLeaf()
	case pageLRecno:
		return sc.recnoLeaf()
	}
	return sc.hashPage()
}

// holds tells whether leaves of the type hold records of the file. One with
// sub-databases may have them of all access methods, and whether it is a btree
// or a hash may be a guess.
func (sc *scan) holds(typ byte) bool {
	m := &sc.s.rd.meta
	switch {
	case m.SubDBs, sc.s.report.Guessed && (m.Type == Btree || m.Type == Hash):
		return true
	case m.Type == Btree:
		return typ == pageLBtree
	}
	return m.Type == Hash && typ != pageLBtree
}

// sound tells whether the page can be trusted: its own number and its checksum.
func (sc *scan) sound() bool {
	nd := &sc.nd
	fault := ""
	if int64(nd.pgno) != nd.no {
		fault = "page says it is page " + strconv.Itoa(int(nd.pgno))
	} else if sc.in.lay.sum {
		if ok, _ := sc.in.lay.checkSum(nd.buf, checksumAt); !ok {
			fault = "checksum does not match"
		}
	}
	if fault == "" {
		return true
	}
	if sc.s.opts.Aggressive {
		sc.s.problem(sc.in.damage(nd.no, NoItem, "%s: what could be read of its records may be wrong", fault))
		return true
	}
	sc.s.problem(sc.in.damage(nd.no, NoItem, "%s: its records are lost", fault))
	sc.s.report.Doubtful++
	return false
}

func (sc *scan) treeLeaf() error {
	c := sc.tree
	c.w.leaf = sc.nd
	if err := c.enter(); err != nil {
		return err
	}
	for i := 0; i+1 < c.w.leaf.n; i += 2 {
		v, ok, err := c.pair(i)
		if err != nil {
			return err
		}
		if ok {
			if err := sc.give(c.key, v); err != nil {
				return err
			}
		}
		for c.inDups {
			v, more, err := c.member()
			if err != nil {
				return err
			}
			if !more {
				break
			}
			if err := sc.give(c.key, v); err != nil {
				return err
			}
		}
	}
	return nil
}

func (sc *scan) hashPage() error {
	c := sc.hash
	c.nd = sc.nd
	c.set, c.inDups, c.floor = nil, false, sc.in.lay.ps
	if err := sc.in.hashLow(&c.nd); err != nil {
		return err
	}
	if c.nd.n%2 != 0 {
		sc.s.problem(sc.in.damage(c.nd.no, c.nd.n-1, "key without data, %d items on the page", c.nd.n))
	}
	for i := 0; i+1 < c.nd.n; i += 2 {
		v, ok, err := c.pair(i)
		if err != nil {
			return err
		}
		for {
			if ok {
				if err := sc.give(c.key, v); err != nil {
					return err
				}
			}
			if v, ok, err = c.member(); err != nil {
				return err
			}
			if !ok {
				break
			}
		}
	}
	return nil
}

// recnoLeaf gives the records of a recno leaf that the tree did not lead to new
// numbers behind the last.
func (sc *scan) recnoLeaf() error {
	sc.s.problem(sc.in.damage(sc.nd.no, NoItem, "nothing leads to this page: its %d records get numbers from %d on", sc.nd.n, sc.s.last+1))
	return sc.items(sc.append)
}

// append gives a value a new number behind the last of a recno.
func (sc *scan) append(value []byte) error {
	return sc.give(strconv.AppendUint(nil, sc.s.last+1, 10), value)
}

// stray takes values whose key is lost, with Aggressive only: under UnknownKey,
// or, of a recno, which has numbers only, behind its last record. A queue and a
// heap have no such values, but other pages by damage. text says what there is.
func (sc *scan) stray(page int64, text string, do func(give func(value []byte) error) error) error {
	m := &sc.s.rd.meta
	switch {
	case !m.SubDBs && (m.Type == Queue || m.Type == Heap):
		sc.s.problem(sc.in.damage(page, NoItem, "%s", text))
		return nil
	case !sc.s.opts.Aggressive:
		sc.s.problem(sc.in.damage(page, NoItem, "%s", text))
		sc.s.report.Doubtful++
		return nil
	case m.Type == Recno && !m.SubDBs:
		sc.s.problem(sc.in.damage(page, NoItem, "%s: it is number %d of the records from here on", text, sc.s.last+1))
		return do(sc.append)
	}
	sc.s.problem(sc.in.damage(page, NoItem, "%s: its key is %s", text, UnknownKey))
	return do(func(v []byte) error { return sc.give([]byte(UnknownKey), v) })
}

// items goes through a page with one data item a slot.
func (sc *scan) items(do func(v []byte) error) error {
	nd, l := &sc.nd, &sc.in.lay
	for i := range nd.n {
		var it item
		off := l.slot(nd, i, 3)
		ok := off > 0
		if ok {
			it, ok = l.item(nd, off)
		}
		if !ok || it.kind == kindDup {
			sc.s.problem(sc.in.damage(nd.no, i, "data item does not fit the page"))
			continue
		}
		if it.deleted && !sc.in.rescue {
			continue
		}
		v, ok, err := sc.in.value(it, place{nd.no, i})
		if err != nil {
			return err
		}
		if ok {
			if err := do(v); err != nil {
				return err
			}
		}
	}
	return nil
}

// internalKeys marks the overflow chains of the keys of an internal page: they
// are no part of a record.
func (sc *scan) internalKeys() error {
	nd, l := &sc.nd, &sc.in.lay
	if int64(nd.pgno) != nd.no || !l.slots(nd) {
		return nil
	}
	for i := range nd.n {
		off := l.slot(nd, i, 24)
		if off < 0 || nd.buf[off+2] != kindOverflow || l.u16(nd.buf[off:]) != 12 {
			continue
		}
		if err := sc.in.markChain(l.u32(nd.buf[off+16:])); err != nil {
			return err
		}
	}
	return nil
}

// markChain marks the pages of an overflow chain as seen.
func (in *input) markChain(no uint32) error {
	for no != 0 && int64(no) < in.lay.pages && !in.seen.has(int64(no)) {
		b, err := in.pager.page(int64(no))
		if err != nil {
			return err
		}
		if b[25] != pageOverflow || in.lay.u32(b[8:]) != no {
			return nil
		}
		in.seen.add(int64(no))
		no = in.lay.u32(b[16:])
	}
	return nil
}

// leftover is the second pass: duplicates that no key led to, and overflow
// chains that belong to no record.
func (sc *scan) leftover() error {
	nd, l := &sc.nd, &sc.in.lay
	switch nd.typ {
	case pageOverflow:
		if nd.prev != 0 || int64(nd.pgno) != nd.no || nd.low == 0 || l.hdr+nd.low > l.ps || !sc.sound() {
			return nil
		}
		return sc.leftChain()
	case pageDup, pageLDup, pageLRecno:
		if nd.n == 0 || !sc.sound() {
			return nil
		}
	default:
		return nil
	}
	nd.n = min(nd.n, (l.ps-l.hdr)/2)
	return sc.stray(nd.no, fmt.Sprintf("%d duplicates whose key is lost", nd.n), sc.items)
}

// leftChain is an overflow chain that belongs to no record, up to where it
// breaks.
func (sc *scan) leftChain() error {
	in, head := sc.in, sc.nd.no
	data := in.val[:0]
	for no := sc.nd.pgno; no != 0 && int64(no) < in.lay.pages && !in.seen.has(int64(no)); {
		b, err := in.pager.page(int64(no))
		if err != nil {
			return err
		}
		n := in.lay.u16(b[22:])
		if b[25] != pageOverflow || in.lay.u32(b[8:]) != no || in.lay.hdr+n > in.lay.ps || int64(len(data)+n) > in.opts.MaxItem {
			break
		}
		in.seen.add(int64(no))
		data = append(data, b[in.lay.hdr:in.lay.hdr+n]...)
		no = in.lay.u32(b[16:])
	}
	in.val = data
	text := fmt.Sprintf("long item of %d bytes whose record is lost", len(data))
	return sc.stray(head, text, func(give func(value []byte) error) error { return give(data) })
}

func (sc *scan) give(key, value []byte) error {
	if err := sc.s.begin(); err != nil {
		return err
	}
	return sc.s.give(key, value)
}
