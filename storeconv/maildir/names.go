package maildir

import (
	"errors"
	"fmt"
	"strings"

	"github.com/emersion/go-imap/utf7"

	"imsconv/storeconv/ims"
)

// Layout is how the mailboxes of a user lie on disk.
type Layout uint8

// The layouts.
const (
	PlusPlus Layout = iota // Maildir++: one directory a mailbox, ".Sent.2001"
	FS                     // LAYOUT=fs: one directory a level, "Sent/2001"
)

// String returns the layout as options spell it: "++" or "fs".
func (l Layout) String() string {
	if l == FS {
		return "fs"
	}
	return "++"
}

// Naming says how names of mailboxes become directories.
type Naming struct {
	Layout Layout
	Escape bool // as the server's plugin listescape does
}

// maxComponent bounds one name on disk, in bytes.
const maxComponent = 255

// Dir returns the directory of a mailbox relative to the user's Maildir: "" for
// INBOX, ".Sent.2001" or "Sent/2001" for another. The error says why the name
// cannot be kept; different names never get one directory.
func (n Naming) Dir(mailbox string) (string, error) {
	if mailbox == ims.Inbox {
		return "", nil
	}
	if err := n.check(mailbox); err != nil {
		return "", fmt.Errorf("mailbox name %q %w", mailbox, err)
	}
	return n.path(mailbox), nil
}

// Subscription returns the line of a mailbox in the file subscriptions, without
// its end: the levels as on disk, with a TAB between them. Its error is that of
// Dir.
func (n Naming) Subscription(mailbox string) (string, error) {
	if _, err := n.Dir(mailbox); err != nil {
		return "", err
	}
	levels := strings.Split(mailbox, "/")
	for i, level := range levels {
		levels[i] = n.escape(level)
	}
	return strings.Join(levels, "\t"), nil
}

// Mailbox is the inverse of Dir. ok is false for a directory that Dir never
// returns.
func (n Naming) Mailbox(dir string) (mailbox string, ok bool) {
	if dir == "" {
		return ims.Inbox, true
	}
	name := dir
	if n.Layout == PlusPlus {
		if dir[0] != '.' {
			return "", false
		}
		name = strings.ReplaceAll(dir[1:], ".", "/")
	}
	if n.Escape {
		name = unescape(name)
	}
	back, err := n.Dir(name)
	return name, err == nil && back == dir
}

func (n Naming) path(mailbox string) string {
	levels := strings.Split(mailbox, "/")
	for i, level := range levels {
		levels[i] = n.escape(level)
	}
	if n.Layout == FS {
		return strings.Join(levels, "/")
	}
	return "." + strings.Join(levels, ".")
}

// escape returns one level of a name as it stands on disk.
func (n Naming) escape(level string) string {
	if !n.Escape {
		return level
	}
	var b strings.Builder
	for i := 0; i < len(level); i++ {
		switch c := level[i]; {
		case c == '\\', c == '~' && i == 0,
			c == '.' && (n.Layout == PlusPlus || i == 0 && (level == "." || level == "..")):
			fmt.Fprintf(&b, `\%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// unescape undoes escape. What escape does not write stays.
func unescape(name string) string {
	return strings.NewReplacer(`\2e`, ".", `\5c`, `\`, `\7e`, "~").Replace(name)
}

// check reports what of a mailbox name, other than INBOX, cannot be kept.
func (n Naming) check(mailbox string) error {
	if err := checkUTF7(mailbox); err != nil {
		return err
	}
	levels := strings.Split(mailbox, "/")
	if first := levels[0]; strings.EqualFold(first, ims.Inbox) && first != ims.Inbox {
		return errors.New("is INBOX to a server, whatever the case of its letters")
	}
	if !n.Escape && mailbox != "" && mailbox[0] == '~' {
		return errors.New(`begins with "~"`)
	}
	length := 0
	for i, level := range levels {
		if err := n.checkLevel(level, i == 0); err != nil {
			return err
		}
		length += 1 + len(n.escape(level))
	}
	if n.Layout == PlusPlus && length > maxComponent {
		return fmt.Errorf("takes %d bytes on disk, at most %d are allowed", length, maxComponent)
	}
	return nil
}

func (n Naming) checkLevel(level string, first bool) error {
	switch {
	case level == "":
		return errors.New("has an empty level")
	case n.Layout == PlusPlus:
		if !n.Escape && strings.Contains(level, ".") {
			return errors.New("has a dot, which separates levels on disk")
		}
		return nil
	case !n.Escape && (level == "." || level == ".."):
		return fmt.Errorf("has the level %q", level)
	case reserved(level, first):
		return fmt.Errorf("has the level %q, which the server needs for itself", level)
	}
	if size := len(n.escape(level)); size > maxComponent {
		return fmt.Errorf("has a level of %d bytes on disk, at most %d are allowed", size, maxComponent)
	}
	return nil
}

// reserved tells a level that means something else in a directory of LAYOUT=fs:
// a folder of messages, or a file that a server keeps.
func reserved(level string, first bool) bool {
	switch level {
	case "cur", "new", "tmp", "maildirfolder":
		return true
	case "subscriptions", "maildirsize":
		return first
	}
	return strings.HasPrefix(level, "dovecot-") || strings.HasPrefix(level, "dovecot.")
}

var errNotUTF7 = errors.New("is not in IMAP modified UTF-7")

// checkUTF7 refuses what a server does not take for modified UTF-7: also what
// is written in another way than the shortest, which would be another name's.
func checkUTF7(name string) error {
	for i := 0; i < len(name); i++ {
		if name[i] < 0x20 || name[i] > 0x7e {
			return errNotUTF7
		}
	}
	if !strings.Contains(name, "&") {
		return nil
	}
	text, err := utf7.Encoding.NewDecoder().String(name)
	if err != nil {
		return errNotUTF7
	}
	if back, err := utf7.Encoding.NewEncoder().String(text); err != nil || back != name {
		return errNotUTF7
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r < 0x20 }) {
		return errors.New("has a control character")
	}
	return nil
}
