package bdb

import (
	"io"
	"strconv"
)

// A btreeCursor goes through the pairs of a btree from 2.0 on.
type btreeCursor struct {
	in      *input
	w       walk
	begun   bool
	i       int // next slot of the leaf
	key     []byte
	keyAt   int // offset of key on the leaf; 0: none
	keyFine bool
	dups    dupCursor
	inDups  bool
	check   pageCheck
}

func newBtreeCursor(in *input) *btreeCursor {
	c := &btreeCursor{in: in}
	c.w.in = in
	c.dups.w.in = in
	return c
}

func (c *btreeCursor) next() (key, value []byte, err error) {
	for {
		if c.inDups {
			v, ok, err := c.member()
			if ok || err != nil {
				return c.key, v, err
			}
		}
		if c.i+1 >= c.w.leaf.n {
			if err := c.nextLeaf(); err != nil {
				return nil, nil, err
			}
			continue
		}
		i := c.i
		c.i += 2
		if c.check.plain {
			c.key = c.in.lay.plainItem(&c.w.leaf, i)
			return c.key, c.in.lay.plainItem(&c.w.leaf, i+1), nil
		}
		v, ok, err := c.pair(i)
		if ok || err != nil {
			return c.key, v, err
		}
	}
}

// member returns the next member of the off-page duplicate set that was
// started, ok false at its end.
func (c *btreeCursor) member() (v []byte, ok bool, err error) {
	for {
		v, ok, err = c.dups.next()
		if !ok || err != nil {
			c.inDups = ok
			return v, ok, err
		}
		if ok, err = c.in.again(c.key, place{c.w.leaf.no, c.i - 2}); ok || err != nil {
			return v, ok, err
		}
	}
}

// pair reads the pair at slots i and i+1. ok is false when there is nothing to
// return: skipped, deleted, or a duplicate set that was started.
func (c *btreeCursor) pair(i int) (v []byte, ok bool, err error) {
	l, nd := &c.in.lay, &c.w.leaf
	at := place{nd.no, i + 1}
	off := l.slot(nd, i+1, 3)
	var it item
	if off > 0 {
		it, ok = l.item(nd, off)
	}
	if !ok {
		return nil, false, c.in.problem(c.in.unfit(nd, i+1, off))
	}
	if it.deleted && !c.in.rescue {
		c.in.deleted++
		if c.in.marks {
			err = c.markPair(i, it)
		}
		return nil, false, err
	}
	if fine, err := c.readKey(i); !fine || err != nil {
		if err == nil && c.in.tooBig && it.kind == kindOverflow {
			err = c.in.markChain(it.pgno)
		}
		return nil, false, err
	}
	if !c.check.take(off, it.slot) {
		return nil, false, c.in.problem(c.in.damage(at.page, at.item, "data item overlaps another item"))
	}
	if it.kind == kindDup {
		c.inDups, err = c.dups.start(it.pgno, at)
		return nil, false, err
	}
	return c.in.value(it, at)
}

// unfit is the Error of data that cannot be taken from slot i at off.
func (in *input) unfit(nd *node, i, off int) *Error {
	if off > 0 && in.meta.Version >= 10 && nd.buf[off+2]&^flagDeleted == kindBlob {
		e := in.damage(nd.no, i, "the value is a blob, which lies in a file of its own")
		e.Err = ErrUnsupported
		return e
	}
	return in.damage(nd.no, i, "data item does not fit the page")
}

// markPair marks the overflow chains of a deleted pair as seen.
func (c *btreeCursor) markPair(i int, data item) error {
	l, nd := &c.in.lay, &c.w.leaf
	if off := l.slot(nd, i, 3); off > 0 {
		if key, ok := l.item(nd, off); ok && key.kind == kindOverflow {
			if err := c.in.markChain(key.pgno); err != nil {
				return err
			}
		}
	}
	if data.kind == kindOverflow {
		return c.in.markChain(data.pgno)
	}
	return nil
}

// readKey makes the item of slot i the current key, unless it already is.
func (c *btreeCursor) readKey(i int) (ok bool, err error) {
	l, nd := &c.in.lay, &c.w.leaf
	off := l.slot(nd, i, 3)
	if off > 0 && off == c.keyAt {
		if !c.keyFine {
			return false, c.in.problem(c.in.damage(nd.no, i, "record lost, its key cannot be read"))
		}
		return c.in.again(c.key, place{nd.no, i})
	}
	c.keyAt, c.keyFine, c.in.tooBig = off, false, false
	var it item
	if off > 0 {
		if l.v6() && shared(l, nd, i) {
			it, ok = l.key6(nd, off, c.in.pager)
		} else {
			it, ok = l.item(nd, off)
		}
	}
	switch {
	case !ok || it.kind == kindDup:
		return false, c.in.problem(c.in.damage(nd.no, i, "key item does not fit the page"))
	case !c.check.take(off, it.slot):
		return false, c.in.problem(c.in.damage(nd.no, i, "key item overlaps another item"))
	case it.kind == kindData:
		c.key, c.keyFine = it.data, true
		return true, nil
	}
	c.in.key, c.keyFine, err = c.in.chain(c.in.key, it.pgno, it.size, place{nd.no, i})
	c.key = c.in.key
	return c.keyFine, err
}

