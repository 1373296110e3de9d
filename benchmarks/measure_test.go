package benchmarks

import (
	"bytes"
	"io"
	"os"
	"testing"
)

// measured runs op in a loop, and reports throughput in bytes and in items a
// second, and allocations.
func measured(b *testing.B, items, size int64, unit string, op func() error) {
	b.Helper()
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		if err := op(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(items)*float64(b.N)/b.Elapsed().Seconds(), unit+"/s")
}

// scratch is a directory in memory if there is such a file system.
func scratch(b *testing.B) string {
	b.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "imsconv-bench-")
	if err != nil {
		return b.TempDir()
	}
	b.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// inMemory makes an input in memory.
func inMemory(b *testing.B, fill func(w io.Writer) error) []byte {
	b.Helper()
	var text bytes.Buffer
	if err := fill(&text); err != nil {
		b.Fatal(err)
	}
	return text.Bytes()
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

// discardAt is a destination that costs nothing.
type discardAt struct{}

func (discardAt) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }
