package dbconv

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"imsconv/dbconv/bdb"
	"imsconv/dbconv/mboxlist"
)

// ListOptions are the options of Folder, and with more, of Quota.
type ListOptions struct {
	Common
	Output
	// Select says which users' records go over; nil: all, also those of nobody.
	Select func(id string) bool
	// Rename gives a user's new id; nil: ids stay.
	Rename func(id string) string
	// Named are the ids that Select and Rename were made of: each that is in no
	// record is told as a problem.
	Named []string
	// KeyForm is how the keys are made; nil: that of the databases of the
	// store, user/<id>[/folder] in folder.db and <id> in quota.db.
	KeyForm *mboxlist.KeyForm
}

// ListReport is what Folder or Quota did.
type ListReport struct {
	Report
	Renamed    int64 // records with a new key
	Changed    int64 // records with a new value
	Opaque     int64 // records whose value is not in the form of package mboxlist: byte for byte
	Unselected int64 // records left out by Select
	Added      int64 // records that the source does not have
}

// ErrOtherList: the source is another database of a mailbox list than the one
// that is wanted.
var ErrOtherList = errors.New("not the database that is wanted")

// Folder writes a data.db2 of Netscape Messaging Server 4.x, or a folder.db, to
// dst as a folder.db: version 6 unless Output says otherwise, byte order and
// page size of the source. Records go over as they are, but for users that are
// renamed: their id changes in keys and in the identifiers of access control
// lists (mboxlist.Rename). A record that Mailboxes does not understand goes
// over and is a problem. A user whose new id another one has keeps the old one,
// which is a problem. Another database of a store, of quotas, of subscriptions
// or of what users have seen, gives ErrOtherList; of one whose keys have no
// form that is known there is a warning.
func Folder(ctx context.Context, dst io.WriterAt, src Source, opts ListOptions) (ListReport, error) {
	f := folders{opts: opts}
	if opts.KeyForm != nil {
		f.form = *opts.KeyForm
	}
	l := listConversion{opts: opts, form: f.form, users: &f.users, warns: true, wrong: func(first []sample) string { return cmp.Or(isQuotaDB(first), isUsersDB(first)) }}
	l.change, f.list = f.change, &l
	rep, err := l.run(ctx, dst, src)
	f.rep.Report = rep
	return f.rep, err
}

// listConversion is what the two conversions of mailbox list databases share.
type listConversion struct {
	opts   ListOptions
	form   mboxlist.KeyForm
	users  *listUsers
	change func(key, value []byte) (newKey, newValue []byte, keep bool)
	more   func(put func(key, value []byte) error) error
	warned bool // of keys of another form
	warns  bool // of keys of another form, whether or not they are looked into
	// wrong says what the database is when its first records are not what is
	// wanted; "" when they are.
	wrong func(first []sample) string
}

// A sample is a record among the first of a database.
type sample struct {
	key   string
	value []byte
}

// sampleSize is how many records are looked at for the form of the database.
const sampleSize = 1000

func (l *listConversion) run(ctx context.Context, dst io.WriterAt, src Source) (Report, error) {
	r, err := l.opts.open(ctx, src)
	if err != nil {
		return Report{}, err
	}
	m := r.Meta()
	rep := Report{Source: m}
	if m.SubDBs || m.Type == bdb.Recno || m.Type == bdb.Queue || m.Type == bdb.Heap {
		return rep, fmt.Errorf("%w: a mailbox list is one btree", ErrSubdatabases)
	}
	if err := l.look(ctx, src); err != nil {
		return rep, err
	}
	out := l.opts.Output.resolve(m, 6)
	rep.Version = out.Version
	c := conversion{ctx: ctx, opts: ConvertOptions{Common: l.opts.Common}, rep: &rep, out: out,
		change: l.change, more: l.more, reorders: l.opts.Rename != nil || l.more != nil}
	if err = c.single(dst, r); err != nil {
		return rep, err
	}
	l.tellUsers(c.read, rep.Records)
	return rep, nil
}

// look reads the database before it is converted: its first records for its
// form, and all keys where users are renamed.
func (l *listConversion) look(ctx context.Context, src Source) error {
	var first []sample
	err := eachRecord(ctx, src, Common{MaxItem: l.opts.MaxItem}, func(key, value []byte) error {
		if len(first) == sampleSize {
			return errEnough
		}
		first = append(first, sample{string(key), append([]byte(nil), value[:min(len(value), 256)]...)})
		return nil
	})
	if err != nil && err != errEnough {
		return err
	}
	if what := l.wrong(first); what != "" {
		return fmt.Errorf("%w: %s", ErrOtherList, what)
	}
	if l.warns || l.opts.Select != nil || l.opts.Rename != nil {
		l.lookAtKeys(first)
	}
	return l.users.gather(ctx, src, l)
}

