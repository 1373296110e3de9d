package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/siteconv/internal/batches"
	"imsconv/cmd/siteconv/internal/outdir"
	"imsconv/storeconv/testsite"
)

// sameLines holds the file of all lines against what the report counts.
func sameLines(t *testing.T, dir string) {
	t.Helper()
	rep := readReport(t, dir)
	counts := map[string]int64{}
	for line := range strings.Lines(readFile(t, filepath.Join(dir, outdir.LinesName))) {
		f := strings.Split(line, "\t")
		counts[f[0]+" "+f[1]]++
	}
	for level, lines := range map[string]cli.Lines{"problem": rep.Problems, "warning": rep.Warnings} {
		for _, c := range lines.Kinds {
			if n := counts[level+" "+c.Name]; n != c.N {
				t.Errorf("%s: the report counts %d of the %s %s, %s has %d", dir, c.N, level, c.Name, outdir.LinesName, n)
			}
			delete(counts, level+" "+c.Name)
		}
	}
	for what, n := range counts {
		t.Errorf("%s: %s has %d of the %s, the report none", dir, outdir.LinesName, n, what)
	}
}

// TestEveryLineIsKept: what a run tells before its folder is its own, and what
// it finds by a stream that comes later, is in the report and in the file of
// all lines, once.
func TestEveryLineIsKept(t *testing.T) {
	dir, out := t.TempDir(), filepath.Join(t.TempDir(), "out")
	args := described("[export]\nlayout = 'fs'\n")(t, dir)
	convert(t, cli.ExitDone, append(args, "--out", out)...)
	sameLines(t, out)
	if rep := readReport(t, out); rep.Warnings.Kinds.Get("table-unused") != 1 {
		t.Errorf("%+v", rep.Warnings)
	}

	site := batchedSite(t)
	moved := filepath.Join(t.TempDir(), "moved")
	args = incremental(site, moved, "--new-host", "newmail") // host-short is told of the whole
	finished(t, args...)
	sameLines(t, moved)
	pilot := write(t, t.TempDir(), "pilot.txt", []byte(testsite.UserID(0)+"\nnobody\n"))
	args = append(args, "--batch", "pilot", "--users", pilot)
	stream := filepath.Join(site, "backup.sims")
	must(t, os.Rename(stream, stream+".later"))
	finished(t, args...)
	batch := batches.Dir(moved, "pilot")
	sameLines(t, batch)
	if rep := readReport(t, batch); rep.Warnings.Kinds.Get("mail-without-entry") != 1 {
		t.Errorf("nobody is not told once: %+v", rep.Warnings)
	}
	empty := write(t, t.TempDir(), "empty.sims", append(bytesOf(t, stream+".later")[:1024:1024], make([]byte, 10240)...))
	for _, stream := range []string{empty, stream + ".later"} {
		said := finished(t, append(args, "--stream", stream)...)
		sameLines(t, batch)
		rep := readReport(t, batch)
		if lost := rep.Problems.Kinds.Get("empty-mail"); (lost == 1) != (stream == empty) || (rep.Exit == cli.ExitLost) != strings.Contains(said, "problem: ") {
			t.Errorf("%s: exit %d, %+v\n%s", stream, rep.Exit, rep.Problems, said)
		}
	}
}
