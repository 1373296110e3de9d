package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"imsconv/cmd/internal/cli"
)

// TestInputChanges: an export that changes while the directory is upgraded, or
// a site.toml while the run looks at its inputs, is a problem of that step,
// which the report has too.
func TestInputChanges(t *testing.T) {
	for name, when := range map[string]string{"export.ldif": "warning:", "site.toml": "note:"} {
		site, out := t.TempDir(), filepath.Join(t.TempDir(), "out")
		if err := os.CopyFS(site, os.DirFS(filepath.Join(sample, "sims"))); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(site, "site.toml"), []byte("scenario = \"sims-offline\"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(site, name)
		talk := &touching{path: path, when: when}
		status := cli.Main(t.Context(), command(), []string{"siteconv", "run", "--site", site, "--out", out}, strings.NewReader(""), new(bytes.Buffer), talk)
		if want := "problem: " + path + ": the file has changed since the run began"; status != cli.ExitLost || strings.Count(talk.String(), want) != 1 {
			t.Errorf("%s: status %d, want one %q:\n%s", name, status, want, talk)
		}
		page, err := os.ReadFile(filepath.Join(out, "report.en.html"))
		if err != nil || !bytes.Contains(page, []byte("input-changed")) {
			t.Errorf("%s: the page tells nothing of it: %v", name, err)
		}
	}
}

// touching changes a file when it is first told something.
type touching struct {
	bytes.Buffer
	path, when string
	done       bool
}

func (w *touching) Write(p []byte) (int, error) {
	if !w.done && bytes.Contains(p, []byte(w.when)) {
		w.done = true
		if err := os.Chtimes(w.path, time.Time{}, time.Now().Add(time.Minute)); err != nil {
			return 0, err
		}
	}
	return w.Buffer.Write(p)
}