// errEnough ends a walk that has seen enough.
var errEnough = errors.New("enough")

// lookAtKeys tells when most keys are of another form than the one in use.
func (l *listConversion) lookAtKeys(first []sample) {
	if len(first) == 0 {
		return
	}
	keys, good := make([]string, len(first)), 0
	for i, s := range first {
		keys[i] = s.key
		if _, _, ok := l.form.Split(s.key); ok {
			good++
		}
	}
	found, ok := mboxlist.FindKeyForm(keys)
	if l.form == mboxlist.BareKeys && !ok || 2*good > len(keys) && (l.form != mboxlist.BareKeys || !ok) {
		return
	}
	text := fmt.Sprintf("most keys are not of the form %s", l.form)
	if ok {
		text += fmt.Sprintf(", but of the form %s: --key-form '%s' reads them", found, found)
	} else {
		text += fmt.Sprintf("; the first is %.80q", keys[0])
	}
	l.opts.log().Warning("key-form", "", text)
	l.warned = true
}

// isQuotaDB tells that a database holds quotas: most values are numbers, with
// keys that are not those of mailboxes.
func isQuotaDB(first []sample) string {
	quotas := 0
	for _, s := range first {
		if strings.HasPrefix(s.key, mboxlist.UserPrefix) {
			continue
		}
		if _, err := parseQuota(s.value); err == nil {
			quotas++
		}
	}
	if 2*quotas <= len(first) {
		return ""
	}
	return "the values are quotas, as in quota.db2, and no mailboxes"
}

// isUsersDB tells that a database holds subscriptions, or what users have seen:
// most records are such.
func isUsersDB(first []sample) string {
	subscriptions, seen := 0, 0
	for _, s := range first {
		if strings.HasPrefix(s.key, mboxlist.UserPrefix) {
			continue
		}
		if id, name, ok := strings.Cut(s.key, "\t"); ok && id != "" && strings.HasPrefix(name, mboxlist.UserPrefix) {
			seen++
		} else if !ok && bytes.HasPrefix(s.value, []byte(mboxlist.UserPrefix)) {
			subscriptions++
		}
	}
	switch {
	case 2*seen > len(first):
		return "the records are what users have seen, as in peruser.db"
	case 2*subscriptions > len(first):
		return "the values are subscriptions, as in subscr.db"
	}
	return ""
}

// folders is the state of Folder.
type folders struct {
	opts  ListOptions
	form  mboxlist.KeyForm
	users listUsers
	list  *listConversion
	rep   ListReport
}

// notUnderstood tells a record that is no mailbox's, by its key or by the error
// of its value, and that goes over as it is. In a database of other keys, which
// is told as a whole, none is.
func (f *folders) notUnderstood(key []byte, isMailbox bool, err error) {
	if f.list.warned || isMailbox && err == nil {
		return
	}
	text := fmt.Sprintf("the key is not that of a mailbox, as %s is", f.form)
	if isMailbox {
		text = err.Error()
	}
	f.opts.log().Problem("not-understood", fmt.Sprintf("%.200q", key), text+": the record goes over as it is")
}

func (f *folders) change(key, value []byte) ([]byte, []byte, bool) {
	user, _, ok := f.form.Split(string(key))
	f.users.see(user)
	if f.opts.Select != nil && (!ok || !f.opts.Select(user)) {
		f.rep.Unselected++
		return nil, nil, false
	}
	if f.opts.Rename == nil {
		_, err := mboxlist.ParseFolder(value)
		if err != nil {
			f.rep.Opaque++
		}
		f.notUnderstood(key, ok, err)
		return key, value, true
	}
	newKey, newValue, err := mboxlist.Rename(string(key), value, mboxlist.Names{User: f.users.rename, Form: f.form})
	id := ""
	if err != nil {
		f.rep.Opaque++
		id = mboxlist.NamesRenamed(value, f.users.rename)
	}
	if id != "" {
		f.opts.log().Problem("not-understood", fmt.Sprintf("%.200q", key), fmt.Sprintf("the value names %.100q, who is renamed, and stays as it is: %v", id, err))
	} else {
		f.notUnderstood(key, ok, err)
	}
	if newKey != string(key) {
		f.rep.Renamed++
	}
	if string(newValue) != string(value) {
		f.rep.Changed++
	}
	return []byte(newKey), newValue, true
}
