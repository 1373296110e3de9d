package durable

import (
	"io"
	"io/fs"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// File is an open file of a Dir. One goroutine uses it at a time, but for
// ReadAt.
type File struct {
	fd   int
	dir  string // of its directory, for messages
	name string
	env  *env
}

// Name returns the path for messages.
func (f *File) Name() string { return filepath.Join(f.dir, f.name) }

// Read reads from where the last Read or Write ended.
func (f *File) Read(b []byte) (int, error) {
	n, err := f.env.fs.Read(f.fd, b)
	if err != nil {
		return 0, pathError("read", f.Name(), err)
	}
	if n == 0 && len(b) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// ReadAt reads at an offset in bytes.
func (f *File) ReadAt(b []byte, off int64) (int, error) {
	n, err := preader{f.env.fs, f.fd}.ReadAt(b, off)
	if err != nil && err != io.EOF {
		err = pathError("read", f.Name(), err)
	}
	return n, err
}

// Write writes all of b.
func (f *File) Write(b []byte) (int, error) {
	if err := f.env.check("write", f.dir, f.name); err != nil {
		return 0, err
	}
	if err := writeAll(f.env.fs, f.fd, b); err != nil {
		return 0, pathError("write", f.Name(), err)
	}
	return len(b), nil
}

// WriteAt writes all of b at an offset in bytes.
func (f *File) WriteAt(b []byte, off int64) (n int, err error) {
	if err := f.env.check("write", f.dir, f.name); err != nil {
		return 0, err
	}
	for n < len(b) {
		m, err := f.env.fs.Pwrite(f.fd, b[n:], off+int64(n))
		if err != nil {
			return n, pathError("write", f.Name(), err)
		}
		n += m
	}
	return n, nil
}

// Seek sets where the next Read or Write is, as io.Seeker has it.
func (f *File) Seek(off int64, whence int) (int64, error) {
	n, err := f.env.fs.Seek(f.fd, off, whence)
	if err != nil {
		return 0, pathError("seek", f.Name(), err)
	}
	return n, nil
}

// Truncate cuts the file, or fills it with zeros, to size bytes.
func (f *File) Truncate(size int64) error {
	if err := f.env.fs.Ftruncate(f.fd, size); err != nil {
		return pathError("truncate", f.Name(), err)
	}
	return nil
}

// SetTime sets the modification time, in seconds since 1970.
func (f *File) SetTime(seconds int64) error {
	if err := setMtime(f.env.fs, f.fd, seconds); err != nil {
		return pathError("utimens", f.Name(), err)
	}
	return nil
}

// utimeOmit leaves a time as it is (UTIME_OMIT).
const utimeOmit = 1<<30 - 2

func setMtime(f FS, fd int, seconds int64) error {
	return f.Futimens(fd, unix.Timespec{Nsec: utimeOmit}, unix.Timespec{Sec: seconds})
}

// Chmod sets the permission bits.
func (f *File) Chmod(mode fs.FileMode) error {
	if err := f.env.fs.Fchmod(f.fd, uint32(mode.Perm())); err != nil {
		return pathError("chmod", f.Name(), err)
	}
	return nil
}

// Chown sets the numeric user and group; -1 leaves one as it is.
func (f *File) Chown(uid, gid int) error {
	if err := f.env.fs.Fchown(f.fd, uid, gid); err != nil {
		return pathError("chown", f.Name(), err)
	}
	return nil
}

// Stat tells size, mode and time of the file. Its Sys is a *unix.Stat_t.
func (f *File) Stat() (fs.FileInfo, error) {
	st, err := f.env.fs.Fstat(f.fd)
	if err != nil {
		return nil, pathError("stat", f.Name(), err)
	}
	return &fileInfo{filepath.Base(f.name), st}, nil
}

// Sync makes the file's content durable.
func (f *File) Sync() error {
	if err := f.env.check("fsync", f.dir, f.name); err != nil {
		return err
	}
	if err := f.env.fs.Fsync(f.fd); err != nil {
		return pathError("fsync", f.Name(), err)
	}
	return nil
}

// Close closes the file.
func (f *File) Close() error {
	if err := f.env.fs.Close(f.fd); err != nil {
		return pathError("close", f.Name(), err)
	}
	return nil
}

// FileInfo makes an fs.FileInfo of what a file system tells of a file.
func FileInfo(name string, st unix.Stat_t) fs.FileInfo { return &fileInfo{name, st} }

// fileInfo is an fs.FileInfo.
type fileInfo struct {
	name string
	st   unix.Stat_t
}

func (i *fileInfo) Name() string       { return i.name }
func (i *fileInfo) Size() int64        { return i.st.Size }
func (i *fileInfo) ModTime() time.Time { return time.Unix(i.st.Mtim.Unix()) }
func (i *fileInfo) IsDir() bool        { return i.st.Mode&unix.S_IFMT == unix.S_IFDIR }
func (i *fileInfo) Sys() any           { return &i.st }

// Mode tells directories, symbolic links and other files that are not regular
// apart, and has the permission bits.
func (i *fileInfo) Mode() fs.FileMode {
	mode := fs.FileMode(i.st.Mode & 0o777)
	switch i.st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
	case unix.S_IFDIR:
		mode |= fs.ModeDir
	case unix.S_IFLNK:
		mode |= fs.ModeSymlink
	default:
		mode |= fs.ModeIrregular
	}
	return mode
}
