package testsite

import (
	"fmt"
	"strings"
)

// DefaultDomain is the domain whose users go by their bare uid.
const DefaultDomain = "siroe.com"

// HostedDomain is the domain whose users go by uid@domain.
const HostedDomain = "varrius.org"

// UserID returns the store id of user i (0, 1, ...). Ids are different for
// every i, valid by the manuals' rules, and of mixed kinds: most are plain,
// some carry capitals, dots, a hyphen, an underscore or a hosted domain.
func UserID(i int) string {
	switch i % 12 {
	case 3:
		return fmt.Sprintf("John.Smith%d", i)
	case 5:
		return fmt.Sprintf("wallyc%d@%s", i, HostedDomain)
	case 7:
		return fmt.Sprintf("keiko_s%d", i)
	case 9:
		return fmt.Sprintf("hiro-t%d", i)
	case 11:
		return fmt.Sprintf("O'Fanning+%d~x", i)
	}
	return fmt.Sprintf("user%d", i)
}

// folderNames are the mailboxes beside INBOX that the users have, the first
// ones first.
var folderNames = []string{
	"Drafts",
	"Mail/Old.1999",
	"Sent",
	"Mail/deep/er/est",
	"Mail/a b",
	"Mail/&ZeVnLIqe-",
	"lists/c++ &- go",
	"Mail",
	"lists/100=~,#!",
	"UPPER/Case",
}

// FolderName returns the name of mailbox j of a user: INBOX, then the odd
// names, then numbered ones.
func FolderName(j int) string {
	if j == 0 {
		return "INBOX"
	}
	if j <= len(folderNames) {
		return folderNames[j-1]
	}
	return fmt.Sprintf("archive/%d/box.%d", j%10, j)
}

// hashDir is the documented hash of a raw user id: 31-multiplier hash, low 14
// bits, least significant digits first.
func hashDir(id string) string {
	h := 0
	for i := 0; i < len(id); i++ {
		h = (h*31 + int(id[i])) % (1 << 14)
	}
	digits := []int{h % 16, h / 16 % 8, h / 128 % 16, h / 2048}
	return fmt.Sprintf("%x%x/%x%x", digits[0], digits[1], digits[2], digits[3])
}

// diskName is the name on disk of one component: '=' in front, '+' before a
// capital, '.' as %d, what has no documented form as %x and two hex digits.
func diskName(component string) string {
	const plain = "abcdefghijklmnopqrstuvwxyz0123456789-_@&,~="
	name := "="
	for _, c := range []byte(component) {
		switch {
		case c >= 'A' && c <= 'Z':
			name += "+" + string(c)
		case c == '.':
			name += "%d"
		case strings.IndexByte(plain, c) >= 0:
			name += string(c)
		default:
			name += fmt.Sprintf("%%x%02x", c)
		}
	}
	return name
}

// MailboxDir returns the directory of a mailbox under the store, by the
// documented layout.
func MailboxDir(partition, user, mailbox string) string {
	dir := "partition/" + partition + "/=user/" + hashDir(user) + "/" + diskName(user)
	if mailbox == "INBOX" {
		return dir
	}
	for _, component := range strings.Split(mailbox, "/") {
		dir += "/" + diskName(component)
	}
	return dir
}

// MessagePath returns the file of a message under the store: directory
// (uid/100) mod 100, file uid.msg.
func MessagePath(partition, user, mailbox string, uid uint32) string {
	return fmt.Sprintf("%s/%02d/%d.msg", MailboxDir(partition, user, mailbox), uid/100%100, uid)
}
