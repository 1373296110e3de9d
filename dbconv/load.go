package dbconv

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"

	"imsconv/dbconv/bdb"
	"imsconv/dbconv/dbtext"
)

// LoadOptions are the options of Load.
type LoadOptions struct {
	Common
	Output
	Type        string      // btree, hash or recno, against what the text says (db_load -t)
	Plain       bool        // lines without header (db_load -T); Type is wanted
	JSON        bool        // what Dump writes with JSON; the type is btree unless Type says otherwise
	Settings    [][2]string // name and value, against what the text says (db_load -c)
	KeepFirst   bool        // the first record of a key stays (db_load -n)
	Subdatabase *string     // load the databases of the text into this sub-database
}

// Load reads text in the form of db_dump from src and writes the database to
// dst: version 9 and big-endian unless Output or the text says otherwise. A
// database of the type hash becomes a btree. Text with several named databases
// becomes a file with sub-databases.
func Load(ctx context.Context, dst io.WriterAt, src io.Reader, opts LoadOptions) (Report, error) {
	l := loader{ctx: ctx, opts: opts, dst: dst}
	if opts.JSON {
		h := dbtext.Header{Keys: true, Type: "btree"}
		if opts.Type != "" {
			h.Type = opts.Type
		}
		if err := l.override(&h); err != nil {
			return l.rep, err
		}
		l.src = newJSONReader(src, h, opts.maxItem())
		err := l.run()
		return l.rep, err
	}
	again, err := newRereader(ctx, src, opts.TempDir)
	if err != nil {
		return l.rep, err
	}
	defer again.close()
	if err := l.text(again); err != nil {
		return l.rep, err
	}
	err = l.run()
	return l.rep, err
}

// text makes the source of a text in the form of db_dump, which is read once
// before to find out whether its lines are pairs.
func (l *loader) text(again *rereader) error {
	var plain *dbtext.Header
	if l.opts.Plain {
		plain = &dbtext.Header{}
		if err := l.override(plain); err != nil {
			return err
		}
		if plain.Type == "" {
			return errors.New("lines without a header need a type")
		}
	}
	plan, err := dbtext.Survey(again.open, plain)
	if err != nil {
		return err
	}
	src, err := again.open()
	if err != nil {
		return err
	}
	var r *dbtext.Reader
	if plain != nil {
		r = dbtext.NewPlainReader(src, *plain)
	} else {
		r = dbtext.NewReader(src)
	}
	r.MaxItem = l.opts.maxItem()
	r.Follow(plan)
	r.Warn = func(line int64, text string) {
		l.opts.log().Warning("header", fmt.Sprintf("line %d", line), text)
	}
	l.src = r
	return nil
}

// loader is the state of Load.
type loader struct {
	ctx   context.Context
	opts  LoadOptions
	dst   io.WriterAt
	src   textSource
	w     *bdb.Writer
	rep   Report
	named bool // the first database has a name
}

func (l *loader) run() error {
	h, err := l.begin()
	if err == io.EOF {
		return errors.New("the text holds no database")
	}
	if err != nil {
		return err
	}
	if err := l.start(h); err != nil {
		return err
	}
	defer l.w.Abort()
	for {
		if err := l.database(h); err != nil {
			return err
		}
		if h, err = l.begin(); err == io.EOF {
			break
		} else if err != nil {
			return err
		}
		if !l.named {
			return fmt.Errorf("line %d: a second database in a text whose first has no name", l.src.Line())
		}
		if !h.Named && l.opts.Subdatabase == nil {
			return fmt.Errorf("line %d: a database without a name in a text whose first has one", l.src.Line())
		}
	}
	if err := l.w.Close(); err != nil {
		return err
	}
	l.rep.Records, l.rep.Pages = l.w.Records(), l.w.Pages()
	l.rep.Replaced += l.w.Replaced()
	return nil
}

