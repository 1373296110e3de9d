package bdb

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// Defaults and limits of a Writer.
const (
	DefaultVersion    = 6
	DefaultPageSize   = 8192
	MinPageSize       = 512
	MaxPageSize       = 65536
	DefaultSortMemory = 16 << 20
)

// TreeOptions say what kind of database is written. The zero value is a btree
// with unique keys, in byte order.
type TreeOptions struct {
	// Duplicates keeps every record of a key, in the order of the Puts. Without
	// it the last record of a key replaces the earlier ones (see Replaced).
	Duplicates bool
	// DuplicatesSorted keeps the records of a key sorted by value, each pair
	// once; it implies Duplicates. Versions 6 and 7 store no mark of it.
	DuplicatesSorted bool
	// RecordNumbers keeps record counts in the inner pages of a btree.
	RecordNumbers bool
	// Recno writes a recno database. Keys are record numbers in decimal digits,
	// rising; a gap is filled with deleted records, as the library does it.
	Recno bool
	// Renumber, FixedLength (bytes, 0: variable) and Pad are kept for a recno
	// database; a short record is padded with Pad up to FixedLength.
	Renumber    bool
	FixedLength int
	Pad         byte
	// KeepOrder writes the keys in the order of the Puts even where that is not
	// byte order: the way to carry over a database that has a comparison
	// function of its own. Equal keys must follow each other.
	KeepOrder bool
	// Unsorted says that the records come in no order, so that sorting starts
	// with the first and the destination is written once.
	Unsorted bool
	// MinKey is how many keys a page of a btree holds at least, which says how
	// long an item may be to stay on its page; 0: 2. MinKeyFits tells which go
	// with a page size.
	MinKey int
}

// MinKeyFits tells whether a page of pageSize bytes can be made to hold n keys
// at least.
func MinKeyFits(n, pageSize int) bool {
	return n >= defaultMinKey && inlineLimit(pageSize, sumHeader, n) > 0
}

// WriterOptions say how a Writer writes.
type WriterOptions struct {
	Version   int              // on-disk btree version 6, 7, 8 or 9; 0: DefaultVersion
	ByteOrder binary.ByteOrder // of the pages; nil: big-endian
	PageSize  int              // bytes, a power of two, 512 to 65536; 0: DefaultPageSize
	// Name is the base name of the file. It goes into the file's unique id, so
	// that the files of one environment differ.
	Name string
	// Checksum puts a checksum on every page; version 9 only.
	Checksum bool
	TreeOptions
	// KeepFirst keeps the first record of a key instead of the last.
	KeepFirst bool
	// FirstOnly is KeepFirst for databases too in which a key may have several
	// records: it gets one.
	FirstOnly bool
	// OnReplace is called with the key of each record that is given up because
	// another has the same key; nil: only counted. With IgnoreEqual it is not
	// called when the values are equal too.
	OnReplace   func(key []byte)
	IgnoreEqual bool
	// Check is called now and then while records are written, also in Close;
	// its error stops the Writer. nil: none.
	Check      func() error
	TempDir    string // for sorting; "": os.TempDir
	SortMemory int    // bytes held before a sort goes to temporary files; 0: DefaultSortMemory
}

// A Writer builds the btree or recno pages of one database file, bottom up:
// each page is written once, nearly in order. Memory is bounded by SortMemory,
// a few pages for each level of the tree, and the largest record. One goroutine
// at a time may use it.
//
// Records may come in any order. As long as they come in byte order of their
// keys they go straight to their pages; when one comes out of order after more
// than a MiB, what was written is read back (the destination must then be an
// io.ReaderAt) and everything is sorted through temporary files.
type Writer struct {
	opts  WriterOptions
	pages *pageWriter
	tree  *treeBuilder
	group group
	sort  *Sorter // nil once records go straight to the tree

	subs    []subEntry
	names   map[string]struct{} // of subs
	subTree TreeOptions
	sub     bool // records go to the last of subs

	uid    *uidHash
	number uint32 // last record number of a recno

	records, replaced, disorder int64
	puts                        int64 // calls of put
	err                         error
	closed                      bool
}

// NewWriter starts a database at offset 0 of w, which should be an empty file.
func NewWriter(w io.WriterAt, opts WriterOptions) (*Writer, error) {
	if opts.Version == 0 {
		opts.Version = DefaultVersion
	}
	if opts.PageSize == 0 {
		opts.PageSize = DefaultPageSize
	}
	if opts.SortMemory <= 0 {
		opts.SortMemory = DefaultSortMemory
	}
	if opts.Version < 6 || opts.Version > 9 {
		return nil, fmt.Errorf("bdb: version %d cannot be written: 6 to 9 can", opts.Version)
	}
	if opts.PageSize < MinPageSize || opts.PageSize > MaxPageSize || opts.PageSize&(opts.PageSize-1) != 0 {
		return nil, fmt.Errorf("bdb: page size %d is not a power of two from %d to %d", opts.PageSize, MinPageSize, MaxPageSize)
	}
	if opts.Checksum && opts.Version < 9 {
		return nil, fmt.Errorf("bdb: version %d has no checksums", opts.Version)
	}
	tree, err := opts.TreeOptions.checked(opts.PageSize)
	if err != nil {
		return nil, err
	}
	opts.TreeOptions = tree
	out := &Writer{opts: opts, pages: newPageWriter(w, opts.PageSize, bigEndian(opts.ByteOrder), opts.Checksum), uid: newUIDHash(opts.Name), names: make(map[string]struct{})}
	out.begin(opts.TreeOptions, rootPage)
	return out, nil
}

