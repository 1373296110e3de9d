package selection

import (
	"strings"
	"testing"
)

func TestCommonRights(t *testing.T) {
	for _, tt := range []struct {
		first, second, both string
		same                bool
	}{
		{"joe lrswipcda", "joe lrswipcda", "joe lrswipcda", true},
		{"joe lr ann rl", "ann lr joe rl", "joe lr ann rl", true},
		{"joe lrs ann lr", "joe lrs anyone lr", "joe lrs", false},
		{"joe lrs ann lrs", "joe lrs ann l", "joe lrs ann l", false},
		{"joe l ann l joe r", "joe lr", "joe lr", false},
		{"joe lr -ann w", "joe lr -ann s -bob r", "joe lr -ann ws -bob r", false},
		{"joe lrs ann r", "joe l ann lr", "joe lrs ann r", false},
		{"bob lr", "ann lr", "", false},
	} {
		tab := func(s string) string { return strings.ReplaceAll(s, " ", "\t") }
		both, same := CommonRights("joe", tab(tt.first), tab(tt.second))
		if both != tab(tt.both) || same != tt.same {
			t.Errorf("%q and %q: %q, %t", tt.first, tt.second, both, same)
		}
	}
}
