package nms

import (
	"bytes"
	"strings"
)

// SubscriptionSuffix ends the name of a subscription file.
const SubscriptionSuffix = ".sub"

// MaxSubscriptions is the largest subscription file, in bytes, that is read as
// a list of mailboxes: 1 MiB.
const MaxSubscriptions = 1 << 20

// maxMailboxName is the longest mailbox name, in bytes.
const maxMailboxName = 490

// ParseSubscriptions reads a subscription file as one full mailbox name a line,
// each with or without a final TAB. When data is anything else, the error is an
// [*Error], and nothing must be concluded from the file. An empty file is an
// empty list.
func ParseSubscriptions(data []byte) (mailboxes []string, err error) {
	for n := 1; len(data) > 0; n++ {
		line, rest, _ := bytes.Cut(data, []byte{'\n'})
		data = rest
		line = bytes.TrimSuffix(line, []byte{'\r'})
		line = bytes.TrimSuffix(line, []byte{'\t'})
		if !mailboxName(line) {
			return nil, &Error{Line: n, Text: "not the name of a mailbox"}
		}
		mailboxes = append(mailboxes, string(line))
	}
	return mailboxes, nil
}

func mailboxName(name []byte) bool {
	if len(name) == 0 || len(name) > maxMailboxName {
		return false
	}
	for _, c := range name {
		if c < 0x20 || c > 0x7e {
			return false
		}
	}
	return true
}

// FormatSubscriptions writes a list as ParseSubscriptions reads it, each name
// followed by a TAB.
func FormatSubscriptions(mailboxes []string) []byte {
	var b strings.Builder
	for _, m := range mailboxes {
		b.WriteString(m)
		b.WriteString("\t\n")
	}
	return []byte(b.String())
}
