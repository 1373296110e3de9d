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

// Options say how databases are written.
type Options struct {
	Sync  storeconv.SyncMode
	Owner *storeconv.Owner // nil: the caller
	// Date, when it is above 0, is given to the databases, in seconds since 1970,
	// so that the same input makes the same store. One whose date it would set
	// back keeps the time of its writing.
	Date int64
}

// Writer replaces databases of one store, while it holds the lock that runs of
// several processes share.
type Writer struct {
	run  *durable.Run
	opts Options
}

// Update calls fn with a Writer for the databases of the store that run belongs
// to, and makes durable what it wrote. The error is of fn, or of the store.
func Update(run *durable.Run, opts Options, fn func(*Writer) error) error {
	if err := run.LockLists(); err != nil {
		return fmt.Errorf("lock the mailbox lists: %w", err)
	}
	defer run.UnlockLists() // the process's end drops it too
	if err := run.Store.MkdirAll(Dir); err != nil {
		return err
	}
	if err := fn(&Writer{run, opts}); err != nil {
		return err
	}
	return run.Store.SyncAll()
}

// Has tells whether the store has a database of that kind.
func (w *Writer) Has(kind mboxlist.Kind) bool {
	_, err := w.run.Store.Stat(place(kind))
	return err == nil
}

func place(kind mboxlist.Kind) string { return Dir + "/" + kind.FileName() }

// Records calls put with records in the byte order of their keys; the last of
// equal keys counts. Nil: there are none.
type Records func(put func(key, value []byte) error) error

// Write merges records with those of the database that the store has, and
// replaces it when that changes a byte of it. form says what it is like; what
// it leaves open is as in the database in place. merge (nil: the fresh record
// counts) joins the value in place, nil for none, with the fresh one; when it
// returns nil, no record is left.
//
// A database in place that cannot be read whole is an error, and stays. So
// is another one that lies there (ErrOther).
func (w *Writer) Write(kind mboxlist.Kind, form storeconv.Databases, records Records, merge func(old, fresh []byte) []byte) error {
	if err := w.write(kind, form, records, merge); err != nil {
		return fmt.Errorf("%s: %w", place(kind), err)
	}
	return nil
}

func (w *Writer) write(kind mboxlist.Kind, form storeconv.Databases, records Records, merge func(old, fresh []byte) []byte) error {
	old, err := openOld(w.run.Store, kind)
	if err != nil {
		return err
	}
	defer old.close()
	m := &merger{old: old, merge: merge, is: NewRecognizer(kind)}
	fresh, err := w.build(kind, old.fill(form), m, records)
	if err != nil {
		return err
	}
	defer fresh.Close()
	same, err := sameBytes(fresh, old.file, old.size)
	if err != nil {
		return err
	}
	if same {
		return w.run.Dir.Remove(kind.FileName())
	}
	if err := w.finish(fresh, old.file); err != nil {
		return err
	}
	return w.run.Dir.Replace(kind.FileName(), w.run.Store.Dir, place(kind))
}

// oldDatabase is the database in place.
type oldDatabase struct {
	file   *durable.File // nil: there is none
	size   int64
	reader *bdb.Reader // nil: it has no records
}

func openOld(store *durable.Store, kind mboxlist.Kind) (*oldDatabase, error) {
	f, err := store.Open(place(kind))
	if errors.Is(err, fs.ErrNotExist) {
		return &oldDatabase{}, nil
	}
	if err != nil {
		return nil, err
	}
	d := &oldDatabase{file: f}
	info, err := f.Stat()
	if err == nil && info.Size() > 0 {
		d.size = info.Size()
		d.reader, err = bdb.NewReader(f, d.size, bdb.Options{Strict: true})
	}
	if err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

func (d *oldDatabase) close() {
	if d.file != nil {
		d.file.Close() // opened for reading
	}
}

// fill takes what form leaves open from the database in place.
func (d *oldDatabase) fill(form storeconv.Databases) storeconv.Databases {
	if d.reader == nil || d.reader.Meta().Type != bdb.Btree {
		return form
	}
	m := d.reader.Meta()
	if form.Version == 0 {
		form.Version = int(m.Version)
	}
	if form.ByteOrder == nil {
		form.ByteOrder = m.ByteOrder
	}
	if form.PageSize == 0 {
		form.PageSize = int(m.PageSize)
	}
	return form
}

// build writes the merged database into the run's folder.
func (w *Writer) build(kind mboxlist.Kind, form storeconv.Databases, m *merger, records Records) (*durable.File, error) {
	name := kind.FileName()
	fresh, err := w.run.Dir.Recreate(name)
	if err != nil {
		return nil, err
	}
	db, err := bdb.NewWriter(fresh, bdb.WriterOptions{
		Version: form.Version, ByteOrder: form.ByteOrder, PageSize: form.PageSize, Name: name, TempDir: w.run.TempDir(),
	})
	if err == nil {
		if err = m.run(db, records); err != nil {
			db.Abort()
		} else {
			err = db.Close()
		}
	}
	if err != nil {
		fresh.Close()
		return nil, err
	}
	return fresh, nil
}

// finish gives a database that takes the place of old its owner and its date,
// and syncs it.
func (w *Writer) finish(fresh, old *durable.File) error {
	if o := w.opts.Owner; o != nil {
		if err := fresh.Chown(o.UID, o.GID); err != nil {
			return err
		}
	}
	if err := w.date(fresh, old); err != nil {
		return err
	}
	if w.opts.Sync == storeconv.SyncNone {
		return nil
	}
	return fresh.Sync()
}

func (w *Writer) date(fresh, old *durable.File) error {
	if w.opts.Date <= 0 || w.opts.Date > ims.MaxTime {
		return nil
	}
	if old != nil {
		info, err := old.Stat()
		if err != nil || info.ModTime().Unix() > w.opts.Date {
			return err
		}
	}
	return fresh.SetTime(w.opts.Date)
}

// sameBytes compares a fresh database with the one in place.
func sameBytes(fresh, old *durable.File, oldSize int64) (bool, error) {
	info, err := fresh.Stat()
	if err != nil {
		return false, err
	}
	if old == nil || info.Size() != oldSize {
		return false, nil
	}
	a, b := make([]byte, 64<<10), make([]byte, 64<<10)
	for at := int64(0); at < oldSize; {
		n := int(min(int64(len(a)), oldSize-at))
		if err := readFullAt(fresh, a[:n], at); err != nil {
			return false, err
		}
		if err := readFullAt(old, b[:n], at); err != nil {
			return false, err
		}
		if string(a[:n]) != string(b[:n]) {
			return false, nil
		}
		at += int64(n)
	}
	return true, nil
}

func readFullAt(r io.ReaderAt, b []byte, at int64) error {
	n, err := r.ReadAt(b, at)
	if n == len(b) {
		return nil
	}
	return err
}
