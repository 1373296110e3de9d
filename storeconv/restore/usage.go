package restore

import (
	"errors"
	"io/fs"
	"os"
	"slices"

	"imsconv/storeconv/ims"
)

// usage is what a user's mailboxes hold.
type usage struct {
	bytes, messages int64
	subscribed      []string
	unsubscribed    []string // mailboxes that the visit touched and whose index says so
	earlier         []byte   // waiting record of an earlier visit of the run
	earlierQuota    []byte   // likewise, of quota.db
}

func (u *usage) add(b *box) {
	u.bytes += b.index.QuotaUsed
	u.messages += b.index.Exists
	switch {
	case b.index.Subscribed:
		u.subscribed = append(u.subscribed, b.index.Name)
	case b.existing == nil || b.existing.indexed:
		u.unsubscribed = append(u.unsubscribed, b.index.Name)
	}
}

// addMailElsewhere adds what a user has in other partitions of the store to the
// user's usage: quota.db has one record a user. A mailbox that is there as well
// as here is a problem: folder.db has room for one of them.
func (r *run) addMailElsewhere(v *visit, usage *usage) error {
	id := v.id
	names, err := r.store.ReadNames("partition")
	if isNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	names = slices.DeleteFunc(names, func(e fs.DirEntry) bool {
		if e.Name() == r.partition || !e.IsDir() {
			return true
		}
		_, err := r.store.Stat(ims.UserDir(e.Name(), id))
		return isNotExist(err)
	})
	if len(names) == 0 {
		return nil
	}
	root, err := os.Open(r.store.Path())
	if err != nil {
		return err
	}
	defer root.Close()
	reader := ims.NewReader(root)
	for _, e := range names {
		user := ims.User{Partition: e.Name(), ID: id, Path: ims.UserDir(e.Name(), id)}
		if err := reader.Mailboxes(user, passOver, func(box *ims.Mailbox) error {
			defer box.Close()
			if v.boxes[box.Name] != nil && (box.HasIndex || box.HasMessageDirs()) {
				v.tally.problems++
				r.log.Problem("same-mailbox", box.FullName(), "partition "+box.Partition+" has this mailbox too: folder.db calls it one of partition "+r.partition+
					" from now on, and the mail in the other is out of the server's sight; -p "+box.Partition+" puts it together")
			}
			return usage.addStored(box)
		}); err != nil {
			return err
		}
	}
	return nil
}

// addStored counts a mailbox as it lies in the store: by its index, else by its
// files.
func (u *usage) addStored(box *ims.Mailbox) error {
	if f, err := box.Index(); err == nil {
		defer f.Close()
		if ir, err := ims.NewIndexReader(f); err == nil {
			u.bytes += ir.Header.QuotaUsed
			u.messages += ir.Header.Exists
			return nil
		}
	}
	return box.Messages(passOver, func(uid uint32) error {
		info, err := box.Stat(uid)
		if errors.Is(err, ims.ErrNotRegular) || isNotExist(err) {
			return nil
		}
		if err != nil {
			return err
		}
		u.bytes += info.Size
		u.messages++
		return nil
	})
}

// passOver says nothing of what is no part of a store: finding that is verify's
// business.
func passOver(*ims.Error) {}
