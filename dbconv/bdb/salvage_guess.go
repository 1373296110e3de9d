package bdb

import (
	"context"
	"encoding/binary"
	"io"
)

// A guess is what the pages of a file tell when its metadata is lost.
type guess struct {
	big    bool
	ps     int
	legacy bool  // 1.85 btree
	score  int   // pages that know their own number
	tree   int   // btree pages
	hash   int   // hash pages
	recno  int   // recno leaves
	sorted int   // pages of sorted duplicates
	newer  int   // hash pages of version 9
	heap   int   // pages of a heap
	queue  int   // pages of a queue
	region int64 // the first page of the second region of a heap; 0: not met
	dups   int   // signs of duplicates
	sums   int   // leaves laid out with room for a checksum
	plain  int   // and without
	odd    int   // neither: damaged, or encrypted

	version uint32 // btree version by the metadata of sub-databases; 0: there are none
}

// guessMeta finds page size, byte order and kind of a file from its pages. ok
// is false when no combination has two pages, or half of the pages, that know
// their number.
func guessMeta(ctx context.Context, r io.ReaderAt, size int64) (m Meta, ok bool, err error) {
	best, err := guessLayout(ctx, r, size, 64)
	if err == nil && best.score < 2 { // sparse: few pages were ever written
		best, err = guessLayout(ctx, r, size, 1<<16)
	}
	if err != nil {
		return m, false, err
	}
	pages := size / int64(max(best.ps, 1))
	if best.score == 0 || best.score < 2 && pages > 2 {
		return m, false, nil
	}
	full := guess{big: best.big, ps: best.ps, legacy: best.legacy}
	if err := full.look(ctx, r, size, pages); err != nil {
		return m, false, err
	}
	if full.odd > full.plain+full.sums {
		return m, false, nil // encrypted: headers can be read, items cannot
	}
	return full.meta(size), true, nil
}

// guessLayout tries all page sizes and byte orders on the first limit pages.
func guessLayout(ctx context.Context, r io.ReaderAt, size, limit int64) (best guess, err error) {
	for _, legacy := range []bool{false, true} {
		for ps := 512; ps <= 65536; ps *= 2 {
			for _, big := range []bool{false, true} {
				g := guess{big: big, ps: ps, legacy: legacy}
				if err := g.look(ctx, r, size, limit); err != nil {
					return best, err
				}
				if g.score > best.score {
					best = g
				}
			}
		}
	}
	return best, nil
}

// look scores up to limit pages of the file.
func (g *guess) look(ctx context.Context, r io.ReaderAt, size, limit int64) error {
	pages := size / int64(g.ps)
	p := newPager(r, g.ps, pages)
	l := layout{big: g.big, ps: g.ps, hdr: headerSize, pages: pages, legacy: g.legacy}
	for no := int64(1); no < pages && no <= limit; no++ {
		if no%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		b, err := p.page(no)
		if err != nil {
			return err
		}
		if g.legacy {
			g.page185(&l, b, no)
		} else {
			g.page(&l, b, no)
		}
	}
	return nil
}

// subMeta takes the metadata page of a sub-database: the file's own was of the
// same release.
func (g *guess) subMeta(l *layout, b []byte) {
	version := l.u32(b[16:])
	switch l.u32(b[12:]) {
	case magicHash: // one less than the btree version, until 4.6 counted the hash up alone
		if version < 9 {
			version++
		}
	case magicBtree:
	default:
		return
	}
	if version >= 7 && version <= 10 {
		g.version = max(g.version, version)
	}
}

func (g *guess) page185(l *layout, b []byte, no int64) {
	flags := l.u32(b[12:])
	lower := l.u16(b[16:])
	if int64(l.u32(b)) != no || flags&^(p185TypeMask|p185Preserve) != 0 || flags == 0 || lower > l.ps {
		return
	}
	g.score++
	if flags&(p185RLeaf|p185RInternal) != 0 {
		g.recno++
	}
}

