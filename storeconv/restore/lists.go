package restore

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"imsconv/dbconv/mboxlist"
	"imsconv/storeconv"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/lists"
)

// The records of the mailbox lists wait in the journal, in the order of their
// keys, until the end of the run.

func listPrefix(k mboxlist.Kind) string { return fmt.Sprintf(keyList+"%d/", k) }

// notSaidKB in a waiting quota record means: the limit that is there, else the
// server's default.
const notSaidKB = storeconv.NotSaid

// boxRecords puts the list records of one mailbox into the journal, before its
// user is in place: should that not come to be, the run that goes on puts them
// there again.
func (c *collector) boxRecords(b *box) error {
	x, id := &b.index, b.v.id
	if err := c.putOnTop(b, mboxlist.FolderDB, x.Name, folderRecord(&x.Header), x.defaultACL); err != nil {
		return err
	}
	u := mboxlist.PerUser{LastAccess: -1, Seen: x.seen, Deleted: x.deleted}
	if b.v.date > 0 {
		u.LastAccess = b.v.date
	}
	if err := c.putOnTop(b, mboxlist.PeruserDB, mboxlist.PerUserKey(id, x.Name), u.Append(nil), true); err != nil {
		return err
	}
	if !x.Subscribed && b.existing != nil && !b.existing.indexed {
		return nil // nothing says so
	}
	return c.putSubscription(id, b.name, x.Subscribed)
}

// folderRecord is the record of a mailbox in folder.db.
func folderRecord(h *ims.Header) []byte {
	folder := mboxlist.Folder{Partition: h.Partition}
	acl := strings.Split(h.ACL, "\t")
	for i := 0; i+1 < len(acl); i += 2 {
		folder.ACL = append(folder.ACL, mboxlist.ACE{Identifier: acl[i], Rights: acl[i+1]})
	}
	return folder.Append(nil)
}

// partly at the end of a waiting record means: of a mailbox of which no index
// told, so that the record in place may know more.
const partly = "\x00"

// putOnTop puts a record of a mailbox into the journal, on top of one that an
// earlier visit has put there. unsure: without an index of the mailbox, it is
// not the whole.
func (c *collector) putOnTop(b *box, k mboxlist.Kind, key string, value []byte, unsure bool) error {
	key = listPrefix(k) + key
	if unsure = unsure && b.existing != nil && !b.existing.indexed; unsure {
		value = append(value, partly...)
	}
	if b.again || unsure {
		waiting, there, err := c.r.jr.Get(key)
		if err != nil {
			return err
		}
		if there {
			before, also := bytes.CutSuffix(waiting, []byte(partly))
			if value = mergers[k](before, value); also && unsure {
				value = append(value, partly...)
			}
		}
	}
	return c.records.Put(key, value)
}

// putSubscription puts what is known of a subscription into the journal. What
// is not known stays as it is in place.
func (c *collector) putSubscription(id, mailbox string, subscribed bool) error {
	mark := "-"
	if subscribed {
		mark = "+"
	}
	return c.records.Put(listPrefix(mboxlist.SubscrDB)+id+"\x00"+ims.MailboxName(id, mailbox), []byte(mark))
}

// subscriptions gives the waiting subscriptions, those of a user as one record:
// a line a mailbox, in the order of the names, + for subscribed and - for not.
func (r *run) subscriptions(put func(key, value []byte) error) error {
	prefix := listPrefix(mboxlist.SubscrDB)
	var id, lines []byte
	err := r.jr.Range(prefix, func(key, value []byte) error {
		user, mailbox, ok := bytes.Cut(key[len(prefix):], []byte{0})
		if !ok {
			return fmt.Errorf("journal: key %q", key)
		}
		if !bytes.Equal(user, id) {
			if len(lines) > 0 {
				if err := put(id, lines); err != nil {
					return err
				}
			}
			id, lines = append(id[:0], user...), lines[:0]
		}
		lines = append(append(append(lines, value...), mailbox...), '\n')
		return nil
	})
	if err == nil && len(lines) > 0 {
		err = put(id, lines)
	}
	return err
}

