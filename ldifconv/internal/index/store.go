package index

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// StoreMemory is what a Store takes beside its cache, in bytes: what is written
// before it goes to a file, twice, and the buffers of the files.
const StoreMemory = 16 << 20

const (
	storeTable = 4 << 20   // written before it goes to a file
	storeBatch = 256 << 10 // put before it is written
)

// Store is a sorted map from bytes to bytes that lies in a scratch folder: it
// sorts any number of pairs in bounded memory, and finds one of them. A pair is
// seen by Get and Scan once Flush was called. Not safe for concurrent use. It
// survives nothing: Close removes the folder.
type Store struct {
	db    *pebble.DB
	guard *guard
	batch *pebble.Batch
	dir   string
}

// OpenStore makes a scratch folder in dir (os.TempDir when empty) and a Store
// in it with a cache of so many bytes.
func OpenStore(dir string, cache int64) (*Store, error) { return openStore(vfs.Default, dir, cache) }

// openStore is OpenStore in a file system of the caller's.
func openStore(files vfs.FS, dir string, cache int64) (*Store, error) {
	folder, err := os.MkdirTemp(dir, "ldifconv-*.tmp")
	if err != nil {
		return nil, fmt.Errorf("scratch folder: %w", err)
	}
	s := &Store{guard: newGuard(), dir: folder}
	opts := s.guard.options(&pebble.Options{
		FormatMajorVersion: pebble.FormatNewest,
		FS:                 files,
		DisableWAL:         true,
		CacheSize:          cache,
		MemTableSize:       storeTable,
		MaxOpenFiles:       64,
	})
	err = s.guard.do(func() error {
		db, err := pebble.Open(folder, opts)
		s.db = db
		return err
	})
	if err != nil {
		err = fmt.Errorf("scratch folder: %w", err)
		if removed := os.RemoveAll(folder); removed != nil {
			err = fmt.Errorf("%w (and %w)", err, removed)
		}
		return nil, err
	}
	s.batch = s.db.NewBatch()
	return s, nil
}

// Put adds a pair, or replaces the value of its key. Key and value are copied.
func (s *Store) Put(key, value []byte) error {
	if err := s.guard.failure(); err != nil { // the batch may be in use still
		return fmt.Errorf("scratch folder: %w", err)
	}
	if err := s.batch.Set(key, value, nil); err != nil {
		return fmt.Errorf("scratch folder: %w", err)
	}
	if s.batch.Len() > storeBatch {
		return s.Flush()
	}
	return nil
}

// Flush makes all pairs visible.
func (s *Store) Flush() error {
	if err := s.guard.failure(); err != nil {
		return fmt.Errorf("scratch folder: %w", err)
	}
	if s.batch.Empty() {
		return nil
	}
	if err := s.guard.do(func() error { return s.batch.Commit(pebble.NoSync) }); err != nil {
		return fmt.Errorf("scratch folder: %w", err)
	}
	s.batch.Reset()
	return nil
}

// Get appends the value of key to dst and says whether there is one.
func (s *Store) Get(dst, key []byte) ([]byte, bool, error) {
	if err := s.guard.failure(); err != nil {
		return dst, false, fmt.Errorf("scratch folder: %w", err)
	}
	v, closer, err := s.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return dst, false, nil
	}
	if err != nil {
		return dst, false, fmt.Errorf("scratch folder: %w", err)
	}
	dst = append(dst, v...)
	if err := closer.Close(); err != nil {
		return dst, false, fmt.Errorf("scratch folder: %w", err)
	}
	return dst, true, nil
}

// Scan calls use for every pair whose key begins with prefix, in the order of
// the keys; what use puts meanwhile is not among them. Key and value are valid
// during the call. An error of use ends the scan and is returned.
func (s *Store) Scan(prefix []byte, use func(key, value []byte) error) error {
	if err := s.Flush(); err != nil {
		return err
	}
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: after(prefix)})
	if err != nil {
		return fmt.Errorf("scratch folder: %w", err)
	}
	for it.First(); it.Valid(); it.Next() {
		value, err := it.ValueAndErr()
		if err != nil {
			err = fmt.Errorf("scratch folder: %w", err)
		} else {
			err = use(it.Key(), value)
		}
		if err != nil {
			it.Close() // it may say the same
			return err
		}
	}
	if err := it.Close(); err != nil {
		return fmt.Errorf("scratch folder: %w", err)
	}
	return nil
}

// Next returns a copy of the first pair whose key begins with prefix and is not
// before from.
func (s *Store) Next(prefix, from []byte) (key, value []byte, ok bool, err error) {
	if err := s.guard.failure(); err != nil {
		return nil, nil, false, fmt.Errorf("scratch folder: %w", err)
	}
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: after(prefix)})
	if err != nil {
		return nil, nil, false, fmt.Errorf("scratch folder: %w", err)
	}
	var failed error
	if it.First() {
		var v []byte
		v, failed = it.ValueAndErr()
		key, value, ok = bytes.Clone(it.Key()), bytes.Clone(v), true
	}
	if err := cmp.Or(failed, it.Close()); err != nil {
		return nil, nil, false, fmt.Errorf("scratch folder: %w", err)
	}
	return key, value, ok, nil
}

// First returns a copy of the first pair whose key begins with prefix.
func (s *Store) First(prefix []byte) (key, value []byte, ok bool, err error) {
	err = s.Scan(prefix, func(k, v []byte) error {
		key, value, ok = append([]byte(nil), k...), append([]byte(nil), v...), true
		return errFound
	})
	if errors.Is(err, errFound) {
		err = nil
	}
	return key, value, ok, err
}

var errFound = errors.New("found")

// after returns the smallest key that is greater than every key with the
// prefix, nil when there is none.
func after(prefix []byte) []byte {
	end := append([]byte(nil), prefix...)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
	return nil
}

// Close removes the scratch folder. Errors of the files in it do not matter any
// more.
func (s *Store) Close() error {
	if s.guard.failure() == nil {
		s.batch.Close()
		s.guard.do(s.db.Close)
	}
	if err := os.RemoveAll(s.dir); err != nil {
		return fmt.Errorf("scratch folder: %w", err)
	}
	return nil
}
