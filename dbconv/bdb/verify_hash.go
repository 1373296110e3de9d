package bdb

import (
	"bytes"
	"math/bits"
)

// hash checks the buckets of v.rd, those that the last doubling has made but
// that no key uses yet included.
func (v *verifier) hash() error {
	m := &v.rd.meta
	if short := m.shortFile(); short != "" {
		v.lost(int64(m.PageNo), NoItem, "%s", short)
	}
	v.pairs, v.zeros = 0, 0
	missing := v.report.Missing
	high := uint64(1)<<bits.Len32(m.MaxBucket) - 1
	for b := uint64(0); b <= high; b++ {
		no := m.bucketPage(b)
		if no >= uint64(v.lay.pages) {
			last := uint64(1)<<bits.Len64(b) - 1
			if b <= uint64(m.MaxBucket) && m.Version > 5 {
				v.lost(int64(m.PageNo), NoItem, "buckets %d to %d lie from page %d on, the file has %d pages", b, min(last, uint64(m.MaxBucket)), no, v.lay.pages)
			}
			v.stats.unused(v.lay, int64(min(last, uint64(m.MaxBucket))-min(b, uint64(m.MaxBucket)+1)+1))
			b = last
			continue
		}
		if err := v.bucket(b, uint32(no)); err != nil {
			return err
		}
	}
	// NumElem is an estimate: given when the file was made, not kept by all
	// releases.
	if m.Version > 5 && m.NumElem > 1<<31-1 {
		v.odd(int64(m.PageNo), NoItem, "metadata counts %d elements", m.NumElem)
	}
	fewer, lost := m.fewerKeys(v.pairs, v.zeros)
	switch {
	case fewer == "" || v.report.Missing > missing:
	case lost:
		v.lost(int64(m.PageNo), NoItem, "%s", fewer)
	default:
		v.note(int64(m.PageNo), errFewerKeys, "%s", fewer)
	}
	return nil
}

// bucket checks the pages of bucket b, the first of which is no.
func (v *verifier) bucket(b uint64, no uint32) error {
	m := &v.rd.meta
	if !v.claim(no, place{int64(m.PageNo), NoItem}) {
		return nil
	}
	nd := v.node()
	defer v.release()
	ok, err := v.load(nd, no)
	if err != nil || !ok {
		return err
	}
	if nd.zero() { // never used
		v.zeroBucket(nd, b)
		return nil
	}
	if nd.pgno != no {
		v.lost(nd.no, NoItem, "page of bucket %d says it is page %d", b, nd.pgno)
		return nil
	}
	if b > uint64(m.MaxBucket) {
		if nd.n != 0 || nd.next != 0 || nd.typ != pageHash && nd.typ != pageHashOld && nd.typ != pageInvalid {
			v.unused(nd, b)
		}
		return nil
	}
	for prev := uint32(0); ; prev = nd.pgno {
		if ok, err := v.hashPage(nd, b, prev); !ok || err != nil {
			return err
		}
		if nd.next == 0 {
			return nil
		}
		next, from := nd.next, place{nd.no, NoItem}
		last := nd.pgno
		if !v.claim(next, from) {
			return nil
		}
		if ok, err := v.own(nd, next); !ok || err != nil {
			return err
		}
		nd.prev, prev = v.lay.u32(nd.buf[12:]), last
		if nd.prev != last {
			v.odd(nd.no, NoItem, "links back to page %d, the page before is %d", nd.prev, last)
		}
	}
}

// zeroBucket takes a bucket whose page holds nothing but zeros.
func (v *verifier) zeroBucket(nd *node, b uint64) {
	m := &v.rd.meta
	switch {
	case b > uint64(m.MaxBucket):
		return
	case m.bucketUsed(b):
		v.lost(nd.no, NoItem, "page of bucket %d is all zeros, but the bucket was in use", b)
	default:
		v.zeros++
	}
	v.stats.unused(v.lay, 1)
}

// unused tells of a page of a bucket that is not in use yet but is not empty.
func (v *verifier) unused(nd *node, b uint64) {
	tell := v.odd
	if v.lay.holdsRecords(nd) {
		tell = v.unled
	}
	tell(nd.no, NoItem, "page of bucket %d, which is not in use, is of type %d with %d items", b, nd.typ, nd.n)
}

