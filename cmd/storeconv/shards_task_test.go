package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/testsite"
)

// task is a verb that makes one shard, as an engine runs it.
type task struct {
	name string
	line []string // without the destination
	into string   // the option of the destination
	busy string   // pattern of what is there, below or beside the destination, while it runs
}

// shardTasks are all verbs that write, on sources of some size.
func shardTasks(t *testing.T, dir string) (stream string, tasks []task) {
	t.Helper()
	stream, _ = writeStream(t, filepath.Join(dir, "site.sims"), testsite.StreamOptions{Seed: 35, Users: 60, Mailboxes: 2, Messages: 1800, Links: 10})
	from := filepath.Join(dir, "nms")
	if _, err := testsite.WriteNMS(from, testsite.NMSOptions{Seed: 36, Users: 60, Messages: 1800}); err != nil {
		t.Fatal(err)
	}
	store, mail := filepath.Join(dir, "store"), filepath.Join(dir, "mail")
	mustRun(t, 0, "restore", "-f", stream, "--store", store, "--quiet")
	mustRun(t, 0, "export", "--store", store, "--out", mail, "--quiet")
	run := []string{"--jobs", "1", "--sync", "user", "--quiet", "--shard", "2/3"}
	return stream, []task{
		{"restore", slices.Concat([]string{"restore", "-f", stream}, run), "--store", "/.imsconv/restore-*"},
		{"relocate", slices.Concat([]string{"relocate", "--from", from, "--via", "copy"}, run), "--store", "/.imsconv/relocate-*"},
		{"export", slices.Concat([]string{"export", "--store", store}, run), "--out", "/.imsconv/export-*"},
		{"export of a stream", slices.Concat([]string{"export", "-f", stream}, run), "--out", "/.imsconv/export-*"},
		{"backup", []string{"backup", "--store", store, "--jobs", "1", "--quiet", "--shard", "2/3"}, "-f", ".imsconv.tmp"},
		{"tree to stream", []string{"restore", "-f", mail, "--quiet", "--shard", "2/3"}, "--to-stream", ".imsconv.tmp"},
	}
}

// at is the whole line with a destination.
func (k *task) at(path string) []string { return append(slices.Clone(k.line), k.into, path) }

// running tells whether a process has begun to write.
func (k *task) running(path string) bool {
	pattern := path + k.busy
	if !strings.HasPrefix(k.busy, "/") {
		pattern = filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+k.busy)
	}
	found, err := filepath.Glob(pattern)
	return err == nil && len(found) > 0
}

// stopped starts the line and stops the process as soon as it has begun.
func (k *task) stopped(t *testing.T, path string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	for range 20 {
		cmd := program(t, k.at(path)...)
		stderr := new(bytes.Buffer)
		cmd.Stderr = stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(5 * time.Second); !k.running(path) && time.Now().Before(end); {
			time.Sleep(200 * time.Microsecond)
		}
		if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Millisecond)
		if k.running(path) {
			return cmd, stderr
		}
		_ = cmd.Process.Signal(syscall.SIGCONT) // it was too quick
		if err := cmd.Wait(); err != nil {
			t.Fatalf("%v\n%s", err, stderr)
		}
		remove(t, path)
	}
	t.Fatalf("%s: no run was met at work", k.name)
	return nil, nil
}

// TestOneShardOneProcess: a process that finds another one at work on its shard
// says so and ends with 1; the other one does not notice. A process of another
// shard may have to wait for a lock that the stopped one holds, so it is only
// begun meanwhile.
func TestOneShardOneProcess(t *testing.T) {
	dir := scratch(t)
	_, tasks := shardTasks(t, dir)
	for _, k := range tasks {
		path := filepath.Join(dir, "out")
		first, stderr := k.stopped(t, path)
		second := run(t, nil, k.at(path)...)
		other := program(t, append(k.at(path), "--shard", "1/3")...)
		var text bytes.Buffer
		other.Stderr = &text
		if err := other.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
		if err := first.Process.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
		if err := first.Wait(); err != nil {
			t.Errorf("%s: the first process: %v\n%s", k.name, err, stderr)
		}
		if second.exit != 1 || !strings.Contains(second.stderr, "shard 2 of 3: another process is") {
			t.Errorf("%s: the second process ends with %d\n%s", k.name, second.exit, second.stderr)
		}
		if err := other.Wait(); strings.HasPrefix(k.busy, "/") && err != nil {
			t.Errorf("%s: another shard: %v\n%s", k.name, err, &text)
		}
		if again := run(t, nil, k.at(path)...); strings.HasPrefix(k.busy, "/") && again.exit != 0 {
			t.Errorf("%s: once more ends with %d\n%s", k.name, again.exit, again.stderr)
		}
		remove(t, path)
	}
}

// TestInterruptedWhileItWaits: a process that waits for a lock which another
// one holds, and will hold for ever, ends when it is told to.
func TestInterruptedWhileItWaits(t *testing.T) {
	dir := scratch(t)
	_, tasks := shardTasks(t, dir)
	for _, k := range tasks[:4] {
		store := filepath.Join(dir, "locked")
		if err := os.MkdirAll(filepath.Join(store, ".imsconv"), 0o700); err != nil {
			t.Fatal(err)
		}
		lock, err := os.Create(filepath.Join(store, ".imsconv", "lock"))
		if err != nil {
			t.Fatal(err)
		}
		defer lock.Close()
		// The mailbox lists and the start of a run are the bytes 1 and 2.
		if err := unix.FcntlFlock(lock.Fd(), unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_WRLCK, Start: 1, Len: 2}); err != nil {
			t.Fatal(err)
		}
		cmd := program(t, k.at(store)...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(300 * time.Millisecond) // more than it takes to come to the lock
		if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		if _ = cmd.Wait(); cmd.ProcessState.ExitCode() != 130 {
			t.Errorf("%s: exit status %d\n%s", k.name, cmd.ProcessState.ExitCode(), &stderr)
		}
		remove(t, store)
	}
}

