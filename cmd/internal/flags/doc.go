// Package flags holds the options that several verbs share, one type and one
// parser each: sizes, choices of a word, the form of a database, owners,
// user files, limits from a directory. Every value is checked as the command
// line is parsed, so that a wrong one is exit status 2 before anything is
// read or written.
package flags
