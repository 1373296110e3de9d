// Package check finds what is wrong with a directory export, entry by entry and
// across entries: what a server would refuse, ids and addresses that two
// entries have, references to nowhere, values that mean nothing or something
// else than they seem to, and what an upgrade left behind.
//
// Run reads the input once. What an entry has by itself is noted on the way;
// what takes the whole directory goes as sorted keys to a scratch folder
// (internal/index) and is settled by walks over it at the end. So memory does
// not grow with the input, and findings come in the order of the input.
//
// Names and addresses are compared by the first 16 bytes of their SHA-256.
package check
