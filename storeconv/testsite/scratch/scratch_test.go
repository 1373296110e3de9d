package scratch

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestSweep: a folder goes when its test is dead, and not before.
func TestSweep(t *testing.T) {
	parent := t.TempDir()
	there := func(dir string) bool {
		_, err := os.Stat(dir)
		return err == nil
	}
	var used string
	t.Run("a test", func(t *testing.T) {
		var err error
		if used, err = makeIn(t, parent); err != nil {
			t.Fatal(err)
		}
		dead, fresh, other := filepath.Join(parent, prefix+"dead"), filepath.Join(parent, prefix+"fresh"), filepath.Join(parent, "other")
		for _, dir := range []string{dead, fresh, other} {
			if err := os.MkdirAll(filepath.Join(dir, "a", "b"), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		long := time.Now().Add(-2 * young)
		for _, dir := range []string{dead, other, used} {
			if err := os.Chtimes(dir, long, long); err != nil {
				t.Fatal(err)
			}
		}
		sweep(parent)
		if there(dead) || !there(fresh) || !there(other) || !there(used) {
			t.Errorf("of a dead test %v, fresh %v, another's %v, used %v", there(dead), there(fresh), there(other), there(used))
		}
	})
	if there(used) {
		t.Error("a folder outlives its test")
	}
}

// TestDir: folders are apart, and empty.
func TestDir(t *testing.T) {
	a, b := Dir(t), Dir(t)
	list, err := os.ReadDir(a)
	if err != nil || len(list) > 0 || a == b {
		t.Errorf("%s, %s: %d files, %v", a, b, len(list), err)
	}
}
