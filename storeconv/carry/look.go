package carry

import (
	"fmt"
	"sync"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/durable"
)

// A Looker is the visitor that writes nothing and needs no counterpart: it
// makes sure that the files can be read, and counts them as a [Cloner] would:
// linked to the source, copied, or links to an earlier copy.
type Looker struct {
	Link   bool    // messages become links to the source where they can
	Copies *Copies // what has been met of files with several names; nil: nothing is copied or linked

	// Met is told of every file; nil: nobody is.
	Met func(w *Walk, name string, mode uint32)
}

// File looks at a file.
func (l *Looker) File(w *Walk, src, _ int, name string, message bool) error {
	if err := mayRead(src, name); err != nil {
		return err
	}
	var st unix.Stat_t
	if err := unix.Fstatat(src, name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return &durable.SourceError{Err: fmt.Errorf("stat: %w", err)}
	}
	if l.Met != nil {
		l.Met(w, name, st.Mode)
	}
	if message {
		w.Counts.Bytes += st.Size
	}
	switch {
	case l.Copies == nil:
	case message && l.Link:
		w.Counts.Linked++
	case st.Nlink > 1 && l.Copies.again(&st):
		w.Counts.Shared++
	default:
		w.Counts.Copied += st.Size
	}
	return nil
}

// Copies are the files with several names that the Lookers of a dry run have
// met, of which a run makes one copy. Several goroutines may use it.
type Copies struct {
	mu   sync.Mutex
	left map[fileID]uint64 // names that may still come
}

type fileID struct{ dev, ino uint64 }

// A dry run remembers so many files and then no more: further ones count as
// copies under each of their names.
const copiesKept = 1 << 20

// again tells whether another name of a file has been met.
func (c *Copies) again(st *unix.Stat_t) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	id := fileID{st.Dev, st.Ino}
	left, met := c.left[id]
	switch {
	case met && left == 1:
		delete(c.left, id)
	case met:
		c.left[id] = left - 1
	case len(c.left) < copiesKept:
		if c.left == nil {
			c.left = make(map[fileID]uint64)
		}
		c.left[id] = uint64(st.Nlink) - 1
	}
	return met
}

// Enter finds no counterpart.
func (*Looker) Enter(*Walk, int, string) (int, error) { return -1, nil }

// Leave does nothing.
func (*Looker) Leave(*Walk, int, *unix.Stat_t, bool) error { return nil }