// begin goes to the next database; lines before it that cannot be read are
// told.
func (l *loader) begin() (dbtext.Header, error) {
	for {
		h, err := l.src.Begin()
		if !errors.Is(err, dbtext.ErrItem) {
			return h, err
		}
		if stop := l.damage(err); stop != nil {
			return h, stop
		}
	}
}

// start opens the writer as the first header and the options ask.
func (l *loader) start(h dbtext.Header) error {
	if err := l.override(&h); err != nil {
		return err
	}
	out := l.opts.Output
	if out.Version == 0 {
		out.Version = 9
	}
	if out.PageSize == 0 {
		out.PageSize = h.PageSize
	}
	if out.ByteOrder == nil && h.ByteOrder == 1234 {
		out.ByteOrder = binary.LittleEndian
	}
	out.checksum = h.Checksum && out.Version == 9
	if h.Checksum && !out.checksum {
		l.opts.log().Warning("checksum", "", fmt.Sprintf("the text asks for page checksums, version %d has none", out.Version))
	}
	l.rep.Version = out.Version
	l.named = h.Named || l.opts.Subdatabase != nil
	if l.named && out.Version < 7 {
		return fmt.Errorf("%w: version %d has no sub-databases", ErrSubdatabases, out.Version)
	}
	log := l.opts.log()
	wopts := out.writerOptions(l.ctx, log)
	wopts.FirstOnly = l.opts.KeepFirst
	wopts.OnReplace = nil // a later record of a key replaces the earlier, as db_load does
	if wopts.FirstOnly {
		wopts.OnReplace = func(key []byte) {
			log.Problem("duplicate-key", "", fmt.Sprintf("key %.80q comes twice: the first record was kept", key))
		}
	}
	if !l.named {
		tree, err := treeOf(h)
		if err != nil {
			return err
		}
		wopts.TreeOptions = tree
	}
	w, err := bdb.NewWriter(l.dst, wopts)
	l.w = w
	return err
}

// override applies the options that go against the header.
func (l *loader) override(h *dbtext.Header) error {
	if t := l.opts.Type; t != "" {
		if h.Type != "" && unkeyed(h.Type) != unkeyed(t) {
			return fmt.Errorf("a database of the type %s cannot be loaded as %s", h.Type, t)
		}
		h.Type = t
	}
	for _, s := range l.opts.Settings {
		if err := h.Set(s[0], s[1]); err != nil {
			return err
		}
	}
	return nil
}

// numbered tells whether records of a type have numbers instead of keys.
func numbered(t string) bool { return t == "recno" || t == "queue" }

// unkeyed tells whether the text of a database of a type has values only, if
// nothing in it says otherwise.
func unkeyed(t string) bool { return numbered(t) || t == "heap" }

// treeOf says how a database of the text is written.
func treeOf(h dbtext.Header) (bdb.TreeOptions, error) {
	switch h.Type {
	case "recno":
		t := bdb.TreeOptions{Recno: true, Renumber: h.Renumber, FixedLength: h.FixedLen, Pad: byte(h.Pad)}
		if h.FixedLen > 0 && !h.HasPad {
			t.Pad = ' '
		}
		return t, nil
	case "btree", "hash":
		return bdb.TreeOptions{Duplicates: h.Duplicates, DuplicatesSorted: h.DupSort, RecordNumbers: h.RecNum && h.Type == "btree", Unsorted: h.Type == "hash", MinKey: minKey(h)}, nil
	case "queue", "heap":
		return bdb.TreeOptions{}, fmt.Errorf("databases of the type %s cannot be written; the type recno takes their records", h.Type)
	case "":
		return bdb.TreeOptions{}, errors.New("the text does not say the type of its database")
	}
	return bdb.TreeOptions{}, fmt.Errorf("databases of the type %.20q cannot be written", h.Type)
}

// database loads the records of one database of the text.
func (l *loader) database(h dbtext.Header) error {
	if err := l.override(&h); err != nil {
		return err
	}
	if l.named {
		name := h.Database
		if l.opts.Subdatabase != nil {
			name = *l.opts.Subdatabase
		}
		tree, err := treeOf(h)
		if err != nil {
			return err
		}
		if err := l.w.Sub(name, tree); err != nil {
			return err
		}
		l.rep.Databases++
	}
	return l.records(h)
}

