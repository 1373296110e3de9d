package dbconv

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"

	"imsconv/dbconv/mboxlist"
)

// Limit is a user's quota as the directory has it: bytes and messages, -1 for
// none, -2 for the server's default.
type Limit struct {
	Bytes, Messages       int64
	HasBytes, HasMessages bool
}

// Usage is what a user's mailboxes hold, each reference to a message counted.
type Usage struct{ Bytes, Messages int64 }

// QuotaOptions are the options of Quota.
type QuotaOptions struct {
	ListOptions
	// Requota makes every record anew in the five-number form: limits from
	// Limits where it knows the user, usage from Usage, the rest from the old
	// record.
	Requota bool
	// Limits gives a user's limits by new id; nil: the records' own.
	Limits func(id string) (Limit, bool)
	// Usage has what each user uses by new id; nil: the records' own. A user in
	// it that has no record gets one, one that is not in it uses nothing.
	Usage map[string]Usage
}

// Quota writes a quota.db2 of Netscape Messaging Server 4.x, or a quota.db, to
// dst as a quota.db: version 6 unless Output says otherwise, byte order and
// page size of the source. Records go over as they are, but for renamed users
// and with Requota. Another database of a store gives ErrOtherList.
func Quota(ctx context.Context, dst io.WriterAt, src Source, opts QuotaOptions) (ListReport, error) {
	q := quotas{opts: opts, form: opts.quotaForm()}
	if opts.Usage != nil {
		q.seen = make(map[string]struct{})
	}
	l := listConversion{opts: opts.ListOptions, form: q.form, users: &q.users, change: q.change, wrong: func(first []sample) string { return cmp.Or(isFolderDB(first), isUsersDB(first)) }}
	if opts.Requota && opts.Usage != nil {
		l.more = q.missing
	}
	rep, err := l.run(ctx, dst, src)
	q.rep.Report = rep
	return q.rep, err
}

// isFolderDB tells that a database holds mailboxes: most keys are those of
// users' mailboxes, with values that have an access control list.
func isFolderDB(first []sample) string {
	lists := 0
	for _, s := range first {
		if _, _, ok := mboxlist.SplitKey(s.key); !ok {
			continue
		}
		if f, err := mboxlist.ParseFolder(s.value); err == nil && len(f.ACL) > 0 {
			lists++
		}
	}
	if 2*lists <= len(first) || len(first) == 0 {
		return ""
	}
	return "the records are mailboxes, as in data.db2, and no quotas"
}

// quotas is the state of Quota.
type quotas struct {
	opts  QuotaOptions
	form  mboxlist.KeyForm
	users listUsers
	rep   ListReport
	seen  map[string]struct{} // users of Usage that have a record
	value []byte
}

func (q *quotas) change(key, value []byte) ([]byte, []byte, bool) {
	id, folder, ok := q.form.Split(string(key))
	q.users.see(id)
	if q.opts.Select != nil && (!ok || !q.opts.Select(id)) {
		q.rep.Unselected++
		return nil, nil, false
	}
	if q.opts.Rename != nil && ok {
		if renamed := q.users.rename(id); renamed != id {
			id, key = renamed, []byte(q.form.Key(renamed, folder))
			q.rep.Renamed++
		}
	}
	if !ok {
		id = string(key)
	}
	rec, err := parseQuota(value)
	if err != nil {
		q.rep.Opaque++
	}
	if !q.opts.Requota {
		if err != nil {
			q.opts.log().Problem("not-understood", fmt.Sprintf("%.200q", key), "the limit in its record cannot be read, and goes over as it is: "+err.Error())
		}
		return key, value, true
	}
	if err != nil {
		rec = mboxlist.Quota{KB: mboxlist.ServerDefault, Messages: mboxlist.ServerDefault, LastWarned: -1}
		if l, ok := q.limit(id); !ok || !l.HasBytes {
			q.opts.log().Problem("not-understood", fmt.Sprintf("%.200q", key), "the limit in its record is lost, the server's default stands: "+err.Error())
		}
	}
	q.value = q.anew(id, rec).Append(q.value[:0])
	if string(q.value) != string(value) {
		q.rep.Changed++
	}
	return key, q.value, true
}

// parseQuota reads the five fields of quota.db or the two of quota.db2.
func parseQuota(value []byte) (mboxlist.Quota, error) {
	rec, err := mboxlist.ParseQuota(value)
	if err == nil {
		return rec, nil
	}
	if rec, err := mboxlist.ParseOldQuota(value); err == nil {
		return rec, nil
	}
	return rec, fmt.Errorf("neither five numbers nor two: %w", err)
}

func (q *quotas) limit(id string) (Limit, bool) {
	if q.opts.Limits == nil {
		return Limit{}, false
	}
	return q.opts.Limits(id)
}

// anew is the record of a user with the limits and the usage of today.
func (q *quotas) anew(id string, rec mboxlist.Quota) mboxlist.Quota {
	if l, ok := q.limit(id); ok {
		if l.HasBytes {
			rec.KB = limitKB(l.Bytes)
		}
		if l.HasMessages {
			rec.Messages = l.Messages
		}
	}
	if q.opts.Usage != nil {
		u := q.opts.Usage[id]
		rec.UsageKB, rec.UsageMessages = (u.Bytes+1023)/1024, u.Messages
		q.seen[id] = struct{}{}
	}
	return rec
}

// limitKB turns a limit in bytes into whole KB; -1 and -2 stay.
func limitKB(bytes int64) int64 {
	if bytes < 0 {
		return bytes
	}
	return bytes / 1024
}

// missing adds records of users that have mail and none.
func (q *quotas) missing(put func(key, value []byte) error) error {
	for _, id := range slices.Sorted(maps.Keys(q.opts.Usage)) {
		if _, ok := q.seen[id]; ok || q.opts.Select != nil && !q.opts.Select(id) {
			continue
		}
		rec := mboxlist.Quota{KB: mboxlist.ServerDefault, Messages: mboxlist.ServerDefault, LastWarned: -1}
		q.rep.Added++
		if err := put([]byte(q.form.Key(id, "")), q.anew(id, rec).Append(nil)); err != nil {
			return err
		}
	}
	return nil
}
