package bdb

import (
	"fmt"
)

// An input is what one walk through a database carries along: its pager, the
// pages it has been to, the work it may still do, and buffers.
type input struct {
	*Reader
	pager    *pager
	seen     *pageSet
	overflow *int64 // overflow pages that may still be read
	budget   int64  // what overflow points to, of a walk that shares it with none
	spent    bool   // overflow is used up, and that was said
	repeats  int64  // bytes of keys that may still be given again with duplicates
	cut      bool   // repeats is used up, and that was said
	deleted  int64
	key, val []byte
	packing  packing // of a leaf whose items are not in the order of their slots
	rescue   bool    // deleted records are taken too
	tooBig   bool    // the item that chain was asked for last is above the limit
	marks    bool    // chains of deleted records are marked as seen
	other    bool    // a checksum in the other byte order was told of
}

func newInput(r *Reader) *input {
	in := &input{
		Reader: r,
		pager:  newPager(r.r, max(r.meta.PageSize, 64), r.meta.Pages),
		seen:   newPageSet(),
		budget: r.overflowBudget(),
	}
	in.overflow = &in.budget
	if all := r.listed(); all != nil {
		in.overflow = &all.overflow
	}
	return in
}

// overflowBudget is how many overflow pages a walk through the file may read. A
// page belongs to one item, or to a key and its copies on the pages above; four
// reads a page leave room for both.
func (r *Reader) overflowBudget() int64 { return 4*r.meta.Pages + 16 }

// listed is what the sub-databases of the file share while they are read in
// turn; nil for any other database.
func (r *Reader) listed() *reach {
	if r.master == nil || r.master.reach == nil || !r.master.reach.left[r.name] {
		return nil
	}
	return r.master.reach
}

// repeatFactor bounds the keys that are given once more with each duplicate: so
// many times the bytes that were read. A key of 1,500 bytes may have as many of
// the smallest duplicates as there is room for.
const repeatFactor = 256

// again tells whether a key may be given once more.
func (in *input) again(key []byte, at place) (bool, error) {
	if in.repeats -= int64(len(key)); in.repeats >= 0 || in.cut {
		return !in.cut, nil
	}
	in.cut = true
	e := in.damage(at.page, at.item, "the duplicates of long keys would take more than %d times the bytes of the file: the rest of them is left out", repeatFactor)
	e.Err = ErrTooBig
	return false, in.problem(e)
}

// problem hands e to the caller of the package; with Options.Strict damage
// comes back as the error to stop with.
func (in *input) problem(e *Error) error {
	in.root().file.note(e)
	if in.opts.Problem != nil {
		in.opts.Problem(e)
	}
	if in.opts.Strict && !e.Tolerated {
		return e
	}
	return nil
}

// damage makes the Error of a damaged page or item.
func (in *input) damage(no int64, item int, format string, args ...any) *Error {
	return &Error{Page: no, Offset: in.lay.offset(no), Item: item, Text: fmt.Sprintf(format, args...), Err: ErrCorrupt}
}

// offset is where page no begins in the file.
func (l *layout) offset(no int64) int64 { return no * int64(l.ps) }

// tolerate tells of something odd by which nothing is lost.
func (in *input) tolerate(no int64, item int, format string, args ...any) {
	e := in.damage(no, item, format, args...)
	e.Tolerated = true
	_ = in.problem(e) // a tolerated Error never stops
}

// A place is an item of a page, for messages.
type place struct {
	page int64
	item int
}

// fetch reads page no, to which from refers, into nd. ok is false when it was
// told as a problem.
func (in *input) fetch(nd *node, no uint32, from place) (ok bool, err error) {
	if int64(no) >= in.lay.pages {
		return false, in.problem(in.damage(from.page, from.item, "leads to page %d, the file has %d pages", no, in.lay.pages))
	}
	b, err := in.pager.page(int64(no))
	if err != nil {
		return false, err
	}
	if nd.buf == nil {
		nd.buf = make([]byte, in.lay.ps)
	}
	copy(nd.buf, b)
	nd.no = int64(no)
	in.lay.decode(nd)
	if in.lay.sum {
		return in.summed(nd)
	}
	return true, nil
}

// summed checks the checksum of a page.
func (in *input) summed(nd *node) (bool, error) {
	ok, swapped := in.lay.checkSum(nd.buf, checksumAt)
	switch {
	case !ok && nd.zero():
	case !ok:
		return false, in.problem(in.damage(nd.no, NoItem, "checksum does not match, page skipped"))
	case swapped && !in.other:
		in.other = true
		in.tolerate(nd.no, NoItem, "checksums are stored in the other byte order, as release 4.1 did")
	}
	return true, nil
}

// reached remembers page no and tells whether it was reached before, in a file
// with sub-databases by any of them: a page belongs to one.
func (in *input) reached(no int64) bool {
	if all := in.listed(); all != nil && all.seen.has(no) {
		return true
	}
	return in.seen.add(no)
}

