package benchmarks

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// BenchmarkCreate compares the ways of making a message file of 11 KB that were
// tried for restore, on a memory file system: by path through package os,
// through os.Root, relative to a descriptor of the mailbox, relative to one of
// the hash directory nn (what restore does), and the latter with fallocate,
// with the date set by name, and in two writes. The metric that counts is
// cpu-us/file: user and system time of the process.
func BenchmarkCreate(b *testing.B) {
	base, err := os.MkdirTemp("/dev/shm", "imsconv-bench-")
	if err != nil {
		b.Skip(err)
	}
	defer os.RemoveAll(base)
	body := make([]byte, 11<<10)
	for _, way := range []struct {
		name   string
		create func(d *createDir, i int) error
	}{
		{"os.OpenFile", func(d *createDir, i int) error { return writeFile(os.OpenFile)(filepath.Join(d.path, nnName(i)), body) }},
		{"os.Root", func(d *createDir, i int) error { return writeFile(d.root.OpenFile)(nnName(i), body) }},
		{"openat", func(d *createDir, i int) error { return openat(d.fd, nnName(i), body, nil) }},
		{"openat-nn", func(d *createDir, i int) error { return openat(d.nn, strconv.Itoa(i), body, nil) }},
		{"openat-nn-fallocate", func(d *createDir, i int) error {
			return openat(d.nn, strconv.Itoa(i), body, func(fd int) error { return unix.Fallocate(fd, 0, 0, int64(len(body))) })
		}},
		{"openat-nn-date-by-name", func(d *createDir, i int) error {
			if err := openat(d.nn, strconv.Itoa(i), body, nil); err != nil {
				return err
			}
			return unix.UtimesNanoAt(d.nn, strconv.Itoa(i), []unix.Timespec{{Sec: 1}, {Sec: 1}}, 0)
		}},
		{"openat-nn-two-writes", func(d *createDir, i int) error {
			return openat(d.nn, strconv.Itoa(i), body[5000:], func(fd int) error {
				_, err := unix.Write(fd, body[:5000])
				return err
			})
		}},
	} {
		b.Run(way.name, func(b *testing.B) {
			d := newCreateDir(b, filepath.Join(base, way.name))
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			start, i := processCPU(b), 0
			for b.Loop() {
				if err := way.create(d, i); err != nil {
					b.Fatal(err)
				}
				i++
			}
			b.ReportMetric((processCPU(b)-start)*1e6/float64(b.N), "cpu-us/file")
			os.RemoveAll(d.path)
		})
	}
}

// createDir is a mailbox with its hundred hash directories, open in several
// ways.
type createDir struct {
	path   string
	root   *os.Root
	fd, nn int
}

func newCreateDir(b *testing.B, path string) *createDir {
	d := &createDir{path: path}
	for i := range 100 {
		if err := os.MkdirAll(filepath.Join(path, fmt.Sprintf("%02d", i)), 0o700); err != nil {
			b.Fatal(err)
		}
	}
	var err error
	if d.root, err = os.OpenRoot(path); err != nil {
		b.Fatal(err)
	}
	if d.fd, err = unix.Open(path, unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err != nil {
		b.Fatal(err)
	}
	if d.nn, err = unix.Openat(d.fd, "00", unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		d.root.Close()
		unix.Close(d.fd)
		unix.Close(d.nn)
	})
	return d
}

func nnName(i int) string { return fmt.Sprintf("%02d/%d", i/100%100, i) }

// writeFile makes a file with an OpenFile of package os.
func writeFile(open func(string, int, os.FileMode) (*os.File, error)) func(string, []byte) error {
	return func(name string, body []byte) error {
		f, err := open(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		if _, err := f.Write(body); err != nil {
			return err
		}
		return f.Close()
	}
}

// openat makes a file relative to a descriptor; before is called with the open
// file.
func openat(dir int, name string, body []byte, before func(fd int) error) error {
	fd, err := unix.Openat(dir, name, unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if before != nil {
		if err := before(fd); err != nil {
			return err
		}
	}
	_, err = unix.Write(fd, body)
	return err
}

// processCPU is the user and system time of the process so far, in seconds.
func processCPU(b *testing.B) float64 {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return float64(r.Utime.Sec+r.Stime.Sec) + float64(r.Utime.Usec+r.Stime.Usec)/1e6
}
