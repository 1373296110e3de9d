package restore

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"imsconv/dbconv/bdb"
	"imsconv/dbconv/mboxlist"
	"imsconv/storeconv"
	"imsconv/storeconv/durable"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/lists"
)

// The records of the mailbox lists wait in the journal, in the order of their keys, until the end of the run.

var listKinds = [...]mboxlist.Kind{mboxlist.FolderDB, mboxlist.QuotaDB, mboxlist.SubscrDB, mboxlist.PeruserDB}

func listPrefix(k mboxlist.Kind) string { return fmt.Sprintf("l/%d/", k) }

// record is one change of the journal.
type record struct {
	key   string
	value []byte
}

// userMail is what a user's mailboxes hold.
type userMail struct {
	bytes, messages int64
	subscribed      []string
	unsubscribed    []string // mailboxes that the visit touched and whose index says so
}

func (u *userMail) add(b *box) {
	u.bytes += b.index.QuotaUsed
	u.messages += b.index.Exists
	switch {
	case b.index.Subscribed:
		u.subscribed = append(u.subscribed, b.index.Name)
	case b.old == nil || b.old.indexed:
		u.unsubscribed = append(u.unsubscribed, b.index.Name)
	}
}

// records makes the list records of one mailbox.
func (c *collector) records(f *finished, b *box) {
	x := &b.index
	folder := mboxlist.Folder{Partition: x.Partition}
	acl := strings.Split(x.ACL, "\t")
	for i := 0; i+1 < len(acl); i += 2 {
		folder.ACL = append(folder.ACL, mboxlist.ACE{Identifier: acl[i], Rights: acl[i+1]})
	}
	f.put(mboxlist.FolderDB, x.Name, folder.Append(nil))
	p := mboxlist.PeerUser{LastAccess: -1, Seen: x.seen, Deleted: x.deleted}
	if c.date > 0 {
		p.LastAccess = c.date
	}
	f.put(mboxlist.PeruserDB, mboxlist.PerUserKey(b.v.id, x.Name), p.Append(nil))
}

// notSaidKB in a waiting quota record means: the limit that is there, else the server's default.
const notSaidKB = storeconv.NotSaid

// userRecords makes the list records of a user.
func (c *collector) userRecords(f *finished, u *userMail) {
	v := f.v
	q := mboxlist.Quota{KB: notSaidKB, Messages: notSaidKB, UsageKB: (u.bytes + 1023) / 1024, UsageMessages: u.messages, LastWarned: -1}
	if v.hasQuota {
		q.KB, q.Messages = toKB(v.quota), mboxlist.Unlimited
	}
	if c.r.opt.Limits != nil {
		if l, ok := c.r.opt.Limits(v.id); ok {
			if l.Bytes >= -2 {
				q.KB = toKB(l.Bytes)
			}
			if l.Messages >= -2 {
				q.Messages = l.Messages
			}
		}
	}
	f.put(mboxlist.QuotaDB, v.id, q.Append(nil))
	// Also when nothing is subscribed to: an earlier visit may have left a record.
	f.put(mboxlist.SubscrDB, v.id, u.waitingSubscriptions())
}

// waitingSubscriptions is a waiting record of subscr.db: a line a mailbox, + for subscribed and - for not. What it does not name stays as it is in place.
func (u *userMail) waitingSubscriptions() []byte {
	var b []byte
	for _, name := range u.subscribed {
		b = append(append(append(b, '+'), name...), '\n')
	}
	for _, name := range u.unsubscribed {
		b = append(append(append(b, '-'), name...), '\n')
	}
	return b
}

// mergeSubscriptions makes the record of subscr.db of the one in place and the waiting one; nil: there is none.
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
	var out mboxlist.Subscriptions
	for name, subscribed := range has {
		if subscribed {
			out = append(out, name)
		}
	}
	if len(out) == 0 {
		return nil
	}
	slices.Sort(out)
	return out.Append(nil)
}

// toKB floors a limit in bytes to KB; the words for none and default stay.
func toKB(limit int64) int64 {
	if limit < 0 {
		return limit
	}
	return limit / 1024
}

func (f *finished) put(k mboxlist.Kind, key string, value []byte) {
	f.records = append(f.records, record{listPrefix(k) + key, value})
}

// writeLists merges the records of the run into the four databases, under the lock that runs of several processes share.
func (r *run) writeLists() error {
	if err := r.run.LockLists(); err != nil {
		return fmt.Errorf("lock the mailbox lists: %w", err)
	}
	defer r.run.UnlockLists()
	if err := r.store.MkdirAll(lists.Dir); err != nil {
		return err
	}
	for _, k := range listKinds {
		if err := r.writeList(k); err != nil {
			return fmt.Errorf("%s/%s: %w", lists.Dir, k.FileName(), err)
		}
	}
	return r.store.SyncAll()
}

