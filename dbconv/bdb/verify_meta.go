package bdb

import (
	"math/bits"
)

// checkMeta checks the fields of the metadata page in raw, page no of the file.
func (v *verifier) checkMeta(raw []byte, no uint32) {
	m := &v.rd.meta
	if m.Legacy185 {
		v.checkMeta185(raw)
		return
	}
	at := int64(no)
	if own := v.lay.u32(raw[8:]); own != no {
		v.odd(at, NoItem, "metadata page says it is page %d", own)
	}
	v.metaChecksum(raw, at)
	if m.Version >= 6 && m.Type == Hash || m.Version >= 7 || m.Type == Queue || m.Type == Heap {
		v.metaHeader(raw, at)
	}
	if no != 0 && m.Free != 0 {
		v.odd(at, NoItem, "a sub-database has a free list of its own (page %d)", m.Free)
	}
	switch m.Type {
	case Queue, Heap: // whose numbers are checked elsewhere
	case Hash:
		v.checkHashMeta(at)
	default:
		v.checkTreeMeta(at)
	}
}

func (v *verifier) metaChecksum(raw []byte, at int64) {
	if !v.rd.meta.Checksum {
		return
	}
	ok, swapped := v.lay.checkSum(raw, metaChecksumAt)
	if !ok {
		v.lost(at, NoItem, "checksum of the metadata page does not match")
		return
	}
	v.sumOrder(at, v.lay.u32(raw[metaChecksumAt:]), swapped)
}

// metaHeader checks what 3.0 made common to all access methods.
func (v *verifier) metaHeader(raw []byte, at int64) {
	m := &v.rd.meta
	want := byte(pageBtreeMeta)
	switch m.Type {
	case Hash:
		want = pageHashMeta
	case Queue:
		want = pageQueueMeta
	case Heap:
		want = pageHeapMeta
	}
	if raw[25] != want {
		v.odd(at, NoItem, "metadata page has type %d, want %d", raw[25], want)
	}
	newest := m.summable()
	if newest {
		v.metaHeader9(raw, at)
	} else if raw[24] != 0 || raw[26] != 0 || raw[27] != 0 {
		v.odd(at, NoItem, "unused bytes 24, 26 and 27 are %d, %d and %d", raw[24], raw[26], raw[27])
	}
	if m.Type == Queue || m.Version == 7 && m.Type != Hash || m.Version == 6 && m.Type == Hash || at != 0 {
		return // 3.0 stores no last page; in a sub-database it is not kept up
	}
	last := m.Pages - 1
	switch {
	case int64(m.LastPage) == last:
	case !newest && (m.LastPage == 0 || m.unused36 != 0): // 3.1 and 3.2
	default:
		tell := v.odd
		if m.pagesLost() {
			tell = v.lost
		}
		tell(at, NoItem, "last page is stored as %d, the last page of the file is %d", m.LastPage, last)
	}
}

// metaHeader9 checks what 4.1 added.
func (v *verifier) metaHeader9(raw []byte, at int64) {
	m := &v.rd.meta
	if raw[26]&^1 != 0 || raw[27] != 0 {
		v.odd(at, NoItem, "unknown metadata flags %#x, unused byte %d", raw[26], raw[27])
	}
	if m.unused36 != 0 {
		v.odd(at, NoItem, "%d partitions in a database without partitions", m.unused36)
	}
	// A hash of version 9 may have been upgraded from 3.x, which left rubbish
	// there.
	if m.Type != Hash && (!allZero(raw[460:464]) || !m.Checksum && !allZero(raw[476:512])) {
		v.odd(at, NoItem, "encryption or checksum fields are set in a database without them")
	}
}

func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// treeFlags are the flags that a version of the btree knows.
func treeFlags(version uint32) uint32 {
	switch version {
	case 6:
		return flagDup | flagRecno | flagRecNum | flagFixed | flagRenumber
	case 7:
		return flagDup | flagRecno | flagRecNum | flagFixed | flagRenumber | flagSubDB
	}
	return flagDup | flagRecno | flagRecNum | flagFixed | flagRenumber | flagSubDB | flagDupSort
}

