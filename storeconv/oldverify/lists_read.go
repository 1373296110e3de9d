package oldverify

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"imsconv/dbconv/bdb"
	"imsconv/dbconv/mboxlist"
	"imsconv/storeconv"
	"imsconv/storeconv/ims"
)

// list is one of the databases of mboxlist, open for reading.
type list struct {
	kind mboxlist.Kind
	name string // under the store
	file *os.File
	Db   *bdb.Reader       // nil: missing, or told to be unreadable
	held map[string][]byte // all records of a small one; nil: each is looked up
}

// maxHeld is the size in bytes up to which a database is held in memory, which takes about three times as much.
const maxHeld = 8 << 20

// lists are the four of them.
type Lists struct{ All [4]list }

// openLists opens the databases. One that is missing stays nil; one that cannot be read is told.
func OpenLists(root *os.File, log storeconv.Log) (*Lists, error) {
	l := new(Lists)
	for i := range l.All {
		d := &l.All[i]
		d.kind = mboxlist.Kind(i)
		d.name = "mboxlist/" + d.kind.FileName()
		if err := d.open(filepath.Join(root.Name(), d.name), log); err != nil {
			l.Close()
			return nil, err
		}
	}
	return l, nil
}

func (d *list) open(path string, log storeconv.Log) error {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0) // not to wait at a pipe
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	d.file = f
	st, err := f.Stat()
	if err != nil {
		return err
	}
	if !st.Mode().IsRegular() {
		log.Problem("database", d.name, ims.ErrNotRegular.Error())
		return nil
	}
	d.Db, err = bdb.NewReader(f, st.Size(), bdb.Options{Problem: func(err error) { d.damage(log, err) }})
	if err != nil {
		log.Problem("database", d.name, err.Error())
		return nil
	}
	if st.Size() <= maxHeld {
		d.hold(f, st.Size())
	}
	return nil
}

// hold reads all records into memory. Damage is told when the records are held against the tree.
func (d *list) hold(f *os.File, size int64) {
	db, err := bdb.NewReader(f, size, bdb.Options{})
	if err != nil {
		return
	}
	held := make(map[string][]byte)
	for c := db.Cursor(); ; {
		key, value, err := c.Next()
		if err == io.EOF {
			d.held = held
			return
		}
		if err != nil {
			return
		}
		if _, twice := held[string(key)]; !twice {
			held[string(key)] = bytes.Clone(value)
		}
	}
}

// damage tells what the database reader met.
func (d *list) damage(log storeconv.Log, err error) {
	var place *bdb.Error
	if !errors.As(err, &place) {
		log.Problem("database", d.name, err.Error())
		return
	}
	where := d.name
	if w := place.Where(); w != "" {
		where += ": " + w
	}
	if place.Tolerated {
		log.Warning("database", where, place.What())
	} else {
		log.Problem("database", where, place.What())
	}
}

func (l *Lists) Close() {
	for i := range l.All {
		if l.All[i].file != nil {
			l.All[i].file.Close()
		}
	}
}

// get returns the record of a key; there is none when the database is missing.
func (l *Lists) Get(kind mboxlist.Kind, key string) ([]byte, bool, error) {
	d := &l.All[kind]
	if d.Db == nil {
		return nil, false, nil
	}
	if d.held != nil {
		value, ok := d.held[key]
		return value, ok, nil
	}
	value, err := d.Db.Get([]byte(key))
	if errors.Is(err, bdb.ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("%s: %w", d.name, err)
	}
	return value, true, nil
}
