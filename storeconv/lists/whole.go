package lists

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"imsconv/dbconv/bdb"
	"imsconv/dbconv/mboxlist"
	"imsconv/storeconv"
	"imsconv/storeconv/durable"
	"imsconv/storeconv/ims"
)

// ErrOther is in the error of a database that has records, and none that
// belongs into it: another one lies in its place.
var ErrOther = errors.New("another database lies in its place")

// Kinds are the four databases, in the order in which they are written.
var Kinds = [...]mboxlist.Kind{mboxlist.FolderDB, mboxlist.QuotaDB, mboxlist.SubscrDB, mboxlist.PeruserDB}

// A Recognizer tells, of all records of a database, whether it is the one that
// its name says.
type Recognizer struct {
	kind mboxlist.Kind
	any  bool
	fits bool
}

// NewRecognizer expects a database of that kind.
func NewRecognizer(kind mboxlist.Kind) *Recognizer { return &Recognizer{kind: kind} }

// Record takes a record.
func (r *Recognizer) Record(key, value []byte) {
	if !r.fits {
		r.any, r.fits = true, r.kind.Fits(key, value)
	}
}

// Err is an ErrOther when no record was one of the database. One without
// records may be any.
func (r *Recognizer) Err() error {
	if r.any && !r.fits {
		return fmt.Errorf("%w: none of its records is one of %s", ErrOther, r.kind.FileName())
	}
	return nil
}

// Check reads the databases of a store that a run is going to write to. The
// error names the first that cannot be read whole, or is another one: a
// [Writer] would refuse it at the end of the run. One that is missing is no
// error.
func Check(store *durable.Store) error {
	for _, kind := range Kinds {
		if err := check(store, kind); err != nil {
			return fmt.Errorf("%s: %w; put back the one that belongs there, or move it away to have the run make one without what it held", place(kind), err)
		}
	}
	return nil
}

func check(store *durable.Store, kind mboxlist.Kind) error {
	d, err := openOld(store, kind)
	if err != nil {
		return err
	}
	defer d.close()
	if d.reader == nil {
		return nil
	}
	m := merger{old: d, cursor: d.reader.Cursor(), is: NewRecognizer(kind)}
	for {
		if err := m.advance(); err != nil {
			return err
		}
		if !m.have {
			return m.is.Err()
		}
	}
}

// Missing are the databases that a store in use has not, by their paths under
// it: one that has some of them has had all. A store without any is a new one.
func Missing(store *durable.Store) ([]string, error) {
	var missing []string
	for _, kind := range Kinds {
		_, err := store.Stat(place(kind))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			missing = append(missing, place(kind))
		case err != nil:
			return nil, err
		}
	}
	if len(missing) == len(Kinds) {
		return nil, nil
	}
	return missing, nil
}

// TellMissing tells of a database that a run makes anew.
func TellMissing(path string, log storeconv.Log) {
	log.Problem("missing-database", path, "the database is not there, and the run makes it: what it held of others is lost")
}

// readWhole reads a database once from its first record to its last, so that
// what is wrong with it is told, whoever asks for which record. A small one is
// held in memory. The error is of the file system.
func (d *database) readWhole(small bool) error {
	is := NewRecognizer(d.kind)
	var held map[string][]byte
	if small {
		held = make(map[string][]byte)
	}
	for c := d.db.Cursor(); ; {
		key, value, err := c.Next()
		if err == io.EOF {
			break
		}
		if ims.OfMachine(err) {
			return err
		}
		if err != nil {
			d.tell(err)
			return nil
		}
		is.Record(key, value)
		if _, twice := held[string(key)]; small && !twice {
			held[string(key)] = append([]byte(nil), value...)
		}
	}
	d.held = held
	if err := is.Err(); err != nil {
		d.tell(err)
	}
	return nil
}

// tell tells once what the database reader met.
func (d *database) tell(err error) {
	if d.told[err.Error()] {
		return
	}
	if len(d.told) < maxTold {
		d.told[err.Error()] = true
	}
	var place *bdb.Error
	if !errors.As(err, &place) {
		d.log.Problem("database", d.name, err.Error())
		return
	}
	where := d.name
	if w := place.Position(); w != "" {
		where += ": " + w
	}
	if place.Tolerated {
		d.log.Warning("database", where, place.What())
	} else {
		d.log.Problem("database", where, place.What())
	}
}

// maxTold bounds what is remembered of a database so that it is told once.
const maxTold = 1000
