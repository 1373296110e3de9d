package carry

import (
	"fmt"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/durable"
	"imsconv/storeconv/nms"
)

// Difference is what a comparison finds.
type Difference int

// The differences.
const (
	NoFile       Difference = iota // the counterpart does not have the file
	NoDirectory                    // the counterpart does not have the directory
	NotDirectory                   // it has something else in its place
	OtherMode
	OtherSize
	OtherTime
	OtherContent
	MoreFiles // the counterpart's directory has names that the source's has not
	Unread    // the counterpart has what could not be read in the source, or may have it
	Closed    // the counterpart's directory cannot be opened: nobody knows what it has
)

// A Comparer is the visitor that holds a counterpart against the source, by
// names, types, modes, sizes and times. A file that is the same inode is the
// same, and counts as linked. What of the source could not be read is in the
// notes of the walk; where the counterpart has it that is told as Unread, for
// whoever would put another tree in its place. Begin comes before each tree.
type Comparer struct {
	FS     durable.FS // of the counterpart
	Follow bool       // a symbolic link counts as the file that it leads to

	// Differs is told of each difference: of the file name in the directory that w
	// is at, or of that directory itself where name is empty. err is that of the
	// opening, of Closed and of NotDirectory.
	Differs func(w *Walk, name string, d Difference, err error)
	// Same compares a file whose mode and size are the same in a way of its own;
	// known is false where the time is to tell. nil: it always is.
	Same func(src, dst int, name string) (same, known bool, err error)
	// Met is told of every file of the source; nil: nobody is.
	Met func(w *Walk, name string, mode uint32)

	seen    []int // entries met in both, of each directory on the way to the current one
	lister  nms.Lister
	entries []nms.Entry
	st      unix.Stat_t // of the source's file at hand
}

// Begin is for the next tree.
func (c *Comparer) Begin() { c.seen = append(c.seen[:0], 0) }

// File compares a file with its counterpart.
func (c *Comparer) File(w *Walk, src, dst int, name string, message bool) error {
	err := c.file(w, src, dst, name, message)
	if durable.IsSource(err) {
		if _, statErr := c.stat(dst, name); statErr == nil {
			c.Differs(w, name, Unread, nil)
		}
	}
	return err
}

func (c *Comparer) file(w *Walk, src, dst int, name string, message bool) error {
	a := &c.st
	if err := unix.Fstatat(src, name, a, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return &durable.SourceError{Err: fmt.Errorf("stat: %w", err)}
	}
	if message {
		w.Counts.Bytes += a.Size
	}
	if c.Met != nil {
		c.Met(w, name, a.Mode)
	}
	b, err := c.stat(dst, name)
	if err != nil {
		if err := mayRead(src, name); err != nil {
			return err
		}
		c.Differs(w, name, NoFile, nil)
		return nil
	}
	c.seen[len(c.seen)-1]++
	switch {
	case a.Ino == b.Ino && a.Dev == b.Dev:
		if message {
			w.Counts.Linked++
		}
	case a.Mode != b.Mode:
		c.Differs(w, name, OtherMode, nil)
	case a.Size != b.Size:
		c.Differs(w, name, OtherSize, nil)
	default:
		return c.sameFile(w, src, dst, name, durable.SameTime(a.Mtim, b.Mtim))
	}
	return nil
}

// sameFile compares what mode and size do not tell.
func (c *Comparer) sameFile(w *Walk, src, dst int, name string, sameTime bool) error {
	if c.Same != nil {
		same, known, err := c.Same(src, dst, name)
		if known && err == nil && !same {
			c.Differs(w, name, OtherContent, nil)
		}
		if known || err != nil {
			return err
		}
	}
	if !sameTime {
		c.Differs(w, name, OtherTime, nil)
	}
	return nil
}

// stat looks at the counterpart of a file.
func (c *Comparer) stat(dst int, name string) (unix.Stat_t, error) {
	if dst < 0 {
		return unix.Stat_t{}, unix.ENOENT
	}
	flags := unix.AT_SYMLINK_NOFOLLOW
	if c.Follow {
		flags = 0
	}
	return c.FS.Fstatat(dst, name, flags)
}

// mayRead makes sure that a file that is not opened could be: what cannot be
// read is so whatever becomes of it.
func mayRead(src int, name string) error {
	if err := unix.Faccessat(src, name, unix.R_OK, unix.AT_EACCESS); err != nil {
		return &durable.SourceError{Err: fmt.Errorf("open: %w", err)}
	}
	return nil
}

// Enter opens the counterpart of a directory.
func (c *Comparer) Enter(w *Walk, dst int, name string) (int, error) {
	above := len(c.seen) - 1
	c.seen = append(c.seen, 0)
	if dst < 0 {
		c.Differs(w, "", NoDirectory, nil)
		return -1, nil
	}
	fd, err := durable.OpenIn(c.FS, dst, name)
	switch {
	case err == unix.ENOENT:
		c.Differs(w, "", NoDirectory, nil)
		return -1, nil
	case err == unix.ENOTDIR || err == unix.ELOOP:
		c.Differs(w, "", NotDirectory, err)
		return -1, nil
	case err == unix.EACCES || err == unix.EPERM:
		c.seen[above]++ // it is one that the source has
		c.Differs(w, "", Closed, err)
		return -1, nil
	case err != nil:
		return -1, fmt.Errorf("open %s in its place: %w", name, err)
	}
	c.seen[above]++
	return fd, nil
}

// Leave counts what the counterpart has: more than the walk met there is a
// difference, unless it may be what could not be read.
func (c *Comparer) Leave(w *Walk, dst int, _ *unix.Stat_t, _ bool) error {
	last := len(c.seen) - 1
	seen := c.seen[last]
	c.seen = c.seen[:last]
	if dst < 0 {
		return nil
	}
	n, err := c.count(dst)
	switch {
	case err != nil || n <= seen:
	case w.Short():
		c.Differs(w, "", Unread, nil)
	default:
		c.Differs(w, "", MoreFiles, nil)
	}
	return err
}

// count tells how many entries an open directory has.
func (c *Comparer) count(dst int) (int, error) {
	if c.FS != durable.OS {
		fd, err := durable.OpenIn(c.FS, dst, ".")
		if err != nil {
			return 0, err
		}
		list, err := c.FS.ReadDir(fd, "")
		return len(list), err
	}
	var err error
	c.entries, err = c.lister.List(dst, c.entries[:0])
	return len(c.entries), err
}
