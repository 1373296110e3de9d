// Package maildirs holds Maildirs that a store or a stream was exported to
// against that store or stream. [Verify] only reads, goes on after a problem
// and tells everything, in the order of the users' ids.
//
// Like package verify it shares formats with the conversions and nothing else:
// names of mailboxes on disk, their change where they cannot be kept, lists of
// UIDs, letters of flags, rights and sums are read here a second time, as
// docs/formats.md has them. It does not look into the lists of .imsconv: what
// is there is held against the source, not against what a run thought of it.
//
// # What is compared
//
//	user              has a Maildir; one that nobody has is told
//	Maildir           its mailboxes are those of the source, no other
//	mailbox           directory by name, or by rule where the name cannot be kept;
//	                  cur, new, tmp, maildirfolder; modes and owner
//	dovecot-uidlist   form, UIDVALIDITY, next UID, GUID; UIDs rise; POP3 UIDLs;
//	                  each line has a file, each file a line
//	message           UID, receive date in name and time, S= and W= against the
//	                  bytes, SHA-256 of the bytes, flags, keywords by their
//	                  letters, mode and owner, one file a name
//	dovecot-keywords  form; no keyword that the source does not have; of more than
//	                  26 those that are used most
//	dovecot-acl       the rights of the source in the server's letters
//	subscriptions     form, each line
//	maildirsize       form, limits of the source, sums of the files
//	links             that lead out of the export, and files of their own where the
//	                  source has one of that date: counted, and told in a warning
//	configuration     the layout, and listescape when a name needs it
//
// What users and servers have changed since differs from the source, and is
// told by kind: flags, keywords, missing-file, missing-message, extra-message,
// other-uid, uidnext, extra-mailbox, subscribed, usage.
//
// Of users of the source who have one place the export has the mail of one: of
// whom its list names, else of the first. The others are told (no-place). What
// a damaged index of a store does not name any more was exported by its file,
// and is compared with that.
//
// UIDs that were given when a source was read (SIMS.madeuids) name nothing:
// there a message is known by its bytes and its date, and other numbers than
// those of the first export are a warning.
package maildirs
