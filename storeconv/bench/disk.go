package bench

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"
)

// Of the steps of the disk alone.
const (
	largeBytes = 256 << 20              // of the one large file, at most
	fsyncTime  = 300 * time.Millisecond // for which small writes are made durable, at least one
	fsyncMost  = 2000
	smallBytes = 4096
)

// sequential writes one file of the size of the stream, at most largeBytes, and
// makes it durable.
func sequential(ctx context.Context, s Step, m *measured) error {
	size := min(max(s.Shape.Totals().Unique, 1<<20), largeBytes)
	path := filepath.Join(s.Dir, largeName)
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer os.Remove(path)
	block := sampleText(newWalker(s.Shape).rng)
	m.prepared()
	for m.sample.Bytes < size && err == nil {
		var n int
		n, err = f.Write(block[:min(size-m.sample.Bytes, int64(len(block)))])
		m.sample.Bytes += int64(n)
		if ctx.Err() != nil {
			err = ctx.Err()
		}
	}
	began := m.now()
	if err == nil {
		err = f.Sync()
	}
	m.sample.Syncing = (m.now() - began).Seconds()
	m.sample.Items = 1
	return errors.Join(err, f.Close())
}

// fsyncs makes a small write durable again and again.
func fsyncs(ctx context.Context, s Step, m *measured) error {
	path := filepath.Join(s.Dir, largeName)
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer os.Remove(path)
	block := make([]byte, smallBytes)
	m.prepared()
	for m.sample.Items < fsyncMost && err == nil && (m.sample.Items == 0 || m.now() < fsyncTime) {
		if _, err = f.WriteAt(block, 0); err == nil {
			err = f.Sync()
		}
		m.sample.Items++
		m.sample.Bytes += smallBytes
		if ctx.Err() != nil {
			err = ctx.Err()
		}
	}
	return errors.Join(err, f.Close())
}
