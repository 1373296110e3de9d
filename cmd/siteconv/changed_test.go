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

// TestExportChanges: an export that changes while the directory is upgraded is
// a problem of that step, which the report has too.
func TestExportChanges(t *testing.T) {
	site, out := t.TempDir(), filepath.Join(t.TempDir(), "out")
	if err := os.CopyFS(site, os.DirFS(filepath.Join(sample, "sims"))); err != nil {
		t.Fatal(err)
	}
	export := filepath.Join(site, "export.ldif")
	talk := &touching{path: export, when: "warning:"}
	status := cli.Main(t.Context(), command(), []string{"siteconv", "run", "--scenario", "sims-offline", "--site", site, "--out", out}, strings.NewReader(""), new(bytes.Buffer), talk)
	if want := "problem: " + export + ": the file has changed since the run began"; status != cli.ExitLost || strings.Count(talk.String(), want) != 1 {
		t.Errorf("status %d, want one %q:\n%s", status, want, talk)
	}
	page, err := os.ReadFile(filepath.Join(out, "report.en.html"))
	if err != nil || !bytes.Contains(page, []byte("input-changed")) {
		t.Errorf("the page tells nothing of it: %v", err)
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
