package journal

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
	"golang.org/x/sys/unix"

	"imsconv/storeconv/durable"
)

// filesOf returns pebble's view of a file system. The operating system's is
// pebble's own.
func filesOf(f durable.FS) vfs.FS {
	if f == nil || f == durable.OS {
		return ordered{vfs.Default}
	}
	return ordered{files{f}}
}

// ordered makes the names in a folder durable before a marker goes into it.
// Pebble's markers name other files of their folder, and it syncs both names at
// once: of a power cut, a marker could be left that names nothing.
type ordered struct{ vfs.FS }

func (o ordered) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if strings.HasPrefix(o.PathBase(name), "marker.") {
		if err := o.syncDir(o.PathDir(name)); err != nil {
			return nil, err
		}
	}
	return o.FS.Create(name, c)
}

func (o ordered) syncDir(path string) error {
	d, err := o.OpenDir(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// files is a durable.FS as pebble wants it: by path.
type files struct{ fs durable.FS }

func pathError(op, name string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: name, Err: err}
}

func (v files) open(op, name string, flags int) (vfs.File, error) {
	fd, err := v.fs.Openat(unix.AT_FDCWD, name, flags, 0o600)
	if err != nil {
		return nil, pathError(op, name, err)
	}
	return &file{fs: v.fs, fd: fd, name: name}, nil
}

func (v files) Create(name string, _ vfs.DiskWriteCategory) (vfs.File, error) {
	if err := v.fs.Unlinkat(unix.AT_FDCWD, name, 0); err != nil && err != unix.ENOENT {
		return nil, pathError("create", name, err)
	}
	return v.open("create", name, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL)
}

func (v files) Link(oldName, newName string) error {
	return pathError("link", newName, v.fs.Linkat(unix.AT_FDCWD, oldName, unix.AT_FDCWD, newName))
}

func (v files) Open(name string, opts ...vfs.OpenOption) (vfs.File, error) {
	f, err := v.open("open", name, unix.O_RDONLY)
	if err != nil {
		return nil, err
	}
	for _, o := range opts {
		o.Apply(f)
	}
	return f, nil
}

func (v files) OpenReadWrite(name string, _ vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	f, err := v.open("open", name, unix.O_RDWR|unix.O_CREAT)
	if err != nil {
		return nil, err
	}
	for _, o := range opts {
		o.Apply(f)
	}
	return f, nil
}

func (v files) OpenDir(name string) (vfs.File, error) {
	return v.open("open", name, unix.O_RDONLY|unix.O_DIRECTORY)
}

func (v files) Remove(name string) error {
	err := v.fs.Unlinkat(unix.AT_FDCWD, name, 0)
	if err == unix.EISDIR || err == unix.EPERM {
		err = v.fs.Unlinkat(unix.AT_FDCWD, name, unix.AT_REMOVEDIR)
	}
	return pathError("remove", name, err)
}

func (v files) RemoveAll(name string) error {
	list, err := v.List(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var errs []error
	if err == nil {
		for _, n := range list {
			errs = append(errs, v.RemoveAll(filepath.Join(name, n)))
		}
	}
	return errors.Join(append(errs, v.Remove(name))...)
}

func (v files) Rename(oldName, newName string) error {
	return pathError("rename", newName, v.fs.Renameat2(unix.AT_FDCWD, oldName, unix.AT_FDCWD, newName, 0))
}

func (v files) ReuseForWrite(oldName, newName string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if err := v.Rename(oldName, newName); err != nil {
		return nil, err
	}
	return v.OpenReadWrite(newName, c)
}

func (v files) MkdirAll(dir string, perm os.FileMode) error {
	err := v.fs.Mkdirat(unix.AT_FDCWD, dir, uint32(perm.Perm()))
	if err == unix.ENOENT && filepath.Dir(dir) != dir {
		if err := v.MkdirAll(filepath.Dir(dir), perm); err != nil {
			return err
		}
		err = v.fs.Mkdirat(unix.AT_FDCWD, dir, uint32(perm.Perm()))
	}
	if err == unix.EEXIST {
		return nil
	}
	return pathError("mkdir", dir, err)
}

func (v files) Lock(name string) (io.Closer, error) {
	f, err := v.open("lock", name, unix.O_RDWR|unix.O_CREAT)
	if err != nil {
		return nil, err
	}
	if _, err := v.fs.Lock(f.(*file).fd, unix.F_OFD_SETLK, unix.Flock_t{Type: unix.F_WRLCK}); err != nil {
		f.Close()
		return nil, pathError("lock", name, err)
	}
	return f, nil
}

func (v files) List(dir string) ([]string, error) {
	fd, err := v.fs.Openat(unix.AT_FDCWD, dir, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, pathError("open", dir, err)
	}
	list, err := v.fs.ReadDir(fd, dir)
	names := make([]string, len(list))
	for i, e := range list {
		names[i] = e.Name()
	}
	return names, err
}

func (v files) Stat(name string) (vfs.FileInfo, error) {
	f, err := v.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Stat()
}

func (files) PathBase(path string) string    { return filepath.Base(path) }
func (files) PathJoin(elem ...string) string { return filepath.Join(elem...) }
func (files) PathDir(path string) string     { return filepath.Dir(path) }
func (files) Unwrap() vfs.FS                 { return nil }

func (v files) GetDiskUsage(path string) (vfs.DiskUsage, error) {
	fd, err := v.fs.Openat(unix.AT_FDCWD, path, unix.O_RDONLY, 0)
	if err != nil {
		return vfs.DiskUsage{}, pathError("open", path, err)
	}
	defer v.fs.Close(fd)
	st, err := v.fs.Fstatfs(fd)
	size := uint64(st.Bsize)
	usage := vfs.DiskUsage{AvailBytes: st.Bavail * size, TotalBytes: st.Blocks * size, UsedBytes: (st.Blocks - st.Bfree) * size}
	return usage, pathError("statfs", path, err)
}

// file is an open file.
type file struct {
	fs   durable.FS
	fd   int
	name string
}

func (f *file) Close() error { return pathError("close", f.name, f.fs.Close(f.fd)) }

func (f *file) Read(b []byte) (int, error) {
	n, err := f.fs.Read(f.fd, b)
	if err == nil && n == 0 && len(b) > 0 {
		return 0, io.EOF
	}
	return n, pathError("read", f.name, err)
}

func (f *file) ReadAt(b []byte, off int64) (n int, err error) {
	for n < len(b) {
		m, err := f.fs.Pread(f.fd, b[n:], off+int64(n))
		if err != nil {
			return n, pathError("read", f.name, err)
		}
		if m == 0 {
			return n, io.EOF
		}
		n += m
	}
	return n, nil
}

func (f *file) Write(b []byte) (n int, err error) {
	for n < len(b) {
		m, err := f.fs.Write(f.fd, b[n:])
		if err != nil {
			return n, pathError("write", f.name, err)
		}
		n += m
	}
	return n, nil
}

func (f *file) WriteAt(b []byte, off int64) (n int, err error) {
	for n < len(b) {
		m, err := f.fs.Pwrite(f.fd, b[n:], off+int64(n))
		if err != nil {
			return n, pathError("write", f.name, err)
		}
		n += m
	}
	return n, nil
}

func (f *file) Stat() (vfs.FileInfo, error) {
	st, err := f.fs.Fstat(f.fd)
	if err != nil {
		return nil, pathError("stat", f.name, err)
	}
	return info{durable.FileInfo(filepath.Base(f.name), st)}, nil
}

func (f *file) Sync() error                             { return pathError("fsync", f.name, f.fs.Fsync(f.fd)) }
func (f *file) SyncData() error                         { return f.Sync() }
func (f *file) SyncTo(int64) (fullSync bool, err error) { return true, f.Sync() }

// Pebble does without these.
func (f *file) Preallocate(_, _ int64) error { return nil }
func (f *file) Prefetch(_, _ int64) error    { return nil }
func (f *file) Fd() uintptr                  { return vfs.InvalidFd }

// info is a vfs.FileInfo of no device.
type info struct{ fs.FileInfo }

func (info) DeviceID() vfs.DeviceID { return vfs.DeviceID{} }
