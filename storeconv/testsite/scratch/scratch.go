// Package scratch gives tests folders in memory: many of them make and remove
// thousands of files, and look at what a program leaves, not at a disk.
package scratch

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// memory is where Linux has a file system in memory.
const memory = "/dev/shm"

// prefix begins the names of all folders, whatever test has made them.
const prefix = "imsconv-scratch-"

// Dir is a folder that goes with the test. It is in memory where the machine
// has a place for that with 2 GiB and a million files to spare, and otherwise
// where temporary files are. What tests that were killed have left in memory is
// removed before.
func Dir(t testing.TB) string {
	t.Helper()
	sweep(memory)
	var fs unix.Statfs_t
	if err := unix.Statfs(memory, &fs); err != nil || fs.Bavail*uint64(fs.Bsize) < 2<<30 || fs.Ffree < 1<<20 {
		return t.TempDir()
	}
	dir, err := makeIn(t, memory)
	if err != nil {
		return t.TempDir()
	}
	return dir
}

// makeIn makes a folder, and holds a lock on it until the end of the test: who
// has none is dead.
func makeIn(t testing.TB, parent string) (string, error) {
	dir, err := os.MkdirTemp(parent, prefix)
	if err != nil {
		return "", err
	}
	held, err := lock(dir)
	if err != nil {
		os.RemoveAll(dir)
		return "", err
	}
	t.Cleanup(func() {
		defer held.Close()
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir, nil
}

// lock locks a folder for as long as the file is open.
func lock(dir string) (*os.File, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// young is the age below which a folder may not have its lock yet.
const young = time.Minute

// sweep removes the folders whose tests are dead. That one cannot be removed is
// for the next to find.
func sweep(parent string) {
	found, _ := filepath.Glob(filepath.Join(parent, prefix+"*")) // the pattern is right
	for _, dir := range found {
		info, err := os.Stat(dir)
		if err != nil || time.Since(info.ModTime()) < young {
			continue
		}
		if held, err := lock(dir); err == nil {
			_ = os.RemoveAll(dir)
			held.Close()
		}
	}
}
