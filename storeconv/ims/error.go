package ims

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// Error is something in a store that is damaged, out of place or unreadable.
type Error struct {
	Path  string // under the store; "" where the reader knows none, as of an index
	Line  int    // of an index, from 1; 0: the whole
	Class string // one of the constants below
	Text  string // what is wrong, a sentence in lower case
	Err   error  // the cause, nil when there is none beside Text
}

// The classes of errors.
const (
	StrayFile  = "stray-file" // no part of a store
	Misplaced  = "misplaced"  // a user, or a message, in the wrong hash directory
	Unreadable = "unreadable" // the file system refuses it
	BadIndex   = "bad-index"  // what an index holds cannot be read: a line, or all of it
)

// Error gives position and text.
func (e *Error) Error() string {
	at := e.Position()
	switch {
	case e.Path == "" && e.Line == 0:
		at = IndexName
	case e.Path == "":
		at = IndexName + ", " + at
	}
	if e.Err == nil {
		return at + ": " + e.Text
	}
	return fmt.Sprintf("%s: %v", at, e.Err)
}

// Position is the path, or the line of an index.
func (e *Error) Position() string {
	switch {
	case e.Line == 0:
		return e.Path
	case e.Path == "":
		return fmt.Sprintf("line %d", e.Line)
	}
	return fmt.Sprintf("%s, line %d", e.Path, e.Line)
}

// Kind is the class of the error.
func (e *Error) Kind() string { return e.Class }

// Severity is 2, something is lost to the reader, save for what only lies where
// it does not belong: 1.
func (e *Error) Severity() int {
	if e.Class == StrayFile || e.Class == Misplaced {
		return 1
	}
	return 2
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// HidesMail tells whether what the error is of keeps mail from whoever takes it
// out of the store: it lies where nobody looks for it, or in a partition that
// cannot be entered.
func (e *Error) HidesMail() bool {
	return e.Class == Misplaced || strings.Count(e.Path, "/") == 1
}

// OfMachine tells whether an error is of the machine, which has no open file or
// no memory left to give, and not of the file that was asked for. It says
// nothing of a store, and ends what goes through one.
func OfMachine(err error) bool {
	return errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) || errors.Is(err, unix.ENOMEM)
}

// IsBadIndex tells an error of what an index holds from one of reading it.
// [IndexReader.Next] goes on behind the first; the second comes again at every
// call, and ends what goes through the index.
func IsBadIndex(err error) bool {
	var bad *Error
	return errors.As(err, &bad) && bad.Class == BadIndex
}
