package relocate

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"imsconv/dbconv/bdb"
	"imsconv/dbconv/mboxlist"
	"imsconv/storeconv/ims"
)

// unknownPartition stands for the partition of a record whose value is not
// understood.
const unknownPartition = ""

// crossKey is how a mailbox in a partition is sorted: NUL is in no mailbox name
// and below every byte that is.
func crossKey(key, partition string) []byte { return []byte(key + "\x00" + partition) }

// noteRecord notes a record of data.db2 for crossCheck; key is the mailbox,
// with the user alone for INBOX.
func (r *relocation) noteRecord(key string, value []byte) error {
	if strings.Contains(key, "\x00") {
		return nil // no mailbox has such a name
	}
	name := unknownPartition
	if folder, err := mboxlist.ParseFolder(value); err == nil {
		name = folder.Partition
		if part := r.partition(name); part != nil {
			name = part.name
		}
	}
	return r.recordBoxes.Add(crossKey(key, name), nil)
}

// noteMailboxes notes the mailboxes of a tree for crossCheck.
func (r *relocation) noteMailboxes(u *userTree, boxes []string) error {
	for _, box := range boxes {
		if err := r.treeBoxes.Add(crossKey(mailboxKey(u.id, box), u.part.name), nil); err != nil {
			return err
		}
	}
	return nil
}

// crossEntry is a mailbox in a partition.
type crossEntry struct{ key, partition string }

var errStopped = errors.New("stopped")

// pullSorted takes the records of a sorter one by one.
func pullSorted[T any](s *bdb.Sorter, decode func(key, value []byte) T) (next func() (T, error, bool), stop func()) {
	return iter.Pull2(func(yield func(T, error) bool) {
		err := s.Drain(func(key, value []byte) error {
			if !yield(decode(key, value), nil) {
				return errStopped
			}
			return nil
		})
		if err != nil && err != errStopped {
			var none T
			yield(none, err)
		}
	})
}

func decodeCross(key, _ []byte) crossEntry {
	name, partition, _ := bytes.Cut(key, []byte{0})
	return crossEntry{string(name), string(partition)}
}

// groups reads crossEntries by their keys.
type groups struct {
	next func() (crossEntry, error, bool)
	head crossEntry
	more bool
}

func (g *groups) advance() error {
	var err error
	g.head, err, g.more = g.next()
	return err
}

// partitionsOf returns the partitions of key and goes on behind them.
func (g *groups) partitionsOf(key string) ([]string, error) {
	var partitions []string
	for g.more && g.head.key == key {
		partitions = append(partitions, g.head.partition)
		if err := g.advance(); err != nil {
			return nil, err
		}
	}
	return partitions, nil
}

// crossCheck holds the mailboxes that the walk met against the records, in the
// order of their names, and lists what only one side has. With AddMissing, put
// receives records for mailboxes that have none.
func (r *relocation) crossCheck(put recordSink) error {
	var found, listed groups
	var stop [2]func()
	found.next, stop[0] = pullSorted(r.treeBoxes, decodeCross)
	defer stop[0]()
	listed.next, stop[1] = pullSorted(r.recordBoxes, decodeCross)
	defer stop[1]()
	if err := errors.Join(found.advance(), listed.advance()); err != nil {
		return err
	}
	for found.more || listed.more {
		key := found.head.key
		if !found.more || listed.more && listed.head.key < key {
			key = listed.head.key
		}
		trees, err := found.partitionsOf(key)
		if err != nil {
			return err
		}
		records, err := listed.partitionsOf(key)
		if err != nil {
			return err
		}
		if err := r.checkMailbox(key, trees, records, put); err != nil {
			return err
		}
	}
	return nil
}

// checkMailbox compares the partitions that have a mailbox's directory with
// those that its records name.
func (r *relocation) checkMailbox(key string, trees, records []string, put recordSink) error {
	id, box, _ := mboxlist.SplitKey(key)
	for _, name := range records {
		r.checkRecord(key, id, box, name, trees)
	}
	for _, name := range slices.Compact(trees) {
		if slices.Contains(records, name) || slices.Contains(records, unknownPartition) {
			continue
		}
		if err := r.noRecord(id, box, name, len(records) > 0, put); err != nil {
			return err
		}
	}
	return nil
}

// checkRecord lists a record whose mailbox is not where it says.
func (r *relocation) checkRecord(key, id, box, name string, trees []string) {
	where := r.label(r.src.DataDB) + ": " + keyLabel(key)
	switch part := r.partition(name); {
	case name == unknownPartition:
		if len(trees) == 0 && !slices.ContainsFunc(r.parts, func(p *partition) bool { return p.hasDirectory(id, box) }) {
			r.report.NoTree++
			r.log.Problem("no-tree", where, "mailbox without a directory in any partition")
		}
	case part == nil:
		r.report.UnknownPartition++
		r.log.Problem("unknown-partition", where, fmt.Sprintf("the record names partition %q, which the source does not have", name))
	case !slices.Contains(trees, name) && !part.hasDirectory(id, box):
		r.report.NoTree++
		r.log.Problem("no-tree", where, "mailbox without a directory in partition "+part.name)
	}
}

// hasDirectory tells whether a mailbox is there as a directory, though without
// an index and without messages. What lies behind a symbolic link does not go
// over.
func (p *partition) hasDirectory(id, box string) bool {
	if p.fd < 0 {
		return false
	}
	path := ims.Hash(id) + "/" + ims.Component(id)
	if below := ims.MailboxPath(box); below != "" {
		path += "/" + below
	}
	for i := range len(path) + 1 {
		if i < len(path) && path[i] != '/' {
			continue
		}
		var st unix.Stat_t
		if unix.Fstatat(p.fd, path[:i], &st, unix.AT_SYMLINK_NOFOLLOW) != nil || st.Mode&unix.S_IFMT != unix.S_IFDIR {
			return false
		}
	}
	return true
}

// noRecord deals with a mailbox that has a directory and no record for it.
func (r *relocation) noRecord(id, box, partition string, elsewhere bool, put recordSink) error {
	part := r.partition(partition)
	where := part.where + ": " + mailboxKey(id, box) // the directory of an INBOX is the user's
	r.report.NoRecord++
	switch {
	case elsewhere:
		r.log.Problem("no-record", where, "mailbox "+mailboxKey(id, box)+" has a record for another partition only")
	case r.opts.AddMissing:
		newID := r.newID(id)
		key := mailboxKey(newID, box)
		r.log.Warning("record-added", where, "mailbox "+key+" had no record: added")
		r.report.RecordsAdded++
		r.report.FolderRecords++
		folder := mboxlist.Folder{Partition: part.newName, ACL: []mboxlist.ACE{{Identifier: newID, Rights: ims.OwnerRights}}}
		return put(key, folder.Append(nil))
	case r.index.present:
		r.log.Problem("no-record", where, "mailbox "+mailboxKey(id, box)+" has no record in data.db2")
	}
	return nil
}
