package maildir

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Files that mbsync keeps in a folder: UIDVALIDITY with the highest UID, and,
// where it was told to keep UIDs out of the names of files, a database of them.
const (
	MbsyncName     = ".uidvalidity"
	MbsyncDatabase = ".isyncuidmap.db"
)

// ReadMbsync reads the file of that name: two lines, a decimal number each.
func ReadMbsync(r io.Reader) (validity, last uint32, err error) {
	text, err := io.ReadAll(io.LimitReader(r, 64))
	if err != nil {
		return 0, 0, err
	}
	words := strings.Fields(string(text))
	if len(words) != 2 {
		return 0, 0, errors.New("not two numbers")
	}
	v, n := number(words[0]), number(words[1])
	if v < 1 || v >= 1<<32 || n < 0 || n > MaxUID-1 {
		return 0, 0, fmt.Errorf("UIDVALIDITY %q and highest UID %q cannot be", shortened(words[0]), shortened(words[1]))
	}
	return uint32(v), uint32(n), nil
}

// UIDOf is the UID that mbsync, and offlineimap, put into a base name: ",U=7".
// 0: there is none.
func UIDOf(base string) uint32 {
	n := sizeIn(base, ",U=")
	if n < 1 || n > MaxUID {
		return 0
	}
	return uint32(n)
}

// readMbsync takes the UIDs in the names of files where mbsync says which
// UIDVALIDITY they belong to and all fits: UIDs that it would give anew itself
// are none.
func (b *Box) readMbsync(tell func(*Error)) {
	var uids []uint32
	for i := range b.entries {
		if uid := UIDOf(string(baseOf(b.name(&b.entries[i])))); uid != 0 {
			uids = append(uids, uid)
		}
	}
	b.Named = len(uids)
	var validity, last uint32
	found := b.dir.ReadFile(MbsyncName, BadUidlist, tell, func(r io.Reader) (err error) {
		validity, last, err = ReadMbsync(r)
		return err
	})
	if !found || validity == 0 {
		return
	}
	slices.Sort(uids)
	text := ""
	for i, uid := range uids {
		switch {
		case i > 0 && uids[i-1] == uid:
			text = fmt.Sprintf("two files have UID %d in their names", uid)
		case uid > last:
			text = fmt.Sprintf("a file has UID %d in its name, the highest given is %d", uid, last)
		default:
			continue
		}
		tell(&Error{Path: b.dir.join(MbsyncName), Class: BadUidlist, Text: text + ": none of these UIDs is taken"})
		return
	}
	for i := range b.entries {
		b.entries[i].uid = UIDOf(string(baseOf(b.name(&b.entries[i]))))
	}
	b.Listed, b.Header, b.Last = true, UidlistHeader{Validity: validity, Next: last + 1}, last
}
