// Package journal remembers on disk what a conversion has done, so that the
// same command given again goes on where a kill stopped it. It is an ordered
// map from strings to bytes in a folder of its own; the only package that knows
// the database (pebble) underneath.
package journal

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"imsconv/storeconv/durable"
)

// Journal is an open journal. Safe for concurrent use. A folder can be opened
// once at a time. After the first write that fails, a full disk for one, every
// call returns that failure; the folder is as a kill would have left it, and
// can be opened again.
type Journal struct {
	db    *pebble.DB
	guard *guard
	sync  *pebble.WriteOptions
}

// Open opens the journal in the folder dir, which is created when missing. With
// sync set, Commit returns only when its data is on disk. It takes about 10 MiB
// of memory and 64 open files, whatever it holds.
func Open(dir string, sync bool) (*Journal, error) { return OpenIn(durable.OS, dir, sync) }

// OpenIn is Open in a file system of the caller's; nil is the operating
// system's.
func OpenIn(in durable.FS, dir string, sync bool) (*Journal, error) {
	return openOn(filesOf(in), dir, sync)
}

func openOn(files vfs.FS, dir string, sync bool) (*Journal, error) {
	j := &Journal{guard: newGuard(), sync: pebble.NoSync}
	if sync {
		j.sync = pebble.Sync
	}
	// Small tables hold the memory down; that they are put together as seldom as
	// large ones would be keeps them from costing time.
	opts := j.guard.options(&pebble.Options{
		FS:                    files,
		FormatMajorVersion:    pebble.FormatNewest,
		CacheSize:             4 << 20,
		MemTableSize:          1 << 20,
		L0CompactionThreshold: 16,
		L0StopWritesThreshold: 48,
		MaxOpenFiles:          64,
	})
	err := j.guard.do(func() error {
		db, err := pebble.Open(dir, opts)
		j.db = db
		return err
	})
	if err != nil {
		j.guard.dismiss()
		return nil, openError(dir, cmp.Or(err, j.guard.release()))
	}
	return j, nil
}

// openError says why the journal in dir cannot be opened: what the operating
// system says, or, in place of the words of the library, what to do.
func openError(dir string, err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return fmt.Errorf("open journal: %w", path)
	}
	var number syscall.Errno
	if errors.As(err, &number) {
		return fmt.Errorf("open journal: %s: %w", dir, number)
	}
	return &damagedError{dir, err}
}

// damagedError is a journal that cannot be read.
type damagedError struct {
	dir string
	err error // of the library
}

func (e *damagedError) Error() string {
	return e.dir + ": the journal of an interrupted run is damaged, and the run cannot go on; move " + filepath.Dir(e.dir) + " elsewhere, and the same command begins anew: what is in place stays"
}

func (e *damagedError) Unwrap() error { return e.err }

// Close closes the journal. It returns a failure that no call has returned yet.
func (j *Journal) Close() error {
	defer j.guard.dismiss()
	err := j.guard.release()
	if err == nil && j.guard.failure() == nil {
		if err = j.guard.do(j.db.Close); err != nil {
			j.guard.release()
		}
	}
	if err != nil {
		return fmt.Errorf("close journal: %w", err)
	}
	return nil
}

// Get returns a copy of the value of key, and whether there is one.
func (j *Journal) Get(key string) ([]byte, bool, error) {
	if err := j.guard.failure(); err != nil {
		return nil, false, fmt.Errorf("journal: %w", err)
	}
	v, closer, err := j.db.Get([]byte(key))
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("journal: %w", err)
	}
	out := append([]byte(nil), v...)
	if err := closer.Close(); err != nil {
		return nil, false, fmt.Errorf("journal: %w", err)
	}
	return out, true, nil
}

// Put sets one value without waiting for the disk. It is lost with a power cut
// unless a later Commit follows.
func (j *Journal) Put(key string, value []byte) error {
	if err := j.guard.do(func() error { return j.db.Set([]byte(key), value, pebble.NoSync) }); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	return nil
}

// Batch collects changes that are made together by Commit. It belongs to one
// goroutine.
type Batch struct {
	j   *Journal
	b   *pebble.Batch
	err error
}

// Batch starts an empty batch.
func (j *Journal) Batch() *Batch { return &Batch{j: j, b: j.db.NewBatch()} }

// Put adds a value.
func (b *Batch) Put(key string, value []byte) {
	if b.err == nil {
		b.err = b.b.Set([]byte(key), value, nil)
	}
}

// Delete adds the removal of a key.
func (b *Batch) Delete(key string) {
	if b.err == nil {
		b.err = b.b.Delete([]byte(key), nil)
	}
}

// Commit makes the changes, durably if the journal is.
func (b *Batch) Commit() error { return b.commit(b.j.sync) }

// Write makes the changes without waiting for the disk, as [Journal.Put] does.
func (b *Batch) Write() error { return b.commit(pebble.NoSync) }

func (b *Batch) commit(how *pebble.WriteOptions) error {
	err := b.err
	if err == nil {
		err = b.j.guard.do(func() error { return b.b.Commit(how) })
	}
	if b.j.guard.failure() == nil { // else someone may be at the batch still
		err = cmp.Or(err, b.b.Close())
	}
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	return nil
}

// gatheredBytes is how much a Writer gathers: hundreds of the values of a
// conversion, and little beside a table in memory.
const gatheredBytes = 32 << 10

// Writer sets values as [Journal.Put] does, many at a time: one call of the
// database for each takes longer than all else that is done with a small one.
// Values are in the journal after Flush, in their order; any of them may be
// there before. A Writer belongs to one goroutine.
type Writer struct {
	j     *Journal
	batch *Batch // nil: nothing is gathered
	size  int    // of it, bytes
}

// Writer returns a Writer that has gathered nothing.
func (j *Journal) Writer() Writer { return Writer{j: j} }

// Put sets a value, now or with those that follow.
func (w *Writer) Put(key string, value []byte) error {
	if w.batch == nil {
		w.batch = w.j.Batch()
	}
	w.batch.Put(key, value)
	if w.size += len(key) + len(value); w.size < gatheredBytes {
		return nil
	}
	return w.Flush()
}

// Flush writes what has been gathered.
func (w *Writer) Flush() error {
	if w.batch == nil {
		return nil
	}
	full := w.batch
	w.batch, w.size = nil, 0
	return full.Write()
}

// Range calls fn for every key with the prefix, in byte order. key and value
// are valid during the call only.
func (j *Journal) Range(prefix string, fn func(key, value []byte) error) error {
	if err := j.guard.failure(); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	opt := &pebble.IterOptions{UpperBound: after(prefix)}
	if prefix != "" { // a race-detector build of pebble looks at the first byte of a bound
		opt.LowerBound = []byte(prefix)
	}
	it, err := j.db.NewIter(opt)
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	for it.First(); it.Valid(); it.Next() {
		value, err := it.ValueAndErr()
		if err != nil {
			it.Close()
			return fmt.Errorf("journal: %w", err)
		}
		if err := fn(it.Key(), value); err != nil {
			it.Close()
			return err
		}
	}
	if err := it.Close(); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	return nil
}

// Drop removes every key with the prefix.
func (j *Journal) Drop(prefix string) error {
	err := j.guard.do(func() error { return j.db.DeleteRange([]byte(prefix), after(prefix), pebble.NoSync) })
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	return nil
}

// after returns the smallest key that is greater than every key with the
// prefix.
func after(prefix string) []byte {
	end := []byte(prefix)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
	return nil
}