// shared tells whether the key at slot i serves the next slot or the one before
// too.
func shared(l *layout, nd *node, i int) bool {
	slot := func(i int) int { return l.u16(nd.buf[l.hdr+2*i:]) }
	return i+2 < nd.n && slot(i+2) == slot(i) || i >= 2 && slot(i-2) == slot(i)
}

func (c *btreeCursor) nextLeaf() error {
	var ok bool
	var err error
	if c.begun {
		ok, err = c.w.next()
	} else {
		c.begun = true
		ok, err = c.w.start(keyedTree, c.in.meta.Root, place{int64(c.in.meta.PageNo), NoItem})
	}
	if err != nil {
		return err
	}
	if !ok {
		return io.EOF
	}
	return c.enter()
}

// enter goes before the first pair of the leaf.
func (c *btreeCursor) enter() error {
	c.i, c.keyAt, c.inDups = 0, 0, false
	if err := c.in.pairs(&c.check, &c.w.leaf); err != nil {
		return err
	}
	if c.w.leaf.n%2 != 0 {
		return c.in.problem(c.in.damage(c.w.leaf.no, c.w.leaf.n-1, "key without data, %d items on the page", c.w.leaf.n))
	}
	return nil
}

// A dupCursor goes through the items of an off-page duplicate set or of a recno
// database: pages with one data item a slot.
type dupCursor struct {
	w     walk
	i     int
	count uint64 // slots passed, deleted ones too
	check pageCheck
}

// start goes before the first item of the set at root. ok is false when it is
// unusable.
func (d *dupCursor) start(root uint32, from place) (ok bool, err error) {
	return d.begin(dupTree, root, from)
}

// begin goes before the first item of the tree at root.
func (d *dupCursor) begin(kind treeKind, root uint32, from place) (ok bool, err error) {
	d.i = 0
	if ok, err = d.w.start(kind, root, from); !ok || err != nil {
		return ok, err
	}
	return true, d.w.in.items(&d.check, &d.w.leaf)
}

// next returns the next item, ok false at the end.
func (d *dupCursor) next() (v []byte, ok bool, err error) {
	in := d.w.in
	for {
		for d.i >= d.w.leaf.n {
			d.i = 0
			if ok, err := d.w.next(); !ok || err != nil {
				d.w.leaf.n = 0
				return nil, false, err
			}
			if err := in.items(&d.check, &d.w.leaf); err != nil {
				return nil, false, err
			}
		}
		nd, i := &d.w.leaf, d.i
		d.i++
		d.count++
		if d.check.plain {
			return in.lay.plainItem(nd, i), true, nil
		}
		var it item
		off := in.lay.slot(nd, i, 3)
		if off > 0 {
			it, ok = in.lay.item(nd, off)
		}
		switch {
		case off <= 0 || !ok || it.kind == kindDup:
			err = in.problem(in.unfit(nd, i, off))
			ok = false
		case !d.check.take(off, it.slot):
			err = in.problem(in.damage(nd.no, i, "data item overlaps another item"))
			ok = false
		case it.deleted && !in.rescue:
			in.deleted++
			ok = false
		default:
			v, ok, err = in.value(it, place{nd.no, i})
		}
		if ok || err != nil {
			return v, ok, err
		}
	}
}

// A recnoCursor goes through the records of a recno database.
type recnoCursor struct {
	in    *input
	d     dupCursor
	begun bool
	key   []byte
}

func newRecnoCursor(in *input) *recnoCursor {
	c := &recnoCursor{in: in}
	c.d.w.in = in
	return c
}

func (c *recnoCursor) next() (key, value []byte, err error) {
	if !c.begun {
		c.begun = true
		ok, err := c.d.begin(recordTree, c.in.meta.Root, place{int64(c.in.meta.PageNo), NoItem})
		if err != nil {
			return nil, nil, err
		}
		if !ok {
			return nil, nil, io.EOF
		}
	}
	v, ok, err := c.d.next()
	if err != nil {
		return nil, nil, err
	}
	if !ok {
		return nil, nil, io.EOF
	}
	c.key = strconv.AppendUint(c.key[:0], c.d.count+c.d.w.skipped, 10)
	return c.key, v, nil
}
