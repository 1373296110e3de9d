package backup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"golang.org/x/sys/unix"

	"imsconv/dbconv/mboxlist"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/lists"
)

// folderDB is the list of mailboxes, in messages.
var folderDB = lists.Dir + "/" + mboxlist.FolderDB.FileName()

// maxPartitions bounds the partitions that are told once for all of their
// mailboxes.
const maxPartitions = 1000

// missingTrees tells of mailboxes that folder.db has and the store does not:
// their mail, on a disk that is not mounted perhaps, is not in the backup. Of a
// partition that is not there its mailboxes are counted.
func (b *run) missingTrees(ctx context.Context) error {
	partitions, err := b.reader.Partitions(silentStray)
	if err != nil {
		return err
	}
	var named map[string]bool // nil: all users
	if b.opts.Users != nil {
		named = make(map[string]bool, len(b.opts.Users))
		for _, id := range b.opts.Users {
			named[id] = true
		}
	}
	lost := make(map[string]int64) // mailboxes of partitions that are not there
	err = b.lists.Each(ctx, mboxlist.FolderDB, func(key, value []byte) error {
		id, name, ok := mboxlist.SplitKey(string(key))
		if !ok || named != nil && !named[id] || !b.opts.Shard.Has(id) {
			return nil
		}
		if ims.CheckUserID(id) != nil || name != ims.Inbox && ims.CheckMailbox(name) != nil {
			return nil // no mailbox of a store
		}
		where := partitions // of a record in a form that is not known
		if rec, err := mboxlist.ParseFolder(value); err == nil {
			where = []string{rec.Partition}
		}
		where = slices.DeleteFunc(slices.Clone(where), func(p string) bool { return !b.paths.takesMailbox(p, id, name) })
		if len(where) == 0 {
			return nil // not selected
		}
		for _, p := range where {
			if !slices.Contains(partitions, p) && (lost[p] > 0 || len(lost) < maxPartitions) {
				lost[p]++
				return nil
			}
			if has, err := b.hasMailbox(p, id, name); has || err != nil {
				return err
			}
		}
		b.opts.Log.Problem("no-tree", folderDB+": "+ims.MailboxName(id, name), "a mailbox without a directory: it is not in the backup")
		return nil
	})
	for _, p := range slices.Sorted(maps.Keys(lost)) {
		b.opts.Log.Problem("unknown-partition", folderDB, fmt.Sprintf("partition %q is not there: %d mailboxes of it are not in the backup", p, lost[p]))
	}
	return err
}

// hasMailbox tells whether a mailbox has a directory, or what may be one: what
// is wrong with that has been told.
func (b *run) hasMailbox(partition, id, name string) (bool, error) {
	if ims.CheckPartition(partition) != nil {
		return false, nil
	}
	err := b.reader.FindMailbox(partition, id, name)
	switch {
	case ims.OfMachine(err):
		return false, err
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ENOTDIR), errors.Is(err, unix.ELOOP):
		return false, nil
	}
	return true, nil
}
