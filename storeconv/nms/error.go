package nms

import "fmt"

// Error says why a file of an NMS store does not read as what it may be. Such a
// file is carried over as it is: nothing is lost.
type Error struct {
	Line int    // from 1
	Text string // what is wrong, a sentence in lower case
}

// Error gives position and text.
func (e *Error) Error() string { return e.Position() + ": " + e.Text }

// Position is the line.
func (e *Error) Position() string { return fmt.Sprintf("line %d", e.Line) }

// Kind is "not-understood".
func (e *Error) Kind() string { return "not-understood" }

// Severity is 1: nothing is lost.
func (e *Error) Severity() int { return 1 }
