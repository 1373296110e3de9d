package bdb

import (
	"bytes"
	"io"
)

// Get returns the value of key (the first of a set of duplicates), in memory
// that the caller owns. The error wraps ErrNotFound when there is no such key.
// The key of a recno database is the record number in decimal digits.
//
// A btree is searched by comparing keys as bytes, a hash by its hash function;
// where that cannot work (an application's own comparison or hash function,
// 1.85, recno) all records are read.
func (r *Reader) Get(key []byte) (value []byte, err error) {
	m := &r.meta
	if m.Legacy185 || m.Type == Recno || m.Type == Queue || m.Type == Heap || m.Type == Hash && m.HashFunc == HashUnknown {
		return r.scan(key)
	}
	if m.Type == Hash {
		return r.getHash(key)
	}
	if r.order != orderOther {
		value, err = r.getBtree(key)
		if err != errMissing {
			return value, err
		}
	}
	if r.order == orderBytes {
		return nil, notFound()
	}
	return r.scan(key)
}

func notFound() error { return fileError(ErrNotFound, "key") }

// errMissing is getBtree's: not found where byte order puts the key.
var errMissing = notFound()

// scan reads all records up to key, and learns on the way whether the keys are
// in byte order.
func (r *Reader) scan(key []byte) ([]byte, error) {
	c := r.Cursor()
	var last []byte
	sorted := true
	for first := true; ; first = false {
		k, v, err := c.Next()
		if err == io.EOF {
			r.order = orderOther
			if sorted {
				r.order = orderBytes
			}
			return nil, notFound()
		}
		if err != nil {
			return nil, err
		}
		if bytes.Equal(k, key) {
			return bytes.Clone(v), nil
		}
		if !first && bytes.Compare(last, k) > 0 {
			sorted = false
		}
		last = append(last[:0], k...)
	}
}

// lookup is the input of all Gets of r, made ready for the next one.
func (r *Reader) lookup() *input {
	if r.get == nil {
		r.get = newInput(r)
	}
	in := r.get
	in.seen.reset()
	in.budget, in.spent = r.overflowBudget(), false
	in.overflow = &in.budget
	in.repeats, in.cut = int64(r.meta.PageSize)*repeatFactor, false
	return in
}

// getHash reads the bucket of key.
func (r *Reader) getHash(key []byte) ([]byte, error) {
	c := newHashCursor(r.lookup())
	b := uint64(r.meta.bucketOf(r.meta.HashFunc.Sum(key)))
	if b > uint64(r.meta.MaxBucket) {
		return nil, notFound()
	}
	c.bucket = b
	c.stop = b + 1
	for {
		k, v, err := c.next()
		if err == io.EOF {
			return nil, notFound()
		}
		if err != nil {
			return nil, err
		}
		if bytes.Equal(k, key) {
			return bytes.Clone(v), nil
		}
	}
}

// getBtree descends to the leaf where byte order puts key. errMissing: not
// there.
func (r *Reader) getBtree(key []byte) ([]byte, error) {
	c := newBtreeCursor(r.lookup())
	c.begun = true
	no, from := r.meta.Root, place{int64(r.meta.PageNo), NoItem}
	nd := &r.page
	for depth := 0; ; depth++ {
		ok, err := c.in.own(nd, no, from)
		if err != nil {
			return nil, err
		}
		if !ok || depth > maxDepth {
			return nil, errMissing
		}
		if nd.typ == pageLBtree {
			c.w.leaf = *nd
			return c.findInLeaf(key)
		}
		if nd.typ != pageIBtree || nd.n == 0 {
			return nil, errMissing
		}
		i, err := c.childFor(nd, key)
		if err != nil {
			return nil, err
		}
		child, _, ok := r.lay.child(nd, i)
		if !ok {
			return nil, errMissing
		}
		no, from = child, place{nd.no, i}
	}
}

// childFor is the entry of an internal page below which key belongs: the last
// whose key is not above it; the key of the first entry does not count.
func (c *btreeCursor) childFor(nd *node, key []byte) (int, error) {
	lo, hi := 0, nd.n-1
	for lo < hi {
		mid := (lo + hi + 1) / 2
		k, err := c.internalKey(nd, mid)
		if err != nil {
			return 0, err
		}
		if bytes.Compare(k, key) <= 0 {
			lo = mid
		} else {
			hi = mid - 1
		}
	}
	return lo, nil
}

// internalKey is the key of entry i of an internal page; empty when unreadable.
func (c *btreeCursor) internalKey(nd *node, i int) ([]byte, error) {
	l := &c.in.lay
	off := l.slot(nd, i, 12)
	if off < 0 {
		return nil, nil
	}
	b := nd.buf[off:]
	n := l.u16(b)
	if 12+n > len(b) {
		return nil, nil
	}
	data := b[12 : 12+n]
	if b[2]&^flagDeleted != kindOverflow {
		return data, nil
	}
	if n < 12 {
		return nil, nil
	}
	var err error
	c.in.key, _, err = c.in.chain(c.in.key, l.u32(data[4:]), l.u32(data[8:]), place{nd.no, i})
	return c.in.key, err
}

// findInLeaf looks for key on the current leaf. Keys are compared one after the
// other: their slots repeat, and deleted ones are passed over.
func (c *btreeCursor) findInLeaf(key []byte) ([]byte, error) {
	for i := 0; i+1 < c.w.leaf.n; i += 2 {
		if fine, err := c.readKey(i); err != nil {
			return nil, err
		} else if !fine || !bytes.Equal(c.key, key) {
			continue
		}
		v, ok, err := c.pair(i)
		if err != nil {
			return nil, err
		}
		if !ok && c.inDups {
			v, ok, err = c.dups.next()
			c.inDups = false
		}
		if ok || err != nil {
			return bytes.Clone(v), err
		}
	}
	return nil, errMissing
}
