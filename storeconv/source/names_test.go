package source

import (
	"strings"
	"testing"
)

// TestManyOfOneName: names that become one are told apart with as little work
// for the last as for the first.
func TestManyOfOneName(t *testing.T) {
	const many = 2000
	names := make([]string, many)
	for i := range names {
		for n := i; len(names[i]) < 8; n /= 3 {
			names[i] += "%*?"[n%3 : n%3+1]
		}
	}
	n := testing.AllocsPerRun(1, func() {
		g := (&Source{over: true}).newNaming(names, "_________")
		for i, name := range names {
			want := strings.Repeat("_", 8+i)
			if i > 0 {
				want += "_" // the name with one more is taken
			}
			if got := g.give(name, ""); got != want {
				t.Fatalf("%q: %d bytes, want %d", name, len(got), len(want))
			}
		}
	})
	if n > 100*many {
		t.Errorf("%v allocations for %d names", n, many)
	}
}
