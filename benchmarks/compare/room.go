package main

import (
	"bufio"
	"context"
	"io"
	"math"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// spareRoom is what inputs and results leave free, in bytes: programs work
// beside them.
const spareRoom = 1 << 30

// freeRoom is how much can be written below dir, in bytes. A file system in
// memory promises more than there is.
func freeRoom(dir string) (int64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, err
	}
	free := int64(st.Bavail) * st.Bsize
	if inMemory(&st) {
		memory, err := availableMemory("/proc/meminfo")
		if err != nil {
			return 0, err
		}
		free = min(free, memory)
	}
	return max(free-spareRoom, 0), nil
}

// inMemory tells a file system that is in memory.
func inMemory(st *unix.Statfs_t) bool { return st.Type == unix.TMPFS_MAGIC }

// warm has so many bytes of a file system in memory written once before
// anything is measured on them. A virtual machine is given a page by its host
// when it is first written to, which takes some ten times as long as writing
// it: who fills a large store first would pay for all who come after.
func warm(ctx context.Context, dir string, bytes int64) error {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil || !inMemory(&st) {
		return err
	}
	f, err := os.CreateTemp(dir, "warm")
	if err != nil {
		return err
	}
	defer f.Close()
	if err := os.Remove(f.Name()); err != nil { // a run that is killed leaves nothing
		return err
	}
	return fill(ctx, f, bytes)
}

// fill writes so many bytes.
func fill(ctx context.Context, w io.Writer, bytes int64) error {
	for buf := make([]byte, 1<<20); bytes > 0; bytes -= int64(len(buf)) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, err := w.Write(buf[:min(bytes, int64(len(buf)))]); err != nil {
			return err
		}
	}
	return nil
}

// freeFiles is how many files and directories can be made below dir. A file
// system in memory has a limit of its own; some others say of none.
func freeFiles(dir string) (int64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, err
	}
	if st.Files == 0 {
		return math.MaxInt64, nil
	}
	return int64(st.Ffree), nil
}

// availableMemory reads what the kernel has left for programs, in bytes.
func availableMemory(path string) (int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), "MemAvailable:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(text, "kB")), 10, 64)
			return kib << 10, err
		}
	}
	return 0, os.ErrNotExist
}

func gib(bytes int64) float64 { return float64(bytes) / (1 << 30) }
