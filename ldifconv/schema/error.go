package schema

import (
	"fmt"
	"strconv"
)

// Error is a line of a schema file that cannot be read.
type Error struct {
	// Line is its number, counted from 1.
	Line int
	// Err says what is wrong.
	Err error
}

// Error names the line and what is wrong with it.
func (e *Error) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }

// Unwrap returns what is wrong.
func (e *Error) Unwrap() error { return e.Err }

// Position is "line 12": the readers know no file names.
func (e *Error) Position() string { return "line " + strconv.Itoa(e.Line) }

// Kind is "bad-schema".
func (e *Error) Kind() string { return "bad-schema" }

// Severity is 2: what the line defines is lost.
func (e *Error) Severity() int { return 2 }