// checked refuses combinations that no library writes.
func (t TreeOptions) checked(pageSize int) (TreeOptions, error) {
	t.Duplicates = t.Duplicates || t.DuplicatesSorted
	if t.MinKey == 0 {
		t.MinKey = defaultMinKey
	}
	switch {
	case !MinKeyFits(t.MinKey, pageSize):
		return t, fmt.Errorf("bdb: a page of %d bytes cannot hold %d keys at least", pageSize, t.MinKey)
	case t.Recno && (t.Duplicates || t.RecordNumbers):
		return t, errors.New("bdb: a recno database has neither duplicates nor record counts of its own")
	case t.RecordNumbers && t.Duplicates:
		return t, errors.New("bdb: record numbers and duplicates exclude each other")
	case t.FixedLength < 0 || t.FixedLength > 0 && !t.Recno:
		return t, errors.New("bdb: only a recno database has a fixed record length")
	}
	return t, nil
}

// begin starts a tree; root is the page its root must get, 0 for any.
func (w *Writer) begin(t TreeOptions, root uint32) {
	w.subTree = t
	w.pages.limit = inlineLimit(w.pages.size, w.pages.head, t.MinKey)
	w.tree = newMainTree(w.pages, t, root)
	w.group.reset()
	w.group.has = false
	w.number = 0
	w.sort = nil
	if !t.KeepOrder && !t.Recno {
		w.sort = newSorter(w.opts.TempDir, w.opts.SortMemory, t.DuplicatesSorted && !w.opts.FirstOnly)
	}
}

// Put adds a record. The slices are not kept. The error of a Put, or of
// anything that it set off, is returned by all later calls too.
func (w *Writer) Put(key, value []byte) error {
	switch {
	case w.err != nil:
		return w.err
	case w.closed:
		return errors.New("bdb: put after close")
	case len(w.subs) > 0 && !w.sub:
		return errors.New("bdb: put outside of a sub-database")
	case w.subTree.Recno:
		w.err = w.putNumbered(key, value)
	case w.sort != nil:
		w.err = w.collect(key, value)
	default:
		w.err = w.put(key, value)
	}
	return w.err
}

// Replaced is the number of records that a later record of the same key
// replaced, or of equal pairs left out of a sorted duplicate set. Final after
// Close.
func (w *Writer) Replaced() int64 { return w.replaced }

// Disorder is the number of records whose key is less, in byte order, than the
// key before, counted with KeepOrder only. Final after Close.
func (w *Writer) Disorder() int64 { return w.disorder }

// Records is the number of records in the database. Final after Close.
func (w *Writer) Records() int64 { return w.records }

// Pages is the number of pages of the file. Final after Close.
func (w *Writer) Pages() int64 { return int64(w.pages.next) }

// trustAfter is how many bytes of records in order it takes to believe that the
// rest will be in order too.
const trustAfter = 1 << 20

// collect hands a record to the sorter. When enough have come in order they go
// to the tree, those that follow too, and the sorter is done.
func (w *Writer) collect(key, value []byte) error {
	enough := w.sort.beyond(trustAfter) || w.sort.full(len(key)+len(value))
	if enough && w.sort.ordered() && !w.subTree.Unsorted && !w.sub {
		s := w.sort
		w.sort = nil
		if err := s.Drain(w.put); err != nil {
			return err
		}
		return w.put(key, value)
	}
	return w.sort.Add(key, value)
}

