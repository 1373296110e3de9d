// Package lists is what the conversions do with the four databases of a store's
// mailbox list, mboxlist/folder.db, quota.db, subscr.db and peruser.db: read
// them, and replace them by ones with more in them. Their records are those of
// package mboxlist.
package lists

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"imsconv/dbconv/bdb"
	"imsconv/dbconv/mboxlist"
	"imsconv/storeconv"
	"imsconv/storeconv/ims"
)

// Dir is where the databases lie in a store.
const Dir = "mboxlist"

// netscapes is the list of mailboxes in a store of a Netscape Messaging Server,
// which relocate takes over. Such a store has never had the databases of ours.
const netscapes = Dir + "/data.db2"

// Lists are the four databases of a store, open for reading. One goroutine at a
// time may use them.
type Lists struct{ all [4]database }

// database is one of them.
type database struct {
	kind mboxlist.Kind
	name string            // under the store
	log  storeconv.Log     // takes what is wrong with it
	told map[string]bool   // texts of errors that it has had
	file *os.File          // nil: missing
	db   *bdb.Reader       // nil: missing, or told to be unreadable
	held map[string][]byte // all records of a small one; nil: each is looked up
}

// maxHeld is the size in bytes up to which a database is held in memory, which
// takes about three times as much.
const maxHeld = 8 << 20

// Open opens the databases of the store in the directory store and reads them
// once. One that is missing is told to log, and empty, and so is one that
// cannot be read. What of one cannot be read is told, and left out; and so is
// that another one lies in its place. Of a store without mboxlist, a bare tree
// of mail, or with those of a Netscape Messaging Server, it is told once, as a
// warning. The error is of the file system.
func Open(store string, log storeconv.Log) (*Lists, error) {
	l := new(Lists)
	has := func(name string) bool {
		_, err := os.Lstat(filepath.Join(store, name))
		return !errors.Is(err, fs.ErrNotExist)
	}
	isThere := func(k mboxlist.Kind) bool { return has(place(k)) }
	if !has(Dir) || has(netscapes) && !slices.ContainsFunc(Kinds[:], isThere) {
		log.Warning("missing-database", Dir, "the store has none of the databases: nothing of limits and subscriptions is known but what indexes say")
		return l, nil
	}
	for i := range l.all {
		d := &l.all[i]
		*d = database{kind: mboxlist.Kind(i), name: place(mboxlist.Kind(i)), log: log, told: make(map[string]bool)}
		if err := d.open(filepath.Join(store, d.name)); err != nil {
			l.Close()
			return nil, err
		}
	}
	return l, nil
}

// open opens it and reads it once.
func (d *database) open(path string) error {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0) // not to wait at a pipe
	if errors.Is(err, fs.ErrNotExist) {
		d.log.Problem("missing-database", d.name, "the database is not there: what it held is lost")
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
		d.log.Problem("database", d.name, ims.ErrNotRegular.Error())
		return nil
	}
	d.db, err = bdb.NewReader(f, st.Size(), bdb.Options{Problem: d.tell})
	if err != nil {
		d.log.Problem("database", d.name, err.Error())
		return nil
	}
	return d.readWhole(st.Size() <= maxHeld)
}

// Close closes the databases.
func (l *Lists) Close() {
	for i := range l.all {
		if l.all[i].file != nil {
			l.all[i].file.Close() // opened for reading
		}
	}
}

// Get returns the record of a key. ok is false when there is none, or no such
// database.
func (l *Lists) Get(kind mboxlist.Kind, key string) (value []byte, ok bool, err error) {
	d := &l.all[kind]
	if d.db == nil {
		return nil, false, nil
	}
	if d.held != nil {
		value, ok = d.held[key]
		return value, ok, nil
	}
	value, err = d.db.Get([]byte(key))
	if errors.Is(err, bdb.ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("%s: %w", d.name, err)
	}
	return value, true, nil
}

// Each calls fn for every record of a database in the order of their keys; key
// and value are valid during the call. An error of fn ends it and is returned.
func (l *Lists) Each(ctx context.Context, kind mboxlist.Kind, fn func(key, value []byte) error) error {
	d := &l.all[kind]
	if d.db == nil {
		return nil
	}
	for c := d.db.Cursor(); ctx.Err() == nil; {
		key, value, err := c.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", d.name, err)
		}
		if err := fn(key, value); err != nil {
			return err
		}
	}
	return ctx.Err()
}