// own is fetch for pages that must know their own number and be visited once.
func (in *input) own(nd *node, no uint32, from place) (ok bool, err error) {
	if no == 0 {
		return false, in.problem(in.damage(from.page, from.item, "leads to page 0"))
	}
	if int64(no) < in.lay.pages && in.reached(int64(no)) {
		return false, in.problem(in.damage(from.page, from.item, "leads to page %d, which was reached before", no))
	}
	if ok, err = in.fetch(nd, no, from); !ok || err != nil {
		return false, err
	}
	switch {
	case nd.pgno == no:
	case nd.zero():
		return false, in.problem(in.damage(nd.no, NoItem, "page is all zeros, it was never written"))
	default:
		return false, in.problem(in.damage(nd.no, NoItem, "page says it is page %d", nd.pgno))
	}
	if nd.typ != pageOverflow && !in.lay.slots(nd) {
		return false, in.problem(in.damage(nd.no, NoItem, "%d items do not fit the page", nd.n))
	}
	return true, nil
}

// chain reads an item of size bytes from the overflow pages that start at head
// into dst, growing it only as far as the limit allows.
func (in *input) chain(dst []byte, head, size uint32, from place) (data []byte, ok bool, err error) {
	in.tooBig = false
	room := int64(in.lay.ps - in.lay.hdr)
	if int64(size) > in.lay.pages*room {
		return dst, false, in.problem(in.damage(from.page, from.item, "item of %d bytes is longer than the file", size))
	}
	if int64(size) > in.opts.MaxItem {
		e := in.damage(from.page, from.item, "%d bytes, at most %d are read", size, in.opts.MaxItem)
		e.Err = ErrTooBig
		if err := in.problem(e); err != nil {
			return dst, false, err
		}
		in.tooBig = true
		return dst, false, in.markChain(head) // told: nobody shall miss it again
	}
	if cap(dst) < int(size) {
		dst = make([]byte, 0, max(int(size), 4096))
	}
	dst = dst[:0]
	last := int64(from.page)
	no := head
	for steps := int64(0); len(dst) < int(size); steps++ {
		piece, next, ok, err := in.overflowPage(no, place{last, NoItem}, from, steps)
		if !ok || err != nil {
			return dst, false, err
		}
		if len(piece) > int(size)-len(dst) {
			return dst, false, in.problem(in.damage(int64(no), NoItem, "overflow chain holds more than the %d bytes of its item", size))
		}
		dst = append(dst, piece...)
		last, no = int64(no), next
	}
	if no != 0 && size > 0 {
		return dst, true, in.problem(in.damage(last, NoItem, "overflow chain goes on behind the end of its item, which may be cut short"))
	}
	return dst, true, nil
}

// overflowPage returns the data of one overflow page and the page that follows.
func (in *input) overflowPage(no uint32, last, from place, steps int64) (data []byte, next uint32, ok bool, err error) {
	if *in.overflow <= 0 || steps > in.lay.pages {
		if in.spent {
			return nil, 0, false, nil
		}
		in.spent = true
		return nil, 0, false, in.problem(in.damage(from.page, from.item, "overflow pages are shared by more items than can be: no more are read"))
	}
	*in.overflow--
	in.repeats += int64(in.lay.ps) * repeatFactor
	if steps == 0 {
		last = from
	}
	if no == 0 {
		return nil, 0, false, in.problem(in.damage(last.page, last.item, "overflow chain ends early"))
	}
	if int64(no) >= in.lay.pages {
		return nil, 0, false, in.problem(in.damage(last.page, last.item, "leads to overflow page %d, the file has %d pages", no, in.lay.pages))
	}
	b, err := in.pager.page(int64(no))
	if err != nil {
		return nil, 0, false, err
	}
	in.seen.add(int64(no))
	n := in.lay.u16(b[22:])
	fault := ""
	switch own := in.lay.u32(b[8:]); {
	case own != no:
		fault = fmt.Sprintf("overflow page says it is page %d", own)
	case b[25] != pageOverflow:
		fault = fmt.Sprintf("page of type %d in an overflow chain", b[25])
	case n == 0 || in.lay.hdr+n > in.lay.ps:
		fault = fmt.Sprintf("overflow page says it holds %d bytes", n)
	case in.lay.sum:
		if ok, _ := in.lay.checkSum(b, checksumAt); !ok {
			fault = "checksum of overflow page does not match"
		}
	}
	if fault != "" {
		return nil, 0, false, in.problem(in.damage(int64(no), NoItem, "%s", fault))
	}
	return b[in.lay.hdr : in.lay.hdr+n], in.lay.u32(b[16:]), true, nil
}

// value returns the bytes of a data item, from its page or from overflow pages.
func (in *input) value(it item, from place) (v []byte, ok bool, err error) {
	if it.kind == kindData {
		return it.data, true, nil
	}
	in.val, ok, err = in.chain(in.val, it.pgno, it.size, from)
	return in.val, ok, err
}

// finish runs after the last record: it tells what was skipped on purpose and
// holds the file against its structure.
func (in *input) finish() error {
	if in.deleted > 0 {
		e := fileError(ErrDeleted, "%d", in.deleted)
		e.Tolerated = true
		if err := in.problem(e); err != nil {
			return err
		}
	}
	return in.structure()
}
