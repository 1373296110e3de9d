package export

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"imsconv/dbconv/mboxlist"
	"imsconv/storeconv"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/lists"
)

// storeFeed reads a store.
type storeFeed struct {
	r      *run
	root   *os.File
	reader *ims.Reader
	lists  *lists.Lists
	held   chan struct{} // who may ask the lists: one at a time
	asks   asker         // who asks: what is wrong with them is told there

	partitions []string // that the store has
}

// storeUser is a user of the store, with the partitions in which a part of the
// mail lies.
type storeUser struct {
	id         string
	partitions []string
	elsewhere  bool // exported in another shard
}

// feedStore reads the store of the run, several users at a time.
func (r *run) feedStore(ctx context.Context) error {
	root, err := os.Open(r.src.store)
	if err != nil {
		return err
	}
	defer root.Close()
	f := &storeFeed{r: r, root: root, reader: ims.NewReader(root), held: make(chan struct{}, 1)}
	f.tellUnfinished()
	f.asks.Log = r.log
	if f.lists, err = lists.Open(root.Name(), &f.asks); err != nil {
		return err
	}
	defer f.lists.Close()
	users, err := f.users()
	if err != nil {
		return err
	}
	whole := ctx
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(r.opt.Jobs)
	for _, su := range users {
		if ctx.Err() != nil {
			break
		}
		r.roomToOpen()
		if su.elsewhere {
			if err := r.claimElsewhere(su.id); err != nil {
				r.fail(err)
				break
			}
			continue
		}
		u, refused, err := r.openUser(su.id)
		if err == nil && u == nil {
			err = f.loseUser(ctx, su, refused)
		}
		if err != nil {
			r.fail(err)
			break
		}
		if u == nil {
			continue
		}
		group.Go(func() error {
			if err := f.user(ctx, u, su); err != nil {
				r.fail(err)
			}
			return nil
		})
	}
	group.Wait()
	r.waitPlaced() // what is told of users comes first
	f.missing()
	return f.missingTrees(whole)
}

// missingTrees tells of mailboxes that folder.db has and the store does not.
func (f *storeFeed) missingTrees(ctx context.Context) error {
	only, sel := f.r.opt.Partition, f.r.sel
	err := f.lists.MissingTrees(ctx, f.reader, func(partition, id, mailbox string) bool {
		return (only == "" || partition == only) && sel.TakesIn(partition, id) && sel.TakesMailboxIn(partition, id, mailbox)
	}, "exported", f.r.log)
	if ctx.Err() != nil {
		return nil // the caller sees it
	}
	return err
}

// tellUnfinished tells of runs that have not ended: what they have not put in
// place is in no mailbox yet.
func (f *storeFeed) tellUnfinished() {
	runs, err := f.reader.Runs()
	if err != nil {
		f.r.log.Problem(ims.Unreadable, ims.WorkDir, err.Error())
	}
	for _, u := range runs {
		if u.Done {
			f.r.log.Warning(u.Kind(), u.Path, u.Text())
			continue
		}
		f.r.log.Problem(u.Kind(), u.Path, u.Text()+"; it may be missing from this export")
	}
}

// stray tells of what is no part of a store and is left out. Mail where the
// store does not look for it, and a partition that cannot be entered, are lost
// to the export as what cannot be read is, unless it is this process that can
// read no more.
func (f *storeFeed) stray(log storeconv.Log, e *ims.Error) {
	if ims.OfMachine(e) {
		f.r.fail(e)
		return
	}
	n := storeconv.NoteOf(e)
	if e.HidesMail() {
		n.Severity = storeconv.Problem
	}
	if e.Class == ims.Misplaced || e.Class == ims.StrayFile {
		n.Text += ": it is not exported"
	}
	n.Tell(log)
}

// strayOf tells of what is no part of a store in the place of a user.
func (f *storeFeed) strayOf(u *user, e *ims.Error) {
	f.stray(u.log, e)
	u.room()
}

// asker is the log of the lists while somebody asks them.
type asker struct{ storeconv.Log }

