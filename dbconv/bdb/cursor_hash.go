package bdb

import (
	"io"
	"math/bits"
)

// Kinds of hash item.
const (
	hashData    = 1
	hashDup     = 2 // on-page duplicate set
	hashOffPage = 3 // overflow
	hashOffDup  = 4 // off-page duplicate set
)

// A hashCursor goes through the buckets of a hash database from 2.0 on.
type hashCursor struct {
	in     *input
	bucket uint64 // the next one to enter
	pairs  int64  // passed so far
	stop   uint64 // the first one not to enter
	ended  bool
	nd     node
	on     bool // nd is a page of the current bucket
	i      int
	floor  int   // lowest offset of the items passed
	zeros  int64 // buckets that may never have been used: pages of zeros
	key    []byte
	set    []byte // rest of an on-page duplicate set
	setAt  place
	dups   dupCursor
	inDups bool
}

func newHashCursor(in *input) *hashCursor {
	c := &hashCursor{in: in, stop: uint64(in.meta.MaxBucket) + 1}
	c.dups.w.in = in
	return c
}

func (c *hashCursor) next() (key, value []byte, err error) {
	for {
		if v, ok, err := c.member(); ok || err != nil {
			return c.key, v, err
		}
		if !c.on || c.i+1 >= c.nd.n {
			if err := c.nextPage(); err != nil {
				return nil, nil, err
			}
			continue
		}
		i := c.i
		c.i += 2
		v, ok, err := c.pair(i)
		if ok || err != nil {
			return c.key, v, err
		}
	}
}

// member returns the next member of the duplicate set that was started, if any.
func (c *hashCursor) member() (v []byte, ok bool, err error) {
	for c.inDups {
		if v, c.inDups, err = c.dups.next(); !c.inDups || err != nil {
			break
		}
		if ok, err = c.in.again(c.key, c.setAt); ok || err != nil {
			return v, ok, err
		}
	}
	for len(c.set) > 0 && err == nil {
		if v, ok, err = c.nextInSet(); ok {
			if ok, err = c.in.again(c.key, c.setAt); ok || err != nil {
				return v, ok, err
			}
		}
	}
	return nil, false, err
}

// pair reads the pair at slots i and i+1; ok is false when there is nothing to
// return: skipped, or a duplicate set that was started.
func (c *hashCursor) pair(i int) (v []byte, ok bool, err error) {
	c.pairs++
	key, ok1 := c.item(i)
	data, ok2 := c.item(i + 1)
	at := place{c.nd.no, i + 1}
	if !ok1 || !ok2 {
		if !ok1 {
			at.item = i
		}
		return nil, false, c.in.problem(c.in.damage(at.page, at.item, "item does not fit the page"))
	}
	c.in.tooBig = false
	if c.key, ok, err = c.readKey(key, place{c.nd.no, i}); !ok || err != nil {
		if err == nil && c.in.tooBig && data[0] == hashOffPage && len(data) == 12 {
			err = c.in.markChain(c.in.lay.u32(data[4:]))
		}
		return nil, false, err
	}
	switch data[0] {
	case hashData:
		return data[1:], true, nil
	case hashDup:
		c.set, c.setAt = data[1:], at
		return nil, false, nil
	case hashOffPage:
		if len(data) == 12 {
			c.in.val, ok, err = c.in.chain(c.in.val, c.in.lay.u32(data[4:]), c.in.lay.u32(data[8:]), at)
			return c.in.val, ok, err
		}
	case hashOffDup:
		if len(data) == 8 {
			c.setAt = at
			c.inDups, err = c.dups.start(c.in.lay.u32(data[4:]), at)
			return nil, false, err
		}
	}
	return nil, false, c.in.problem(c.in.damage(at.page, at.item, "data item of %d bytes, type %d", len(data), data[0]))
}

// item is item i of the page. It is false for one that does not fit the page or
// lies where an item before it does.
func (c *hashCursor) item(i int) (b []byte, ok bool) {
	l := &c.in.lay
	b, ok = l.hashItem(&c.nd, i)
	ok = ok && (i == 0 || l.u16(c.nd.buf[l.hdr+2*(i-1):]) == c.floor)
	c.floor = min(c.floor, l.u16(c.nd.buf[l.hdr+2*i:]))
	return b, ok
}

func (c *hashCursor) readKey(key []byte, at place) ([]byte, bool, error) {
	switch {
	case key[0] == hashData:
		return key[1:], true, nil
	case key[0] == hashOffPage && len(key) == 12:
		var ok bool
		var err error
		c.in.key, ok, err = c.in.chain(c.in.key, c.in.lay.u32(key[4:]), c.in.lay.u32(key[8:]), at)
		return c.in.key, ok, err
	}
	return nil, false, c.in.problem(c.in.damage(at.page, at.item, "key item of %d bytes, type %d", len(key), key[0]))
}

// nextInSet returns the next member of the on-page duplicate set.
func (c *hashCursor) nextInSet() (v []byte, ok bool, err error) {
	v, rest, ok := c.in.lay.setMember(c.set)
	c.set = rest
	if !ok {
		c.set = nil
		return nil, false, c.in.problem(c.in.damage(c.setAt.page, c.setAt.item, "lengths of a duplicate do not agree, rest of the set skipped"))
	}
	return v, true, nil
}

