package export

import (
	"fmt"
	"io"

	"imsconv/storeconv/maildir"
)

// finishDry tells and counts what finishing a mailbox would, and makes nothing.
func (b *box) finishDry() error {
	if !b.made {
		return b.countOther()
	}
	b.fitUIDs()
	if b.u.r.opt.To == Mbox {
		return nil
	}
	_, refused := b.rights()
	b.tellRefused(refused)
	return b.finishKeywords()
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
