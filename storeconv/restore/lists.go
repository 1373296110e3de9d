package restore

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"imsconv/dbconv/mboxlist"
	"imsconv/storeconv"
	"imsconv/storeconv/lists"
)

// The records of the mailbox lists wait in the journal, in the order of their
// keys, until the end of the run.

var listKinds = [...]mboxlist.Kind{mboxlist.FolderDB, mboxlist.QuotaDB, mboxlist.SubscrDB, mboxlist.PeruserDB}

func listPrefix(k mboxlist.Kind) string { return fmt.Sprintf(keyList+"%d/", k) }

// notSaidKB in a waiting quota record means: the limit that is there, else the
// server's default.
const notSaidKB = storeconv.NotSaid

// boxRecords makes the list records of one mailbox.
func (p *placement) boxRecords(b *box) {
	x := &b.index
	folder := mboxlist.Folder{Partition: x.Partition}
	acl := strings.Split(x.ACL, "\t")
	for i := 0; i+1 < len(acl); i += 2 {
		folder.ACL = append(folder.ACL, mboxlist.ACE{Identifier: acl[i], Rights: acl[i+1]})
	}
	p.put(mboxlist.FolderDB, x.Name, folder.Append(nil))
	u := mboxlist.PeerUser{LastAccess: -1, Seen: x.seen, Deleted: x.deleted}
	if p.v.date > 0 {
		u.LastAccess = p.v.date
	}
	p.put(mboxlist.PeruserDB, mboxlist.PerUserKey(p.v.id, x.Name), u.Append(nil))
}

// userRecords makes the list records of a user. limits may be nil.
func (p *placement) userRecords(u *usage, limits func(id string) (storeconv.Quota, bool)) {
	v := p.v
	q := mboxlist.Quota{KB: notSaidKB, Messages: notSaidKB, UsageKB: (u.bytes + 1023) / 1024, UsageMessages: u.messages, LastWarned: -1}
	if was, err := parseWaiting(u.earlierQuota); err == nil { // this visit may say nothing
		q.KB, q.Messages = was.KB, was.Messages
	}
	if v.tally.hasQuota {
		q.KB, q.Messages = toKB(v.tally.quota), mboxlist.Unlimited
	}
	if limits != nil {
		if l, ok := limits(v.id); ok {
			if l.Bytes >= mboxlist.ServerDefault {
				q.KB = toKB(l.Bytes)
			}
			if l.Messages >= mboxlist.ServerDefault {
				q.Messages = l.Messages
			}
		}
	}
	p.put(mboxlist.QuotaDB, v.id, q.Append(nil))
	// Also when nothing is subscribed to: an earlier visit may have left a record.
	p.put(mboxlist.SubscrDB, v.id, u.waitingSubscriptions())
}

// waitingSubscriptions is a waiting record of subscr.db: a line a mailbox, +
// for subscribed and - for not. What it does not name stays as it is in place.
func (u *usage) waitingSubscriptions() []byte {
	b := u.earlierSubscriptions()
	for _, name := range u.subscribed {
		b = append(append(append(b, '+'), name...), '\n')
	}
	for _, name := range u.unsubscribed {
		b = append(append(append(b, '-'), name...), '\n')
	}
	return b
}

// earlierSubscriptions are the lines of an earlier visit's waiting record that
// this one says nothing of.
func (u *usage) earlierSubscriptions() []byte {
	said := make(map[string]bool)
	for _, name := range slices.Concat(u.subscribed, u.unsubscribed) {
		said[name] = true
	}
	var b []byte
	for line := range bytes.Lines(u.earlier) {
		if !said[string(line[1:len(line)-1])] {
			b = append(b, line...)
		}
	}
	return b
}

// mergeSubscriptions makes the record of subscr.db of the one in place and the
// waiting one; nil: there is none.
func mergeSubscriptions(old, waiting []byte) []byte {
	names, err := mboxlist.ParseSubscriptions(old)
	if err != nil {
		names = nil
	}
	has := make(map[string]bool, len(names))
	for _, name := range names {
		has[name] = true
	}
	for line := range strings.Lines(string(waiting)) {
		has[line[1:len(line)-1]] = line[0] == '+'
	}
	maps.DeleteFunc(has, func(_ string, subscribed bool) bool { return !subscribed })
	if len(has) == 0 {
		return nil
	}
	return mboxlist.Subscriptions(slices.Sorted(maps.Keys(has))).Append(nil)
}

// toKB floors a limit in bytes to KB; the words for none and default stay.
func toKB(limit int64) int64 {
	if limit < 0 {
		return limit
	}
	return limit / 1024
}

func (p *placement) put(k mboxlist.Kind, key string, value []byte) {
	p.records = append(p.records, record{listPrefix(k) + key, value})
}

// writeLists merges the records of the run into the four databases.
func (r *run) writeLists() error {
	opts := lists.Options{Sync: r.opt.Sync, Owner: r.opt.Owner, Date: r.date}
	return lists.Update(r.folder, opts, func(w *lists.Writer) error {
		for _, k := range listKinds {
			prefix := listPrefix(k)
			waiting := func(put func(key, value []byte) error) error {
				return r.jr.Range(prefix, func(key, value []byte) error { return put(key[len(prefix):], value) })
			}
			if err := w.Write(k, r.opt.Databases, waiting, mergers[k]); err != nil {
				return err
			}
		}
		return nil
	})
}

// mergers join the value of a record in place, nil for none, with the waiting
// one, where the waiting one alone is not the whole.
var mergers = map[mboxlist.Kind]func(old, waiting []byte) []byte{
	mboxlist.QuotaDB:  mergeQuota,
	mboxlist.SubscrDB: mergeSubscriptions,
}

// mergeQuota keeps the limits in place where the run knows none, and the date
// of the last warning.
func mergeQuota(old, fresh []byte) []byte {
	q, err := parseWaiting(fresh)
	if err != nil {
		return fresh
	}
	was := mboxlist.Quota{KB: mboxlist.ServerDefault, Messages: mboxlist.Unlimited, LastWarned: -1}
	if o, err := mboxlist.ParseQuota(old); err == nil {
		was = o
	}
	if q.KB == notSaidKB {
		q.KB = was.KB
	}
	if q.Messages == notSaidKB {
		q.Messages = was.Messages
	}
	q.LastWarned = was.LastWarned
	return q.Append(nil)
}

// parseWaiting reads a waiting quota record, whose limits may be notSaidKB.
func parseWaiting(b []byte) (q mboxlist.Quota, err error) {
	_, err = fmt.Sscan(string(b), &q.KB, &q.Messages, &q.UsageKB, &q.UsageMessages, &q.LastWarned)
	return q, err
}
