package ims

import (
	"errors"
	"iter"
)

// errStopped ends a walk whose caller has seen enough.
var errStopped = errors.New("stopped")

// All goes through the mailboxes of the store: partitions in byte order, users
// in the order of their directories, of a user INBOX first. A mailbox is open
// until the next one comes. What the walk meets beside them comes as an
// [*Error] in place of a mailbox, and it goes on; any other error is the last
// that comes.
func (r *Reader) All() iter.Seq2[*Mailbox, error] {
	return func(yield func(*Mailbox, error) bool) {
		w := &mailboxWalk{r: r, yield: yield}
		if err := w.run(); err != nil && !w.over {
			yield(nil, err)
		}
	}
}

// mailboxWalk is one loop over All.
type mailboxWalk struct {
	r     *Reader
	yield func(*Mailbox, error) bool
	over  bool // the loop has ended
}

func (w *mailboxWalk) run() error {
	partitions, err := w.r.Partitions(w.stray)
	for _, p := range partitions {
		if err == nil && w.over {
			return errStopped
		}
		if err == nil {
			err = w.r.Users(p, w.stray, w.user)
		}
	}
	return err
}

func (w *mailboxWalk) user(u User) error {
	return w.r.Mailboxes(u, w.stray, func(box *Mailbox) error {
		defer box.Close()
		if w.over || !w.yield(box, nil) {
			w.over = true
			return errStopped
		}
		return nil
	})
}

// stray hands an error to the loop. The walk ends with the next mailbox when
// that was enough.
func (w *mailboxWalk) stray(e *Error) { w.over = w.over || !w.yield(nil, e) }
