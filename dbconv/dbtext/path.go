package dbtext

import "bytes"

// An evenOrder counts the items with even numbers that come before the one
// before them, which the keys of a btree that db_dump prints do not.
type evenOrder struct {
	n, breaks int64
	last      []byte
}

// pass takes an item with an odd number.
func (o *evenOrder) pass() bool {
	if o.n%2 == 0 {
		return false
	}
	o.n++
	return true
}

// add takes an item with an even number.
func (o *evenOrder) add(item []byte) {
	if o.n > 0 && bytes.Compare(o.last, item) > 0 {
		o.breaks++
	}
	o.last = append(o.last[:0], item...)
	o.n++
}

// A keyPath finds the keys in an even number of items whose even ones are not
// in order. Where two lines are missing, or one is and another is there twice,
// the keys between have odd numbers. A path goes from key to key in rising
// order: two items further is a record; one or three, a line that is missing or
// one too many. Every path with the fewest of those is as good as another, so
// that a record is only what all of them have. Records that somebody has put
// into the text out of order give no path, and are kept.
type keyPath struct {
	n     int64
	last  [4][]byte
	after []byte // of each item, bit d: it may follow the one d before it
	loose bool   // a path may begin or end within the first or last record
	ways  [3]int // costs of the last three places
}

// Limits of a keyPath.
const (
	maxPath   = 8 << 20 // items: three bytes each
	longPath  = 64      // items with which one end may be broken
	someBreak = 3       // keys out of order, with the same
	noPath    = 255     // a cost
)

// newKeyPath returns a keyPath of a text with breaks keys out of order.
func newKeyPath(items, breaks int64) *keyPath {
	return &keyPath{loose: items >= longPath && breaks >= someBreak, ways: [3]int{noPath, 0, noPath}}
}

// pass takes every item once no path goes on.
func (o *keyPath) pass() bool {
	if !o.lost() {
		return false
	}
	o.n++
	return true
}

// lost tells that no path leads to the last three items, and so none further,
// or that there are too many items for one: doubtful knows nothing.
func (o *keyPath) lost() bool {
	return o.n > maxPath || o.ways == [3]int{noPath, noPath, noPath}
}

// add takes the next item.
func (o *keyPath) add(item []byte) {
	if o.n < maxPath {
		var bits byte
		for d := int64(1); d <= 3 && d <= o.n; d++ {
			if bytes.Compare(o.last[(o.n-d)%4], item) <= 0 {
				bits |= 1 << d
			}
		}
		o.after = append(o.after, bits)
	}
	at := o.n % 4
	o.last[at] = append(o.last[at][:0], item...)
	o.n++
	if o.n > maxPath {
		return
	}
	cost := noPath
	for d := 1; d <= 3; d++ {
		cost = min(cost, o.ways[3-d]+o.step(o.n+1, int64(d)))
	}
	o.ways = [3]int{o.ways[1], o.ways[2], cost}
}

// step is the cost of the step from place p-d to place p, noPath where there is
// none. Place 0 is before the text, item i has place i+2, and the place behind
// the last item is the end.
func (o *keyPath) step(p, d int64) int {
	from := p - d
	switch {
	case from < 0 || from == 1 || p == 1 || p > o.n+2:
		return noPath
	case from == 0 || p == o.n+2:
		if d != 2 && !o.loose {
			return noPath
		}
	case o.after[p-2]&(1<<d) == 0:
		return noPath
	}
	return int(d % 2)
}

// costs are the costs of the ways from the start to each place, or with back
// from each place to the end.
func (o *keyPath) costs(back bool) []byte {
	end := o.n + 2
	cost := bytes.Repeat([]byte{noPath}, int(end+1))
	if back {
		cost[end] = 0
		for p := end - 1; p >= 0; p-- {
			for d := int64(1); d <= 3 && p+d <= end; d++ {
				cost[p] = byte(min(int(cost[p]), int(cost[p+d])+o.step(p+d, d)))
			}
		}
		return cost
	}
	cost[0] = 0
	for p := int64(1); p <= end; p++ {
		for d := int64(1); d <= 3 && d <= p; d++ {
			cost[p] = byte(min(int(cost[p]), int(cost[p-d])+o.step(p, d)))
		}
	}
	return cost
}

// doubtful returns the items that are to be left out. known is false when
// nothing explains the order of the items.
func (o *keyPath) doubtful() (out []span, known bool) {
	if o.lost() {
		return nil, false
	}
	if o.costs(false)[o.n+2] == noPath {
		return nil, false
	}
	o.loose = true // something is missing: why not there
	to, from := o.costs(false), o.costs(true)
	best := int(from[0])
	for i := int64(0); i < o.n; {
		if o.sure(i+2, best, to, from) {
			i += 2
			continue
		}
		if k := len(out) - 1; k >= 0 && out[k].to == i {
			out[k].to++
		} else {
			out = append(out, span{i, i + 1})
		}
		i++
	}
	return out, true
}

// sure tells whether all best paths go from place p to p+2: nothing else passes
// by p.
func (o *keyPath) sure(p int64, best int, to, from []byte) bool {
	ways, here := 0, false
	for u := max(p-2, 0); u <= p; u++ {
		for d := p - u + 1; d <= 3; d++ {
			w := u + d
			if w > o.n+2 || int(to[u])+o.step(w, d)+int(from[w]) != best {
				continue
			}
			ways++
			here = here || u == p && d == 2
		}
	}
	return ways == 1 && here
}
