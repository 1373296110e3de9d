package storeconv

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"imsconv/dbconv/bdb"
	"imsconv/dbconv/mboxlist"
	"imsconv/storeconv/ims"
)

// keyHash stands for a mailbox in a partition: 64 bits of FNV-1a. Two mailboxes
// of one hash would hide a missing record; nothing is decided by it that
// changes a byte of mail.
func keyHash(partition, key string) uint64 {
	const offset, prime = 14695981039346656037, 1099511628211
	h := uint64(offset)
	for i := 0; i < len(partition); i++ {
		h = (h ^ uint64(partition[i])) * prime
	}
	h *= prime // as if a NUL lay between
	for i := 0; i < len(key); i++ {
		h = (h ^ uint64(key[i])) * prime
	}
	return h
}

// hashSet is a set of keyHashes, 8 bytes a member. It is filled first and asked
// after that.
type hashSet struct {
	list   []uint64
	sorted bool
}

func (s *hashSet) add(h uint64) { s.list, s.sorted = append(s.list, h), false }

func (s *hashSet) seal() {
	slices.Sort(s.list)
	s.list, s.sorted = slices.Compact(s.list), true
}

func (s *hashSet) has(h uint64) bool {
	if !s.sorted {
		panic("internal error: hash set asked before it was sealed")
	}
	_, ok := slices.BinarySearch(s.list, h)
	return ok
}

// recordIndex is what the trees are held against: the mailboxes of data.db2.
type recordIndex struct {
	present      bool // there is a database
	boxes        hashSet
	users        hashSet
	unchangeable map[string]string // renamed users whose records cannot be rewritten, and why
	meta         bdb.Meta
}

// anyPartition is the partition of a record whose value is not understood.
const anyPartition = "\x00"

// has tells whether a mailbox has a record.
func (x *recordIndex) has(partition, key string) bool {
	return x.boxes.has(keyHash(partition, key)) || x.boxes.has(keyHash(anyPartition, key))
}

// foundBoxes is the set of mailboxes that the walk met. Safe for concurrent use
// while it is filled.
type foundBoxes struct {
	mu  sync.Mutex
	set hashSet
}

func (f *foundBoxes) add(partition, id string, boxes []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, box := range boxes {
		f.set.add(keyHash(partition, mailboxKey(id, box)))
	}
}

// mailboxKey is the key of a mailbox in data.db2; box is "" for INBOX.
func mailboxKey(id, box string) string { return mboxlist.FolderKey(id, box) }

// sourceDB is one database of the source.
type sourceDB struct {
	file   *os.File
	reader *bdb.Reader
	where  string
}

func (d *sourceDB) close() { d.file.Close() } // opened for reading

// openSourceDB opens a database of the source. One that cannot be read at all is
// a problem, and nil.
func (r *relocation) openSourceDB(path string, tell bool) *sourceDB {
	where := r.label(path)
	f, err := os.Open(path)
	if err != nil {
		if tell {
			r.log.Problem("unreadable", where, err.Error())
		}
		return nil
	}
	db := &sourceDB{file: f, where: where}
	info, err := f.Stat()
	if err == nil {
		db.reader, err = bdb.NewReader(f, info.Size(), bdb.Options{Problem: func(err error) {
			if tell {
				r.tellDamage(where, err)
			}
		}})
	}
	if err == nil && db.reader.Meta().Type != bdb.Btree {
		err = fmt.Errorf("a %s database, not a btree", db.reader.Meta().Type)
	}
	if err != nil {
		if tell {
			r.log.Problem("damaged", where, err.Error())
		}
		f.Close()
		return nil
	}
	return db
}

func (r *relocation) tellDamage(where string, err error) {
	var e *bdb.Error
	if !errors.As(err, &e) {
		r.log.Problem("damaged", where, err.Error())
		return
	}
	if at := e.Where(); at != "" {
		where += ": " + at
	}
	if e.Tolerated {
		r.log.Warning("odd-database", where, e.What())
		return
	}
	r.log.Problem("damaged", where, e.What())
}

