package restore

import (
	"slices"
	"testing"
)

func TestUIDRanges(t *testing.T) {
	var u uidRanges
	ref := make(map[uint32]bool)
	x := uint32(1)
	for range 5000 {
		x = x*1664525 + 1013904223
		uid := x>>16%400 + 1
		if u.add(uid) == ref[uid] {
			t.Fatalf("UID %d: new is %v", uid, ref[uid])
		}
		ref[uid] = true
	}
	for i := 1; i < len(u); i++ {
		if u[i].lo <= u[i-1].hi+1 || u[i].lo > u[i].hi {
			t.Fatalf("ranges %v", u)
		}
	}
	for uid := uint32(1); uid < 500; uid++ {
		if u.has(uid) != ref[uid] {
			t.Errorf("has %d: %v", uid, u.has(uid))
		}
	}
	var f fields
	f.putRanges(u)
	f.putRanges(nil)
	f.putString("a b")
	back := fields{rest: f.rest}
	if got := back.ranges(); !slices.Equal(got, u) || len(back.ranges()) != 0 || back.string() != "a b" || back.err() != nil {
		t.Errorf("round trip: %v, %v", got, back.err())
	}
	for n := range f.rest {
		cut := fields{rest: f.rest[:n]}
		cut.ranges()
		cut.ranges()
		if cut.string(); cut.err() == nil {
			t.Errorf("cut at %d of %d: no error", n, len(f.rest))
		}
	}
}
