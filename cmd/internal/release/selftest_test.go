package main

import (
	"bytes"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"imsconv/cmd/internal/cli"
)

// update has the expected sums written anew in place of being compared.
var update = flag.Bool("update", false, "write the sums of the self-test anew, of what the programs make now")

// selftestSites are the conversions of the self-test: by the names of their
// lists of sums, the arguments of siteconv run and the sample site.
var selftestSites = map[string][]string{
	"sims":    {"--scenario", "sims-offline", "--site", "sims"},
	"maildir": {"--scenario", "sims-offline", "--destination", "maildir", "--site", "sims"},
	"nms":     {"--scenario", "nms-single", "--via", "copy", "--site", "nms"},
}

// TestSelftestSums holds what the self-test expects of the sample sites against
// what the programs make of them now. After a change of output that is meant,
// the test with -update writes the lists.
func TestSelftestSums(t *testing.T) {
	root, err := filepath.Abs(filepath.Join("..", "..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	runIn(t, root, 0, "go", "build", "-o", bin, "./cmd/siteconv")
	for name, args := range selftestSites {
		out := filepath.Join(t.TempDir(), "out")
		line := append([]string{"run", "--quiet", "--out", out}, args[:len(args)-1]...)
		line = append(line, filepath.Join(root, "testdata", "site", args[len(args)-1]))
		runIn(t, root, 0, filepath.Join(bin, "siteconv"), line...)
		got := sumsBelow(t, out)
		path := filepath.Join(sumsDir, name+".sha256")
		if *update {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not what the programs make; where that is meant, -update writes it anew:\n%s", path, difference(want, got))
		}
	}
}

// difference are the lines that one list has and the other has not.
func difference(want, got []byte) string {
	lists := [2]map[string]bool{{}, {}}
	for i, text := range [][]byte{want, got} {
		for line := range strings.Lines(string(text)) {
			lists[i][line] = true
		}
	}
	var b strings.Builder
	for i, sign := range []string{"-", "+"} {
		for line := range lists[i] {
			if !lists[1-i][line] {
				b.WriteString(sign + line)
			}
		}
	}
	return b.String()
}

// sumsBelow lists the files of a conversion that are the same on every machine,
// as sha256sum does: without the reports, which have times and paths in them,
// what the programs keep for themselves, and the examples beside the mail.
func sumsBelow(t *testing.T, dir string) []byte {
	t.Helper()
	var b bytes.Buffer
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		top, rest, below := strings.Cut(name, "/")
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == ".imsconv":
			return fs.SkipDir
		case d.IsDir() || !below || top == "mail" && !strings.Contains(rest, "/"):
			return nil
		}
		sum, err := cli.FileSHA256(path)
		mark := ""
		if strings.Contains(name, `\`) { // sha256sum says so in front
			mark, name = `\`, strings.ReplaceAll(name, `\`, `\\`)
		}
		fmt.Fprintf(&b, "%s%s  %s\n", mark, sum, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
