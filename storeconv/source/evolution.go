package source

import (
	"fmt"
	"io"
	"strings"

	"imsconv/storeconv/ims"
	"imsconv/storeconv/maildir"
)

// evolutionMark is the file by which Evolution says that names of folders are
// escaped, and what it says.
const (
	evolutionMark = "..maildir++"
	evolutionText = "maildir++ 1"
)

// isEvolutions tells a Maildir of layout ++ that Evolution has made: "." and
// "_" in names are "_2E" and "_5F", and names are text in UTF-8.
func (u *maildirUser) isEvolutions() bool {
	is := false
	u.root.ReadFile(evolutionMark, maildir.BadMailbox, u.tell, func(r io.Reader) error {
		text, err := io.ReadAll(io.LimitReader(r, 64))
		is = strings.TrimRight(string(text), "\r\n \t") == evolutionText
		return err
	})
	return is && u.naming.Layout == maildir.PlusPlus
}

// nameAsEvolution gives the mailboxes of such a Maildir their names.
func (u *maildirUser) nameAsEvolution(dirs []string) {
	var odd []string
	changed := 0
	for _, dir := range dirs {
		name := evolutionName(dir)
		if keepable(name) != name || u.names.taken[name] || strings.EqualFold(name, ims.Inbox) {
			odd = append(odd, dir)
			continue
		}
		if name != strings.ReplaceAll(dir[1:], ".", "/") {
			changed++
		}
		u.names.take(name)
		u.folders = append(u.folders, folder{dir, name})
	}
	u.names.utf8 = false // it is modified UTF-7 by now
	for _, dir := range odd {
		u.folders = append(u.folders, folder{dir, u.names.give(evolutionName(dir), u.where(dir))})
	}
	if changed > 0 {
		u.s.told(u.where(evolutionMark), "utf8-names", 1, fmt.Sprintf("%d names of mailboxes are in Evolution's form, by this file: the store has them in IMAP modified UTF-7", changed))
	}
}

// evolutionName reads the name of a directory; "..x" is below INBOX.
func evolutionName(dir string) string {
	levels := strings.Split(strings.TrimPrefix(dir, "."), ".")
	for i, level := range levels {
		levels[i], _ = maildir.FromUTF8(unescape(level, '_'))
	}
	if levels[0] == "" {
		levels[0] = ims.Inbox
	}
	return strings.Join(levels, "/")
}
