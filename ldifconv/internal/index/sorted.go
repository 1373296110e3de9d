package index

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sort"
)

const (
	fenceEvery = 256      // pairs between two fences of a file: 4 KiB
	pairSize   = 16       // of a pair in a file
	mergeFiles = 8        // files of one level that become one of the next
	readBuffer = 16 << 10 // for each file that is merged
)

type pair struct{ key, val uint64 }

func (p pair) put(buf []byte) {
	binary.BigEndian.PutUint64(buf, p.key)
	binary.BigEndian.PutUint64(buf[8:], p.val)
}

func pairAt(buf []byte) pair {
	return pair{binary.BigEndian.Uint64(buf), binary.BigEndian.Uint64(buf[8:])}
}

// sorted is a file of pairs in the order of their keys.
type sorted struct {
	f      *os.File
	fences []uint64 // the first key of each block
	n      int64    // pairs
	level  int      // how many merges they went through
}

// tiers are sorted files, the oldest first. Once eight of them have gone
// through equally many merges they become one: a pair is copied once for each
// power of eight, and seven files are left at most for each.
type tiers []*sorted

// add adds a file. merged writes what comes out of several files.
func (t *tiers) add(s *sorted, merged func(files tiers) (*sorted, error)) error {
	*t = append(*t, s)
	for {
		old := len(*t) - mergeFiles
		if old < 0 || (*t)[old].level != (*t)[len(*t)-1].level {
			return nil
		}
		files := (*t)[old:]
		one, err := merged(files)
		if err != nil {
			return err
		}
		one.level = files[0].level + 1
		if err := files.close(); err != nil {
			return errors.Join(err, one.f.Close())
		}
		*t = append((*t)[:old], one)
	}
}

// close removes the files.
func (t tiers) close() error {
	var err error
	for _, s := range t {
		err = errors.Join(err, s.f.Close())
	}
	return err
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
		p.put(buf[:])
		w.Write(buf[:]) // an error stays until Flush
	}
	if err := w.Flush(); err != nil {
		return nil, errors.Join(fmt.Errorf("temporary file: %w", err), f.Close())
	}
	return s, nil
}

// each gives pairs one after the other, as writeSorted takes them.
func each(pairs []pair) func() (pair, bool, error) {
	return func() (p pair, ok bool, err error) {
		if ok = len(pairs) > 0; ok {
			p, pairs = pairs[0], pairs[1:]
		}
		return p, ok, nil
	}
}

// get finds the pair of a key. The block is room to read into.
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
	if i == n {
		return 0, false, nil
	}
	p := pairAt(block[i*pairSize:])
	return p.val, p.key == key, nil
}

// merger gives the pairs of several files in one order: a heap of them, by the
// pairs that they are at.
type merger struct {
	heap   []*pairReader
	before func(a, b *pairReader) bool
}

// newMerger begins to read files, the oldest first.
func newMerger(files tiers, before func(a, b *pairReader) bool) (*merger, error) {
	m := &merger{before: before}
	for i, s := range files {
		r := &pairReader{f: s.f, left: s.n, age: len(files) - i}
		more, err := r.next()
		if err != nil {
			return nil, err
		}
		if more {
			m.heap = append(m.heap, r)
		}
	}
	for i := len(m.heap)/2 - 1; i >= 0; i-- {
		m.sink(i)
	}
	return m, nil
}

// byValue has pairs of one key in the order of their values.
func byValue(a, b *pairReader) bool { return comparePairs(a.head, b.head) < 0 }

// newestFirst has pairs of one key in the order of their files.
func newestFirst(a, b *pairReader) bool {
	return a.head.key < b.head.key || a.head.key == b.head.key && a.age < b.age
}

// next takes the pair that is first; false when there are no more.
func (m *merger) next() (pair, bool, error) {
	if len(m.heap) == 0 {
		return pair{}, false, nil
	}
	r := m.heap[0]
	p := r.head
	more, err := r.next()
	if err != nil {
		return pair{}, false, err
	}
	if !more {
		last := len(m.heap) - 1
		m.heap[0], m.heap = m.heap[last], m.heap[:last]
	}
	m.sink(0)
	return p, true, nil
}

// sink moves a reader down to where it belongs.
func (m *merger) sink(i int) {
	for {
		least := i
		for c := 2*i + 1; c <= 2*i+2 && c < len(m.heap); c++ {
			if m.before(m.heap[c], m.heap[least]) {
				least = c
			}
		}
		if least == i {
			return
		}
		m.heap[i], m.heap[least] = m.heap[least], m.heap[i]
		i = least
	}
}

// pairReader reads a file from beginning to end.
type pairReader struct {
	f    *os.File
	at   int64
	left int64 // pairs that are not in buf yet
	age  int   // 1 for the newest file
	head pair
	buf  []byte
	rest []byte // of buf
}

// next goes to the next pair; false when there is none.
func (r *pairReader) next() (bool, error) {
	if len(r.rest) == 0 {
		if r.left == 0 {
			return false, nil
		}
		if r.buf == nil {
			r.buf = make([]byte, readBuffer)
		}
		r.rest = r.buf[:min(r.left*pairSize, readBuffer)]
		if _, err := r.f.ReadAt(r.rest, r.at); err != nil {
			return false, fmt.Errorf("temporary file: %w", err)
		}
		r.at += int64(len(r.rest))
		r.left -= int64(len(r.rest) / pairSize)
	}
	r.head, r.rest = pairAt(r.rest), r.rest[pairSize:]
	return true, nil
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
