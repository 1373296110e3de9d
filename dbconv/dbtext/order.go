package dbtext

import (
	"bytes"
	"math"
)

// comparedBytes is how much of a key is looked at.
const comparedBytes = 64 << 10

// A keyOrder finds out where, in an odd number of items, one is missing or one
// too many. Up to there the items with even numbers rise, behind it those with
// odd ones, as the keys of a btree or recno do that db_dump prints; the values
// do not, save by chance. What both could be is left out, and a record on
// either side of it: a line that was broken in two leaves half an item.
type keyOrder struct {
	known   bool // keys come in order
	numbers bool // and are record numbers
	n       int64
	last    [2][]byte // item before of the same parity
	begun   [2]bool
	rises   int64 // the first even item that does not rise
	falls   int64 // the last odd item that does not rise
}

func newKeyOrder(h Header) *keyOrder {
	return &keyOrder{known: h.Type == "btree" || h.Type == "recno", numbers: h.Type == "recno", rises: math.MaxInt64, falls: -1}
}

// pass is false: every item may be a key.
func (o *keyOrder) pass() bool { return false }

// add takes the next item.
func (o *keyOrder) add(item []byte) {
	p := o.n % 2
	switch {
	case o.numbers && !digits(item) && p == 0:
		o.rises = min(o.rises, o.n)
	case o.numbers && !digits(item):
		o.falls = o.n + 2 // not even the first of the keys behind
	case !o.begun[p] || o.follows(o.last[p], item):
	case p == 0:
		o.rises = min(o.rises, o.n)
	default:
		o.falls = max(o.falls, o.n)
	}
	o.last[p], o.begun[p] = append(o.last[p][:0], item...), true
	o.n++
}

// follows tells whether key b may come after key a.
func (o *keyOrder) follows(a, b []byte) bool {
	if !o.numbers {
		return bytes.Compare(a, b) <= 0
	}
	return len(b) > len(a) || len(b) == len(a) && bytes.Compare(a, b) <= 0
}

func digits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) > 0
}

// doubtful returns the items that are to be left out of n.
func (o *keyOrder) doubtful(n int64) []span {
	// The item to drop is one of an even number, not before low, not after
	// high.
	low, high := o.falls-1, min(o.rises, n-1)
	if !o.known || low > high {
		return []span{{0, n}}
	}
	return []span{{max(low-2, 0), min(high+3, n)}}
}
