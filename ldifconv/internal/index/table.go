package index

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"os"
	"sort"
)

const (
	leastSlots = 1 << 9
	slotGrowth = 1 << 2             // memory is touched for the first time seldom
	tableSlots = 1 << 17            // 2 MiB, a number that growth comes to
	tableFull  = tableSlots * 3 / 4 // then they go to a file
	fenceEvery = 256                // pairs between two fences of a file: 4 KiB
	mostFiles  = 16                 // files that are searched one after the other
	pairSize   = 16
)

// Table maps keys, which are hashes, to values. Up to 98,304 pairs are held in
// memory, the others in sorted temporary files. The zero value holds its files
// in os.TempDir; it is not safe for concurrent use. Close removes the files.
type Table struct {
	// Dir is where the files are made; empty means os.TempDir.
	Dir string

	slots []pair // open addressing by the high bits; key 0 is kept in zero
	shift int    // of a key to its slot
	used  int
	zero  *uint64
	files []*sorted
	block [fenceEvery * pairSize]byte
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
	if err := t.room(); err != nil {
		return err
	}
	t.set(t.slot(key), key, val)
	return nil
}

// room makes room for one more pair.
func (t *Table) room() error {
	switch {
	case t.slots == nil:
		t.grow(leastSlots)
	case t.used < len(t.slots)*3/4:
	case len(t.slots) < tableSlots:
		t.grow(len(t.slots) * slotGrowth)
	default:
		return t.spill()
	}
	return nil
}

// slot returns the slot of a key, empty when the key is not in memory.
func (t *Table) slot(key uint64) *pair {
	for at := key >> t.shift; ; at++ {
		s := &t.slots[at&uint64(len(t.slots)-1)]
		if s.key == key || s.key == 0 {
			return s
		}
	}
}

func (t *Table) set(s *pair, key, val uint64) {
	if s.key == 0 {
		t.used++
	}
	*s = pair{key, val}
}

func (t *Table) grow(size int) {
	old := t.slots
	t.slots, t.shift, t.used = make([]pair, size), 64-bits.Len(uint(size-1)), 0
	clear(t.slots) // a page that is read before it is written is fetched twice
	for _, p := range old {
		if p.key != 0 {
			t.set(t.slot(p.key), p.key, p.val)
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
	if t.slots == nil {
		return 0, false, nil
	}
	if s := t.slot(key); s.key == key {
		return s.val, true, nil
	}
	return t.inFiles(key)
}

// inFiles is Get for a key that is not in memory.
func (t *Table) inFiles(key uint64) (val uint64, ok bool, err error) {
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
	pairs := t.inOrder()
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
	clear(t.slots)
	t.used = 0
	if len(t.files) >= mostFiles {
		return t.merge()
	}
	return nil
}

// inOrder moves the pairs to the beginning of the slots, sorted. They are
// almost so: each near to where its high bits say, but for large keys that
// found no room at the end and went on at the beginning.
func (t *Table) inOrder() []pair {
	n, around := 0, []pair(nil)
	first := true
	for _, p := range t.slots {
		switch {
		case p.key == 0:
			first = false
		case first && p.key>>63 != 0:
			around = append(around, p)
		default:
			t.slots[n] = p
			n++
		}
	}
	pairs := append(t.slots[:n], around...)
	for i, p := range pairs {
		for ; i > 0 && pairs[i-1].key > p.key; i-- {
			pairs[i] = pairs[i-1]
		}
		pairs[i] = p
	}
	return pairs
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
