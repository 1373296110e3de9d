package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"imsconv/cmd/internal/peer"
)

// TestBenchInterrupt ends a measurement in its middle, in every way: nothing is
// left in the directory, nor of a directory that it had made, and an interrupt
// is answered within a second.
func TestBenchInterrupt(t *testing.T) {
	for _, tt := range []struct {
		sig    syscall.Signal
		until  string // what is there before the signal is sent
		there  bool   // the directory, before
		status int
	}{
		{syscall.SIGINT, "store/partition", true, 130},
		{syscall.SIGTERM, "bare", false, 130},
		{syscall.SIGKILL, "store/partition", false, -1},
		{syscall.SIGKILL, "stream", true, -1},
	} {
		dir := filepath.Join(scratch(t), "measured")
		if tt.there {
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
		}
		// The end comes within a second; on a busy machine that is as many times
		// longer as everything is, and not each time.
		took, most := time.Duration(0), time.Second
		for try := 0; try == 0 || took > most && try < 4; try++ {
			most = max(time.Second, 50*trifle(t))
			took = endBench(t, dir, tt.until, tt.sig, tt.status)
			if !tt.there {
				awaitFile(t, dir, false)
			}
		}
		if took > most {
			t.Errorf("%v: the end took %v, where %v is the most", tt.sig, took, most)
		}
	}
}

// trifle is what a run takes that does nothing: some 10 ms on a quiet machine.
func trifle(t *testing.T) time.Duration {
	t.Helper()
	began := time.Now()
	mustRun(t, 0, "version")
	return time.Since(began)
}

// endBench starts a measurement of as many rounds as there may be, and ends it
// when it has made what until names. It returns how long the end took.
func endBench(t *testing.T, dir, until string, sig syscall.Signal, status int) time.Duration {
	t.Helper()
	cmd := program(t, "bench", dir, "--messages", "4000", "--median", "2K", "--rounds", "10000")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	awaitFile(t, filepath.Join(dir, workName, until), true)
	began := time.Now()
	if err := cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != status {
		t.Errorf("%v: %v, want exit status %d\n%s", sig, err, status, stderr.Bytes())
	}
	took := time.Since(began)
	if stdout.Len() > 0 {
		t.Errorf("%v: half a measurement is told:\n%s", sig, stdout.Bytes())
	}
	awaitFile(t, filepath.Join(dir, workName), false)
	return took
}

// awaitFile waits until a file is there, or is not.
func awaitFile(t *testing.T, path string, there bool) {
	t.Helper()
	peer.Await(t, fmt.Sprintf("%s: there is %v", path, there), func() bool {
		_, err := os.Lstat(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
			t.Fatal(err)
		}
		return (err == nil) == there
	})
}

func TestBenchValues(t *testing.T) {
	for _, tt := range []struct {
		name  string
		value pflag.Value
		good  map[string]string
		bad   []string
	}{
		{"for", new(goalFlag), map[string]string{"1": "1", "2000000": "2000000", "5,1K": "5,1024"}, []string{"", "0", "-1", "x", "1,", "1,x", "1,0", "1,2,3", "1.5"}},
		{"jobs", new(jobsFlag), map[string]string{"1": "1", "1,2,4": "1,2,4", "0": "0", "4,1": "4,1"}, []string{"", ",", "1,", "1,1", "-1", "x", "2000"}},
		{"sync", new(syncsFlag), map[string]string{"none": "none", "user,batch,none": "user,batch,none"}, []string{"", "often", "none,", "none,none"}},
	} {
		for text, want := range tt.good {
			if err := tt.value.Set(text); err != nil || tt.value.String() != want {
				t.Errorf("%s %q: %q, %v", tt.name, text, tt.value, err)
			}
		}
		for _, text := range tt.bad {
			before := tt.value.String()
			if err := tt.value.Set(text); err == nil || tt.value.String() != before {
				t.Errorf("%s %q is taken as %q: %v", tt.name, text, tt.value, err)
			}
		}
	}
}
