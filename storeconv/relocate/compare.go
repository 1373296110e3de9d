package relocate

import (
	"fmt"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/durable"
	"imsconv/storeconv/nms"
)

// comparer is the visitor that holds a tree that is in place already against
// the source, by names, types, sizes and times. Contents are left to verify.
type comparer struct {
	missing int64      // in the source and not in place
	differs string     // the first thing that is in both and not the same
	extra   bool       // in place and not in the source
	seen    []int      // entries met, of each directory on the way to the current one
	fs      durable.FS // of the tree that is in place
	lister  nms.Lister
	entries []nms.Entry
}

// sameTree says what a comparison found.
type sameTree int

const (
	treeSame    sameTree = iota
	treePartial          // all that is in place is right; the source has more
	treeOther            // in place is something else
)

func (c *comparer) reset() {
	c.missing, c.differs, c.extra = 0, "", false
	c.seen = append(c.seen[:0], 0)
}

func (c *comparer) result() sameTree {
	switch {
	case c.differs != "" || c.extra:
		return treeOther
	case c.missing > 0:
		return treePartial
	}
	return treeSame
}

func (c *comparer) differ(where, what string) {
	if c.differs == "" {
		c.differs = where + ": " + what
	}
}

func (c *comparer) file(w *userWalk, src, dst int, name, where string, message bool) error {
	var a unix.Stat_t
	if err := unix.Fstatat(src, name, &a, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return &durable.SourceError{Err: fmt.Errorf("stat: %w", err)}
	}
	if message {
		w.counts.Bytes += a.Size
	}
	w.checkMode(a.Mode, where, name)
	// A symbolic link to the message counts as the message.
	b, err := c.stat(dst, name)
	if err != nil {
		if err := unix.Faccessat(src, name, unix.R_OK, unix.AT_EACCESS); err != nil {
			return &durable.SourceError{Err: fmt.Errorf("open: %w", err)}
		}
		c.missing++
		return nil
	}
	c.seen[len(c.seen)-1]++
	if a.Ino == b.Ino && a.Dev == b.Dev {
		if message {
			w.counts.Linked++
		}
		return nil
	}
	switch {
	case a.Mode != b.Mode:
		c.differ(where+"/"+name, "another mode")
	case a.Size != b.Size:
		c.differ(where+"/"+name, "another size")
	case !durable.SameTime(a.Mtim, b.Mtim):
		c.differ(where+"/"+name, "another time")
	}
	return nil
}

// stat looks at a file that is in place, through a symbolic link.
func (c *comparer) stat(dst int, name string) (unix.Stat_t, error) {
	if dst < 0 {
		return unix.Stat_t{}, unix.ENOENT
	}
	return c.fs.Fstatat(dst, name, 0)
}

// count tells how many entries an open directory has.
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

func (c *comparer) enter(w *userWalk, dst int, name string, _ *unix.Stat_t) (int, error) {
	above := len(c.seen) - 1
	c.seen = append(c.seen, 0)
	if dst < 0 {
		c.missing++
		return -1, nil
	}
	fd, err := durable.OpenIn(c.fs, dst, name)
	if err != nil {
		if err != unix.ENOENT {
			c.differ(w.at, err.Error())
		}
		c.missing++
		return -1, nil
	}
	c.seen[above]++
	return fd, nil
}

// leave counts what is in place: more than the walk saw there is a difference.
func (c *comparer) leave(w *userWalk, dst int, st *unix.Stat_t, top bool) error {
	last := len(c.seen) - 1
	seen := c.seen[last]
	c.seen = c.seen[:last]
	if dst < 0 {
		return nil
	}
	n, err := c.count(dst)
	if err != nil {
		return err
	}
	if n > seen {
		c.extra = true
		c.differ(w.at, "more files in place than in the source")
	}
	return nil
}
