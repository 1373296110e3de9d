package durable

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// FS is what this package asks of a file system: the calls of the kernel, by
// descriptor. A name is relative to the open directory dir, or to the working
// directory when dir is unix.AT_FDCWD; flags and error numbers are those of
// package unix. No call returns EINTR.
//
// Programs use [OS]. Tests put a file system in its place that can lose what
// was not synced.
type FS interface {
	Openat(dir int, name string, flags int, mode uint32) (fd int, err error)
	Close(fd int) error
	Read(fd int, b []byte) (int, error)
	Pread(fd int, b []byte, off int64) (int, error)
	Write(fd int, b []byte) (int, error)
	Pwrite(fd int, b []byte, off int64) (int, error)
	Seek(fd int, off int64, whence int) (int64, error)
	Ftruncate(fd int, size int64) error

	// ReadDir lists the directory open as fd, in any order, and closes fd. path
	// is its name in messages.
	ReadDir(fd int, path string) ([]fs.DirEntry, error)
	Fstat(fd int) (unix.Stat_t, error)
	Fstatat(dir int, name string, flags int) (unix.Stat_t, error)
	Fstatfs(fd int) (unix.Statfs_t, error)
	Faccessat(dir int, name string, mode uint32, flags int) error

	Mkdirat(dir int, name string, mode uint32) error
	Symlinkat(target string, dir int, name string) error
	Readlinkat(dir int, name string) (target string, err error)
	Linkat(oldDir int, oldName string, newDir int, newName string) error
	Renameat2(oldDir int, oldName string, newDir int, newName string, flags uint) error
	Unlinkat(dir int, name string, flags int) error

	Futimens(fd int, atime, mtime unix.Timespec) error
	Fchmod(fd int, mode uint32) error
	Fchmodat(dir int, name string, mode uint32) error
	Fchown(fd, uid, gid int) error
	Fchownat(dir int, name string, uid, gid, flags int) error

	// Fsync makes one file's content, or one directory's names, durable;
	// Syncfs all of the file system that fd is on; Sync all of the machine.
	Fsync(fd int) error
	Syncfs(fd int) error
	Sync()

	// Lock does one of the fcntl(2) commands F_OFD_SETLK, F_OFD_SETLKW and
	// F_OFD_GETLK, and returns what the last says.
	Lock(fd, cmd int, lock unix.Flock_t) (unix.Flock_t, error)
}

// OS is the operating system's file system.
var OS FS = osFS{}

type osFS struct{}

// again repeats a call that a signal cut short.
func again(call func() error) error {
	for {
		if err := call(); err != unix.EINTR {
			return err
		}
	}
}

func (osFS) Openat(dir int, name string, flags int, mode uint32) (int, error) {
	for {
		fd, err := unix.Openat(dir, name, flags|unix.O_CLOEXEC, mode)
		if err != unix.EINTR {
			return fd, err
		}
	}
}

// Close is not repeated after EINTR: Linux has closed the descriptor then.
func (osFS) Close(fd int) error {
	if err := unix.Close(fd); err != unix.EINTR {
		return err
	}
	return nil
}

func (osFS) Read(fd int, b []byte) (int, error) {
	for {
		n, err := unix.Read(fd, b)
		if err != unix.EINTR {
			return n, err
		}
	}
}

func (osFS) Pread(fd int, b []byte, off int64) (int, error) {
	for {
		n, err := unix.Pread(fd, b, off)
		if err != unix.EINTR {
			return n, err
		}
	}
}

func (osFS) Write(fd int, b []byte) (int, error) {
	for {
		n, err := unix.Write(fd, b)
		if err != unix.EINTR {
			return n, err
		}
	}
}

func (osFS) Pwrite(fd int, b []byte, off int64) (int, error) {
	for {
		n, err := unix.Pwrite(fd, b, off)
		if err != unix.EINTR {
			return n, err
		}
	}
}

func (osFS) Seek(fd int, off int64, whence int) (int64, error) { return unix.Seek(fd, off, whence) }

func (osFS) Ftruncate(fd int, size int64) error {
	return again(func() error { return unix.Ftruncate(fd, size) })
}

