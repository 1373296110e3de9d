package ims

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/emersion/go-imap/utf7"
)

// Limits of names, in bytes.
const (
	MaxUserID    = 127 // a message-store user id (documented)
	MaxMailbox   = 490 // a mailbox name, all components together (defined here)
	MaxComponent = 255 // one encoded path component (the file systems' limit)
)

// Inbox is the name of the mailbox that every user has. It lies in the user's
// own directory.
const Inbox = "INBOX"

// Canonical returns Inbox for every spelling of it, and any other name of a
// mailbox as it is.
func Canonical(mailbox string) string {
	if strings.EqualFold(mailbox, Inbox) {
		return Inbox
	}
	return mailbox
}

// EscapeName returns the on-disk form of one name (a user id, or one component
// of a mailbox name), without the leading "=".
func EscapeName(name string) string {
	return string(appendEscaped(make([]byte, 0, len(name)+8), name))
}

func appendEscaped(dst []byte, name string) []byte {
	for i := 0; i < len(name); i++ {
		c := name[i]
		switch {
		case c >= 'A' && c <= 'Z':
			dst = append(dst, '+', c)
		case plain(c):
			dst = append(dst, c)
		case c == '.':
			dst = append(dst, '%', 'd')
		default:
			dst = append(dst, '%', 'x', hexDigits[c>>4], hexDigits[c&0xf])
		}
	}
	return dst
}

// plain tells the bytes that stand for themselves.
func plain(c byte) bool {
	if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
		return true
	}
	switch c {
	case '-', '_', '@', '&', ',', '~', '=':
		return true
	}
	return false
}

// UnescapeName is the inverse of EscapeName. It accepts only what EscapeName
// writes, so that two names on disk never stand for one name.
func UnescapeName(escaped string) (string, error) {
	out := make([]byte, 0, len(escaped))
	for i := 0; i < len(escaped); {
		n, c, err := unescapeOne(escaped[i:])
		if err != nil {
			return "", fmt.Errorf("name %q, byte %d: %w", escaped, i, err)
		}
		out = append(out, c)
		i += n
	}
	return string(out), nil
}

// unescapeOne decodes the first byte of s and tells how many bytes it took.
func unescapeOne(s string) (int, byte, error) {
	switch c := s[0]; {
	case plain(c):
		return 1, c, nil
	case c == '+':
		if len(s) < 2 || s[1] < 'A' || s[1] > 'Z' {
			return 0, 0, errors.New("+ without an upper-case letter")
		}
		return 2, s[1], nil
	case strings.HasPrefix(s, "%d"):
		return 2, '.', nil
	case strings.HasPrefix(s, "%x") && len(s) >= 4:
		hi, lo := unhex(s[2]), unhex(s[3])
		if hi < 0 || lo < 0 {
			return 0, 0, errors.New("%x without two lower-case hexadecimal digits")
		}
		b := byte(hi<<4 | lo)
		if plain(b) || b == '.' || b >= 'A' && b <= 'Z' {
			return 0, 0, fmt.Errorf("%s stands for a byte with a form of its own", s[:4])
		}
		return 4, b, nil
	default:
		return 0, 0, fmt.Errorf("byte %q is never written plain", c)
	}
}

func unhex(c byte) int { return strings.IndexByte(hexDigits, c) }

// Component returns the path component of one name: "=" and its escaped form.
func Component(name string) string { return "=" + EscapeName(name) }

