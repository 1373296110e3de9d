package main

import (
	"os"
	"path/filepath"
	"testing"

	"imsconv/cmd/internal/cli"
)

// TestPrivateExport: what is made of an export that is for its owner alone is
// so too, except the schema, which accounts of servers read.
func TestPrivateExport(t *testing.T) {
	site, out := filepath.Join(t.TempDir(), "sims"), filepath.Join(t.TempDir(), "out")
	must(t, os.CopyFS(site, os.DirFS(sample+"/sims")))
	must(t, os.Chmod(filepath.Join(site, "export.ldif"), 0o600))
	convert(t, cli.ExitDone, "--scenario", "sims-offline", "--site", site, "--out", out)
	for pattern, want := range map[string]os.FileMode{"ldif/*": 0o600, "report.json": 0o600, "schema/*": 0o644} {
		files, err := filepath.Glob(filepath.Join(out, pattern))
		if err != nil || len(files) == 0 {
			t.Fatal(pattern, files, err)
		}
		for _, file := range files {
			if st, err := os.Stat(file); err != nil || st.Mode().Perm() != want {
				t.Errorf("%s: %v, want %o: %v", file, st.Mode(), want, err)
			}
		}
	}
}
