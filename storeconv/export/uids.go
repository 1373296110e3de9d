package export

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"imsconv/storeconv/maildir"
)

// checkUIDs makes sure that the uidlist of a mailbox that is there has lines
// for what lies in it. Where it is gone, or was cut, a line that is added would
// make another list of it, in which all that is there gets other UIDs and the
// UIDVALIDITY, by which clients would know, is the old one. The server has to
// make it anew first. An error of the uidlist is a *[maildir.Error].
func (b *box) checkUIDs() error {
	r, path := b.u.r, b.u.place+"/"+b.join(maildir.UidlistName)
	f, list, err := r.openUidlist(path)
	if err != nil {
		return err
	}
	if list == nil {
		any, err := b.anyFile(func(string) bool { return true })
		if any {
			err = &maildir.Error{Path: path, Class: maildir.BadUidlist, Text: "gone, and the mailbox has messages: their UIDs are not known any more"}
		}
		return err
	}
	defer f.Close() // opened for reading
	var lines []uint64
	for e, err := range list.All() {
		if e == nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		lines = append(lines, hash64(maildir.ParseFileName(e.Name).Base))
	}
	slices.Sort(lines)
	lost := b.withoutLine(lines)
	if len(lost) == 0 {
		return nil
	}
	any, err := b.anyFile(func(base string) bool { return lost[hash64(base)] })
	if any {
		err = &maildir.Error{Path: path, Class: maildir.BadUidlist, Text: "cut: it has no lines any more of messages that were exported and are there, and their UIDs are not known"}
	}
	return err
}

// withoutLine are the messages of earlier runs that have no line in a uidlist,
// by the hashes of their base names. Most have been expunged.
func (b *box) withoutLine(lines []uint64) map[uint64]bool {
	if b.old == nil {
		return nil
	}
	lost := make(map[uint64]bool)
	for i := range b.old.recs.n {
		n := hash64(b.old.base(b.old.recs.inOrder(i)))
		if _, has := slices.BinarySearch(lines, n); !has {
			lost[n] = true
		}
	}
	return lost
}

// anyFile tells whether a message of a mailbox that is there, by its base name,
// is what is asked for.
func (b *box) anyFile(is func(base string) bool) (bool, error) {
	for _, dir := range [...]string{"cur", "new"} {
		names, err := b.u.r.out.ReadNames(b.u.place + "/" + b.join(dir))
		if err != nil && !isMissing(err) {
			return false, err
		}
		if slices.ContainsFunc(names, func(e fs.DirEntry) bool { return is(maildir.ParseFileName(e.Name()).Base) }) {
			return true, nil
		}
	}
	return false, nil
}

// checkPlaced checks the uidlists of the mailboxes that are there and get
// anything new. One that does not tell the UIDs leaves the user out.
func (u *user) checkPlaced() error {
	if u.r.opt.To != Maildir {
		return nil
	}
	for _, b := range u.boxes {
		if b.made || !b.hasWork() {
			continue
		}
		err := b.checkUIDs()
		var damage *maildir.Error
		if errors.As(err, &damage) {
			u.failed = fmt.Errorf("%w: open the mailbox with the server, which makes the file anew, and give the command again", err)
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}
