// Package measure runs a program and tells what it took. It is small on
// purpose: a process's peak memory begins with that of the process that starts
// it, so a program of little more than this stands between (measure/run).
package measure

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Usage is what one run of a program took.
type Usage struct {
	Wall    float64 `json:"wall_s"`
	CPU     float64 `json:"cpu_s"`      // user and system, children included
	Peak    int64   `json:"peak_bytes"` // of the largest process
	Foreign float64 `json:"foreign"`    // processors that others had meanwhile
}

// Job is what is run: a program, or a line of the shell, and perhaps a sync(1)
// of the file system of a path behind it.
type Job struct {
	Argv  []string `json:"argv"`
	Shell string   `json:"shell"`
	Dir   string   `json:"dir"`
	Sync  string   `json:"sync"`
	Own   bool     `json:"own"` // the program measures itself and writes "seconds", "cpu" and "peak" as JSON
}

// Run runs the job once. The process must not have run another before.
func (j Job) Run() (Usage, error) {
	argv := j.Argv
	if j.Shell != "" {
		argv = []string{"/bin/sh", "-c", j.Shell}
	}
	busy, began := busyTime(), time.Now()
	said, err := runQuietly(argv, j.Dir, j.Own)
	if err != nil {
		return Usage{}, err
	}
	if j.Sync != "" {
		if _, err := runQuietly([]string{"sync", "-f", j.Sync}, j.Dir, false); err != nil {
			return Usage{}, err
		}
	}
	u := Usage{Wall: time.Since(began).Seconds()}
	var self, children unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_CHILDREN, &children); err != nil {
		return u, err
	}
	if err := unix.Getrusage(unix.RUSAGE_SELF, &self); err != nil {
		return u, err
	}
	u.CPU, u.Peak = cpuOf(&children), children.Maxrss<<10
	if u.Wall > 0 {
		u.Foreign = max((busyTime()-busy-u.CPU-cpuOf(&self))/u.Wall, 0)
	}
	if j.Own {
		err = u.takeOver(said)
	}
	return u, err
}

// takeOver takes over what a program says of itself, which leaves out how it
// got ready.
func (u *Usage) takeOver(said []byte) error {
	var own struct {
		Seconds, CPU float64
		Peak         int64
	}
	if err := json.Unmarshal(said, &own); err != nil || own.Seconds <= 0 {
		return fmt.Errorf("the program says %.100q of itself: %w", said, err)
	}
	u.Wall, u.CPU, u.Peak = own.Seconds, own.CPU, own.Peak
	return nil
}

func cpuOf(r *unix.Rusage) float64 { return float64(r.Utime.Nano()+r.Stime.Nano()) / 1e9 }

// runQuietly runs a program, and tells what it complains of when it fails. What
// it writes is returned only when that is wanted.
func runQuietly(argv []string, dir string, wanted bool) ([]byte, error) {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var said, told bytes.Buffer
	cmd.Stderr = &told
	if wanted {
		cmd.Stdout = &said
	}
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s: %w: %.500s", strings.Join(argv, " "), err, bytes.TrimSpace(told.Bytes()))
	}
	return said.Bytes(), nil
}

// busyTime is the processor time that all programs of the machine have had, in
// seconds, to a hundredth; 0 when the system does not tell.
func busyTime() float64 {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(text), "\n")
	fields := strings.Fields(line)
	var ticks float64
	for i, f := range fields {
		if i == 0 || i == 4 || i == 5 || i > 8 { // the name, idle, waiting for disks, and guests, which user has
			continue
		}
		n, _ := strconv.ParseFloat(f, 64) // a number of the kernel's
		ticks += n
	}
	return ticks / 100
}
