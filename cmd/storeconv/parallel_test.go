package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"imsconv/cmd/internal/peer"
)

// TestParallel restores a site with deploy/parallel and the real GNU parallel.
// One task is killed in the middle; the same command again runs that task
// alone, and the whole is that of a run nobody disturbed.
func TestParallel(t *testing.T) {
	peer.Need(t, "parallel")
	d := deploySite(t, "", 2)
	cmd := func() (*exec.Cmd, *bytes.Buffer) {
		var out bytes.Buffer
		c := exec.Command(script(t, "parallel", "run.sh"), d.settings, "--jobs", "2")
		c.Env = append(os.Environ(), d.env...)
		c.Stdout, c.Stderr = &out, &out
		return c, &out
	}
	first, said := cmd()
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "part 2 is held", func() bool { return d.isHeld(2) })
	if err := syscall.Kill(d.held(2), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := first.Wait(); err == nil {
		t.Fatalf("a run with a killed task ended well\n%s", said)
	}
	if got := d.joblog(); got != "1:0 2:137 3:0 4:0" {
		t.Fatalf("the tasks ended with %s\n%s", got, said)
	}
	second, said := cmd()
	if err := second.Run(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	if got := d.joblog(); got != "1:0 2:0 3:0 4:0" {
		t.Errorf("the tasks of the second run ended with %s\n%s", got, said)
	}
	d.check()
}

// joblog are the last exit statuses of the tasks, by number.
func (d *deployed) joblog() string {
	d.t.Helper()
	text, err := os.ReadFile(filepath.Join(d.reports(), "shard.joblog"))
	if err != nil {
		d.t.Fatal(err)
	}
	exits := make([]string, deployParts)
	for line := range strings.Lines(string(text)) {
		f := strings.Split(line, "\t")
		if n, err := strconv.Atoi(f[0]); err == nil && len(f) > 6 {
			exits[n-1] = f[0] + ":" + f[6]
		}
	}
	return strings.Join(exits, " ")
}