// hashPage checks one page of a bucket.
func (v *verifier) hashPage(nd *node, b uint64, prev uint32) (bool, error) {
	m, l := &v.rd.meta, v.lay
	if nd.typ != pageHash && nd.typ != pageHashOld {
		v.lost(nd.no, NoItem, "page of type %d in bucket %d", nd.typ, b)
		return false, nil
	}
	if nd.typ == pageHashOld && m.Version >= 9 && nd.n > 0 || nd.typ == pageHash && m.Version < 7 {
		v.odd(nd.no, NoItem, "page of type %d in a hash of version %d", nd.typ, m.Version)
	}
	if prev == 0 && nd.prev != 0 {
		v.odd(nd.no, NoItem, "first page of bucket %d links back to page %d", b, nd.prev)
	}
	if nd.level != 0 {
		v.odd(nd.no, NoItem, "hash page of level %d", nd.level)
	}
	if !l.slots(nd) {
		v.lost(nd.no, NoItem, "%d items do not fit the page", nd.n)
		return true, nil
	}
	if nd.n%2 != 0 {
		v.lost(nd.no, nd.n-1, "key without data, %d items on the page", nd.n)
	}
	v.stats.bucket(l, nd, prev == 0)
	low := l.ps
	if nd.n > 0 {
		low = l.u16(nd.buf[l.hdr+2*(nd.n-1):])
	}
	if nd.low != low&0xffff {
		v.lost(nd.no, NoItem, "items begin at offset %d, the header says %d", low, nd.low)
	}
	ord := order{}
	for i := 0; i+1 < nd.n; i += 2 {
		if err := v.hashPair(nd, i, b, &ord); err != nil {
			return false, err
		}
	}
	return true, nil
}

// hashPair checks the pair at slots i and i+1.
func (v *verifier) hashPair(nd *node, i int, b uint64, ord *order) error {
	m := &v.rd.meta
	v.pairs++
	item, ok1 := v.lay.hashItem(nd, i)
	data, ok2 := v.lay.hashItem(nd, i+1)
	if !ok1 || !ok2 {
		v.lost(nd.no, i, "item does not fit the page")
		return nil
	}
	key, ok, err := v.hashKey(item, place{nd.no, i})
	if err != nil {
		return err
	}
	if ok && !v.opts.NoOrder {
		if m.HashFunc != HashUnknown && len(key) < compareLimit && uint64(m.bucketOf(m.HashFunc.Sum(key))) != b {
			v.odd(nd.no, i, "key is in bucket %d, its hash puts it in bucket %d", b, m.bucketOf(m.HashFunc.Sum(key)))
		}
		if nd.typ == pageHash && ord.begun && !hashOrder(ord.last, key) {
			v.odd(nd.no, i, "key is out of order")
		}
		ord.last, ord.begun = key, true
		if item[0] != hashData {
			ord.keep()
		}
	}
	return v.hashValue(data, place{nd.no, i + 1})
}

// hashOrder tells whether b may follow a on a page of version 9. Of two keys
// that begin alike 5.3 puts the longer one first, an upgraded page the shorter
// one.
func hashOrder(a, b []byte) bool {
	n := min(len(a), len(b))
	c := bytes.Compare(a[:n], b[:n])
	return c < 0 || c == 0 && (len(a) != len(b) || n >= compareLimit)
}

// hashKey is the key of a pair, its chain checked.
func (v *verifier) hashKey(item []byte, at place) (key []byte, ok bool, err error) {
	switch {
	case item[0] == hashData:
		return item[1:], true, nil
	case item[0] == hashOffPage && len(item) == 12:
		v.keyBuf, ok, err = v.overflow(v.lay.u32(item[4:]), v.lay.u32(item[8:]), at, true, v.keyBuf)
		return v.keyBuf, ok, err
	}
	v.lost(at.page, at.item, "key item of %d bytes, type %d", len(item), item[0])
	return nil, false, nil
}

// hashValue checks the data of a pair and counts its records.
func (v *verifier) hashValue(data []byte, at place) error {
	switch {
	case data[0] == hashData:
		v.records(1)
		return nil
	case data[0] == hashDup:
		v.hashSet(data[1:], at)
		return nil
	case data[0] == hashOffPage && len(data) == 12:
		v.records(1)
		_, _, err := v.overflow(v.lay.u32(data[4:]), v.lay.u32(data[8:]), at, false, v.valBuf)
		return err
	case data[0] == hashOffDup && len(data) == 8:
		n, err := v.duplicates(v.lay.u32(data[4:]), at)
		v.report.Records += n
		return err
	}
	v.lost(at.page, at.item, "data item of %d bytes, type %d", len(data), data[0])
	return nil
}

// records counts data items that lie on pages of buckets.
func (v *verifier) records(n int64) {
	v.report.Records += n
	if v.stats != nil {
		v.stats.Data += n
	}
}

// hashSet checks an on-page duplicate set.
func (v *verifier) hashSet(set []byte, at place) {
	m := &v.rd.meta
	if !m.Dup {
		v.odd(at.page, at.item, "duplicate set in a database without duplicates")
	}
	if len(set) == 0 {
		v.odd(at.page, at.item, "empty duplicate set")
	}
	var last []byte
	for begun := false; len(set) > 0; begun = true {
		member, rest, ok := v.lay.setMember(set)
		if !ok {
			v.lost(at.page, at.item, "lengths of a duplicate do not agree")
			return
		}
		if begun && m.DupSort && !v.opts.NoOrder && bytes.Compare(last, member) >= 0 {
			v.odd(at.page, at.item, "duplicate is out of order")
		}
		last, set = member, rest
		v.records(1)
	}
}
