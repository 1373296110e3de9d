package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"imsconv/cmd/internal/cli"
	"imsconv/ldifconv/testdir"
	"imsconv/storeconv/testsite"
)

// generated makes a SIMS site of some size.
func generated(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	export, err := os.Create(dir + "/export.ldif")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := testdir.WriteSIMS(export, testdir.Options{Seed: 7, Users: 300}); err != nil {
		t.Fatal(err)
	}
	stream, err := os.Create(dir + "/backup.sims")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := testsite.WriteStream(stream, testsite.StreamOptions{Seed: 7, Users: 40, Messages: 1500}, nil); err != nil {
		t.Fatal(err)
	}
	for _, f := range []*os.File{export, stream} {
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// plainList is a listing without what differs from run to run: inodes, and the
// times of files that are no messages.
func plainList(t *testing.T, root string) map[string]file {
	t.Helper()
	files := list(t, root)
	for name, f := range files {
		f.Inode = 0
		if !strings.HasSuffix(name, ".msg") {
			f.Mtime = 0
		}
		files[name] = f
	}
	return files
}

// generatedNMS makes an NMS site of some size.
func generatedNMS(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if _, err := testsite.WriteNMS(dir+"/store", testsite.NMSOptions{Seed: 7, Users: 40, Messages: 1500}); err != nil {
		t.Fatal(err)
	}
	export, err := os.Create(dir + "/export.ldif")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := testdir.WriteNMS(export, testdir.Options{Seed: 7, Users: 100}); err != nil {
		t.Fatal(err)
	}
	if err := export.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestKilledRunGoesOn kills a conversion at several moments; the same command
// given again ends with the same bytes as one that nobody disturbed.
func TestKilledRunGoesOn(t *testing.T) {
	if testing.Short() {
		t.Skip("kills the program several times")
	}
	t.Run("sims-offline", func(t *testing.T) { killAndGoOn(t, "sims-offline", generated(t)) })
	t.Run("nms-single", func(t *testing.T) { killAndGoOn(t, "nms-single", generatedNMS(t)) })
}

// converted runs a conversion that does not fail and returns its exit status:
// a generated export has values that no rule understands, each a problem.
func converted(t *testing.T, cmd *exec.Cmd) int {
	t.Helper()
	text, err := cmd.CombinedOutput()
	status := cmd.ProcessState.ExitCode()
	if err != nil && status != cli.ExitLost {
		t.Fatalf("%v\n%s", err, text)
	}
	return status
}

func killAndGoOn(t *testing.T, scenario, site string) {
	run := func(out string) *exec.Cmd {
		return exec.Command("siteconv", "run", "--scenario", scenario, "--site", site, "--out", out, "--default-domain", "siroe.com", "--quiet")
	}
	whole := filepath.Join(t.TempDir(), "whole")
	start := time.Now()
	status := converted(t, run(whole))
	took := time.Since(start)
	want := treeHash(t, whole)
	const moments = 7
	killed := 0
	for i := 1; i <= moments; i++ {
		out := filepath.Join(t.TempDir(), "out")
		cmd := run(out)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(took * time.Duration(i) / (moments + 1))
		cmd.Process.Kill()
		if cmd.Wait() != nil {
			killed++
		}
		if got := converted(t, run(out)); got != status {
			t.Errorf("killed at %d of %d: exit status %d, not %d", i, moments+1, got, status)
		}
		if treeHash(t, out) != want {
			t.Errorf("killed at %d of %d: another tree: %s", i, moments+1, cmp.Diff(plainList(t, whole), plainList(t, out)))
		}
	}
	if killed == 0 {
		t.Error("no run was killed in time")
	}
}
