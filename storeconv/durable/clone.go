package durable

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"imsconv/storeconv"
)

// A SourceError is trouble on the reading side of a clone: nothing is wrong
// with the destination, and the next file may well succeed.
type SourceError struct{ Err error }

func (e *SourceError) Error() string { return e.Err.Error() }

// Unwrap returns the error of the call that failed.
func (e *SourceError) Unwrap() error { return e.Err }

// Owner is who gets what is made.
type Owner = storeconv.Owner

// A Cloner copies files and directories with mode, modification time and,
// where the process may, owner. It works on directory descriptors and follows
// no symbolic link. One Cloner serves one goroutine; its fields are set before
// the first call.
type Cloner struct {
	Owner *Owner    // nil: as the source, when running as root
	Pool  *LinkPool // nil: hard links inside the source become files of their own

	// NoAtime is kept false once the kernel has refused O_NOATIME.
	noAtimeRefused bool
	buf            []byte
}

// cloneBuf is the size of a Cloner's copy buffer, in bytes.
const cloneBuf = 128 << 10

// Copied tells what a copy met.
type Copied struct {
	Size   int64
	Mode   uint32 // st_mode
	Linked bool   // a hard link to an earlier copy, not a second copy
}

// Copy copies the regular file src in srcDir to dst in dstDir, which must not
// exist. Trouble with the source is a *SourceError, and then no dst is left.
func (c *Cloner) Copy(srcDir int, src string, dstDir int, dst string) (Copied, error) {
	in, err := c.openSource(srcDir, src)
	if err != nil {
		return Copied{}, &SourceError{err}
	}
	defer unix.Close(in)
	var st unix.Stat_t
	if err := unix.Fstat(in, &st); err != nil {
		return Copied{}, &SourceError{fmt.Errorf("stat: %w", err)}
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return Copied{}, &SourceError{errors.New("not a regular file")}
	}
	pooled := c.Pool != nil && st.Nlink > 1
	if pooled {
		if done, err := c.Pool.link(&st, dstDir, dst); err != nil {
			return Copied{}, err
		} else if done {
			return Copied{Size: st.Size, Mode: st.Mode, Linked: true}, nil
		}
	}
	if err := c.copyTo(in, &st, dstDir, dst); err != nil {
		return Copied{}, err
	}
	if pooled {
		linked, err := c.Pool.add(&st, dstDir, dst)
		return Copied{Size: st.Size, Mode: st.Mode, Linked: linked}, err
	}
	return Copied{Size: st.Size, Mode: st.Mode}, nil
}

// Rewrite makes dst with data in it and mode, time and owner of the regular
// file src.
func (c *Cloner) Rewrite(srcDir int, src string, dstDir int, dst string, data []byte) error {
	var st unix.Stat_t
	if err := unix.Fstatat(srcDir, src, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return &SourceError{fmt.Errorf("stat: %w", err)}
	}
	out, err := openat(dstDir, dst, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, FileMode)
	if err != nil {
		return fmt.Errorf("create %s: %w", dst, err)
	}
	err = writeFD(out, data)
	if err == nil {
		err = c.attributes(out, &st, true)
	}
	if closeErr := unix.Close(out); err == nil {
		err = closeErr
	}
	if err != nil {
		_ = unix.Unlinkat(dstDir, dst, 0)
		return fmt.Errorf("write %s: %w", dst, err)
	}
	return nil
}

func (c *Cloner) openSource(dir int, name string) (int, error) {
	const flags = unix.O_RDONLY | unix.O_NOFOLLOW | unix.O_CLOEXEC | unix.O_NONBLOCK
	if !c.noAtimeRefused {
		fd, err := openat(dir, name, flags|unix.O_NOATIME, 0)
		if err != unix.EPERM {
			return fd, wrapOpen(err)
		}
		c.noAtimeRefused = true // not the owner of these files
	}
	fd, err := openat(dir, name, flags, 0)
	return fd, wrapOpen(err)
}

func wrapOpen(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("open: %w", err)
}

