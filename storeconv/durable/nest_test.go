package durable_test

import (
	"os"
	"path/filepath"
	"testing"

	"imsconv/storeconv/durable"
)

func TestNest(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "a", "b"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("a", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"a", "a", true}, {"a", "a/b", true}, {"a", "ab", false}, {"a", "c", false}, {"a/..", "a", true}, {"..a", ".", true},
		{"link", "a", true}, {"link/new", "a", true}, {"link/new", "a/b", false}, {"new", "new/below", true}, {".", "link", true},
	} {
		a, b := filepath.Join(dir, tt.a), filepath.Join(dir, tt.b)
		if durable.Nest(a, b) != tt.want || durable.Nest(b, a) != tt.want {
			t.Errorf("%s and %s: want %v", tt.a, tt.b, tt.want)
		}
	}
	if !durable.Nest("/", dir) {
		t.Error("nothing lies in the root")
	}
}
