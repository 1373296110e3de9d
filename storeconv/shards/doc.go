// Package shards shares the users of a source out among several runs, on one
// machine or on many, by a plan that is made beforehand.
//
// A plan is a folder: plan.json says what it was made of and how even it is,
// and a list of users for each part says who belongs to it, one store id a
// line in byte order. docs/formats.md has both byte by byte. A user who is in
// no list belongs to the first part, so that the parts are the whole whatever
// the lists say; nobody is in two of them.
package shards
