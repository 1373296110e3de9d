package export

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"imsconv/storeconv/durable"
	"imsconv/storeconv/maildir"
)

// finishPending writes what is to be done for a user whom the destination has:
// a directory that one rename puts among the pending users, with
//
//	new           the mailboxes, and the messages that are new or get other flags
//	list          the list of exported mail as it will be
//	<number>/     the new files of a mailbox, or all of a new mailbox
//	maildirsize   as it will be, where there is one
func (u *user) finishPending() error {
	r := u.r
	work := false
	for _, b := range u.boxes {
		if err := b.raiseNext(); err != nil {
			return err
		}
		work = work || b.hasWork()
	}
	if !work {
		u.move = durable.Move{}
		return r.folder.Stage.RemoveAll(u.stage)
	}
	if err := r.folder.Stage.MkdirAll(u.stage); err != nil {
		return err
	}
	u.move.To, u.adding = pendingDir+"/"+listName(u.place), true
	if err := u.writeNew(u.stage + "/new"); err != nil {
		return err
	}
	if err := u.addSize(); err != nil {
		return err
	}
	return u.writeList(u.stage + "/list")
}

// hasWork tells whether a mailbox of a user who is there has anything new. One
// that was deleted there comes back only with new mail.
func (b *box) hasWork() bool {
	if b.made && b.old == nil || b.old != nil && b.old.moved || b.raised {
		return true
	}
	for i := range b.recs.n {
		if b.recs.at(i).state == fresh {
			return true
		}
	}
	if b.old == nil || b.made {
		return false
	}
	for i := range b.old.recs.n {
		if b.old.recs.at(i).state == change {
			return true
		}
	}
	return false
}

// raiseNext finds out whether the next UID of a mailbox that is there is below
// the source's. Then the source has given UIDs that no message of it has any
// more, and clients know those: no other message may get them.
func (b *box) raiseNext() error {
	o := b.old
	if b.u.r.opt.To != Maildir || b.made || o == nil || o.moved || o.made == 1 || !o.known || o.validity != b.validity || b.next > lastUID+1 {
		return nil
	}
	f, list, err := b.u.r.openUidlist(b.u.place + "/" + b.join(maildir.UidlistName))
	if err != nil || list == nil {
		return nil // add tells what is wrong, when it has to change it
	}
	defer f.Close()
	if list.Header.Validity != b.validity || list.Header.Next >= b.next {
		return nil
	}
	next := list.Header.Next
	for e, err := range list.All() {
		if e == nil || err != nil {
			return nil
		}
		next = max(next, e.UID+1)
	}
	b.raised = next < b.next
	return nil
}

// writeNew writes the list of what is to be done.
func (u *user) writeNew(name string) error {
	h := head{magic: pendingMagic, user: u.id, place: u.place}
	var boxes []*box
	for _, b := range u.boxes {
		if !b.hasWork() {
			continue
		}
		hb := headBox{name: b.name, target: b.target, dir: b.dir, validity: b.validity, known: true, number: b.number, made: b.made, was: b.was}
		if b.raised {
			hb.next = b.next
		}
		if b.made && b.subscribed {
			lines, err := u.subscriptions(func(o *box) bool { return o == b })
			if err != nil {
				return err
			}
			hb.subscribe = lines
		}
		h.boxes = append(h.boxes, hb)
		boxes = append(boxes, b)
	}
	return u.r.stageFile(name, func(w io.Writer) error {
		if _, err := w.Write(appendHead(nil, &h)); err != nil {
			return err
		}
		for i, b := range boxes {
			if b.made || u.r.opt.To == Mbox {
				continue
			}
			if _, err := fmt.Fprintf(w, "@ %d\n", i); err != nil {
				return err
			}
			if err := b.eachNew(w); err != nil {
				return err
			}
		}
		return nil
	})
}

// eachNew writes the lines of a mailbox: '+' and what is new, by UID, then '='
// and what gets other flags.
func (b *box) eachNew(w io.Writer) error {
	var line []byte
	put := func(e entry) error {
		e.keywords = b.u.words.names(e.words)
		line = e.append(line[:0])
		_, err := w.Write(line)
		return err
	}
	for i := range b.recs.n {
		rec := b.recs.inOrder(i)
		if rec.state != fresh {
			continue
		}
		e := entry{record: *rec, sign: '+'}
		if base := b.base(rec); base != e.fileBase() {
			e.base = base
		}
		if err := put(e); err != nil {
			return err
		}
	}
	if b.old == nil {
		return nil
	}
	for i := range b.old.recs.n {
		rec := b.old.recs.inOrder(i)
		if rec.state != change {
			continue
		}
		if err := put(entry{record: *rec, sign: '=', base: b.old.bases[rec]}); err != nil {
			return err
		}
	}
	return nil
}

// addSize adds what is new to the quota file of the destination.
func (u *user) addSize() error {
	if u.r.opt.To == Mbox || u.rep.Messages == 0 {
		return nil
	}
	b, err := u.r.out.ReadFile(u.place+"/"+maildir.SizeName, 64<<10)
	if err != nil {
		return nil // none, or one that the server makes anew anyhow
	}
	return u.r.stageFile(u.stage+"/"+maildir.SizeName, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "%s%d %d\n", b, u.rep.Bytes, u.rep.Messages)
		return err
	})
}

// finishDry tells and counts what finishing a mailbox would, and makes nothing.
func (b *box) finishDry() error {
	if !b.made {
		if err := b.tryKeywords(); err != nil {
			return err
		}
		return b.countOther()
	}
	if b.u.r.opt.To == Mbox {
		b.fitUIDs()
		return nil
	}
	err := b.finishKeywords()
	b.fitUIDs()
	b.tellRefused(b.rights())
	return err
}

