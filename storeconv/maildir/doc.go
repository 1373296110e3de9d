// Package maildir is the layout of Maildir++ and its relatives, as Dovecot
// serves it, with what Courier keeps differently.
//
// # The tree of a user
//
//	Maildir/{cur,new,tmp}/            INBOX is the root itself
//	Maildir/dovecot-uidlist  dovecot-keywords  dovecot-acl
//	Maildir/subscriptions  maildirsize
//	Maildir/.Sent/{cur,new,tmp}/      Layout PlusPlus: a mailbox is one directory,
//	Maildir/.Sent.2001/{cur,new,tmp}/ its levels separated by dots
//	Maildir/Sent/2001/{cur,new,tmp}/  Layout FS: its levels are directories
//
// A mailbox of PlusPlus other than INBOX has an empty file maildirfolder.
// Messages are files in cur and new; those in new nobody has looked at. Their
// modification time is the receive date.
//
// # Names of mailboxes
//
// Names are those of packages sims and ims: INBOX, or levels in IMAP modified
// UTF-7 with "/" between them. They keep this form on disk; servers can be set
// up to write UTF-8 there (InUTF8, FromUTF8: read, never written). Without the
// plugin listescape (Naming.Escape not set) these names cannot be kept:
//
//	a dot anywhere                    PlusPlus only
//	the level "." or ".."             FS
//	"~" at the start of the name
//
// With it, inside a level "\" is written "\5c", "~" at its start "\7e"; under
// PlusPlus any "." is "\2e", under FS only the first byte of the levels "." and
// "..". These cannot be kept either way:
//
//	Inbox, inbox, inbox/x             every spelling is INBOX to the server
//	an empty level
//	what is not modified UTF-7        as "a&b", "&AGE-", or bytes beyond ASCII
//	control characters
//	more than 255 bytes               PlusPlus: the whole name with its first
//	                                  dot is one name on disk; FS: a level
//	the levels cur, new, tmp          FS only
//	files that the server keeps       FS only: dovecot-uidlist, subscriptions ...
//
// # Names of message files
//
// <secs>.M<uid>P0.imsconv,S=<bytes>,W=<bytes with CRLF>:2,<FLAGS>: seconds of
// the receive date, a part that is unique in the folder, both sizes, then the
// flags in the order of ASCII: D draft, F flagged, P passed, R answered, S
// seen, T deleted, a to z the keywords of dovecot-keywords. What stands in
// front of the colon, the base name, never changes. Where a file system has no
// colon in names, another mark stands in its place (otherInfo): read, never
// written.
//
// # dovecot-uidlist
//
//	3 V<uidvalidity> N<uidnext> G<32 hexadecimal digits>
//	<uid> [<K><value> ...] :<file name>
//
// UIDs ascend. A field is a capital letter with a value: S and W the sizes
// where the name lacks them, P the POP3 UIDL, G the GUID. The name is the base
// name or the name on disk. Version 1, also Courier's courierimapuiddb, is
//
//	1 <uidvalidity> <uidnext>
//	<uid> <file name>
//
// mbsync has a UID in the base name, ",U=<uid>", and beside the messages
//
//	.uidvalidity      <uidvalidity> LF <highest uid> LF
//
// # The other files
//
// Lines of these and of uidlists may end with CRLF.
//
//	dovecot-keywords  <0..25> <name>; number n is the letter 'a'+n
//	subscriptions     "V TAB 2", an empty line, then a mailbox a line, TAB between
//	                  its levels; without that head: names with the separator on
//	                  disk. Names as on disk, INBOX spelt so
//	courierimapsubscribed  INBOX, or INBOX. and the name with dots
//	dovecot-acl       <identifier> <letters>; owner, user=NAME, group=NAME,
//	                  authenticated, anyone, each with "-" in front: taken away
//	maildirsize       <bytes>S,<count>C as limits, then lines <bytes> <count>,
//	                  summed
//
// The rights of RFC 2086 that the other formats know become Dovecot's letters
// as Dovecot maps them: c is k and x, d is e and t, the others stay.
package maildir
