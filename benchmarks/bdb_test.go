package benchmarks

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"sync"
	"syscall"
	"testing"

	"imsconv/dbconv"
	"imsconv/dbconv/bdb"
)

// bdbRecords is the number of records: a million in the full run.
func bdbRecords() int {
	if os.Getenv("IMSCONV_FULL") == "1" {
		return 1_000_000
	}
	return 100_000
}

// eachBDBRecord makes small records: a 12-byte key and a 31-byte value.
func eachBDBRecord(order []int, fn func(key, value []byte)) {
	rnd := rand.New(rand.NewSource(1))
	var key, value []byte
	for _, i := range order {
		key = fmt.Appendf(key[:0], "key%09d", i)
		value = value[:0]
		for range 31 {
			value = append(value, byte('a'+rnd.Intn(26)))
		}
		fn(key, value)
	}
}

func rising(n int) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	return order
}

// bdbText writes those records as db_dump prints them.
func bdbText(b *testing.B, dst io.Writer, order []int) {
	b.Helper()
	w := bufio.NewWriter(dst)
	fmt.Fprint(w, "VERSION=3\nformat=print\ntype=btree\ndb_pagesize=8192\nHEADER=END\n")
	eachBDBRecord(order, func(key, value []byte) { fmt.Fprintf(w, " %s\n %s\n", key, value) })
	fmt.Fprint(w, "DATA=END\n")
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
}

func shuffled(n int) []int { return rand.New(rand.NewSource(2)).Perm(n) }

// bdbFile writes the records as a version 6 big-endian file.
func bdbFile(b *testing.B, path string) {
	b.Helper()
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	w, err := bdb.NewWriter(f, bdb.WriterOptions{Name: "bench"})
	if err != nil {
		b.Fatal(err)
	}
	eachBDBRecord(rising(bdbRecords()), func(key, value []byte) {
		if err := w.Put(key, value); err != nil {
			b.Fatal(err)
		}
	})
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
}

// discardAt is a destination that costs nothing.
type discardAt struct{}

func (discardAt) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }

