package restore

import (
	"math/rand/v2"
	"testing"
)

// TestManyCopiesOfOneContent: a mailbox may hold any number of copies of one
// message. Each is taken once, one of the date first.
func TestManyCopiesOfOneContent(t *testing.T) {
	const n, dates = 20_000, 7
	rng := rand.New(rand.NewPCG(1, 2))
	o := &existingBox{indexed: true, unnamed: true}
	left := make(map[int64][]uint32) // the UIDs of each date, in order
	for i := range n {
		m := storedMessage{uid: uint32(i + 1), before: -1, date: rng.Int64N(dates)}
		o.stored = append(o.stored, m)
		left[m.date] = append(left[m.date], m.uid)
	}
	for i := range n {
		e := &entry{nameless: true, validity: 1, date: rng.Int64N(dates)}
		m, ok := o.takeContent(e, [32]byte{})
		if uids := left[e.date]; len(uids) > 0 {
			if !ok || m.uid != uids[0] {
				t.Fatalf("message %d of date %d: %v, UID %d, want %d", i, e.date, ok, m.uid, uids[0])
			}
			left[e.date] = uids[1:]
		} else if ok {
			t.Fatalf("message %d: UID %d of date %d, want none of date %d", i, m.uid, m.date, e.date)
		}
	}
	for range n { // dates that nobody knows take what is left
		e := &entry{nameless: true, validity: 1, date: -1, anyDate: true}
		m, ok := o.takeContent(e, [32]byte{})
		if uids := left[m.date]; ok {
			if uids[0] != m.uid {
				t.Fatalf("UID %d, want %d", m.uid, uids[0])
			}
			left[m.date] = uids[1:]
		}
	}
	for date, uids := range left {
		if len(uids) > 0 {
			t.Errorf("%d of date %d are left", len(uids), date)
		}
	}
}

// TestFirstFree: the way past what is taken is short.
func TestFirstFree(t *testing.T) {
	const n = 100_000
	c := &contents{all: make([]int32, n), free: make([]int32, n)}
	for i := range c.all {
		c.all[i] = int32(i)
	}
	looks, taken := 0, make([]bool, n)
	is := func(i int32) bool { looks++; return taken[i] }
	for want := range n {
		got := c.firstFree(0, n, is)
		if got != want {
			t.Fatalf("%d, want %d", got, want)
		}
		taken[got] = true
	}
	if got := c.firstFree(0, n, is); got < n {
		t.Errorf("%d is free", got)
	}
	if looks > 4*n {
		t.Errorf("%d looks at %d messages", looks, n)
	}
}
