package backup

import (
	"errors"
	"fmt"
	"os"

	"imsconv/storeconv/ims"
)

// found takes what is found in a mailbox.
type found struct {
	// open is called before the first message. header is nil when there is no
	// index of ours, or none of which the header can be read: damaged tells one
	// from the other.
	open func(header *ims.Header, damaged bool) error

	// message may keep a copy of what it is given.
	message func(*storedMessage) error

	stray ims.Stray

	// damage is the first fault of an index of ours, or why it cannot be read.
	damage func(error)

	// unnamed is a message file that an index of ours does not name. It is taken
	// all the same, with what the file tells, where the index is damaged.
	unnamed func(uid uint32, taken bool)
}

// messages gives every message of a mailbox by ascending UID. What an index of
// ours does not name, and what there is of message files that are none, comes
// last, unless it is a message that the index has lost. ir reads the index.
func (b *run) messages(ir *ims.IndexReader, box *ims.Mailbox, to found) error {
	return b.each(ir, box, to, box.EachMessage)
}

// anyOrder is messages for a caller that needs no order: those that a damaged
// index has lost come last. The files are not looked for else.
func (b *run) anyOrder(ir *ims.IndexReader, box *ims.Mailbox, to found) error {
	return b.each(ir, box, to, box.EachInAnyOrder)
}

// each gives the messages of a mailbox as all finds them in an index of ours.
func (b *run) each(ir *ims.IndexReader, box *ims.Mailbox, to found, all func(*ims.IndexReader, ims.Found) error) error {
	f, err := b.header(ir, box, to)
	if err != nil || f == nil {
		return err
	}
	defer f.Close()
	var m storedMessage
	keywords := ir.Header.Userflags
	return all(ir, ims.Found{
		Record: func(rec *ims.Record) error {
			m = storedMessage{
				uid: rec.UID, date: rec.InternalDate, flags: streamFlags(m.flags, rec, keywords),
				size: rec.Size, sum: rec.SHA256, known: rec.HasSum(),
			}
			if m.date == ims.NoTime {
				m.date = b.fileDate(box, m.uid)
			}
			return to.message(&m)
		},
		Unnamed: func(uid uint32, lost bool) error {
			if !lost {
				to.unnamed(uid, false)
				return nil
			}
			return b.lost(box, uid, to)
		},
		Damage: to.damage,
		Stray:  to.stray,
	})
}

// header opens the index of a mailbox and reads its header. The file is nil
// where the index is not ours, or says nothing any more, and the messages have
// been given by their files.
func (b *run) header(ir *ims.IndexReader, box *ims.Mailbox, to found) (*os.File, error) {
	f, err := box.Index()
	if err == nil {
		if err = ir.Reset(f); err != nil {
			f.Close()
		}
	}
	switch {
	case err == nil:
		header := ir.Header
		if err := to.open(&header, false); err != nil {
			f.Close()
			return nil, err
		}
		return f, nil
	case errors.Is(err, os.ErrNotExist), errors.Is(err, ims.ErrForeignIndex):
		return nil, b.plainMessages(box, to, false)
	case ims.OfMachine(err):
		return nil, err
	}
	to.damage(err)
	if !ims.IsBadIndex(err) { // that says it of all messages
		to.unnamed = func(uint32, bool) {}
	}
	return nil, b.plainMessages(box, to, true)
}

// lost gives a message that a damaged index does not name any more.
func (b *run) lost(box *ims.Mailbox, uid uint32, to found) error {
	m, err := plainMessage(box, uid, to.stray)
	if m == nil || err != nil {
		return err
	}
	to.unnamed(uid, true)
	return to.message(m)
}

// fileDate is the date of a message's file, for a message whose own date the
// index does not know; 0 when there is no file, which is told when it is read.
func (b *run) fileDate(box *ims.Mailbox, uid uint32) int64 {
	info, err := box.Stat(uid)
	if err != nil {
		return 0
	}
	return info.MTime
}

// plainMessages goes by the files alone.
func (b *run) plainMessages(box *ims.Mailbox, to found, damaged bool) error {
	if err := to.open(nil, damaged); err != nil {
		return err
	}
	files, err := box.UIDs(to.stray)
	if err != nil {
		return err
	}
	for _, uid := range files {
		m, err := plainMessage(box, uid, to.stray)
		if err != nil {
			return err
		}
		if m == nil {
			continue
		}
		if damaged {
			to.unnamed(uid, true)
		}
		if err := to.message(m); err != nil {
			return err
		}
	}
	return nil
}

// plainMessage is what the file of a message tells of it; nil: it cannot be
// asked, which goes to stray. An error is of the machine.
func plainMessage(box *ims.Mailbox, uid uint32, stray ims.Stray) (*storedMessage, error) {
	info, err := box.Stat(uid)
	if err != nil {
		if ims.OfMachine(err) {
			return nil, err
		}
		stray(&ims.Error{Class: ims.Unreadable, Path: box.Path + "/" + ims.MessagePath(uid), Text: err.Error()})
		return nil, nil
	}
	return &storedMessage{uid: uid, date: info.MTime, size: info.Size}, nil
}

// tellDamage tells of an index that is damaged, or that cannot be read, which
// says nothing of what is in it.
func (w *walk) tellDamage(err error) {
	if ims.IsBadIndex(err) {
		w.note("bad-index", w.box.Path, err.Error())
		return
	}
	w.note(ims.Unreadable, w.box.Path+"/"+ims.IndexName, err.Error()+": the messages of the mailbox go without flags, with the dates of their files")
}

// tellUnnamed tells of a message file that the index does not name.
func (w *walk) tellUnnamed(uid uint32, taken bool) {
	path := w.box.Path + "/" + ims.MessagePath(uid)
	if !taken {
		w.note("not-indexed", path, "a message file that the index does not name: it is not in the backup")
		return
	}
	w.note("no-index", path, fmt.Sprintf("the index is damaged and does not tell of UID %d: it goes without flags, with the date of its file", uid))
}
