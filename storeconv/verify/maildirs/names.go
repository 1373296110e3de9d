package maildirs

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// naming is how mailboxes become directories.
type naming struct {
	fs     bool // LAYOUT=fs: a directory a level
	escape bool // as the plugin listescape reads
}

const (
	inbox   = "INBOX"
	maxName = 255 // of one directory, in bytes
)

// dir is where a mailbox lies below its user's Maildir, or why it cannot lie
// there under its name.
func (n naming) dir(mailbox string) (dir, why string) {
	if mailbox == inbox {
		return "", ""
	}
	levels := strings.Split(mailbox, "/")
	if strings.EqualFold(levels[0], inbox) && (levels[0] != inbox || len(levels) == 1) {
		return "", "every spelling of INBOX is the INBOX of a server"
	}
	for i, level := range levels {
		if why = n.refuse(level, i == 0); why != "" {
			return "", why
		}
		levels[i] = n.level(level)
	}
	if n.fs {
		dir = strings.Join(levels, "/")
		if slices.ContainsFunc(levels, func(level string) bool { return len(level) > maxName }) {
			return "", "too long for a directory"
		}
		return dir, ""
	}
	if dir = "." + strings.Join(levels, "."); len(dir) > maxName {
		return "", "too long for a directory"
	}
	return dir, ""
}

// refuse says why a level cannot be kept.
func (n naming) refuse(level string, first bool) string {
	switch {
	case level == "":
		return "an empty level"
	case !isModifiedUTF7(level):
		return "not in modified UTF-7"
	case !n.escape && !n.fs && strings.Contains(level, "."):
		return "a dot, and no escapes"
	case !n.escape && n.fs && (level == "." || level == ".."):
		return "a level of dots, and no escapes"
	case !n.escape && first && level[0] == '~':
		return "a ~ in front, and no escapes"
	case n.fs && isServers(level):
		return "a name that the server needs for itself"
	}
	return ""
}

// isServers tells names that servers have beside mailboxes. No mailbox can have
// one in a layout of one directory a level.
func isServers(level string) bool {
	switch level {
	case "cur", "new", "tmp", "maildirfolder", "subscriptions", "maildirsize", ".imsconv", "..maildir++", ".uidvalidity",
		"courierimapuiddb", "courierimapsubscribed", "courierimapacl", "courierimapkeywords", "courierimaphieracl":
		return true
	}
	return strings.HasPrefix(level, "dovecot-") || strings.HasPrefix(level, "dovecot.")
}

// level is one level on disk.
func (n naming) level(level string) string {
	if !n.escape {
		return level
	}
	var b strings.Builder
	for i := range len(level) {
		c := level[i]
		dot := c == '.' && (!n.fs || i == 0 && (level == "." || level == ".."))
		if c == '\\' || dot || c == '~' && i == 0 {
			fmt.Fprintf(&b, `\%02x`, c)
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

// subscription is the line of a mailbox that can be kept.
func (n naming) subscription(mailbox string) string {
	levels := strings.Split(mailbox, "/")
	for i, level := range levels {
		levels[i] = n.level(level)
	}
	return strings.Join(levels, "\t")
}

// isModifiedUTF7 tells whether a server reads a name as RFC 3501, section
// 5.1.3, has it.
func isModifiedUTF7(name string) bool {
	for i := 0; i < len(name); i++ {
		c := name[i]
		if c < 0x20 || c > 0x7e {
			return false
		}
		if c != '&' {
			continue
		}
		end := strings.IndexByte(name[i:], '-')
		if end < 0 || !isShifted(name[i+1:i+end]) {
			return false
		}
		i += end
		if strings.HasPrefix(name[i+1:], "&") && end > 1 && !strings.HasPrefix(name[i+1:], "&-") {
			return false // one run in two pieces
		}
	}
	return true
}

// isShifted tells whether the text between & and - is UTF-16 that could not be
// written plainly.
func isShifted(text string) bool {
	if text == "" {
		return true
	}
	raw, err := base64.RawStdEncoding.Strict().DecodeString(strings.ReplaceAll(text, ",", "/"))
	if err != nil || strings.Contains(text, "/") || len(raw)%2 != 0 || len(raw) == 0 {
		return false
	}
	units := make([]uint16, len(raw)/2)
	for i := range units {
		units[i] = uint16(raw[2*i])<<8 | uint16(raw[2*i+1])
	}
	runes := utf16.Decode(units)
	return !slices.ContainsFunc(runes, func(r rune) bool { return r == utf8.RuneError || r >= 0x20 && r < 0x7f || r == 0 })
}
