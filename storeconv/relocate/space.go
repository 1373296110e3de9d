package relocate

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// checkSpace refuses a copy for which the new store's file system has not
// enough space or inodes. Where it has more free than the file systems of the
// source hold in all, nothing needs to be counted.
func (r *relocation) checkSpace(ctx context.Context) error {
	if r.via != ViaCopy || r.opts.DryRun {
		return nil
	}
	freeBytes, freeInodes, err := r.dst.Space()
	if err != nil {
		return err
	}
	if usedBytes, usedInodes, ok := r.sourceHolds(); ok && usedBytes < freeBytes && usedInodes < freeInodes {
		return nil
	}
	need, err := r.measure(ctx)
	if err != nil {
		return err
	}
	if uint64(need.bytes) > freeBytes {
		return fmt.Errorf("%w: the copy takes %d KiB and %d KiB are free in %s", ErrNoSpace, need.bytes>>10, freeBytes>>10, r.store)
	}
	if uint64(need.inodes) > freeInodes {
		return fmt.Errorf("%w: the copy takes %d inodes and %d are free in %s", ErrNoSpace, need.inodes, freeInodes, r.store)
	}
	return nil
}

// ErrNoSpace is wrapped by the error of a run that was refused because the new
// store would not fit. Nothing was written.
var ErrNoSpace = errors.New("not enough space")

// sourceHolds sums up what the file systems of the source hold. ok is false
// where that cannot be known.
func (r *relocation) sourceHolds() (bytes, inodes uint64, ok bool) {
	seen := make(map[uint64]bool)
	for _, p := range r.parts {
		if p.fd < 0 {
			continue
		}
		var st unix.Stat_t
		var fs unix.Statfs_t
		if unix.Fstat(p.fd, &st) != nil || unix.Fstatfs(p.fd, &fs) != nil || fs.Files == 0 {
			return 0, 0, false
		}
		if !seen[st.Dev] {
			seen[st.Dev] = true
			bytes += (fs.Blocks - fs.Bfree) * uint64(fs.Bsize)
			inodes += fs.Files - fs.Ffree
		}
	}
	return bytes, inodes, true
}

// treeSize is what a tree takes on disk.
type treeSize struct{ bytes, inodes int64 }

// measure adds up what the users take that are not in the new store yet.
func (r *relocation) measure(ctx context.Context) (treeSize, error) {
	work := make(chan *userTree, r.opts.Jobs)
	sizes := make([]sizer, r.opts.Jobs)
	var group errgroup.Group
	for i := range sizes {
		group.Go(func() error {
			w := userWalk{visitor: &sizes[i]}
			var err error
			for u := range work {
				if err == nil {
					err = sizes[i].user(&w, u)
				}
			}
			return err
		})
	}
	err := r.eachUser(func(u *userTree) error {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		if _, err := r.dst.Stat(u.to); len(u.done) == 0 && err != nil {
			work <- u
		}
		return nil
	})
	close(work)
	if groupErr := group.Wait(); err == nil {
		err = groupErr
	}
	var sum treeSize
	for _, s := range sizes {
		sum.bytes += s.bytes
		sum.inodes += s.inodes
	}
	return sum, err
}

// sizer is the visitor that adds up sizes, in blocks of 4 KiB.
type sizer struct{ treeSize }

const sizeBlock = 4096

func (s *sizer) user(w *userWalk, u *userTree) error {
	src, err := u.source()
	if err != nil {
		return nil // told when its turn comes
	}
	defer unix.Close(src)
	w.reset(u.where)
	return w.top(src, -1)
}

func (s *sizer) file(_ *userWalk, src, _ int, name, _ string, _ bool) error {
	var st unix.Stat_t
	if unix.Fstatat(src, name, &st, unix.AT_SYMLINK_NOFOLLOW) != nil {
		return nil // told when its turn comes
	}
	// A file of several names is made once; its share is counted at each.
	names := max(1, int64(st.Nlink))
	s.bytes += ((st.Size + sizeBlock - 1) / sizeBlock * sizeBlock) / names
	if names == 1 {
		s.inodes++
	}
	return nil
}

func (s *sizer) enter(*userWalk, int, string, *unix.Stat_t) (int, error) {
	s.inodes++
	s.bytes += sizeBlock
	return -1, nil
}

func (s *sizer) leave(*userWalk, int, *unix.Stat_t, bool) error { return nil }
