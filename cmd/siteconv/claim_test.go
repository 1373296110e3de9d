package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/siteconv/internal/outdir"
)

// TestOneRunAtATime: a run keeps others out of its output folder from its first
// change to it on, and leaves it when it ends.
func TestOneRunAtATime(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	if err := os.Mkdir(out, 0o777); err != nil {
		t.Fatal(err)
	}
	args := []string{"--scenario", "nms-single", "--site", nmsSite(t), "--out", out}
	for _, more := range [][]string{nil, {"--force"}} {
		release, err := outdir.Hold(out)
		if err != nil {
			t.Fatal(err)
		}
		before := treeHash(t, out)
		said := convert(t, cli.ExitFailed, append(args, more...)...)
		if !strings.Contains(said, "another run is at work there") || treeHash(t, out) != before {
			t.Errorf("%q: the folder was written into, or:\n%s", more, said)
		}
		release()
		convert(t, cli.ExitDone, append(args, more...)...)
	}
}

// TestOwnerOfHardLinks: what can never be done is wrong usage, and told before
// anything is written.
func TestOwnerOfHardLinks(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	said := convert(t, cli.ExitUsage, "--scenario", "nms-single", "--site", nmsSite(t), "--out", out, "--via", "hardlink", "--owner", "7")
	if _, err := os.Stat(out); err == nil || !strings.Contains(said, "use --via copy") {
		t.Errorf("%s was made, or:\n%s", out, said)
	}
}
