package ldifconv

import (
	"strconv"
	"testing"
)

// More names than memory holds, each of them met twice, apart and together.
func TestSums(t *testing.T) {
	var s Sums
	defer s.Close()
	names := 250_000
	if testing.Short() { // one goroutine uses it
		names = 10_000
	}
	name := func(i int) []byte { return strconv.AppendInt([]byte("user"), int64(i), 10) }
	add := func(i, n int) {
		t.Helper()
		if err := s.Add(name(i), uint64(n)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range names {
		add(i, i)
		add(i, 1)
	}
	for i := 0; i < names; i += 1000 {
		add(i, 7)
	}
	for i := range names {
		want := uint64(i + 1)
		if i%1000 == 0 {
			want += 7
		}
		if got, ok, err := s.Get(name(i)); got != want || !ok || err != nil {
			t.Fatalf("user%d: %d, %v, %v, want %d", i, got, ok, err, want)
		}
	}
	if _, ok, err := s.Get([]byte("nobody")); ok || err != nil {
		t.Errorf("nobody: %v, %v", ok, err)
	}
}