// copyTo makes dst from the open file in. It removes a dst that it could not
// finish.
func (c *Cloner) copyTo(in int, st *unix.Stat_t, dstDir int, dst string) (err error) {
	mode := st.Mode & 0o7777
	out, err := openat(dstDir, dst, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, mode)
	if err != nil {
		return fmt.Errorf("create %s: %w", dst, err)
	}
	defer func() {
		if closeErr := unix.Close(out); err == nil && closeErr != nil {
			err = fmt.Errorf("close %s: %w", dst, closeErr)
		}
		if err != nil {
			_ = unix.Unlinkat(dstDir, dst, 0)
		}
	}()
	if err := c.copyBytes(in, out, st.Size); err != nil {
		return err
	}
	return c.attributes(out, st, mode&umask() != 0 || mode&0o7000 != 0)
}

// copyBytes copies exactly size bytes: a file that changes while it is read is
// an error, since a copy of it would be neither the old file nor the new one.
func (c *Cloner) copyBytes(in, out int, size int64) error {
	if c.buf == nil {
		c.buf = make([]byte, cloneBuf)
	}
	for left := size; left > 0; {
		n, err := readFD(in, c.buf[:min(left, int64(len(c.buf)))])
		if err != nil {
			return &SourceError{fmt.Errorf("read: %w", err)}
		}
		if n == 0 {
			return &SourceError{fmt.Errorf("read: the file ended %d bytes early", left)}
		}
		if err := writeFD(out, c.buf[:n]); err != nil {
			return fmt.Errorf("write: %w", err)
		}
		left -= int64(n)
	}
	return nil
}

// attributes gives an open file or directory owner, mode and time of st.
func (c *Cloner) attributes(fd int, st *unix.Stat_t, chmod bool) error {
	uid, gid, chown := c.owner(st)
	if chown {
		if err := unix.Fchown(fd, uid, gid); err != nil {
			return fmt.Errorf("change owner: %w", err)
		}
	}
	if chmod || chown && st.Mode&0o7000 != 0 {
		if err := unix.Fchmod(fd, st.Mode&0o7777); err != nil {
			return fmt.Errorf("change mode: %w", err)
		}
	}
	return setTimes(fd, st)
}

// setTimes sets the times of an open file or directory to those of st.
func setTimes(fd int, st *unix.Stat_t) error {
	ts := [2]unix.Timespec{st.Atim, st.Mtim}
	if err := futimens(fd, &ts); err != nil {
		return fmt.Errorf("set times: %w", err)
	}
	return nil
}

// owner returns what a clone of st must be chowned to, if at all.
func (c *Cloner) owner(st *unix.Stat_t) (uid, gid int, chown bool) {
	if c.Owner != nil {
		return c.Owner.UID, c.Owner.GID, true
	}
	euid, egid := os.Geteuid(), os.Getegid()
	uid, gid = int(st.Uid), int(st.Gid)
	return uid, gid, euid == 0 && (uid != euid || gid != egid)
}

// OwnLink gives the symbolic link name in dir the owner asked for, if any.
func (c *Cloner) OwnLink(dir int, name string) error {
	if c.Owner == nil {
		return nil
	}
	if err := unix.Fchownat(dir, name, c.Owner.UID, c.Owner.GID, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return fmt.Errorf("change owner: %w", err)
	}
	return nil
}

// Finish gives the open directory fd the owner, mode and times of st, once all
// that goes into it is there. Mode bits in keep stay set whatever st says.
func (c *Cloner) Finish(fd int, st *unix.Stat_t, keep uint32) error {
	want := *st
	want.Mode |= keep
	return c.attributes(fd, &want, true)
}

