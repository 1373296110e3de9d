package dbconv

import (
	"context"
	"fmt"
	"io"

	"imsconv/dbconv/bdb"
	"imsconv/dbconv/dbtext"
)

// SalvageOptions are the options of Salvage and SalvageText.
type SalvageOptions struct {
	Common
	Output
	Aggressive bool // what is doubtful too (db_dump -R)
	Print      bool // text form: printable bytes as they are
}

// SalvageReport is what a salvage did.
type SalvageReport struct {
	bdb.SalvageReport
	Version   int   // written; 0: text
	Databases int   // sub-databases written
	Written   int64 // records in the result
	Replaced  int64 // records given up because another one had the same key
}

// Salvage writes every record that can still be read in the database file src
// to dst: sorted by key in byte order, as a btree (of a recno, a queue or a
// heap, as a recno) of version 9 unless Output says otherwise. What is lost
// goes to the log, a problem each.
func Salvage(ctx context.Context, dst io.WriterAt, src Source, opts SalvageOptions) (SalvageReport, error) {
	s := rescue{ctx: ctx, opts: opts, dst: dst}
	defer s.abort()
	err := s.run(src)
	if err == nil {
		err = s.close()
	}
	return s.rep, err
}

// SalvageText is Salvage with db_dump text as its result, in the order of the
// pages.
func SalvageText(ctx context.Context, w io.Writer, src Source, opts SalvageOptions) (SalvageReport, error) {
	s := rescue{ctx: ctx, opts: opts, text: dbtext.NewWriter(w)}
	err := s.run(src)
	if err == nil && s.open {
		err = s.text.End()
	}
	if err == nil {
		err = s.text.Flush()
	}
	return s.rep, err
}

// A rescue is the state of Salvage.
type rescue struct {
	ctx  context.Context
	opts SalvageOptions
	rep  SalvageReport
	dst  io.WriterAt
	w    *bdb.Writer
	text *dbtext.Writer
	open bool // a database of the text was begun

	// number makes the keys of a heap, which becomes a recno, and watches over
	// those of a recno or queue; nil: keys are as found.
	number func(key []byte) []byte
}

func (s *rescue) run(src Source) error {
	log := s.opts.log()
	bopts := bdb.SalvageOptions{
		Aggressive: s.opts.Aggressive,
		MaxItem:    s.opts.MaxItem,
		Problem:    func(err error) { tell(log, "", err) },
		Begin:      s.begin,
		Database:   s.database,
	}
	if s.opts.Progress != nil {
		bopts.Progress = func(pages int64) { s.opts.Progress.Add(pages, 0) }
	}
	rep, err := bdb.Salvage(s.ctx, src, src.Size(), bopts, s.put)
	s.rep.SalvageReport = rep
	if err == nil && rep.Guessed {
		log.Warning("guessed", "", fmt.Sprintf("the metadata page is unusable; by its pages the file is a %s with pages of %d bytes", rep.Meta.Type, rep.Meta.PageSize))
	}
	return err
}

// begin opens the result once the source's metadata is known.
func (s *rescue) begin(m bdb.Meta) error {
	if s.text != nil {
		if m.SubDBs {
			return nil // a header for each of them
		}
		s.open = true
		return s.text.Begin(headerOf(m, nil, DumpOptions{Print: s.opts.Print, Keys: numbered(m.Type.String())}))
	}
	out := s.opts.resolve(m, 9)
	s.rep.Version = out.Version
	if m.SubDBs && out.Version < 7 {
		return fmt.Errorf("%w, version %d one only", ErrSubdatabases, out.Version)
	}
	log := s.opts.log()
	wopts := bdb.WriterOptions{
		Version: out.Version, ByteOrder: out.ByteOrder, PageSize: out.PageSize, Name: out.Name, TempDir: out.TempDir,
		Check:       s.ctx.Err,
		KeepFirst:   false, // after a split that did not reach the disk whole, the later page is the newer
		IgnoreEqual: true,  // after a crash split pages are there twice
		OnReplace: func(key []byte) {
			log.Problem("duplicate-key", "", fmt.Sprintf("key %.80q was found twice with different values: the record of the later page was kept", key))
		},
	}
	if !m.SubDBs {
		s.numbering(m)
		wopts.TreeOptions = salvagedTree(m)
	}
	w, err := bdb.NewWriter(s.dst, wopts)
	s.w = w
	return err
}

// numbering is how the records of the database that begins get their keys.
func (s *rescue) numbering(m bdb.Meta) {
	s.number = nil
	switch m.Type {
	case bdb.Heap:
		s.number = new(counter).next
	case bdb.Recno, bdb.Queue:
		s.number = (&numbers{log: s.opts.log(), limit: uint64(m.Size)/4 + 1}).check
	}
}

// salvagedTree says how a database is written whose records come in page order.
func salvagedTree(m bdb.Meta) bdb.TreeOptions {
	if unkeyed(m.Type.String()) {
		t := bdb.TreeOptions{Recno: true, Renumber: m.Renumber}
		if m.FixedLen {
			t.FixedLength, t.Pad = int(m.RecLen), byte(m.RecPad)
		}
		return t
	}
	return bdb.TreeOptions{Duplicates: m.Dup, DuplicatesSorted: m.DupSort, RecordNumbers: m.RecNum && !m.Dup, Unsorted: m.Type == bdb.Hash}
}

// database begins a sub-database.
func (s *rescue) database(name string, m bdb.Meta) error {
	s.rep.Databases++
	if s.text == nil {
		s.numbering(m)
		return s.w.Sub(name, salvagedTree(m))
	}
	if s.open {
		if err := s.text.End(); err != nil {
			return err
		}
	}
	s.open = true
	return s.text.Begin(headerOf(m, &name, DumpOptions{Print: s.opts.Print, Keys: numbered(m.Type.String())}))
}

func (s *rescue) put(key, value []byte) error {
	if s.text != nil {
		s.rep.Written++
		return s.text.Record(key, value)
	}
	if s.number != nil {
		key = s.number(key)
	}
	return s.w.Put(key, value)
}

// close completes the database and takes the counts over.
func (s *rescue) close() error {
	if err := s.w.Close(); err != nil {
		return err
	}
	s.rep.Written, s.rep.Replaced = s.w.Records(), s.w.Replaced()
	return nil
}

// abort gives up the temporary files of a database that was not completed.
func (s *rescue) abort() {
	if s.w != nil {
		s.w.Abort()
	}
}