// users returns the users to export, and those whom other shards export, in
// byte order of their ids.
func (f *storeFeed) users() ([]storeUser, error) {
	stray := func(e *ims.Error) { f.stray(f.r.log, e) }
	partitions, err := f.reader.Partitions(stray)
	if err != nil {
		return nil, err
	}
	f.partitions = partitions
	if only := f.r.opt.Partition; only != "" {
		if !slices.Contains(partitions, only) {
			return nil, fmt.Errorf("the store has no partition %s", only)
		}
		partitions = []string{only}
	}
	var users []storeUser
	for _, p := range partitions {
		err := f.reader.Users(p, stray, func(u ims.User) error {
			if takes := f.r.sel.MeetIn(p, u.ID); takes || f.r.sel.ElsewhereIn(p, u.ID) {
				users = append(users, storeUser{u.ID, []string{p}, !takes})
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(users, func(x, y storeUser) int { return strings.Compare(x.id, y.id) })
	merged := users[:0]
	for _, u := range users {
		if n := len(merged); n > 0 && merged[n-1].id == u.id {
			merged[n-1].partitions = append(merged[n-1].partitions, u.partitions...)
			continue
		}
		merged = append(merged, u)
	}
	return merged, nil
}

// missing tells what was named and is not there.
func (f *storeFeed) missing() {
	for _, p := range f.r.sel.MissingIn() {
		switch {
		case !slices.Contains(f.partitions, p.Partition):
			f.r.log.Problem("no-partition", "partition "+p.Partition, "the store does not have this partition")
		case f.r.opt.Partition != "" && f.r.opt.Partition != p.Partition:
			f.r.log.Problem("no-partition", "partition "+p.Partition, "only partition "+f.r.opt.Partition+" is exported")
		case p.User != "":
			f.r.log.Problem("no-user", "user "+p.User, "partition "+p.Partition+" does not have this user")
		}
	}
	for _, id := range f.r.sel.Missing() {
		f.r.log.Problem("no-user", "user "+id, "the store does not have this user")
	}
	for _, at := range f.r.sel.MissingMailboxes() {
		f.r.log.Problem("no-mailbox", "user/"+at, "the store does not have this mailbox")
	}
}

// user exports one user.
func (f *storeFeed) user(ctx context.Context, u *user, su storeUser) error {
	if err := f.describe(u, su.id); err != nil {
		return err
	}
	if err := u.inbox(); err != nil {
		return err
	}
	for _, p := range su.partitions {
		at := ims.User{Partition: p, ID: su.id, Path: ims.UserDir(p, su.id)}
		stray := func(e *ims.Error) {
			f.strayOf(u, e)
			if e.Class == ims.Unreadable && e.Path == at.Path {
				u.unread = true
			}
		}
		err := f.reader.Mailboxes(at, stray, func(box *ims.Mailbox) error {
			if !box.HasIndex && !box.HasMessageDirs() || !f.r.sel.TakesMailboxIn(p, su.id, box.Name) {
				return box.Close()
			}
			if err := ctx.Err(); err != nil {
				box.Close()
				return err
			}
			return f.mailbox(ctx, u, box)
		})
		if err != nil {
			u.wg.Wait()
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
	}
	u.wg.Wait()
	if ctx.Err() != nil {
		return nil
	}
	if u.unread && !u.there {
		u.failed = errors.New("a directory or an index of the user cannot be read: nothing is made, so that what a later run can read keeps its UIDs")
		f.r.leaveOut(u)
		f.r.endLane(u.lane)
		return nil
	}
	return f.r.finish(u)
}

// loseUser counts the message files of a user who cannot be exported as lost by
// the kind of what was told of him, which tells of all that lies with him.
func (f *storeFeed) loseUser(ctx context.Context, su storeUser, kind string) error {
	var n int64
	told := func(e *ims.Error) {
		if ims.OfMachine(e) {
			f.r.fail(e)
		}
	}
	for _, p := range su.partitions {
		at := ims.User{Partition: p, ID: su.id, Path: ims.UserDir(p, su.id)}
		err := f.reader.Mailboxes(at, told, func(box *ims.Mailbox) error {
			defer box.Close() // opened for reading
			if !f.r.sel.TakesMailboxIn(p, su.id, box.Name) {
				return nil
			}
			return box.Messages(told, func(uint32) error {
				n++
				return ctx.Err()
			})
		})
		if ctx.Err() != nil {
			return nil // the caller sees it
		}
		if err != nil {
			return err
		}
	}
	if n > 0 {
		f.r.count(func(rep *Report) { rep.lose(kind, n) })
	}
	return nil
}

// get asks a mailbox list.
func (f *storeFeed) get(u *user, kind mboxlist.Kind, key string) ([]byte, bool) {
	f.held <- struct{}{}
	f.asks.Log = u.log
	defer func() { f.asks.Log = f.r.log; <-f.held }()
	value, ok, err := f.lists.Get(kind, key)
	if err != nil {
		u.log.Problem("database", "key "+key, err.Error())
	}
	return value, ok && err == nil
}

// describe takes what the databases say of a user.
func (f *storeFeed) describe(u *user, id string) error {
	value, ok := f.get(u, mboxlist.QuotaDB, id)
	if !ok {
		return nil
	}
	q, err := mboxlist.ParseAnyQuota(value)
	if err != nil {
		u.log.Warning("quota", u.where(), "the quota record is of a form that is not known: no limit is set")
		return nil
	}
	u.setQuota(kbBytes(q.KB), q.Messages)
	return nil
}

func kbBytes(kb int64) int64 {
	if kb > math.MaxInt64/1024 {
		return -1
	}
	if kb <= 0 {
		return kb
	}
	return kb * 1024
}

// setQuota takes limits as the store has them: -1 no limit, -2 the server's.
func (u *user) setQuota(bytes, messages int64) {
	if bytes == -2 && messages <= 0 || bytes == -2 && messages == -2 {
		return
	}
	if bytes == 0 { // nothing may be stored: no server of today knows that
		u.log.Warning("quota", u.where(), "a limit of 0 bytes, which a server takes for none, is left out")
		return
	}
	u.quota = &quota{max(bytes, 0), max(messages, 0)}
}

// mailbox exports one mailbox; box is closed when its messages are written.
func (f *storeFeed) mailbox(ctx context.Context, u *user, src *ims.Mailbox) error {
	defer src.Close()
	if unread, err := f.unreadIndex(u, src); unread || err != nil {
		return err
	}
	b, err := u.openBox(src.Name)
	if b == nil || err != nil {
		return err
	}
	b.src = src
	p := f.r.newPacker(u)
	err = f.messages(ctx, b, p)
	p.writeRest()
	u.wg.Wait() // src is closed now, and another of the name may come from another partition
	b.src, b.index = nil, nil
	return err
}

// unreadIndex tells whether a mailbox has an index that this user may not read.
// Made without it, the mailbox would have a UIDVALIDITY of ours and no flags,
// and keep them when a later run can read it: nothing of it is made.
func (f *storeFeed) unreadIndex(u *user, src *ims.Mailbox) (bool, error) {
	if !src.HasIndex {
		return false, nil
	}
	file, err := src.Index()
	if err == nil {
		return false, file.Close()
	}
	if !errors.Is(err, fs.ErrPermission) {
		return false, nil // it is met again
	}
	u.unread = true
	u.log.Problem(ims.Unreadable, src.Path+"/"+ims.IndexName, err.Error()+": nothing of the mailbox is exported")
	var n int64
	passOver := func(*ims.Error) {}
	err = src.Messages(passOver, func(uint32) error { n++; return nil })
	f.r.count(func(rep *Report) { rep.lose(ims.Unreadable, n) })
	return true, err
}

// messages gives the messages of a mailbox to the workers.
func (f *storeFeed) messages(ctx context.Context, b *box, p *packer) error {
	index, err := f.index(b)
	if err != nil {
		return err
	}
	if index == nil {
		f.withoutIndex(b)
		return f.files(ctx, b, p)
	}
	defer index.close()
	f.header(b, &index.Header)
	return b.src.EachMessage(index.IndexReader, ims.Found{
		Record: func(rec *ims.Record) error { return f.message(ctx, b, p, rec, index.Header.Userflags) },
		Unnamed: func(uid uint32, lost bool) error {
			path := b.src.Path + "/" + ims.MessagePath(uid)
			if !lost {
				b.u.log.Problem("not-indexed", path, "a message file that the index does not name: it is not exported")
				b.u.room()
				return ctx.Err()
			}
			b.u.log.Problem("no-index", path, fmt.Sprintf("the index is damaged and does not tell of UID %d: it is exported without flags, with the date of its file", uid))
			return f.file(ctx, b, p, uid)
		},
		Damage: func(err error) {
			b.u.log.Problem("bad-index", b.src.Path, err.Error()+": the messages of which it does not tell are exported by their files")
		},
		Stray: func(e *ims.Error) { f.strayOf(b.u, e) },
	})
}

// keywordsOf are the keywords of a message by the names of its index, without
// those that can be none.
func keywordsOf(rec *ims.Record, names []string) (set []string) {
	if len(rec.Keywords) == 0 {
		return nil
	}
	for i, k := range names {
		if rec.HasKeyword(i) && ims.IsKeyword(k) {
			set = append(set, k)
		}
	}
	return set
}

// header takes what an index says of its mailbox.
func (f *storeFeed) header(b *box, h *ims.Header) {
	b.setValidity(h.UIDValidity)
	b.subscribed = h.Subscribed
	if h.LastUID < math.MaxUint32 {
		b.next = h.LastUID + 1
	}
	b.acl = aclLines(h.ACL)
	b.index = h
}

// aclLines turns the one line of an index, or of folder.db, into lines.
func aclLines(acl string) string {
	f := strings.Split(acl, "\t")
	var lines []string
	for i := 0; i+1 < len(f); i += 2 {
		if f[i] != "" {
			lines = append(lines, f[i]+"\t"+f[i+1])
		}
	}
	return strings.Join(lines, "\n")
}

// withoutIndex takes what is known of a mailbox beside its files.
func (f *storeFeed) withoutIndex(b *box) {
	b.foreign = true
	b.u.count(func(rep *Report) { rep.Foreign++ })
	if value, ok := f.get(b.u, mboxlist.FolderDB, mboxlist.FolderKey(b.src.ID, ims.Canonical(b.name))); ok {
		if rec, err := mboxlist.ParseFolder(value); err == nil {
			var lines []string
			for _, a := range rec.ACL {
				lines = append(lines, a.Identifier+"\t"+a.Rights)
			}
			b.acl = strings.Join(lines, "\n")
		}
	}
	if value, ok := f.get(b.u, mboxlist.SubscrDB, b.src.ID); ok {
		if subs, err := mboxlist.ParseSubscriptions(value); err == nil {
			b.subscribed = slices.Contains(subs, ims.MailboxName(b.src.ID, b.name))
		}
	}
}

// message gives one message of an index to the workers.
func (f *storeFeed) message(ctx context.Context, b *box, p *packer, rec *ims.Record, names []string) error {
	b.u.room()
	if !b.meet(rec.UID) {
		b.refuse(rec.UID, "uid-twice", "the mailbox has another message of this UID, from another partition")
		return nil
	}
	m := record{uid: rec.UID, date: rec.InternalDate, size: rec.Size, flags: rec.Flags, sum: rec.SHA256}
	m.words = b.u.words.number(keywordsOf(rec, names))
	if rec.HasSum() && b.recall(&m) {
		if !f.r.resumed() {
			b.met(rec.Size)
			return ctx.Err()
		}
	}
	return p.add(ctx, item{b: b, turn: b.u.lane.turn(), rec: b.recs.add(m)})
}

// files gives all message files to the workers.
func (f *storeFeed) files(ctx context.Context, b *box, p *packer) error {
	if b.letters == nil && b.made {
		b.numberKeywords(nil)
	}
	uids, err := b.src.UIDs(func(e *ims.Error) { f.strayOf(b.u, e) })
	if err != nil {
		return err
	}
	for _, uid := range uids {
		b.u.room()
		if err := f.file(ctx, b, p, uid); err != nil {
			return err
		}
	}
	return nil
}

// file gives a message file to the workers, with no more than the file tells.
func (f *storeFeed) file(ctx context.Context, b *box, p *packer, uid uint32) error {
	if !b.meet(uid) {
		b.refuse(uid, "uid-twice", "the mailbox has another message of this UID, from another partition")
		return nil
	}
	return p.add(ctx, item{b: b, turn: b.u.lane.turn(), rec: b.recs.add(record{uid: uid, date: ims.NoTime, size: -1})})
}