// userRecords makes the list records of a user. limits may be nil.
func (p *placement) userRecords(u *usage, limits func(id string) (storeconv.Quota, bool)) {
	v := p.v
	q := mboxlist.Quota{KB: notSaidKB, Messages: notSaidKB, UsageKB: u.kilobytes(), UsageMessages: u.messages, LastWarned: -1}
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
	p.records = append(p.records, record{listPrefix(mboxlist.QuotaDB) + v.id, q.Append(nil)})
}

// mergeSubscriptions makes the record of subscr.db of the one in place and the
// waiting one; nil: there is none.
func mergeSubscriptions(old, waiting []byte) []byte {
	before, err := mboxlist.ParseSubscriptions(old)
	if err != nil {
		before = nil
	}
	slices.Sort(before)
	before = slices.Compact(before)
	var names mboxlist.Subscriptions
	for line := range strings.Lines(string(waiting)) {
		name := line[1 : len(line)-1]
		for len(before) > 0 && before[0] < name {
			names, before = append(names, before[0]), before[1:]
		}
		if len(before) > 0 && before[0] == name {
			before = before[1:]
		}
		if line[0] == '+' {
			names = append(names, name)
		}
	}
	if names = append(names, before...); len(names) == 0 {
		return nil
	}
	return names.Append(nil)
}

// toKB floors a limit in bytes to KB; the words for none and default stay.
func toKB(limit int64) int64 {
	if limit < 0 {
		return limit
	}
	return limit / 1024
}

// Records are of the tree that the run has put into place, and wait until its
// end. Meanwhile another run may have added to a user, where two users of the
// stream are one in the store, and its records may be in the lists already: so
// those of a user whose tree is another one now are made of that.

// renewStale makes the waiting records of such users anew. The run holds the
// lock of the lists.
func (r *run) renewStale() error {
	c := newCollector(r)
	err := r.jr.Range(keyTree, func(key, value []byte) error {
		id := string(key[len(keyTree):])
		info, err := r.store.Stat(ims.UserDir(r.partition, id))
		if isNotExist(err) || err == nil && bytes.Equal(value, binary.BigEndian.AppendUint64(nil, info.Ino)) {
			return nil
		}
		if err != nil {
			return err
		}
		return c.renewUser(id)
	})
	if err != nil {
		return err
	}
	return c.records.Flush()
}

// renewUser makes the waiting records of a user of what is in place.
func (c *collector) renewUser(id string) error {
	if err := c.r.folder.LockUser(id); err != nil {
		return err
	}
	defer c.r.folder.UnlockUser(id)
	var u usage
	v := &visit{id: id}
	w := &treeWalk{c: c, v: v, base: ims.UserDir(c.r.partition, id), usage: &u, renew: true}
	if err := w.dir(""); err != nil {
		return err
	}
	if err := c.addMailElsewhere(v, &u); err != nil {
		return err
	}
	key := listPrefix(mboxlist.QuotaDB) + id
	waiting, _, err := c.r.jr.Get(key)
	if err != nil {
		return err
	}
	q, err := parseWaiting(waiting)
	if err != nil {
		return fmt.Errorf("journal: key %q: %w", key, err)
	}
	q.UsageKB, q.UsageMessages = u.kilobytes(), u.messages
	return c.records.Put(key, q.Append(nil))
}

