// Package roster lists the mail users of directory exports by their store ids,
// and spreads them over lists that are as even as the order allows. ldifconv
// users prints such lists, siteconv migrates by them: a user of the one is a
// user of the other, and in the same list. storeconv plan-shards finds its
// users in mail, and makes its lists by the same balance, in the same form.
//
// # The list
//
// A users file has one store id a line, in the order of the export: uid for
// users of the default domain, uid@domain for others. It is what -u of
// storeconv takes, and the user file of imbackup. The lists of a split are
// users01.txt, users02.txt and so on, with as many digits as the last one
// needs, two at least.
//
// # Who is listed
//
// Entries of the classes inetMailUser, mailRecipient and nsMessagingServerUser
// that a selection chooses. Tombstones and conflict entries of replication are
// no users. An id that no store can have, or that -u would read as something
// else, is a problem and not listed; of two entries with one id, in any case of
// letters, the first counts and the other is a problem.
//
// # The balance
//
// Each user goes to the list with the least so far, of several the one with the
// fewest users, of several the first. What counts is the bytes of each user; or
// the quota, where a user without one counts as much as the mean of those
// before; or the user. No user is in two lists.
//
// Users of an export come in its order, since nothing of them is held.
// plan-shards knows all users before it places the first: it begins with the
// heaviest, and places users who go together as one. Its lists are in byte
// order, to be searched as they lie in the file.
package roster
