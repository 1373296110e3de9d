package benchmarks

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"imsconv/storeconv/testsite"
)

// relocateFiles is the size of the tree: 100,000 files in the full run.
func relocateFiles() (users, messages int) {
	if os.Getenv("IMSCONV_FULL") == "1" {
		return 1000, 100000
	}
	return 100, 5000
}

// relocateProgram builds storeconv once a run; the last benchmark leaves it to
// the system's temporary directory.
var relocateProgram = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "imsconv-bench-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "storeconv")
	out, err := exec.Command("go", "build", "-o", path, "imsconv/cmd/storeconv").CombinedOutput()
	if err != nil {
		return "", &exec.Error{Name: "go build: " + string(out), Err: err}
	}
	return path, nil
})

// BenchmarkRelocate compares relocate with cp on one tree, with the checks and
// databases that cp does not make:
//
//	cp -al        storeconv relocate --via hardlink
//	cp -a         storeconv relocate --via copy
//
// on a memory file system and on the disk of the temporary directory, each with
// and without making the result durable: cp syncs nothing, so its measure with
// sync(1) afterwards stands beside --sync batch, and the one without beside
// --sync none. Metrics: files a second, CPU seconds and peak memory of the
// program.
//
// On the disk nothing is removed before the end: an ext4 without a journal
// makes files many times slower for minutes after many have been removed. A run
// over 100,000 files with -benchtime 3x takes 5 GiB there.
func BenchmarkRelocate(b *testing.B) {
	places := map[string]string{"tmpfs": "/dev/shm", "disk": os.TempDir()}
	for _, name := range []string{"tmpfs", "disk"} {
		b.Run(name, func(b *testing.B) {
			dir, err := os.MkdirTemp(places[name], "imsconv-bench-")
			if err != nil {
				b.Skip(err)
			}
			defer os.RemoveAll(dir)
			relocateBench(b, dir, name == "tmpfs")
		})
	}
}

func relocateBench(b *testing.B, dir string, remove bool) {
	program, err := relocateProgram()
	if err != nil {
		b.Fatal(err)
	}
	users, messages := relocateFiles()
	from := filepath.Join(dir, "nms")
	site, err := testsite.WriteNMS(from, testsite.NMSOptions{Seed: 1, Users: users, Messages: messages})
	if err != nil {
		b.Fatal(err)
	}
	made := 0
	const to = "NEW" // in the commands: the directory of one run
	for _, run := range []struct {
		name    string
		sync    bool // sync the file system too, in the measured time
		command []string
	}{
		{"hardlink/cp", false, []string{"cp", "-al", from, to}},
		{"hardlink/storeconv", false, []string{program, "relocate", "--from", from, "--store", to, "--via", "hardlink", "--sync", "none", "--quiet"}},
		{"hardlink-durable/cp", true, []string{"cp", "-al", from, to}},
		{"hardlink-durable/storeconv", false, []string{program, "relocate", "--from", from, "--store", to, "--via", "hardlink", "--quiet"}},
		{"copy/cp", false, []string{"cp", "-a", from, to}},
		{"copy/storeconv", false, []string{program, "relocate", "--from", from, "--store", to, "--via", "copy", "--sync", "none", "--quiet"}},
		{"copy-durable/cp", true, []string{"cp", "-a", from, to}},
		{"copy-durable/storeconv", false, []string{program, "relocate", "--from", from, "--store", to, "--via", "copy", "--quiet"}},
	} {
		b.Run(run.name, func(b *testing.B) {
			var cpu time.Duration
			var rss int64
			runs := 0
			for b.Loop() {
				b.StopTimer()
				if last := filepath.Join(dir, strconv.Itoa(made)); remove {
					if err := os.RemoveAll(last); err != nil {
						b.Fatal(err)
					}
				}
				made++
				fresh := filepath.Join(dir, strconv.Itoa(made))
				command := slices.Clone(run.command)
				command[slices.Index(command, to)] = fresh
				// What the last run left unwritten must not be paid for by this one.
				syscall.Sync()
				b.StartTimer()
				usage := measured(b, command)
				if run.sync {
					usage2 := measured(b, []string{"sync", "-f", fresh})
					cpu += usage2.cpu
				}
				cpu += usage.cpu
				rss = max(rss, usage.rss)
				runs++
			}
			b.ReportMetric(float64(site.Files)*float64(runs)/b.Elapsed().Seconds(), "files/s")
			b.ReportMetric(cpu.Seconds()/float64(runs), "cpu-s/op")
			b.ReportMetric(float64(rss)/(1<<20), "MiB-peak")
		})
	}
}

// processUsage is what one process took.
type processUsage struct {
	cpu time.Duration
	rss int64 // bytes
}

func measured(b *testing.B, command []string) processUsage {
	b.Helper()
	cmd := exec.Command(command[0], command[1:]...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		b.Fatalf("%v: %v\n%s", command, err, stderr.Bytes())
	}
	u := processUsage{cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	if r, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		u.rss = r.Maxrss << 10
	}
	return u
}
