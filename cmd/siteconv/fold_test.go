package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"imsconv/cmd/internal/manual"
	"imsconv/cmd/siteconv/internal/fold"
)

// TestSummaryFitsATerminal: of what init and run say on standard output, prose
// is no wider than a terminal.
func TestSummaryFitsATerminal(t *testing.T) {
	dir := t.TempDir()
	must(t, os.CopyFS(filepath.Join(dir, "site"), os.DirFS(sample+"/sims")))
	t.Chdir(dir)
	for _, args := range [][]string{{"init", "site"}, {"run", "--site", "site", "--out", "out", "--scenario", "sims-online", "--new-host", "new.siroe.com", "--sync", "none"}} {
		_, stdout, _ := siteconv(t, args...)
		for line := range strings.Lines(stdout) {
			text := strings.TrimSuffix(line, "\n")
			if len(text) > manual.Columns && !fold.IsCommand(strings.TrimLeft(text, " #")) {
				t.Errorf("%s: %d columns: %s", args[0], len(text), text)
			}
		}
	}
}
