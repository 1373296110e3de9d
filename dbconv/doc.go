// Package dbconv converts Berkeley DB files: any that package bdb reads into a
// btree or recno file of another version, byte order or page size; to and from
// the text of db_dump; and the mailbox list databases of a message store.
//
// Destinations are an io.WriterAt or io.Writer; names, locks and durability are
// the caller's. Conversions have one shape, Verb(ctx, dst, src, opts). Memory
// stays below 64 MiB at any input size, as long as no key or value is longer
// than a few MiB (the longest read is Common.MaxItem) and the caller sets the
// collector a limit; sorting goes through temporary files.
//
// What cannot be read is told to a Log as a problem, the smallest unit is
// skipped, and the conversion goes on. An error is returned when the
// destination fails, the source is no database, or with Strict at the first
// damage.
package dbconv
