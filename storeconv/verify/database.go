package verify

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"os"

	"imsconv/dbconv/bdb"
	"imsconv/storeconv"
)

// database is one database of the source.
type database struct {
	file  *os.File
	size  int64
	where string
	db    *bdb.Reader // nil where not even the metadata can be read
	// pages: something on the way to the records is damaged, so that they are
	// read page by page.
	pages bool
	seed  maphash.Seed
	keys  map[uint64]struct{} // of a damaged one, hashed; made when first needed
}

// maxKeys bounds keys; beyond it a key counts as not there.
const maxKeys = 1 << 20

// openDatabase opens a database of the source and reads it through to see what
// is damaged, which is noted. One that cannot be read at all is nil.
func (s *source) openDatabase(ctx context.Context, path string) (*database, error) {
	d := &database{where: s.label(path), seed: maphash.MakeSeed()}
	f, err := os.Open(path)
	if err != nil {
		s.notes = append(s.notes, warning("unreadable", d.where, "%v", err))
		return nil, nil
	}
	d.file = f
	err = d.readThrough(ctx, func(n storeconv.Note) { s.notes = append(s.notes, n) })
	if err != nil {
		f.Close() // opened for reading
		if ctx.Err() != nil {
			return nil, err
		}
		s.notes = append(s.notes, warning("damaged", d.where, "%v", err))
		return nil, nil
	}
	return d, nil
}

// maxDamage bounds the lines about one database.
const maxDamage = 1000

func (d *database) readThrough(ctx context.Context, tell func(storeconv.Note)) error {
	info, err := d.file.Stat()
	if err != nil {
		return err
	}
	d.size = info.Size()
	told, quiet := 0, false
	d.db, err = bdb.NewReader(d.file, d.size, bdb.Options{Problem: func(err error) {
		n := damage(d.where, err)
		d.pages = d.pages || n.Severity == storeconv.Problem
		if n.Severity, n.Kind = storeconv.Warning, "damaged"; !quiet && told < maxDamage {
			tell(n)
			told++
		}
	}})
	if err != nil {
		d.db, d.pages = nil, true
		tell(warning("damaged", d.where, "%v: what its pages hold is taken", err))
	} else if d.db.Meta().Type == bdb.Recno {
		return errors.New("a recno database has no mailbox names")
	}
	err = d.each(ctx, func(string, []byte) error { return nil })
	quiet = true
	return err
}

func (d *database) close() {
	if d != nil {
		d.file.Close() // opened for reading
	}
}

// each calls fn for every record that can be read. The value is valid during
// the call.
func (d *database) each(ctx context.Context, fn func(key string, value []byte) error) error {
	if d.pages {
		_, err := bdb.Salvage(ctx, d.file, d.size, bdb.SalvageOptions{}, func(key, value []byte) error { return fn(string(key), value) })
		return err
	}
	c := d.db.Cursor()
	for n := 0; ; n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		key, value, err := c.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", d.where, err)
		}
		if err := fn(string(key), value); err != nil {
			return err
		}
	}
}

// get looks a record up. Of a damaged database only whether the key is there is
// known: the value is nil then.
func (d *database) get(key string) (value []byte, ok bool) {
	if d == nil {
		return nil, false
	}
	if !d.pages {
		value, err := d.db.Get([]byte(key))
		return value, err == nil
	}
	if d.keys == nil {
		d.keys = make(map[uint64]struct{})
		err := d.each(context.Background(), func(key string, _ []byte) error {
			if len(d.keys) < maxKeys {
				d.keys[maphash.String(d.seed, key)] = struct{}{}
			}
			return nil
		})
		if err != nil {
			return nil, false
		}
	}
	_, ok = d.keys[maphash.String(d.seed, key)]
	return nil, ok
}
