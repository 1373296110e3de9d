// Package bench measures what a disk can do as a message store, and says how
// long a migration takes on it.
//
// A measurement is a list of steps, each of one kind ([Op]), each in a process
// of its own where the caller sees to that ([Options].Step), so that its peak
// memory is known. A round takes every row (number of workers, sync mode) once:
//
//	bare-write   create, write, date and hash the same files, and nothing else
//	restore      the stream, made as it is read, becomes a store
//	verify       the store is held against its indexes and databases
//	bare-read    open, read and hash the same files, and nothing else
//	backup       the store becomes a stream again, in the same directory
//
// and, once a round, how fast the disk writes one large file and how often it
// makes a small one durable. Rounds go over the rows in turn, so that all rows
// meet the same neighbours; what is reported is the median of the rounds and
// its spread. The files that are read have just been written: caches are warm.
//
// The stream is synthetic ([Shape]): a pure function of its seed, made while it
// is read and never held whole. To make it takes about as much as to read it
// from a file.
package bench
