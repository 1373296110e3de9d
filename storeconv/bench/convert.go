package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"imsconv/storeconv"
	"imsconv/storeconv/backup"
	"imsconv/storeconv/durable"
	"imsconv/storeconv/restore"
	"imsconv/storeconv/verify"
)

// Names in the folder of a measurement.
const (
	storeName  = "store"
	bareName   = "bare"
	largeName  = "large"
	streamName = "stream"
)

// faults counts what a conversion finds wrong, of which there must be nothing,
// and keeps the first.
type faults struct {
	n     atomic.Int64
	first atomic.Pointer[storeconv.Note]
}

// Problem counts a fault.
func (f *faults) Problem(kind, where, text string) {
	f.n.Add(1)
	f.first.CompareAndSwap(nil, &storeconv.Note{Kind: kind, Where: where, Text: text})
}

// Warning counts a fault too: a synthetic stream has nothing to warn of.
func (f *faults) Warning(kind, where, text string) { f.Problem(kind, where, text) }

// check says what came out wrong: faults, or other numbers of messages and
// bytes than the shape has.
func (f *faults) check(want Totals, messages, bytes int64) error {
	if n := f.first.Load(); n != nil {
		return fmt.Errorf("%d faults, the first: %s: %s [%s]", f.n.Load(), n.Where, n.Text, n.Kind)
	}
	if messages != want.Messages || bytes != want.Bytes {
		return fmt.Errorf("%d messages of %d bytes came out, of %d messages of %d bytes", messages, bytes, want.Messages, want.Bytes)
	}
	return nil
}

func restoreStep(ctx context.Context, s Step, m *measured) error {
	mode, err := storeconv.ParseSyncMode(s.Sync)
	if err != nil {
		return err
	}
	want := s.Shape.Totals()
	stream, err := restoreStream(s.Shape)
	if err != nil {
		return err
	}
	var wrong faults
	m.prepared()
	fs, commits := newTimedFS(durable.OS, m.now), new(Histogram)
	rep, err := restore.Restore(ctx, filepath.Join(s.Dir, storeName), []*restore.Stream{stream}, restore.Options{
		Jobs: s.Jobs, Sync: mode, FS: fs, Log: &wrong, Progress: m,
		Committed: func(_ int, took time.Duration) { commits.Add(took) },
	})
	if err != nil {
		return err
	}
	m.sample.Items, m.sample.Bytes = rep.Messages, rep.Bytes
	m.sample.Message, m.sample.Commit, m.sample.Syncing = &fs.messages, commits, fs.syncing.Seconds()
	m.sample.Curve = m.curve.at
	return wrong.check(want, rep.Messages, rep.Bytes)
}

func verifyStep(ctx context.Context, s Step, m *measured) error {
	want := s.Shape.Totals()
	var wrong faults
	m.prepared()
	rep, err := verify.Store(ctx, filepath.Join(s.Dir, storeName), verify.StoreOptions{Jobs: s.Jobs, Log: &wrong, Progress: m})
	if err != nil {
		return err
	}
	m.sample.Items, m.sample.Bytes = rep.Messages, rep.Bytes
	return wrong.check(want, rep.Messages, rep.Bytes)
}

// backupStep writes a stream beside the store, and makes it durable unless the
// row makes nothing durable.
func backupStep(ctx context.Context, s Step, m *measured) error {
	want := s.Shape.Totals()
	f, err := os.Create(filepath.Join(s.Dir, streamName))
	if err != nil {
		return err
	}
	defer f.Close()
	var wrong faults
	m.prepared()
	rep, err := backup.Backup(ctx, f, filepath.Join(s.Dir, storeName), backup.Options{
		Jobs: s.Jobs, Log: &wrong, Progress: m, TempDir: s.Dir, Product: "bench",
	})
	if err != nil {
		return err
	}
	if s.Sync != storeconv.SyncNone.String() {
		began := m.now()
		if err := f.Sync(); err != nil {
			return err
		}
		m.sample.Syncing = (m.now() - began).Seconds()
	}
	m.sample.Items, m.sample.Bytes = rep.Messages+rep.Links, want.Bytes
	if rep.Bytes != want.Unique {
		return fmt.Errorf("%d bytes came out, of %d", rep.Bytes, want.Unique)
	}
	return wrong.check(want, m.sample.Items, want.Bytes)
}
