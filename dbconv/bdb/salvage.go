package bdb

import (
	"context"
	"errors"
	"io"
	"strconv"
)

// OtherDatabase is the name under which Salvage gives records of a file with
// sub-databases that belong to none of those that could be read; db_dump -r
// uses the same.
const OtherDatabase = "__OTHER__"

// UnknownKey is the key that Salvage gives values whose key is lost, with
// SalvageOptions.Aggressive only; db_dump -r uses the same.
const UnknownKey = "UNKNOWN_KEY"

// SalvageOptions say how far Salvage goes.
type SalvageOptions struct {
	// Aggressive also takes deleted records, records of pages whose checksum or
	// own number is wrong, and values whose key is lost, as db_dump -R does. Of
	// a file that says its records are in another form (ErrForm), which is refused
	// without it, it takes what the pages hold as it is.
	Aggressive bool
	// Problem receives what was lost, an *Error each; nil: ignored.
	Problem func(err error)
	// MaxItem as in Options.
	MaxItem int64
	// Progress is called now and then with the pages read since the last call.
	Progress func(pages int64)
	// Begin is called once, before the first record, with the metadata of the
	// file as far as it could be read or guessed; nil: nothing is called.
	Begin func(m Meta) error
	// Database is called before the records of each sub-database; nil: nothing
	// is.
	Database func(name string, m Meta) error
}

// SalvageReport is what Salvage counted.
type SalvageReport struct {
	Meta    Meta  // of the file, as far as it could be read or guessed
	Pages   int64 // pages scanned
	Records int64 // records given to emit
	Lost    int64 // problems: items, pages or chains that could not be read
	Guessed bool  // the metadata page was unusable: page size and byte order are guessed
	// Doubtful are pages and values that Aggressive would have taken.
	Doubtful int64
}

// Salvage gives emit every record that can still be read. It looks at every
// page of the file and takes the records of all leaves and buckets, in page
// order and without using the tree, the buckets or the free list; a second pass
// tells of duplicates that no key led to. Where pages alone do not tell enough
// (sub-databases, recno, 1.85 hash) it first reads what the structure leads to,
// and then the pages left over. The slices given to emit are valid during the
// call only.
func Salvage(ctx context.Context, r io.ReaderAt, size int64, opts SalvageOptions, emit func(key, value []byte) error) (SalvageReport, error) {
	if opts.MaxItem <= 0 {
		opts.MaxItem = DefaultMaxItem
	}
	s := &salvager{ctx: ctx, opts: opts, emit: emit, seen: newPageSet(), told: newPageSet()}
	m, err := s.metadata(r, size)
	s.report.Meta, s.report.Pages = m, m.Pages
	if err != nil {
		return s.report, err
	}
	s.rd = &Reader{r: r, meta: m, lay: layoutOf(&m), opts: Options{Problem: s.problem, MaxItem: opts.MaxItem}}
	if opts.Begin != nil {
		if err := opts.Begin(m); err != nil {
			return s.report, err
		}
	}
	if tail := size % int64(max(m.PageSize, 1)); tail != 0 && s.report.Guessed {
		s.problem(fileError(ErrCorrupt, "the file ends %d bytes into page %d", tail, m.Pages))
	}
	return s.report, s.run()
}

// A salvager is one run of Salvage.
type salvager struct {
	ctx    context.Context
	opts   SalvageOptions
	emit   func(key, value []byte) error
	report SalvageReport
	rd     *Reader
	seen   *pageSet
	told   *pageSet // pages that a problem was told of
	pages  int64    // since the last Progress
	other  bool     // OtherDatabase was begun
	last   uint64   // the highest number given, of a recno
}

func (s *salvager) problem(err error) {
	var e *Error
	if !errors.As(err, &e) || !e.Tolerated {
		s.report.Lost++
	}
	if e != nil && !e.Tolerated && e.Page >= 0 {
		s.told.add(e.Page)
	}
	if s.opts.Problem != nil {
		s.opts.Problem(err)
	}
}

// metadata reads the metadata page, or guesses what it said.
func (s *salvager) metadata(r io.ReaderAt, size int64) (Meta, error) {
	m, raw, err := readMeta(r, size, 0, 0)
	if err == nil {
		rd := &Reader{r: r, meta: m, lay: layoutOf(&m)}
		err = rd.checkPageSize()
		if m.Checksum {
			if ok, _ := rd.lay.checkSum(raw, metaChecksumAt); !ok {
				s.problem(metaError("checksum of the metadata page does not match"))
			}
		}
	}
	if err == nil {
		return m, s.believe(r, &m)
	}
	var e *Error
	if !errors.As(err, &e) || errors.Is(err, ErrForm) && !s.opts.Aggressive {
		return m, err // what looks like records there is none
	}
	guess, ok, gerr := guessMeta(s.ctx, r, size)
	if gerr != nil {
		return m, gerr
	}
	if !ok {
		return m, err
	}
	if guess.Type == Queue {
		return m, errors.Join(err, fileError(ErrCorrupt, "its pages are those of a queue: the length of their records stood in the metadata only"))
	}
	s.report.Guessed = true
	s.problem(err)
	return guess, nil
}

