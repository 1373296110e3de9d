// Package ims is the message store layout of iPlanet Messaging Server 5.x:
// names on disk, hash directories, message paths and the mailbox index.
//
// # Layout (documented)
//
//	mboxlist/folder.db quota.db peruser.db subscr.db
//	partition/<name>/=user/<h1>/<h2>/=<userid>/      the user's INBOX
//	    store.idx                                    index of this mailbox
//	    00/1.msg 00/2.msg ... 01/100.msg             messages, named by UID
//	    =<folder>/=<folder>/...                      the user's other mailboxes
//
// The two hash directories come from [Hash] over the raw user id (published by
// R. Wolfram, agrees with the manuals' =user/53/53/=mack1). A message with UID
// n is nn/n.msg with nn = (n/100) mod 100 in two digits.
//
// # Names (documented and observed; the last rule is defined here)
//
// Every path component made from a name starts with "=". Inside it an
// upper-case letter has a "+" before it and "." is written "%d". The letters
// a-z, the digits and - _ @ & , ~ = stand for themselves. Any other byte is
// "%x" and two lower-case hexadecimal digits: this last rule is defined here,
// no public source gives one. INBOX has no component of its own.
//
// # store.idx, format version 1 (fields documented, bytes defined here)
//
// Lines of text ended by LF. The first line is "imsconv-store.idx 1". Header
// lines "Name: value" follow, one a field, empty when unknown, in this order:
//
//	Name          user/<id> (INBOX) or user/<id>/<folder>
//	Version       imsconv-1
//	Exists        number of messages
//	Largest Msg   size of the largest message in bytes
//	Last Append   latest receive date of any message
//	Last UID      max(uidnext-1, highest UID)
//	Oldest Msg    earliest receive date
//	Oldest Uid    lowest UID
//	Quota Used    sum of the message sizes in bytes, each reference at full size
//	UID Validity  UIDVALIDITY
//	ACL           identifier TAB rights [TAB identifier TAB rights ...]
//	Userflags     keywords, blank-separated; the position is the bit number in UFlags
//	Subscribed    0 or 1
//	Partition     partition name
//
// then an empty line, then one line a message in ascending UID order with ten
// fields separated by TAB:
//
//	Uid InternalDate SentDate Size HSize SFlags UFlags Original-Uid SHA-256 Message-id
//
// Dates are 14 digits, YYYYMMDDhhmmss, UTC. SentDate is the Date: field of the
// message, empty when it has none that can be read. HSize counts the bytes up
// to and with the empty line that ends the header; a message without one is all
// header. SFlags is seven digits 0 or 1: Recent Deleted Seen Answered Flagged
// Draft Archived. UFlags is hexadecimal, byte by byte, keyword 0 is bit 0 of
// the first byte, at least three bytes. Original-Uid is uidvalidity-uid of the
// mailbox the message came from; with uidvalidity 0 its place in one without
// UIDs. SHA-256 is over the stored bytes. Message-id is the value of the field
// of that name, without control characters. Bare LF is how many messages
// have a line end that is not CR LF, the Quota Used of which that holds, and
// the UIDs of these messages as an IMAP sequence set, which is left out when it
// is long. Without the field, or with another Quota Used, nothing is known of
// that. A reader
// ignores header fields that it does not know and keeps them for the writer.
package ims
