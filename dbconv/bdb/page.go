package bdb

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// Page types from 2.0 on, byte 25 of a page.
const (
	pageInvalid   = 0  // free, or never initialised
	pageDup       = 1  // 2.x and 3.0: chain of off-page duplicates
	pageHashOld   = 2  // hash, items unsorted (through 4.5)
	pageIBtree    = 3  // internal page of a btree
	pageIRecno    = 4  // internal page of a recno tree
	pageLBtree    = 5  // leaf of a btree
	pageLRecno    = 6  // leaf of a recno tree, or of unsorted duplicates
	pageOverflow  = 7  // part of an item too big for its page
	pageHashMeta  = 8  // metadata from 3.0 on
	pageBtreeMeta = 9  // metadata from 3.0 on
	pageLDup      = 12 // leaf of sorted duplicates
	pageHash      = 13 // hash, items sorted (4.6 and later)
)

// headerSize is the size in bytes of the page header without checksum; with one
// it is checksumHeader, the checksum at checksumAt.
const (
	headerSize     = 26
	checksumHeader = 32
	checksumAt     = 28
	metaChecksumAt = 492
)

// A layout is how the bytes of the pages of a file lie: what all pages share.
type layout struct {
	big     bool // big-endian
	ps      int  // page size, bytes
	hdr     int  // page header, bytes
	sum     bool // pages carry checksums
	version uint32
	typ     Type
	legacy  bool
	pages   int64
}

func layoutOf(m *Meta) layout {
	l := layout{big: m.ByteOrder == binary.BigEndian, ps: m.PageSize, hdr: headerSize, sum: m.Checksum,
		version: m.Version, typ: m.Type, legacy: m.Legacy185, pages: m.Pages}
	switch {
	case m.Type == Queue && m.Checksum:
		l.hdr = queueSumHeader
	case m.Type == Queue:
		l.hdr = queueHeader
	case m.Checksum:
		l.hdr = checksumHeader
	}
	return l
}

func (l *layout) u16(b []byte) int {
	if l.big {
		return int(b[0])<<8 | int(b[1])
	}
	return int(b[1])<<8 | int(b[0])
}

func (l *layout) u32(b []byte) uint32 {
	if l.big {
		return binary.BigEndian.Uint32(b)
	}
	return binary.LittleEndian.Uint32(b)
}

// v6 tells that the file is a 2.x btree, whose duplicate keys may be swapped.
func (l *layout) v6() bool { return l.version == 6 && l.typ != Hash && !l.legacy }

// A node is one page with its header decoded. It owns its copy of the page.
type node struct {
	buf        []byte
	no         int64 // where it was read from
	pgno       uint32
	prev, next uint32
	n          int // slots; on an overflow page references
	low        int // lowest used item byte; on an overflow page data bytes
	level, typ uint8

	starts   *startSet // v6 only, made when first needed
	startsOf int64     // page that starts describes; -1: none
}

// decode reads the header of nd.buf.
func (l *layout) decode(nd *node) {
	b := nd.buf
	nd.pgno, nd.prev, nd.next = l.u32(b[8:]), l.u32(b[12:]), l.u32(b[16:])
	nd.n, nd.low = l.u16(b[20:]), l.u16(b[22:])
	nd.level, nd.typ = b[24], b[25]
	nd.startsOf = -1
}

// zero tells whether the page holds nothing but zeros: never written.
func (nd *node) zero() bool {
	for _, c := range nd.buf {
		if c != 0 {
			return false
		}
	}
	return true
}

// slots tells whether the slot array of nd fits the page.
func (l *layout) slots(nd *node) bool { return l.hdr+2*nd.n <= l.ps }

// slot is the offset of item i, which must be below nd.n; -1 when it points
// outside the item area of the page or leaves less than min bytes there.
func (l *layout) slot(nd *node, i, min int) int {
	off := l.u16(nd.buf[l.hdr+2*i:])
	if off < l.hdr+2*nd.n || off+min > l.ps {
		return -1
	}
	return off
}

// Kinds of btree item, and the flag of a deleted one.
const (
	kindData     = 1
	kindDup      = 2 // off-page duplicate set
	kindOverflow = 3
	kindBlob     = 4 // version 10: in a file of its own
	flagDeleted  = 0x80
)

