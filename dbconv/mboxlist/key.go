package mboxlist

import "strings"

// Inbox is the name of a user's first mailbox. It has the key of the user
// alone.
const Inbox = "INBOX"

// UserPrefix begins the name of every mailbox of a user.
const UserPrefix = "user/"

// FolderKey is the full name of a mailbox: user/<id> for INBOX (or ""),
// user/<id>/<mailbox> for any other.
func FolderKey(user, mailbox string) string {
	if mailbox == "" || mailbox == Inbox {
		return UserPrefix + user
	}
	return UserPrefix + user + "/" + mailbox
}

// SplitKey splits the full name of a mailbox into user id and mailbox, INBOX
// for the user's own name. It is false for a name outside of user/.
func SplitKey(key string) (user, mailbox string, ok bool) {
	rest, ok := strings.CutPrefix(key, UserPrefix)
	if !ok {
		return "", "", false
	}
	user, mailbox, found := strings.Cut(rest, "/")
	if user == "" || found && mailbox == "" {
		return "", "", false
	}
	if !found {
		mailbox = Inbox
	}
	return user, mailbox, true
}

// PerUserKey is the key of what the user id knows of a mailbox; mailbox is its
// full name.
func PerUserKey(id, mailbox string) string { return id + "\t" + mailbox }

// SplitPerUserKey is the reverse of PerUserKey.
func SplitPerUserKey(key string) (id, mailbox string, ok bool) {
	id, mailbox, ok = strings.Cut(key, "\t")
	return id, mailbox, ok && id != "" && mailbox != ""
}

// Kind is one of the four databases.
type Kind uint8

// The databases of a mailbox list.
const (
	FolderDB  Kind = iota // folder.db
	QuotaDB               // quota.db
	SubscrDB              // subscr.db
	PeruserDB             // peruser.db
)

// FileName is the name of the database under store/mboxlist.
func (k Kind) FileName() string {
	switch k {
	case FolderDB:
		return "folder.db"
	case QuotaDB:
		return "quota.db"
	case SubscrDB:
		return "subscr.db"
	}
	return "peruser.db"
}
