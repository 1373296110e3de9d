package source

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"imsconv/storeconv/maildir"
	"imsconv/storeconv/mbox"
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
	walked := depth == 0 || u.naming.Layout == maildir.FS // by the search for mailboxes, which has told
	names, err := d.Names()
	if err != nil && !walked {
		u.s.tell(err)
	}
	slices.Sort(names)
	first, messages := "", 0
	for _, name := range names {
		info, err := d.Stat(name)
		switch {
		case err != nil || maildir.IsPart(name):
		case info.Dir:
			if err := u.besideIn(d, name, depth); err != nil && !walked {
				u.s.tell(err)
			}
		case !info.Regular:
			if !walked {
				u.tell(&maildir.Error{Path: below(d, name), Class: maildir.NotRegular, Text: "a link or a device: not read"})
			}
		default:
			head, err := headIn(d, name)
			switch {
			case err != nil: // nobody can say what it is
				u.s.tell(err)
			case bytes.HasPrefix(head, []byte("From ")):
				u.tell(&maildir.Error{Path: below(d, name), Class: maildir.NoMaildir, Text: "a mailbox file among Maildirs: not read"})
			case isMessage(head) && !mbox.NoMessage(name):
				if messages++; messages == 1 {
					first = below(d, name)
				}
			default:
				u.s.stray(below(d, name))
			}
		}
	}
	if messages > 0 {
		u.tell(&maildir.Error{Path: first, Class: maildir.NoMaildir, Text: fmt.Sprintf("a message outside of cur and new, one of %d files of this folder that are: not read", messages)})
	}
}

// besideIn is beside for a directory. One that is told as a whole is passed
// over.
func (u *maildirUser) besideIn(d *maildir.Dir, name string, depth int) error {
	if depth >= maxLevels {
		return &maildir.Error{Path: below(d, name), Class: maildir.BadMailbox, Text: "too many levels: not read"}
	}
	sub, err := d.Open(name)
	if err != nil {
		return err
	}
	defer sub.Close()
	if u.naming.Layout == maildir.FS || depth > 0 || name[0] == '.' && sub.IsMailbox() || !sub.HasMailbox() {
		u.beside(sub, depth+1)
	}
	return nil
}

// isMessageFile tells a file that begins as a message does, and may be one by
// its name.
func isMessageFile(d *maildir.Dir, name string) bool {
	if mbox.NoMessage(name) {
		return false
	}
	head, err := headIn(d, name)
	return err == nil && isMessage(head)
}

// headIn is the first part of a file.
func headIn(d *maildir.Dir, name string) ([]byte, error) {
	f, _, err := d.OpenFile(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return headOf(f, 4096), nil
}
