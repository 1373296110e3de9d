// Package sims reads and writes the backup stream profile sims-tar/1, in which
// the mail of a Sun Internet Mail Server 4.0 site travels.
//
// # Where it comes from
//
// What imbackup wrote is documented only from outside: a stream "similar to
// tar" in records of 512 x b bytes (b = 20 by default), with a header and a
// table of contents, messages named user/mailbox/number, and later copies of a
// message stored as links to the name of the first. Its bytes were never
// published. The profile here is defined by this project: it keeps every
// documented property on a container that every tool reads.
//
// # The stream
//
// A POSIX pax or ustar archive. Writers fill records of 512 x b bytes; readers
// accept any number of 512-byte blocks, GNU and old headers too, and a missing
// end marker (a warning). Compression is not this package's business.
//
// The first member is a pax global header:
//
//	SIMS.profile=1
//	SIMS.product=SIMS 4.0
//	SIMS.host=oldmail.siroe.com
//	SIMS.date=981538200          when the backup was made, seconds since 1970
//
// An archive without one is read as a plain tar. Then members follow, depth
// first, each with these pax records:
//
//	user/               directory     SIMS.quota        bytes; -1 none, -2 the server's default
//	user/mailbox/       directory     SIMS.uidvalidity  1..4294967295
//	                                  SIMS.uidnext
//	                                  SIMS.madeuids     UIDs from this one on name nothing: they were given while a source was read
//	                                  SIMS.subscribed   0 or 1
//	                                  SIMS.keywords     separated by blanks
//	                                  SIMS.acl          identifier TAB rights, lines separated by LF
//	user/mailbox/uid    regular file  SIMS.flags        IMAP flags and keywords separated by blanks, also the marks expired and pending
//	                                  SIMS.sha256       of the body, where headers of members stand in it or a block of it is zeros: they are its own
//	user/mailbox/uid    hard link     SIMS.flags        to the member name of the first copy; date and flags are its own
//
// A mailbox name may have several components, in IMAP modified UTF-7. uid is
// 1..4294967295 in decimal, without sign or leading zero. The modification time
// of a message is its receive date. Unknown keys that start with "SIMS." are
// handed to the caller.
//
// # Refusals
//
// A member is refused, with one *Error, when its name is absolute, holds an
// empty, "." or ".." component, a NUL or a control byte, or is longer than
// 4,096 bytes; when a message's last component is not a uid or it lies in no
// mailbox; when it is neither file, directory nor hard link; when its size
// cannot be; when an extended header makes its body another thing than the
// file's bytes (sparse files, volumes, encodings). A hard link may carry data,
// which is passed over. Names are never cleaned up. After a damaged header the
// reader looks for the next block that is a header. So it does after zeros that
// are not the end: an end marker is two zero blocks that fill a record, or any
// in front of a global header, or in front of nothing.
//
// Extended headers whose member is missing are told, and say nothing about the
// member behind them: another header of their kind follows, or they do not fit
// it. One of zeros is told too; its member comes without it, unless the name or
// the link target in the header itself may be only a part.
//
// A value that cannot be (a number, a flag, a line of rights, a date) is left
// out. It is told with an *Error before its member, which comes without it.
package sims
