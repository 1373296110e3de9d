// Package source reads trees of mailbox files and of Maildirs member by member,
// in the terms of a SIMS stream.
//
// # Mailbox files
//
// The tree is a folder with a folder for each user, as imexportmbox -d left it,
// and a file for each of his mailboxes, in folders as their names have levels;
// a folder.msg is the mailbox of the folder that it lies in, X.sbd, X.fol and
// .X.directory are the folder of the mailbox X. A file beside the users'
// folders is the INBOX of the user of its name, as in /var/mail. A single file
// is one user's INBOX. With Options.User the tree is one user's.
//
// Messages keep their X-UID where these ascend; others get UIDs behind the
// last. A file without X-IMAPbase gets the date of its first message as
// UIDVALIDITY, which stays when mail is added to it, else its modification
// time.
//
// # Maildirs
//
// The tree is a folder with DIR/USER/Maildir, DIR/USER or
// DIR/DOMAIN/USER/Maildir for each user, each a mailbox or with INBOX in it,
// what Options.Path says, or the Maildir of one user. UIDs, flags, keywords,
// subscriptions, rights and quotas are those that Dovecot or Courier keep. A
// message's receive date is its modification time, or, where a copy has lost
// that, the number that its name begins with. Files that are hard links to one
// another, with one date, become links.
//
// A mailbox without a list of UIDs gets them in the order of the numbers in its
// file names, and the first of these that is a date as UIDVALIDITY, which stays
// when mail comes, else the latest modification time of its folders.
//
// # Names of mailboxes
//
// They become names that a store can have, and are those of the tree otherwise.
// Where a user has names in UTF-8 they are put into IMAP modified UTF-7, unless
// Options.Encoded says that somebody else does such things.
//
// Nothing below the folder that is named is reached through a symbolic link.
//
// # Damage
//
// What cannot be read, and what takes the place of something that is not said,
// is a *sims.Error with a negative Offset; its Name is the path below the tree,
// with a line or byte.
package source
