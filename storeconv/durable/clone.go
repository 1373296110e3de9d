package durable

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"

	"imsconv/storeconv"
	"imsconv/storeconv/ims"
)

// A SourceError is trouble on the reading side of a clone: nothing is wrong
// with the destination, and the next file may well succeed.
type SourceError struct{ Err error }

func (e *SourceError) Error() string { return e.Err.Error() }

// Unwrap returns the error of the call that failed.
func (e *SourceError) Unwrap() error { return e.Err }

// IsSource tells whether an error is of the reading side alone; one of the
// machine, such as too many open files, is not.
func IsSource(err error) bool {
	var source *SourceError
	return errors.As(err, &source) && !ims.OfMachine(err)
}

// OpenIn opens the directory name below the open directory dir; a symbolic
// link is none.
func OpenIn(f FS, dir int, name string) (int, error) {
	return f.Openat(dir, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
}

// Owner is who gets what is made.
type Owner = storeconv.Owner

// A Cloner copies files and directories with mode, modification time and,
// where the process may, owner. It works on directory descriptors and follows
// no symbolic link. One Cloner serves one goroutine; its fields are set before
// the first call.
type Cloner struct {
	FS    FS        // nil: the operating system's
	Owner *Owner    // nil: as the source, when running as root
	Pool  *LinkPool // nil: hard links inside the source become files of their own

	noAtimeRefused bool // the kernel has refused O_NOATIME
	buf            []byte

	// The user and group of the process, asked for once; ids tells that they were.
	euid, egid int
	ids        bool
}

func (c *Cloner) fs() FS {
	if c.FS == nil {
		return OS
	}
	return c.FS
}

// cloneBuf is the size of a Cloner's copy buffer, in bytes.
const cloneBuf = 128 << 10

// Copied tells what a copy met.
type Copied struct {
	Size   int64
	Mode   uint32 // st_mode
	Linked bool   // a hard link to an earlier copy, not a second copy
	Cut    bool   // the file system cannot keep its modification time
}

// Copy copies the regular file src in srcDir to dst in dstDir, which must not
// exist. Trouble with the source is a *SourceError, and then no dst is left.
func (c *Cloner) Copy(srcDir int, src string, dstDir int, dst string) (Copied, error) {
	in, err := c.openSource(srcDir, src)
	if err != nil {
		return Copied{}, &SourceError{err}
	}
	defer c.fs().Close(in)
	st, err := c.fs().Fstat(in)
	if err != nil {
		return Copied{}, &SourceError{fmt.Errorf("stat: %w", err)}
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return Copied{}, &SourceError{errors.New("not a regular file")}
	}
	pooled := c.Pool != nil && st.Nlink > 1
	if pooled {
		if done, err := c.Pool.link(c, in, &st, dstDir, dst); err != nil {
			return Copied{}, err
		} else if done {
			return Copied{Size: st.Size, Mode: st.Mode, Linked: true}, nil
		}
	}
	done := Copied{Size: st.Size, Mode: st.Mode}
	if done.Cut, err = c.copyTo(in, &st, dstDir, dst); err != nil {
		return Copied{}, err
	}
	if pooled {
		done.Linked, err = c.Pool.add(c.fs(), &st, dstDir, dst)
	}
	return done, err
}

// Rewrite makes dst with data in it and mode, time and owner of the regular
// file src.
func (c *Cloner) Rewrite(srcDir int, src string, dstDir int, dst string, data []byte) error {
	st, err := c.fs().Fstatat(srcDir, src, unix.AT_SYMLINK_NOFOLLOW)
	if err != nil {
		return &SourceError{fmt.Errorf("stat: %w", err)}
	}
	out, err := c.fs().Openat(dstDir, dst, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW, FileMode)
	if err != nil {
		return fmt.Errorf("create %s: %w", dst, err)
	}
	err = writeAll(c.fs(), out, data)
	if err == nil {
		err = c.attributes(out, &st, true)
	}
	if closeErr := c.fs().Close(out); err == nil {
		err = closeErr
	}
	if err != nil {
		_ = c.fs().Unlinkat(dstDir, dst, 0)
		return fmt.Errorf("write %s: %w", dst, err)
	}
	return nil
}

func (c *Cloner) openSource(dir int, name string) (int, error) {
	const flags = unix.O_RDONLY | unix.O_NOFOLLOW | unix.O_CLOEXEC | unix.O_NONBLOCK
	if !c.noAtimeRefused {
		fd, err := c.fs().Openat(dir, name, flags|unix.O_NOATIME, 0)
		if err != unix.EPERM {
			return fd, wrapOpen(err)
		}
		c.noAtimeRefused = true // not the owner of these files
	}
	fd, err := c.fs().Openat(dir, name, flags, 0)
	return fd, wrapOpen(err)
}

func wrapOpen(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("open: %w", err)
}

// copyTo makes dst from the open file in, and tells whether its time was cut.
// It removes a dst that it could not finish.
func (c *Cloner) copyTo(in int, st *unix.Stat_t, dstDir int, dst string) (cut bool, err error) {
	mode := st.Mode & 0o7777
	out, err := c.fs().Openat(dstDir, dst, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW, mode)
	if err != nil {
		return false, fmt.Errorf("create %s: %w", dst, err)
	}
	defer func() {
		if closeErr := c.fs().Close(out); err == nil && closeErr != nil {
			err = fmt.Errorf("close %s: %w", dst, closeErr)
		}
		if err != nil {
			_ = c.fs().Unlinkat(dstDir, dst, 0)
		}
	}()
	if err := c.copyBytes(in, out, st.Size); err != nil {
		return false, err
	}
	if err := c.attributes(out, st, mode&umask() != 0 || mode&0o7000 != 0); err != nil {
		return false, err
	}
	kept, err := timeKept(c.fs(), out, st)
	return !kept, err
}

// copyBytes copies exactly size bytes: a file that changes while it is read is
// an error, since a copy of it would be neither the old file nor the new one.
func (c *Cloner) copyBytes(in, out int, size int64) error {
	if c.buf == nil {
		c.buf = make([]byte, cloneBuf)
	}
	for left := size; left > 0; {
		n, err := c.fs().Read(in, c.buf[:min(left, int64(len(c.buf)))])
		if err != nil {
			return &SourceError{fmt.Errorf("read: %w", err)}
		}
		if n == 0 {
			return &SourceError{fmt.Errorf("read: the file ended %d bytes early", left)}
		}
		if err := writeAll(c.fs(), out, c.buf[:n]); err != nil {
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
		if err := c.fs().Fchown(fd, uid, gid); err != nil {
			return fmt.Errorf("change owner: %w", err)
		}
	}
	if chmod || chown && st.Mode&0o7000 != 0 {
		if err := c.fs().Fchmod(fd, st.Mode&0o7777); err != nil {
			return fmt.Errorf("change mode: %w", err)
		}
	}
	return c.setTimes(fd, st)
}

// setTimes sets the times of an open file or directory to those of st.
func (c *Cloner) setTimes(fd int, st *unix.Stat_t) error {
	if err := c.fs().Futimens(fd, st.Atim, st.Mtim); err != nil {
		return fmt.Errorf("set times: %w", err)
	}
	return nil
}

// owner returns what a clone of st must be chowned to, if at all.
func (c *Cloner) owner(st *unix.Stat_t) (uid, gid int, chown bool) {
	if c.Owner != nil {
		return c.Owner.UID, c.Owner.GID, true
	}
	uid, gid = int(st.Uid), int(st.Gid)
	return uid, gid, c.isRoot() && (uid != c.euid || gid != c.egid)
}

// isRoot tells whether the process may give files away.
func (c *Cloner) isRoot() bool {
	if !c.ids {
		c.euid, c.egid, c.ids = os.Geteuid(), os.Getegid(), true
	}
	return c.euid == 0
}

// OwnLink gives the symbolic link name in dir the owner asked for, if any.
func (c *Cloner) OwnLink(dir int, name string) error {
	if c.Owner == nil {
		return nil
	}
	if err := c.fs().Fchownat(dir, name, c.Owner.UID, c.Owner.GID, unix.AT_SYMLINK_NOFOLLOW); err != nil {
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
// directory at path, which is the operating system's. Where its owner may be
// another than root, he keeps all rights in it. What is as it should be is not
// touched, and a path that is not there any more changes nothing.
func (c *Cloner) Directory(path string, dir int, dst string) error {
	want, err := OS.Fstatat(unix.AT_FDCWD, path, 0)
	if err == unix.ENOENT || err == unix.ENOTDIR {
		return nil // gone from the source in the meantime
	}
	if err != nil {
		return &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	fd, err := c.fs().Openat(dir, dst, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err == unix.ENOENT {
		return nil
	}
	if err != nil {
		return wrapOpen(err)
	}
	defer c.fs().Close(fd)
	have, err := c.fs().Fstat(fd)
	if err != nil {
		return fmt.Errorf("stat: %w", err)
	}
	uid, gid, chown := c.owner(&want)
	chown = chown && (int(have.Uid) != uid || int(have.Gid) != gid)
	if c.Owner != nil || !c.isRoot() {
		want.Mode |= DirMode
	}
	if !chown && have.Mode&0o7777 == want.Mode&0o7777 && have.Mtim == want.Mtim {
		return nil
	}
	return c.attributes(fd, &want, true)
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