func (v *verifier) checkTreeMeta(at int64) {
	m := &v.rd.meta
	if odd := m.RawFlags &^ treeFlags(m.Version); odd != 0 {
		v.odd(at, NoItem, "unknown flags %#x", odd)
	}
	if m.DupSort && !m.Dup {
		v.odd(at, NoItem, "flags say sorted duplicates but no duplicates")
	}
	if m.Type == Recno && (m.Dup || m.RecNum && m.Version > 6) {
		v.odd(at, NoItem, "flags %#x do not go with a recno database", m.RawFlags)
	}
	if m.Type != Recno && (m.FixedLen || m.Renumber) {
		v.odd(at, NoItem, "flags %#x go with a recno database only", m.RawFlags)
	}
	if m.FixedLen != (m.RecLen != 0) {
		v.odd(at, NoItem, "record length %d, flags %#x", m.RecLen, m.RawFlags)
	}
	if m.RecPad > 0xff && m.RecPad < 0xffffff80 { // a program may have given a negative char
		v.odd(at, NoItem, "pad byte %#x", m.RecPad)
	}
	if m.Type != Recno && m.RecPad != 0 && m.RecPad != ' ' {
		v.odd(at, NoItem, "pad byte %#x in a btree", m.RecPad)
	}
	if !v.fanOut() {
		v.odd(at, NoItem, "at least %d and at most %d keys a page do not go with pages of %d bytes", m.MinKey, m.MaxKey, m.PageSize)
	}
	if m.Root == 0 || int64(m.Root) >= m.Pages {
		v.lost(at, NoItem, "root is page %d, the file has %d pages", m.Root, m.Pages)
	}
}

// fanOut checks minkey and maxkey: the longest item kept on a page must not
// wrap.
func (v *verifier) fanOut() bool {
	m := &v.rd.meta
	if m.MinKey < 2 || uint64(m.MinKey) > uint64(m.PageSize) || (m.PageSize-headerSize)/(2*int(m.MinKey)) < 10 {
		return false
	}
	return uint64(m.MaxKey) <= uint64(m.PageSize)
}

func hashFlagsKnown(version uint32) uint32 {
	switch {
	case version <= 5:
		return flagHashDup
	case version == 6:
		return flagHashDup | flagHashSubDB
	}
	return flagHashDup | flagHashSubDB | flagHashDupSort
}

func (v *verifier) checkHashMeta(at int64) {
	m := &v.rd.meta
	if odd := m.RawFlags &^ hashFlagsKnown(m.Version); odd != 0 {
		v.odd(at, NoItem, "unknown flags %#x", odd)
	}
	if m.DupSort && !m.Dup {
		v.odd(at, NoItem, "flags say sorted duplicates but no duplicates")
	}
	v.checkMasks(at)
	if m.HashFunc == HashUnknown && !v.opts.NoOrder {
		v.odd(at, NoItem, "unknown hash function (%#x)", m.CharKey)
	}
	if !m.Legacy185 && m.Version <= 5 && m.OvflPoint != uint32(bits.Len32(m.MaxBucket)) {
		v.odd(at, NoItem, "split point is %d with %d buckets", m.OvflPoint, uint64(m.MaxBucket)+1)
	}
	used := bits.Len32(m.MaxBucket)
	for i := used + 1; i < len(m.Spares); i++ {
		if m.Spares[i] != 0 {
			v.odd(at, NoItem, "spare %d is %d, only %d are in use", i, m.Spares[i], used+1)
		}
	}
}

// checkMasks checks the numbers that place a key in a bucket.
func (v *verifier) checkMasks(at int64) {
	m := &v.rd.meta
	high := uint32(1)<<bits.Len32(m.MaxBucket) - 1
	if m.MaxBucket == 0 {
		high = m.HighMask & 1 // one bucket: both forms are seen
	}
	if m.HighMask != high || m.LowMask != high>>1 {
		v.odd(at, NoItem, "masks %#x and %#x do not go with %d buckets", m.HighMask, m.LowMask, uint64(m.MaxBucket)+1)
	}
}
