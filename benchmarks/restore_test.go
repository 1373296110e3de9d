package benchmarks

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"imsconv/storeconv/testsite"
)

// restoreSize is the size of the stream: 50,000 messages of mixed sizes in the
// full run.
func restoreSize() (users, messages int) {
	if os.Getenv("IMSCONV_FULL") == "1" {
		return 500, 50000
	}
	return 100, 5000
}

// BenchmarkRestore compares restore with GNU tar unpacking the same stream, on
// a memory file system and on the disk of the temporary directory:
//
//	tar -x                 storeconv restore --sync none
//	tar -x and sync        storeconv restore --sync batch
//
// tar does not hash messages, parse their headers, or write indexes and
// databases. Both read the stream from the file cache. Metrics: messages a
// second, CPU seconds and peak memory of the program. Runs alternate, so that
// both meet the same neighbours.
func BenchmarkRestore(b *testing.B) {
	places := map[string]string{"tmpfs": "/dev/shm", "disk": os.TempDir()}
	for _, name := range []string{"tmpfs", "disk"} {
		b.Run(name, func(b *testing.B) {
			dir, err := os.MkdirTemp(places[name], "imsconv-bench-")
			if err != nil {
				b.Skip(err)
			}
			defer os.RemoveAll(dir)
			restoreBench(b, dir)
		})
	}
}

func restoreBench(b *testing.B, dir string) {
	users, messages := restoreSize()
	stream := filepath.Join(dir, "site.sims")
	f, err := os.Create(stream)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := testsite.WriteStream(f, testsite.StreamOptions{Seed: 1, Users: users, Messages: messages, Links: 2, Expired: -1}, nil); err != nil {
		b.Fatal(err)
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
	program, err := relocateProgram()
	if err != nil {
		b.Fatal(err)
	}
	tar, err := exec.LookPath("tar")
	if err != nil {
		b.Skip("tar is not installed")
	}
	out := filepath.Join(dir, "out")
	runs := []struct {
		name string
		sync bool
		argv []string
	}{
		{"tar", false, []string{tar, "-xf", stream, "-C", out, "--warning=no-unknown-keyword"}},
		{"restore-sync-none", false, []string{program, "restore", "-f", stream, "--store", out, "--sync", "none", "--quiet"}},
		{"tar-and-sync", true, []string{tar, "-xf", stream, "-C", out, "--warning=no-unknown-keyword"}},
		{"restore-sync-batch", false, []string{program, "restore", "-f", stream, "--store", out, "--sync", "batch", "--quiet"}},
	}
	for _, jobs := range []int{1, 2, 4} {
		runs = append(runs, struct {
			name string
			sync bool
			argv []string
		}{fmt.Sprintf("restore-jobs-%d", jobs), false, []string{program, "restore", "-f", stream, "--store", out, "--sync", "none", "--quiet", "--jobs", fmt.Sprint(jobs)}})
	}
	for _, r := range runs {
		b.Run(r.name, func(b *testing.B) {
			var cpu time.Duration
			var peak int64
			b.ResetTimer()
			for range b.N {
				b.StopTimer()
				if err := os.RemoveAll(out); err != nil {
					b.Fatal(err)
				}
				if err := os.Mkdir(out, 0o700); err != nil {
					b.Fatal(err)
				}
				syscall.Sync()
				warm(b, stream)
				b.StartTimer()
				cmd := exec.Command(r.argv[0], r.argv[1:]...)
				var said bytes.Buffer
				cmd.Stderr = &said
				if err := cmd.Run(); err != nil {
					b.Fatalf("%v: %s", err, said.Bytes())
				}
				if r.sync {
					cpu += measured(b, []string{"sync", "-f", out}).cpu
				}
				b.StopTimer()
				usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
				cpu += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
				peak = max(peak, usage.Maxrss)
				b.StartTimer()
			}
			b.ReportMetric(float64(messages)*float64(b.N)/b.Elapsed().Seconds(), "messages/s")
			b.ReportMetric(cpu.Seconds()/float64(b.N), "cpu-s/op")
			b.ReportMetric(float64(peak)/1024, "peak-MiB")
		})
	}
}

// warm reads a file once, so that it is in the file cache.
func warm(b *testing.B, path string) {
	f, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	if _, err := io.Copy(io.Discard, f); err != nil {
		b.Fatal(err)
	}
}