// Directory gives the directory dst in dir the owner, mode and times of the
// directory at path. Where its owner may be another than root, he keeps all
// rights in it. What is as it should be is not touched.
func (c *Cloner) Directory(path string, dir int, dst string) error {
	var want, have unix.Stat_t
	if err := unix.Stat(path, &want); err != nil {
		return nil // gone from the source in the meantime
	}
	fd, err := openat(dir, dst, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err == unix.ENOENT {
		return nil
	}
	if err != nil {
		return wrapOpen(err)
	}
	defer unix.Close(fd)
	if err := unix.Fstat(fd, &have); err != nil {
		return fmt.Errorf("stat: %w", err)
	}
	uid, gid, chown := c.owner(&want)
	chown = chown && (int(have.Uid) != uid || int(have.Gid) != gid)
	if c.Owner != nil || os.Geteuid() != 0 {
		want.Mode |= DirMode
	}
	if !chown && have.Mode&0o7777 == want.Mode&0o7777 && have.Mtim == want.Mtim {
		return nil
	}
	return c.attributes(fd, &want, true)
}

// A LinkPool remembers the copies of files that have several names in the
// source, so that these names are hard links in the destination too. The memory
// is a directory on the destination's file system with one link a file: any
// number of files, and a run that was killed finds it again. Safe for
// concurrent use.
type LinkPool struct {
	dir int // open directory
}

// NewLinkPool uses the open directory dir, which the caller closes and removes
// after the last Copy.
func NewLinkPool(dir int) *LinkPool { return &LinkPool{dir: dir} }

func (p *LinkPool) name(st *unix.Stat_t) (sub, name string) {
	return fmt.Sprintf("%02x", st.Ino&0xff), strconv.FormatUint(st.Dev, 16) + "-" + strconv.FormatUint(st.Ino, 16)
}

// link makes dst a link to the pooled copy of st; done is false when there is
// none, or none that can take one more link.
func (p *LinkPool) link(st *unix.Stat_t, dstDir int, dst string) (done bool, err error) {
	sub, name := p.name(st)
	path := sub + "/" + name
	var have unix.Stat_t
	if err := unix.Fstatat(p.dir, path, &have, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		if err == unix.ENOENT {
			return false, nil
		}
		return false, fmt.Errorf("look for the first copy of a linked file: %w", err)
	}
	// The source may have changed since a killed run filled the pool.
	if have.Size != st.Size || have.Mtim != st.Mtim {
		return false, p.drop(path)
	}
	err = unix.Linkat(p.dir, path, dstDir, dst, 0)
	switch err {
	case nil:
		return true, nil
	case unix.EMLINK:
		return false, p.drop(path)
	case unix.ENOENT: // dropped by another worker
		return false, nil
	}
	return false, fmt.Errorf("link %s: %w", dst, err)
}

func (p *LinkPool) drop(path string) error {
	if err := unix.Unlinkat(p.dir, path, 0); err != nil && err != unix.ENOENT {
		return fmt.Errorf("remove from the link pool: %w", err)
	}
	return nil
}

// add puts the fresh copy dst into the pool. When another worker was faster,
// dst becomes a link to that worker's copy.
func (p *LinkPool) add(st *unix.Stat_t, dstDir int, dst string) (linked bool, err error) {
	sub, name := p.name(st)
	path := sub + "/" + name
	for {
		err := unix.Linkat(dstDir, dst, p.dir, path, 0)
		switch err {
		case nil:
			return false, nil
		case unix.ENOENT:
			if err := unix.Mkdirat(p.dir, sub, 0o700); err != nil && err != unix.EEXIST {
				return false, fmt.Errorf("make link pool: %w", err)
			}
			continue
		case unix.EEXIST:
			return p.exchange(path, dstDir, dst)
		}
		return false, fmt.Errorf("add to link pool: %w", err)
	}
}

// exchange puts a link to the pooled copy in the place of dst; where the pooled
// copy takes no more links, dst stays.
func (p *LinkPool) exchange(path string, dstDir int, dst string) (linked bool, err error) {
	fresh := dst + ".link"
	err = unix.Linkat(p.dir, path, dstDir, fresh, 0)
	if err == unix.EMLINK || err == unix.ENOENT {
		return false, nil
	}
	if err == nil {
		err = unix.Renameat(dstDir, fresh, dstDir, dst)
	}
	if err != nil {
		return false, fmt.Errorf("link %s: %w", dst, err)
	}
	return true, nil
}

func openat(dir int, name string, flags int, mode uint32) (int, error) {
	for {
		fd, err := unix.Openat(dir, name, flags, mode)
		if err != syscall.EINTR {
			return fd, err
		}
	}
}

func readFD(fd int, b []byte) (int, error) {
	for {
		n, err := unix.Read(fd, b)
		if err != syscall.EINTR {
			return n, err
		}
	}
}

func writeFD(fd int, b []byte) error {
	for len(b) > 0 {
		n, err := unix.Write(fd, b)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// umask returns the file mode creation mask of the process, read once and
// without changing it. Where it cannot be read, every mode is set explicitly.
var umask = sync.OnceValue(func() uint32 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0o7777
	}
	for line := range bytes.Lines(status) {
		if rest, ok := bytes.CutPrefix(line, []byte("Umask:")); ok {
			if mask, err := strconv.ParseUint(string(bytes.TrimSpace(rest)), 8, 32); err == nil {
				return uint32(mask)
			}
		}
	}
	return 0o7777
})
