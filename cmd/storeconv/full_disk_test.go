package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"imsconv/cmd/internal/peer"
	"imsconv/storeconv/testsite"
)

// shortOfSpace is a command that writes at a place, a store or a file.
type shortOfSpace struct {
	name    string
	program string
	args    func(place string) []string
	limits  []int // of a file, in KiB; the first is met
	exit    int   // with space enough
}

func shortOfSpaceCases(t *testing.T, dir string) []shortOfSpace {
	site := "../../testdata/site"
	stream, _ := writeStream(t, filepath.Join(dir, "site.sims"), testsite.StreamOptions{Seed: 4, Users: 6, Messages: 120, MedianSize: 8000, Links: 25})
	store := filepath.Join(dir, "whole")
	mustRun(t, 0, "restore", "-f", stream, "--store", store, "--quiet")
	folders := filepath.Join(store, "mboxlist", "folder.db")
	return []shortOfSpace{
		{"restore", "storeconv", func(to string) []string { return []string{"restore", "-f", stream, "--store", to} }, []int{1, 4, 16, 64, 256}, 0},
		{"relocate", "storeconv", func(to string) []string {
			return []string{"relocate", "--from", site + "/nms/store", "--store", to, "--via", "copy"}
		}, []int{1, 4, 16, 64}, 0},
		{"backup", "storeconv", func(to string) []string { return []string{"backup", "--store", store, "-f", to} }, []int{1, 64, 1024}, 0},
		{"convert", "dbconv", func(to string) []string { return []string{"convert", folders, to} }, []int{1, 8, 16}, 0},
		{"upgrade", "ldifconv", func(to string) []string {
			return []string{"upgrade", "-M", "sims", "-b", "o=internet", "-o", to, site + "/sims/export.ldif"}
		}, []int{1, 4}, 0},
	}
}

// programs is the folder with the real programs.
func programs(t *testing.T) string {
	t.Helper()
	dir, err := builtOthers()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// shell runs a command line.
func shell(t *testing.T, line string, args ...string) (exit int, stderr string) {
	t.Helper()
	cmd := peer.Command(t, "bash", append([]string{"-c", line}, args...)...)
	var text bytes.Buffer
	cmd.Stderr = &text
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), text.String()
}

// checkFailed wants a run that has failed to say so in one line.
func checkFailed(t *testing.T, what, stderr string) {
	t.Helper()
	errors := 0
	for line := range strings.Lines(stderr) {
		if strings.Contains(line, "conv: error: ") {
			errors++
		}
	}
	if errors != 1 || strings.Contains(stderr, "goroutine ") || strings.Contains(stderr, "panic") || strings.Contains(stderr, "pebble") {
		t.Errorf("%s:\n%s", what, stderr)
	}
}

// compare compares what a command has made. Each database has an identity of
// its own, so of those the records are compared.
func (c *shortOfSpace) compare(t *testing.T, what, programs, got, want string) {
	t.Helper()
	if c.program == "dbconv" {
		if exit, stderr := shell(t, `cmp <("$0" dump "$1") <("$0" dump "$2") >&2`, filepath.Join(programs, c.program), got, want); exit != 0 {
			t.Errorf("%s: %s", what, stderr)
		}
		return
	}
	diffTrees(t, what, readTree(t, got), readTree(t, want), true)
}

// TestFilesOfLimitedSize: where a write fails, a program says so in one line
// and ends with 1; the same command makes what it would have made, once it can.
func TestFilesOfLimitedSize(t *testing.T) {
	programs, dir := programs(t), scratch(t)
	for _, c := range shortOfSpaceCases(t, dir) {
		whole := filepath.Join(dir, "want-"+c.name)
		command := filepath.Join(programs, c.program)
		if exit, stderr := shell(t, `exec "$0" "$@"`, append([]string{command}, c.args(whole)...)...); exit != c.exit {
			t.Fatalf("%s: exit status %d\n%s", c.name, exit, stderr)
		}
		for i, limit := range c.limits {
			what := fmt.Sprintf("%s with %d KiB", c.name, limit)
			place := filepath.Join(dir, fmt.Sprintf("%s-%d", c.name, limit))
			args := append([]string{command}, c.args(place)...)
			exit, stderr := shell(t, fmt.Sprintf(`ulimit -f %d && exec "$0" "$@"`, limit), args...)
			switch {
			case exit == 1:
				checkFailed(t, what, stderr)
				if info, err := os.Stat(place); err == nil && info.Mode().IsRegular() {
					t.Errorf("%s: half a file is left", what)
				}
			case exit != c.exit || i == 0:
				t.Errorf("%s: exit status %d\n%s", what, exit, stderr)
			}
			if info, err := os.Stat(place); err == nil && info.Mode().IsRegular() {
				continue // it was not short of space
			}
			if exit, stderr := shell(t, `exec "$0" "$@"`, args...); exit != c.exit {
				t.Errorf("%s, then without: exit status %d\n%s", what, exit, stderr)
			}
			c.compare(t, what+", then without", programs, place, whole)
		}
	}
}

// TestFullDisk: the same on a file system of 2 MiB that is full, where the
// machine lets a test have one.
func TestFullDisk(t *testing.T) {
	if exec.Command("unshare", "-rm", "sh", "-c", "mount -t tmpfs none /mnt").Run() != nil {
		t.Skip("no file system can be mounted here")
	}
	programs, dir := programs(t), scratch(t)
	for _, c := range shortOfSpaceCases(t, dir) {
		whole := filepath.Join(dir, "want-"+c.name)
		command := filepath.Join(programs, c.program)
		if exit, stderr := shell(t, `exec "$0" "$@"`, append([]string{command}, c.args(whole)...)...); exit != c.exit {
			t.Fatalf("%s: exit status %d\n%s", c.name, exit, stderr)
		}
		// What is left of the disk grows until the command succeeds; then what it
		// has made is brought out.
		got := filepath.Join(dir, "got-"+c.name)
		script := `mount -t tmpfs -o size=2m none /mnt || exit 99
out=$1; shift
cat /dev/zero >/mnt/fill 2>/dev/null
all=$(stat -c %s /mnt/fill)
for left in 0 16 64 256 1024; do
	truncate -s $((all - left * 1024)) /mnt/fill
	echo "== $left KiB" >&2
	"$0" "$@"
	status=$?
	echo "== exit $status" >&2
	[ $status = 1 ] && [ -f /mnt/place ] && echo "conv: error: half a file is left" >&2
	[ -f /mnt/place ] && rm /mnt/place
done
mount -o remount,size=64m /mnt
echo "== enough" >&2
"$0" "$@"
status=$?
echo "== exit $status" >&2
cp -a /mnt/place "$out"`
		args := append([]string{"-rm", "bash", "-c", script, command, got}, c.args("/mnt/place")...)
		_, stderr := shell(t, `exec unshare "$@"`, append([]string{"-"}, args...)...)
		failed := 0
		for part := range strings.SplitSeq(stderr, " KiB\n") {
			if strings.Contains(part, "== exit 1\n") {
				failed++
				checkFailed(t, c.name+" on a full disk", part)
			}
		}
		if failed == 0 {
			t.Errorf("%s: the disk was never full:\n%s", c.name, stderr)
		}
		if _, err := os.Stat(got); err != nil {
			t.Fatalf("%s: %v\n%s", c.name, err, stderr)
		}
		c.compare(t, c.name+" on a full disk", programs, got, whole)
	}
}
