package export

import (
	"bufio"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"sync"

	"imsconv/storeconv/durable"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/maildir"
)

// finish makes what a user needs beside messages, and hands him over to be put
// in place. All of his messages have been written.
func (r *run) finish(u *user) error {
	if err := r.failure(); err != nil {
		return nil // it is told already
	}
	if u.failed != nil {
		u.hand()
		return nil
	}
	u.room()
	err := r.finishBoxes(u)
	if err == nil && !r.dry() && u.failed == nil {
		err = u.finishMove()
	}
	u.lines = u.resultLines()
	for _, b := range u.boxes {
		b.recs.letGo()
	}
	u.hand()
	return err
}

// hand hands a user over. What is told from here on has one turn, since it is
// told while the feeder goes on.
func (u *user) hand() {
	u.log = u.lane.at(u.lane.turn())
	u.r.done <- u
}

func (r *run) finishBoxes(u *user) error {
	if err := u.nameAll(); err != nil {
		return err
	}
	if r.opt.To == Mbox && !u.there && u.quota != nil && u.quota.bytes+u.quota.messages > 0 {
		u.decides().Warning("quota", u.where(), "mailbox files have no place for limits: the server has to be told them")
		u.count(func(rep *Report) { rep.LimitsLost++ })
	}
	if err := u.checkPlaced(); err != nil || u.failed != nil {
		return err
	}
	for _, b := range u.boxes {
		b.settle()
		var err error
		switch {
		case r.dry():
			err = b.finishDry()
		case r.opt.To == Mbox:
			err = b.finishMbox()
		case b.made:
			err = b.finishMaildir()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// settle decides what the source has left open.
func (b *box) settle() {
	u := b.u
	b.recs.sort()
	if b.validity == 0 {
		b.validity = b.guessValidity()
	}
	if b.foreign {
		u.log.Warning("no-index", b.whole(), fmt.Sprintf("no index of this project: flags are not known and left out, UIDVALIDITY is not known and %d stands in its place, dates are those of the files", b.validity))
	}
	if u.r.opt.To == Mbox && b.made {
		b.tellRights()
	}
	var written, bytes, archived, undated int64
	for i := range b.recs.n {
		rec := b.recs.at(i)
		if rec.state != fresh {
			continue
		}
		written++
		bytes += rec.size
		if rec.flags&ims.Archived != 0 {
			archived++
		}
		if rec.date < 0 && u.r.opt.To == Maildir {
			undated++
		}
	}
	if archived > 0 {
		u.decides().Warning("archived", b.whole(), fmt.Sprintf(`%d messages have the flag \Archived, which no server of today knows: it is left out`, archived))
	}
	if undated > 0 {
		u.decides().Warning("date", b.whole(), fmt.Sprintf("%d messages are dated before 1970: their names say 0, their files have the date", undated))
	}
	u.count(func(rep *Report) {
		rep.Mailboxes++
		rep.Messages += written
		rep.Bytes += bytes
		rep.Archived += archived
		rep.NoDate += undated
	})
}

// guessValidity is the UIDVALIDITY of a mailbox whose source has none: the date
// of the backup, else that of its first message, else 1.
func (b *box) guessValidity() uint32 {
	if b.old != nil && b.old.known {
		return b.old.validity
	}
	if s := b.u.r.src.stream; s != nil && s.date > 0 && s.date < 1<<32 {
		return uint32(s.date)
	}
	for i := range b.recs.n {
		if rec := b.recs.inOrder(i); rec.state != failed && rec.date > 0 && rec.date < 1<<32 {
			return uint32(rec.date)
		}
	}
	return 1
}

// finishMaildir writes the small files of a mailbox that is made.
func (b *box) finishMaildir() error {
	if err := b.finishKeywords(); err != nil {
		return err
	}
	if err := b.writeUidlist(); err != nil {
		return err
	}
	if err := b.writeKeywords(); err != nil {
		return err
	}
	if err := b.writeACL(); err != nil {
		return err
	}
	if b.dir == "" || b.u.r.opt.Layout == maildir.FS {
		return nil
	}
	return b.u.r.stageFile(b.stage+"/maildirfolder", func(io.Writer) error { return nil })
}

// buffers are those of small files, of which a site has many.
var buffers = sync.Pool{New: func() any { return bufio.NewWriterSize(nil, 32<<10) }}

// stageFile writes a small file into the stage.
func (r *run) stageFile(name string, write func(w io.Writer) error) error {
	f, err := r.folder.Stage.Create(name)
	if err != nil {
		return err
	}
	w := buffers.Get().(*bufio.Writer)
	w.Reset(f)
	defer buffers.Put(w)
	err = write(w)
	if err == nil {
		err = w.Flush()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}

// finishKeywords numbers the keywords now that all messages have come, and
// gives the files their letters.
func (b *box) finishKeywords() error {
	if b.letters != nil {
		return nil
	}
	used := make(map[string]int64)
	for i := range b.recs.n {
		if rec := b.recs.at(i); rec.state == fresh {
			for _, k := range b.u.words.names(rec.words) {
				used[k]++
			}
		}
	}
	b.numberKeywords(used)
	if b.u.r.dry() {
		return nil
	}
	stage := b.u.r.folder.Stage
	for i := range b.recs.n {
		rec := b.recs.at(i)
		if rec.state != fresh || rec.words == 0 {
			continue
		}
		was := b.stage + "/cur/" + b.base(rec) + maildir.Info(maildir.FlagLetters(rec.flags, nil))
		if to := b.file(rec); to != was {
			if err := stage.Rename(was, stage, to); err != nil {
				return err
			}
		}
	}
	return nil
}

// writeUidlist writes the UIDs of a mailbox that is made.
func (b *box) writeUidlist() error {
	b.fitUIDs()
	last := uint32(0)
	for i := range b.recs.n {
		if rec := b.recs.inOrder(i); rec.state == fresh {
			last = b.targetUID(rec)
		}
	}
	h := maildir.UidlistHeader{Validity: b.validity, Next: min(max(b.next, last+1), lastUID+1), GUID: b.guid(b.validity)}
	return b.u.r.stageFile(b.stage+"/"+maildir.UidlistName, func(w io.Writer) error {
		list := maildir.NewUidlistWriter(w, h)
		for i := range b.recs.n {
			rec := b.recs.inOrder(i)
			if rec.state != fresh {
				continue
			}
			if err := list.Write(b.uidlistEntry(rec, b.targetUID(rec))); err != nil {
				return err
			}
		}
		return list.Flush()
	})
}

func (b *box) uidlistEntry(rec *record, uid uint32) *maildir.UidlistEntry {
	e := &maildir.UidlistEntry{UID: uid, Name: b.base(rec) + maildir.Info(b.flagLetters(rec))}
	if text := b.u.r.uidl.of(b.validity, rec.uid); text != "" {
		e.Fields = []maildir.Field{{Key: 'P', Value: text}}
	}
	return e
}

// lastUID is the largest UID that is given: Dovecot keeps one more, but its
// dsync ends with a failure on UIDNEXT 4294967295.
const lastUID = maildir.MaxUID - 1

// fitUIDs finds other UIDs for messages whose own are too large: those behind
// the last message that keeps its own.
func (b *box) fitUIDs() {
	n := b.recs.n
	for n > 0 && b.recs.inOrder(n-1).uid > lastUID {
		n--
	}
	next := uint32(1)
	if n > 0 {
		next = b.recs.inOrder(n-1).uid + 1
	}
	for ; n < b.recs.n; n++ {
		rec := b.recs.inOrder(n)
		if rec.state != fresh {
			continue
		}
		if next > lastUID {
			b.u.decides().Problem("uid", b.where(rec.uid), "a Maildir has no UID for it, and none is free")
			b.u.count(func(rep *Report) { rep.Refused++; rep.Messages--; rep.Bytes -= rec.size })
			b.skip("uid")
			rec.state = failed
			continue
		}
		if b.fitted == nil {
			b.fitted = make(map[uint32]uint32)
		}
		b.u.decides().Warning("uid", b.where(rec.uid), fmt.Sprintf("Dovecot cannot have this UID: the message has UID %d", next))
		b.u.count(func(rep *Report) { rep.OtherUID++ })
		b.fitted[rec.uid] = next
		next++
	}
}

// targetUID is the UID of a message in a mailbox that is made.
func (b *box) targetUID(rec *record) uint32 {
	if uid, ok := b.fitted[rec.uid]; ok {
		return uid
	}
	return rec.uid
}

func (b *box) writeKeywords() error {
	if len(b.letters) == 0 {
		return nil
	}
	names := make([]string, len(b.letters))
	for k, n := range b.letters {
		names[n] = k
	}
	return b.u.r.stageFile(b.stage+"/"+maildir.KeywordsName, func(w io.Writer) error { return maildir.WriteKeywords(w, names) })
}

// rights are those of a mailbox, when they are others than those that an owner
// has anyhow.
func (b *box) rights() (rights []maildir.Right, refused []string) {
	rights, refused = maildir.RightsOf(b.u.source, b.acl)
	rights = b.u.newRights(rights)
	if len(rights) == 1 && rights[0] == (maildir.Right{Identifier: "owner", Letters: maildir.OwnerRights}) {
		return nil, refused
	}
	return rights, refused
}

// tellRights tells of rights that mailbox files have no place for.
func (b *box) tellRights() {
	if rights, refused := b.rights(); len(rights)+len(refused) > 0 {
		b.u.decides().Warning("rights", b.whole(), "mailbox files have no place for rights: nobody but the user gets them")
		b.u.count(func(rep *Report) { rep.RightsLost++ })
	}
}

// tellRefused tells of rights that a dovecot-acl cannot have, and of an owner
// to whom it gives more than the source does.
func (b *box) tellRefused(rights []maildir.Right, refused []string) {
	isOwner := func(r maildir.Right) bool { return r.Identifier == "owner" }
	if len(rights) > 0 && !slices.ContainsFunc(rights, isOwner) {
		b.u.decides().Warning("rights", b.whole(), "the rights do not name the owner, and a server gives him all then")
	}
	for _, line := range refused {
		b.u.decides().Warning("rights", b.whole(), fmt.Sprintf("the rights %q have no form in a dovecot-acl: they are left out", line))
	}
}

func (b *box) writeACL() error {
	rights, refused := b.rights()
	b.tellRefused(rights, refused)
	if len(rights) == 0 {
		return nil
	}
	b.u.shares = true
	return b.u.r.stageFile(b.stage+"/"+maildir.ACLName, func(w io.Writer) error { return maildir.WriteACL(w, rights) })
}

// newRights gives users in a list of rights the ids that they have on the new
// side. Of two names that are one user's now, the later line counts.
func (u *user) newRights(rights []maildir.Right) []maildir.Right {
	out := rights[:0]
	for _, right := range rights {
		right.Identifier = u.newIdentifier(right.Identifier)
		same := func(r maildir.Right) bool { return r.Identifier == right.Identifier }
		if i := slices.IndexFunc(out, same); i >= 0 {
			out[i] = right
			continue
		}
		out = append(out, right)
	}
	return out
}

func (u *user) newIdentifier(who string) string {
	sign, name := "", who
	if rest, negative := strings.CutPrefix(who, "-"); negative {
		sign, name = "-", rest
	}
	id, ok := strings.CutPrefix(name, "user=")
	if !ok {
		return who
	}
	to, err := u.r.sel.StoreID(id)
	switch {
	case err != nil:
		return who
	case to == u.id:
		return sign + "owner"
	}
	return sign + "user=" + u.r.template.login(to)
}

// finishMove writes what belongs to the user as a whole.
func (u *user) finishMove() error {
	u.move = durable.Move{From: u.stage, To: u.place}
	if u.there {
		return u.finishPending()
	}
	if err := u.r.folder.Stage.MkdirAll(u.stage); err != nil { // of one without any mailbox nothing is there yet
		return err
	}
	if err := u.writeSubscriptions(); err != nil {
		return err
	}
	if err := u.writeSize(); err != nil {
		return err
	}
	return u.writeList(u.stage + ".list")
}

// subscriptionsName is the file of subscriptions. Beside mailbox files it has a
// dot, or it would be taken for one.
func (r *run) subscriptionsName() string {
	if r.opt.To == Mbox {
		return "." + maildir.SubscriptionsName
	}
	return maildir.SubscriptionsName
}

// writeSubscriptions writes the subscriptions of a user who is made.
func (u *user) writeSubscriptions() error {
	lines, err := u.subscriptions(func(b *box) bool { return b.subscribed })
	if err != nil || lines == nil {
		return err
	}
	return u.r.stageFile(u.stage+"/"+u.r.subscriptionsName(), func(w io.Writer) error { return maildir.WriteSubscriptions(w, lines) })
}

func (u *user) subscriptions(which func(b *box) bool) (lines []string, err error) {
	for _, b := range slices.SortedFunc(slices.Values(u.boxes), func(a, b *box) int { return compareNames(a.name, b.name) }) {
		if !which(b) {
			continue
		}
		line, err := u.r.naming.Subscription(b.target)
		if err != nil && b.target != ims.Inbox {
			return nil, err
		}
		if b.target == ims.Inbox {
			line = ims.Inbox
		}
		lines = append(lines, line)
		if u.r.opt.To == Mbox && !u.r.opt.Folders && path.Base(b.dir) == folderFile { // what servers show of its mail
			lines = append(lines, line+"\t"+folderFile)
		}
	}
	return lines, nil
}

// writeSize writes the limits of a user who is made, with what is used.
func (u *user) writeSize() error {
	if u.quota == nil || u.r.opt.To == Mbox {
		return nil
	}
	size := maildir.Size{MaxBytes: u.quota.bytes, MaxCount: u.quota.messages, Bytes: u.rep.Bytes, Count: u.rep.Messages}
	return u.r.stageFile(u.stage+"/"+maildir.SizeName, func(w io.Writer) error { return maildir.WriteSize(w, size) })
}