// setMember takes the first member from an on-page duplicate set: the data
// between two equal lengths.
func (l *layout) setMember(set []byte) (v, rest []byte, ok bool) {
	if len(set) < 4 {
		return nil, nil, false
	}
	n := l.u16(set)
	if n+4 > len(set) || l.u16(set[2+n:]) != n {
		return nil, nil, false
	}
	return set[2 : 2+n : 2+n], set[4+n:], true
}

// hashItem is item i of a hash page, at least its type byte. Items lie one
// before the other from the end of the page.
func (l *layout) hashItem(nd *node, i int) ([]byte, bool) {
	end := l.ps
	if i > 0 {
		end = l.u16(nd.buf[l.hdr+2*(i-1):])
	}
	off := l.u16(nd.buf[l.hdr+2*i:])
	if off < l.hdr+2*nd.n || off >= end || end > l.ps {
		return nil, false
	}
	return nd.buf[off:end:end], true
}

// nextPage goes to the next page of the bucket, or to the next bucket with
// pages.
func (c *hashCursor) nextPage() error {
	c.i, c.set, c.floor = 0, nil, c.in.lay.ps
	if c.on && c.nd.next != 0 {
		last := c.nd.no
		ok, err := c.in.own(&c.nd, c.nd.next, place{last, NoItem})
		if err != nil {
			return err
		}
		c.on = ok
		if !ok {
			return nil
		}
		if int64(c.nd.prev) != last {
			c.in.tolerate(c.nd.no, NoItem, "links back to page %d, the page before is %d", c.nd.prev, last)
		}
		return c.usable()
	}
	return c.nextBucket()
}

func (c *hashCursor) nextBucket() error {
	c.on = false
	m := &c.in.meta
	if c.bucket >= c.stop {
		return c.atEnd()
	}
	b := c.bucket
	c.bucket++
	no := m.bucketPage(b)
	if no >= uint64(c.in.lay.pages) {
		return c.beyond(b, no)
	}
	from := place{int64(m.PageNo), NoItem}
	if no == 0 || c.in.reached(int64(no)) {
		return c.in.problem(c.in.damage(from.page, from.item, "bucket %d lies on page %d, which was reached before", b, no))
	}
	ok, err := c.in.fetch(&c.nd, uint32(no), from)
	if !ok || err != nil {
		return err
	}
	if c.nd.pgno != uint32(no) {
		if c.nd.zero() {
			return c.zero(b)
		}
		return c.in.problem(c.in.damage(c.nd.no, NoItem, "page of bucket %d says it is page %d", b, c.nd.pgno))
	}
	if !c.in.lay.slots(&c.nd) {
		return c.in.problem(c.in.damage(c.nd.no, NoItem, "%d items do not fit the page", c.nd.n))
	}
	if c.nd.prev != 0 {
		c.in.tolerate(c.nd.no, NoItem, "first page of bucket %d links back to page %d", b, c.nd.prev)
	}
	c.on = true
	return c.usable()
}

// atEnd tells of what a complete file of 2.x would have.
func (c *hashCursor) atEnd() error {
	m := &c.in.meta
	if c.stop <= uint64(m.MaxBucket) || c.ended {
		return io.EOF
	}
	c.ended = true
	if short := m.shortFile(); short != "" {
		if err := c.in.problem(c.in.damage(int64(m.PageNo), NoItem, "%s", short)); err != nil {
			return err
		}
	} else if fewer, lost := m.fewerKeys(c.pairs, c.zeros); lost {
		if err := c.in.problem(c.in.damage(int64(m.PageNo), NoItem, "%s", fewer)); err != nil {
			return err
		}
	} else if fewer != "" {
		c.in.tolerate(int64(m.PageNo), NoItem, "%s", fewer)
	}
	return io.EOF
}

// zero handles a bucket whose page holds nothing but zeros.
func (c *hashCursor) zero(b uint64) error {
	if c.in.meta.bucketUsed(b) {
		return c.in.problem(c.in.damage(c.nd.no, NoItem, "page of bucket %d is all zeros, but the bucket was in use", b))
	}
	c.zeros++
	return nil
}

// beyond handles a bucket whose page the file does not have: 2.x makes them
// when needed. All buckets of the same doubling that follow lie behind it.
func (c *hashCursor) beyond(b, no uint64) error {
	m := &c.in.meta
	last := min(uint64(1)<<bits.Len64(b)-1, uint64(m.MaxBucket))
	c.bucket = last + 1
	if m.Version <= 5 {
		return nil
	}
	return c.in.problem(c.in.damage(int64(m.PageNo), NoItem, "buckets %d to %d lie from page %d on, the file has %d pages", b, last, no, c.in.lay.pages))
}

// usable checks type and number of items of the page just entered.
func (c *hashCursor) usable() error {
	nd := &c.nd
	if nd.typ != pageHashOld && nd.typ != pageHash {
		c.on = false
		c.in.seen.remove(nd.no) // it may belong somewhere else
		return c.in.problem(c.in.damage(nd.no, NoItem, "page of type %d in a hash bucket", nd.typ))
	}
	if nd.n%2 != 0 {
		return c.in.problem(c.in.damage(nd.no, nd.n-1, "key without data, %d items on the page", nd.n))
	}
	return c.in.hashLow(nd)
}