func (osFS) ReadDir(fd int, path string) ([]fs.DirEntry, error) {
	f := os.NewFile(uintptr(fd), path)
	defer f.Close()
	var list []fs.DirEntry
	for {
		some, err := f.ReadDir(dirChunk)
		slab := make([]dirEntry, len(some))
		for i, e := range some {
			slab[i] = dirEntry{e.Name(), e.Type(), &path}
			list = append(list, &slab[i])
		}
		if err == io.EOF {
			return list, nil
		}
		if err != nil {
			return list, err
		}
	}
}

// dirChunk is how many names are read at a time.
const dirChunk = 4096

// dirEntry is a name in a directory. It is half of what package os keeps: there
// may be a million of them.
type dirEntry struct {
	name string
	mode fs.FileMode // the type
	dir  *string
}

func (e *dirEntry) Name() string               { return e.name }
func (e *dirEntry) IsDir() bool                { return e.mode.IsDir() }
func (e *dirEntry) Type() fs.FileMode          { return e.mode }
func (e *dirEntry) Info() (fs.FileInfo, error) { return os.Lstat(filepath.Join(*e.dir, e.name)) }

func (osFS) Fstat(fd int) (st unix.Stat_t, err error) {
	err = unix.Fstat(fd, &st)
	return st, err
}

func (osFS) Fstatat(dir int, name string, flags int) (st unix.Stat_t, err error) {
	err = unix.Fstatat(dir, name, &st, flags)
	return st, err
}

func (osFS) Fstatfs(fd int) (st unix.Statfs_t, err error) {
	err = again(func() error { return unix.Fstatfs(fd, &st) })
	return st, err
}

func (osFS) Faccessat(dir int, name string, mode uint32, flags int) error {
	return unix.Faccessat(dir, name, mode, flags)
}

func (osFS) Mkdirat(dir int, name string, mode uint32) error { return unix.Mkdirat(dir, name, mode) }

func (osFS) Symlinkat(target string, dir int, name string) error {
	return unix.Symlinkat(target, dir, name)
}

func (osFS) Readlinkat(dir int, name string) (string, error) {
	for size := 256; ; size *= 2 {
		b := make([]byte, size)
		n, err := unix.Readlinkat(dir, name, b)
		if err != nil || n < size {
			return string(b[:max(n, 0)]), err
		}
	}
}

func (osFS) Linkat(oldDir int, oldName string, newDir int, newName string) error {
	return unix.Linkat(oldDir, oldName, newDir, newName, 0)
}

func (osFS) Renameat2(oldDir int, oldName string, newDir int, newName string, flags uint) error {
	if flags == 0 {
		return unix.Renameat(oldDir, oldName, newDir, newName) // kernels and file systems without renameat2
	}
	return unix.Renameat2(oldDir, oldName, newDir, newName, flags)
}

func (osFS) Unlinkat(dir int, name string, flags int) error { return unix.Unlinkat(dir, name, flags) }

func (osFS) Futimens(fd int, atime, mtime unix.Timespec) error {
	ts := [2]unix.Timespec{atime, mtime}
	return futimens(fd, &ts)
}

func (osFS) Fchmod(fd int, mode uint32) error {
	return again(func() error { return unix.Fchmod(fd, mode) })
}

func (osFS) Fchmodat(dir int, name string, mode uint32) error {
	return unix.Fchmodat(dir, name, mode, 0)
}

func (osFS) Fchown(fd, uid, gid int) error {
	return again(func() error { return unix.Fchown(fd, uid, gid) })
}

func (osFS) Fchownat(dir int, name string, uid, gid, flags int) error {
	return unix.Fchownat(dir, name, uid, gid, flags)
}

func (osFS) Fsync(fd int) error { return again(func() error { return unix.Fsync(fd) }) }

func (osFS) Syncfs(fd int) error { return again(func() error { return unix.Syncfs(fd) }) }

func (osFS) Sync() { unix.Sync() }

func (osFS) Lock(fd, cmd int, lock unix.Flock_t) (unix.Flock_t, error) {
	err := again(func() error { return unix.FcntlFlock(uintptr(fd), cmd, &lock) })
	return lock, err
}

// writeAll writes all of b.
func writeAll(f FS, fd int, b []byte) error {
	for len(b) > 0 {
		n, err := f.Write(fd, b)
		if err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}
