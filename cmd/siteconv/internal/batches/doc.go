// Package batches knows the batches of an output folder: groups of users who
// move to the new host together. Each has a folder OUT/batches/NAME with the
// list of its users, their entries as they were, the records that lock and
// unlock them, and the state of its runs ([Row]).
//
// Users are chosen from an export ([Chooser]), by a filter, by a list, or as a
// part of a split of all ([Split]); no user is in two batches. What is done
// with the directory between two runs, an export tells that is newer ([Seen]).
package batches
