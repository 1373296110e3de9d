package diff

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"imsconv/ldifconv/internal/index"
	"imsconv/ldifconv/ldif"
	"imsconv/ldifconv/schema"
)

// Memory is what Run takes beside its cache, in bytes; Cache is the memory of
// the index.
const (
	Memory = 64 << 20
	Cache  = 32 << 20
)

// Format is what Run writes.
type Format uint8

// Changes are change records of RFC 2849; Text is for people.
const (
	Changes Format = iota
	Text
)

// Log receives what cannot be compared, and what is worth a look.
type Log interface {
	Problem(kind, where, text string)
	Warning(kind, where, text string)
}

// Progress is told what has been done since the last call.
type Progress interface {
	Add(items, bytes int64)
}

// Options choose what Run does. The zero value is usable.
type Options struct {
	Format Format
	// Undo, when not nil, receives change records that turn the second export
	// into the first.
	Undo io.Writer
	// Ignore are attributes that are not compared, whatever options they have;
	// one that is named with options (cn;lang-ja) is that one alone.
	Ignore []string
	// Match is an attribute, such as uid, by which an entry that is gone and one
	// that is new are known to be the same one under another name; empty: none.
	Match string
	// Schema says which names mean the same and which values are DNs; nil means
	// schema.Merged.
	Schema   *schema.Set
	MaxEntry int    // bytes; 0 means ldif.DefaultMaxEntry
	TempDir  string // empty means os.TempDir
	Log      Log    // nil discards
	// Progress, when not nil, is told from time to time how many entries were
	// read since the last call.
	Progress Progress
}

// Report counts.
type Report struct {
	// A and B are the entries of either export; Damaged are the records of both
	// that could not be compared.
	A, B, Damaged                     int64
	Added, Deleted, Modified, Renamed int64
	// Withheld are the entries of which no change is written, for a record that
	// could not be read may be theirs.
	Withheld int64
	// Tombstones of both exports belong to their servers and are not compared.
	Tombstones int64
}

// Differ reports whether the two exports differ.
func (r *Report) Differ() bool { return r.Added+r.Deleted+r.Modified+r.Renamed > 0 }

// Run compares a with b and writes to dst what turns a into b: deletions,
// children first, then modifications, then additions, parents first. With Match
// additions come first and deletions last, so that an entry can move from a
// branch that goes to one that comes.
//
// What could not be read is not taken for missing: of an entry whose record is
// damaged on either side nothing is written, and where it is not known whose a
// damaged record is, no entry that the other side alone has goes or comes. A
// side that is no export is an error before anything is written: one of change
// records, or one that has text and no entry.
func Run(ctx context.Context, dst io.Writer, a, b ldif.Input, o Options) (rep Report, err error) {
	if o.Schema == nil {
		o.Schema = schema.Merged()
	}
	store, err := index.OpenStore(o.TempDir, max(Cache-index.StoreMemory, 1<<20))
	if err != nil {
		return rep, err
	}
	c := &comparer{ctx: ctx, o: o, store: store, ignore: map[string]bool{}, met: map[string]bool{}}
	defer func() { err = errors.Join(err, c.close()) }()
	c.match = c.canonical([]byte(o.Match))
	for _, name := range o.Ignore {
		c.ignore[c.canonical([]byte(name))] = true
	}
	for s, in := range []ldif.Input{a, b} {
		if err := c.read(side(s), &in); err != nil {
			return c.report, err
		}
	}
	c.report.A, c.report.B = c.counts[0], c.counts[1]
	c.tellUnmet()
	if err := c.turn(dst, 0, o.Format, &c.report); err != nil {
		return c.report, err
	}
	if o.Undo == nil {
		return c.report, nil
	}
	return c.report, c.turn(o.Undo, 1, Changes, new(Report))
}

// side is one of the two exports.
type side int

// comparer is one run.
type comparer struct {
	ctx    context.Context
	o      Options
	store  *index.Store
	ignore map[string]bool
	match  string          // Match as entries have it; "" for none
	met    map[string]bool // attributes of Ignore and Match that some entry has
	report Report
	counts [2]int64
	names  [2]string
	text   [2]index.Spool // of either export
	unread [2]unread
	key    []byte
	val    []byte
	norm   []byte
	sum    contentSum
}

func (c *comparer) close() error {
	err := c.store.Close()
	for i := range c.text {
		err = errors.Join(err, c.text[i].Close())
	}
	return err
}

// read reads one export into the index and its text into a temporary file.
func (c *comparer) read(s side, in *ldif.Input) error {
	c.text[s].Dir, c.names[s] = c.o.TempDir, in.Name
	r := ldif.NewReader(in, ldif.Options{MaxEntry: c.o.MaxEntry})
	told := int64(0)
	for n := int64(1); ; n++ {
		if n%1024 == 0 {
			if err := c.ctx.Err(); err != nil {
				return err
			}
			c.progress(c.counts[s] - told)
			told = c.counts[s]
		}
		rec, err := r.Next()
		var damage *ldif.Error
		switch {
		case err == io.EOF:
			c.progress(c.counts[s] - told)
			if err := c.ended(s, r.Unterminated()); err != nil {
				return err
			}
			return c.store.Flush()
		case errors.As(err, &damage):
			if err := c.damaged(s, damage); err != nil {
				return err
			}
		case err != nil:
			return fmt.Errorf("%s: %w", in.Name, err)
		case rec.Type != ldif.Content && rec.Type != ldif.Add:
			return fmt.Errorf("%s:%d: a %s record: this is a file of changes, no export", in.Name, rec.Line, rec.Type)
		case isTombstone(&rec.Entry):
			c.report.Tombstones++
		default:
			taken, err := c.enter(s, in, rec, c.text[s].Size())
			if err != nil {
				return err
			}
			if !taken {
				continue
			}
			if _, err := c.text[s].Write(rec.Raw); err != nil {
				return err
			}
		}
	}
}

// tellUnmet warns of attributes of the options that no entry has.
func (c *comparer) tellUnmet() {
	for _, name := range c.o.Ignore {
		if base, _, _ := strings.Cut(name, ";"); !c.met[c.canonical([]byte(name))] && !c.o.Schema.ServerOwn([]byte(base)) {
			c.warn("ignore-not-met", name, "no entry has this attribute, which is not to be compared: is it spelled right")
		}
	}
	if c.o.Match != "" && !c.met[c.canonical([]byte(c.o.Match))] {
		c.warn("match-not-met", c.o.Match, "no entry has this attribute, by which entries are to be known: is it spelled right")
	}
}

func (c *comparer) progress(entries int64) {
	if c.o.Progress != nil && entries > 0 {
		c.o.Progress.Add(entries, 0)
	}
}

func (c *comparer) problem(kind, name string, line int, dn, text string) {
	c.report.Damaged++
	c.tell(kind, place{line: line}.where(name, dn), text)
}

func (c *comparer) tell(kind, where, text string) {
	if c.o.Log != nil {
		c.o.Log.Problem(kind, where, text)
	}
}

func (c *comparer) warn(kind, where, text string) {
	if c.o.Log != nil {
		c.o.Log.Warning(kind, where, text)
	}
}
