package carry

import (
	"fmt"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/durable"
)

// A Looker is the visitor that writes nothing and needs no counterpart: it
// makes sure that the files can be read, and counts them.
type Looker struct {
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
	return nil
}

// Enter finds no counterpart.
func (*Looker) Enter(*Walk, int, string) (int, error) { return -1, nil }

// Leave does nothing.
func (*Looker) Leave(*Walk, int, *unix.Stat_t, bool) error { return nil }
