package bdb

import (
	"context"
	"io"
)

// A Usage is the number of pages of one kind and the bytes free on them.
type Usage struct {
	Pages, Free int64
}

// Full is the part of the space of the pages that is in use, in whole percent.
func (u Usage) Full(pageSize int) int {
	space := u.Pages * int64(pageSize)
	if space == 0 {
		return 0
	}
	return int(float64(space-u.Free) / float64(space) * 100)
}

func (u *Usage) add(free int) {
	u.Pages++
	u.Free += int64(free)
}

// Stats are the figures that db_stat -d prints of one database, counted in the
// pages.
type Stats struct {
	Meta   Meta
	Levels int   // of a tree
	Keys   int64 // a key counts once however many duplicates it has
	Data   int64 // data items

	Internal, Leaf Usage // of trees, duplicate trees included in Internal; of a heap regions and pages with records; of a queue Leaf alone
	Duplicate      Usage // leaves of duplicates; of a hash all pages of duplicates
	Overflow       Usage
	Bucket         Usage // hash: first pages of buckets
	BucketOverflow Usage // hash: further pages of buckets

	Empty    int64 // leaves without items
	FreeList int64 // pages
	Faults   int64 // faults met on the way: with any, the figures are incomplete
}

// Stat counts the pages, keys and data items of the database name, nil for the
// file's own, by walking over its structure as Verify does. Errors are those of
// NewReader and Open.
func Stat(ctx context.Context, r io.ReaderAt, size int64, name *string) (Stats, error) {
	rd, err := NewReader(r, size, Options{})
	if err != nil {
		return Stats{}, err
	}
	free := rd
	if name != nil {
		if rd, err = rd.Open(*name); err != nil {
			return Stats{}, err
		}
	}
	st := &Stats{Meta: rd.meta}
	v := newVerifier(ctx.Err, rd, VerifyOptions{NoOrder: true})
	v.stats = st
	if rd.meta.Type == Hash && !rd.meta.Legacy185 {
		st.Bucket.Pages = int64(rd.meta.MaxBucket) + 1
	}
	if err := v.database(); err != nil {
		return *st, err
	}
	v.rd, v.lay = free, &free.lay
	if err := v.freeList(); err != nil {
		return *st, err
	}
	st.Faults = v.report.Faults
	if t := rd.meta.Type; t == Heap || t == Queue {
		st.Keys, st.Data = v.report.Records, v.report.Records
	}
	if rd.meta.SubDBs || rd.meta.PageNo != 0 {
		st.Faults = 0 // the free list may lead to pages of other databases
	}
	return *st, nil
}

// freeSpace is the room between the slots and the items of a page.
func (l *layout) freeSpace(nd *node) int {
	low := nd.low
	if low == 0 {
		low = l.ps // 64 KiB pages
	}
	return max(low-l.hdr-2*nd.n, 0)
}

// page takes a page of a tree into the figures.
func (st *Stats) page(l *layout, nd *node, kind treeKind) {
	if st == nil {
		return
	}
	free := l.freeSpace(nd)
	if st.Meta.Type == Hash { // a tree of duplicates
		st.Duplicate.add(free)
		return
	}
	switch {
	case nd.typ == pageIBtree || nd.typ == pageIRecno:
		st.Internal.add(free)
		return
	case kind == dupTree:
		st.Duplicate.add(free)
	default:
		st.Leaf.add(free)
	}
	if nd.n == 0 {
		st.Empty++
	}
}

// heapPage takes a page of a heap into the figures.
func (st *Stats) heapPage(p *heapPage, region bool) {
	switch {
	case st == nil:
	case region:
		st.Internal.add(0)
	default:
		st.Leaf.add(p.space())
	}
}

// queuePages takes the pages of a queue from its first record to its next into
// the figures: free is what the places of records take that are not there.
func (st *Stats) queuePages(m *Meta, l *layout, records int64) {
	if st == nil {
		return
	}
	from, _ := l.queuePage(m, m.FirstRec)
	to, _ := l.queuePage(m, m.NextRec)
	if m.FirstRec > m.NextRec { // numbers have begun again
		from, to = 1, l.pages
	}
	st.Leaf.Pages = max(min(to, l.pages-1)-from+1, 0)
	st.Leaf.Free = max(st.Leaf.Pages*int64(m.RecPage)-records, 0) * int64(m.RecLen)
}

// pair takes the pair at slot i of a leaf into the figures. Members of off-page
// sets are counted on their own pages; a key counts with its last duplicate.
func (st *Stats) pair(l *layout, nd *node, i int, records int64) {
	off := l.u16(nd.buf[l.hdr+2*(i+1):])
	if off+3 > l.ps || nd.buf[off+2]&flagDeleted != 0 {
		return
	}
	if i+3 >= nd.n || l.u16(nd.buf[l.hdr+2*i:]) != l.u16(nd.buf[l.hdr+2*(i+2):]) {
		st.Keys++
	}
	if nd.buf[off+2] != kindDup {
		st.Data += records
	}
}

// overflow takes an overflow page into the figures.
func (st *Stats) overflow(l *layout, nd *node) {
	if st != nil {
		st.Overflow.add(l.ps - l.hdr - nd.low)
	}
}

// bucket takes a page of a bucket into the figures.
func (st *Stats) bucket(l *layout, nd *node, first bool) {
	if st == nil {
		return
	}
	free := l.freeSpace(nd)
	if first {
		st.Bucket.Free += int64(free)
	} else {
		st.BucketOverflow.add(free)
	}
	st.Keys += int64(nd.n / 2)
}

// unused takes n buckets without a page into the figures.
func (st *Stats) unused(l *layout, n int64) {
	if st != nil {
		st.Bucket.Free += n * int64(l.ps-l.hdr)
	}
}

// buckets185 counts the pages of a 1.85 hash from its header.
func (st *Stats) buckets185(m *Meta) {
	st.Bucket.Pages = int64(m.MaxBucket) + 1
	st.BucketOverflow.Pages = int64(m.Spares[min(m.OvflPoint, 31)])
}

// OverflowSize is the longest item in bytes that a library keeps on a page of a
// btree from 2.0 on.
func (m *Meta) OverflowSize() int {
	hdr := headerSize
	if m.Checksum {
		hdr = checksumHeader
	}
	return (m.PageSize-hdr)/(2*int(max(m.MinKey, 1))) - 10
}
