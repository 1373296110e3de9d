package carry

import (
	"fmt"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/durable"
)

// A Cloner is the visitor that makes the counterpart: directories with the
// attributes of the source's, files as copies or as links.
type Cloner struct {
	Files durable.Cloner // its FS is set

	// Link gives a message, of which st tells, the same name in the open directory
	// dst, without a second copy of it; nil: all are copied. It returns the error
	// number of the call as it is: by that, the message is copied where the file
	// system cannot link it ([durable.NoLinks]), or left out. st is valid until
	// Link returns.
	Link func(w *Walk, src, dst int, name string, st *unix.Stat_t) error
	// Met is told of every file that has gone over; nil: nobody is.
	Met func(w *Walk, name string, mode uint32)

	st unix.Stat_t // of the message at hand
}

// File links or copies a file.
func (c *Cloner) File(w *Walk, src, dst int, name string, message bool) error {
	if message && c.Link != nil {
		done, err := c.link(w, src, dst, name)
		if done || err != nil {
			return err
		}
	}
	copied, err := c.Files.Copy(src, name, dst, name)
	if err != nil {
		return err
	}
	c.met(w, name, copied.Mode)
	if message {
		w.Counts.Bytes += copied.Size
		if copied.Cut {
			w.Problem("cut-date", w.at+"/"+name, "the new file system cannot keep the date of this message, which is nowhere else")
		}
	}
	if copied.Linked {
		w.Counts.Shared++
	} else {
		w.Counts.Copied += copied.Size
	}
	return nil
}

func (c *Cloner) met(w *Walk, name string, mode uint32) {
	if c.Met != nil {
		c.Met(w, name, mode)
	}
}

// link makes the new name of a message without a second copy of it; done is
// false where the file system cannot, and the message must be copied.
func (c *Cloner) link(w *Walk, src, dst int, name string) (done bool, err error) {
	if err := unix.Fstatat(src, name, &c.st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return false, &durable.SourceError{Err: fmt.Errorf("stat: %w", err)}
	}
	if err := c.Link(w, src, dst, name, &c.st); err != nil {
		return false, c.notLinked(w, err)
	}
	c.met(w, name, c.st.Mode)
	w.Counts.Linked++
	w.Counts.Bytes += c.st.Size
	return true, nil
}

// notLinked says what follows from the error of a link; nil: a copy.
func (c *Cloner) notLinked(w *Walk, err error) error {
	if durable.IsSource(err) {
		return err
	}
	number, _ := err.(unix.Errno)
	switch {
	case number != 0 && durable.NoLinks(number):
		// Too many links, another file system mounted inside the tree, or files of
		// another owner under fs.protected_hardlinks.
		w.Counts.Fallback++
		return nil
	case number == unix.ENOENT || number == unix.EACCES:
		return &durable.SourceError{Err: fmt.Errorf("link: %w", err)}
	}
	return fmt.Errorf("link: %w", err)
}

// Enter makes a directory.
func (c *Cloner) Enter(_ *Walk, dst int, name string) (int, error) {
	if err := c.Files.FS.Mkdirat(dst, name, durable.DirMode); err != nil {
		return -1, fmt.Errorf("make directory: %w", err)
	}
	fd, err := durable.OpenIn(c.Files.FS, dst, name)
	if err != nil {
		return -1, fmt.Errorf("open new directory: %w", err)
	}
	return fd, nil
}

// Leave gives a finished directory its attributes. The topmost one stays
// writable for its owner until it is in place, since a rename to another parent
// asks for that.
func (c *Cloner) Leave(_ *Walk, dst int, st *unix.Stat_t, top bool) error {
	var keep uint32
	if top {
		keep = ownerWrites
	}
	return c.Files.Finish(dst, st, keep)
}

// ownerWrites is the permission that a staged tree's top has, whatever the
// source's.
const ownerWrites = 0o200