// put takes a record in its final place, or notices that it is not.
func (w *Writer) put(key, value []byte) error {
	if w.puts++; w.puts%4096 == 0 && w.opts.Check != nil {
		if err := w.opts.Check(); err != nil {
			return err
		}
	}
	g := &w.group
	if !g.has {
		return w.open(key, value)
	}
	c := bytes.Compare(key, g.key)
	if c > 0 {
		if err := w.flush(); err != nil {
			return err
		}
		return w.open(key, value)
	}
	if c < 0 {
		if !w.subTree.KeepOrder {
			return w.rewind(key, value)
		}
		w.disorder++
		if err := w.flush(); err != nil {
			return err
		}
		return w.open(key, value)
	}
	if !w.subTree.Duplicates || w.opts.FirstOnly {
		w.replaced++
		if w.opts.OnReplace != nil && !(w.opts.IgnoreEqual && bytes.Equal(value, g.value)) {
			w.opts.OnReplace(key)
		}
		if w.opts.KeepFirst || w.opts.FirstOnly {
			return nil
		}
		g.value = append(g.value[:0], value...)
		return nil
	}
	if w.subTree.DuplicatesSorted {
		switch c := bytes.Compare(value, g.value); {
		case c == 0:
			w.replaced++
			return nil
		case c < 0 && !w.subTree.KeepOrder:
			return w.rewind(key, value)
		case c < 0:
			w.disorder++
		}
	}
	g.value = append(g.value[:0], value...)
	return w.addDuplicate(value)
}

// open starts the group of records of a new key.
func (w *Writer) open(key, value []byte) error {
	g := &w.group
	g.has = true
	g.key = append(g.key[:0], key...)
	g.value = append(g.value[:0], value...)
	if !w.subTree.Duplicates {
		return nil
	}
	return w.addDuplicate(value)
}

// flush writes the group of records of the current key to the tree.
func (w *Writer) flush() error {
	g := &w.group
	if !g.has {
		return nil
	}
	g.has = false
	if !w.subTree.Duplicates {
		w.count(g.key, g.value)
		return w.tree.addPair(g.key, g.value)
	}
	return w.flushDuplicates()
}

// maxGap is the most record numbers that a recno may leave out in a row: each
// takes room in the file.
const maxGap = 1 << 20

// putNumbered adds a record of a recno database.
func (w *Writer) putNumbered(key, value []byte) error {
	n, err := strconv.ParseUint(string(key), 10, 32)
	if err != nil || n == 0 {
		return fmt.Errorf("bdb: %.20q is no record number", key)
	}
	if uint32(n) <= w.number {
		return fmt.Errorf("bdb: record number %d after %d", n, w.number)
	}
	if uint32(n)-w.number > maxGap {
		return fmt.Errorf("bdb: record number %d after %d: a gap of more than %d records", n, w.number, maxGap)
	}
	fixed := w.subTree.FixedLength
	if fixed > 0 && len(value) > fixed {
		return fmt.Errorf("bdb: record %d has %d bytes, the fixed length is %d", n, len(value), fixed)
	}
	for w.number++; w.number < uint32(n); w.number++ {
		if err := w.tree.addGap(w.pad(nil)); err != nil {
			return err
		}
	}
	value = w.pad(value)
	w.count(key, value)
	return w.tree.addItem(value)
}

// pad fills a record of a fixed-length recno up.
func (w *Writer) pad(value []byte) []byte {
	fixed := w.subTree.FixedLength
	if len(value) >= fixed {
		return value
	}
	w.group.value = append(w.group.value[:0], value...)
	for len(w.group.value) < fixed {
		w.group.value = append(w.group.value, w.subTree.Pad)
	}
	return w.group.value
}

// count takes a record into the file's unique id.
func (w *Writer) count(key, value []byte) {
	w.records++
	w.uid.add(key, value)
}

// finish completes the current tree and returns its root page.
func (w *Writer) finish() (uint32, error) {
	if w.sort != nil {
		s := w.sort
		w.sort = nil
		if err := s.Drain(w.put); err != nil {
			return 0, err
		}
	}
	if err := w.flush(); err != nil {
		return 0, err
	}
	return w.tree.finish()
}

// Close writes what is pending, the root and the metadata. It neither syncs nor
// closes the destination.
func (w *Writer) Close() error {
	if w.closed || w.err != nil {
		w.closed = true
		w.release()
		return w.err
	}
	w.err = w.close()
	w.closed = true
	w.release()
	return w.err
}

func (w *Writer) close() error {
	if err := w.closeSubs(); err != nil {
		return err
	}
	records := w.records
	root, err := w.finish()
	if err != nil {
		return err
	}
	if len(w.subs) > 0 {
		w.records = records
	}
	free, err := w.pages.freeRest()
	if err != nil {
		return err
	}
	id := w.uid.sum()
	for _, s := range w.subs {
		if err := w.writeMeta(metaPage{tree: s.tree, page: s.page, root: s.root, uid: id}); err != nil {
			return err
		}
	}
	if err := w.writeMeta(metaPage{tree: w.subTree, root: root, free: free, uid: id, subs: len(w.subs) > 0}); err != nil {
		return err
	}
	return w.pages.flush()
}

// release gives up memory and temporary files.
func (w *Writer) release() {
	w.uid.stop()
	if w.sort != nil {
		w.sort.Close()
		w.sort = nil
	}
}

// Abort gives up the temporary files and goroutines of a Writer that will not
// be closed; after Close it does nothing.
func (w *Writer) Abort() {
	w.closed = true
	w.release()
}
