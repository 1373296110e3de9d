package verify

import (
	"bytes"
	"strings"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/ims"
)

// damagedHead is how much of an index that does not begin as ours is searched
// for traces of ours, in bytes.
const damagedHead = 64 << 10

// headerNames are those of an index of ours. The vendor's index is binary, so
// that three lines with such names are none of it.
var headerNames = []string{
	"Name", "Version", "Exists", "Largest Msg", "Last Append", "Last UID", "Oldest Msg", "Oldest Uid",
	"Quota Used", "UID Validity", "ACL", "Userflags", "Subscribed", "Partition",
}

// damagedIndex says what tells that an index which does not begin as ours is
// ours all the same: lost and strange first lines, other line ends, nothing
// left. "" is the vendor's.
func damagedIndex(fd int) (why string, err error) {
	head := make([]byte, damagedHead)
	n := 0
	for n < len(head) {
		var m int
		err := retry(func() (err error) {
			m, err = unix.Pread(fd, head[n:], int64(n))
			return err
		})
		if err != nil {
			return "", err
		}
		if m == 0 {
			break
		}
		n += m
	}
	return indexTraces(head[:n], n == len(head)), nil
}

// indexTraces looks for the marker, header lines and records of an index of
// ours. The last line is incomplete when the head is cut.
func indexTraces(head []byte, cut bool) string {
	switch {
	case len(head) == 0:
		return "it is empty"
	case bytes.Contains(head, []byte("imsconv-store.idx ")), bytes.Contains(head, []byte("Version: imsconv-")):
		return "its first line is not that of an index, the marker stands elsewhere"
	}
	lines := strings.FieldsFunc(string(head), func(r rune) bool { return r == '\n' || r == '\r' })
	if cut && len(lines) > 1 {
		lines = lines[:len(lines)-1]
	}
	fields, records := 0, 0
	var rec ims.Record
	for _, line := range lines {
		if name, _, ok := strings.Cut(line, ":"); ok && isHeaderName(name) {
			fields++
		} else if rec.Parse([]byte(line)) == nil {
			records++
		}
	}
	if fields >= 3 || 2*records > len(lines) {
		return "its first line is lost, header lines or records are there"
	}
	return ""
}

func isHeaderName(name string) bool {
	for _, n := range headerNames {
		if n == name {
			return true
		}
	}
	return false
}
