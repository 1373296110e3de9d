package durable

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// A LinkPool remembers the copies of files that have several names in the
// source, so that these names are hard links in the destination too. The memory
// is a directory on the destination's file system with one link a file: any
// number of files, and a run that was killed finds it again. Safe for
// concurrent use.
//
// Each run has a folder of its own in it. What earlier runs have pooled is
// compared with the source before it is used: nothing had synced it, and a
// power cut may have left a file of the right size and date with other bytes.
type LinkPool struct {
	dir int // open directory

	once    sync.Once
	err     error
	own     string   // folder of this run, with a slash
	earlier []string // folders of earlier runs, the latest first, with a slash
}

// NewLinkPool uses the open directory dir, which the caller closes and removes
// after the last Copy.
func NewLinkPool(dir int) *LinkPool { return &LinkPool{dir: dir} }

// open finds the folders of earlier runs and makes one for this run.
func (p *LinkPool) open(f FS) error {
	p.once.Do(func() { p.err = p.openOnce(f) })
	return p.err
}

func (p *LinkPool) openOnce(f FS) error {
	fd, err := f.Openat(p.dir, ".", unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return fmt.Errorf("open link pool: %w", err)
	}
	list, err := f.ReadDir(fd, "link pool")
	if err != nil {
		return fmt.Errorf("read link pool: %w", err)
	}
	last := 0
	for _, e := range list {
		if n, err := strconv.Atoi(strings.TrimPrefix(e.Name(), "run")); err == nil && strings.HasPrefix(e.Name(), "run") {
			last = max(last, n)
		} else if p.earlier == nil {
			p.earlier = []string{""} // the first version had no folders
		}
	}
	for n := 1; n <= last; n++ {
		p.earlier = append(p.earlier, poolFolder(n))
	}
	slices.Reverse(p.earlier)
	p.own = poolFolder(last + 1)
	if err := f.Mkdirat(p.dir, strings.TrimSuffix(p.own, "/"), DirMode); err != nil {
		return fmt.Errorf("make link pool: %w", err)
	}
	return nil
}

func poolFolder(n int) string { return "run" + strconv.Itoa(n) + "/" }

// poolName is the place of a file in the folder of a run.
func poolName(st *unix.Stat_t) string {
	return fmt.Sprintf("%02x/%x-%d", st.Ino&0xff, st.Dev, st.Ino)
}

// link makes dst a link to the pooled copy of the open file in; done is false
// when there is none, or none that can take one more link.
func (p *LinkPool) link(c *Cloner, in int, st *unix.Stat_t, dstDir int, dst string) (done bool, err error) {
	f := c.fs()
	if err := p.open(f); err != nil {
		return false, err
	}
	name := poolName(st)
	if done, err = p.linkFrom(f, p.own+name, st, dstDir, dst, nil); done || err != nil {
		return done, err
	}
	for _, folder := range p.earlier {
		whole := func(have *unix.Stat_t) (bool, error) { return c.isCopy(in, st, p.dir, folder+name, have) }
		if done, err = p.linkFrom(f, folder+name, st, dstDir, dst, whole); err != nil {
			return false, err
		}
		if done {
			_, err := p.add(f, st, dstDir, dst)
			return true, err
		}
	}
	return false, nil
}

// linkFrom makes dst a link to the pooled file path, if it is there and a copy
// of st.
func (p *LinkPool) linkFrom(f FS, path string, st *unix.Stat_t, dstDir int, dst string, whole func(*unix.Stat_t) (bool, error)) (done bool, err error) {
	have, err := f.Fstatat(p.dir, path, unix.AT_SYMLINK_NOFOLLOW)
	if err == unix.ENOENT {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for the first copy of a linked file: %w", err)
	}
	// The source may have changed since.
	same := have.Size == st.Size && have.Mtim == st.Mtim
	if same && whole != nil {
		if same, err = whole(&have); err != nil {
			return false, err
		}
	}
	if !same {
		return false, p.drop(f, path)
	}
	err = f.Linkat(p.dir, path, dstDir, dst)
	switch {
	case err == nil:
		return true, nil
	case err == unix.EMLINK:
		return false, p.drop(f, path)
	case err == unix.ENOENT: // dropped by another worker
		return false, nil
	case NoLinks(err):
		return false, nil
	}
	return false, fmt.Errorf("link %s: %w", dst, err)
}

