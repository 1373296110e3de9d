package dbconv

import (
	"bytes"
	"fmt"

	"imsconv/dbconv/bdb"
)

// keyOrder watches over the keys of a btree as they are read in order. Bytes
// order them, unless the program that made the database gave it a comparison
// function, of which the file says nothing: then keys are out of byte order all
// over, or wherever one has a byte below a separator. One key that stands where
// it does not belong among many that do is damage: the library looks for it
// elsewhere and does not find it.
type keyOrder struct {
	read, odd    int64    // keys, and how often one is less than the one before
	byParts      int64    // the same where separators come before all other bytes
	last, before []byte   // the last key and the one before it that differs
	misplaced    []string // the first keys that are where they do not belong
}

// mostMisplaced is how many keys out of order are named.
const mostMisplaced = 100

// newKeyOrder returns nil for what is no btree: it has no order.
func newKeyOrder(m bdb.Meta) *keyOrder {
	if m.Type != bdb.Btree {
		return nil
	}
	return new(keyOrder)
}

// see takes the next key.
func (o *keyOrder) see(key []byte) {
	if o == nil {
		return
	}
	o.read++
	if o.read > 1 && bytes.Equal(key, o.last) {
		return // one of several records of a key
	}
	if o.read > 1 && lessByParts(key, o.last) {
		o.byParts++
	}
	if o.read > 1 && bytes.Compare(key, o.last) < 0 {
		o.odd++
		if len(o.misplaced) < mostMisplaced {
			odd := key
			if o.before == nil || bytes.Compare(key, o.before) >= 0 {
				odd = o.last // without it the others are in order
			}
			o.misplaced = append(o.misplaced, string(odd))
		}
	}
	o.before, o.last = o.last, append(o.before[:0], key...)
}

// lessByParts reports whether a comes before b where the separators of names of
// mailboxes come before all other bytes, as mail servers order them that want
// the folders of a mailbox behind it: user/joe/Sent before user/joe-x.
func lessByParts(a, b []byte) bool {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return partOrder[a[i]] < partOrder[b[i]]
		}
	}
	return len(a) < len(b)
}

var partOrder = func() (t [256]int) {
	for c := range t {
		t[c] = c + 2
	}
	t['/'], t['.'] = 0, 1
	return t
}()

// damaged says whether the keys out of order are so few that they are damage:
// one, or one in a hundred. Of two keys that stand the wrong way round nothing
// can be said.
func (o *keyOrder) damaged() bool {
	return o != nil && o.odd > 0 && o.byParts > 0 && o.read > 2 && (o.odd == 1 || o.odd*100 <= o.read)
}

// tell names the keys that are out of order by damage, and reports whether
// there are any; at names the database.
func (o *keyOrder) tell(log Log, at string) bool {
	if !o.damaged() {
		return false
	}
	for _, key := range o.misplaced {
		log.Problem("key-misplaced", named(at, fmt.Sprintf("%.200q", key)), fmt.Sprintf("the key is out of order among %d that are not: it is damaged, and a server does not find its record", o.read-o.odd))
	}
	if more := o.odd - int64(len(o.misplaced)); more > 0 {
		log.Problem("key-misplaced", at, fmt.Sprintf("%d more keys are out of order", more))
	}
	return true
}
