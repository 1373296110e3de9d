package bdb

import (
	"io"
	"math/bits"
)

// Marks in the second half of a slot pair of a 1.85 hash page; from 4 on it is
// an offset.
const (
	mark185Link     = 0 // the first half is the address of the next page
	mark185PartKey  = 1 // big pair: part of its key
	mark185FullKey  = 2 // big pair: its key ends here
	mark185FullData = 3 // big pair: key and data, or the data, end here
	mark185Real     = 4
)

// A hash185 goes through the buckets of a 1.85 hash.
type hash185 struct {
	in     *input
	bucket uint64
	buf    []byte
	no     int64
	on     bool
	i      int // index of the next pair on the page: 1, 3, ...
	floor  int // lowest offset of the pairs passed
	big    []byte
	pairs  int64 // returned so far
	placed bool  // keys are held against the bucket that they are in
	strays int64 // page that was told of for a key in the wrong bucket
	ended  bool
}

func newHash185(in *input) *hash185 {
	return &hash185{in: in, placed: in.meta.HashFunc != HashUnknown}
}

// u is number i of 16 bits of the page at hand: a count, that many slots, then
// the free space and its offset.
func (h *hash185) u(i int) int { return h.in.lay.u16(h.buf[2*i:]) }

func (h *hash185) next() (key, value []byte, err error) {
	for {
		if !h.on || h.i+1 > h.u(0) {
			if err := h.nextBucket(); err != nil {
				return nil, nil, err
			}
			continue
		}
		i := h.i
		h.i += 2
		switch mark := h.u(i + 1); {
		case mark == mark185Link:
			err = h.follow(h.u(i))
		case mark < mark185Real:
			var ok bool
			if key, value, ok, err = h.bigPair(i); ok {
				h.pairs++
				return key, value, h.place(key)
			}
		default:
			var ok bool
			if key, value, ok = h.pair(i); ok {
				h.pairs++
				return key, value, h.place(key)
			}
			err = h.in.problem(h.in.damage(h.no, i-1, "item does not fit the page"))
		}
		if err != nil {
			return nil, nil, err
		}
	}
}

// place compares the bucket of a key with the one that its hash gives. Pages of
// 1.85 do not know their number: a page that lies in the place of another shows
// by this alone.
func (h *hash185) place(key []byte) error {
	if !h.placed || h.strays == h.no {
		return nil
	}
	b := h.in.meta.bucketOf(h.in.meta.HashFunc.Sum(key))
	if uint64(b) == h.bucket-1 {
		return nil
	}
	h.strays = h.no
	return h.in.problem(h.in.damage(h.no, NoItem, "a key of bucket %d on a page of bucket %d, whose own records are missing", b, h.bucket-1))
}

// pair returns the small pair at slots i and i+1.
func (h *hash185) pair(i int) (key, value []byte, ok bool) {
	end := h.in.lay.ps
	if i > 1 {
		end = h.u(i - 1)
	}
	k, d := h.u(i), h.u(i+1)
	first := h.floor
	h.floor = min(first, k, d)
	if end > first || k > end || d > k || d < 2*(h.u(0)+1) {
		return nil, nil, false
	}
	return h.buf[k:end:end], h.buf[d:k:k], true
}

// follow goes to the overflow page at addr.
func (h *hash185) follow(addr int) error {
	h.on = false
	from := h.no
	no, ok := h.in.meta.overflowPage185(addr)
	if !ok || no >= uint64(h.in.lay.pages) {
		return h.in.problem(h.in.damage(from, NoItem, "leads to overflow address %#x, which the file does not have", addr))
	}
	if h.in.seen.add(int64(no)) {
		return h.in.problem(h.in.damage(from, NoItem, "leads to page %d, which was reached before", no))
	}
	return h.load(no)
}

// overflowPage185 is the page of an overflow address: split point and number.
func (m *Meta) overflowPage185(addr int) (uint64, bool) {
	point, n := addr>>11, addr&0x7ff
	if n == 0 || point > 31 {
		return 0, false
	}
	return m.bucketPage(1<<point-1) + uint64(n), true
}

// load reads page no; h.on tells whether it is usable.
func (h *hash185) load(no uint64) error {
	b, err := h.in.pager.page(int64(no))
	if err != nil {
		return err
	}
	h.buf = append(h.buf[:0], b...)
	h.no, h.i, h.on, h.floor = int64(no), 1, true, h.in.lay.ps
	if n := h.u(0); n%2 != 0 || 2*(n+3) > h.in.lay.ps {
		h.on = false
		return h.in.problem(h.in.damage(h.no, NoItem, "%d slots on the page", n))
	}
	return nil
}