func (s *salvager) run() error {
	m := &s.rd.meta
	var err error
	structured := true
	switch {
	case m.SubDBs:
		err = s.databases()
	case m.Legacy185 && m.Type == Hash:
		err = s.drain(newHash185(s.input(s.rd)))
	case m.Legacy185: // whose free pages keep their records: the tree tells which are alive
		err = s.drain(newTree185(s.input(s.rd)))
	case m.Type == Queue:
		err = s.queue()
	case m.Type == Heap:
		err = s.drain(newHeapCursor(s.input(s.rd)))
	case m.Type == Recno:
		err = s.drain(newRecnoCursor(s.input(s.rd)))
	default:
		structured = false
	}
	if err != nil {
		return err
	}
	if m.Legacy185 {
		err = s.scan185()
	} else {
		err = s.scan(structured)
	}
	if err != nil || s.report.Guessed {
		return err
	}
	return s.promised()
}

// promised holds what was found against what the tree, chains, buckets, record
// counts and the number of pages promise, and tells of what is not there. Pages
// that nothing leads to were scanned.
func (s *salvager) promised() error {
	_, raw, err := readMeta(s.rd.r, s.rd.meta.Size, 0, 0)
	if err != nil {
		return err
	}
	rd := *s.rd
	rd.opts.Problem = nil
	v := newVerifier(s.ctx.Err, &rd, VerifyOptions{
		NoOrder: true,
		Fault: func(e *Error) {
			if !e.Tolerated && !e.unled && (e.Page < 0 || !s.told.has(e.Page)) {
				s.problem(e)
			}
		},
		Note: func(e *Error) {
			if e.Err == errFewerKeys {
				s.problem(e)
			}
		},
	})
	return v.file(raw)
}

// input makes an input that shares the set of pages seen.
func (s *salvager) input(rd *Reader) *input {
	in := newInput(rd)
	in.seen = s.seen
	in.rescue, in.marks = s.opts.Aggressive, true
	return in
}

// drain gives all records of src to emit.
func (s *salvager) drain(src source) error {
	for n := 0; ; n++ {
		if n%1024 == 0 {
			if err := s.ctx.Err(); err != nil {
				return err
			}
		}
		key, value, err := src.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := s.give(key, value); err != nil {
			return err
		}
	}
}

func (s *salvager) give(key, value []byte) error {
	if m := &s.rd.meta; m.Type == Recno && !m.SubDBs {
		n, err := strconv.ParseUint(string(key), 10, 64)
		if err != nil {
			panic("internal error: record number " + string(key))
		}
		s.last = max(s.last, n)
	}
	s.report.Records++
	return s.emit(key, value)
}

// databases reads every sub-database that the master leads to.
func (s *salvager) databases() error {
	in := s.input(s.rd)
	c := newBtreeCursor(in)
	for {
		name, value, err := c.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		m, _, err := s.rd.subMeta(value)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) {
				return err
			}
			s.problem(in.damage(max(e.Page, 0), NoItem, "sub-database %q: %s", name, e.Text))
			if errors.Is(err, ErrForm) && !s.opts.Aggressive {
				if err := s.pass(&m); err != nil {
					return err
				}
			}
			continue
		}
		sub := &Reader{r: s.rd.r, meta: m, lay: layoutOf(&m), opts: s.rd.opts, name: string(name), master: s.rd}
		if s.opts.Database != nil {
			if err := s.opts.Database(string(name), m); err != nil {
				return err
			}
		}
		var src source
		switch sin := s.input(sub); m.Type {
		case Hash:
			src = newHashCursor(sin)
		case Recno:
			src = newRecnoCursor(sin)
		default:
			src = newBtreeCursor(sin)
		}
		if err := s.drain(src); err != nil {
			return err
		}
	}
}

// pass marks the pages of a compressed sub-database: what looks like records
// there is none.
func (s *salvager) pass(m *Meta) error {
	if m.Type == Hash || int64(m.Root) >= s.rd.meta.Pages {
		return nil
	}
	rd := &Reader{r: s.rd.r, meta: *m, lay: s.rd.lay, opts: Options{Problem: func(error) {}, MaxItem: s.opts.MaxItem}, master: s.rd}
	c := newBtreeCursor(s.input(rd))
	for {
		if _, _, err := c.next(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// begin begins OtherDatabase when the file has sub-databases: leftovers belong
// to none of them.
func (s *salvager) begin() error {
	if s.other || !s.rd.meta.SubDBs || s.opts.Database == nil {
		return nil
	}
	s.other = true
	m := s.rd.meta
	m.Type, m.Dup = Btree, true // whatever a damaged page 0 says: records have keys
	return s.opts.Database(OtherDatabase, m)
}

// tick counts a page and looks at the context now and then.
func (s *salvager) tick() error {
	s.pages++
	if s.pages < 1024 {
		return nil
	}
	if s.opts.Progress != nil {
		s.opts.Progress(s.pages)
	}
	s.pages = 0
	return s.ctx.Err()
}