// BenchmarkBDB measures the conversions in this process, without a destination.
func BenchmarkBDB(b *testing.B) {
	path := filepath.Join(b.TempDir(), "v6.db")
	bdbFile(b, path)
	src, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer src.Close()
	st, err := src.Stat()
	if err != nil {
		b.Fatal(err)
	}
	ctx := context.Background()
	var text, mixed bytes.Buffer
	bdbText(b, &text, rising(bdbRecords()))
	bdbText(b, &mixed, shuffled(bdbRecords()))
	for _, bench := range []struct {
		name string
		run  func() error
	}{
		{"convert", func() error {
			_, err := dbconv.Convert(ctx, discardAt{}, io.NewSectionReader(src, 0, st.Size()), dbconv.ConvertOptions{Output: dbconv.Output{ByteOrder: binary.LittleEndian}})
			return err
		}},
		{"dump", func() error {
			_, err := dbconv.Dump(ctx, io.Discard, io.NewSectionReader(src, 0, st.Size()), dbconv.DumpOptions{})
			return err
		}},
		{"load", func() error {
			_, err := dbconv.Load(ctx, discardAt{}, bytes.NewReader(text.Bytes()), dbconv.LoadOptions{})
			return err
		}},
		{"load-shuffled", func() error {
			var dst memoryFile
			_, err := dbconv.Load(ctx, &dst, bytes.NewReader(mixed.Bytes()), dbconv.LoadOptions{})
			return err
		}},
		{"verify", func() error {
			_, err := bdb.Verify(ctx, src, st.Size(), bdb.VerifyOptions{})
			return err
		}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := bench.run(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(bdbRecords())*float64(b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

// memoryFile is a file in memory, for a destination that is read back.
type memoryFile struct{ b []byte }

func (m *memoryFile) WriteAt(p []byte, off int64) (int, error) {
	if n := int(off) + len(p); n > len(m.b) {
		m.b = append(m.b, make([]byte, n-len(m.b))...)
	}
	return copy(m.b[off:], p), nil
}

func (m *memoryFile) ReadAt(p []byte, off int64) (int, error) {
	return bytes.NewReader(m.b).ReadAt(p, off)
}

// dbconvProgram builds dbconv once a run.
var dbconvProgram = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "imsconv-bench-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "dbconv")
	out, err := exec.Command("go", "build", "-o", path, "imsconv/cmd/dbconv").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

// BenchmarkBDBPeers compares the program with Berkeley DB's own on the same
// records and disk. What the library reads is version 9; dbconv converts from
// version 6, big-endian, which the library does not read. dbconv makes its
// result durable, so sync(1) stands behind the library's loads. Metrics:
// records a second, CPU seconds and peak memory of the largest process.
func BenchmarkBDBPeers(b *testing.B) {
	program, err := dbconvProgram()
	if err != nil {
		b.Fatal(err)
	}
	for _, name := range []string{"db5.3_load", "db5.3_dump", "db5.3_verify"} {
		if _, err := exec.LookPath(name); err != nil {
			b.Skipf("%s is not installed", name)
		}
	}
	for name, parent := range map[string]string{"tmpfs": "/dev/shm", "disk": os.TempDir()} {
		b.Run(name, func(b *testing.B) {
			dir, err := os.MkdirTemp(parent, "imsconv-bench-")
			if err != nil {
				b.Skip(err)
			}
			defer os.RemoveAll(dir)
			bdbPeers(b, program, dir)
		})
	}
}

func bdbPeers(b *testing.B, program, dir string) {
	at := func(name string) string { return filepath.Join(dir, name) }
	bdbFile(b, at("v6.db"))
	for name, order := range map[string]func(n int) []int{"rising.txt": rising, "shuffled.txt": shuffled} {
		f, err := os.Create(at(name))
		if err != nil {
			b.Fatal(err)
		}
		bdbText(b, f, order(bdbRecords()))
		if err := f.Close(); err != nil {
			b.Fatal(err)
		}
	}
	debug.FreeOSMemory() // a child's peak begins with its parent's size
	bdbShell(b, program, dir, "db5.3_load v9.db < rising.txt && sync -f v9.db")
	for _, run := range []struct{ name, shell string }{
		{"convert/dump-load", "db5.3_dump v9.db | db5.3_load out.db && sync -f out.db"},
		{"convert/dbconv", "$DBCONV convert v6.db out.db --byte-order little"},
		{"dump/db5.3_dump", "db5.3_dump v9.db > out.txt"},
		{"dump/dbconv", "$DBCONV dump v9.db > out.txt"},
		{"dump-print/db5.3_dump", "db5.3_dump -p v9.db > out.txt"},
		{"dump-print/dbconv", "$DBCONV dump -p v9.db > out.txt"},
		{"load/db5.3_load", "db5.3_load out.db < rising.txt && sync -f out.db"},
		{"load/dbconv", "$DBCONV load out.db < rising.txt"},
		{"load-shuffled/db5.3_load", "db5.3_load out.db < shuffled.txt && sync -f out.db"},
		{"load-shuffled/dbconv", "$DBCONV load out.db < shuffled.txt"},
		{"verify/db5.3_verify", "db5.3_verify v9.db"},
		{"verify/dbconv", "$DBCONV verify v9.db"},
		{"cp", "cp v9.db out.db && sync -f out.db"},
	} {
		b.Run(run.name, func(b *testing.B) {
			var cpu float64
			var rss int64
			for b.Loop() {
				b.StopTimer()
				for _, name := range []string{"out.db", "out.txt"} {
					if err := os.Remove(at(name)); err != nil && !os.IsNotExist(err) {
						b.Fatal(err)
					}
				}
				syscall.Sync() // what the last run left unwritten is not this one's
				b.StartTimer()
				u := bdbShell(b, program, dir, run.shell)
				cpu += u.cpu.Seconds()
				rss = max(rss, u.rss)
			}
			b.ReportMetric(float64(bdbRecords())*float64(b.N)/b.Elapsed().Seconds(), "records/s")
			b.ReportMetric(cpu/float64(b.N), "cpu-s/op")
			b.ReportMetric(float64(rss)/(1<<20), "MiB-peak")
		})
	}
}

// bdbShell runs a shell command in dir; its usage takes in its children.
func bdbShell(b *testing.B, program, dir, command string) processUsage {
	b.Helper()
	cmd := exec.Command("/bin/sh", "-c", command)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "DBCONV="+program)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		b.Fatalf("%s: %v\n%s", command, err, stderr.Bytes())
	}
	u := processUsage{cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	if r, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		u.rss = r.Maxrss << 10
	}
	return u
}
