// Package durable changes a message store so that a kill or a power cut at any moment leaves every user's tree whole: the old one or the new one.
//
// A run works in STORE/.imsconv/<run>/. It builds a tree under stage/, and Commit puts a batch of finished trees in place: their data is synced (one syncfs for
// the batch), what is about to happen is told to the caller's journal, each tree is renamed to its place (or exchanged with the tree that is there), and only when
// a later sync has made the renames durable too may the journal call them done. The folder .imsconv is removed by the last run that ends in good order.
//
// STORE/.imsconv/lock is where runs of several processes meet, by open-file-description locks on byte ranges, which the kernel drops with the process: one for
// each user being changed, one for the mailbox lists, one that every run shares while it lasts.
//
// Everything is done relative to directory descriptors. Names given to a Dir are relative, without "." or ".." components; anything else is refused.
package durable