func (p *LinkPool) drop(f FS, path string) error {
	if err := f.Unlinkat(p.dir, path, 0); err != nil && err != unix.ENOENT {
		return fmt.Errorf("remove from the link pool: %w", err)
	}
	return nil
}

// add puts the fresh copy dst into the pool. When another worker was faster,
// dst becomes a link to that worker's copy.
func (p *LinkPool) add(f FS, st *unix.Stat_t, dstDir int, dst string) (linked bool, err error) {
	path := p.own + poolName(st)
	for {
		err := f.Linkat(dstDir, dst, p.dir, path)
		switch {
		case err == nil, NoLinks(err):
			return false, nil
		case err == unix.ENOENT:
			sub := path[:strings.LastIndexByte(path, '/')]
			if err := f.Mkdirat(p.dir, sub, DirMode); err != nil && err != unix.EEXIST {
				return false, fmt.Errorf("make link pool: %w", err)
			}
			continue
		case err == unix.EEXIST:
			return p.exchange(f, path, dstDir, dst)
		}
		return false, fmt.Errorf("add to link pool: %w", err)
	}
}

// exchange puts a link to the pooled copy in the place of dst; where the pooled
// copy takes no more links, dst stays.
func (p *LinkPool) exchange(f FS, path string, dstDir int, dst string) (linked bool, err error) {
	fresh := dst + ".link"
	err = f.Linkat(p.dir, path, dstDir, fresh)
	if err == unix.ENOENT || NoLinks(err) {
		return false, nil
	}
	if err == nil {
		err = f.Renameat2(dstDir, fresh, dstDir, dst, 0)
	}
	if err == nil {
		// A rename between two names of one file does nothing.
		if err = f.Unlinkat(dstDir, fresh, 0); err == unix.ENOENT {
			err = nil
		}
	}
	if err != nil {
		return false, fmt.Errorf("link %s: %w", dst, err)
	}
	return true, nil
}

// isCopy tells whether the file name, of which have tells, is what a copy of
// the open file in would be: the same bytes, mode and, where copies get one,
// owner.
func (c *Cloner) isCopy(in int, st *unix.Stat_t, dir int, name string, have *unix.Stat_t) (bool, error) {
	if have.Mode != st.Mode {
		return false, nil
	}
	if uid, gid, chown := c.owner(st); chown && (uid >= 0 && int(have.Uid) != uid || gid >= 0 && int(have.Gid) != gid) {
		return false, nil
	}
	fd, err := c.fs().Openat(dir, name, unix.O_RDONLY|unix.O_NOFOLLOW, 0)
	if err == unix.ENOENT {
		return false, nil // dropped by another worker
	}
	if err != nil {
		return false, fmt.Errorf("open the first copy of a linked file: %w", err)
	}
	defer c.fs().Close(fd)
	a := io.NewSectionReader(preader{c.fs(), in}, 0, st.Size)
	b := io.NewSectionReader(preader{c.fs(), fd}, 0, st.Size)
	return equalReaders(a, b)
}

// preader reads an open file by offset.
type preader struct {
	fs FS
	fd int
}

func (r preader) ReadAt(b []byte, off int64) (n int, err error) {
	for n < len(b) {
		m, err := r.fs.Pread(r.fd, b[n:], off+int64(n))
		if err != nil {
			return n, err
		}
		if m == 0 {
			return n, io.EOF
		}
		n += m
	}
	return n, nil
}
