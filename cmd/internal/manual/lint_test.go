package manual_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"imsconv/cmd/internal/manual"
	"imsconv/cmd/internal/manual/mandoc"
)

// write writes pages into a folder of a manual.
func write(t *testing.T, section string, pages ...*manual.Page) []string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), section)
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, p := range pages {
		var b strings.Builder
		if err := manual.WriteMan(&b, p); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, filepath.Join(dir, p.File()))
		if err := os.WriteFile(paths[len(paths)-1], []byte(b.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return paths
}

// TestFormatPages: the pages of section 5 as a terminal shows them.
func TestFormatPages(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "formats.md"))
	if err != nil {
		t.Fatal(err)
	}
	pages, err := manual.Formats(string(text), "imsconv 1", "2026-01-02")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, path := range write(t, "man5", pages...) {
		mandoc.Lint(t, path)
		if shown := mandoc.Show(t, path); !strings.Contains(shown, "SEE ALSO") {
			t.Errorf("%s is not whole", path)
		}
		names = append(names, filepath.Base(path))
	}
	if got := strings.Join(names, " "); got != "sims-tar.5 ims-store.5 store.idx.5" {
		t.Error(got)
	}
}

// TestOddPage: what is too long for a page gives mandoc no cause to complain.
func TestOddPage(t *testing.T) { mandoc.Lint(t, write(t, "man1", manual.Odd())[0]) }