// each calls fn for every record that can be read. The slices are valid during
// the call.
func (d *sourceDB) each(ctx context.Context, fn func(key string, value []byte) error) error {
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

// readRecords reads data.db2 once, for what the walk of the trees needs of it,
// and tells what is damaged in it.
func (r *relocation) readRecords(ctx context.Context) error {
	r.index = &recordIndex{unchangeable: make(map[string]string)}
	defer func() {
		r.index.boxes.seal()
		r.index.users.seal()
	}()
	if r.src.DataDB == "" {
		r.log.Problem("no-database", "mboxlist/data.db2", "no such file: no mailbox has a record")
		return nil
	}
	db := r.openSourceDB(r.src.DataDB, true)
	if db == nil {
		return nil
	}
	defer db.close()
	r.index.present = true
	r.index.meta = db.reader.Meta()
	return db.each(ctx, func(key string, value []byte) error {
		id, box, ok := mboxlist.SplitKey(key)
		if !ok {
			return nil
		}
		box = mboxlist.FolderKey(id, box) // the INBOX may have its name in the key
		r.index.users.add(keyHash("", id))
		folder, err := mboxlist.ParseFolder(value)
		if err != nil {
			r.index.boxes.add(keyHash(anyPartition, box))
			if r.newID(id) != id && bytes.Contains(value, []byte(id)) {
				r.index.unchangeable[id] = fmt.Sprintf("the value of its record %s names it in a form that is not understood", key)
			}
			return nil
		}
		if part := r.partition(folder.Partition); part != nil {
			folder.Partition = part.name
		}
		r.index.boxes.add(keyHash(folder.Partition, box))
		return nil
	})
}

// noRecord deals with the mailboxes of a tree that data.db2 does not have.
func (r *relocation) noRecord(u *userTree, boxes []string) {
	for _, box := range boxes {
		r.report.NoRecord++
		if r.opts.AddMissing {
			owner := mboxlist.ACE{Identifier: u.newID, Rights: relocatedRights}
			r.added = append(r.added, addedRecord{mailboxKey(u.newID, box), mboxlist.Folder{Partition: u.part.newName, ACL: []mboxlist.ACE{owner}}})
			r.log.Warning("record-added", u.where, "mailbox "+mailboxKey(u.newID, box)+" had no record: added")
			continue
		}
		if r.index.present {
			r.log.Problem("no-record", u.where, "mailbox "+mailboxKey(u.id, box)+" has no record in data.db2")
		}
	}
}

// relocatedRights are what a user may do with a mailbox of its own (RFC 2086).
const relocatedRights = "lrswipcda"

// addedRecord is a record for a mailbox that had none.
type addedRecord struct {
	key    string
	folder mboxlist.Folder
}

// recordSink takes the records of one of the new databases.
type recordSink func(key string, value []byte) error

// folderRecords gives put the records of data.db2 that belong to this run, as
// they are to be in folder.db, then those added.
func (r *relocation) folderRecords(ctx context.Context, put recordSink) error {
	r.found.set.seal()
	if r.index.present {
		db := r.openSourceDB(r.src.DataDB, false)
		if db == nil {
			return fmt.Errorf("%s: cannot be read again", r.src.DataDB)
		}
		defer db.close()
		err := db.each(ctx, r.unique(db.where, func(key string, value []byte) error { return r.folderRecord(db.where, key, value, put) }))
		if err != nil {
			return err
		}
	}
	for _, a := range r.added {
		r.report.RecordsAdded++
		r.report.FolderRecords++
		if err := put(a.key, a.folder.Append(nil)); err != nil {
			return err
		}
	}
	return nil
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

// unique lets the first record of each key through: the databases of a store
// have no duplicates, and those of the new one cannot have any.
func (r *relocation) unique(where string, fn func(key string, value []byte) error) func(key string, value []byte) error {
	last, any := "", false
	return func(key string, value []byte) error {
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
		if r.opts.Select != nil {
			return nil // no user's, so no batch's
		}
		r.report.FolderRecords++
		r.report.RecordsOpaque++
		return put(key, value)
	}
	if !r.selected(id) {
		return nil
	}
	where = where + ": " + keyLabel(key)
	newID, ok := r.admitAndTell(id, where)
	if !ok {
		r.report.RecordsLeft++
		return nil
	}
	newValue := r.folderValue(where, key, value)
	r.checkTree(where, mboxlist.FolderKey(id, box), id, box, value)
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
	if _, err := mboxlist.ParseFolder(value); err != nil {
		r.report.RecordsOpaque++
		if r.partitionsRenamed() {
			r.log.Problem("not-understood", where, "the partition in the record cannot be renamed: "+err.Error())
		}
		return value
	}
	fields := strings.Split(string(value), "\t")
	changed := false
	for i := range fields {
		to := fields[i]
		switch {
		case i == 0:
			to = r.newPartition(fields[0])
		case i%2 == 1:
			to = r.newIdentifier(fields[i])
		}
		changed = changed || to != fields[i]
		fields[i] = to
	}
	if !changed {
		return value
	}
	return []byte(strings.Join(fields, "\t"))
}

func (r *relocation) partitionsRenamed() bool {
	return slices.ContainsFunc(r.parts, func(p *relocatedPartition) bool { return p.name != p.newName })
}

func (r *relocation) newPartition(name string) string {
	if p := r.partition(name); p != nil {
		return p.newName
	}
	return name
}

// newIdentifier renames a user in an access control list. A hyphen in front
// takes rights away; groups and the reserved names are no users.
func (r *relocation) newIdentifier(identifier string) string {
	id, negative := strings.CutPrefix(identifier, "-")
	if _, no := r.refused[id]; no || id == "" || checkUIDForm(id) != nil {
		if _, mapped := r.opts.Map[id]; !mapped || no {
			return identifier
		}
	}
	newID := r.newID(id)
	if newID == id || r.opts.Map[id] == "" && !r.exists(id) {
		return identifier // not a user of this source
	}
	if negative {
		return "-" + newID
	}
	return newID
}

// checkTree lists a record whose mailbox is not there.
func (r *relocation) checkTree(where, key, id, box string, value []byte) {
	if folder, err := mboxlist.ParseFolder(value); err == nil {
		part := r.partition(folder.Partition)
		if part == nil {
			r.report.UnknownPartition++
			r.log.Problem("unknown-partition", where, fmt.Sprintf("the record names partition %q, which the source does not have", folder.Partition))
			return
		}
		if !r.hasTree(part, key, id, box) {
			r.report.NoTree++
			r.log.Problem("no-tree", where, fmt.Sprintf("mailbox without a directory in partition %s", part.name))
		}
		return
	}
	if !slices.ContainsFunc(r.parts, func(p *relocatedPartition) bool { return r.hasTree(p, key, id, box) }) {
		r.report.NoTree++
		r.log.Problem("no-tree", where, "mailbox without a directory in any partition")
	}
}

// partition finds a partition of the source by a name that records use.
func (r *relocation) partition(name string) *relocatedPartition {
	for _, p := range r.parts {
		if p.name == name || p.alias == name && name != "" {
			return p
		}
	}
	return nil
}

// hasTree tells whether the walk met the mailbox, or whether it is a directory
// without an index and without messages.
func (r *relocation) hasTree(p *relocatedPartition, key, id, box string) bool {
	if r.found.set.has(keyHash(p.name, key)) {
		return true
	}
	if p.fd < 0 {
		return false
	}
	path := ims.Hash(id) + "/" + ims.Component(id)
	if below := ims.MailboxPath(box); below != "" {
		path += "/" + below
	}
	var st unix.Stat_t
	return unix.Fstatat(p.fd, path, &st, unix.AT_SYMLINK_NOFOLLOW) == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR
}

// order is the byte order of the new databases: the one asked for, or that of
// the source, or big-endian.
func (r *relocation) order(meta bdb.Meta) binary.ByteOrder {
	if r.opts.ByteOrder != nil {
		return r.opts.ByteOrder
	}
	return meta.ByteOrder
}

// pageSize likewise; 0 leaves it to the writer.
func (r *relocation) pageSize(meta bdb.Meta) int {
	if r.opts.PageSize != 0 {
		return r.opts.PageSize
	}
	if meta.PageSize < bdb.MinPageSize || meta.PageSize > bdb.MaxPageSize {
		return 0
	}
	return meta.PageSize
}
