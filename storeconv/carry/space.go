package carry

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"imsconv/storeconv/durable"
)

// ErrNoSpace is wrapped by the error of a run that was refused because the
// store would not fit. Nothing was written.
var ErrNoSpace = errors.New("not enough space")

// Size is what trees take on disk.
type Size struct{ Bytes, Inodes int64 }

// sizeBlock is what a file takes at the least, and is rounded up to.
const sizeBlock = 4096

// A sizer is the visitor that adds up sizes. A file of several names is made
// once; its share is counted at each.
type sizer struct {
	Size
	shares int64 // of inodes, besides whole ones
}

// wholeInode is an inode in shares.
const wholeInode = 1 << 20

func (s *sizer) File(_ *Walk, src, _ int, name string, _ bool) error {
	var st unix.Stat_t
	if unix.Fstatat(src, name, &st, unix.AT_SYMLINK_NOFOLLOW) != nil {
		return nil // told when its turn comes
	}
	names := max(1, int64(st.Nlink))
	s.Bytes += (st.Size + sizeBlock - 1) / sizeBlock * sizeBlock / names
	if names == 1 {
		s.Inodes++
	} else {
		s.shares += wholeInode / names
	}
	return nil
}

func (s *sizer) Enter(*Walk, int, string) (int, error) {
	s.Inodes++
	s.Bytes += sizeBlock
	return -1, nil
}

func (s *sizer) Leave(*Walk, int, *unix.Stat_t, bool) error { return nil }

// anyNames are the names of trees whose mailboxes nobody asks for.
type anyNames struct{}

func (anyNames) Message(string, bool) bool                          { return false }
func (anyNames) Folder(_ *Walk, name string) (string, string, bool) { return name, name, false }
func (anyNames) Stray(*Walk)                                        {}

// Measure adds up what the trees take that each yields and the store does not
// have yet, by that many jobs. open opens one for reading: Measure closes the
// descriptor. A tree that cannot be opened is passed over, and told when its
// turn comes.
func Measure[U Unit](ctx context.Context, store *durable.Store, jobs int, each func(yield func(U) error) error, open func(U) (fd int, err error)) (Size, error) {
	work := make(chan U, jobs)
	sizes := make([]sizer, jobs)
	var group errgroup.Group
	for i := range sizes {
		group.Go(func() error {
			w := NewWalk(nil, anyNames{})
			var err error
			for u := range work {
				if err != nil {
					continue
				}
				if fd, openErr := open(u); openErr == nil {
					err = w.Tree(&sizes[i], &Top{Where: u.tree().Where, Src: fd, Dst: -1})
					unix.Close(fd)
				}
			}
			return err
		})
	}
	err := each(func(u U) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if _, err := store.Stat(u.tree().To); err != nil && !u.tree().Told() {
			work <- u
		}
		return nil
	})
	close(work)
	if groupErr := group.Wait(); err == nil {
		err = groupErr
	}
	var sum Size
	shares := int64(0)
	for i := range sizes {
		sum.Bytes += sizes[i].Bytes
		sum.Inodes += sizes[i].Inodes
		shares += sizes[i].shares
	}
	sum.Inodes += (shares + wholeInode - 1) / wholeInode
	return sum, err
}

// Holds sums up what file systems hold. The zero value holds nothing.
type Holds struct {
	Bytes, Inodes uint64
	devices       map[uint64]bool
}

// Add adds a file system, once for each device.
func (h *Holds) Add(device uint64, fs *unix.Statfs_t) {
	if h.devices == nil {
		h.devices = make(map[uint64]bool)
	}
	if !h.devices[device] {
		h.devices[device] = true
		h.Bytes += (fs.Blocks - fs.Bfree) * uint64(fs.Bsize)
		h.Inodes += fs.Files - fs.Ffree
	}
}

// CheckSpace refuses a copy for which the file system of the store has not
// enough space or inodes. Where it has more free than all file systems that are
// read from hold, nothing is measured. held is nil where that is not known. The
// error wraps [ErrNoSpace].
func CheckSpace(store *durable.Store, held *Holds, measure func() (Size, error)) error {
	freeBytes, freeInodes, err := store.Space()
	if err != nil {
		return err
	}
	if held != nil && held.Bytes < freeBytes && held.Inodes < freeInodes {
		return nil
	}
	need, err := measure()
	if err != nil {
		return err
	}
	if uint64(need.Bytes) > freeBytes {
		return fmt.Errorf("%w: the copy takes %d KiB and %d KiB are free in %s", ErrNoSpace, need.Bytes>>10, freeBytes>>10, store.Path())
	}
	if uint64(need.Inodes) > freeInodes {
		return fmt.Errorf("%w: the copy takes %d inodes and %d are free in %s", ErrNoSpace, need.Inodes, freeInodes, store.Path())
	}
	return nil
}
