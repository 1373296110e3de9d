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

// MarkMerged leaves a text in the store for whoever merges again, durably. It
// tells whether it has: on a file system without such attributes, where they
// have no room, and where the text is too long, there is none.
func MarkMerged(store string, text []byte) (left bool, err error) {
	if len(text) > MostMark {
		return false, nil
	}
	switch err := unix.Setxattr(store, MergedAttribute, text, 0); err {
	case nil:
		return true, durable.SyncDir(store)
	case unix.ENOTSUP, unix.ENOSYS, unix.EINVAL, unix.EPERM, unix.EACCES, unix.ENOSPC, unix.E2BIG, unix.EDQUOT:
		return false, nil
	default:
		return false, attributeError(store, err)
	}
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

// unmark removes what a merge has left. One that is there and cannot be removed
// would vouch for what is about to change.
func unmark(store string) error {
	if Merged(store) == nil {
		return nil
	}
	if err := unix.Removexattr(store, MergedAttribute); err != nil && err != unix.ENODATA {
		return attributeError(store, err)
	}
	return durable.SyncDir(store)
}

func attributeError(store string, err error) error {
	return fmt.Errorf("%s: attribute %s: %w", store, MergedAttribute, err)
}
