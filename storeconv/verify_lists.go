package storeconv

import (
	"bytes"
	"context"
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

// maxHeld is the size in bytes up to which a database is held in memory, which takes about three times as much.
const maxHeld = 8 << 20

// lists are the four of them.
type lists struct{ all [4]list }

// openLists opens the databases. One that is missing stays nil; one that cannot be read is told.
func openLists(root *os.File, log Log) (*lists, error) {
	l := new(lists)
	for i := range l.all {
		d := &l.all[i]
		d.kind = mboxlist.Kind(i)
		d.name = "mboxlist/" + d.kind.FileName()
		if err := d.open(filepath.Join(root.Name(), d.name), log); err != nil {
			l.close()
			return nil, err
		}
	}
	return l, nil
}

func (d *list) open(path string, log Log) error {
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
	d.db, err = bdb.NewReader(f, st.Size(), bdb.Options{Problem: func(err error) { d.damage(log, err) }})
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
func (d *list) damage(log Log, err error) {
	var place *bdb.Error
	if !errors.As(err, &place) {
		log.Problem("database", d.name, err.Error())
		return
	}
	where := d.name
	if w := place.Position(); w != "" {
		where += ": " + w
	}
	if place.Tolerated {
		log.Warning("database", where, place.What())
	} else {
		log.Problem("database", where, place.What())
	}
}

func (l *lists) close() {
	for i := range l.all {
		if l.all[i].file != nil {
			l.all[i].file.Close()
		}
	}
}

// get returns the record of a key; there is none when the database is missing.
func (l *lists) get(kind mboxlist.Kind, key string) ([]byte, bool, error) {
	d := &l.all[kind]
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
	foreign        bool // some index is not ours
	indexed        bool // some index is ours
	mailboxes      int
	subscribed     map[string]bool // what subscr.db says; nil: not read yet
}

// takeMailbox holds a mailbox that has been checked against the databases.
func (v *verifier) takeMailbox(box *ims.Mailbox, res *boxResult) {
	v.tell(res.notes)
	u := &v.user
	if u.id != box.ID {
		*u = userTotals{id: box.ID}
	}
	if res.noMailbox {
		return
	}
	v.report.Mailboxes++
	v.report.Messages += res.messages
	v.report.Bytes += res.size
	v.report.Links += res.links
	u.mailboxes++
	u.messages += res.messages
	u.size += res.size
	u.foreign = u.foreign || res.foreign
	u.indexed = u.indexed || res.indexed
	v.indexed = v.indexed || res.indexed
	if res.foreign {
		v.report.Foreign++
	}
	v.folderRecord(box, res)
	if res.indexed {
		v.subscription(box, res)
		v.perUser(box, res)
	}
}

// listProblem tells of an index, or a directory, and a database that do not agree.
func (v *verifier) listProblem(kind, where, format string, args ...any) {
	v.log.Problem(kind, where, fmt.Sprintf(format, args...))
}

// record gets a record for the mailbox or user at where, and tells what is wrong with the database.
func (v *verifier) record(kind mboxlist.Kind, key, where string) ([]byte, bool) {
	value, ok, err := v.lists.get(kind, key)
	if err != nil {
		v.listProblem("database", where, "%v", err)
		return nil, false
	}
	return value, ok
}

func (v *verifier) folderRecord(box *ims.Mailbox, res *boxResult) {
	if v.lists.all[mboxlist.FolderDB].db == nil {
		return
	}
	key := box.FullName()
	value, ok := v.record(mboxlist.FolderDB, key, box.Path)
	if !ok {
		v.listProblem("not-listed", box.Path, "folder.db has no record of %s", key)
		return
	}
	rec, err := mboxlist.ParseFolder(value)
	if err != nil {
		if res.indexed {
			v.listProblem("folder-record", box.Path, "%s: %v", key, err)
		}
		return
	}
	if rec.Partition != box.Partition {
		v.listProblem("folder-record", box.Path, "%s: folder.db has partition %s", key, rec.Partition)
	}
	if acl := aclText(rec.ACL); res.indexed && acl != res.header.ACL {
		v.listProblem("folder-record", box.Path, "%s: folder.db has ACL %q, the index %q", key, acl, res.header.ACL)
	}
}

// aclText is an access control list as an index has it.
func aclText(acl []mboxlist.ACE) string {
	var b strings.Builder
	for i, e := range acl {
		if i > 0 {
			b.WriteByte('\t')
		}
		b.WriteString(e.Identifier + "\t" + e.Rights)
	}
	return b.String()
}

func (v *verifier) subscription(box *ims.Mailbox, res *boxResult) {
	if v.lists.all[mboxlist.SubscrDB].db == nil {
		return
	}
	u := &v.user
	if u.subscribed == nil {
		u.subscribed = make(map[string]bool)
		value, _ := v.record(mboxlist.SubscrDB, box.ID, box.User.Path)
		names, err := mboxlist.ParseSubscriptions(value)
		if err != nil {
			v.listProblem("subscription", box.User.Path, "%s: %v", box.ID, err)
		}
		for _, name := range names {
			u.subscribed[name] = true
		}
	}
	if listed := u.subscribed[box.FullName()]; listed != res.header.Subscribed {
		v.listProblem("subscription", box.Path, "%s: Subscribed is %d in the index, %d in subscr.db", box.FullName(), bit(res.header.Subscribed), bit(listed))
	}
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// perUser holds what peruser.db says of the owner against the flags of the index.
func (v *verifier) perUser(box *ims.Mailbox, res *boxResult) {
	if v.lists.all[mboxlist.PeruserDB].db == nil {
		return
	}
	value, ok := v.record(mboxlist.PeruserDB, mboxlist.PerUserKey(box.ID, box.FullName()), box.Path)
	if !ok {
		if len(res.seen)+len(res.deleted) > 0 {
			v.listProblem("per-user", box.Path, "peruser.db has no record of %s for %s", box.FullName(), box.ID)
		}
		return
	}
	rec, err := mboxlist.ParsePeerUser(value)
	switch {
	case err != nil:
		v.listProblem("per-user", box.Path, "%s: %v", box.FullName(), err)
	case !slices.Equal(rec.Seen, res.seen):
		v.listProblem("per-user", box.Path, "%s: peruser.db has the seen messages %s, the index %s", box.FullName(), setText(rec.Seen), setText(res.seen))
	case !slices.Equal(rec.Deleted, res.deleted):
		v.listProblem("per-user", box.Path, "%s: peruser.db has the deleted messages %s, the index %s", box.FullName(), setText(rec.Deleted), setText(res.deleted))
	}
}

func setText(s mboxlist.UIDSet) string {
	const most = 60
	text := string(s.Append(nil))
	switch {
	case text == "":
		return "(none)"
	case len(text) > most:
		return text[:most] + "..."
	}
	return text
}

// endUser holds the user's sums against quota.db. The usage of a relocated store is the vendor's count and is not
// compared.
func (v *verifier) endUser() {
	u := &v.user
	defer func() { *u = userTotals{} }()
	if u.id == "" {
		return
	}
	v.report.Users++
	if v.lists.all[mboxlist.QuotaDB].db == nil || u.foreign {
		return
	}
	where := "user " + u.id
	value, ok := v.record(mboxlist.QuotaDB, u.id, where)
	if !ok {
		v.listProblem("not-listed", where, "quota.db has no record")
		return
	}
	q, err := mboxlist.ParseQuota(value)
	if err != nil {
		if u.indexed {
			v.listProblem("quota", where, "%v", err)
		}
		return
	}
	if kb := (u.size + 1023) / 1024; q.UsageKB != kb || q.UsageMessages != u.messages {
		v.listProblem("quota", where, "quota.db counts %d KB and %d messages, the store has %d KB and %d", q.UsageKB, q.UsageMessages, kb, u.messages)
	}
}

// records holds every record of the databases against the tree.
func (v *verifier) records(ctx context.Context) error {
	for i := range v.lists.all {
		d := &v.lists.all[i]
		if d.file == nil {
			// A store relocated from elsewhere may have no subscriptions and nothing per user.
			if i <= int(mboxlist.QuotaDB) || v.indexed {
				v.listProblem("missing-database", d.name, "the database is not there")
			}
			continue
		}
		if d.db == nil {
			continue
		}
		if err := v.eachRecord(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

func (v *verifier) eachRecord(ctx context.Context, d *list) error {
	c := d.db.Cursor()
	for ctx.Err() == nil {
		key, value, err := c.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			v.listProblem("database", d.name, "%v", err)
			return nil
		}
		v.report.Records++
		switch d.kind {
		case mboxlist.FolderDB:
			v.checkFolder(d, string(key), value)
		case mboxlist.QuotaDB:
			v.checkQuota(d, string(key), value)
		case mboxlist.SubscrDB:
			v.checkSubscr(d, string(key), value)
		case mboxlist.PeruserDB:
			v.checkPerUser(d, string(key), value)
		}
	}
	return ctx.Err()
}

func (v *verifier) checkFolder(d *list, key string, value []byte) {
	user, mailbox, ok := mboxlist.SplitKey(key)
	rec, err := mboxlist.ParseFolder(value)
	if !ok || err != nil {
		v.report.OddRecord++
		return
	}
	box, err := v.reader.Mailbox(rec.Partition, user, mailbox)
	if err != nil {
		v.listProblem("no-mailbox", d.name+": "+key, "the directory %s: %v", ims.MailboxDir(rec.Partition, user, mailbox), baseError(err))
		return
	}
	defer box.Close()
	if !box.HasIndex && !box.HasMessageDirs() && v.indexed && !v.opts.NoIndex {
		v.listProblem("no-index", box.Path, "the mailbox has no %s", ims.IndexName)
	}
}

// baseError is the cause without the path, which has been said.
func baseError(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// hasUser says whether a user has a directory in any partition.
func (v *verifier) hasUser(id string) bool {
	for _, p := range v.partitions {
		if box, err := v.reader.Mailbox(p, id, ims.Inbox); err == nil {
			box.Close()
			return true
		}
	}
	return false
}

func (v *verifier) checkQuota(d *list, key string, value []byte) {
	if _, err := mboxlist.ParseQuota(value); err != nil {
		v.report.OddRecord++
	}
	if !v.hasUser(key) {
		v.listProblem("no-user", d.name+": "+key, "the user has no directory")
	}
}

func (v *verifier) checkSubscr(d *list, key string, value []byte) {
	names, err := mboxlist.ParseSubscriptions(value)
	if err != nil {
		v.report.OddRecord++
		return
	}
	if v.lists.all[mboxlist.FolderDB].db == nil {
		return // told
	}
	for _, name := range names {
		// IMAP allows it, and the mailbox may be another user's who has not come yet.
		if _, ok := v.record(mboxlist.FolderDB, name, d.name+": "+key); !ok {
			v.log.Warning("subscription", d.name+": "+key, "subscribed to "+name+", which folder.db does not have")
		}
	}
}

func (v *verifier) checkPerUser(d *list, key string, value []byte) {
	_, mailbox, ok := mboxlist.SplitPerUserKey(key)
	if _, err := mboxlist.ParsePeerUser(value); err != nil || !ok {
		v.report.OddRecord++
		return
	}
	if v.lists.all[mboxlist.FolderDB].db == nil {
		return // told
	}
	where := d.name + ": " + strings.ReplaceAll(key, "\t", " ")
	if _, ok := v.record(mboxlist.FolderDB, mailbox, where); !ok {
		v.listProblem("no-mailbox", where, "folder.db has no such mailbox")
	}
}
