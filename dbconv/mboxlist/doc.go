// Package mboxlist is the records of the four mailbox list databases of an
// iPlanet Messaging Server 5.x store (store/mboxlist/*.db, Berkeley DB btree
// files).
//
// The vendor documented what the records hold, never their bytes: the forms
// below are defined here. All are text, so that any dump of a database can be
// read.
//
//	folder.db    user/<id>[/folder]   partition TAB identifier TAB rights
//	                                  [TAB identifier TAB rights]...
//	quota.db     <id>                 quotakb quotamsg usagekb usagemsg lastwarn
//	subscr.db    <id>                 user/<id>[/folder]
//	                                  [LF user/<id>[/folder]]...
//	peruser.db   <id> TAB <mailbox>   lastaccess TAB seen-set TAB deleted-set
//
// INBOX of a user has the key user/<id>. Limits and usage are in KB of 1,024
// bytes and in messages; a limit of -1 is none, -2 the server's default;
// lastwarn and lastaccess are seconds since 1970, -1 for never. Sets are IMAP
// sequence sets of UIDs (RFC 3501 section 9), rising, without "*". A folder
// record may end in a TAB and a subscription record in a LF; none is written.
//
// The records that an NMS 4.x store brings along are of the vendor's own
// making: what does not parse is carried over byte for byte.
package mboxlist
