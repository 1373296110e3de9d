package check

import (
	"context"
	"errors"
	"fmt"
	"io"

	"imsconv/ldifconv/internal/index"
	"imsconv/ldifconv/ldif"
	"imsconv/ldifconv/schema"
)

// Product says by whose rules a mail entry is checked.
type Product uint8

// The products. Auto goes by the classes of each entry, as classify does.
const (
	Auto Product = iota
	SIMS
	NMS
	IMS
)

// Memory is what Run takes beside its cache, in bytes.
const Memory = 64 << 20

// DefaultCache is the cache of the index unless Options say otherwise: 32 MiB.
const DefaultCache = 32 << 20

// leastCache is the least that the index keeps of its files, in bytes.
const leastCache = 1 << 20

// Progress is told what has been done since the last call.
type Progress interface {
	Add(items, bytes int64)
}

// Options choose what Run does. The zero value is usable.
type Options struct {
	As Product
	// Schema is what entries are checked against; nil means schema.Merged.
	Schema *schema.Set
	// Hosts are the mail hosts that there are; empty: any.
	Hosts []string
	// CrossRead reads each record with go-ldap/ldif too and compares.
	CrossRead bool
	// MaxEntry is the size in bytes over which a record is damage; 0 means
	// ldif.DefaultMaxEntry.
	MaxEntry int
	// TempDir is where the scratch folder is made; empty means os.TempDir. It
	// takes about as much space as the input.
	TempDir string
	// Cache is the memory of the index in bytes, what it is about to write
	// included; 0 means DefaultCache.
	Cache int64
	// Progress, when not nil, is told from time to time how many entries were
	// read since the last call.
	Progress Progress
}

// Finding is one thing found.
type Finding struct {
	Code     string
	Severity Severity
	File     string
	Line     int
	DN       string
	Attr     string // "" when it is not about one
	Text     string
}

// Report counts.
type Report struct {
	Entries, Damaged       int64
	Users, Groups, Domains int64
	// BySeverity counts the findings, by Severity; ByCode by code.
	BySeverity [3]int64
	ByCode     map[string]int64
}