func (h *hash185) nextBucket() error {
	h.on = false
	m := &h.in.meta
	for {
		if h.bucket > uint64(m.MaxBucket) {
			return h.atEnd()
		}
		b := h.bucket
		h.bucket++
		no := m.bucketPage(b)
		if no >= uint64(h.in.lay.pages) { // made when first used
			h.bucket = min(uint64(1)<<bits.Len64(b)-1, uint64(m.MaxBucket)) + 1
			continue
		}
		if h.in.seen.add(int64(no)) || no == 0 {
			return h.in.problem(h.in.damage(0, NoItem, "bucket %d lies on page %d, which was reached before", b, no))
		}
		return h.load(no)
	}
}

// atEnd compares the number of pairs with the header, which 1.85 keeps exactly.
func (h *hash185) atEnd() error {
	want := int64(h.in.meta.NumElem)
	if h.ended || h.pairs == want {
		return io.EOF
	}
	h.ended = true
	if err := h.in.problem(h.in.damage(0, NoItem, "header counts %d keys, %d were found", want, h.pairs)); err != nil {
		return err
	}
	return io.EOF
}

// bigPair collects a pair too big for a page: key bytes from the offsets of
// pages marked PARTIAL_KEY to one marked FULL_KEY or FULL_KEY_DATA, then the
// data. ok is false when it was skipped; the cursor then stands behind it.
func (h *hash185) bigPair(i int) (key, value []byte, ok bool, err error) {
	from := place{h.no, i - 1}
	if i != 1 {
		h.on = false
		return nil, nil, false, h.in.problem(h.in.damage(from.page, from.item, "big pair does not begin its page"))
	}
	h.big = h.big[:0]
	for {
		if ok, err := h.collect(h.u(1), h.in.lay.ps, from); !ok || err != nil {
			return nil, nil, false, err
		}
		if h.u(2) != mark185PartKey {
			break
		}
		if ok, err := h.more(from); !ok || err != nil {
			return nil, nil, false, err
		}
	}
	split := len(h.big)
	if ok, err := h.bigData(from); !ok || err != nil {
		return nil, nil, false, err
	}
	h.i = 3 // what follows on the last page is its link
	return h.big[:split:split], h.big[split:], true, nil
}

// bigData collects the data of a big pair whose key ended on the current page.
func (h *hash185) bigData(from place) (bool, error) {
	switch h.u(2) {
	case mark185FullKey:
		if ok, err := h.more(from); !ok || err != nil {
			return false, err
		}
	case mark185FullData:
		n := h.u(0)
		if n < 4 {
			h.on = false
			return false, h.in.problem(h.in.damage(h.no, NoItem, "big pair without data"))
		}
		if ok, err := h.collect(h.u(n), h.u(1), from); !ok || err != nil {
			return false, err
		}
		free := h.u(n + 1)
		if free != 0 { // the data is complete
			return true, h.afterKeyPage()
		}
		if ok, err := h.more(from); !ok || err != nil {
			return false, err
		}
	}
	for {
		if ok, err := h.collect(h.u(1), h.in.lay.ps, from); !ok || err != nil {
			return false, err
		}
		if h.u(2) == mark185FullData {
			return true, nil
		}
		if ok, err := h.more(from); !ok || err != nil {
			return false, err
		}
	}
}

// afterKeyPage moves behind a pair whose data ended on the page of its key: the
// slot of the link was reused for the offset of the data.
func (h *hash185) afterKeyPage() error {
	return h.follow(h.u(h.u(0) - 1))
}

// more goes to the next page of a big pair.
func (h *hash185) more(from place) (bool, error) {
	n := h.u(0)
	if n < 2 {
		h.on = false
		return false, h.in.problem(h.in.damage(from.page, from.item, "big pair ends early, on page %d", h.no))
	}
	if err := h.follow(h.u(n - 1)); err != nil || !h.on {
		return false, err
	}
	if h.u(0) < 2 || h.u(2) >= mark185Real || h.u(2) == mark185Link {
		h.on = false
		return false, h.in.problem(h.in.damage(from.page, from.item, "big pair ends early, on page %d", h.no))
	}
	return true, nil
}

// collect appends the bytes from off to end of the current page to the pair.
func (h *hash185) collect(off, end int, from place) (bool, error) {
	if off < 6 || off > end || end > h.in.lay.ps {
		h.on = false
		return false, h.in.problem(h.in.damage(h.no, NoItem, "big pair lies outside the page"))
	}
	if int64(len(h.big)+end-off) > h.in.opts.MaxItem {
		h.on = false
		e := h.in.damage(from.page, from.item, "key and value of more than %d bytes", h.in.opts.MaxItem)
		e.Err = ErrTooBig
		return false, h.in.problem(e)
	}
	h.big = append(h.big, h.buf[off:end]...)
	return true, nil
}
