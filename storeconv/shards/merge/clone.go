package merge

import (
	"fmt"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/durable"
)

// cloner is the visitor that makes the new tree.
type cloner struct {
	link  bool // messages become links to the part's files
	files durable.Cloner
}

func (c *cloner) file(w *walk, src, dst int, name string, message bool) error {
	if message && c.link {
		done, err := c.linked(w, src, dst, name)
		if done || err != nil {
			return err
		}
	}
	copied, err := c.files.Copy(src, name, dst, name)
	if err != nil {
		return err
	}
	if message {
		w.counts.bytes += copied.Size
		if copied.Cut {
			w.problem("cut-date", w.at+"/"+name, "the new file system cannot keep the date of this message, which is nowhere else")
		}
	}
	if copied.Linked {
		w.counts.shared++
	} else {
		w.counts.copied += copied.Size
	}
	return nil
}

// linked makes the new name of a message without a second copy of it; done is
// false where the file system cannot, and the message must be copied.
func (c *cloner) linked(w *walk, src, dst int, name string) (done bool, err error) {
	var st unix.Stat_t
	if err := unix.Fstatat(src, name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return false, &durable.SourceError{Err: fmt.Errorf("stat: %w", err)}
	}
	err = c.files.FS.Linkat(src, name, dst, name)
	switch {
	case err == nil:
		w.counts.linked++
		w.counts.bytes += st.Size
		return true, nil
	case durable.NoLinks(err):
		// Too many links, another file system mounted inside the tree, or files of
		// another owner under fs.protected_hardlinks.
		w.counts.fallback++
		return false, nil
	case err == unix.ENOENT || err == unix.EACCES:
		return false, &durable.SourceError{Err: fmt.Errorf("link: %w", err)}
	}
	return false, fmt.Errorf("link: %w", err)
}

func (c *cloner) enter(_ *walk, dst int, name string) (int, error) {
	if err := c.files.FS.Mkdirat(dst, name, durable.DirMode); err != nil {
		return -1, fmt.Errorf("make directory: %w", err)
	}
	fd, err := durable.OpenIn(c.files.FS, dst, name)
	if err != nil {
		return -1, fmt.Errorf("open new directory: %w", err)
	}
	return fd, nil
}

// leave gives a finished directory its attributes. The topmost one stays
// writable for its owner until it is in place, since a rename to another parent
// asks for that.
func (c *cloner) leave(_ *walk, dst int, st *unix.Stat_t, top bool) error {
	var keep uint32
	if top {
		keep = 0o200
	}
	return c.files.Finish(dst, st, keep)
}