// Run checks an export that lies in one or more files and calls dst for each
// finding, in the order of the input. dst may be nil: the report counts all the
// same. An error of dst ends the run.
func Run(ctx context.Context, dst func(*Finding) error, inputs []ldif.Input, o Options) (rep Report, err error) {
	if o.Schema == nil {
		o.Schema = schema.Merged()
	}
	if o.Cache == 0 {
		o.Cache = DefaultCache
	}
	store, err := index.OpenStore(o.TempDir, max(o.Cache-index.StoreMemory, leastCache))
	if err != nil {
		return rep, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	c := newChecker(ctx, store, o)
	defer c.spool.Close() // a file that is gone already
	for i := range inputs {
		if err := c.read(&inputs[i]); err != nil {
			return c.report, err
		}
	}
	if c.report.Entries == 0 {
		c.emptyInput(inputs)
	}
	if err := c.resolve(); err != nil {
		return c.report, err
	}
	return c.report, c.tellAll(dst)
}

// checker is one run.
type checker struct {
	ctx    context.Context
	o      Options
	store  *index.Store
	valid  [4]*schema.Validator // by Product; Auto for entries that are no mail entries
	hosts  map[string]bool
	report Report
	files  []string
	err    error // of the store, kept until the record is done

	// The record being checked.
	number   uint64 // counts all records
	rec      *ldif.Record
	entry    ldif.Entry // without what replication left
	ids      []int      // the numbers of its attributes, 0 for an unknown one and one with options
	subtypes []subtype  // those with options
	norm     []byte
	classes  classSet
	product  Product
	kind     kind
	forwards bool // mail of the entry, a user or list, goes on to its mailForwardingAddress
	findings int  // of this record
	key, val []byte

	domainCount int64       // domain nodes
	spool       spool       // the addresses that mail goes on to
	owned       index.Maybe // hashes of the addresses of entries whose mail goes on
	catchAlls   bool        // some entry with an address of only a domain has its mail go on
	suffixes    [][]byte
	parents     parentCache
}

func newChecker(ctx context.Context, store *index.Store, o Options) *checker {
	c := &checker{ctx: ctx, o: o, store: store, hosts: map[string]bool{}, spool: spool{Spool: index.Spool{Dir: o.TempDir}}}
	for i := range c.valid {
		c.valid[i] = schema.NewValidator(o.Schema)
	}
	c.valid[IMS].OneInIMS = true
	for _, h := range o.Hosts {
		c.hosts[lowerString(h)] = true
	}
	c.report.ByCode = map[string]int64{}
	return c
}

// read checks the records of one file.
func (c *checker) read(in *ldif.Input) error {
	c.files = append(c.files, in.Name)
	r := ldif.NewReader(in, ldif.Options{MaxEntry: c.o.MaxEntry})
	told := int64(0)
	for {
		if c.number%1024 == 0 {
			if err := c.ctx.Err(); err != nil {
				return err
			}
			if c.o.Progress != nil {
				c.o.Progress.Add(c.report.Entries-told, 0)
				told = c.report.Entries
			}
		}
		rec, err := r.Next()
		if err == io.EOF {
			if c.o.Progress != nil {
				c.o.Progress.Add(c.report.Entries-told, 0)
			}
			if line := r.Unterminated(); line > 0 {
				c.begin(line, nil)
				c.find("no-line-end", "", line, ldif.CutOff)
			}
			return c.err
		}
		var damage *ldif.Error
		switch {
		case err == nil:
			c.record(rec)
		case errors.As(err, &damage):
			c.damaged(damage)
		case r.Line() <= 1: // nothing of it could be read
			return fmt.Errorf("%s: %w", in.Name, err)
		default:
			c.report.Damaged++
			c.begin(r.Line(), nil)
			c.find("unreadable", "", r.Line(), ldif.RestLost(err))
			return c.err
		}
		if c.err != nil {
			return c.err
		}
	}
}

// begin starts the next record and enters it.
func (c *checker) begin(line int, dn []byte) {
	c.number++
	c.findings = 0
	c.val = appendUvarint(c.val[:0], uint64(len(c.files)-1))
	c.val = appendUvarint(c.val, uint64(line))
	c.val = append(c.val, clip(dn, longestName)...)
	c.put(appendNumber(append(c.key[:0], keyEntry), c.number), c.val)
}

func (c *checker) damaged(damage *ldif.Error) {
	c.report.Damaged++
	c.begin(damage.Line, []byte(damage.DN))
	c.find(damage.Class, "", damage.Line, damage.Reason())
	if c.o.CrossRead {
		c.crossDamaged(damage)
	}
}

func (c *checker) emptyInput(inputs []ldif.Input) {
	if len(inputs) == 0 {
		c.files = append(c.files, "input")
	}
	c.begin(1, nil)
	c.find("empty-input", "", 1, "no entry in the input")
}

// put enters a pair; an error ends the run after this record.
func (c *checker) put(key, value []byte) {
	c.key = key
	if c.err == nil {
		c.err = c.store.Put(key, value)
	}
}

// find notes a finding on the record being checked. line 0 is that of its dn.
func (c *checker) find(code, attr string, line int, text string) {
	c.findings++
	c.findAt(c.number, code, attr, line, c.findings, text)
}

// findAt notes a finding on any record; n tells findings of one code and line
// apart.
func (c *checker) findAt(number uint64, code, attr string, line, n int, text string) {
	at := numberOf(code)
	c.report.ByCode[code]++
	c.report.BySeverity[codes[at].Severity]++
	key := appendNumber(append(c.key[:0], keyFinding), number)
	key = appendNumber(key, uint64(line))
	key = append(key, byte(at>>8), byte(at))
	key = appendNumber(key, uint64(n))
	value := append(append([]byte(attr), 0), text...)
	c.put(key, value)
}

// tellAll hands all findings to dst.
func (c *checker) tellAll(dst func(*Finding) error) error {
	if c.err != nil || dst == nil {
		return c.err
	}
	last := uint64(0)
	var at place
	told := 0
	return c.store.Scan([]byte{keyFinding}, func(key, value []byte) error {
		if told++; told%1024 == 0 && c.ctx.Err() != nil {
			return c.ctx.Err()
		}
		number := numberAt(key[1:])
		if number != last {
			var err error
			if at, err = c.place(number); err != nil {
				return err
			}
			last = number
		}
		code := &codes[int(key[17])<<8|int(key[18])]
		attr, text := cutZero(value)
		f := Finding{Code: code.Name, Severity: code.Severity, File: at.file, Line: int(numberAt(key[9:])), DN: at.dn, Attr: attr, Text: text}
		if f.Line == 0 {
			f.Line = at.line
		}
		return dst(&f)
	})
}

// place is where a record stands.
type place struct {
	file string
	line int
	dn   string
}

func (p place) String() string { return fmt.Sprintf("%s:%d", p.file, p.line) }

// place finds a record by its number.
func (c *checker) place(number uint64) (place, error) {
	value, ok, err := c.store.Get(nil, appendNumber([]byte{keyEntry}, number))
	if err != nil || !ok {
		return place{}, errors.Join(err, errLost(ok))
	}
	file, value := takeUvarint(value)
	line, dn := takeUvarint(value)
	return place{file: c.files[file], line: int(line), dn: string(dn)}, nil
}

func errLost(ok bool) error {
	if ok {
		return nil
	}
	return errors.New("the index has lost a record")
}