// CheckUserID reports why the manuals forbid a message-store user id, or nil.
func CheckUserID(id string) error {
	switch {
	case id == "":
		return errors.New("empty user id")
	case len(id) > MaxUserID:
		return fmt.Errorf("user id of %d bytes, at most %d are allowed", len(id), MaxUserID)
	case id[0] == '-':
		return fmt.Errorf("user id %q starts with a hyphen", id)
	case strings.HasPrefix(id, "group="):
		return fmt.Errorf("user id %q starts with group=", id)
	case id == "." || id == "..":
		return fmt.Errorf("user id %q", id)
	}
	for i := 0; i < len(id); i++ {
		if c := id[i]; c < 0x20 || c > 0x7e || strings.IndexByte("%?*&/:\\", c) >= 0 {
			return fmt.Errorf("user id %q holds the forbidden byte %s", id, byteText(c))
		}
	}
	if reserved(id) {
		return fmt.Errorf("user id %q is reserved", id)
	}
	if n := len(Component(id)); n > MaxComponent {
		return fmt.Errorf("user id %q takes %d bytes on disk, at most %d are allowed", id, n, MaxComponent)
	}
	return nil
}

func reserved(id string) bool {
	switch id {
	case "anonymous", "anybody", "anyone":
		return true
	}
	return strings.HasPrefix(id, "anyone@")
}

// CheckMailbox reports why a mailbox name (components separated by "/", in IMAP
// modified UTF-7) cannot be kept, or nil.
func CheckMailbox(name string) error {
	switch {
	case name == "":
		return errors.New("empty mailbox name")
	case len(name) > MaxMailbox:
		return fmt.Errorf("mailbox name of %d bytes, at most %d are allowed", len(name), MaxMailbox)
	}
	if utf7, ok := modifiedUTF7(name); ok {
		return fmt.Errorf("mailbox name %q is not in IMAP modified UTF-7, where it is %s", name, utf7)
	}
	for i := 0; i < len(name); i++ {
		if c := name[i]; c < 0x20 || c > 0x7e || strings.IndexByte("%*?", c) >= 0 {
			return fmt.Errorf("mailbox name %q holds the forbidden byte %s", name, byteText(c))
		}
	}
	for rest, part, more := name, "", true; more; {
		part, rest, more = strings.Cut(rest, "/")
		if err := checkComponent(name, part); err != nil {
			return err
		}
	}
	return nil
}

// modifiedUTF7 is the form of a name that someone wrote in UTF-8. ok is false
// for a name of ASCII, for one that is no UTF-8 text, and where the form could
// not be kept either.
func modifiedUTF7(name string) (utf7Name string, ok bool) {
	if !utf8.ValidString(name) || strings.IndexFunc(name, func(r rune) bool { return r > 0x7e }) < 0 {
		return "", false
	}
	utf7Name, err := utf7.Encoding.NewEncoder().String(name)
	return utf7Name, err == nil && CheckMailbox(utf7Name) == nil
}

func checkComponent(name, part string) error {
	switch part {
	case "":
		return fmt.Errorf("mailbox name %q has an empty component", name)
	case ".", "..":
		return fmt.Errorf("mailbox name %q has the component %q", name, part)
	}
	n := 1
	for i := 0; i < len(part); i++ {
		switch c := part[i]; {
		case plain(c):
			n++
		case c == '.' || c >= 'A' && c <= 'Z':
			n += 2
		default:
			n += 4
		}
	}
	if n > MaxComponent {
		return fmt.Errorf("mailbox name %q has a component of %d bytes on disk, at most %d are allowed", name, n, MaxComponent)
	}
	return nil
}

// CheckPartition reports why a partition name cannot be used as a directory
// name, or nil.
func CheckPartition(name string) error {
	if name == "" || name == "." || name == ".." || len(name) > MaxComponent {
		return fmt.Errorf("partition name %q", name)
	}
	for i := 0; i < len(name); i++ {
		if c := name[i]; c <= 0x20 || c > 0x7e || c == '/' || c == '\\' {
			return fmt.Errorf("partition name %q holds the forbidden byte %s", name, byteText(c))
		}
	}
	return nil
}

// UserDir returns the directory of a user, relative to the store:
// "partition/primary/=user/53/53/=mack1".
func UserDir(partition, id string) string {
	return "partition/" + partition + "/=user/" + Hash(id) + "/" + Component(id)
}

