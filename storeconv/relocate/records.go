package relocate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"

	"imsconv/dbconv/bdb"
	"imsconv/dbconv/mboxlist"
	"imsconv/storeconv/ims"
)

// recordIndex is what must be known of data.db2 before a tree is touched.
type recordIndex struct {
	present      bool              // there is a database
	users        userSet           // filled when users are renamed
	unchangeable map[string]string // renamed users whose records cannot be rewritten, and why
	meta         bdb.Meta
}

// userSet is a set of user ids by 64 bits of FNV-1a, 8 bytes a member: two ids
// of one hash would keep a user from getting an id that is free, with a
// problem.
type userSet struct{ list []uint64 }

func userHash(id string) uint64 {
	const offset, prime = 14695981039346656037, 1099511628211
	h := uint64(offset)
	for i := 0; i < len(id); i++ {
		h = (h ^ uint64(id[i])) * prime
	}
	return h
}

// add adds a user; the records of one user come together for the most part.
func (s *userSet) add(id string) {
	h := userHash(id)
	if n := len(s.list); n == 0 || s.list[n-1] != h {
		s.list = append(s.list, h)
	}
}

func (s *userSet) seal() {
	slices.Sort(s.list)
	s.list = slices.Compact(s.list)
}

func (s *userSet) has(id string) bool {
	_, ok := slices.BinarySearch(s.list, userHash(id))
	return ok
}

// mailboxKey is the key of a mailbox in data.db2; box is "" for INBOX.
func mailboxKey(id, box string) string { return mboxlist.FolderKey(id, box) }

// sourceDB is one database of the source.
type sourceDB struct {
	file   *os.File
	size   int64
	reader *bdb.Reader // nil where not even the metadata can be read
	where  string
	// salvage reads page by page, since something on the way to the records is
	// damaged.
	salvage bool
	meta    bdb.Meta
}

func (d *sourceDB) close() {
	if d != nil {
		d.file.Close() // opened for reading
	}
}

// openSourceDB opens a database of the source and reads it through, to tell
// what is damaged. One that cannot be read at all is a problem, and nil.
func (r *relocation) openSourceDB(ctx context.Context, path string) (*sourceDB, error) {
	where := r.label(path)
	f, err := os.Open(path)
	if err != nil {
		if ims.OfMachine(err) {
			return nil, err
		}
		r.siteLog.Problem("unreadable", where, err.Error())
		return nil, nil
	}
	db := &sourceDB{file: f, where: where}
	if err := r.readThrough(ctx, db); err != nil {
		f.Close()
		if ctx.Err() != nil {
			return nil, err
		}
		r.siteLog.Problem("damaged", where, err.Error())
		return nil, nil
	}
	return db, nil
}

// readThrough reads every record once. Where the tree is damaged, the records
// are read page by page from then on.
func (r *relocation) readThrough(ctx context.Context, db *sourceDB) error {
	info, err := db.file.Stat()
	if err != nil {
		return err
	}
	db.size = info.Size()
	quiet := false
	db.reader, err = bdb.NewReader(db.file, db.size, bdb.Options{Problem: func(err error) {
		var e *bdb.Error
		db.salvage = db.salvage || !errors.As(err, &e) || !e.Tolerated
		if !quiet {
			r.tellDamage(db.where, err)
		}
	}})
	nothing := func(string, []byte) error { return nil }
	if err != nil {
		db.reader, db.salvage = nil, true
		r.siteLog.Problem("damaged", db.where, err.Error()+": what its pages hold is taken")
		return db.each(ctx, nothing)
	}
	defer func() { quiet = true }()
	db.meta = db.reader.Meta()
	if db.meta.Type == bdb.Recno {
		return errors.New("a recno database has no mailbox names")
	}
	return db.each(ctx, nothing)
}

func (r *relocation) tellDamage(where string, err error) {
	var e *bdb.Error
	if !errors.As(err, &e) {
		r.siteLog.Problem("damaged", where, err.Error())
		return
	}
	if at := e.Position(); at != "" {
		where += ": " + at
	}
	if e.Tolerated {
		r.siteLog.Warning("odd-database", where, e.What())
		return
	}
	r.siteLog.Problem("damaged", where, e.What())
}

