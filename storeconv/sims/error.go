package sims

import (
	"errors"
	"fmt"
)

// Error is something in the stream that is refused, unreadable or lost, or,
// with Tolerated set, merely odd. It does not end the reading: Next goes on.
type Error struct {
	Offset    int64  // of the member or of the damage, in the uncompressed stream
	Name      string // of the member, "" for a place between members
	Class     string // one of the constants below
	Text      string // what is wrong, a sentence in lower case
	Tolerated bool   // nothing is lost

	// Member is what is known of a refused regular file whose body can be read,
	// else nil. It is valid until the next call of Next.
	Member *Member
}

// The classes of errors.
const (
	BadHeader   = "bad-header"    // a block that should be a header is none; the reader searched on
	BadExtended = "bad-extended"  // a pax or GNU header that cannot be read: its member is refused, or comes without what it said
	BadName     = "bad-name"      // a name that the profile forbids
	BadType     = "bad-type"      // neither file, directory nor hard link
	BadSize     = "bad-size"      // a size that cannot be
	BadValue    = "bad-value"     // a SIMS value that cannot be read; its member comes without it
	BadFlag     = "bad-flag"      // a flag or keyword that is none; its member comes without it
	BadACL      = "bad-acl"       // a line of rights that is none; its member comes without it
	BadDate     = "bad-date"      // a date that cannot be; its member comes with 0
	Lost        = "lost"          // members may be missing: zeros stand there, a message, or another member than headers announce
	Truncated   = "truncated"     // the stream ends inside a member, or inside a block
	ReadError   = "read-error"    // the source failed; what follows is lost
	NoEnd       = "no-end-marker" // tolerated
	OddName     = "odd-name"      // tolerated: a partition, it seems, where the user should be
	Zeros       = "zeros"         // tolerated: a block of a body is zeros, which may have been mail
	Trailing    = "trailing-data" // tolerated: another stream behind the end marker
)

// Error gives position and text.
func (e *Error) Error() string { return e.Position() + ": " + e.Text }

// Position is the offset, and the name of the member where there is one.
func (e *Error) Position() string {
	at := fmt.Sprintf("offset %d", e.Offset)
	if e.Name == "" {
		return at
	}
	return at + ": " + DisplayName(e.Name)
}

// Kind is the class of the error.
func (e *Error) Kind() string { return e.Class }

// Severity is 1 for what is tolerated, else 2: something is lost.
func (e *Error) Severity() int {
	if e.Tolerated {
		return 1
	}
	return 2
}

// ErrorOf returns the *Error in err, or nil.
func ErrorOf(err error) *Error {
	var p *Error
	if errors.As(err, &p) {
		return p
	}
	return nil
}