// tryKeywords finds out for which keywords a mailbox that is there has no
// letters. They are told when a run would put the user in place.
func (b *box) tryKeywords() error {
	if b.u.r.opt.To == Mbox {
		return nil
	}
	there, err := b.u.r.readKeywords(b.u.place + "/" + b.join(maildir.KeywordsName))
	if err != nil {
		return err
	}
	n := newKeywords{there: there, used: make(map[string]int64)}
	for i := range b.recs.n {
		if rec := b.recs.inOrder(i); rec.state == fresh {
			n.use(b.u.words.names(rec.words))
		}
	}
	if b.old != nil {
		for i := range b.old.recs.n {
			if rec := b.old.recs.inOrder(i); rec.state == change {
				n.use(b.u.words.names(rec.words))
			}
		}
	}
	n.giveLetters()
	b.noRoom = n.lost
	return nil
}

// countOther counts the new messages of a mailbox that is there which would get
// other UIDs than in the source.
func (b *box) countOther() error {
	next, err := b.placedNext()
	if err != nil {
		return err
	}
	var other int64
	for i := range b.recs.n {
		rec := b.recs.inOrder(i)
		if rec.state != fresh {
			continue
		}
		uid := uidFrom(next, b.targetUID(rec))
		if uid > lastUID {
			return fmt.Errorf("%s: no UID is free for more messages", b.whole())
		}
		if uid != rec.uid && b.fitted[rec.uid] != uid {
			other++
		}
		next = uint64(uid) + 1
	}
	b.u.count(func(rep *Report) { rep.OtherUID += other })
	return nil
}

// placedNext is the next UID of a mailbox that is there.
func (b *box) placedNext() (uint64, error) {
	if b.u.r.opt.To == Mbox {
		b.fitUIDs()
		base, err := b.copyMbox(io.Discard)
		if err != nil || !b.appending {
			return 1, err
		}
		return uint64(base.LastUID) + 1, nil
	}
	path := b.u.place + "/" + b.join(maildir.UidlistName)
	f, list, err := b.u.r.openUidlist(path)
	if err != nil || list == nil {
		return 1, err
	}
	defer f.Close()
	next := list.Header.Next
	for e, err := range list.All() {
		if e == nil {
			return 0, fmt.Errorf("%s: %w", path, err)
		}
		next = max(next, e.UID+1)
	}
	return uint64(next), nil
}

// uidFrom is the UID that a message gets where the next one is next: its own,
// if that is not below. Above lastUID there is none.
func uidFrom(next uint64, uid uint32) uint32 {
	if uid > lastUID {
		return uint32(min(next, lastUID+1))
	}
	return uint32(max(next, uint64(uid)))
}

// checkUIDs makes sure that the uidlist of a mailbox that is there has lines
// for what lies in it. Where it is gone, or was cut, a line that is added would
// make another list of it, in which all that is there gets other UIDs and the
// UIDVALIDITY, by which clients would know, is the old one. The server has to
// make it anew first. An error of the uidlist is a *[maildir.Error].
func (b *box) checkUIDs() error {
	r, path := b.u.r, b.u.place+"/"+b.join(maildir.UidlistName)
	f, list, err := r.openUidlist(path)
	if err != nil {
		return err
	}
	if list == nil {
		any, err := b.anyFile(func(string) bool { return true })
		if any {
			err = &maildir.Error{Path: path, Class: maildir.BadUidlist, Text: "gone, and the mailbox has messages: their UIDs are not known any more"}
		}
		return err
	}
	defer f.Close() // opened for reading
	var lines []uint64
	for e, err := range list.All() {
		if e == nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		lines = append(lines, hash64(maildir.ParseFileName(e.Name).Base))
	}
	slices.Sort(lines)
	lost := b.withoutLine(lines)
	if len(lost) == 0 {
		return nil
	}
	any, err := b.anyFile(func(base string) bool { return lost[hash64(base)] })
	if any {
		err = &maildir.Error{Path: path, Class: maildir.BadUidlist, Text: "cut: it has no lines any more of messages that were exported and are there, and their UIDs are not known"}
	}
	return err
}

// withoutLine are the messages of earlier runs that have no line in a uidlist,
// by the hashes of their base names. Most have been expunged.
func (b *box) withoutLine(lines []uint64) map[uint64]bool {
	if b.old == nil {
		return nil
	}
	lost := make(map[uint64]bool)
	for i := range b.old.recs.n {
		n := hash64(b.old.base(b.old.recs.inOrder(i)))
		if _, has := slices.BinarySearch(lines, n); !has {
			lost[n] = true
		}
	}
	return lost
}

// anyFile tells whether a message of a mailbox that is there, by its base name,
// is what is asked for.
func (b *box) anyFile(is func(base string) bool) (bool, error) {
	for _, dir := range [...]string{"cur", "new"} {
		names, err := b.u.r.out.ReadNames(b.u.place + "/" + b.join(dir))
		if err != nil && !isMissing(err) {
			return false, err
		}
		if slices.ContainsFunc(names, func(e fs.DirEntry) bool { return is(maildir.ParseFileName(e.Name()).Base) }) {
			return true, nil
		}
	}
	return false, nil
}

// checkPlaced checks the uidlists of the mailboxes that are there and get
// anything new. One that does not tell the UIDs leaves the user out.
func (u *user) checkPlaced() error {
	if u.r.opt.To != Maildir {
		return nil
	}
	for _, b := range u.boxes {
		if b.made || !b.hasWork() {
			continue
		}
		err := b.checkUIDs()
		var damage *maildir.Error
		if errors.As(err, &damage) {
			u.failed = fmt.Errorf("%w: open the mailbox with the server, which makes the file anew, and give the command again", err)
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}
