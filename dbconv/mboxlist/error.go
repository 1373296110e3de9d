package mboxlist

import "fmt"

// An Error is a record that is not in the form of this package.
type Error struct {
	Record string // "folder", "quota", "subscription", "per-user" or "set"
	Offset int    // byte offset in the value
	Text   string // lower case, no full stop
}

// Error gives the position and the text.
func (e *Error) Error() string { return e.Position() + ": " + e.Text }

// Position is "quota record: byte 7".
func (e *Error) Position() string {
	return fmt.Sprintf("%s record: byte %d", e.Record, e.Offset)
}

// Kind is "not-understood".
func (e *Error) Kind() string { return "not-understood" }

// Severity is 1: a value that is not understood goes over as it is.
func (e *Error) Severity() int { return 1 }

func bad(record string, offset int, format string, args ...any) error {
	return &Error{Record: record, Offset: offset, Text: fmt.Sprintf(format, args...)}
}
