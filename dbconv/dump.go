package dbconv

import (
	"context"
	"io"

	"imsconv/dbconv/bdb"
	"imsconv/dbconv/dbtext"
)

// DumpOptions are the options of Dump.
type DumpOptions struct {
	Common
	Print       bool    // printable bytes as they are (db_dump -p), else hexadecimal
	Keys        bool    // record numbers of a recno (db_dump -k)
	Subdatabase *string // this one only (db_dump -s); nil: all
	JSON        bool    // one JSON object a record instead of db_dump text
}

// DumpReport is what Dump did.
type DumpReport struct {
	Records   int64
	Deleted   int64
	Databases int // sub-databases dumped
}

// recordWriter is a text form.
type recordWriter interface {
	Begin(h dbtext.Header) error
	Record(key, value []byte) error
	End() error
	Flush() error
}

// Dump writes the records of the database file src to w as
// db_dump prints them. A file with sub-databases is dumped one after the other.
func Dump(ctx context.Context, w io.Writer, src Source, opts DumpOptions) (DumpReport, error) {
	var rep DumpReport
	r, err := opts.open(ctx, src)
	if err != nil {
		return rep, err
	}
	out := recordWriter(dbtext.NewWriter(w))
	if opts.JSON {
		out = newJSONWriter(w)
	}
	if opts.Subdatabase != nil {
		if r, err = r.Open(*opts.Subdatabase); err != nil {
			return rep, err
		}
		err = rep.database(ctx, out, r, nil, opts)
	} else if r.Meta().SubDBs {
		err = rep.databases(ctx, out, r, opts)
	} else {
		err = rep.database(ctx, out, r, nil, opts)
	}
	if flushErr := out.Flush(); err == nil {
		err = flushErr
	}
	return rep, err
}

func (rep *DumpReport) databases(ctx context.Context, out recordWriter, r *bdb.Reader, opts DumpOptions) error {
	names, err := r.Subdatabases()
	if err != nil {
		return err
	}
	for _, name := range names {
		sub, err := r.Open(name)
		if err != nil {
			if opts.Strict {
				return err
			}
			tell(opts.log(), databaseName(name), err)
			continue
		}
		if err := rep.database(ctx, out, sub, &name, opts); err != nil {
			return err
		}
		rep.Databases++
	}
	return nil
}

func (rep *DumpReport) database(ctx context.Context, out recordWriter, r *bdb.Reader, name *string, opts DumpOptions) error {
	if err := out.Begin(headerOf(r.Meta(), name, opts)); err != nil {
		return err
	}
	at := ""
	if name != nil {
		at = databaseName(*name)
	}
	order := newKeyOrder(r.Meta())
	c := r.Cursor()
	t := ticker{ctx: ctx, progress: opts.Progress}
	for {
		key, value, err := c.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		rep.Records++
		order.see(key)
		if err := out.Record(key, value); err != nil {
			return err
		}
		if err := t.tick(len(key) + len(value)); err != nil {
			return err
		}
	}
	order.tell(opts.log(), at)
	rep.Deleted += c.Deleted()
	if err := t.flush(); err != nil {
		return err
	}
	return out.End()
}

// headerOf says what db_dump prints about a database; name is nil when it is no
// sub-database.
func headerOf(m bdb.Meta, name *string, opts DumpOptions) dbtext.Header {
	h := dbtext.Header{
		Print: opts.Print, Type: m.Type.String(), Keys: opts.Keys,
		Duplicates: m.Dup, DupSort: m.DupSort, RecNum: m.RecNum, Renumber: m.Renumber,
		Checksum: m.Checksum, PageSize: m.PageSize,
	}
	if name != nil {
		h.Database, h.Named = *name, true
	}
	switch m.Type {
	case bdb.Btree:
		if !m.Legacy185 {
			h.MinKey = int(m.MinKey)
		}
	case bdb.Hash:
		// The count is garbage in many files of release 2.x and is none in
		// 1.85.
		if m.Version > 5 {
			h.NumElem = m.NumElem
		}
	case bdb.Recno, bdb.Queue:
		if m.FixedLen {
			h.FixedLen, h.Pad = int(m.RecLen), m.RecPad
		}
	case bdb.Heap:
		h.LimitGiB, h.LimitBytes, h.RegionSize = m.LimitGiB, m.LimitBytes, m.RegionSize
	}
	return h
}
