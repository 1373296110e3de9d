package source

import (
	"bytes"
	"fmt"
	"regexp"
)

// others are files of mail in other forms, by their first bytes, with what to
// do about them.
var others = []struct{ magic, what string }{
	{"*mbx*\r\n", "a mailbox of the kind mbx of the UW server; its mailutil makes mailbox files of it (mailutil copy FILE '#driver.unix/NEW')"},
	{"BABYL OPTIONS:", "an Rmail file of Emacs (Babyl); b2m, or unrmail in Emacs, makes a mailbox file of it"},
	{"!BDN", "a folder of Outlook (PST); readpst makes mailbox files of it"},
	{"\xcf\xad\x12\xfe", "a folder of Outlook Express (DBX); readdbx makes a mailbox file of it"},
	{"\xff\xfe", "text in UTF-16; iconv -f UTF-16 -t UTF-8 makes it readable"},
	{"\xfe\xff", "text in UTF-16; iconv -f UTF-16 -t UTF-8 makes it readable"},
}

// dbox is the first line of files with messages in Dovecot's own formats.
var dbox = regexp.MustCompile(`^2 M[0-9a-f]+ C[0-9a-f]+\n`)

// noMbox says what a file is that is no mailbox file, and what to do about it.
func noMbox(head []byte, size int64) string {
	left := fmt.Sprintf("%d bytes are left out", size)
	for _, o := range others {
		if bytes.HasPrefix(head, []byte(o.magic)) {
			return "no mailbox file: " + left + ": it is " + o.what
		}
	}
	switch {
	case dbox.Match(head):
		return "no mailbox file: " + left + ": it is of Dovecot's own formats sdbox and mdbox; doveadm backup -u USER maildir:DIR makes Maildirs of them"
	case (bytes.HasPrefix(head, []byte("From ")) || bytes.HasPrefix(head, []byte("\x01\x01\x01\x01\r"))) && bytes.IndexByte(head, '\r') > 0 && bytes.IndexByte(head, '\n') < 0:
		return "no mailbox file: " + left + `: its lines end with CR alone, as on an old Macintosh; tr '\r' '\n' makes it readable`
	case isMessage(head):
		return "no mailbox file: " + left + ": it is one message without a From line in front"
	}
	return "no mailbox file: " + left
}

// isMessage tells whether text begins as a message does: with fields, among
// them one that only mail has, or From or Date.
func isMessage(head []byte) bool {
	for line := range bytes.Lines(head) {
		line = bytes.TrimRight(line, "\r\n")
		name, _, ok := bytes.Cut(line, []byte(":"))
		switch {
		case len(line) > 0 && (line[0] == ' ' || line[0] == '\t'):
		case !ok || len(name) == 0 || bytes.ContainsAny(name, " \t\x00"):
			return false
		}
		switch string(bytes.ToLower(name)) {
		case "from", "date", "received", "return-path", "delivered-to", "message-id":
			return true
		}
	}
	return false
}
