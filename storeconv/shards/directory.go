package shards

import (
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/nms"
)

// list returns what is in a directory, in byte order of the names.
func (l *dirNames) list(path string) ([]nms.Entry, error) {
	fd, err := nms.OpenPath(path)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	entries, err := l.lister.List(fd, nil)
	slices.SortFunc(entries, func(a, b nms.Entry) int { return strings.Compare(a.Name, b.Name) })
	return entries, err
}