// An item is a decoded slot of a btree page.
type item struct {
	kind    uint8
	deleted bool
	data    []byte // kindData
	pgno    uint32 // kindDup, kindOverflow
	size    uint32 // kindOverflow: length in bytes
	slot    int    // bytes that the item takes on the page
}

// item decodes the btree leaf item at offset off. ok is false when it is of no
// known kind or does not fit the page.
func (l *layout) item(nd *node, off int) (it item, ok bool) {
	b := nd.buf[off:]
	it.kind, it.deleted = b[2]&^flagDeleted, b[2]&flagDeleted != 0
	switch it.kind {
	case kindData:
		n := l.u16(b)
		if 3+n > len(b) {
			return it, false
		}
		it.data, it.slot = b[3:3+n:3+n], align4(3+n)
		return it, true
	case kindDup, kindOverflow:
		if len(b) < 12 {
			return it, false
		}
		it.pgno, it.size, it.slot = l.u32(b[4:]), l.u32(b[8:]), 12
		return it, true
	}
	return it, false
}

func align4(n int) int { return (n + 3) &^ 3 }

// key6 decodes the key at off of a 2.x btree leaf when several slots share it.
// The 2.x libraries swapped such a key once for each slot in files that are not
// of the host's own byte order, so it may lie in the other order: the reading
// whose end is the start of another item, or the page's end, is taken; of a
// long key, the one that could exist, and where both could, the one that leads
// to an overflow page.
func (l *layout) key6(nd *node, off int, p *pager) (it item, ok bool) {
	it, ok = l.item(nd, off)
	other := *l
	other.big = !l.big
	swapped, ok2 := other.item(nd, off)
	switch it.kind {
	case kindData:
		if !ok || ok2 && l.nextStart(nd, off) != off+it.slot && l.nextStart(nd, off) == off+swapped.slot {
			return swapped, ok2
		}
	case kindOverflow:
		if ok && ok2 && l.chainFits(swapped) && (!l.chainFits(it) || !l.leadsToOverflow(it.pgno, p) && l.leadsToOverflow(swapped.pgno, p)) {
			return swapped, true
		}
	}
	return it, ok
}

// chainFits tells whether an overflow item could exist in the file.
func (l *layout) chainFits(it item) bool {
	return it.pgno != 0 && int64(it.pgno) < l.pages && int64(it.size) <= l.pages*int64(l.ps)
}

// leadsToOverflow tells whether page no is the first of an overflow chain.
func (l *layout) leadsToOverflow(no uint32, p *pager) bool {
	b, err := p.page(int64(no))
	return err == nil && b[25] == pageOverflow && l.u32(b[8:]) == no && l.u32(b[12:]) == 0
}

// A startSet has a bit for each offset of a page, divided by 4.
type startSet [65536 / 4 / 64]uint64

// nextStart is the offset of the first item of nd behind off, the page size if
// there is none.
func (l *layout) nextStart(nd *node, off int) int {
	if nd.starts == nil {
		nd.starts = new(startSet)
	}
	s := nd.starts
	if nd.startsOf != nd.no {
		*s = startSet{}
		for i := range nd.n {
			o := l.u16(nd.buf[l.hdr+2*i:]) / 4
			s[o/64] |= 1 << (o % 64)
		}
		nd.startsOf = nd.no
	}
	i := off/4 + 1
	for w := i / 64; w < len(s); w++ {
		word := s[w]
		if w == i/64 {
			word &^= 1<<(i%64) - 1
		}
		if word != 0 {
			return min((w*64+bits.TrailingZeros64(word))*4, l.ps)
		}
	}
	return l.ps
}

// sumOf is the checksum of a page: func4 over all bytes, the 4 at at read as
// zero.
func sumOf(b []byte, at int) uint32 {
	var h uint32
	for _, c := range b[:at] {
		h = 33*h + uint32(c)
	}
	h *= 1185921 // 33 to the 4th: four zero bytes
	for _, c := range b[at+4:] {
		h = 33*h + uint32(c)
	}
	return h
}

// checkSum compares the checksum of a page. swapped tells that it matches in
// the other byte order, as 4.1 wrote it into files of a foreign order.
func (l *layout) checkSum(b []byte, at int) (ok, swapped bool) {
	want := sumOf(b, at)
	got := l.u32(b[at:])
	if got == want {
		return true, false
	}
	if bits.ReverseBytes32(got) == want {
		return true, true
	}
	return false, false
}

