package source

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"imsconv/storeconv/maildir"
)

// strays are what a tree has beside its mail: indexes, caches and settings of
// mail programs, and whatever else is no mail.
type strays struct {
	n     int64
	names []string // of the first ones, below the tree
}

// stray counts a file that is no mail.
func (s *Source) stray(path string) {
	if s.strays.n++; len(s.strays.names) < 3 {
		s.strays.names = append(s.strays.names, path)
	}
}

// tellStrays tells how many there were, in one line of the whole tree: nobody
// misses them, and a tree that a server has used is full of them.
func (s *Source) tellStrays() {
	if n := s.strays.n; n > 0 {
		more := ""
		if n > int64(len(s.strays.names)) {
			more = ", ..."
		}
		s.told("", maildir.Stray, 1, fmt.Sprintf("%d files are no mail, such as indexes of mail programs: left out (%s%s)", n, strings.Join(s.strays.names, ", "), more))
	}
}

// ofExport are files that an export of ours has beside the users.
func ofExport(name string) bool {
	switch name {
	case "dovecot.conf.example", "import-mox.sh", "import-vandelay.sh", ".imsconv":
		return true
	}
	return false
}

// beside tells what lies in a user's Maildir and in its mailboxes outside of
// cur, new and tmp. What is mail there nobody reads.
func (u *maildirUser) beside(d *maildir.Dir, depth int) {
	names, _ := d.Names() // the error has come with the search for mailboxes
	slices.Sort(names)
	var mail []string
	for _, name := range names {
		info, err := d.Stat(name)
		switch {
		case err != nil || maildir.IsPart(name):
		case info.Dir:
			u.besideIn(d, name, depth)
		case !info.Regular:
			if u.naming.Layout == maildir.PlusPlus && depth > 0 { // else told
				u.tell(&maildir.Error{Path: below(d, name), Class: maildir.NotRegular, Text: "a link or a device: not read"})
			}
		case d.BeginsAsMbox(name):
			u.tell(&maildir.Error{Path: below(d, name), Class: maildir.NoMaildir, Text: "a mailbox file among Maildirs: not read"})
		case isMessageFile(d, name):
			mail = append(mail, name)
		default:
			u.s.stray(below(d, name))
		}
	}
	if n := len(mail); n > 0 {
		u.tell(&maildir.Error{Path: below(d, mail[0]), Class: maildir.NoMaildir, Text: fmt.Sprintf("a message outside of cur and new, one of %d files of this folder that are: not read", n)})
	}
}

// besideIn is beside for a directory. One that is told as a whole is passed
// over.
func (u *maildirUser) besideIn(d *maildir.Dir, name string, depth int) {
	sub, err := d.Open(name)
	if err != nil || depth >= maxLevels {
		if err == nil {
			sub.Close()
		}
		return
	}
	defer sub.Close()
	if u.naming.Layout == maildir.PlusPlus && depth == 0 && !(name[0] == '.' && sub.IsMailbox()) && sub.HasMailbox() {
		return
	}
	u.beside(sub, depth+1)
}

// isMessageFile tells a file that begins as a message does.
func isMessageFile(d *maildir.Dir, name string) bool {
	f, _, err := d.OpenFile(name)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 4096)
	n, err := f.ReadAt(head, 0)
	return (err == nil || err == io.EOF) && isMessage(head[:n])
}
