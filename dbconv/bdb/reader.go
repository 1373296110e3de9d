package bdb

import (
	"encoding/binary"
	"io"
)

// Type is the access method of a database.
type Type uint8

// The access methods that are read.
const (
	Btree Type = iota + 1
	Recno
	Hash
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
	Bitmaps                                                    [32]uint16 // 1.85
	HashFunc                                                   HashFunc   // 0: unknown
}

// Options are the limits and tolerances of a Reader. The zero value is useful.
type Options struct {
	// Problem receives what was skipped or odd, an *Error each; nil: ignored.
	// It is called from the goroutine that calls Next or Get.
	Problem func(err error)
	// MaxItem is the longest key or value in bytes that is read into memory;
	// 0: 16 MiB. A longer one is a Problem (ErrTooBig) and its record is skipped.
	MaxItem int64
	// Strict makes Next return the first damage instead of skipping over it.
	Strict bool
}

// DefaultMaxItem is the longest key or value read by default: 16 MiB.
const DefaultMaxItem = 16 << 20

// A Reader reads one database of a Berkeley DB file. Its methods may be called
// from one goroutine at a time; cursors of one Reader are independent of each
// other but for Options.Problem.
type Reader struct {
	r    io.ReaderAt
	meta Meta
	opts Options
	name string // sub-database, "" for the file's main database
}

// NewReader reads the metadata page of a file of size bytes. It returns an error
// that wraps ErrNotBerkeleyDB, ErrEncrypted, ErrUnsupported or ErrCorrupt when the
// file cannot be read. A file of 0 bytes is an empty 1.85 btree.
func NewReader(r io.ReaderAt, size int64, opts Options) (*Reader, error) {
	panic("not yet")
}

// Meta returns what the metadata page tells.
func (r *Reader) Meta() Meta { return r.meta }

// Name is the name of the sub-database, "" for the main database of the file.
func (r *Reader) Name() string { return r.name }

// Subdatabases returns the names of the sub-databases in key order, nil when the
// file holds one database only.
func (r *Reader) Subdatabases() ([]string, error) { panic("not yet") }

// Open returns a Reader of the sub-database name, ErrNotFound when there is none.
func (r *Reader) Open(name string) (*Reader, error) { panic("not yet") }

// Cursor returns a cursor before the first record.
func (r *Reader) Cursor() *Cursor { panic("not yet") }

// Get returns the value of key (the first of a set of duplicates), in memory that
// the caller owns. The error wraps ErrNotFound when there is no such key. The key of a recno
// database is the record number in decimal digits.
func (r *Reader) Get(key []byte) (value []byte, err error) { panic("not yet") }

// A Cursor returns the records of a database one after the other: a btree in key
// order, a hash in bucket order, a recno in record order.
type Cursor struct{}

// Next returns the next record, io.EOF after the last. Both slices are valid until
// the next call and must not be changed. The key of a recno database is the record number in
// decimal digits. Damage is told to Options.Problem, the smallest unit is skipped, and Next goes
// on; it returns an error other than io.EOF only when reading the file fails, or,
// with Options.Strict, at the first damage.
func (c *Cursor) Next() (key, value []byte, err error) { panic("not yet") }

// Deleted is the number of delete-flagged records skipped so far.
func (c *Cursor) Deleted() int64 { panic("not yet") }
