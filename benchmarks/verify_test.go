package benchmarks

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"imsconv/storeconv/testsite"
)

// BenchmarkVerifyBackup compares what reads a whole store with the system's own
// tools on the same tree, in memory:
//
//	find | xargs sha256sum     storeconv verify             (reads every file once)
//	                           storeconv verify -f STREAM   (and the stream)
//	tar -cf                    storeconv backup             (single copy by device and inode, as tar does)
//
// sha256sum compares with nothing, and tar knows no flags and no databases.
// Metrics: messages a second, CPU seconds and peak memory of the program.
func BenchmarkVerifyBackup(b *testing.B) {
	dir, err := os.MkdirTemp("/dev/shm", "imsconv-bench-")
	if err != nil {
		b.Skip(err)
	}
	defer os.RemoveAll(dir)
	users, messages := restoreSize()
	stream, store, out := filepath.Join(dir, "site.sims"), filepath.Join(dir, "store"), filepath.Join(dir, "out")
	f, err := os.Create(stream)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := testsite.WriteStream(f, testsite.StreamOptions{Seed: 1, Users: users, Messages: messages, Expired: -1}, nil); err != nil {
		b.Fatal(err)
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
	program, err := relocateProgram()
	if err != nil {
		b.Fatal(err)
	}
	if text, err := exec.Command(program, "restore", "-f", stream, "--store", store, "--quiet").CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, text)
	}
	for _, r := range []struct {
		name string
		argv []string
	}{
		{"sha256sum", []string{"sh", "-c", "find " + store + " -name '*.msg' -print0 | xargs -0 sha256sum >/dev/null"}},
		{"verify", []string{program, "verify", "--store", store, "--quiet"}},
		{"verify-stream", []string{program, "verify", "--store", store, "-f", stream, "--quiet"}},
		{"tar", []string{"tar", "-cf", out, "-C", store, "."}},
		{"backup", []string{program, "backup", "--store", store, "-f", out, "--force", "--quiet"}},
	} {
		b.Run(r.name, func(b *testing.B) {
			var cpu time.Duration
			var peak int64
			for b.Loop() {
				cmd := exec.Command(r.argv[0], r.argv[1:]...)
				var said bytes.Buffer
				cmd.Stderr = &said
				if err := cmd.Run(); err != nil {
					b.Fatalf("%v: %s", err, said.Bytes())
				}
				cpu += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
				peak = max(peak, cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss)
			}
			b.ReportMetric(float64(messages)*float64(b.N)/b.Elapsed().Seconds(), "messages/s")
			b.ReportMetric(cpu.Seconds()/float64(b.N), "cpu-s/op")
			b.ReportMetric(float64(peak)/1024, "peak-MiB")
		})
	}
}
