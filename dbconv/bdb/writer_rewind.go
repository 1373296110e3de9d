package bdb

import (
	"errors"
	"fmt"
	"io"
)

// errOrder: a record came out of order when it was too late to sort in memory.
var errOrder = errors.New("records come out of order and the destination cannot be read back")

// rewind is called when a record comes out of order: what was written is
// completed to a database, read back into a sorter, and the file begun again.
func (w *Writer) rewind(key, value []byte) error {
	src, ok := w.pages.dst.(io.ReaderAt)
	if !ok || w.sub {
		return fmt.Errorf("bdb: record %d: %w", w.records+1, errOrder)
	}
	// The value is the caller's and the key may be too: both outlive this call.
	if err := w.flush(); err != nil {
		return err
	}
	root, err := w.tree.finish()
	if err != nil {
		return err
	}
	if err := w.writeMeta(metaPage{tree: w.opts.TreeOptions, root: root}); err != nil {
		return err
	}
	if err := w.pages.flush(); err != nil {
		return err
	}
	s := newSorter(w.opts.TempDir, w.opts.SortMemory, w.opts.DuplicatesSorted && !w.opts.FirstOnly)
	if err := w.readBack(src, s); err != nil {
		s.Close()
		return err
	}
	w.pages.restart()
	w.begin(w.opts.TreeOptions, rootPage)
	w.sort = s
	w.subTree.Unsorted = true
	w.uid.stop()
	w.uid = newUIDHash(w.opts.Name)
	w.records = 0
	return s.Add(key, value)
}

// readBack hands the records of the file so far to s.
func (w *Writer) readBack(src io.ReaderAt, s *Sorter) error {
	size := int64(w.pages.next) * int64(w.pages.size)
	r, err := NewReader(src, size, Options{Strict: true, MaxItem: 1 << 31})
	if err != nil {
		return fmt.Errorf("bdb: reading back: %w", err)
	}
	c := r.Cursor()
	for {
		k, v, err := c.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("bdb: reading back: %w", err)
		}
		if err := s.Add(k, v); err != nil {
			return err
		}
	}
}