// TestKilledShard: a task that an engine ends, with SIGTERM and then SIGKILL,
// goes on when it is run again, and leaves what a task leaves that nobody
// disturbed. The stream comes through a pipe, of which no more than a part has
// come by then.
func TestKilledShard(t *testing.T) {
	dir := scratch(t)
	stream, _ := writeStream(t, filepath.Join(dir, "site.sims"), testsite.StreamOptions{Seed: 37, Users: 60, Mailboxes: 2, Messages: 1800, Links: -1})
	plan := filepath.Join(dir, "plan")
	mustRun(t, 0, "plan-shards", "--shards", "2", "--out", plan, "--links", "copy", stream)
	data, err := os.ReadFile(stream)
	if err != nil {
		t.Fatal(err)
	}
	whole := filepath.Join(dir, "whole")
	line := []string{"restore", "-f", "-", "--store", whole, "--shard", "2/2", "--plan", plan, "--sync", "user", "--quiet", "--report", filepath.Join(dir, "report")}
	begun := hasAny("partition/primary/=user/*/*/=*")
	if o := run(t, bytes.NewReader(data), line...); o.exit != 0 {
		t.Fatal(o.stderr)
	}
	want := readTree(t, whole)
	remove(t, whole)
	for _, signals := range [][]syscall.Signal{{syscall.SIGKILL}, {syscall.SIGTERM, syscall.SIGKILL}, {syscall.SIGTERM}} {
		killWhileFed(t, line, data, func() bool { return begun(whole) }, signals)
		if o := run(t, bytes.NewReader(data), line...); o.exit != 0 {
			t.Fatalf("after %v: exit status %d\n%s", signals, o.exit, o.stderr)
		}
		if countOf(t, filepath.Join(dir, "report"), "users of an interrupted run") == 0 {
			t.Errorf("after %v: nothing of the first run was of use", signals)
		}
		diffTrees(t, fmt.Sprintf("after %v", signals), readTree(t, whole), want, true)
		remove(t, whole)
	}
}

// hasAny tells whether a folder has something of a pattern.
func hasAny(pattern string) func(string) bool {
	return func(dir string) bool {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		return err == nil && len(found) > 0
	}
}

// killWhileFed feeds three quarters of the data to a run and sends it the
// signals once it has begun.
func killWhileFed(t *testing.T, line []string, data []byte, begun func() bool, signals []syscall.Signal) {
	t.Helper()
	cmd := program(t, line...)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	fed := make(chan struct{})
	go func() {
		defer close(fed)
		_, _ = io.Copy(in, bytes.NewReader(data[:len(data)/4*3])) // ends with an error when the reader is killed first
	}()
	for end := time.Now().Add(20 * time.Second); !begun(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Error("the run has put nobody in place")
			break
		}
	}
	for _, s := range signals {
		if err := cmd.Process.Signal(s); err != nil {
			t.Logf("%v: %v", s, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
	err = cmd.Wait()
	<-fed
	in.Close()
	if err == nil {
		t.Error("the run was at its end before it was killed")
	}
}

// countOf is a count of a report.
func countOf(t *testing.T, path, name string) int64 {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var report struct {
		Counts map[string]int64 `json:"counts"`
	}
	if err := json.Unmarshal(text, &report); err != nil {
		t.Fatal(err)
	}
	return report.Counts[name]
}

// TestKilledTask: the same of a relocation and of an export, which are killed
// as soon as they have put somebody in place.
func TestKilledTask(t *testing.T) {
	dir := scratch(t)
	_, tasks := shardTasks(t, dir)
	out, report := filepath.Join(dir, "out"), filepath.Join(dir, "report")
	for _, tt := range []struct {
		task
		pattern string
	}{
		{tasks[1], "partition/*/=user/*/*/=*"},
		{tasks[2], "*/Maildir/cur"},
	} {
		mustRun(t, 0, tt.at(out)...)
		want := readTree(t, out)
		remove(t, out)
		killBegun(t, tt.at(out), out, hasAny(tt.pattern))
		mustRun(t, 0, append(tt.at(out), "--report", report)...)
		if countOf(t, report, "already there") == 0 {
			t.Errorf("%s: nothing of the first run was of use", tt.name)
		}
		diffTrees(t, tt.name+": after the second run", readTree(t, out), want, true)
		remove(t, out)
	}
}

// killBegun runs a line and kills it when it has begun.
func killBegun(t *testing.T, line []string, out string, begun func(string) bool) {
	t.Helper()
	for range 20 {
		cmd := program(t, line...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(5 * time.Second); !begun(out) && time.Now().Before(end); {
			time.Sleep(time.Millisecond)
		}
		_ = cmd.Process.Kill() // it may have ended
		if cmd.Wait() != nil {
			return
		}
		remove(t, out)
	}
	t.Fatal("no run was met at work")
}
