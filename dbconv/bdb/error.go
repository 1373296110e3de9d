package bdb

import (
	"errors"
	"fmt"
	"strings"
)

// Classes of error. An *Error wraps one of them; test with errors.Is.
var (
	// ErrCorrupt marks a page, an item or a number that contradicts the format.
	ErrCorrupt = errors.New("damaged")
	// ErrNotBerkeleyDB is returned by NewReader when no known magic number is
	// found.
	ErrNotBerkeleyDB = errors.New("not a Berkeley DB file")
	// ErrUnsupported marks a file or a part of a form that is named but not
	// read: partitioned, compressed, 1.86 hash, versions newer than 10.
	ErrUnsupported = errors.New("not supported")
	// ErrForm marks a file that says its records are in a form, or in files
	// beside it, that are not read: compressed, partitioned, with extents,
	// sliced. It is an ErrUnsupported.
	ErrForm = fmt.Errorf("%w", ErrUnsupported)
	// ErrEncrypted is returned by NewReader for an encrypted file.
	ErrEncrypted = errors.New("encrypted database")
	// ErrTooBig marks a key or a value longer than Options.MaxItem.
	ErrTooBig = errors.New("item above the limit")
	// ErrUnreached marks data pages that neither the tree, a bucket nor the
	// free list leads to: the file was not closed cleanly. Salvage reads them.
	ErrUnreached = errors.New("data pages not reached")
	// ErrDeleted marks records that carry the delete flag and were skipped.
	ErrDeleted = errors.New("deleted records skipped")
	// ErrLogged notes that the file was written in an environment with a log:
	// after a crash the log holds what is missing in the file.
	ErrLogged = errors.New("used with a log")
	// ErrNotFound is returned by Get and Open.
	ErrNotFound = errors.New("not found")
	// ErrEmpty is returned for a file of 0 bytes. Release 1.85 wrote such a
	// file for an empty btree; a file that was lost looks the same.
	ErrEmpty = errors.New("no database: 0 bytes")
)

// NoItem is the Item of an Error that concerns a whole page.
const NoItem = -1

// An Error is something wrong, or odd, at a place of the file.
type Error struct {
	Page   int64 // page number; -1: the file as a whole
	Offset int64 // byte offset in the file; -1: unknown
	Item   int   // slot number on the page; NoItem: the page as a whole
	// Tolerated: odd, but no record was lost or changed by it. The readers and
	// Verify mean the same by it.
	Tolerated bool
	Text      string // what is wrong, lower case, no full stop
	Err       error  // the class, one of the sentinels of this package

	unled bool // records are on pages that nothing leads to: a scan finds them
}

// Error gives the position and the text.
func (e *Error) Error() string {
	if w := e.Position(); w != "" {
		return w + ": " + e.What()
	}
	return e.What()
}

// Severity is 1 for something odd by which nothing is lost, 2 for damage:
// records are missing, changed, or cannot be reached.
func (e *Error) Severity() int {
	if e.Tolerated {
		return 1
	}
	return 2
}

// kinds are the words for the classes of error.
var kinds = []struct {
	class error
	kind  string
}{
	{ErrTooBig, "too-big"},
	{ErrUnreached, "unclosed"},
	{ErrDeleted, "deleted"},
	{ErrLogged, "environment"},
	{ErrUnsupported, "unsupported"},
	{ErrEncrypted, "encrypted"},
	{ErrNotBerkeleyDB, "not-berkeley-db"},
	{ErrNotFound, "not-found"},
	{ErrEmpty, "empty"},
}

// Kind is the class of the error in a word: "damaged", "too-big", "unclosed",
// "deleted", "environment", "unsupported", "encrypted", "not-berkeley-db",
// "not-found" or "empty".
func (e *Error) Kind() string {
	for _, k := range kinds {
		if errors.Is(e.Err, k.class) {
			return k.kind
		}
	}
	return "damaged"
}

// Position is where in the file: "page 3 item 4 (offset 8192)", "page 3", or ""
// for the file as a whole.
func (e *Error) Position() string {
	if e.Page < 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "page %d", e.Page)
	if e.Item >= 0 {
		fmt.Fprintf(&b, " item %d", e.Item)
	}
	if e.Offset >= 0 {
		fmt.Fprintf(&b, " (offset %d)", e.Offset)
	}
	return b.String()
}

// What is the text without the position.
func (e *Error) What() string {
	switch {
	case e.Text == "":
		return e.Err.Error()
	case e.Err == nil || errors.Is(e.Err, ErrCorrupt):
		return e.Text
	}
	return e.Err.Error() + ": " + e.Text
}

// Unwrap returns the class of the error.
func (e *Error) Unwrap() error { return e.Err }

// fileError makes an Error that concerns the whole file.
func fileError(class error, format string, args ...any) *Error {
	return &Error{Page: -1, Offset: -1, Item: NoItem, Text: fmt.Sprintf(format, args...), Err: class}
}
