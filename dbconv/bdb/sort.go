package bdb

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"slices"
)

// mergeWidth is the number of sorted runs merged at once; each has a buffer of
// runBuffer bytes.
const (
	mergeWidth = 128
	runBuffer  = 64 << 10
)

// A Sorter sorts records by key in byte order, equal keys in the order of
// arrival, in bounded memory: what does not fit goes to a temporary file in
// sorted runs. The file has no name from the moment it is open. One goroutine
// at a time may use a Sorter.
type Sorter struct {
	dir     string
	limit   int // bytes held in memory
	byValue bool
	arena   []byte // keys and values back to back
	recs    []sortRecord
	inOrder bool
	total   int64
	file    *os.File
	runs    []sortRun
	size    int64 // bytes in file
}

// sortRecord is one record of the arena. The first eight bytes of the key
// decide most comparisons.
type sortRecord struct {
	prefix uint64
	off    uint32
	klen   uint32
	vlen   uint32
}

const sortRecordSize = 24

// sortRun is a sorted part of the temporary file.
type sortRun struct{ off, end int64 }

// NewSorter returns a Sorter that holds limit bytes in memory (0:
// DefaultSortMemory) and has its temporary files in dir ("": os.TempDir).
func NewSorter(dir string, limit int) *Sorter {
	if limit <= 0 {
		limit = DefaultSortMemory
	}
	return newSorter(dir, limit, false)
}

func newSorter(dir string, limit int, byValue bool) *Sorter {
	return &Sorter{dir: dir, limit: min(limit, 1<<30), byValue: byValue, inOrder: true}
}

// Count is the number of records added.
func (s *Sorter) Count() int64 { return s.total }

// ordered says whether all records came in order.
func (s *Sorter) ordered() bool { return s.inOrder && len(s.runs) == 0 }

// full says whether a record of n bytes would go beyond the memory limit.
func (s *Sorter) full(n int) bool {
	return len(s.recs) > 0 && len(s.arena)+n+(len(s.recs)+1)*sortRecordSize > s.limit
}

// beyond says whether n bytes are held, or more.
func (s *Sorter) beyond(n int) bool {
	return len(s.recs) > 0 && len(s.arena)+len(s.recs)*sortRecordSize >= n
}

func sortPrefix(key []byte) uint64 {
	if len(key) >= 8 {
		return binary.BigEndian.Uint64(key)
	}
	var b [8]byte
	copy(b[:], key)
	return binary.BigEndian.Uint64(b[:])
}

// Add takes a copy of a record.
func (s *Sorter) Add(key, value []byte) error {
	if int64(len(key))+int64(len(value)) > 1<<31 {
		return fmt.Errorf("bdb: a record of %d bytes cannot be sorted", int64(len(key))+int64(len(value)))
	}
	if s.full(len(key) + len(value)) {
		if err := s.spill(); err != nil {
			return err
		}
	}
	s.reserve(len(key) + len(value))
	r := sortRecord{prefix: sortPrefix(key), off: uint32(len(s.arena)), klen: uint32(len(key)), vlen: uint32(len(value))}
	s.arena = append(s.arena, key...)
	s.arena = append(s.arena, value...)
	if s.inOrder && len(s.recs) > 0 && s.compare(s.recs[len(s.recs)-1], r) > 0 {
		s.inOrder = false
	}
	s.recs = append(s.recs, r)
	s.total++
	return nil
}

// reserve takes the whole memory at once when the first part of it is used up:
// growing step by step would leave as much again behind.
func (s *Sorter) reserve(n int) {
	if first := s.limit / 16; len(s.arena)+n > first && cap(s.arena) < s.limit && cap(s.arena) < len(s.arena)+n {
		s.arena = append(make([]byte, 0, max(s.limit, len(s.arena)+n)), s.arena...)
		s.recs = append(make([]sortRecord, 0, s.limit/sortRecordSize), s.recs...)
	}
}

func (s *Sorter) key(r sortRecord) []byte { return s.arena[r.off : r.off+r.klen] }

func (s *Sorter) value(r sortRecord) []byte {
	return s.arena[r.off+r.klen : r.off+r.klen+r.vlen]
}

func (s *Sorter) compare(a, b sortRecord) int {
	if a.prefix != b.prefix {
		return cmp.Compare(a.prefix, b.prefix)
	}
	if c := bytes.Compare(s.key(a), s.key(b)); c != 0 {
		return c
	}
	if s.byValue {
		if c := bytes.Compare(s.value(a), s.value(b)); c != 0 {
			return c
		}
	}
	// Of records that begin at one place all but the last take no room there.
	return cmp.Or(cmp.Compare(a.off, b.off), cmp.Compare(a.klen+a.vlen, b.klen+b.vlen))
}

func (s *Sorter) sortMemory() {
	if !s.inOrder {
		slices.SortFunc(s.recs, s.compare)
	}
}

// spill writes what is in memory to the temporary file as a sorted run.
func (s *Sorter) spill() error {
	if s.file == nil {
		f, err := openTemp(s.dir)
		if err != nil {
			return err
		}
		s.file = f
	}
	s.sortMemory()
	out := newRunWriter(s.file, s.size)
	for _, r := range s.recs {
		out.add(s.key(r), s.value(r))
	}
	run, err := out.done()
	if err != nil {
		return err
	}
	s.runs, s.size = append(s.runs, run), run.end
	s.arena, s.recs, s.inOrder = s.arena[:0], s.recs[:0], true
	return nil
}

