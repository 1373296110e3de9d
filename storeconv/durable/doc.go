// Package durable changes a message store so that a kill or a power cut at any
// moment leaves every user's tree whole: the old one or the new one.
//
// A run works in STORE/.imsconv/<run>/. It builds a tree under stage/, and
// Commit puts a batch of finished trees in place: their data is synced (one
// syncfs for the batch), what is about to happen is told to the caller's
// journal, each tree is renamed to its place or exchanged with the tree that is
// there, and only when a later sync has made the renames durable too may the
// journal call them done, and may what was replaced be removed. The folder
// .imsconv is removed by the last run that ends in good order.
//
// Where the file system has no exchange (NFS, many FUSE file systems, older
// ZFS), two renames stand in for it: the tree in place goes to kept/<n>, the
// new one to its place. The note kept/<n>.note says where from, and is durable
// first. Nothing clears kept/ but who knows that the new tree is in place.
// Every run puts the kept trees of runs that are no longer alive back before it
// does anything else, or refuses with a [HalfDoneError]; so it does with what
// the first version of this program left in stage/<n>.old, which had no note.
//
// What recovery removes is a copy: a staged tree, whose mail is in the stream
// or tree it was made from or, after an exchange, in the tree in place; and a
// kept tree when the new one, made of links to all that it has and synced
// before, is in place. The folder of a run that had done its work and could not
// be removed, which is called <run>.done, goes with the next run of any name.
//
// These promises hold when each operation that was not synced may be lost or
// kept by itself, whatever its order, and on kernels and file systems without
// exchange, hard links or syncfs. The tests hold them in a simulation, package
// crashfs, at every operation. With [SyncNone] they hold for a kill alone.
//
// STORE/.imsconv/lock is where runs of several processes meet, by
// open-file-description locks on byte ranges, which the kernel drops with the
// process: one for each user being changed, one for the mailbox lists, one held
// while a run begins, one that every run shares while it lasts.
//
// Everything is done relative to directory descriptors. Names given to a Dir
// are relative, without "." or ".." components; anything else is refused. No
// number of users, mailboxes or messages makes the package hold more than a few
// descriptors.
package durable
