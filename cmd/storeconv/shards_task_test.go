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

	"imsconv/cmd/internal/peer"
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
	for range 100 {
		cmd := program(t, k.at(path)...)
		stderr := new(bytes.Buffer)
		cmd.Stderr = stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		awaitBegunOrEnd(t, cmd, func() bool { return k.running(path) })
		if stops(t, cmd) && k.running(path) {
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

// awaitBegunOrEnd waits until a run has begun to write, or is over.
func awaitBegunOrEnd(t *testing.T, cmd *exec.Cmd, begun func() bool) {
	t.Helper()
	peer.Await(t, strings.Join(cmd.Args, " ")+": has begun", func() bool {
		for range 10 { // a look a millisecond comes too late for a short run
			if begun() {
				return true
			}
			time.Sleep(100 * time.Microsecond)
		}
		return exits(cmd, unix.WNOHANG)
	})
}

// exits tells whether a process has ended, and leaves how to whoever waits for
// it.
func exits(cmd *exec.Cmd, options int) bool {
	var info unix.Siginfo
	err := unix.Waitid(unix.P_PID, cmd.Process.Pid, &info, unix.WEXITED|unix.WNOWAIT|options, nil)
	return err == nil && info.Signo != 0 && info.Code != cldStopped
}

// cldStopped is the code of a process that was stopped, of waitid(2).
const cldStopped = 5

// stops stops a process, and tells whether it does; if not, it has ended.
func stops(t *testing.T, cmd *exec.Cmd) bool {
	t.Helper()
	if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	return !exits(cmd, unix.WSTOPPED)
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

// awaitWaiter waits until a process waits for a lock of a file: the kernel
// lists such with an arrow (proc(5), /proc/locks).
func awaitWaiter(t *testing.T, lock *os.File) {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Fstat(int(lock.Fd()), &st); err != nil {
		t.Fatal(err)
	}
	inode := fmt.Sprintf(":%d ", st.Ino)
	peer.Await(t, "a process waits for "+lock.Name(), func() bool {
		locks, err := os.ReadFile("/proc/locks")
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(locks)) {
			if strings.Contains(line, "-> ") && strings.Contains(line, inode) {
				return true
			}
		}
		return false
	})
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
		awaitWaiter(t, lock)
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
	peer.Await(t, "the run has put somebody in place", begun)
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
	for range 100 {
		cmd := program(t, line...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		awaitBegunOrEnd(t, cmd, func() bool { return begun(out) })
		_ = cmd.Process.Kill() // it may have ended
		if cmd.Wait() != nil {
			return
		}
		remove(t, out)
	}
	t.Fatal("no run was met at work")
}