// openTemp opens a file without a name.
func openTemp(dir string) (*os.File, error) {
	f, err := os.CreateTemp(dir, "bdb-sort-*")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// Drain calls put with all records in order and gives everything up, whatever
// the result. The slices are valid during the call.
func (s *Sorter) Drain(put func(key, value []byte) error) error {
	defer s.Close()
	if len(s.runs) == 0 {
		s.sortMemory()
		for _, r := range s.recs {
			if err := put(s.key(r), s.value(r)); err != nil {
				return err
			}
		}
		return nil
	}
	if err := s.spill(); err != nil {
		return err
	}
	s.arena, s.recs = nil, nil
	for len(s.runs) > mergeWidth {
		if err := s.mergePass(); err != nil {
			return err
		}
	}
	return s.merge(s.runs, put)
}

// mergePass merges groups of runs into runs of a new temporary file.
func (s *Sorter) mergePass() error {
	f, err := openTemp(s.dir)
	if err != nil {
		return err
	}
	var runs []sortRun
	size := int64(0)
	for group := range slices.Chunk(s.runs, mergeWidth) {
		out := newRunWriter(f, size)
		err := s.merge(group, func(key, value []byte) error { return out.add(key, value) })
		if err != nil {
			f.Close()
			return err
		}
		run, err := out.done()
		if err != nil {
			f.Close()
			return err
		}
		runs, size = append(runs, run), run.end
	}
	s.file.Close()
	s.file, s.runs, s.size = f, runs, size
	return nil
}

// Close gives up memory and temporary file of a Sorter that is not drained.
func (s *Sorter) Close() {
	if s.file != nil {
		s.file.Close()
		s.file = nil
	}
	s.arena, s.recs, s.runs = nil, nil, nil
}

// runWriter writes records as two lengths (uvarint), key, value.
type runWriter struct {
	buf  *bufio.Writer
	run  sortRun
	lens []byte
}

func newRunWriter(f *os.File, off int64) *runWriter {
	return &runWriter{buf: bufio.NewWriterSize(io.NewOffsetWriter(f, off), 4*runBuffer), run: sortRun{off, off}}
}

func (w *runWriter) add(key, value []byte) error {
	w.lens = binary.AppendUvarint(w.lens[:0], uint64(len(key)))
	w.lens = binary.AppendUvarint(w.lens, uint64(len(value)))
	w.run.end += int64(len(w.lens) + len(key) + len(value))
	w.buf.Write(w.lens)
	w.buf.Write(key)
	_, err := w.buf.Write(value)
	return err
}

func (w *runWriter) done() (sortRun, error) { return w.run, w.buf.Flush() }

// runReader reads a run. The value of a record is read only when its turn
// comes, or when it decides the order, so that many runs of long values are not
// in memory at once.
type runReader struct {
	buf        *bufio.Reader
	key, value []byte
	length     int    // of the value
	loaded     bool   // value holds it
	own        []byte // for a value that decides the order
	prefix     uint64
	order      int // of the run, which decides between equal records
	err        error
}

// next reads the next key; io.EOF at the end. The value before must have been
// loaded.
func (r *runReader) next() error {
	klen, err := binary.ReadUvarint(r.buf)
	if err != nil {
		return err
	}
	vlen, err := binary.ReadUvarint(r.buf)
	if err != nil {
		return fmt.Errorf("bdb: temporary file: %w", err)
	}
	r.key = slices.Grow(r.key[:0], int(klen))[:klen]
	if _, err := io.ReadFull(r.buf, r.key); err != nil {
		return fmt.Errorf("bdb: temporary file: %w", err)
	}
	r.prefix, r.length, r.loaded = sortPrefix(r.key), int(vlen), false
	return nil
}

// load reads the value into dst, which it returns, unless it has been read.
func (r *runReader) load(dst []byte) []byte {
	if r.loaded {
		return dst
	}
	dst = slices.Grow(dst[:0], r.length)[:r.length]
	if _, err := io.ReadFull(r.buf, dst); err != nil {
		r.err = fmt.Errorf("bdb: temporary file: %w", err)
	}
	r.value, r.loaded = dst, true
	return dst
}

// merge calls put with the records of runs in order.
func (s *Sorter) merge(runs []sortRun, put func(key, value []byte) error) error {
	h := make([]*runReader, 0, len(runs))
	for i, run := range runs {
		r := &runReader{buf: bufio.NewReaderSize(io.NewSectionReader(s.file, run.off, run.end-run.off), runBuffer), order: i}
		switch err := r.next(); err {
		case nil:
			h = append(h, r)
		case io.EOF:
		default:
			return err
		}
	}
	for i := len(h)/2 - 1; i >= 0; i-- {
		s.sift(h, i)
	}
	var shared []byte // the value of the record whose turn it is
	for len(h) > 0 {
		r := h[0]
		if shared = r.load(shared); r.err != nil {
			return r.err
		}
		if err := put(r.key, r.value); err != nil {
			return err
		}
		switch err := r.next(); err {
		case nil:
		case io.EOF:
			h[0] = h[len(h)-1]
			h = h[:len(h)-1]
		default:
			return err
		}
		s.sift(h, 0)
	}
	return nil
}

func (s *Sorter) less(a, b *runReader) bool {
	if a.prefix != b.prefix {
		return a.prefix < b.prefix
	}
	if c := bytes.Compare(a.key, b.key); c != 0 {
		return c < 0
	}
	if s.byValue {
		a.own, b.own = a.load(a.own), b.load(b.own)
		if c := bytes.Compare(a.value, b.value); c != 0 {
			return c < 0
		}
	}
	return a.order < b.order
}

// sift restores the heap below i.
func (s *Sorter) sift(h []*runReader, i int) {
	for {
		c := 2*i + 1
		if c >= len(h) {
			return
		}
		if c+1 < len(h) && s.less(h[c+1], h[c]) {
			c++
		}
		if !s.less(h[c], h[i]) {
			return
		}
		h[i], h[c] = h[c], h[i]
		i = c
	}
}