// renewRecords makes the waiting records of a mailbox of its index in place.
func (c *collector) renewRecords(id, mailbox string, old *existingBox) error {
	name := ims.MailboxName(id, mailbox)
	if err := c.records.Put(listPrefix(mboxlist.FolderDB)+name, folderRecord(&old.header)); err != nil {
		return err
	}
	key := listPrefix(mboxlist.PeruserDB) + mboxlist.PerUserKey(id, name)
	waiting, _, err := c.r.jr.Get(key)
	if err != nil {
		return err
	}
	u := mboxlist.PerUser{LastAccess: -1}
	if was, err := mboxlist.ParsePerUser(bytes.TrimSuffix(waiting, []byte(partly))); err == nil {
		u.LastAccess = was.LastAccess
	}
	var x boxIndex
	for i := range old.stored {
		x.mark(&ims.Record{UID: old.stored[i].uid, Flags: old.stored[i].flags})
	}
	u.Seen, u.Deleted = x.seen, x.deleted
	if err := c.records.Put(key, u.Append(nil)); err != nil {
		return err
	}
	return c.putSubscription(id, mailbox, old.header.Subscribed)
}

// writeLists merges the records of the run into the four databases.
func (r *run) writeLists() error {
	opts := lists.Options{Sync: r.opt.Sync, Owner: r.opt.Owner, Date: r.date}
	return lists.Update(r.folder, opts, func(w *lists.Writer) error {
		if err := r.renewStale(); err != nil {
			return err
		}
		for _, k := range lists.Kinds {
			prefix := listPrefix(k)
			waiting := func(put func(key, value []byte) error) error {
				return r.jr.Range(prefix, func(key, value []byte) error { return put(key[len(prefix):], value) })
			}
			if k == mboxlist.SubscrDB {
				waiting = r.subscriptions
			}
			if err := w.Write(k, r.opt.Databases, waiting, mergers[k]); err != nil {
				return err
			}
		}
		return nil
	})
}

// mergers join the value of a record in place, nil for none, with the waiting
// one.
var mergers = map[mboxlist.Kind]func(old, waiting []byte) []byte{
	mboxlist.FolderDB:  mergeFolder,
	mboxlist.QuotaDB:   mergeQuota,
	mboxlist.SubscrDB:  mergeSubscriptions,
	mboxlist.PeruserDB: mergePerUser,
}

// mergeFolder keeps the rights in place where nothing said any.
func mergeFolder(old, waiting []byte) []byte {
	value, unsure := bytes.CutSuffix(waiting, []byte(partly))
	before, err := mboxlist.ParseFolder(old)
	if !unsure || err != nil {
		return value
	}
	fresh, err := mboxlist.ParseFolder(value)
	if err != nil {
		return value
	}
	fresh.ACL = before.ACL
	return fresh.Append(nil)
}

// mergePerUser keeps the latest access and, where no index tells of all
// messages, what is known of the others.
func mergePerUser(old, waiting []byte) []byte {
	value, unsure := bytes.CutSuffix(waiting, []byte(partly))
	before, err := mboxlist.ParsePerUser(old)
	if err != nil {
		return value
	}
	fresh, err := mboxlist.ParsePerUser(value)
	if err != nil {
		return value
	}
	fresh.LastAccess = max(fresh.LastAccess, before.LastAccess)
	if unsure {
		fresh.Seen, fresh.Deleted = union(before.Seen, fresh.Seen), union(before.Deleted, fresh.Deleted)
	}
	return fresh.Append(nil)
}

// union joins two sets.
func union(a, b mboxlist.UIDSet) mboxlist.UIDSet {
	all := slices.Concat(a, b)
	slices.SortFunc(all, func(x, y mboxlist.UIDRange) int { return cmp.Compare(x.First, y.First) })
	var out mboxlist.UIDSet
	for _, r := range all {
		if n := len(out); n > 0 && uint64(r.First) <= uint64(out[n-1].Last)+1 {
			out[n-1].Last = max(out[n-1].Last, r.Last)
			continue
		}
		out = append(out, r)
	}
	return out
}

// mergeQuota keeps the limits in place where the run knows none, and the date
// of the last warning.
func mergeQuota(old, fresh []byte) []byte {
	q, err := parseWaiting(fresh)
	if err != nil {
		return fresh
	}
	was := mboxlist.Quota{KB: mboxlist.ServerDefault, Messages: mboxlist.Unlimited, LastWarned: -1}
	if o, err := mboxlist.ParseAnyQuota(old); err == nil {
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
