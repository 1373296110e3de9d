package bdb

import (
	"encoding/binary"
	"errors"
	"io"
	"math/bits"
)

// checkHeader185 checks the header of a 1.85 hash, which is big-endian.
func (v *verifier) checkHeader185(raw []byte) {
	m := &v.rd.meta
	u := func(at int) uint32 { return binary.BigEndian.Uint32(raw[at:]) }
	bshift, dsize, ssize, sshift := u(16), u(20), u(24), u(28)
	if bshift > 31 || 1<<bshift != m.PageSize {
		v.odd(0, NoItem, "page size %d and shift %d do not agree", m.PageSize, bshift)
	}
	if sshift > 31 || 1<<sshift != ssize {
		v.odd(0, NoItem, "segment size %d and shift %d do not agree", ssize, sshift)
	}
	if dsize == 0 || dsize&(dsize-1) != 0 {
		v.odd(0, NoItem, "directory size %d is no power of two", dsize)
	}
	if m.HeaderPages != 1+uint32((header185-1)/m.PageSize) {
		v.odd(0, NoItem, "%d header pages", m.HeaderPages)
	}
	if int(m.OvflPoint) != bits.Len32(m.MaxBucket) || m.OvflPoint > 31 {
		v.odd(0, NoItem, "split point is %d with %d buckets", m.OvflPoint, uint64(m.MaxBucket)+1)
	}
	if m.HighMask&(m.HighMask+1) != 0 || m.LowMask != m.HighMask>>1 || m.MaxBucket < m.LowMask || m.MaxBucket > m.HighMask {
		v.odd(0, NoItem, "masks %#x and %#x do not go with %d buckets", m.HighMask, m.LowMask, uint64(m.MaxBucket)+1)
	}
	if m.HashFunc == HashUnknown && !v.opts.NoOrder {
		v.odd(0, NoItem, "unknown hash function (%#x)", m.CharKey)
	}
	for i := 1; i < len(m.Spares); i++ {
		if i > int(m.OvflPoint)+1 && m.Spares[i] != 0 {
			v.odd(0, NoItem, "spare %d is %d, only %d are in use", i, m.Spares[i], m.OvflPoint+1)
		}
		if i <= int(m.OvflPoint) && m.Spares[i] < m.Spares[i-1] {
			v.odd(0, NoItem, "spare %d is %d, less than the one before", i, m.Spares[i])
		}
	}
}

// hash185 reads the whole 1.85 hash by its cursor, which tells of broken
// chains, and then checks every page and the bitmaps of the overflow pages.
func (v *verifier) hash185() error {
	m := &v.rd.meta
	rd := *v.rd
	rd.opts.Problem = func(err error) {
		var e *Error
		if errors.As(err, &e) {
			v.tell(e)
		}
	}
	h := newHash185(newInput(&rd))
	h.placed = h.placed && !v.opts.NoOrder
	var records int64
	for ; ; records++ {
		if err := v.stop(); err != nil {
			return err
		}
		_, _, err := h.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
	}
	v.records(records)
	if v.stats != nil {
		v.stats.Keys = records
		v.stats.buckets185(m)
	}
	return v.pages185(h.in.seen)
}

// pages185 checks every page of a 1.85 hash: those in seen are in use by a
// bucket.
func (v *verifier) pages185(seen *pageSet) error {
	m := &v.rd.meta
	maps, err := v.bitmaps185(seen)
	if err != nil {
		return err
	}
	v.progress(m.Pages)
	for no := int64(m.HeaderPages); no < m.Pages; no++ {
		if maps.has(no) {
			continue
		}
		b, err := v.pager.page(no)
		if err != nil {
			return err
		}
		zero := allZero(b)
		switch {
		case seen.has(no) && !zero:
			v.page185(b, no)
		case !seen.has(no) && !zero && !v.reached.has(no):
			v.left185(b, no, "nothing leads to this page")
		}
	}
	return nil
}

