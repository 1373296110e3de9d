package merge

import (
	"fmt"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/durable"
)

// MergedAttribute is the extended attribute of a store's directory by which a
// merge of parts that were all made in the store is known once their records
// have gone: what they were merged into has not a file more than the store of
// one run.
const MergedAttribute = "user.imsconv.merged"

// MostMark is how long a mark may be, in bytes: file systems take little more.
const MostMark = 3 << 10

// MarkMerged leaves a text in the store for whoever merges again, durably. On a
// file system without such attributes, and where it is too long, there is none.
func MarkMerged(store string, text []byte) error {
	if len(text) > MostMark {
		return nil
	}
	return change(store, unix.Setxattr(store, MergedAttribute, text, 0))
}

// Merged returns the text that a merge has left in the store; nil: none.
func Merged(store string) []byte {
	text := make([]byte, MostMark)
	n, err := unix.Getxattr(store, MergedAttribute, text)
	if err != nil {
		return nil
	}
	return text[:n]
}

// unmark removes what a merge has left.
func unmark(store string) error {
	return change(store, unix.Removexattr(store, MergedAttribute))
}

// change makes a change of the attribute durable.
func change(store string, err error) error {
	switch err {
	case nil:
		return durable.SyncDir(store)
	case unix.ENODATA, unix.ENOTSUP, unix.EPERM, unix.EACCES, unix.ENOSPC, unix.E2BIG, unix.EDQUOT, unix.ENOENT:
		return nil
	}
	return fmt.Errorf("%s: attribute %s: %w", store, MergedAttribute, err)
}