// MailboxPath returns the directory of a mailbox relative to the directory of
// its user: "" for INBOX, "=+Mail/=flying" for Mail/flying.
func MailboxPath(mailbox string) string {
	if mailbox == Inbox {
		return ""
	}
	dst := make([]byte, 0, 2*len(mailbox)+8)
	for rest, part, more := mailbox, "", true; more; {
		part, rest, more = strings.Cut(rest, "/")
		dst = append(dst, '=')
		dst = appendEscaped(dst, part)
		if more {
			dst = append(dst, '/')
		}
	}
	return string(dst)
}

// MailboxDir returns the directory of a mailbox, relative to the store.
func MailboxDir(partition, id, mailbox string) string {
	dir := UserDir(partition, id)
	if p := MailboxPath(mailbox); p != "" {
		return dir + "/" + p
	}
	return dir
}

// MailboxFromPath is the inverse of MailboxPath.
func MailboxFromPath(path string) (string, error) {
	if path == "" || path == "." {
		return Inbox, nil
	}
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if !strings.HasPrefix(p, "=") {
			return "", fmt.Errorf("path component %q does not start with =", p)
		}
		name, err := UnescapeName(p[1:])
		if err != nil {
			return "", err
		}
		parts[i] = name
	}
	name := strings.Join(parts, "/")
	if Canonical(name) == Inbox {
		return "", fmt.Errorf("a folder of the name %s", name)
	}
	return name, nil
}

// OwnerRights are the rights of a mailbox's owner where nothing is said about
// rights (documented default).
const OwnerRights = "lrswipcda"

// MailboxName returns the full name of a mailbox: "user/joe" for INBOX, else
// "user/joe/Mail/flying".
func MailboxName(id, mailbox string) string {
	if mailbox == Inbox {
		return "user/" + id
	}
	return "user/" + id + "/" + mailbox
}

// MessageDirNumber is the number of the directory that a message lies in, 0 to
// 99: (uid/100) mod 100.
func MessageDirNumber(uid uint32) uint32 { return uid / 100 % 100 }

// MessageDir returns the directory of a message relative to its mailbox:
// MessageDirNumber in two digits.
func MessageDir(uid uint32) string {
	n := MessageDirNumber(uid)
	return string([]byte{'0' + byte(n/10), '0' + byte(n%10)})
}

// MessagePath returns the path of a message relative to its mailbox:
// "00/1.msg", "01/100.msg".
func MessagePath(uid uint32) string {
	return string(AppendMessagePath(make([]byte, 0, 20), uid))
}

// AppendMessagePath appends MessagePath(uid) to dst.
func AppendMessagePath(dst []byte, uid uint32) []byte {
	n := MessageDirNumber(uid)
	dst = append(dst, '0'+byte(n/10), '0'+byte(n%10), '/')
	dst = strconv.AppendUint(dst, uint64(uid), 10)
	return append(dst, ".msg"...)
}

// ParseMessageName returns the UID of a message file's base name ("100.msg").
// Leading zeros, signs and UID 0 are not message names.
func ParseMessageName(base string) (uint32, bool) {
	digits, ok := strings.CutSuffix(base, ".msg")
	if !ok {
		return 0, false
	}
	return ParseUID(digits)
}

// ParseUID parses a decimal UID, 1..4294967295, without sign or leading zero.
func ParseUID(s string) (uint32, bool) {
	if s == "" || len(s) > 10 || s[0] == '0' {
		return 0, false
	}
	var n uint64
	for i := 0; i < len(s); i++ {
		c := s[i] - '0'
		if c > 9 {
			return 0, false
		}
		n = n*10 + uint64(c)
	}
	return uint32(n), n <= 1<<32-1
}

// byteText is a byte for a message: one beyond ASCII is no character by itself.
func byteText(c byte) string {
	if c < 0x20 || c > 0x7e {
		return fmt.Sprintf("%#02x", c)
	}
	return fmt.Sprintf("%q", c)
}