// page185 checks the slots of a page in use.
func (v *verifier) page185(b []byte, no int64) {
	u := func(i int) int { return v.lay.u16(b[2*i:]) }
	n := u(0)
	if n%2 != 0 || 2*(n+3) > len(b) {
		return // told by the cursor
	}
	free, offset := u(n+1), u(n+2)
	// Deleting a big pair leaves the offset one short of the page size.
	if offset > len(b) || free != offset-2*(n+3) && free != offset+1-2*(n+3) {
		v.odd(no, NoItem, "free space of %d bytes below offset %d with %d slots", free, offset, n)
	}
	low := len(b)
	for i := 1; i < n; i += 2 {
		switch {
		case u(i+1) == mark185Link: // a link has no bytes
		case u(i+1) < mark185Real:
			low = u(i)
		default:
			low = u(i + 1)
		}
	}
	if n >= 4 && u(2) == mark185FullData && u(n) != mark185Link {
		low = u(n) // the data of a big pair that ends on the page of its key
	}
	if low != offset && (low != len(b) || offset != low-1) {
		v.lost(no, NoItem, "items begin at offset %d, the page says %d", low, offset)
	}
}

// bitmaps185 compares the bitmaps with the overflow pages in use. It returns
// the pages of the bitmaps themselves; free pages are marked as reached.
func (v *verifier) bitmaps185(seen *pageSet) (*pageSet, error) {
	m := &v.rd.meta
	maps := newPageSet()
	for i, addr := range m.Bitmaps {
		if addr == 0 {
			continue
		}
		no, ok := m.overflowPage185(int(addr))
		if !ok || no >= uint64(m.Pages) || seen.has(int64(no)) || maps.add(int64(no)) {
			v.odd(0, NoItem, "bitmap %d at overflow address %#x is not a page of its own", i, addr)
		}
	}
	per := uint64(m.PageSize) * 8
	bit := uint64(0)
	for s := range min(int(m.OvflPoint)+1, 32) {
		count := uint64(m.Spares[s])
		if s > 0 {
			count -= min(count, uint64(m.Spares[s-1]))
		}
		for n := uint64(1); n <= min(count, uint64(m.Pages)); n++ {
			no := m.bucketPage(1<<s-1) + n
			if no >= uint64(m.Pages) || bit/per >= 32 {
				break
			}
			used, err := v.bit185(m.Bitmaps[bit/per], bit%per)
			if err != nil {
				return nil, err
			}
			bit++
			if !used && v.free != nil {
				v.free.add(int64(no))
			}
			inUse := seen.has(int64(no)) || maps.has(int64(no))
			if used && !inUse {
				b, err := v.pager.page(int64(no))
				if err != nil {
					return nil, err
				}
				v.left185(b, int64(no), "the bitmap says that this page is in use, nothing leads to it")
			} else if !used && inUse {
				v.odd(int64(no), NoItem, "page is in use, the bitmap says that it is free")
			}
			v.reached.add(int64(no))
		}
	}
	return maps, nil
}

// left185 tells of a page that no bucket led to.
func (v *verifier) left185(b []byte, no int64, text string) {
	if !v.lay.holdsRecords185(b) {
		v.odd(no, NoItem, "%s", text)
		return
	}
	e := v.damage(no, NoItem, "%s", text)
	e.Err, e.unled = errUnledPage, true
	v.tell(e)
}

// holdsRecords185 tells whether a page of a 1.85 file holds items or parts of
// long ones.
func (l *layout) holdsRecords185(b []byte) bool {
	if l.typ == Hash {
		return l.u16(b) != 0
	}
	nd := node185{buf: b}
	l.decode185(&nd)
	switch nd.flags & p185TypeMask {
	case p185Internal, p185RInternal:
		return false
	case p185Overflow:
		return true
	}
	return nd.n != 0
}

// bit185 is bit n of the bitmap at an overflow address.
func (v *verifier) bit185(addr uint16, n uint64) (bool, error) {
	no, ok := v.rd.meta.overflowPage185(int(addr))
	if !ok || no >= uint64(v.rd.meta.Pages) {
		return true, nil
	}
	b, err := v.pager.page(int64(no))
	if err != nil {
		return false, err
	}
	return v.lay.u32(b[n/32*4:])&(1<<(n%32)) != 0, nil
}
