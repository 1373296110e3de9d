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
		c := peer.Command(t, script(t, "parallel", "run.sh"), d.settings, "--jobs", "2")
		c.Env = append(os.Environ(), d.env...)
		c.Stdout, c.Stderr = &out, &out
		return c, &out
	}
	first, said := cmd()
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	peer.Await(t, "part 2 is held", func() bool { return d.isHeld(2) })
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

// TestParallelStatus: however many parts fail, run.sh ends with 1, and with 3
// when verify has found faults in any number of them. parallel ends with the
// number.
func TestParallelStatus(t *testing.T) {
	peer.Need(t, "parallel")
	dir := scratch(t)
	program := filepath.Join(dir, "storeconv")
	put(t, program, `#!/bin/sh
case $1 in
restore) exit "${SHARD_ENDS:-0}" ;;
verify) exit "${VERIFY_ENDS:-0}" ;;
esac
`)
	if err := os.Chmod(program, 0o700); err != nil {
		t.Fatal(err)
	}
	for i, tt := range []struct {
		own, env string
		exit     int
	}{
		{"", "", 0},
		{"", "SHARD_ENDS=1", 1},
		{"", "SHARD_ENDS=3", 0},
		{"", "VERIFY_ENDS=3", 3},
		{"", "VERIFY_ENDS=1", 1},
		{"SHARDS=2", "VERIFY_ENDS=3", 3},
		{"SHARDS=2", "SHARD_ENDS=130", 1},
	} {
		home := filepath.Join(dir, strconv.Itoa(i))
		if err := os.Mkdir(home, 0o700); err != nil {
			t.Fatal(err)
		}
		s := newStepper(t, home, "restore", "source", "PLAN= STORECONV="+program+"\n"+tt.own)
		c := peer.Command(t, script(t, "parallel", "run.sh"), s.settings, "--jobs", "2")
		c.Env = append(os.Environ(), tt.env)
		out, _ := c.CombinedOutput()
		if got := c.ProcessState.ExitCode(); got != tt.exit {
			t.Errorf("%s %s: exit status %d, want %d\n%s", tt.own, tt.env, got, tt.exit, out)
		}
	}
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
