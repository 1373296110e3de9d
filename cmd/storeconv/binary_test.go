package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"testing"

	"imsconv/cmd/internal/peer"
	mem "imsconv/storeconv/testsite/scratch"
)

// full says whether the long forms of the tests run.
var full = os.Getenv("IMSCONV_FULL") == "1"

// buildDir holds the binaries; TestMain removes it.
var buildDir string

// builtProgram builds the real program once a test run.
var builtProgram = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "storeconv-test-")
	if err != nil {
		return "", err
	}
	buildDir = dir
	return filepath.Join(dir, "storeconv"), build("storeconv")
})

// builtOthers builds the programs beside storeconv, once a test run, and
// returns the folder with all of them.
var builtOthers = sync.OnceValues(func() (string, error) {
	if _, err := builtProgram(); err != nil {
		return "", err
	}
	return buildDir, build("dbconv", "ldifconv")
})

// build builds programs into buildDir.
func build(names ...string) error {
	args := []string{"build", "-o", buildDir + "/"}
	for _, name := range names {
		args = append(args, "imsconv/cmd/"+name)
	}
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	return nil
}

// program returns a command of the real binary that is ready to start.
func program(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	path, err := builtProgram()
	if err != nil {
		t.Fatal(err)
	}
	return peer.Command(t, path, args...)
}

// outcome is how a process ended.
type outcome struct {
	exit           int
	stdout, stderr string
	rss            int64 // peak, bytes
}

// problems are the lines that tell of something refused, unreadable or lost.
func (o outcome) problems() []string {
	var lines []string
	for line := range strings.Lines(o.stderr) {
		if strings.Contains(line, ": problem: ") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

// run runs the program to its end.
func run(t testing.TB, stdin io.Reader, args ...string) outcome {
	t.Helper()
	cmd := program(t, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &stdout, &stderr
	forgetPeak()
	err := cmd.Run()
	if cmd.ProcessState == nil {
		t.Fatalf("%s: %v", args, err)
	}
	o := outcome{exit: cmd.ProcessState.ExitCode(), stdout: stdout.String(), stderr: stderr.String()}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		o.rss = usage.Maxrss << 10
	}
	return o
}

// forgetPeak lets go of the test's own memory, where that is much, and of its
// peak: a child begins with the peak of its parent (proc(5), clear_refs). Where
// that cannot be written, a child's peak may be the test's.
func forgetPeak() {
	const much = 32 << 20
	var pages, resident int64
	statm, err := os.ReadFile("/proc/self/statm")
	if err == nil {
		_, err = fmt.Sscan(string(statm), &pages, &resident)
	}
	if err != nil || resident*int64(os.Getpagesize()) > much {
		debug.FreeOSMemory()
	}
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0)
}

// mustRun runs the program and fails the test unless it ends with the exit
// status.
func mustRun(t testing.TB, exit int, args ...string) outcome {
	t.Helper()
	o := run(t, nil, args...)
	if o.exit != exit {
		t.Fatalf("storeconv %s: exit status %d, want %d\n%s", strings.Join(args, " "), o.exit, exit, o.stderr)
	}
	return o
}

// scratch is a directory for the tests that make and remove many thousand
// files: in memory where the machine has a place for that, since they test what
// a process leaves behind, not a disk.
func scratch(t testing.TB) string {
	t.Helper()
	return mem.Dir(t)
}
