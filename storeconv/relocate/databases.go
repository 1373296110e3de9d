package relocate

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"imsconv/dbconv/bdb"
	"imsconv/dbconv/mboxlist"
	"imsconv/storeconv"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/lists"
)

// writeDatabases writes folder.db, quota.db and subscr.db, each with what the
// store had in it before, and an empty peruser.db where there is none.
func (r *relocation) writeDatabases(ctx context.Context) error {
	defer r.subscr.Close()
	if r.opts.DryRun {
		if err := r.tellMissing(); err != nil {
			return err
		}
		discard := func(string, []byte) error { return nil }
		if err := r.folderRecords(ctx, discard); err != nil {
			return err
		}
		return r.quotaRecords(ctx, discard)
	}
	owner, err := r.databaseOwner()
	if err != nil {
		return err
	}
	opts := lists.Options{Sync: r.opts.Sync, Owner: owner}
	return lists.Update(r.run, opts, func(w *lists.Writer) error { return r.writeAll(ctx, w) })
}

// writeAll writes one database after the other, so that the records of one only
// are in memory.
func (r *relocation) writeAll(ctx context.Context, w *lists.Writer) error {
	if err := r.tellMissing(); err != nil {
		return err
	}
	folders, err := r.gather(ctx, r.folderRecords)
	if err != nil {
		return err
	}
	defer folders.Close()
	if err := w.Write(mboxlist.FolderDB, r.form(r.index.meta), folders.Drain, nil); err != nil {
		return err
	}
	quotas, err := r.gather(ctx, r.quotaRecords)
	if err != nil {
		return err
	}
	defer quotas.Close()
	like := r.quotaMeta
	if like.PageSize == 0 { // there is no quota.db2
		like = r.index.meta
	}
	if err := w.Write(mboxlist.QuotaDB, r.form(like), quotas.Drain, nil); err != nil {
		return err
	}
	if err := w.Write(mboxlist.SubscrDB, r.form(r.index.meta), r.subscr.Drain, nil); err != nil {
		return err
	}
	if w.Has(mboxlist.PeruserDB) {
		return nil // nothing of it concerns a relocation
	}
	return w.Write(mboxlist.PeruserDB, r.form(r.index.meta), nil, nil)
}

// missingFile in the run's folder has the databases that the store had not when
// the run came to make them, a line each. Its name comes behind the others
// there, in whose order they are removed: a run that is stopped at its very end
// has told of them, but nobody has its exit status.
const missingFile = "without"

// readMissing reads what an interrupted run of this name has told of missing
// databases: it may have made some of them.
func (r *relocation) readMissing() error {
	for _, folder := range [...]string{r.runName(), r.runName() + ".done"} {
		text, err := r.dst.ReadFile(ims.WorkDir+"/"+folder+"/"+missingFile, 64<<10)
		if err == nil {
			r.missing, r.missingKnown = strings.Fields(string(text)), true
			return nil
		}
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, unix.ENOTDIR) {
			return err
		}
	}
	return nil
}

// tellMissing tells of databases that the store in use has not, and that the
// run makes or an interrupted run has made.
func (r *relocation) tellMissing() error {
	if r.dst == nil {
		return nil
	}
	if !r.missingKnown {
		var err error
		if r.missing, err = lists.Missing(r.dst); err != nil {
			return err
		}
	}
	for _, path := range r.missing {
		lists.TellMissing(path, r.log)
	}
	return r.noteMissing()
}

// noteMissing writes missingFile, where nothing is missing an empty one: a run
// that goes on may find some of the databases made, and others not.
func (r *relocation) noteMissing() error {
	if r.run == nil {
		return nil
	}
	f, err := r.run.Dir.Recreate(missingFile)
	if err != nil {
		return err
	}
	if _, err = f.Write([]byte(strings.Join(r.missing, "\n"))); err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// gather sorts the records that fn gives.
func (r *relocation) gather(ctx context.Context, fn func(context.Context, recordSink) error) (*bdb.Sorter, error) {
	s := bdb.NewSorter(r.tempDir(), 0)
	err := fn(ctx, func(key string, value []byte) error { return s.Add([]byte(key), value) })
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// form is what a new database is like: as the options say, else as the one of
// the source.
func (r *relocation) form(like bdb.Meta) storeconv.Databases {
	form := r.opts.Databases
	form.Version = cmp.Or(form.Version, bdb.DefaultVersion)
	if form.ByteOrder == nil {
		form.ByteOrder = like.ByteOrder
	}
	if form.ByteOrder == nil {
		form.ByteOrder = binary.BigEndian
	}
	if n := int(like.PageSize); form.PageSize == 0 && n >= bdb.MinPageSize && n <= bdb.MaxPageSize {
		form.PageSize = n
	}
	form.PageSize = cmp.Or(form.PageSize, bdb.DefaultPageSize)
	return form
}

// databaseOwner is the owner asked for, or, for root, that of the source's
// databases.
func (r *relocation) databaseOwner() (*storeconv.Owner, error) {
	if r.opts.Owner != nil || os.Geteuid() != 0 || r.src.DataDB == "" {
		return r.opts.Owner, nil
	}
	var st unix.Stat_t
	if err := unix.Stat(r.src.DataDB, &st); err != nil {
		return nil, &fs.PathError{Op: "stat", Path: r.src.DataDB, Err: err}
	}
	return &storeconv.Owner{UID: int(st.Uid), GID: int(st.Gid)}, nil
}