// bucketPage is the page of bucket b, in 64 bits so that no number of the file
// makes it wrap. base is 1 for 2.x, the header pages for 1.85, 0 for 3.0 and
// later.
func (m *Meta) bucketPage(b uint64) uint64 {
	l := bits.Len64(b) // L(b+1)
	switch {
	case m.Legacy185 || m.Version <= 5:
		base := uint64(1)
		if m.Legacy185 {
			base = uint64(m.HeaderPages)
		}
		if b == 0 {
			return base
		}
		return b + base + uint64(m.Spares[min(l-1, 31)])
	}
	return b + uint64(m.Spares[min(l, 31)])
}

// bucketOf is the bucket of a key whose hash is h.
func (m *Meta) bucketOf(h uint32) uint32 {
	b := h & m.HighMask
	if b > m.MaxBucket {
		b = h & m.LowMask
	}
	return b
}

// begun is how many doublings the buckets may have that the file began with:
// they lie without a gap. From 3.0 on a file begins with more than two buckets
// only when it has a fill factor, by which its size is estimated.
func (m *Meta) begun() int {
	if m.Version > 5 && m.FillFactor == 0 {
		return 1
	}
	first, gap := 0, 1
	if m.Version <= 5 {
		gap = 0 // the doubling before says where one lies
	}
	for first < 31 && first < bits.Len32(m.MaxBucket) && m.Spares[first+gap] == m.Spares[0] {
		first++
	}
	return first
}

// bucketUsed tells that the page of bucket b was written for certain: a split
// made the bucket, or took keys from it, which writes both pages. The buckets
// that a file begins with are written when they are first used.
func (m *Meta) bucketUsed(b uint64) bool {
	began := uint64(1) << m.begun()
	return b >= began || b+began <= uint64(m.MaxBucket)
}

// fewerKeys tells that a hash has fewer keys than its metadata counts; "" when
// nothing says that some are missing. zeros is the number of buckets that may
// never have been used: their pages hold nothing but zeros. With such a page
// the keys are lost, unless the count may have begun with an estimate of the
// keys to come: an estimate that made the buckets is not more than their number
// times the fill factor, and db_load begins with the count of the file that was
// dumped. Of a file of many buckets most are then empty, and nothing is said.
func (m *Meta) fewerKeys(found, zeros int64) (text string, lost bool) {
	fewer := int64(m.NumElem) - found
	if fewer <= 0 || m.NumElem >= 1<<31 {
		return "", false
	}
	began := int64(1) << m.begun()
	if m.Version > 5 && (zeros == 0 || began > 2 && zeros > began/8 && fewer <= began*int64(m.FillFactor)) {
		return "", false
	}
	text = fmt.Sprintf("the metadata counts %d keys, %d were found", m.NumElem, found)
	estimated := began > 2 && fewer <= began*int64(m.FillFactor)
	loaded := fewer == found && found <= fewKeys
	if m.Version <= 5 || zeros == 0 || estimated || loaded {
		return text, false
	}
	return fmt.Sprintf("%s, and the pages of %d buckets are all zeros", text, zeros), true
}

// fewKeys may all be in one of two buckets by chance.
const fewKeys = 8

// shortFile tells why a hash of 2.x, which makes bucket pages when they are
// first used, must once have been longer; "" when nothing says so.
func (m *Meta) shortFile() string {
	if m.Version > 5 || m.Legacy185 {
		return ""
	}
	// Only the buckets that the file began with, a power of two, can be
	// missing.
	if n := uint64(m.MaxBucket) + 1; n&(n-1) != 0 && m.bucketPage(n-1) >= uint64(m.Pages) {
		return fmt.Sprintf("the file has %d pages, its last bucket lies on page %d: it was truncated", m.Pages, m.bucketPage(n-1))
	}
	// Overflow pages of the current doubling lie behind all of its buckets.
	s := min(m.OvflPoint, 31)
	if s > 0 && m.Spares[s] > m.Spares[s-1] {
		if last := uint64(1)<<s + uint64(m.Spares[s]); last >= uint64(m.Pages) {
			return fmt.Sprintf("the file has %d pages, its last overflow page is page %d: it was truncated", m.Pages, last)
		}
	}
	return ""
}
