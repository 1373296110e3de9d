// Package testsite makes synthetic mail sites of any size for tests and
// benchmarks: made input, no real person's mail.
//
// Everything is a pure function of the options: the same options give the same
// bytes on every machine. Nothing is held whole: a stream of a hundred million
// messages is written in a few MiB of memory.
//
//   - [WriteStream] writes a SIMS backup stream (profile sims-tar/1) and tells,
//     mailbox by mailbox, what a restore of it has to leave on disk, in the
//     form of testdata/site/expect.json.
//   - [WriteNMS] writes an NMS store tree and tells what its databases hold.
//   - [UserID] names the users, so that a directory export and a stream made
//     apart speak of the same people.
//
// The expectation is worked out here from the documented rules (hashdir, names
// on disk, the nn directories) and not with the converter's own code, so that
// tests may compare the two.
package testsite
