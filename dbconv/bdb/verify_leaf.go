package bdb

import "bytes"

// pairs checks the keys and data of a btree leaf and counts the records.
func (t *treeCheck) pairs(nd *node) (records int64, err error) {
	v, l := t.v, t.v.lay
	if nd.n%2 != 0 {
		v.lost(nd.no, nd.n-1, "key without data, %d items on the page", nd.n)
	}
	p := v.packing()
	fine, keyAt, set := true, -1, dupSet{}
	for i := 0; i+1 < nd.n; i += 2 {
		off := l.u16(nd.buf[l.hdr+2*i:])
		if off != keyAt || i == 0 {
			keyAt = off
			set.reset()
			it, ok := t.keyItem(nd, i, off)
			if !ok {
				fine = false
				keyAt = -1
			} else {
				p.add(off, it.slot)
				if err := t.leafKey(nd, i, it); err != nil {
					return records, err
				}
			}
		} else if !v.rd.meta.Dup {
			v.odd(nd.no, i, "duplicate in a database without duplicates")
		}
		n, slot, err := t.data(nd, i+1, &set)
		if err != nil {
			return records, err
		}
		records += n
		if v.stats != nil {
			v.stats.pair(l, nd, i, n)
		}
		if slot == 0 {
			fine = false
			continue
		}
		p.add(l.u16(nd.buf[l.hdr+2*(i+1):]), slot)
	}
	if fine && nd.n%2 == 0 && !p.whole(nd.low) {
		v.lost(nd.no, NoItem, "items do not fill the page from offset %d", nd.low)
	}
	return records, nil
}

// keyItem decodes the key at slot i. ok is false when it is unusable, which was
// told.
func (t *treeCheck) keyItem(nd *node, i, off int) (it item, ok bool) {
	v, l := t.v, t.v.lay
	if off < l.hdr+2*nd.n || off+3 > l.ps || off%2 != 0 {
		v.lost(nd.no, i, "key lies outside the page")
		return it, false
	}
	if l.v6() && shared(l, nd, i) {
		it, ok = l.key6(nd, off, v.pager)
	} else {
		it, ok = l.item(nd, off)
	}
	if !ok || it.kind == kindDup {
		v.lost(nd.no, i, "key item does not fit the page")
		return it, false
	}
	if it.deleted && v.stats == nil {
		v.odd(nd.no, i, "delete flag on a key")
	}
	return it, true
}

// leafKey checks the chain and the order of a key.
func (t *treeCheck) leafKey(nd *node, i int, it item) error {
	v := t.v
	key := it.data
	if it.kind == kindOverflow {
		t.order.keep() // the key before may lie in the buffer
		var ok bool
		var err error
		v.keyBuf, ok, err = v.overflow(it.pgno, it.size, place{nd.no, i}, t.sorted, v.keyBuf)
		if !ok || err != nil {
			return err
		}
		key = v.keyBuf
	}
	if t.sorted && !t.order.key(key, false) {
		v.odd(nd.no, i, "key is out of order")
	}
	if it.kind == kindOverflow {
		t.order.keep()
	}
	return nil
}

// A dupSet checks the order of the members of an on-page duplicate set.
type dupSet struct {
	last   []byte
	begun  bool
	others bool // a member is not on the page
}

func (s *dupSet) reset() { *s = dupSet{} }

// data checks the data item of slot i. slot 0: unusable, which was told.
func (t *treeCheck) data(nd *node, i int, set *dupSet) (records int64, slot int, err error) {
	v, l := t.v, t.v.lay
	off := l.u16(nd.buf[l.hdr+2*i:])
	var it item
	ok := off >= l.hdr+2*nd.n && off+3 <= l.ps && off%2 == 0
	if ok {
		it, ok = l.item(nd, off)
	}
	if !ok {
		v.lost(nd.no, i, "data item does not fit the page")
		return 0, 0, nil
	}
	if it.deleted && v.stats == nil {
		v.odd(nd.no, i, "delete flag on data")
	}
	records = 1
	switch it.kind {
	case kindDup:
		records, err = v.duplicates(it.pgno, place{nd.no, i})
		set.others = true
	case kindOverflow:
		set.others = true
		_, _, err = v.overflow(it.pgno, it.size, place{nd.no, i}, false, v.valBuf)
	default:
		if v.rd.meta.DupSort && !v.opts.NoOrder && set.begun && !set.others && bytes.Compare(set.last, it.data) >= 0 {
			v.odd(nd.no, i, "duplicate is out of order")
		}
		set.last, set.begun = it.data, true
	}
	if it.deleted {
		records = 0
	}
	return records, it.slot, err
}

// items checks a leaf with one data item a slot: recno or duplicates.
func (t *treeCheck) items(nd *node) (records int64, err error) {
	v, l := t.v, t.v.lay
	m := &v.rd.meta
	if t.kind == dupTree && m.DupSort != (nd.typ == pageLDup) && nd.typ != pageDup {
		v.odd(nd.no, NoItem, "duplicates of page type %d, flags %#x", nd.typ, m.RawFlags)
	}
	sorted := nd.typ == pageLDup && !v.opts.NoOrder
	p := v.packing()
	fine := true
	for i := range nd.n {
		off := l.u16(nd.buf[l.hdr+2*i:])
		var it item
		ok := off >= l.hdr+2*nd.n && off+3 <= l.ps && off%2 == 0
		if ok {
			it, ok = l.item(nd, off)
		}
		if !ok || it.kind == kindDup {
			v.lost(nd.no, i, "data item does not fit the page")
			fine = false
			continue
		}
		p.add(off, it.slot)
		if err := t.single(nd, i, it, sorted); err != nil {
			return records, err
		}
		if !it.deleted || nd.typ == pageLRecno {
			records++
		}
		if v.stats != nil && !it.deleted {
			v.stats.Data++
			if t.kind == recordTree {
				v.stats.Keys++
			}
		}
	}
	if fine && !p.whole(nd.low) {
		v.lost(nd.no, NoItem, "items do not fill the page from offset %d", nd.low)
	}
	return records, nil
}

// marker tells whether a deleted item is what a recno leaves in place of a
// deleted record, or of one that never was, so that the numbers of the others
// stay.
func (t *treeCheck) marker(it item) bool {
	m := &t.v.rd.meta
	if t.kind != recordTree {
		return false
	}
	if it.kind == kindOverflow {
		return m.FixedLen && it.size == m.RecLen
	}
	return len(it.data) == 0 || m.FixedLen && len(it.data) == int(m.RecLen)
}

// single checks one item of a recno leaf or of a duplicate set.
func (t *treeCheck) single(nd *node, i int, it item, sorted bool) error {
	v := t.v
	m := &v.rd.meta
	if it.deleted && v.stats == nil && !t.marker(it) {
		v.odd(nd.no, i, "delete flag on data")
	}
	data, size := it.data, uint32(len(it.data))
	if it.kind == kindOverflow {
		t.order.keep()
		var ok bool
		var err error
		v.keyBuf, ok, err = v.overflow(it.pgno, it.size, place{nd.no, i}, sorted, v.keyBuf)
		if !ok || err != nil {
			return err
		}
		data, size = v.keyBuf, it.size
	}
	if t.kind == recordTree && m.FixedLen && size != m.RecLen && !it.deleted {
		v.lost(nd.no, i, "record of %d bytes, want %d", size, m.RecLen)
	}
	if sorted && !t.order.key(data, false) {
		v.odd(nd.no, i, "duplicate is out of order")
	}
	if it.kind == kindOverflow {
		t.order.keep()
	}
	return nil
}
