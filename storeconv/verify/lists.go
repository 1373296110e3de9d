package verify

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

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
	if w := place.Position(); w != "" {
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

// userTotals are what the mailboxes of the user at work add up to.
type userTotals struct {
	id             string
	messages, size int64
	foreign        bool            // some index is not ours
	indexed        bool            // some index is ours
	subscribed     map[string]bool // what subscr.db says; nil: not read yet
}

// takeMailbox holds a mailbox that has been checked against the databases.
func (v *verifier) takeMailbox(t *task) error {
	box, res := t.box, &t.res
	if res.indexed || v.opts.NoIndex && !res.foreign && !res.noMailbox {
		v.shared = append(v.shared, t.shared.take()...)
	}
	v.tell(res.notes...)
	v.strange.merge(res.strange)
	u := &v.user
	if u.id != box.id {
		*u = userTotals{id: box.id}
	}
	if res.noMailbox || res.err != nil {
		return res.err
	}
	v.report.Mailboxes++
	v.report.Messages += res.messages
	v.report.Bytes += res.size
	v.report.Links += res.links
	u.messages += res.messages
	u.size += res.size
	u.foreign = u.foreign || res.foreign
	u.indexed = u.indexed || res.indexed
	v.indexed = v.indexed || res.indexed
	if res.foreign {
		v.report.Foreign++
	}
	listed := v.folderRecord(box, res)
	if res.indexed {
		v.subscription(box, res)
		v.perUser(box, res, listed)
	}
	return nil
}

// record gets a record for the mailbox or user at where, and tells what is
// wrong with the database.
func (v *verifier) record(kind mboxlist.Kind, key, where string) ([]byte, bool) {
	value, ok, err := v.lists.get(kind, key)
	if err != nil {
		v.tell(problem("database", where, "%v", err))
		return nil, false
	}
	return value, ok
}

// folderRecord tells whether there is one.
func (v *verifier) folderRecord(box *mailbox, res *boxResult) (listed bool) {
	if !v.lists.has(mboxlist.FolderDB) {
		return false
	}
	key := box.fullName()
	value, ok := v.record(mboxlist.FolderDB, key, box.path)
	if !ok {
		v.inherited(problem("not-listed", box.path, "folder.db has no record of %s", key), v.origin != nil && v.origin.unlisted(box))
		return false
	}
	rec, err := mboxlist.ParseFolder(value)
	if err != nil {
		if res.indexed {
			v.tell(problem("folder-record", box.path, "%s: %v", key, err))
		}
		return true
	}
	if rec.Partition == box.partition && box.hasIndex && ims.CheckPartition(rec.Partition) == nil {
		v.settle(mboxlist.FolderDB, key, value)
	}
	if rec.Partition != box.partition {
		v.inherited(problem("folder-record", box.path, "%s: folder.db has partition %s", key, rec.Partition), v.origin != nil && v.origin.unlisted(box))
	}
	if acl := rightsText(rec.ACL); res.indexed && acl != res.header.ACL {
		v.tell(problem("folder-record", box.path, "%s: folder.db has ACL %q, the index %q", key, acl, res.header.ACL))
	}
	return true
}

// rightsText is an access control list as an index has it.
func rightsText(acl []mboxlist.ACE) string {
	var fields []string
	for _, e := range acl {
		fields = append(fields, e.Identifier, e.Rights)
	}
	return strings.Join(fields, "\t")
}

func (v *verifier) subscription(box *mailbox, res *boxResult) {
	if !v.lists.has(mboxlist.SubscrDB) {
		return
	}
	u := &v.user
	if u.subscribed == nil {
		u.subscribed = make(map[string]bool)
		value, _ := v.record(mboxlist.SubscrDB, box.id, box.userPath)
		names, err := mboxlist.ParseSubscriptions(value)
		if err != nil {
			v.tell(problem("subscription", box.userPath, "%s: %v", box.id, err))
		}
		for _, name := range names {
			u.subscribed[name] = true
		}
	}
	if listed := u.subscribed[box.fullName()]; listed != res.header.Subscribed {
		v.tell(problem("subscription", box.path, "%s: Subscribed is %d in the index, %d in subscr.db", box.fullName(), bit(res.header.Subscribed), bit(listed)))
	}
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// perUser holds what peruser.db says of the owner of a mailbox, which folder.db
// may have listed, against the flags of the index.
func (v *verifier) perUser(box *mailbox, res *boxResult, listed bool) {
	if !v.lists.has(mboxlist.PeruserDB) {
		return
	}
	key := box.id + "\t" + box.fullName()
	value, ok := v.record(mboxlist.PeruserDB, key, box.path)
	if !ok {
		v.tell(problem("per-user", box.path, "peruser.db has no record of %s for %s", box.fullName(), box.id))
		return
	}
	rec, err := mboxlist.ParsePerUser(value)
	if err != nil {
		v.tell(problem("per-user", box.path, "%s: %v", box.fullName(), err))
		return
	}
	if listed {
		v.settle(mboxlist.PeruserDB, key, value)
	}
	compare := func(what string, has, want mboxlist.UIDSet) {
		if !slices.Equal(has, want) {
			v.tell(problem("per-user", box.path, "%s: peruser.db has the %s messages %s, the index %s", box.fullName(), what, setText(has), setText(want)))
		}
	}
	compare("seen", rec.Seen, res.seen)
	compare("deleted", rec.Deleted, res.deleted)
}

func setText(s mboxlist.UIDSet) string {
	if text := clip(string(s.Append(nil))); text != "" {
		return text
	}
	return "(none)"
}

// endUser holds the user's sums against quota.db. The usage of a relocated
// store is the vendor's count and is not compared.
func (v *verifier) endUser() {
	u := &v.user
	defer func() { *u = userTotals{} }()
	if u.id == "" {
		return
	}
	v.report.Users++
	if !v.lists.has(mboxlist.QuotaDB) || u.foreign || v.origin != nil && !u.indexed && v.origin.covers(u.id) && !v.origin.unlimited(u.id) {
		return
	}
	where := "user " + u.id
	value, ok := v.record(mboxlist.QuotaDB, u.id, where)
	if !ok {
		v.inherited(problem("not-listed", where, "quota.db has no record"), v.origin != nil && v.origin.unlimited(u.id))
		return
	}
	q, err := mboxlist.ParseQuota(value)
	if err != nil {
		if u.indexed || v.opts.NoIndex {
			v.tell(problem("quota", where, "%v", err))
		}
		return
	}
	v.settle(mboxlist.QuotaDB, u.id, value)
	if kb := wholeKB(u.size); q.UsageKB != kb || q.UsageMessages != u.messages {
		v.tell(problem("quota", where, "quota.db counts %d KB and %d messages, the store has %d KB and %d", q.UsageKB, q.UsageMessages, kb, u.messages))
	}
}

// wholeKB rounds a number of bytes up to KB.
func wholeKB(bytes int64) int64 { return bytes/1024 + int64(bit(bytes%1024 > 0)) }
