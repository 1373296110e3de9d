package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"imsconv/cmd/internal/peer"
)

// TestSlurm restores a site with deploy/slurm and a real Slurm: a plan, an
// array of four tasks that make parts, a dependent merge, an array that
// verifies. Each of the four ends in the middle, in a way of its own, and is
// run again: as when it is preempted, requeued, out of time, killed. The whole
// is that of a run nobody disturbed.
func TestSlurm(t *testing.T) {
	slurm := peer.NewSlurm(t, deployParts)
	d := deploySite(t, "PARTS=$(dirname $STORE)/parts", 1, 2, 3, 4)
	jobs := d.submit(slurm)
	slurm.Until("all parts are held", func() bool { return d.isHeld(1) && d.isHeld(2) && d.isHeld(3) && d.isHeld(4) })
	var pids [deployParts + 1]int
	for part := 1; part <= deployParts; part++ {
		pids[part] = d.held(part)
	}
	slurm.Ask("scancel", "--batch", "--signal=TERM", jobs["shard"]+"_1")
	slurm.Ask("scontrol", "requeue", jobs["shard"]+"_2")
	slurm.Ask("scancel", "--batch", "--signal=USR1", jobs["shard"]+"_3")
	if err := syscall.Kill(pids[4], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	slurm.Until("all jobs have ended", func() bool { return slurm.Ask("squeue", "-h") == "" })
	for part := 1; part <= deployParts; part++ {
		if got := slurm.Field(fmt.Sprintf("%s_%d", jobs["shard"], part), "Restarts"); got != "1" {
			t.Errorf("part %d was run again %s times, want 1", part, got)
		}
	}
	for _, step := range [...]string{"plan", "shard_1", "shard_2", "shard_3", "shard_4", "merge", "verify_1", "verify_2", "verify_3", "verify_4"} {
		if state := state(slurm, jobs, step); state != "COMPLETED" {
			t.Errorf("%s is %s", step, state)
		}
	}
	if t.Failed() {
		t.Log(d.logs())
	}
	// Names in the parts are links of the messages too.
	if err := os.RemoveAll(filepath.Join(d.dir, "parts")); err != nil {
		t.Fatal(err)
	}
	d.check()
	d.cancelled(slurm)
}

// cancelled submits the conversion once more, and cancels a task in the middle:
// it does not rise again, and what depends on it does not wait for ever.
func (d *deployed) cancelled(slurm *peer.Slurm) {
	d.t.Helper()
	text, err := os.ReadFile(d.settings)
	if err != nil {
		d.t.Fatal(err)
	}
	put(d.t, d.settings, string(text)+"\nPARTS= STORE=$STORE.2 REPORTS=$REPORTS.2\n")
	if err := os.Rename(filepath.Join(d.hold, "held.1"), filepath.Join(d.hold, "want.1")); err != nil {
		d.t.Fatal(err)
	}
	jobs := d.submit(slurm)
	slurm.Until("part 1 is held", func() bool { return d.isHeld(1) })
	slurm.Ask("scancel", jobs["shard"]+"_1")
	slurm.Until("all jobs have ended", func() bool { return slurm.Ask("squeue", "-h") == "" })
	for step, want := range map[string]string{"shard_1": "CANCELLED", "shard_2": "COMPLETED", "merge": "CANCELLED", "verify": "CANCELLED"} {
		if state := state(slurm, jobs, step); state != want {
			d.t.Errorf("%s is %s, want %s", step, state, want)
		}
	}
	if n := slurm.Field(jobs["shard"]+"_1", "Restarts"); n != "0" {
		d.t.Errorf("a cancelled task was run again %s times", n)
	}
}

// submit submits the conversion, and returns the jobs of its steps.
func (d *deployed) submit(slurm *peer.Slurm) map[string]string {
	d.t.Helper()
	cmd := peer.Command(d.t, script(d.t, "slurm", "submit.sh"), d.settings)
	cmd.Env = append(slurm.Env(), d.env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		d.t.Fatalf("%v\n%s", err, out)
	}
	jobs := make(map[string]string)
	for line := range strings.Lines(string(out)) {
		step, id, _ := strings.Cut(strings.TrimSpace(line), " ")
		jobs[step] = id
	}
	return jobs
}

// state is the state of a step, or of one task of it, as shard_2.
func state(slurm *peer.Slurm, jobs map[string]string, step string) string {
	step, task, array := strings.Cut(step, "_")
	id := jobs[step]
	if array {
		id += "_" + task
	}
	return slurm.Field(id, "JobState")
}

// logs are the logs of all jobs.
func (d *deployed) logs() string {
	var b strings.Builder
	logs, _ := filepath.Glob(filepath.Join(d.reports(), "*.log")) // the pattern is right
	for _, log := range logs {
		text, err := os.ReadFile(log)
		fmt.Fprintf(&b, "%s (%v):\n%s", filepath.Base(log), err, text)
	}
	return b.String()
}