// writeList replaces one database when that changes a byte of it.
func (r *run) writeList(k mboxlist.Kind) error {
	place := lists.Dir + "/" + k.FileName()
	old, err := r.store.Open(place)
	if err != nil && !isNotExist(err) {
		return err
	}
	var oldSize int64
	if err == nil {
		defer old.Close()
		info, err := old.Stat()
		if err != nil {
			return err
		}
		oldSize = info.Size()
	}
	fresh, err := r.buildList(k, old, oldSize)
	if err != nil {
		return err
	}
	defer fresh.Close()
	same, err := lists.SameBytes(fresh, old, oldSize)
	if err != nil {
		return err
	}
	if same {
		return r.run.Dir.Remove(k.FileName())
	}
	if o := r.opt.Owner; o != nil {
		if err := fresh.Chown(o.UID, o.GID); err != nil {
			return err
		}
	}
	if err := r.dateList(fresh, old); err != nil {
		return err
	}
	if r.opt.Sync != storeconv.SyncNone {
		if err := fresh.Sync(); err != nil {
			return err
		}
	}
	return r.run.Dir.Replace(k.FileName(), r.store.Dir, place)
}

// dateList gives a database the date of the backup, so that the same input makes the same store. Where that would set a database back in time, it keeps the time of
// its writing.
func (r *run) dateList(fresh, old *os.File) error {
	if r.date <= 0 || r.date > ims.MaxTime {
		return nil
	}
	if old != nil {
		info, err := old.Stat()
		if err != nil || info.ModTime().Unix() > r.date {
			return err
		}
	}
	return os.Chtimes(fresh.Name(), time.Time{}, time.Unix(r.date, 0))
}

// buildList writes the merged database into the run's folder.
func (r *run) buildList(k mboxlist.Kind, old *os.File, oldSize int64) (fresh *os.File, err error) {
	opts := bdb.WriterOptions{Version: r.opt.Version, ByteOrder: r.opt.ByteOrder, PageSize: r.opt.PageSize, Name: k.FileName(), TempDir: r.run.Path("")}
	var have listCursor
	if old != nil && oldSize > 0 {
		reader, err := bdb.NewReader(old, oldSize, bdb.Options{Strict: true})
		if err != nil {
			return nil, err
		}
		if m := reader.Meta(); m.Type == bdb.Btree {
			likeOld(&opts, m)
		}
		have.c = reader.Cursor()
	}
	fresh, err = os.OpenFile(r.run.Path(k.FileName()), os.O_RDWR|os.O_CREATE|os.O_TRUNC, durable.FileMode)
	if err != nil {
		return nil, err
	}
	w, err := bdb.NewWriter(fresh, opts)
	if err == nil {
		if err = r.mergeList(k, w, &have); err != nil {
			w.Abort()
		} else {
			err = w.Close()
		}
	}
	if err != nil {
		fresh.Close()
		return nil, err
	}
	return fresh, nil
}

// likeOld takes what the options do not say from the database in place.
func likeOld(opts *bdb.WriterOptions, m bdb.Meta) {
	if opts.Version == 0 {
		opts.Version = int(m.Version)
	}
	if opts.ByteOrder == nil {
		opts.ByteOrder = m.ByteOrder
	}
	if opts.PageSize == 0 {
		opts.PageSize = int(m.PageSize)
	}
}

// listCursor looks at the records of the database in place one ahead.
type listCursor struct {
	c          *bdb.Cursor
	key, value []byte
	have       bool
}

func (l *listCursor) advance() error {
	l.have = false
	if l.c == nil {
		return nil
	}
	key, value, err := l.c.Next()
	if err == io.EOF {
		l.c = nil
		return nil
	}
	l.key, l.value, l.have = key, value, err == nil
	return err
}

// mergeList writes the records of the database in place and the waiting ones, in the order of their keys.
func (r *run) mergeList(k mboxlist.Kind, w *bdb.Writer, have *listCursor) error {
	if err := have.advance(); err != nil {
		return err
	}
	prefix := listPrefix(k)
	err := r.jr.Range(prefix, func(key, value []byte) error {
		key = key[len(prefix):]
		for have.have && bytes.Compare(have.key, key) < 0 {
			if err := w.Put(have.key, have.value); err != nil {
				return err
			}
			if err := have.advance(); err != nil {
				return err
			}
		}
		var old []byte
		if have.have && bytes.Equal(have.key, key) {
			old = bytes.Clone(have.value)
			if err := have.advance(); err != nil {
				return err
			}
		}
		merged := mergeValue(k, old, value)
		if merged == nil {
			return nil
		}
		return w.Put(key, merged)
	})
	for err == nil && have.have {
		if err = w.Put(have.key, have.value); err == nil {
			err = have.advance()
		}
	}
	return err
}

// mergeValue joins the value of a waiting record with the one in place, nil for none. Nil: no record is left.
func mergeValue(k mboxlist.Kind, old, fresh []byte) []byte {
	switch k {
	case mboxlist.QuotaDB:
		return mergeQuota(old, fresh)
	case mboxlist.SubscrDB:
		return mergeSubscriptions(old, fresh)
	}
	return fresh
}

// mergeQuota keeps the limits in place where the run knows none, and the date of the last warning.
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
