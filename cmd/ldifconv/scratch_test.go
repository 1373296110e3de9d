package main

import "testing"

// A folder without room for a small index is not said to have what is needed.
func TestScratchRoomIsTold(t *testing.T) {
	for _, tt := range []struct {
		free, needed int64
		want         string
	}{
		{5e6, 5e6, ""},
		{0, 0, ""},
		{0, 5000, "/x: 0 MB free, 1 MB needed for the index"},
		{1_900_000, 2_000_000, "/x: 1 MB free, 2 MB needed for the index"},
		{2_000_000, 2_000_001, "/x: 2 MB free, 3 MB needed for the index"},
	} {
		got := ""
		if err := enoughRoom("/x", tt.free, tt.needed); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%d of %d: %q, want %q", tt.free, tt.needed, got, tt.want)
		}
	}
}
