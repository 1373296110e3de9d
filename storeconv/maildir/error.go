package maildir

import "fmt"

// Error is something in a Maildir that is damaged, unreadable or odd. It does
// not end the reading of anything else.
type Error struct {
	Path  string // relative to the user's Maildir; "" where the reader knows none
	Line  int    // of a file of lines, from 1; 0: the whole
	Class string // one of the constants below
	Text  string // what is wrong, a sentence in lower case
	Err   error  // the cause, nil when there is none beside Text
}

// The classes of errors.
const (
	BadUidlist      = "bad-uidlist"      // a line that cannot be read: its message gets another UID
	BadKeywords     = "bad-keywords"     // a line that cannot be read: its keyword is lost
	BadSubscription = "bad-subscription" // a line that cannot be read: its subscription is lost
	BadACL          = "bad-acl"          // a line that cannot be read: its rights are lost
	BadSize         = "bad-maildirsize"  // a file that cannot be read: the quota is lost
	NoMaildir       = "no-maildir"       // mail that is in no Maildir: not read
	NotRegular      = "not-regular"      // a link, a device or the like where a file or directory should be
	Unreadable      = "unreadable"       // the file system refuses it
	BadMailbox      = "bad-mailbox"      // a directory whose name is no mailbox's
	Stray           = "stray-file"       // no part of a Maildir; nothing is lost
)

// Error gives position and text.
func (e *Error) Error() string {
	text := e.Text
	if e.Err != nil {
		if text != "" {
			text += ": "
		}
		text += e.Err.Error()
	}
	if at := e.Position(); at != "" {
		return at + ": " + text
	}
	return text
}

// Position is the path, with the line where there is one.
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

// Severity is 1 for a stray file, which nobody misses, else 2.
func (e *Error) Severity() int {
	if e.Class == Stray {
		return 1
	}
	return 2
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
