package index

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sort"
)

const (
	tableSlots = 1 << 17            // 2 MiB
	tableFull  = tableSlots * 3 / 4 // then they go to a file
	fenceEvery = 256                // pairs between two fences of a file: 4 KiB
	mostFiles  = 16                 // files that are searched one after the other
	pairSize   = 16
)

// Table maps keys to values. Up to 98,304 pairs are held in memory, the others
// in sorted temporary files. The zero value holds its files in os.TempDir; it
// is not safe for concurrent use. Close removes the files.
type Table struct {
	// Dir is where the files are made; empty means os.TempDir.
	Dir string

	keys, vals []uint64 // open addressing; key 0 is kept in zero
	used       int
	zero       *uint64
	files      []*sorted
	pairs      []pair // memory of spill
	block      [fenceEvery * pairSize]byte
}

// sorted is a file of pairs in the order of their keys.
type sorted struct {
	f      *os.File
	fences []uint64 // the first key of each block
	n      int64    // pairs
}

type pair struct{ key, val uint64 }

// Put sets the value of key.
func (t *Table) Put(key, val uint64) error {
	if key == 0 {
		t.zero = &val
		return nil
	}
	if t.keys == nil {
		t.grow(1 << 10)
	}
	if t.used >= len(t.keys)*3/4 {
		if len(t.keys) < tableSlots {
			t.grow(min(len(t.keys)*4, tableSlots))
		} else if err := t.spill(); err != nil {
			return err
		}
	}
	t.insert(key, val)
	return nil
}

func (t *Table) insert(key, val uint64) {
	mask := uint64(len(t.keys) - 1)
	for at := key & mask; ; at = (at + 1) & mask {
		if t.keys[at] == 0 {
			t.keys[at], t.vals[at] = key, val
			t.used++
			return
		}
		if t.keys[at] == key {
			t.vals[at] = val
			return
		}
	}
}

func (t *Table) grow(size int) {
	keys, vals := t.keys, t.vals
	t.keys, t.vals, t.used = make([]uint64, size), make([]uint64, size), 0
	for i, k := range keys {
		if k != 0 {
			t.insert(k, vals[i])
		}
	}
}

// Get returns the value of key.
func (t *Table) Get(key uint64) (val uint64, ok bool, err error) {
	if key == 0 {
		if t.zero == nil {
			return 0, false, nil
		}
		return *t.zero, true, nil
	}
	if t.keys != nil {
		mask := uint64(len(t.keys) - 1)
		for at := key & mask; t.keys[at] != 0; at = (at + 1) & mask {
			if t.keys[at] == key {
				return t.vals[at], true, nil
			}
		}
	}
	for i := len(t.files) - 1; i >= 0; i-- {
		if val, ok, err = t.files[i].get(key, t.block[:]); ok || err != nil {
			return val, ok, err
		}
	}
	return 0, false, nil
}

// Close removes the files.
func (t *Table) Close() error {
	var err error
	for _, s := range t.files {
		err = errors.Join(err, s.f.Close())
	}
	*t = Table{Dir: t.Dir}
	return err
}

// spill moves the pairs in memory to a file.
func (t *Table) spill() error {
	pairs := t.pairs[:0]
	for i, k := range t.keys {
		if k != 0 {
			pairs = append(pairs, pair{k, t.vals[i]})
		}
	}
	t.pairs = pairs
	slices.SortFunc(pairs, func(a, b pair) int { return cmp.Compare(a.key, b.key) })
	i := 0
	s, err := writeSorted(t.Dir, func() (pair, bool, error) {
		if i == len(pairs) {
			return pair{}, false, nil
		}
		i++
		return pairs[i-1], true, nil
	})
	if err != nil {
		return err
	}
	t.files = append(t.files, s)
	clear(t.keys)
	t.used = 0
	if len(t.files) >= mostFiles {
		return t.merge()
	}
	return nil
}

// writeSorted makes a file in dir of what next gives, which comes sorted.
func writeSorted(dir string, next func() (pair, bool, error)) (*sorted, error) {
	f, err := TempFile(dir)
	if err != nil {
		return nil, err
	}
	s := &sorted{f: f}
	w := bufio.NewWriterSize(f, 64<<10)
	var buf [pairSize]byte
	for {
		p, ok, err := next()
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		if !ok {
			break
		}
		if s.n%fenceEvery == 0 {
			s.fences = append(s.fences, p.key)
		}
		s.n++
		binary.BigEndian.PutUint64(buf[:8], p.key)
		binary.BigEndian.PutUint64(buf[8:], p.val)
		w.Write(buf[:])
	}
	if err := w.Flush(); err != nil {
		return nil, errors.Join(fmt.Errorf("temporary file: %w", err), f.Close())
	}
	return s, nil
}

// merge makes one file of all; of equal keys the newest pair stays.
func (t *Table) merge() error {
	readers := make([]*pairReader, len(t.files))
	for i, s := range t.files {
		readers[i] = &pairReader{r: bufio.NewReaderSize(io.NewSectionReader(s.f, 0, s.n*pairSize), 64<<10)}
		if err := readers[i].next(); err != nil {
			return err
		}
	}
	all, err := writeSorted(t.Dir, func() (pair, bool, error) { return mergeNext(readers) })
	if err != nil {
		return err
	}
	for _, s := range t.files {
		err = errors.Join(err, s.f.Close())
	}
	t.files = []*sorted{all}
	return err
}

// mergeNext takes the smallest key; the reader that comes last has the newest
// value.
func mergeNext(readers []*pairReader) (pair, bool, error) {
	var best pair
	found := false
	for _, r := range readers {
		if !r.end && (!found || r.head.key <= best.key) {
			best, found = r.head, true
		}
	}
	for _, r := range readers {
		if found && !r.end && r.head.key == best.key {
			if err := r.next(); err != nil {
				return pair{}, false, err
			}
		}
	}
	return best, found, nil
}

type pairReader struct {
	r    *bufio.Reader
	head pair
	end  bool
}

func (r *pairReader) next() error {
	var buf [pairSize]byte
	_, err := io.ReadFull(r.r, buf[:])
	if err == io.EOF {
		r.end = true
		return nil
	}
	if err != nil {
		return fmt.Errorf("temporary file: %w", err)
	}
	r.head = pair{binary.BigEndian.Uint64(buf[:8]), binary.BigEndian.Uint64(buf[8:])}
	return nil
}

func (s *sorted) get(key uint64, block []byte) (uint64, bool, error) {
	at := sort.Search(len(s.fences), func(i int) bool { return s.fences[i] > key }) - 1
	if at < 0 {
		return 0, false, nil
	}
	from := int64(at) * fenceEvery
	n := int(min(fenceEvery, s.n-from))
	block = block[:n*pairSize]
	if _, err := s.f.ReadAt(block, from*pairSize); err != nil {
		return 0, false, fmt.Errorf("temporary file: %w", err)
	}
	i := sort.Search(n, func(i int) bool { return binary.BigEndian.Uint64(block[i*pairSize:]) >= key })
	if i == n || binary.BigEndian.Uint64(block[i*pairSize:]) != key {
		return 0, false, nil
	}
	return binary.BigEndian.Uint64(block[i*pairSize+8:]), true, nil
}

// TempFile makes a file in dir (os.TempDir when empty) that goes when it is
// closed.
func TempFile(dir string) (*os.File, error) {
	f, err := os.CreateTemp(dir, "ldifconv-*.tmp")
	if err != nil {
		return nil, fmt.Errorf("temporary file: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(fmt.Errorf("temporary file: %w", err), f.Close())
	}
	return f, nil
}
