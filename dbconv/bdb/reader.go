package bdb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Type is the access method of a database.
type Type uint8

// The access methods that are read.
const (
	Btree Type = iota + 1
	Recno
	Hash
	Queue
	Heap
)

// String gives the word that db_dump prints after "type=".
func (t Type) String() string {
	switch t {
	case Btree:
		return "btree"
	case Recno:
		return "recno"
	case Hash:
		return "hash"
	case Queue:
		return "queue"
	case Heap:
		return "heap"
	}
	return "unknown"
}

// Meta is what the metadata page tells, in one form for all versions. Numbers
// that the version does not store are zero.
type Meta struct {
	Type      Type
	Version   uint32           // 6 to 9 btree, 4 to 9 hash; 1.85: 3 btree, 2 hash
	Legacy185 bool             // the format of Berkeley DB 1.85
	ByteOrder binary.ByteOrder // of the pages
	PageSize  int              // bytes
	Pages     int64            // whole pages in the file, from its size
	Size      int64            // bytes of the file
	PageNo    uint32           // page of this metadata: 0, or a sub-database's own

	Dup, DupSort, RecNum, Renumber, FixedLen, SubDBs, Checksum, NoDups bool

	RawFlags              uint32 // the flags word as stored
	UID                   [20]byte
	LSN                   [2]uint32 // log file, offset
	Free                  uint32    // head of the free list
	LastPage              uint32    // as stored; not to be trusted (see doc.go)
	KeyCount, RecordCount uint32    // as cached by the last db_stat

	// Btree and recno.
	Root, MinKey, MaxKey, RecLen, RecPad uint32

	// Hash.
	MaxBucket, HighMask, LowMask, FillFactor, NumElem, CharKey uint32
	OvflPoint                                                  uint32 // 2.x and 1.85
	HeaderPages                                                uint32 // 1.85
	Spares                                                     [32]uint32
	unused36                                                   uint32     // see lastPageStored
	Bitmaps                                                    [32]uint16 // 1.85
	HashFunc                                                   HashFunc   // 0: unknown

	// Queue: the first record, the one behind the last, and records a page.
	FirstRec, NextRec, RecPage uint32

	// Heap: regions, data pages in each, and the limit of its size, 0 for none:
	// so many GiB and bytes.
	Regions, RegionSize, LimitGiB, LimitBytes uint32
}

// Options are the limits and tolerances of a Reader. The zero value is useful.
type Options struct {
	// Problem receives what was skipped or odd, an *Error each; nil: ignored.
	// It is called from the goroutine that calls Next or Get.
	Problem func(err error)
	// MaxItem is the longest key or value in bytes that is read into memory; 0:
	// 16 MiB. A longer one is a Problem (ErrTooBig) and its record is skipped.
	// In a 1.85 hash it bounds key and value together.
	MaxItem int64
	// Strict makes Next return the first damage instead of skipping over it.
	Strict bool
	// Check is asked now and then while Next, after the last record, holds the
	// file against its structure, which takes as long as Verify; its error ends
	// that and is returned. nil: nothing is asked.
	Check func() error
}

// DefaultMaxItem is the longest key or value read by default: 16 MiB.
const DefaultMaxItem = 16 << 20

// A Reader reads one database of a Berkeley DB file. Its methods may be called
// from one goroutine at a time; cursors of one Reader are independent of each
// other but for Options.Problem.
type Reader struct {
	r      io.ReaderAt
	meta   Meta
	lay    layout
	opts   Options
	name   string // sub-database, "" for the file's main database
	master *Reader
	order  keyOrder
	get    *input     // of Get,
	page   node       // and the page of a btree that it is at
	reach  *reach     // of a master whose sub-databases were listed
	file   *fileCheck // of the file's own database; nil: nothing is checked
}

// A reach is what the cursors of all sub-databases of a file have come to.
type reach struct {
	seen     *pageSet
	left     map[string]bool // sub-databases not read to the end
	overflow int64           // overflow pages that may still be read
}

// keyOrder is what is known of the order of the keys of a btree.
type keyOrder uint8

const (
	orderUnknown keyOrder = iota
	orderBytes            // as bytes
	orderOther            // the application's own
)

// NewReader reads the metadata page of a file of size bytes. It returns an
// error that wraps ErrNotBerkeleyDB, ErrEncrypted, ErrUnsupported or ErrCorrupt
// when the file cannot be read, or ErrEmpty for a file of 0 bytes.
func NewReader(r io.ReaderAt, size int64, opts Options) (*Reader, error) {
	if opts.MaxItem <= 0 {
		opts.MaxItem = DefaultMaxItem
	}
	m, raw, err := readMeta(r, size, 0, 0)
	if err != nil {
		return nil, err
	}
	rd := &Reader{r: r, meta: m, lay: layoutOf(&m), opts: opts, file: &fileCheck{told: newPageSet(), plain: newPageSet()}}
	if err := rd.checkFile(raw); err != nil {
		return nil, err
	}
	return rd, nil
}

