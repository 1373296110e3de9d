// Package trees reads mailbox files and Maildirs once more, for whoever holds a
// store against them.
//
// It is written from docs/formats.md, sections 8 and 9, and shares with the
// reading that made the store only the packages of the formats: how a line of a
// file is read, and where a message begins in one. Whose mail lies where, what
// a mailbox is called, which UID and date a message has, what its flags and
// rights become in a store: all that is decided here a second time.
//
// What it finds it writes as a backup stream, which package verify reads.
// Damage that costs something is a problem; what takes the place of something
// that is not said has been told by the restore, and is not told again.
package trees
