package lists

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"golang.org/x/sys/unix"

	"imsconv/dbconv/mboxlist"
	"imsconv/storeconv"
	"imsconv/storeconv/ims"
)

// maxPartitions bounds the partitions that are told once for all of their
// mailboxes.
const maxPartitions = 1000

// MissingTrees tells log of mailboxes that folder.db has and no partition of
// the store does, as far as takes says that they are wanted: their mail, on a
// disk that is not mounted perhaps, is lost to whoever reads the store. Of a
// partition that is not there the mailboxes are counted. where says what they
// are not in, such as "in the backup".
func (l *Lists) MissingTrees(ctx context.Context, store *ims.Reader, takes func(partition, id, mailbox string) bool, where string, log storeconv.Log) error {
	partitions, err := store.Partitions(func(*ims.Error) {})
	if err != nil {
		return err
	}
	list := l.all[mboxlist.FolderDB].name
	lost := make(map[string]int64) // mailboxes of partitions that are not there
	err = l.Each(ctx, mboxlist.FolderDB, func(key, value []byte) error {
		id, name, ok := mboxlist.SplitKey(string(key))
		if !ok || ims.CheckUserID(id) != nil || name != ims.Inbox && ims.CheckMailbox(name) != nil {
			return nil // no mailbox of a store
		}
		rec, err := mboxlist.ParseFolder(value)
		known := err == nil && ims.CheckPartition(rec.Partition) == nil
		wanted := known && takes(rec.Partition, id, name)
		if !known { // of a form that says no partition
			wanted = slices.ContainsFunc(partitions, func(p string) bool { return takes(p, id, name) })
		}
		if !wanted {
			return nil
		}
		for _, p := range partitions { // in another one than the record says it is there as well
			if has, err := hasMailbox(store, p, id, name); has || err != nil {
				return err
			}
		}
		if known && !slices.Contains(partitions, rec.Partition) && (lost[rec.Partition] > 0 || len(lost) < maxPartitions) {
			lost[rec.Partition]++
			return nil
		}
		log.Problem("no-tree", list+": "+ims.MailboxName(id, name), "a mailbox without a directory: it is not "+where)
		return nil
	})
	for _, p := range slices.Sorted(maps.Keys(lost)) {
		log.Problem("unknown-partition", list, fmt.Sprintf("partition %q is not there: %d mailboxes of it are not %s", p, lost[p], where))
	}
	return err
}

// hasMailbox tells whether a mailbox has a directory, or what may be one: what
// is wrong with that is told by who reads it.
func hasMailbox(store *ims.Reader, partition, id, name string) (bool, error) {
	err := store.FindMailbox(partition, id, name)
	switch {
	case ims.OfMachine(err):
		return false, err
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ENOTDIR), errors.Is(err, unix.ELOOP):
		return false, nil
	}
	return true, nil
}
