package mbox

import "fmt"

// Error is something in a mailbox file that is lost, or merely odd. The reading
// goes on behind it.
type Error struct {
	Offset    int64  // of the place in the file, in bytes
	Class     string // one of the constants below
	Text      string // what is wrong, a sentence in lower case
	Tolerated bool   // nothing is lost
}

// The classes of errors.
const (
	Garbage    = "garbage"     // bytes that belong to no message
	Truncated  = "truncated"   // the last message is shorter than it says
	BadLength  = "bad-length"  // a Content-Length that leads nowhere; tolerated
	BadDate    = "bad-date"    // a From line with a date that no calendar has; tolerated
	UnsureFrom = "unsure-from" // a line that may begin a message, and counts as text; tolerated
	BadFlags   = "bad-flags"   // a value of the mailbox's own fields that cannot be; tolerated
)

// Error gives position and text.
func (e *Error) Error() string { return e.Position() + ": " + e.Text }

// Position is the offset.
func (e *Error) Position() string { return fmt.Sprintf("byte %d", e.Offset) }

// Kind is the class of the error.
func (e *Error) Kind() string { return e.Class }

// Severity is 1 for what is tolerated, else 2: something is lost.
func (e *Error) Severity() int {
	if e.Tolerated {
		return 1
	}
	return 2
}
