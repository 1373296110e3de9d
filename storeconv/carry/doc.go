// Package carry brings trees of mailboxes from one store into another as they
// are: the user directories that a relocation takes over, or that a merge takes
// from the stores of its parts.
//
// A [Walk] goes through one tree and its counterpart together, and has a
// [Visitor] do something with what it meets: a [Cloner] makes the counterpart,
// of copies or of links; a [Comparer] holds one that is there against the
// source; a [Looker] writes nothing. How names are read is the conversion's
// ([Names]): what a message is, which mailbox a directory stands for, and
// whether its counterpart is called otherwise.
//
// A [Placer] has workers walk many trees at once. They clone into the stage of
// a [durable.Run]; the trees are put in place in the order in which they were
// found, batch by batch, and told to the conversion then. Those of which
// nothing is put in place are told before the batch that is on its way. All of
// this is so whatever the number of workers. [CheckSpace] looks before whether
// a copy would fit.
//
// What is wrong with a source becomes a note of its tree, and costs the
// smallest unit; an error is one of the store, or of the machine, and ends the
// run. Memory grows with the largest directory and the deepest tree, and with
// the few trees and the batch that are on their way, not with their number. No
// symbolic link of a source is followed or goes over.
package carry