// each calls fn for every record that can be read. The slices are valid during
// the call.
func (d *sourceDB) each(ctx context.Context, fn func(key string, value []byte) error) error {
	if d.salvage {
		rep, err := bdb.Salvage(ctx, d.file, d.size, bdb.SalvageOptions{}, func(key, value []byte) error { return fn(string(key), value) })
		if d.reader == nil {
			d.meta = rep.Meta
		}
		return err
	}
	cursor := d.reader.Cursor()
	for n := 0; ; n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		key, value, err := cursor.Next()
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

// readRecords opens data.db2, for what must be known before a tree is touched,
// and tells what is damaged in it.
func (r *relocation) readRecords(ctx context.Context) error {
	r.index = &recordIndex{unchangeable: make(map[string]string)}
	defer r.index.users.seal()
	if r.src.DataDB == "" {
		r.siteLog.Problem("no-database", "mboxlist/data.db2", "no such file: no mailbox has a record")
		return nil
	}
	var err error
	if r.data, err = r.openSourceDB(ctx, r.src.DataDB); r.data == nil {
		return err
	}
	r.index.present, r.index.meta = true, r.data.meta
	if !r.renamesUsers() {
		return nil
	}
	same := mboxlist.Names{User: func(id string) string { return id }}
	return r.data.each(ctx, func(key string, value []byte) error {
		id, _, ok := mboxlist.SplitKey(key)
		if !ok {
			return nil
		}
		r.index.users.add(id)
		if r.newID(id) == id || !bytes.Contains(value, []byte(id)) {
			return nil
		}
		if _, _, err := mboxlist.Rename(key, value, same); err != nil {
			r.index.unchangeable[id] = fmt.Sprintf("the value of its record %s names it in a form that is not understood", keyLabel(key))
		}
		return nil
	})
}

// recordSink takes the records of one of the new databases.
type recordSink func(key string, value []byte) error

// folderRecords gives put the records of data.db2 that belong to this run, as
// they are to be in folder.db, and those that crossCheck adds.
func (r *relocation) folderRecords(ctx context.Context, put recordSink) error {
	if r.data != nil {
		where := r.data.where
		err := r.data.each(ctx, r.unique(where, r.takesFolder, func(key string, value []byte) error { return r.folderRecord(where, key, value, put) }))
		if err != nil {
			return err
		}
	}
	return r.crossCheck(put)
}

// keyLabel is a key as messages show it: one of odd bytes is quoted, a very
// long one cut.
func keyLabel(key string) string {
	const most = 200
	if len(key) > most {
		return fmt.Sprintf("%.100q...", key)
	}
	for i := 0; i < len(key); i++ {
		if key[i] < 0x20 || key[i] > 0x7e {
			return strconv.Quote(key)
		}
	}
	return key
}

// takesFolder tells whether a record of data.db2 is part of this run.
func (r *relocation) takesFolder(key string) bool {
	id, _, ok := mboxlist.SplitKey(key)
	if !ok {
		return r.takesRest()
	}
	return r.selected(id)
}

// unique lets the first record of each key through that mine takes: the
// databases of a store have no duplicates, and those of the new one cannot have
// any.
func (r *relocation) unique(where string, mine func(key string) bool, fn func(key string, value []byte) error) func(key string, value []byte) error {
	last, any := "", false
	return func(key string, value []byte) error {
		if !mine(key) {
			return nil
		}
		if any && key == last {
			r.report.RecordsLeft++
			r.log.Problem("duplicate", where+": "+keyLabel(key), "another record of the same key: left out")
			return nil
		}
		last, any = key, true
		return fn(key, value)
	}
}

func (r *relocation) folderRecord(where, key string, value []byte, put recordSink) error {
	id, box, ok := mboxlist.SplitKey(key)
	if !ok {
		r.report.FolderRecords++
		r.report.RecordsOpaque++
		return put(key, value)
	}
	where = where + ": " + keyLabel(key)
	newID, ok := r.admitAndTell(id, where)
	if !ok {
		r.report.RecordsLeft++
		return nil
	}
	newValue := r.folderValue(where, key, value)
	if err := r.noteRecord(mboxlist.FolderKey(id, box), value); err != nil {
		return err
	}
	newKey := renamedKey(key, id, newID)
	if newKey != key || !bytes.Equal(newValue, value) {
		r.report.RecordsChanged++
	}
	r.report.FolderRecords++
	return put(newKey, newValue)
}

// renamedKey is the full name of a mailbox after its user got a new id.
func renamedKey(key, id, newID string) string {
	return mboxlist.UserPrefix + newID + key[len(mboxlist.UserPrefix)+len(id):]
}

// admitAndTell is admit for places where a problem may be told at once.
func (r *relocation) admitAndTell(id, where string) (newID string, ok bool) {
	newID, ok, why := r.admit(id)
	if why != "" {
		r.log.Problem("user-left-out", where, why+": left out")
	}
	return newID, ok
}

// folderValue puts renamed partitions and users into a record's value. A value
// that none of them concerns is returned as it is, byte for byte.
func (r *relocation) folderValue(where, key string, value []byte) []byte {
	names := mboxlist.Names{Partition: r.newPartition}
	if r.renamesUsers() {
		names.User = r.newIdentifier
	}
	_, renamed, err := mboxlist.Rename(key, value, names)
	if err != nil {
		r.report.RecordsOpaque++
		if r.partitionsRenamed() {
			r.log.Problem("not-understood", where, "the partition in the record cannot be renamed: "+err.Error())
		}
	}
	return renamed
}

// renamesUsers tells whether any user may get another id.
func (r *relocation) renamesUsers() bool { return r.opts.Domain != "" || len(r.opts.Map) > 0 }

func (r *relocation) partitionsRenamed() bool {
	return slices.ContainsFunc(r.parts, func(p *partition) bool { return p.name != p.newName })
}

func (r *relocation) newPartition(name string) string {
	if p := r.partition(name); p != nil {
		return p.newName
	}
	return name
}

// newIdentifier renames a user in an access control list. Groups and the
// reserved names are no users.
func (r *relocation) newIdentifier(id string) string {
	if no := r.stays(id); no || id == "" || checkUIDForm(id) != nil {
		if _, mapped := r.opts.Map[id]; !mapped || no {
			return id
		}
	}
	newID := r.newID(id)
	if r.opts.Map[id] == "" && !r.exists(id) {
		return id // not a user of this source
	}
	return newID
}

// partition finds a partition of the source by a name that records use.
func (r *relocation) partition(name string) *partition {
	for _, p := range r.parts {
		if p.name == name || p.alias == name && name != "" {
			return p
		}
	}
	return nil
}
