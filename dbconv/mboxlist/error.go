package mboxlist

import "fmt"

// An Error is a record that is not in the form of this package.
type Error struct {
	Record string // "folder", "quota", "subscription", "per-user" or "set"
	Offset int    // byte offset in the value
	Text   string // lower case, no full stop
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s record: byte %d: %s", e.Record, e.Offset, e.Text)
}

func bad(record string, offset int, format string, args ...any) error {
	return &Error{Record: record, Offset: offset, Text: fmt.Sprintf(format, args...)}
}
