package merge

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/durable"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/nms"
)

// comparer is the visitor that holds a tree that is in place already against
// the part's, by names, types, modes, sizes and times, and an index by its
// bytes, which have the sums of all messages.
type comparer struct {
	fs      durable.FS // of the store
	differs string     // the first difference
	seen    []int      // entries met, of each directory on the way to the current one
	lister  nms.Lister
	entries []nms.Entry
}

func (c *comparer) begin() { c.differs, c.seen = "", append(c.seen[:0], 0) }

func (c *comparer) differ(where, what string) {
	if c.differs == "" {
		c.differs = where + ": " + what
	}
}

func (c *comparer) file(w *walk, src, dst int, name string, message bool) error {
	var a unix.Stat_t
	if err := unix.Fstatat(src, name, &a, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return &durable.SourceError{Err: fmt.Errorf("stat: %w", err)}
	}
	if message {
		w.counts.bytes += a.Size
	}
	if dst < 0 {
		return nil
	}
	where := w.at + "/" + name
	b, err := c.fs.Fstatat(dst, name, unix.AT_SYMLINK_NOFOLLOW)
	if err != nil {
		if err := unix.Faccessat(src, name, unix.R_OK, unix.AT_EACCESS); err != nil {
			return &durable.SourceError{Err: fmt.Errorf("open: %w", err)}
		}
		c.differ(where, "the store does not have it")
		return nil
	}
	c.seen[len(c.seen)-1]++
	switch {
	case a.Ino == b.Ino && a.Dev == b.Dev:
	case a.Mode != b.Mode:
		c.differ(where, "another mode")
	case a.Size != b.Size:
		c.differ(where, "another size")
	case name == ims.IndexName:
		return c.index(src, dst, name, where)
	case !durable.SameTime(a.Mtim, b.Mtim):
		c.differ(where, "another time")
	}
	return nil
}

// index compares the bytes of an index.
func (c *comparer) index(src, dst int, name, where string) error {
	fd, err := unix.Openat(src, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return &durable.SourceError{Err: fmt.Errorf("open: %w", err)}
	}
	a := os.NewFile(uintptr(fd), name)
	defer a.Close() // opened for reading
	there, err := c.fs.Openat(dst, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	defer c.fs.Close(there)
	same, err := c.equal(a, there)
	if err == nil && !same {
		c.differ(where, "another index")
	}
	return err
}

// equal compares a file of the part with an open one of the store.
func (c *comparer) equal(a io.Reader, there int) (bool, error) {
	bufA, bufB := make([]byte, 32<<10), make([]byte, 32<<10)
	for at := int64(0); ; {
		n, err := io.ReadFull(a, bufA)
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			return false, &durable.SourceError{Err: err}
		}
		for got := 0; got < n; {
			k, err := c.fs.Pread(there, bufB[got:n], at)
			if err != nil {
				return false, fmt.Errorf("read: %w", err)
			}
			if k == 0 {
				return false, nil
			}
			got, at = got+k, at+int64(k)
		}
		if !bytes.Equal(bufA[:n], bufB[:n]) {
			return false, nil
		}
		if err != nil {
			return true, nil
		}
	}
}

func (c *comparer) enter(w *walk, dst int, name string) (int, error) {
	above := len(c.seen) - 1
	c.seen = append(c.seen, 0)
	if dst < 0 {
		return -1, nil
	}
	fd, err := durable.OpenIn(c.fs, dst, name)
	if err != nil {
		c.differ(w.at, "the store does not have it as a directory")
		return -1, nil
	}
	c.seen[above]++
	return fd, nil
}

// leave counts what is in place: more than the walk saw there is a difference.
func (c *comparer) leave(w *walk, dst int, _ *unix.Stat_t, _ bool) error {
	last := len(c.seen) - 1
	seen := c.seen[last]
	c.seen = c.seen[:last]
	if dst < 0 {
		return nil
	}
	n, err := c.count(dst)
	if err == nil && n > seen {
		c.differ(w.at, "the store has more files")
	}
	return err
}

// count tells how many entries an open directory of the store has.
func (c *comparer) count(dst int) (int, error) {
	if c.fs != durable.OS {
		fd, err := durable.OpenIn(c.fs, dst, ".")
		if err != nil {
			return 0, err
		}
		list, err := c.fs.ReadDir(fd, "")
		return len(list), err
	}
	var err error
	c.entries, err = c.lister.List(dst, c.entries[:0])
	return len(c.entries), err
}
