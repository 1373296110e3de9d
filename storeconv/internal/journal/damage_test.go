package journal

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"imsconv/storeconv/durable"
)

// A journal that cannot be opened is told in our own words, with what to do.
func TestDamagedJournal(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, dir string){
		"MANIFEST": func(t *testing.T, dir string) { overwrite(t, filepath.Join(dir, "MANIFEST*")) },
		"OPTIONS":  func(t *testing.T, dir string) { overwrite(t, filepath.Join(dir, "OPTIONS*")) },
		"markers": func(t *testing.T, dir string) {
			for _, path := range matches(t, filepath.Join(dir, "marker*")) {
				if err := os.Remove(path); err != nil {
					t.Fatal(err)
				}
			}
		},
	} {
		dir := filepath.Join(t.TempDir(), "run", "journal")
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		j, err := OpenIn(durable.OS, dir, true)
		if err != nil {
			t.Fatal(err)
		}
		if err := j.Put("a", []byte("b")); err != nil {
			t.Fatal(err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		spoil(t, dir)
		_, err = OpenIn(durable.OS, dir, true)
		if err == nil || !strings.Contains(err.Error(), "move "+filepath.Dir(dir)+" elsewhere") || strings.Contains(err.Error(), "pebble") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func matches(t *testing.T, pattern string) []string {
	t.Helper()
	list, err := filepath.Glob(pattern)
	if err != nil || len(list) == 0 {
		t.Fatalf("%s: %v, %v", pattern, list, err)
	}
	return list
}

func overwrite(t *testing.T, pattern string) {
	t.Helper()
	for _, path := range matches(t, pattern) {
		if err := os.WriteFile(path, []byte("junk in place of what was here"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
