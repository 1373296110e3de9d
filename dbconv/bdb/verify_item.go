package bdb

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
)

// A reference counts how often an overflow chain may still be met: up to 4.2 a
// key that was copied to an internal page shares the chain of the leaf.
type reference struct {
	total, left int
	size        uint32
	broken      bool // a fault was told of it
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	return slices.Sorted(maps.Keys(m))
}

// compareLimit is how much of a key is compared: enough for any real one.
const compareLimit = 1 << 20

// overflow checks the chain of an item of size bytes. keep: its first
// compareLimit bytes are returned in buf.
func (v *verifier) overflow(head, size uint32, from place, keep bool, buf []byte) (data []byte, ok bool, err error) {
	buf = buf[:0]
	again := false
	if r := v.refs[head]; r != nil {
		if r.left--; r.left < 0 {
			v.odd(from.page, from.item, "leads to the overflow chain of page %d, which counts %d references", head, r.total)
			return buf, false, nil
		}
		if r.size != size {
			v.lost(from.page, from.item, "item of %d bytes shares a chain of %d bytes", size, r.size)
			return buf, false, nil
		}
		if r.broken {
			v.lost(from.page, from.item, "leads to the overflow chain of page %d, which is damaged", head)
			return buf, false, nil
		}
		// db_stat counts the pages of a shared chain once for each reference.
		if !keep && v.stats == nil || !v.mayRepeat(from) {
			return buf, !keep, nil
		}
		again = true
	}
	data, ok, err = v.followChain(head, size, from, keep, again, buf)
	v.spoilt(head, ok)
	return data, ok, err
}

// spoilt remembers that a shared chain is damaged: what was told for a key of
// an internal page, which costs nothing, is a loss for the item of a leaf.
func (v *verifier) spoilt(head uint32, ok bool) {
	if r := v.refs[head]; r != nil && !ok {
		r.broken = true
	}
}

// mayRepeat tells whether a shared chain may be read once more: real files
// share few, a crafted one could have every item lead to the longest chain.
func (v *verifier) mayRepeat(from place) bool {
	if v.again <= 4*v.lay.pages+1024 {
		return true
	}
	if !v.againOut {
		v.againOut = true
		v.odd(from.page, from.item, "overflow chains are shared by more items than can be: keys of shared chains are no more compared")
	}
	return false
}

// followChain walks over the pages of a chain and checks each of them.
func (v *verifier) followChain(head, size uint32, from place, keep, again bool, buf []byte) (data []byte, ok bool, err error) {
	room := int64(v.lay.ps - v.lay.hdr)
	var total int64
	at, prev := from, uint32(0)
	for no, steps := head, int64(0); no != 0; steps++ {
		if steps > v.lay.pages || total > int64(size) {
			v.lost(from.page, from.item, "overflow chain is longer than the %d bytes of its item", size)
			return buf, false, nil
		}
		if !again && !v.claim(no, at) {
			return buf, false, nil
		}
		if again {
			v.again++
			if int64(no) >= v.lay.pages || len(buf) >= compareLimit && v.stats == nil {
				return buf, true, nil // told of when it was first read
			}
		}
		v.progress(1)
		b, err := v.pager.page(int64(no))
		if err != nil {
			return buf, false, err
		}
		nd := node{buf: b, no: int64(no)}
		v.lay.decode(&nd)
		if !again && !v.overflowHeader(&nd, prev, room) || again && nd.typ != pageOverflow {
			return buf, false, nil
		}
		if no == head && !again {
			v.remember(&nd, size)
		}
		v.stats.overflow(v.lay, &nd)
		if keep && len(buf) < compareLimit {
			buf = append(buf, b[v.lay.hdr:v.lay.hdr+nd.low]...)
		}
		total += int64(nd.low)
		at, prev, no = place{nd.no, NoItem}, no, nd.next
		if no != 0 && int64(nd.low) != room && !again {
			v.odd(nd.no, NoItem, "overflow page holds %d bytes and is not the last of its chain", nd.low)
		}
	}
	if total != int64(size) {
		v.lost(from.page, from.item, "overflow chain of %d bytes for an item of %d bytes", total, size)
		return buf, false, nil
	}
	return buf, true, nil
}

// overflowHeader checks one overflow page.
func (v *verifier) overflowHeader(nd *node, prev uint32, room int64) bool {
	switch {
	case nd.pgno != uint32(nd.no):
		v.lost(nd.no, NoItem, "overflow page says it is page %d", nd.pgno)
		return false
	case nd.typ != pageOverflow:
		v.lost(nd.no, NoItem, "page of type %d in an overflow chain", nd.typ)
		return false
	case nd.low == 0 || int64(nd.low) > room:
		v.lost(nd.no, NoItem, "overflow page says it holds %d bytes", nd.low)
		return false
	}
	if v.lay.sum {
		v.summed(nd.buf, nd.no)
	}
	if nd.prev != prev {
		v.odd(nd.no, NoItem, "overflow page links back to page %d, want %d", nd.prev, prev)
	}
	if nd.level != 0 {
		v.odd(nd.no, NoItem, "overflow page of level %d", nd.level)
	}
	if nd.n == 0 || prev != 0 && nd.n != 1 {
		v.odd(nd.no, NoItem, "overflow page counts %d references", nd.n)
	}
	return true
}

// remember notes a chain that more than one item may lead to.
func (v *verifier) remember(nd *node, size uint32) {
	if nd.n <= 1 {
		return
	}
	if len(v.refs) >= maxRefs {
		if !v.refsOut {
			v.refsOut = true
			v.odd(nd.no, NoItem, "more than %d shared overflow chains: from here on they are not counted", maxRefs)
		}
		return
	}
	v.refs[uint32(nd.no)] = &reference{total: nd.n, left: nd.n - 1, size: size}
}

// An order checks that keys come in byte order. Separators of internal pages
// take part: they may equal the key that follows, not the one before.
type order struct {
	last  []byte // the key before; aliases a page or buf until kept
	buf   []byte
	begun bool
	sep   bool
	equal bool // equal keys may follow each other (1.85)
}

// key tells whether k may follow the last key.
func (o *order) key(k []byte, sep bool) bool {
	ok := true
	if o.begun {
		c := bytes.Compare(o.last, k)
		ok = c < 0 || c == 0 && (o.sep || o.equal || len(k) >= compareLimit)
	}
	o.last, o.begun, o.sep = k, true, sep
	return ok
}

// keep copies the last key, whose page is about to go.
func (o *order) keep() {
	o.buf = append(o.buf[:0], o.last...)
	o.last = o.buf
}

// packing is the packing of the current level, emptied for a new page.
func (v *verifier) packing() *packing {
	p := v.packs[v.depth-1]
	p.reset(v.lay.ps)
	return p
}
