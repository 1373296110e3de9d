// Package ldifconv upgrades directory exports of Sun Internet Mail Server 4.0
// and Netscape Messaging Server 4.x to the schema of iPlanet Messaging Server
// 5.x, without a server.
//
// Upgrade reads an export and writes either one change record for each entry
// that changes, or all entries as they are afterwards; beside that records that
// take it back, the records that could not be read, and a state file.
//
// What happens to one entry is a table of small named rules (Rules prints it).
// A value that no rule understands stays in the entry and is a problem with its
// line; it never opens or closes anything.
//
// An entry is loaded into a draft, which knows what it was and what it becomes;
// rules change the draft; what differs in the end is written. Rules see one
// entry at a time, so entries are upgraded side by side:
//
//	reader ── chunks of whole records ──> workers ── batches ──> collector
//
// The reader cuts the input at blank lines. A worker parses a chunk, upgrades
// its entries and formats the results into the buffers of a batch. The
// collector takes the batches in the order of the input, so the output and the
// messages are the same for any number of workers. Where a rule needs to know
// the order (numbers given to program names), it waits for the batches before
// its own.
//
// SIMS domains are known by what lies below their nodes, for which the input is
// read once more in front of all that (survey).
//
// Memory does not grow with the input. The full output keeps parents in front
// of their children, and Restore finds an entry's state, through temporary
// files (internal/index).
package ldifconv
