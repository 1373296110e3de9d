package trees

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"imsconv/storeconv/maildir"
	"imsconv/storeconv/mbox"
)

// outside tells of mail in a Maildir that lies in none of its mailboxes'
// directories of messages: mailbox files, and messages beside cur and new or in
// a folder without. Folders that are told as a whole are passed over.
func (u *maildirUser) outside(dir string, depth int) {
	list, _ := names(dir) // told by the search
	first, n := "", 0
	for _, name := range list {
		path := filepath.Join(dir, name)
		switch {
		case slices.Contains(ownDirs, name) || slices.Contains(ownFiles, name) || name == "maildirfolder":
		case isDir(path):
			whole := u.naming.Layout == maildir.PlusPlus && depth == 0 && (name[0] != '.' || !isMailbox(path)) && holdsMailbox(path, 0)
			if !whole && depth < 64 {
				u.outside(path, depth+1)
			}
		case beginsFrom(path):
			u.problem(path, "no-maildir", "a mailbox file among Maildirs: not compared")
		case isMessageFile(path):
			if n++; n == 1 {
				first = path
			}
		}
	}
	if n > 0 {
		u.problem(first, "no-maildir", "a message outside of cur and new, one of %d in this folder: not compared", n)
	}
}

// isMessageFile tells a file that begins as a message does, and may be one by
// its name.
func isMessageFile(path string) bool {
	if mbox.NoMessage(filepath.Base(path)) || !isRegular(path) {
		return false
	}
	f, err := os.Open(path)
	if err != nil {
		return false // nobody can say what it is
	}
	defer f.Close()
	return isMessage(firstBytes(f, 4096))
}

// field is a line of a header.
var field = regexp.MustCompile(`^[^\x00\t :]+:`)

// isMessage tells text that begins with fields of which one is of mail.
func isMessage(head []byte) bool {
	for line := range strings.SplitSeq(string(head), "\n") {
		switch name := strings.ToLower(field.FindString(line)); {
		case name == "" && !strings.HasPrefix(line, " ") && !strings.HasPrefix(line, "\t"):
			return false
		case slices.Contains([]string{"from:", "date:", "received:", "return-path:", "delivered-to:", "message-id:"}, name):
			return true
		}
	}
	return false
}
