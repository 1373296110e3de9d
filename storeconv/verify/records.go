package verify

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"io/fs"
	"strings"

	"golang.org/x/sys/unix"

	"imsconv/dbconv/bdb"
	"imsconv/dbconv/mboxlist"
	"imsconv/storeconv"
	"imsconv/storeconv/ims"
)

// records holds every record of the databases against the tree.
func (v *verifier) records(ctx context.Context) error {
	for i := range v.lists {
		d := &v.lists[i]
		if d.file == nil {
			// A store from elsewhere may have no subscriptions, and nothing per
			// user.
			if d.kind <= mboxlist.QuotaDB || v.indexed {
				v.tell(problem("missing-database", d.name, "the database is not there"))
			}
			continue
		}
		if v.indexed {
			v.databaseFile(d)
		}
		if d.db == nil {
			continue
		}
		if n, ok := v.allSettled(ctx, d); ok {
			v.report.Records += n
			continue
		}
		if err := v.eachRecord(ctx, d); err != nil {
			return err
		}
	}
	v.topModes()
	return nil
}

// topModes checks the directories above the partitions, where a restore made
// everything. The store directory may have been there before: another mode of
// it is a warning.
func (v *verifier) topModes() {
	if !v.pure() {
		return
	}
	var st unix.Stat_t
	if err := unix.Fstat(v.root, &st); err == nil && st.Mode&0o7777&^unix.S_ISGID != dirMode {
		v.tell(warning("mode", ".", "the store directory has the mode %04o instead of %04o", st.Mode&0o7777, dirMode))
	}
	for _, name := range []string{"mboxlist", "partition"} {
		if err := stat(v.root, name, &st); err == nil {
			v.tell(v.owner.attributes(name, &st)...)
		}
	}
}

// pure tells whether all of the store is a restore's, for all that its indexes
// tell.
func (v *verifier) pure() bool {
	return v.opts.Origin == nil && v.report.Foreign == 0 && (v.indexed || v.opts.NoIndex)
}

// oddRecord is a record of another form than ours: the vendor's, unless all of
// the store is ours.
func (v *verifier) oddRecord(d *list, key string, err error) {
	if !v.pure() {
		v.report.OddRecord++
		return
	}
	if err == nil {
		err = errors.New("no key of this database")
	}
	v.tell(problem("record", d.name+": "+label(strings.ReplaceAll(key, "\t", " ")), "a record of unknown form: %v", err))
}

// databaseFile checks mode and owner of a database. A link to one lies outside
// of what a backup of the store takes, and a restore puts a file in its place.
func (v *verifier) databaseFile(d *list) {
	var st unix.Stat_t
	if err := stat(v.root, d.name, &st); err == nil && st.Mode&unix.S_IFMT == unix.S_IFLNK {
		v.odd("database", d.name, "a symbolic link, where a store has the database itself")
	}
	if err := unix.Fstat(int(d.file.Fd()), &st); err == nil && st.Mode&unix.S_IFMT == unix.S_IFREG {
		v.tell(v.owner.attributes(d.name, &st)...)
	}
}

func (v *verifier) eachRecord(ctx context.Context, d *list) error {
	c := d.db.Cursor()
	for n := 0; ; n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		key, value, err := c.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			v.tell(problem("database", d.name, "%v", err))
			return nil
		}
		if !v.takesStored(ownerOf(d.kind, string(key))) {
			continue
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
}

// ownerOf is the user whose record has a key; "" when it is nobody's.
func ownerOf(kind mboxlist.Kind, key string) string {
	switch kind {
	case mboxlist.FolderDB:
		id, _, _ := mboxlist.SplitKey(key)
		return id
	case mboxlist.PeruserDB:
		id, _, _ := strings.Cut(key, "\t")
		return id
	}
	return key
}

// inherited tells a problem with a record, as a warning when the source of a
// relocated store has the very same fault.
func (v *verifier) inherited(n storeconv.Note, as bool) {
	if as {
		n.Severity, n.Text = storeconv.Warning, n.Text+" (as in the source)"
	}
	v.tell(n)
}

func (v *verifier) checkFolder(d *list, key string, value []byte) {
	user, name, ok := mboxlist.SplitKey(key)
	rec, err := mboxlist.ParseFolder(value)
	where := d.name + ": " + label(key)
	if !ok && v.origin != nil {
		if _, there := v.origin.data.get(key); !there {
			v.tell(warning("not-in-source", where, "a record that is no mailbox's, and that the source does not have"))
		}
	}
	if !ok || err != nil {
		v.oddRecord(d, key, err)
		return
	}
	if own := fullName(user, name); own != key {
		v.inherited(problem("record", where, "a second record of a mailbox, whose key is %s", own), v.origin != nil && v.origin.hasRecord(user, strings.TrimPrefix(key, mboxlist.UserPrefix+user)))
	}
	if ims.CheckPartition(rec.Partition) != nil || checkUser(user) != nil || name != inbox && checkMailbox(name) != nil {
		v.inherited(problem("no-mailbox", where, "no mailbox can have this name and partition"), v.origin != nil && v.origin.lacks(user, name))
		return
	}
	box, err := v.openMailbox(rec.Partition, user, name)
	if err != nil {
		v.inherited(problem("no-mailbox", where, "the directory %s: %v", mailboxDir(rec.Partition, user, name), cause(err)),
			v.origin != nil && v.origin.lacks(user, name))
		return
	}
	defer unix.Close(box.fd)
	if !box.hasIndex && len(box.dirs) == 0 && v.indexed && !v.opts.NoIndex {
		v.tell(v.noIndex(box))
	}
}

