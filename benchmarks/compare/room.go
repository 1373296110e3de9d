package main

import (
	"bufio"
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
	if st.Type == unix.TMPFS_MAGIC {
		memory, err := availableMemory("/proc/meminfo")
		if err != nil {
			return 0, err
		}
		free = min(free, memory)
	}
	return max(free-spareRoom, 0), nil
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
