package restore

import "testing"

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
	v := history{n: 3, stream: 1, uids: map[string]uidRanges{"INBOX": u, "a b": nil}, validities: map[string]uint32{"INBOX": 7, "a b": 1}}
	back, err := parseHistory(v.append(nil))
	if err != nil || back.n != 3 || back.stream != 1 || len(back.uids["INBOX"]) != len(u) || back.uids["INBOX"][len(u)-1] != u[len(u)-1] || back.validities["a b"] != 1 {
		t.Errorf("round trip: %v, %v", back, err)
	}
}
