package ldifconv

import (
	"os"
	"path/filepath"
	"testing"
)

// TestSample holds everything that is written about the two sample exports
// against kept files, so that a change of the mapping shows; UPDATE=1 writes
// them anew.
func TestSample(t *testing.T) {
	for name, from := range map[string]Source{"sims": SIMS, "nms": NMS} {
		text, err := os.ReadFile("../testdata/site/" + name + "/export.ldif")
		if err != nil {
			t.Fatal(err)
		}
		changes, undo, _ := upgraded(t, string(text), Options{From: from})
		full, _, _ := upgraded(t, string(text), Options{From: from, Format: Full})
		for kind, got := range map[string]string{"changes": changes, "full": full, "undo": undo} {
			path := filepath.Join("testdata", "sample", name+"."+kind+".ldif")
			if os.Getenv("UPDATE") != "" {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("%s differs: %s", path, firstDifference(got, string(want)))
			}
		}
	}
}
