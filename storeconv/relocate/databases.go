package relocate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"imsconv/dbconv/bdb"
	"imsconv/dbconv/mboxlist"
	"imsconv/storeconv"
	"imsconv/storeconv/durable"
	"imsconv/storeconv/lists"
)

// writeDatabases writes folder.db, quota.db and subscr.db, each with what the
// store had in it before, and an empty peruser.db where there is none.
func (r *relocation) writeDatabases(ctx context.Context) error {
	defer r.subscr.Close()
	if !r.opts.DryRun {
		if err := r.run.LockLists(); err != nil {
			return fmt.Errorf("lock the mailbox lists: %w", err)
		}
		defer r.run.UnlockLists() // the process's end drops it too
		if err := r.dst.MkdirAll(lists.Dir); err != nil {
			return err
		}
	}
	// One after the other, so that one only is in memory.
	err := r.database(mboxlist.FolderDB, func() bdb.Meta { return r.index.meta }, func(put recordSink) error { return r.folderRecords(ctx, put) })
	if err != nil {
		return err
	}
	err = r.database(mboxlist.QuotaDB, r.quotaLike, func(put recordSink) error { return r.quotaRecords(ctx, put) })
	if err != nil || r.opts.DryRun {
		return err
	}
	if err := r.writeDatabase(mboxlist.SubscrDB, r.subscr, r.index.meta); err != nil {
		return err
	}
	if _, err := r.dst.Stat(lists.Dir + "/" + mboxlist.PeruserDB.FileName()); err == nil {
		return nil // nothing of it concerns a relocation
	}
	peruser := mboxlist.NewUpdate(mboxlist.PeruserDB, r.tempDir())
	defer peruser.Close()
	return r.writeDatabase(mboxlist.PeruserDB, peruser, r.index.meta)
}

// database gathers the records of one database and writes it; like is asked
// after that.
func (r *relocation) database(kind mboxlist.Kind, like func() bdb.Meta, gather func(put recordSink) error) error {
	if r.opts.DryRun {
		return gather(func(string, []byte) error { return nil })
	}
	update := mboxlist.NewUpdate(kind, r.tempDir())
	defer update.Close()
	if err := gather(update.Put); err != nil {
		return err
	}
	return r.writeDatabase(kind, update, like())
}

// quotaLike is the database that quota.db takes after.
func (r *relocation) quotaLike() bdb.Meta {
	if r.quotaMeta.PageSize == 0 {
		return r.index.meta
	}
	return r.quotaMeta
}

// writeDatabase merges an update with the database of that kind that the store
// has, and replaces it when that changes a byte.
func (r *relocation) writeDatabase(kind mboxlist.Kind, update *mboxlist.Update, like bdb.Meta) (err error) {
	name := kind.FileName()
	place := lists.Dir + "/" + name
	defer func() {
		if err != nil {
			err = fmt.Errorf("%s: %w", place, err)
		}
	}()
	old, oldSize, err := r.openOld(place)
	if err != nil {
		return err
	}
	if old != nil {
		defer old.Close() // opened for reading
	}
	fresh, err := r.build(name, update, like, old, oldSize)
	if err != nil {
		return err
	}
	defer fresh.Close()
	same, err := lists.SameBytes(fresh, old, oldSize)
	if err != nil {
		return err
	}
	if same {
		return r.run.Dir.Remove(name)
	}
	if err := r.ownDatabase(fresh); err != nil {
		return err
	}
	if r.opts.Sync != storeconv.SyncNone {
		if err := fresh.Sync(); err != nil {
			return err
		}
	}
	return r.run.Dir.Replace(name, r.dst.Dir, place)
}

func (r *relocation) openOld(place string) (*os.File, int64, error) {
	old, err := r.dst.Open(place)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	info, err := old.Stat()
	if err != nil {
		old.Close()
		return nil, 0, err
	}
	return old, info.Size(), nil
}

// build writes the new database into the run's folder.
func (r *relocation) build(name string, update *mboxlist.Update, like bdb.Meta, old *os.File, oldSize int64) (*os.File, error) {
	fresh, err := os.OpenFile(r.run.Path(name), os.O_RDWR|os.O_CREATE|os.O_TRUNC, durable.FileMode)
	if err != nil {
		return nil, err
	}
	w, err := bdb.NewWriter(fresh, bdb.WriterOptions{
		Version: r.opts.Version, ByteOrder: r.order(like), PageSize: r.pageSize(like), Name: name, TempDir: r.tempDir(),
	})
	if err == nil {
		err = apply(w, update, old, oldSize)
	}
	if err != nil {
		fresh.Close()
		return nil, err
	}
	return fresh, nil
}

func apply(w *bdb.Writer, update *mboxlist.Update, old *os.File, oldSize int64) error {
	var cursor mboxlist.Cursor
	if old != nil {
		reader, err := bdb.NewReader(old, oldSize, bdb.Options{Strict: true})
		if err != nil {
			w.Abort()
			return err
		}
		cursor = reader.Cursor()
	}
	if _, err := update.Apply(w, cursor); err != nil {
		w.Abort()
		return err
	}
	return w.Close()
}

// ownDatabase gives a new database the owner asked for, or, for root, that of
// the source's databases.
func (r *relocation) ownDatabase(f *os.File) error {
	if o := r.opts.Owner; o != nil {
		return f.Chown(o.UID, o.GID)
	}
	var st unix.Stat_t
	if os.Geteuid() != 0 || r.src.DataDB == "" || unix.Stat(r.src.DataDB, &st) != nil {
		return nil
	}
	return f.Chown(int(st.Uid), int(st.Gid))
}
