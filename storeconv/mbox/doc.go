// Package mbox reads and writes mailbox files: messages one after the other,
// each behind a line that begins with "From ".
//
// # Where a message begins
//
// A line "From sender date" begins a message when a blank line or nothing is in
// front of it; where the blank line is missing, a header field must follow. The
// date is found from its end: all of
//
//	From joe@siroe.com Wed Jun 21 09:32:14 2000
//	From "Joe Q. Public"@siroe.com Wed Jun 21 09:32 EST 00
//	From joe at siroe.com  Wed Jun 21 09:32:14 2000
//	From siroe!joe Wed Jun 21 09:32:14 2000 remote from hub
//	From - Wed, 21 Jun 2000 09:32:14 +0200 (CEST)
//
// begin one, with tabs too. The date is the receive date; without a zone it is
// UTC. Others begin one only with a blank line in front and a header field
// behind: a sender of several words; a date without the day of the week,
//
//	From joe 2000-06-21T09:32:14Z
//	From joe 21-Jun-2000 09:32:14 +0200
//	From joe Jun 21 09:32:14 2000
//
// and, where the first line of the file has no date, lines with no more words
// than that. "From" and "From -" alone, as Thunderbird writes them, need one of
// the fields behind them that mail begins with. Any other line is text; with
// a sender and a date, or with a blank line in front and such a field behind
// it, it is told (UnsureFrom).
//
// # Where it ends
//
// A Content-Length that leads to the next From line, or to the end of the file,
// is right: the body is that long, whatever its lines look like, and nothing in
// it is quoted (mboxcl2), but where mutt has written the length (see
// edited.go). Otherwise the message ends at the next From line, less one blank
// line, which is the separator; and of each line of the body that begins with
// ">From ", after any number of ">", one ">" is undone (mboxrd, and what mboxo
// nearly always means). Options.Quoting says otherwise.
//
// A file that begins with a line of four bytes 01 is one of MMDF: its messages
// lie between such lines, with a From line in front or without, and nothing in
// them is quoted. It is read, and never written.
//
// # Which header fields are the mailbox's
//
// They are left out of the message, and are read:
//
//	X-IMAPbase: <uidvalidity> <last uid> [keyword ...]   first message
//	X-IMAP: the same         the pseudo message of c-client, which is no mail
//	X-UID: <uid>
//	Status: R read, O not recent; D deleted
//	X-Status: A answered, F flagged, T draft, D deleted
//	X-Keywords: keywords separated by blanks
//	X-Mozilla-Status, X-Mozilla-Status2, X-Mozilla-Keys
//	Content-Length           where it is right
//
// A field whose value has not this form is the message's own and stays.
//
// # What a Writer adds
//
// The fields above stand in front of the message's own header. A header line of
// the message that a reader would take for one of them, or for a From line, is
// written with "X-Imsconv-" in front, once more if it has that already. When
// the message has no line end at its end where one is needed, it is written,
// and "X-Imsconv-End: open" says so. A Reader undoes both: what a Writer of
// either kind wrote gives the bytes of the message again.
package mbox