// cause is an error without its path, which has been said.
func cause(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// hasUser says whether a user has a directory in any partition.
func (v *verifier) hasUser(id string) bool {
	if checkUser(id) != nil {
		return false
	}
	for _, p := range v.partitions {
		var st unix.Stat_t
		if stat(v.root, userDir(p, id), &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR {
			return true
		}
	}
	return false
}

func (v *verifier) checkQuota(d *list, key string, value []byte) {
	if _, err := mboxlist.ParseQuota(value); err != nil && (!v.pure() || !v.hasUser(key)) { // else told with the user
		v.oddRecord(d, key, err)
	}
	if !v.hasUser(key) {
		v.inherited(problem("no-user", d.name+": "+label(key), "the user has no directory"), v.origin != nil && v.origin.lacks(key, inbox))
	}
}

func (v *verifier) checkSubscr(d *list, key string, value []byte) {
	names, err := mboxlist.ParseSubscriptions(value)
	if err != nil {
		v.oddRecord(d, key, err)
		return
	}
	where := d.name + ": " + label(key)
	if !v.hasUser(key) {
		v.odd("no-user", where, "the user has no directory")
	}
	if name := firstTwice(names); name != "" {
		v.odd("subscription", where, fmt.Sprintf("%s is in the list twice", name))
	}
	if !v.lists.has(mboxlist.FolderDB) {
		return // told
	}
	for _, name := range names {
		// IMAP allows it, and the mailbox may be another user's who has not
		// come yet.
		if _, ok := v.record(mboxlist.FolderDB, name, where); !ok {
			v.tell(warning("subscription", where, "subscribed to %s, which folder.db does not have", name))
		}
	}
}

// odd tells what no restore leaves: a problem where all of the store is ours, a
// warning where another server may have left it.
func (v *verifier) odd(kind, where, text string) {
	n := warning(kind, where, "%s", text)
	if v.pure() {
		n.Severity = storeconv.Problem
	}
	v.tell(n)
}

// firstTwice returns a name that a list has twice, or "".
func firstTwice(names []string) string {
	seen := make(map[string]bool, len(names))
	for _, name := range names {
		if seen[name] {
			return name
		}
		seen[name] = true
	}
	return ""
}

func (v *verifier) checkPerUser(d *list, key string, value []byte) {
	id, name, ok := strings.Cut(key, "\t")
	if _, err := mboxlist.ParsePerUser(value); err != nil || !ok || id == "" || name == "" {
		v.oddRecord(d, key, err)
		return
	}
	where := d.name + ": " + label(strings.ReplaceAll(key, "\t", " "))
	if !v.hasUser(id) {
		v.odd("no-user", where, "the user has no directory")
	}
	if !v.lists.has(mboxlist.FolderDB) {
		return // told
	}
	if _, ok := v.record(mboxlist.FolderDB, name, where); !ok {
		v.tell(problem("no-mailbox", where, "folder.db has no such mailbox"))
	}
}

// What a mailbox or a user finds of itself in a database, and finds good, need
// not be looked for in the tree again when the records are held against it. All
// records of a database are such when they add up to the same sum: memory does
// not grow with the mailboxes, and no record can be made up for, since nobody
// knows the seed.

// recordSum stands for records of a database, in any order.
type recordSum struct {
	count int64
	sum   uint64 // of their hashes
	text  []byte // of the record at hand
}

func (s *recordSum) add(seed maphash.Seed, key, value []byte) {
	s.text = binary.AppendUvarint(s.text[:0], uint64(len(key)))
	s.text = append(append(s.text, key...), value...)
	s.count++
	s.sum += maphash.Bytes(seed, s.text)
}

func (s *recordSum) equal(o *recordSum) bool { return s.count == o.count && s.sum == o.sum }

// settle notes a record that the tree has answered for.
func (v *verifier) settle(kind mboxlist.Kind, key string, value []byte) {
	v.settled[kind].add(v.seed, []byte(key), value)
}

// allSettled tells that the tree has answered for every record of a database,
// and how many there are.
func (v *verifier) allSettled(ctx context.Context, d *list) (records int64, ok bool) {
	info, err := d.file.Stat()
	if err != nil {
		return 0, false
	}
	damaged := false
	db, err := bdb.NewReader(d.file, info.Size(), bdb.Options{Problem: func(error) { damaged = true }})
	if err != nil {
		return 0, false
	}
	var all recordSum
	for c := db.Cursor(); all.count <= v.settled[d.kind].count; {
		key, value, err := c.Next()
		switch {
		case err == io.EOF:
			return all.count, !damaged && all.equal(&v.settled[d.kind])
		case err != nil, damaged, ctx.Err() != nil:
			return 0, false
		case v.takesStored(ownerOf(d.kind, string(key))):
			all.add(v.seed, key, value)
		}
	}
	return 0, false // there are more
}
