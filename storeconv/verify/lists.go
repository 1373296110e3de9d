package verify

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
)

// list is one of the databases of mboxlist, open for reading.
type list struct {
	kind mboxlist.Kind
	name string // under the store
	file *os.File
	db   *bdb.Reader       // nil: missing, or told to be unreadable
	held map[string][]byte // all records of a small one; nil: each is looked up
}

// maxHeld is the size in bytes up to which a database is held in memory, which
// takes about three times as much.
const maxHeld = 4 << 20

// lists are the four of them.
type lists [4]list

// open opens the databases of the store whose directory is root. One that is
// missing stays nil; one that cannot be read is told.
func (l *lists) open(root int, store string, log storeconv.Log) error {
	for i := range l {
		d := &l[i]
		d.kind = mboxlist.Kind(i)
		d.name = "mboxlist/" + d.kind.FileName()
		if err := d.open(filepath.Join(store, d.name), log); err != nil {
			return err
		}
	}
	return nil
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
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		log.Problem("database", d.name, errNotRegular.Error())
		return nil
	}
	d.db, err = bdb.NewReader(f, info.Size(), bdb.Options{Problem: func(err error) { damage(d.name, err).Tell(log) }})
	if err != nil {
		log.Problem("database", d.name, err.Error())
		return nil
	}
	if info.Size() <= maxHeld {
		d.hold(info.Size())
	}
	return nil
}

// hold reads all records into memory. Damage is told when the records are held
// against the tree.
func (d *list) hold(size int64) {
	db, err := bdb.NewReader(d.file, size, bdb.Options{})
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

// damage makes a note of what a reader of a database met.
func damage(name string, err error) storeconv.Note {
	n := problem("database", name, "%v", err)
	var place *bdb.Error
	if !errors.As(err, &place) {
		return n
	}
	if w := place.Where(); w != "" {
		n.Where += ": " + w
	}
	n.Text = place.What()
	if place.Tolerated {
		n.Severity = storeconv.Warning
	}
	return n
}

func (l *lists) close() {
	for i := range l {
		if l[i].file != nil {
			l[i].file.Close() // opened for reading
		}
	}
}

// has tells whether a database can be read.
func (l *lists) has(kind mboxlist.Kind) bool { return l[kind].db != nil }

// get returns the record of a key; there is none when the database is missing.
func (l *lists) get(kind mboxlist.Kind, key string) ([]byte, bool, error) {
	d := &l[kind]
	if d.db == nil {
		return nil, false, nil
	}
	if d.held != nil {
		value, ok := d.held[key]
		return value, ok, nil
	}
	value, err := d.db.Get([]byte(key))
	if errors.Is(err, bdb.ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("%s: %w", d.name, err)
	}
	return value, true, nil
}