func (g *guess) page(l *layout, b []byte, no int64) {
	nd := node{buf: b, no: no}
	l.decode(&nd)
	if int64(nd.pgno) != no || nd.typ > pageHash && nd.typ != pageHeap && nd.typ != pageHeapRegion {
		return
	}
	g.score++
	if nd.typ == pageHeap || nd.typ == pageHeapRegion {
		g.heapPage(l, b, &nd)
		return
	}
	switch nd.typ {
	case pageQueue:
		g.queue++
		return
	case pageLBtree, pageIBtree:
		g.tree++
	case pageHashOld:
		g.hash++
	case pageHash:
		g.hash++
		g.newer++
	case pageLRecno:
		g.recno++
	case pageDup:
		g.dups++
	case pageLDup:
		g.dups++
		g.sorted++
	case pageHashMeta, pageBtreeMeta:
		g.subMeta(l, b)
		return
	}
	if nd.n == 0 || nd.typ == pageOverflow || nd.typ == pageInvalid {
		return
	}
	summed := &layout{big: l.big, ps: l.ps, hdr: checksumHeader, pages: l.pages}
	switch {
	case slotsFit(l, &nd):
		g.plain++
	case slotsFit(summed, &nd):
		g.sums++
		l = summed
	default:
		g.odd++
		return
	}
	g.lookForDups(l, &nd)
}

// heapPage takes a page of a heap.
func (g *guess) heapPage(l *layout, b []byte, nd *node) {
	g.heap++
	if nd.typ == pageHeapRegion {
		if nd.no > 1 && g.region == 0 {
			g.region = nd.no
		}
		return
	}
	if nd.n == 0 {
		return
	}
	for _, hdr := range []int{headerSize, checksumHeader} {
		form := layout{big: l.big, ps: l.ps, hdr: hdr, pages: l.pages}
		p := heapPage{node: node{buf: b, no: nd.no}}
		form.decodeHeap(&p, form.heapOrders())
		switch {
		case p.fault != "":
		case hdr == headerSize:
			g.plain++
			return
		default:
			g.sums++
			return
		}
	}
	g.odd++
}

// slotsFit tells whether all slots of a page lie where the header says its
// items are.
func slotsFit(l *layout, nd *node) bool {
	if !l.slots(nd) {
		return false
	}
	for i := range nd.n {
		if off := l.slot(nd, i, 1); off < 0 || off < nd.low {
			return false
		}
	}
	return true
}

// lookForDups looks for repeated keys and duplicate sets on a leaf.
func (g *guess) lookForDups(l *layout, nd *node) {
	if !l.slots(nd) {
		return
	}
	for i := 0; i+1 < nd.n; i += 2 {
		switch nd.typ {
		case pageLBtree:
			if i > 0 && l.slot(nd, i, 3) > 0 && l.slot(nd, i, 3) == l.slot(nd, i-2, 3) {
				g.dups++
			}
			if off := l.slot(nd, i+1, 12); off > 0 && nd.buf[off+2]&^flagDeleted == kindDup {
				g.dups++
			}
		case pageHash, pageHashOld:
			if d, ok := l.hashItem(nd, i+1); ok && (d[0] == hashDup || d[0] == hashOffDup && len(d) == 8) {
				g.dups++
			}
		}
	}
}

// meta is the metadata that fits the guess. Version 6 reads every btree: it is
// the one whose duplicate keys may be swapped.
func (g *guess) meta(size int64) Meta {
	m := Meta{Type: Btree, Version: 6, Legacy185: g.legacy, ByteOrder: binary.LittleEndian, PageSize: g.ps,
		Pages: size / int64(g.ps), Size: size, Root: 1, MinKey: 2, Dup: g.dups > 0}
	if g.big {
		m.ByteOrder = binary.BigEndian
	}
	switch {
	case g.legacy:
		m.Version, m.Dup = 3, true
		if g.recno > 0 {
			m.Type, m.Dup = Recno, false
		}
		return m
	case g.heap > g.tree+g.hash+g.recno:
		return g.heapMeta(m)
	case g.queue > g.tree+g.hash+g.recno:
		m.Type, m.Dup = Queue, false
		return m
	case g.hash > g.tree:
		m.Type, m.Version = Hash, 5
		if g.newer > 0 {
			m.Version = 9
		}
	case g.tree == 0 && g.recno > 0:
		m.Type = Recno
	}
	m.Checksum = g.sums > g.plain
	if g.version > 0 {
		m.SubDBs, m.Type, m.Version, m.Dup = true, Btree, g.version, false
		return m
	}
	m.DupSort = g.sorted > 0
	if m.Type == Btree && (m.Checksum || m.DupSort) {
		m.Version = 9
	}
	return m
}

// heapMeta is m as that of a heap.
func (g *guess) heapMeta(m Meta) Meta {
	m.Type, m.Version, m.Dup, m.Root, m.MinKey = Heap, 1, false, 0, 0
	m.Checksum = g.sums > g.plain
	if g.region > 0 {
		m.RegionSize = uint32(g.region - 2)
	}
	return m
}
