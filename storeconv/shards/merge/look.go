package merge

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"imsconv/storeconv"
	"imsconv/storeconv/durable"
)

// looker is the visitor that writes nothing: a dry run's, and that of trees
// that are in the store already.
type looker struct {
	size // what a copy would take
}

// size is what a tree takes on disk.
type size struct{ bytes, inodes int64 }

const sizeBlock = 4096

func (l *looker) file(w *walk, src, _ int, name string, message bool) error {
	if err := unix.Faccessat(src, name, unix.R_OK, unix.AT_EACCESS); err != nil {
		return &durable.SourceError{Err: fmt.Errorf("open: %w", err)}
	}
	var st unix.Stat_t
	if err := unix.Fstatat(src, name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return &durable.SourceError{Err: fmt.Errorf("stat: %w", err)}
	}
	if message {
		w.counts.bytes += st.Size
	}
	// A file of several names is made once; its share is counted at each.
	names := max(1, int64(st.Nlink))
	l.bytes += (st.Size + sizeBlock - 1) / sizeBlock * sizeBlock / names
	if names == 1 {
		l.inodes++
	}
	return nil
}

func (l *looker) enter(*walk, int, string) (int, error) {
	l.inodes++
	l.bytes += sizeBlock
	return -1, nil
}

func (l *looker) leave(*walk, int, *unix.Stat_t, bool) error { return nil }

// checkSpace refuses a copy for which the file system of the store has not
// enough space or inodes. Where it has more free than the file systems of the
// parts hold in all, nothing needs to be counted.
func (m *merge) checkSpace(ctx context.Context) error {
	if m.run == nil || !m.copies() {
		return nil
	}
	freeBytes, freeInodes, err := m.dst.Space()
	if err != nil {
		return err
	}
	if bytes, inodes, ok := m.held(); ok && bytes < freeBytes && inodes < freeInodes {
		return nil
	}
	need, err := m.measure(ctx)
	if err != nil {
		return err
	}
	if uint64(need.bytes) > freeBytes {
		return fmt.Errorf("%w: the copy takes %d KiB and %d KiB are free in %s", ErrNoSpace, need.bytes>>10, freeBytes>>10, m.store)
	}
	if uint64(need.inodes) > freeInodes {
		return fmt.Errorf("%w: the copy takes %d inodes and %d are free in %s", ErrNoSpace, need.inodes, freeInodes, m.store)
	}
	return nil
}

// copies tells whether the messages of any part are copied.
func (m *merge) copies() bool {
	for _, p := range m.parts {
		if p.via == ViaCopy && p.trees {
			return true
		}
	}
	return false
}

// held sums up what the file systems of the parts hold. ok is false where that
// cannot be known.
func (m *merge) held() (bytes, inodes uint64, ok bool) {
	seen := make(map[uint64]bool)
	for _, p := range m.parts {
		dev, err := p.device()
		var fs unix.Statfs_t
		if err != nil || unix.Statfs(p.path, &fs) != nil || fs.Files == 0 {
			return 0, 0, false
		}
		if !seen[dev] {
			seen[dev] = true
			bytes += (fs.Blocks - fs.Bfree) * uint64(fs.Bsize)
			inodes += fs.Files - fs.Ffree
		}
	}
	return bytes, inodes, true
}

// measure adds up what the trees take that are copied and not in the store yet.
func (m *merge) measure(ctx context.Context) (size, error) {
	work := make(chan *unit, m.opts.Jobs)
	sizes := make([]looker, m.opts.Jobs)
	var group errgroup.Group
	for i := range sizes {
		group.Go(func() error {
			var w walk
			for u := range work {
				if fd, err := u.part.openDir(u.rel); err == nil {
					// What is wrong with it is told when its turn comes.
					_ = w.top(&sizes[i], u.rel, fd, -1)
					unix.Close(fd)
				}
			}
			return nil
		})
	}
	err := m.eachTree(storeconv.Discard, func(u *unit) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if _, err := m.dst.Stat(u.rel); err != nil && u.part != nil && u.part.via == ViaCopy && len(u.done) == 0 {
			work <- u
		}
		return nil
	})
	close(work)
	_ = group.Wait() // no worker fails
	var sum size
	for i := range sizes {
		sum.bytes += sizes[i].bytes
		sum.inodes += sizes[i].inodes
	}
	return sum, err
}