// checkFile compares what the metadata page says with the file.
func (r *Reader) checkFile(raw []byte) error {
	in := &input{Reader: r}
	m := &r.meta
	if m.Checksum {
		ok, swapped := r.lay.checkSum(raw, metaChecksumAt)
		if !ok {
			if err := in.problem(in.damage(0, NoItem, "checksum of the metadata page does not match")); err != nil {
				return err
			}
		} else if swapped {
			in.tolerate(0, NoItem, "checksums are stored in the other byte order, as release 4.1 did")
		}
	}
	if err := r.checkPageSize(); err != nil {
		return err
	}
	if err := r.checkLength(in); err != nil {
		return err
	}
	if tail := m.Size % int64(m.PageSize); tail != 0 {
		e := fileError(ErrCorrupt, "the file ends %d bytes into page %d", tail, m.Pages)
		if err := in.problem(e); err != nil {
			return err
		}
	}
	if m.LSN[0] != 0 {
		e := fileError(ErrLogged, "log position %d/%d; what the server had not written when it stopped is in its log only", m.LSN[0], m.LSN[1])
		e.Tolerated = true
		if err := in.problem(e); err != nil {
			return err
		}
	}
	if last := int64(m.LastPage); m.lastPageStored() && last >= m.Pages {
		e := in.damage(0, NoItem, "the metadata tells of %d pages, the file has %d", last+1, m.Pages)
		e.Tolerated = !m.pagesLost()
		return in.problem(e)
	}
	return nil
}

// pagesLost tells that the file once had more pages than it has. db_upgrade,
// which leaves a btree at version 8, stored a number one too high.
func (m *Meta) pagesLost() bool {
	last := int64(m.LastPage)
	if !m.lastPageStored() || last < m.Pages {
		return false
	}
	upgraded := m.Type == Hash || m.Type != Heap && m.Version < 9
	return !upgraded || last > m.Pages || m.Size%int64(m.PageSize) != 0
}

// checkLength compares the record length with the first record. A writer pads
// records to that length, so a wrong one is dangerous.
func (r *Reader) checkLength(in *input) error {
	m := &r.meta
	if !m.FixedLen || m.Type != Recno {
		return nil
	}
	peek := *r
	peek.opts.Problem, peek.opts.Strict = nil, false
	_, first, err := newRecnoCursor(newInput(&peek)).next()
	if err == io.EOF && int64(m.RecLen) <= m.Size || err == nil && len(first) == int(m.RecLen) {
		return nil
	}
	if err != nil && err != io.EOF {
		return err
	}
	m.FixedLen = false
	return in.problem(in.damage(int64(m.PageNo), NoItem, "record length is stored as %d, the first record has %d bytes", m.RecLen, len(first)))
}

// lastPageStored tells whether LastPage is the number of the last page. 3.1 and
// 3.2 kept a log position there, which has a second word.
func (m *Meta) lastPageStored() bool { return m.LastPage != 0 && m.unused36 == 0 }

// checkPageSize compares the page size with the layout of the file: the second
// page knows its own number.
func (r *Reader) checkPageSize() error {
	if r.meta.Pages < 2 || r.meta.Legacy185 && r.meta.Type == Hash {
		return nil
	}
	at := 8
	if r.meta.Legacy185 {
		at = 0
	}
	var b [4]byte
	word := func(off int64) (uint32, error) {
		if off+int64(at)+4 > r.meta.Size {
			return 0, nil
		}
		_, err := r.r.ReadAt(b[:], off+int64(at))
		if err != nil {
			return 0, fmt.Errorf("reading page 1: %w", err)
		}
		return r.lay.u32(b[:]), nil
	}
	own, err := word(int64(r.meta.PageSize))
	if err != nil || own == 1 {
		return err
	}
	for ps := int64(512); ps <= 65536; ps *= 2 {
		one, err1 := word(ps)
		two, err2 := word(2 * ps)
		if err1 != nil || err2 != nil {
			return errors.Join(err1, err2)
		}
		if ps != int64(r.meta.PageSize) && one == 1 && two == 2 {
			return metaError("page size is stored as %d, but the pages lie %d bytes apart", r.meta.PageSize, ps)
		}
	}
	return nil
}

// Meta returns what the metadata page tells.
func (r *Reader) Meta() Meta { return r.meta }

// Name is the name of the sub-database, "" for the main database of the file.
func (r *Reader) Name() string { return r.name }

// A Cursor returns the records of a database one after the other: a btree in
// key order, a hash in bucket order, a recno in record order.
type Cursor struct {
	in  *input
	src source
	err error
}

// A source is the walk through one kind of database.
type source interface {
	next() (key, value []byte, err error)
}

// Cursor returns a cursor before the first record.
func (r *Reader) Cursor() *Cursor {
	in := newInput(r)
	c := &Cursor{in: in}
	switch {
	case r.meta.Legacy185 && r.meta.Type == Hash:
		c.src = newHash185(in)
	case r.meta.Legacy185:
		c.src = newTree185(in)
	case r.meta.Type == Hash:
		c.src = newHashCursor(in)
	case r.meta.Type == Queue:
		c.src = newQueueCursor(in)
	case r.meta.Type == Heap:
		c.src = newHeapCursor(in)
	case r.meta.Type == Recno:
		c.src = newRecnoCursor(in)
	default:
		c.src = newBtreeCursor(in)
	}
	return c
}

// Next returns the next record, io.EOF after the last. Both slices are valid
// until the next call and must not be changed. The key of a recno or queue is
// the record number in decimal digits, that of a heap the address of the
// record: page (4 bytes) and slot (2), big-endian. Damage is told to
// Options.Problem, the smallest unit is skipped, and Next goes on; it returns
// an error other than io.EOF only when reading the file fails, or, with
// Options.Strict, at the first damage.
func (c *Cursor) Next() (key, value []byte, err error) {
	if c.err != nil {
		return nil, nil, c.err
	}
	key, value, err = c.src.next()
	if err == nil {
		return key, value, nil
	}
	if err == io.EOF {
		if e := c.in.finish(); e != nil {
			err = e
		}
	}
	c.err = err
	return nil, nil, err
}

// Deleted is the number of delete-flagged records skipped so far.
func (c *Cursor) Deleted() int64 { return c.in.deleted }
