package carry

import (
	"imsconv/storeconv"
)

// A Tree is one tree on its way into a store. The conversions embed it in what
// they know of the tree besides.
type Tree struct {
	Where string // the tree in the source, for notes
	User  string // the user it belongs to, whose lock its placing takes; "": nobody
	To    string // its place, relative to the store

	done chan Result // capacity 1
}

// NewTree is a tree that has to be made.
func NewTree(where, user, to string) Tree {
	return Tree{Where: where, User: user, To: to, done: make(chan Result, 1)}
}

// Tell settles a tree that no worker has to do with: res comes in its turn.
// Once at the most.
func (t *Tree) Tell(res Result) { t.done <- res }

// Told tells whether Tell was called.
func (t *Tree) Told() bool { return len(t.done) > 0 }

// Whose is whom the tree belongs to, for messages.
func (t *Tree) Whose() string {
	if t.User == "" {
		return "the tree"
	}
	return "user " + t.User
}

func (t *Tree) tree() *Tree { return t }

// A Unit is a pointer to something that embeds a [Tree].
type Unit interface{ tree() *Tree }

// State is what became of a tree.
type State int

// The states.
const (
	Staged    State = iota
	There           // in place already
	Refused         // something else is in its place, or it cannot be read
	Looked          // nothing was to be written
	Note            // no tree, only something to tell
	Unstarted       // the run was cancelled
)

// Result is what a worker made of a tree.
type Result struct {
	State    State
	Exchange bool // of a staged tree: takes the place of the tree that is there
	Counts   Counts
	Boxes    []string // mailboxes met, "" for INBOX, in byte order
	Notes    []storeconv.Note
	Err      error // of the store, or of the machine: ends the run

	stage string // name in the stage
	mode  uint32 // of the tree's top
}

// Refuse is the result for a tree that is left out for one reason.
func (t *Tree) Refuse(kind, text string) Result {
	return Result{State: Refused, Notes: []storeconv.Note{t.Note(kind, text)}}
}

// Note is a problem with the tree.
func (t *Tree) Note(kind, text string) storeconv.Note {
	return storeconv.Note{Severity: storeconv.Problem, Kind: kind, Where: t.Where, Text: text}
}
