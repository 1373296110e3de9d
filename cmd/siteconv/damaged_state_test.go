package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/siteconv/internal/batches"
	"imsconv/cmd/siteconv/internal/outdir"
)

// TestDamagedState: a state that is cut is told with what to do, by every verb
// that reads it.
func TestDamagedState(t *testing.T) {
	site := batchedSite(t)
	moved := filepath.Join(t.TempDir(), "moved")
	finished(t, incremental(site, moved)...)
	finished(t, incremental(site, moved, "--batch", "b", "--filter", "(uid=*)")...)
	for _, path := range []string{filepath.Join(moved, outdir.StateName), filepath.Join(batches.Dir(moved, "b"), outdir.StateName), filepath.Join(batches.Dir(moved, "b"), "report.json")} {
		kept := bytesOf(t, path)
		must(t, os.WriteFile(path, kept[:len(kept)/2], 0o600))
		for _, args := range [][]string{
			{"status", moved}, append([]string{"run"}, incremental(site, moved, "--batch", "c", "--filter", "(uid=*)")...), append([]string{"run"}, incremental(site, moved, "--closing")...),
		} {
			code, stdout, stderr := siteconv(t, args...)
			if code != cli.ExitFailed || !strings.Contains(stderr, "unexpected end of JSON input") || !strings.Contains(stderr, "hint: the file is cut or changed") {
				t.Errorf("%s, %q: exit %d\n%s%s", path, args[:1], code, stdout, stderr)
			}
		}
		must(t, os.WriteFile(path, kept, 0o600))
	}
}
