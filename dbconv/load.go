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
	Subdatabase string      // load the databases of the text into this sub-database
}

// Load reads text in the form of db_dump from src and writes the database to dst:
// version 9 and big-endian unless Output or the text says otherwise. A database of the type
// hash becomes a btree. Text with several named databases becomes a file with
// sub-databases.
func Load(ctx context.Context, dst io.WriterAt, src io.Reader, opts LoadOptions) (Report, error) {
	l := loader{ctx: ctx, opts: opts, dst: dst}
	if opts.Plain || opts.JSON {
		h := dbtext.Header{}
		if err := l.override(&h); err != nil {
			return l.rep, err
		}
		switch {
		case opts.JSON:
			h.Keys = true
			if h.Type == "" {
				h.Type = "btree"
			}
			l.src = newJSONReader(src, h)
		case h.Type == "":
			return l.rep, errors.New("lines without a header need a type")
		default:
			l.src = dbtext.NewPlainReader(src, h)
		}
	} else {
		r := dbtext.NewReader(src)
		r.Unknown = func(line int64, text string) {
			opts.log().Warning("header", fmt.Sprintf("line %d", line), fmt.Sprintf("unknown header line %.60q passed over", text))
		}
		l.src = r
	}
	err := l.run()
	return l.rep, err
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
	h, err := l.src.Begin()
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
		if h, err = l.src.Begin(); err == io.EOF {
			break
		} else if err != nil {
			return err
		}
		if !l.named {
			return fmt.Errorf("line %d: a second database in a text whose first has no name", l.src.Line())
		}
	}
	if err := l.w.Close(); err != nil {
		return err
	}
	l.rep.Records, l.rep.Pages, l.rep.Replaced = l.w.Records(), l.w.Pages(), l.w.Replaced()
	return nil
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
	l.named = h.Database != "" || l.opts.Subdatabase != ""
	if l.named && out.Version < 7 {
		return fmt.Errorf("%w: version %d has no sub-databases", ErrSubdatabases, out.Version)
	}
	log := l.opts.log()
	wopts := out.writerOptions(l.ctx, log)
	wopts.KeepFirst = l.opts.KeepFirst || l.opts.JSON
	wopts.OnReplace = nil // a later record of a key replaces the earlier, as db_load does
	if wopts.KeepFirst {
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
		if h.Type != "" && (h.Type == "recno") != (t == "recno") {
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

// treeOf says how a database of the text is written.
func treeOf(h dbtext.Header) (bdb.TreeOptions, error) {
	switch h.Type {
	case "recno":
		t := bdb.TreeOptions{Recno: true, Renumber: h.Renumber, FixedLength: h.FixedLen, Pad: h.Pad}
		if h.FixedLen > 0 && !h.HasPad {
			t.Pad = ' '
		}
		return t, nil
	case "btree", "hash":
		return bdb.TreeOptions{Duplicates: h.Duplicates, DuplicatesSorted: h.DupSort, RecordNumbers: h.RecNum && h.Type == "btree", Unsorted: h.Type == "hash"}, nil
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
		if l.opts.Subdatabase != "" {
			name = l.opts.Subdatabase
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

func (l *loader) records(h dbtext.Header) error {
	t := ticker{ctx: l.ctx, meter: l.opts.Meter}
	recno := h.Type == "recno"
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
			if errors.Is(err, dbtext.ErrItem) {
				continue
			}
			return t.flush()
		}
		if recno && key == nil {
			number = strconv.AppendUint(number[:0], n, 10)
			key = number
		}
		if err := l.w.Put(key, value); err != nil {
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
	kind := "bad-item"
	if errors.Is(err, dbtext.ErrTruncated) {
		kind = "truncated"
	} else if !errors.Is(err, dbtext.ErrItem) {
		return err
	}
	l.opts.log().Problem(kind, fmt.Sprintf("line %d", at.Line), at.Err.Error())
	return nil
}
