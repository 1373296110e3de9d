package dbconv

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"imsconv/dbconv/bdb"
)

// Output says what kind of file is written.
type Output struct {
	Version   int              // 6, 7, 8 or 9; 0: the default of the conversion
	ByteOrder binary.ByteOrder // nil: the source's
	PageSize  int              // bytes; 0: the source's
	Name      string           // base name of the file, which goes into its unique id
	TempDir   string           // for sorting; "": os.TempDir

	checksum bool // page checksums
}

// ConvertOptions are the options of Convert.
type ConvertOptions struct {
	Common
	Output
	Subdatabase *string // convert this one only; nil: the whole file
	SortDups    bool    // keep sets of duplicates sorted, as db_upgrade -s
	// HeapKeys makes a heap a btree whose keys are the addresses of the
	// records, see bdb.Cursor.Next, instead of a recno.
	HeapKeys bool
}

// Report is what a conversion did.
type Report struct {
	Source    bdb.Meta
	Version   int // written
	Records   int64
	Databases int   // sub-databases written
	Deleted   int64 // delete-flagged records passed over
	Replaced  int64 // records given up for another of the same key
	Disorder  int64 // keys that are not in byte order
	Pages     int64 // written
}

// ErrSubdatabases: the source holds sub-databases and the destination cannot.
var ErrSubdatabases = errors.New("the file holds several databases")

// ErrNoHeap: addresses are wanted of what is no heap.
var ErrNoHeap = errors.New("no heap")

// Convert writes the records of the database file src to dst as a btree (of a
// recno, a queue or a heap, as a recno): version 9 unless Output says
// otherwise. The order of a btree's keys is kept even where it is not byte
// order.
func Convert(ctx context.Context, dst io.WriterAt, src Source, opts ConvertOptions) (Report, error) {
	r, err := opts.open(ctx, src)
	if err != nil {
		return Report{}, err
	}
	rep := Report{Source: r.Meta()}
	out := opts.Output.resolve(rep.Source, 9)
	rep.Version = out.Version
	var names []string
	if opts.HeapKeys && rep.Source.Type != bdb.Heap {
		return rep, fmt.Errorf("%w: the records of a %s have no addresses", ErrNoHeap, rep.Source.Type)
	}
	if opts.Subdatabase != nil {
		r, err = r.Open(*opts.Subdatabase)
	} else {
		names, err = r.Subdatabases()
	}
	if err != nil {
		return rep, err
	}
	if len(names) > 0 && out.Version < 7 {
		return rep, fmt.Errorf("%w, version %d one only: %s", ErrSubdatabases, out.Version, quotedNames(names))
	}
	if rep.Source.Checksum && out.Version < 9 {
		opts.log().Warning("checksum", "", fmt.Sprintf("the source has page checksums, version %d has none", out.Version))
	}
	out.checksum = rep.Source.Checksum && out.Version == 9
	c := conversion{ctx: ctx, opts: opts, rep: &rep, out: out}
	if opts.Subdatabase != nil || !rep.Source.SubDBs {
		err = c.single(dst, r)
	} else {
		err = c.several(dst, r, names)
	}
	return rep, err
}

// quotedNames lists names of sub-databases, which may be empty or hold any
// byte.
func quotedNames(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = name
		if name == "" || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' || r == ',' }) {
			quoted[i] = strconv.Quote(name)
		}
	}
	return strings.Join(quoted, ", ")
}

// resolve fills in what the caller left to the source.
func (o Output) resolve(m bdb.Meta, version int) Output {
	if o.Version == 0 {
		o.Version = version
	}
	if o.ByteOrder == nil {
		o.ByteOrder = m.ByteOrder
	}
	if o.PageSize == 0 {
		o.PageSize = m.PageSize
	}
	if o.PageSize < bdb.MinPageSize || o.PageSize > bdb.MaxPageSize || o.PageSize&(o.PageSize-1) != 0 {
		o.PageSize = bdb.DefaultPageSize
	}
	return o
}

func (o Output) writerOptions(ctx context.Context, log Log) bdb.WriterOptions {
	return bdb.WriterOptions{Version: o.Version, ByteOrder: o.ByteOrder, PageSize: o.PageSize, Name: o.Name, TempDir: o.TempDir, Checksum: o.checksum, Check: ctx.Err,
		OnReplace: func(key []byte) {
			log.Problem("duplicate-key", "", fmt.Sprintf("key %.80q comes twice: the later record was kept", key))
		}}
}

// conversion is the state of Convert, Folder and Quota.
type conversion struct {
	ctx  context.Context
	opts ConvertOptions
	rep  *Report
	out  Output

	// number makes the key of a record of the recno that is being written.
	number func(key []byte) []byte
	read   int64 // records of the source

	misplaced int64 // keys out of order that were told as damage

	// change rewrites a record, or drops it; nil: records go over as they are.
	// What it returns is valid until its next call.
	change func(key, value []byte) (newKey, newValue []byte, keep bool)
	// reorders says that change, or more, puts keys out of order.
	reorders bool
	// more adds records behind the last of the source; nil: none.
	more func(put func(key, value []byte) error) error
}

// databaseName names a sub-database in messages.
func databaseName(name string) string { return fmt.Sprintf("database %.80q", name) }

