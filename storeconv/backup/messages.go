package backup

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"

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

	// damage is the first fault of an index of ours.
	damage func(error)

	// unnamed is a message file that an index of ours does not name. It is taken
	// all the same, with what the file tells, where the index is damaged.
	unnamed func(uid uint32, taken bool)
}

// messages gives every message of a mailbox by ascending UID. What an index of
// ours does not name, and what there is of message files that are none, comes
// last, unless it is a message that the index has lost. ir reads the index.
func (b *run) messages(ir *ims.IndexReader, box *ims.Mailbox, to found) error {
	f, err := b.header(ir, box, to)
	if err != nil || f == nil {
		return err
	}
	defer f.Close()
	var strays []*ims.Error
	files, err := filesOf(box, func(e *ims.Error) { strays = append(strays, e) })
	if err != nil {
		return err
	}
	var left []uint32
	lacks, asked := false, false
	below := func(uid uint64) error {
		for len(files) > 0 && uint64(files[0]) < uid {
			if !asked {
				if lacks, err = lacksMessages(box); err != nil {
					return err
				}
				asked = true
			}
			if !lacks {
				left = append(left, files[0])
			} else if err := b.lost(box, files[0], to); err != nil {
				return err
			}
			files = files[1:]
		}
		return nil
	}
	_, err = b.records(ir, box, to, func(m *storedMessage) error {
		if err := below(uint64(m.uid)); err != nil {
			return err
		}
		if len(files) > 0 && files[0] == m.uid {
			files = files[1:]
		}
		return to.message(m)
	})
	if err == nil {
		err = below(math.MaxUint64)
	}
	if err != nil {
		return err
	}
	for _, e := range strays {
		to.stray(e)
	}
	for _, uid := range left {
		to.unnamed(uid, false)
	}
	return nil
}

// anyOrder is messages for a caller that needs no order: those that a damaged
// index has lost come last. The files are not looked for else.
func (b *run) anyOrder(ir *ims.IndexReader, box *ims.Mailbox, to found) error {
	f, err := b.header(ir, box, to)
	if err != nil || f == nil {
		return err
	}
	defer f.Close()
	var named []uint32
	whole, err := b.records(ir, box, to, func(m *storedMessage) error {
		named = append(named, m.uid)
		return to.message(m)
	})
	if err != nil || whole {
		return err
	}
	files, err := filesOf(box, to.stray)
	if err != nil {
		return err
	}
	for _, uid := range files {
		if _, ok := slices.BinarySearch(named, uid); !ok {
			if err := b.lost(box, uid, to); err != nil {
				return err
			}
		}
	}
	return nil
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
	return nil, b.plainMessages(box, to, true)
}

// records gives the messages that the rest of an index names, by ascending UID,
// and goes on behind lines that cannot be read. whole is false when there are
// such lines, or not as many others as the header says.
func (b *run) records(ir *ims.IndexReader, box *ims.Mailbox, to found, fn func(*storedMessage) error) (whole bool, err error) {
	var m storedMessage
	var n int64
	keywords, bad := ir.Header.Userflags, false
	for {
		rec, err := ir.Next()
		if err == io.EOF {
			return !bad && n == ir.Header.Exists, nil
		}
		if err != nil {
			if ims.OfMachine(err) {
				return false, err
			}
			if !bad {
				to.damage(err)
			}
			bad = true
			if !ims.IsBadIndex(err) {
				return false, nil
			}
			continue
		}
		n++
		m = storedMessage{
			uid: rec.UID, date: rec.InternalDate, flags: streamFlags(m.flags, rec, keywords),
			size: rec.Size, sum: rec.SHA256, known: rec.HasSum(),
		}
		if m.date == ims.NoTime {
			m.date = b.fileDate(box, m.uid)
		}
		if err := fn(&m); err != nil {
			return false, err
		}
	}
}

// lacksMessages says whether the index of a mailbox, of which the header can be
// read, does not tell of as many messages as it should.
func lacksMessages(box *ims.Mailbox) (bool, error) {
	f, err := box.Index()
	if err != nil {
		return !ims.OfMachine(err), onlyOfMachine(err)
	}
	defer f.Close()
	ir, err := ims.NewIndexReader(f)
	if err != nil {
		return !ims.OfMachine(err), onlyOfMachine(err)
	}
	n := int64(0)
	for _, err := range ir.All() {
		if err != nil {
			return !ims.OfMachine(err), onlyOfMachine(err)
		}
		n++
	}
	return n != ir.Header.Exists, nil
}

func onlyOfMachine(err error) error {
	if ims.OfMachine(err) {
		return err
	}
	return nil
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
	files, err := filesOf(box, to.stray)
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

// filesOf lists the message files of a mailbox by ascending UID. An error is of
// the machine.
func filesOf(box *ims.Mailbox, stray ims.Stray) (uids []uint32, err error) {
	err = box.Messages(stray, func(uid uint32) error {
		uids = append(uids, uid)
		return nil
	})
	slices.Sort(uids)
	return uids, err
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

// tellUnnamed tells of a message file that the index does not name.
func (w *walk) tellUnnamed(uid uint32, taken bool) {
	path := w.box.Path + "/" + ims.MessagePath(uid)
	if !taken {
		w.note("not-indexed", path, "a message file that the index does not name: it is not in the backup")
		return
	}
	w.note("no-index", path, fmt.Sprintf("the index is damaged and does not tell of UID %d: it goes without flags, with the date of its file", uid))
}
