// Package ldif reads and writes LDIF files.
//
// The format is RFC 2849: records separated by blank lines, each line
// "description: value", "description:: base64", or "description:< URL"; a line
// that begins with a blank continues the one before it. The reader also takes
// what Netscape Directory Server's db2ldif writes and its own reader takes:
//
//   - a version line or none, alone or in front of the first record, more than
//     once
//   - comments ("# entry-id: 7") anywhere, folded ones too
//   - continuation lines that begin with a TAB; folding at any column
//   - a line of digits before the dn line (ldbmcat)
//   - raw 8-bit values; white space before the colon, any amount of it after
//   - "attr:" with nothing behind it: the empty value
//   - CR LF or LF; no line end at the end of the file; a byte order mark
//
// A value taken from a URL (":<") is refused: a converter that works on files
// opens none that an input names.
//
// A record that cannot be read is skipped as a whole and reported with its
// position: half an entry is worse than none. Nothing of it reaches the next
// one. There is no limit on the length of lines and values but MaxEntry, the
// size of a whole record.
//
// Chunker and Scanner are the two halves of Reader: a Chunker cuts the input at
// blank lines, and any number of Scanners parse the chunks at the same time.
//
// The writer writes RFC 2849, lines of at most 76 bytes, base64 where the RFC
// asks for it, and the values of an attribute together.
package ldif