// tree says how the database of r is written.
func (c *conversion) tree(r *bdb.Reader) bdb.TreeOptions {
	m := r.Meta()
	c.number = nil
	t := bdb.TreeOptions{
		Duplicates: m.Dup, DuplicatesSorted: m.DupSort, RecordNumbers: m.RecNum,
		KeepOrder: m.Type == bdb.Btree, Unsorted: m.Type == bdb.Hash,
	}
	if m.Type == bdb.Recno || m.Type == bdb.Queue {
		c.number = (&numbers{log: c.opts.log(), limit: uint64(m.Size)/4 + 1}).check
		t = bdb.TreeOptions{Recno: true, Renumber: m.Renumber}
		if m.FixedLen {
			t.FixedLength, t.Pad = int(m.RecLen), byte(m.RecPad)
		}
		return t
	}
	if m.Type == bdb.Heap && !c.opts.HeapKeys {
		c.number = new(counter).next
		return bdb.TreeOptions{Recno: true}
	}
	if n := int(min(m.MinKey, bdb.MaxPageSize)); m.Type == bdb.Btree && bdb.MinKeyFits(n, c.out.PageSize) {
		t.MinKey = n
	}
	if t.Duplicates && c.opts.SortDups {
		t.DuplicatesSorted, t.KeepOrder = true, false
	}
	if c.reorders {
		t.KeepOrder = false
	}
	return t
}

// numbers watches over the record numbers of a recno: where a damaged count
// leaves out more records than the file can hold, counting goes on without a
// gap.
type numbers struct {
	log   Log
	limit uint64 // the longest gap
	last  uint64
	shift uint64
	key   []byte
}

func (n *numbers) check(key []byte) []byte {
	number, err := strconv.ParseUint(string(key), 10, 64)
	if err != nil {
		panic("internal error: record number " + string(key))
	}
	if number -= n.shift; number-n.last > n.limit {
		n.log.Problem("damaged", "", fmt.Sprintf("record number %s after %d is more than the file can hold: numbered on from there", key, n.last+n.shift))
		n.shift += number - n.last - 1
		number = n.last + 1
	}
	n.last = number
	n.key = strconv.AppendUint(n.key[:0], number, 10)
	return n.key
}

// A counter gives records the numbers from 1 on.
type counter struct {
	last uint64
	key  []byte
}

func (n *counter) next([]byte) []byte {
	n.last++
	n.key = strconv.AppendUint(n.key[:0], n.last, 10)
	return n.key
}

// writerOptions: of two records of a key that can have one only, the first
// stays, which is the one that the library finds.
func (c *conversion) writerOptions() bdb.WriterOptions {
	log := c.opts.log()
	o := c.out.writerOptions(c.ctx, log)
	o.KeepFirst = true
	o.OnReplace = func(key []byte) {
		log.Problem("duplicate-key", "", fmt.Sprintf("key %.80q comes twice: the first record was kept", key))
	}
	return o
}

func (c *conversion) single(dst io.WriterAt, r *bdb.Reader) error {
	wopts := c.writerOptions()
	wopts.TreeOptions = c.tree(r)
	w, err := bdb.NewWriter(dst, wopts)
	if err != nil {
		return err
	}
	defer w.Abort()
	if err := c.copy(w, r, ""); err != nil {
		return err
	}
	return c.close(w)
}

func (c *conversion) several(dst io.WriterAt, r *bdb.Reader, names []string) error {
	w, err := bdb.NewWriter(dst, c.writerOptions())
	if err != nil {
		return err
	}
	defer w.Abort()
	for _, name := range names {
		sub, err := r.Open(name)
		if err != nil {
			if c.opts.Strict {
				return err
			}
			tell(c.opts.log(), databaseName(name), err)
			continue
		}
		if err := w.Sub(name, c.tree(sub)); err != nil {
			return err
		}
		if err := c.copy(w, sub, databaseName(name)); err != nil {
			return err
		}
		c.rep.Databases++
	}
	return c.close(w)
}

// copy moves all records of r to w; name is that of a sub-database, for
// messages.
func (c *conversion) copy(w *bdb.Writer, r *bdb.Reader, name string) error {
	cur := r.Cursor()
	order := newKeyOrder(r.Meta())
	t := ticker{ctx: c.ctx, progress: c.opts.Progress}
	for {
		key, value, err := cur.Next()
		if err == io.EOF {
			c.rep.Deleted += cur.Deleted()
			break
		}
		if err != nil {
			return err
		}
		c.read++
		order.see(key)
		if c.change != nil {
			var keep bool
			if key, value, keep = c.change(key, value); !keep {
				continue
			}
		}
		if c.number != nil {
			key = c.number(key)
		}
		if err := w.Put(key, value); err != nil {
			return err
		}
		if err := t.tick(len(key) + len(value)); err != nil {
			return err
		}
	}
	if order.tell(c.opts.log(), name) {
		c.misplaced += order.odd
	}
	if c.more != nil {
		if err := c.more(w.Put); err != nil {
			return err
		}
	}
	return t.flush()
}

// close completes the file and takes the counts over.
func (c *conversion) close(w *bdb.Writer) error {
	if err := w.Close(); err != nil {
		return err
	}
	c.rep.Records, c.rep.Pages = w.Records(), w.Pages()
	c.rep.Replaced, c.rep.Disorder = w.Replaced(), w.Disorder()
	if c.rep.Disorder > c.misplaced {
		c.opts.log().Warning("key-order", "", fmt.Sprintf("%d keys are not in byte order: the database has a comparison function of its own; its order is kept", c.rep.Disorder))
	}
	return nil
}