func (l *loader) records(h dbtext.Header) (err error) {
	t := ticker{ctx: l.ctx, progress: l.opts.Progress}
	recno := h.Type == "recno"
	put := l.w.Put
	if recno && h.Keys {
		n := newNumbered(l)
		defer n.sort.Close()
		put = n.add
		defer func() {
			if err == nil {
				err = n.drain()
			}
		}()
	}
	var number []byte
	for n := uint64(1); ; n++ {
		key, value, err := l.src.Next()
		if err == io.EOF {
			return t.flush()
		}
		if err != nil {
			if stop := l.damage(err); stop != nil {
				return stop
			}
			if errors.Is(err, dbtext.ErrNoItem) {
				n--
			}
			if errors.Is(err, dbtext.ErrItem) {
				continue
			}
			return t.flush()
		}
		if recno && key == nil {
			number = strconv.AppendUint(number[:0], n, 10)
			key = number
		}
		if err := put(key, value); err != nil {
			return fmt.Errorf("line %d: %w", l.src.Line(), err)
		}
		if err := t.tick(len(key) + len(value)); err != nil {
			return err
		}
	}
}

// damage tells of a record that cannot be read; what it returns ends the run.
func (l *loader) damage(err error) error {
	var at *dbtext.LineError
	if l.opts.Strict || !errors.As(err, &at) {
		return err
	}
	if !errors.Is(err, dbtext.ErrTruncated) && !errors.Is(err, dbtext.ErrItem) {
		return err
	}
	l.opts.log().Problem(at.Kind(), at.Position(), at.Err.Error())
	return nil
}

// A numberedSort sorts the records of a recno by their numbers: they may come
// in any order.
type numberedSort struct {
	l    *loader
	sort *bdb.Sorter
}

func newNumbered(l *loader) *numberedSort {
	return &numberedSort{l: l, sort: bdb.NewSorter(l.opts.TempDir, 0)}
}

// add takes a record whose key is its number in decimal digits.
func (s *numberedSort) add(key, value []byte) error {
	n, err := strconv.ParseUint(string(key), 10, 32)
	if err != nil || n == 0 {
		return s.l.damage(&dbtext.LineError{Line: s.l.src.Line(), Err: fmt.Errorf("%w: %.40q is no record number", dbtext.ErrItem, key)})
	}
	return s.sort.Add(binary.BigEndian.AppendUint32(nil, uint32(n)), value)
}

// drain writes the records. Of several of a number the last counts, or the
// first with KeepFirst.
func (s *numberedSort) drain() error {
	var number, key, last []byte
	put := func() error {
		if number == nil {
			return nil
		}
		key = strconv.AppendUint(key[:0], uint64(binary.BigEndian.Uint32(number)), 10)
		return s.l.w.Put(key, last)
	}
	err := s.sort.Drain(func(k, v []byte) error {
		if number != nil && string(k) == string(number) {
			s.l.rep.Replaced++
			if s.l.opts.KeepFirst {
				s.l.opts.log().Problem("duplicate-key", "", fmt.Sprintf("record number %d comes twice: the first record was kept", binary.BigEndian.Uint32(k)))
				return nil
			}
		} else if err := put(); err != nil {
			return err
		}
		number, last = append(number[:0], k...), append(last[:0], v...)
		return nil
	})
	if err != nil {
		return err
	}
	return put()
}

// minKey is what the text says of the fewest keys on a page, 0 when nothing.
func minKey(h dbtext.Header) int {
	if h.Type != "btree" {
		return 0
	}
	return h.MinKey
}

// maxItem is the longest key or value that is taken.
func (o LoadOptions) maxItem() int64 {
	if o.MaxItem > 0 {
		return o.MaxItem
	}
	return bdb.DefaultMaxItem
}
