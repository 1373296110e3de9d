package trees

import (
	"os"
	"path/filepath"
	"testing"
)

// TestNamesOfTwoLines: a line end in a name is a byte like any other.
func TestNamesOfTwoLines(t *testing.T) {
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "a\nb", "joe"), 0o700); err != nil {
		t.Fatal(err)
	}
	w := &writer{root: root, opt: Options{Path: "*/%u"}}
	if found, err := w.byTemplate(); err != nil || len(found) != 1 || found[0].user != "joe" {
		t.Errorf("%+v, %v", found, err)
	}
	if base := withoutFlags("1.a\nb;2,S"); base != "1.a\nb" {
		t.Errorf("%q", base)
	}
}
