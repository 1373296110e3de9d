package dbconv

import (
	"bytes"
	"context"
	"fmt"
	"io"

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

// Folder writes a data.db2 of Netscape Messaging Server 4.x, or a folder.db, to dst as a folder.db:
// version 6 unless Output says otherwise, byte order and page size of the source.
// Records go over as they are, but for users that are renamed: their id changes in keys and in the
// identifiers of access control lists.
func Folder(ctx context.Context, dst io.WriterAt, src Source, opts ListOptions) (ListReport, error) {
	f := folders{opts: opts}
	rep, err := f.list().run(ctx, dst, src)
	f.rep.Report = rep
	return f.rep, err
}

// listConversion is what the two conversions of mailbox list databases share.
type listConversion struct {
	opts   ListOptions
	change func(key, value []byte) (newKey, newValue []byte, keep bool)
	more   func(put func(key, value []byte) error) error
}

func (l listConversion) run(ctx context.Context, dst io.WriterAt, src Source) (Report, error) {
	r, err := l.opts.open(ctx, src)
	if err != nil {
		return Report{}, err
	}
	m := r.Meta()
	rep := Report{Source: m}
	if m.SubDBs || m.Type == bdb.Recno {
		return rep, fmt.Errorf("%w: a mailbox list is one btree", ErrSubdatabases)
	}
	out := l.opts.Output.resolve(m, 6)
	rep.Version = out.Version
	c := conversion{ctx: ctx, opts: ConvertOptions{Common: l.opts.Common}, rep: &rep, out: out,
		change: l.change, more: l.more, reorders: l.opts.Rename != nil || l.more != nil}
	err = c.single(dst, r)
	return rep, err
}

// folders is the state of Folder.
type folders struct {
	opts       ListOptions
	rep        ListReport
	key, value []byte
}

func (f *folders) list() listConversion {
	l := listConversion{opts: f.opts}
	if f.opts.Select != nil || f.opts.Rename != nil {
		l.change = f.change
	}
	return l
}

func (f *folders) change(key, value []byte) ([]byte, []byte, bool) {
	user, _, ok := mboxlist.SplitKey(string(key))
	if f.opts.Select != nil && (!ok || !f.opts.Select(user)) {
		f.rep.Unselected++
		return nil, nil, false
	}
	if f.opts.Rename == nil {
		return key, value, true
	}
	value = f.renameACL(key, user, value)
	if !ok {
		return key, value, true
	}
	if id := f.opts.Rename(user); id != user {
		f.key = append(append(f.key[:0], mboxlist.UserPrefix...), id...)
		f.key = append(f.key, key[len(mboxlist.UserPrefix)+len(user):]...)
		f.rep.Renamed++
		key = f.key
	}
	return key, value, true
}

// renameACL puts new ids into the access control list of a record; everything else
// stays as it is, byte for byte. A value that is not understood stays whole, a
// problem when it names a user that is renamed.
func (f *folders) renameACL(key []byte, user string, value []byte) []byte {
	if _, err := mboxlist.ParseFolder(value); err != nil {
		f.rep.Opaque++
		if user != "" && f.opts.Rename(user) != user && bytes.Contains(value, []byte(user)) {
			f.opts.log().Problem("not-understood", fmt.Sprintf("%.200q", key), "the value names the old id and stays as it is: "+err.Error())
		}
		return value
	}
	changed := false
	f.value = f.value[:0]
	for i, field := range bytes.Split(value, []byte{'\t'}) {
		if i > 0 {
			f.value = append(f.value, '\t')
		}
		if i%2 == 0 { // the partition, rights, or what follows a final TAB
			f.value = append(f.value, field...)
			continue
		}
		id, negative := bytes.CutPrefix(field, []byte{'-'})
		if negative {
			f.value = append(f.value, '-')
		}
		renamed := f.opts.Rename(string(id))
		changed = changed || renamed != string(id)
		f.value = append(f.value, renamed...)
	}
	if !changed {
		return value
	}
	f.rep.Changed++
	return f.value
}
