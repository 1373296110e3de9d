package verify

import "testing"

// TestIndexTraces: what a cut has left of the first line is ours, however
// short; another program's file that begins alike is not.
func TestIndexTraces(t *testing.T) {
	const first = "imsconv-store.idx 1\n"
	for i := 1; i <= len(first); i++ {
		if indexTraces([]byte(first[:i]), false) == "" {
			t.Errorf("%q is taken for another program's", first[:i])
		}
	}
	for _, s := range []string{"x", "imsx", "ims\x00"} {
		if why := indexTraces([]byte(s), false); why != "" {
			t.Errorf("%q is taken for ours: %s", s, why)
		}
	}
}
