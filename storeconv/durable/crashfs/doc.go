// Package crashfs is a file system in memory that can lose what was not synced.
// It stands behind [durable.FS] in tests; no program links it.
//
// Every change is an operation of a log: an entry made, renamed, exchanged or
// removed, bytes written, a size, mode, owner or time set. An operation is
// pending until a sync makes it durable: fsync of a file its bytes, size and
// attributes; fsync of a directory its entries (a rename between two
// directories needs both); syncfs and sync all of them.
//
// [FS.Killed] makes the file system that a process killed after some operation
// leaves: all of the log up to there. [FS.PowerCuts] makes those that a power
// cut may leave: all that is durable, and any part of the pending operations,
// each one kept or lost by itself. That is harsher than a journalling file
// system, which keeps an order: here a rename can survive whose directory was
// never made, and a file whose bytes were not. An entry that is kept takes its
// name, whatever had it; a directory has one place, the last that is kept.
//
// Locks are those of open file descriptions. They end with the process, so a
// file system after a crash has none. Inode numbers are used again: for files
// that are gone, and, after a crash, those of files that were lost.
//
// [FS.Fail] makes a call fail as it does where the kernel, a filter of system
// calls or the file system has no exchange, no hard links or no syncfs.
//
// A descriptor below 1<<20 is the operating system's: calls on it go there. So
// a source may be real files while the destination is simulated. A link between
// the two is EXDEV or, after [FS.LinkReal], a new name of a file that has its
// bytes and attributes durable.
package crashfs
