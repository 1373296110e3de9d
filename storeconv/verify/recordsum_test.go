package verify

import (
	"hash/maphash"
	"testing"
)

// TestRecordSum: the same records in another order add up to the same, others
// do not.
func TestRecordSum(t *testing.T) {
	seed := maphash.MakeSeed()
	sum := func(records ...string) *recordSum {
		var s recordSum
		for i := 0; i < len(records); i += 2 {
			s.add(seed, []byte(records[i]), []byte(records[i+1]))
		}
		return &s
	}
	want := sum("a", "1", "b", "2", "c", "")
	if !want.equal(sum("c", "", "a", "1", "b", "2")) {
		t.Error("another order makes another sum")
	}
	for _, other := range []*recordSum{
		sum(), sum("a", "1", "b", "2"), sum("a", "2", "b", "1", "c", ""), sum("a", "1", "b", "2", "", "c"),
		sum("a", "1", "a", "1", "c", ""), sum("a1", "", "b", "2", "c", ""), sum("a", "1", "b", "2", "c", "", "c", ""),
	} {
		if want.equal(other) {
			t.Errorf("%+v is taken for %+v", other, want)
		}
	}
}
