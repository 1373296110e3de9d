package durable

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// FileOptions of a single file.
type FileOptions struct {
	FS   FS          // nil: the operating system's
	Mode fs.FileMode // permission bits; 0: 0666 less the umask

	// Named is how errors call the file; "": its path.
	Named string

	// Alone refuses, with ErrWritten, a file that another process is writing.
	Alone bool

	// Fresh is for a file that did not exist: Commit refuses, with ErrMade, to
	// replace one that somebody has made since, unless it holds the same bytes.
	Fresh bool
}

// ErrMade is returned by Commit, with Fresh, when the name has been given to
// another file since CreateFile.
var ErrMade = errors.New("another file has got this name meanwhile")

// ErrWritten is returned by CreateFile, with Alone, when another process is
// writing the file.
var ErrWritten = errors.New("another process is writing it")

// Output is a single file being written. It lies beside its final name, which
// it has only after Commit: a kill or a power cut at any moment leaves there
// what was there before, or all of the new file. One goroutine uses it at a
// time.
//
// The file beside it is called .<name>.imsconv.tmp, or .<name>.<n>.imsconv.tmp
// while living processes have the names before, and is locked while it is
// written. The next CreateFile for the same path removes those that a killed
// process has left, which it knows by name and missing lock.
type Output struct {
	*File
	dir     *Dir
	temp    string // in dir
	base    string // in dir
	mode    fs.FileMode
	alone   bool
	fresh   bool
	settled bool
}

// CreateFile starts to write the file path. Whether the file can be made and
// given its name is found here, as far as that can be known before.
func CreateFile(path string, opt FileOptions) (*Output, error) {
	if opt.FS == nil {
		opt.FS = OS
	}
	if opt.Named == "" {
		opt.Named = path
	}
	dir, base := filepath.Split(path)
	if base == "" || local(base) != nil || base == "." {
		return nil, pathError("create", opt.Named, unix.EISDIR)
	}
	d, err := openDir(&env{fs: opt.FS}, filepath.Clean(dir))
	if err != nil {
		return nil, pathError("create", opt.Named, errors.Unwrap(err))
	}
	if st, err := opt.FS.Fstatat(d.fd, base, unix.AT_SYMLINK_NOFOLLOW); err == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR {
		d.Close()
		return nil, pathError("create", opt.Named, unix.EISDIR)
	} else if err != nil && err != unix.ENOENT {
		d.Close()
		return nil, pathError("create", opt.Named, err)
	}
	o := &Output{File: &File{fd: -1, name: opt.Named, env: d.env}, dir: d, base: base, mode: opt.Mode.Perm(), alone: opt.Alone, fresh: opt.Fresh}
	if err := o.createBeside(); err != nil {
		d.Close()
		return nil, pathError("create", opt.Named, err)
	}
	return o, nil
}

// SetMode gives the file other permission bits, at once and once it has its
// name.
func (o *Output) SetMode(mode fs.FileMode) error {
	o.mode = mode.Perm()
	if err := o.env.fs.Fchmod(o.fd, uint32(o.mode)|0o600); err != nil {
		return pathError("chmod", o.name, err)
	}
	return nil
}

// maxWriters is how many processes may write one output at once.
const maxWriters = 100

// createBeside makes and locks a file beside the final name.
func (o *Output) createBeside() error {
	for n := range maxWriters {
		name := tempName(o.base, n)
		for {
			taken, err := o.take(name)
			if err != nil {
				return err
			}
			if taken {
				o.temp = name
				return o.sweep(n + 1)
			}
			gone, err := o.removeLeft(name)
			if err != nil {
				return err
			}
			if !gone && o.alone {
				return ErrWritten
			}
			if !gone {
				break // somebody is writing it
			}
		}
	}
	return errors.New("too many processes are writing it")
}

// tempName returns the n-th name beside base. A name that would be too long is
// cut; the lock keeps two outputs apart that then share one.
func tempName(base string, n int) string {
	const room = 255 - len(".") - len(".99.imsconv.tmp")
	if len(base) > room {
		base = base[:room]
	}
	if n == 0 {
		return "." + base + ".imsconv.tmp"
	}
	return fmt.Sprintf(".%s.%d.imsconv.tmp", base, n)
}

// take makes a file and locks it; taken is false when there is one.
func (o *Output) take(name string) (taken bool, err error) {
	f := o.env.fs
	mode := uint32(0o666)
	if o.mode != 0 {
		mode = uint32(o.mode) | 0o600 // whoever finds it left must be able to open it
	}
	fd, err := f.Openat(o.dir.fd, name, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW, mode)
	if err == unix.EEXIST {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	// Another process may have taken it for a file that was left; where there
	// are no locks, nobody takes a file that is there.
	if lockWhole(f, fd) == unix.EAGAIN {
		return false, f.Close(fd)
	}
	o.fd = fd
	return true, nil
}

func lockWhole(f FS, fd int) error {
	_, err := f.Lock(fd, unix.F_OFD_SETLK, unix.Flock_t{Type: unix.F_WRLCK})
	if err == unix.EACCES {
		return unix.EAGAIN
	}
	return err
}

// removeLeft removes a file beside the output that no living process has; gone
// is false when one has it, or when it is not a file of ours.
func (o *Output) removeLeft(name string) (gone bool, err error) {
	f := o.env.fs
	fd, err := f.Openat(o.dir.fd, name, unix.O_RDWR|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err == unix.ENOENT {
		return true, nil
	}
	if err != nil {
		return false, nil
	}
	defer f.Close(fd)
	if lockWhole(f, fd) != nil {
		return false, nil
	}
	st, err := f.Fstat(fd)
	if err != nil {
		return false, err
	}
	// Who had it may have given it its final name in the meantime.
	now, err := f.Fstatat(o.dir.fd, name, unix.AT_SYMLINK_NOFOLLOW)
	if err == unix.ENOENT || err == nil && (now.Ino != st.Ino || now.Dev != st.Dev) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG || st.Nlink != 1 {
		return false, nil
	}
	err = f.Unlinkat(o.dir.fd, name, 0)
	return err == nil, err
}

// sweep removes what killed processes have left under the later names.
func (o *Output) sweep(n int) error {
	for ; n < maxWriters; n++ {
		name := tempName(o.base, n)
		if _, err := o.env.fs.Fstatat(o.dir.fd, name, unix.AT_SYMLINK_NOFOLLOW); err != nil {
			return nil // the names are taken in order
		}
		if _, err := o.removeLeft(name); err != nil {
			return err
		}
	}
	return nil
}

// Commit makes the file durable and gives it its final name: fsync, rename,
// close, fsync of the directory. A file that has the name is replaced, but with
// Fresh: one that holds the same bytes stays then, and any other is ErrMade.
// Where the file system has no fsync for directories, the name is as durable as
// it makes it. The Output is closed, whatever the outcome; after an error
// before the rename nothing of it is left.
func (o *Output) Commit() error {
	if o.settled {
		return nil
	}
	defer o.Abort()
	f := o.env.fs
	if o.mode != 0 {
		if err := f.Fchmod(o.fd, uint32(o.mode)); err != nil {
			return pathError("chmod", o.name, err)
		}
	}
	if err := f.Fsync(o.fd); err != nil {
		return pathError("fsync", o.name, err)
	}
	// The lock is held until the name is another.
	if err := o.rename(); err != nil {
		return pathError("rename", o.name, err)
	}
	o.settled = true
	err := f.Close(o.fd)
	if syncErr := f.Fsync(o.dir.fd); err == nil && syncErr != unix.EINVAL && syncErr != unix.ENOTSUP {
		err = syncErr
	}
	if closeErr := o.dir.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return pathError("write", o.name, err)
	}
	return nil
}

// rename gives the file its final name, or removes it where a file of that name
// holds what it holds.
func (o *Output) rename() error {
	f := o.env.fs
	if !o.fresh {
		return f.Renameat2(o.dir.fd, o.temp, o.dir.fd, o.base, 0)
	}
	for range mostRenames {
		err := o.dir.rename(o.temp, o.dir, o.base, unix.RENAME_NOREPLACE)
		var linked *os.LinkError
		if errors.As(err, &linked) {
			err = linked.Err
		}
		if err != unix.EEXIST {
			return err
		}
		switch same, err := o.met(); {
		case err != nil:
			return err
		case same:
			return f.Unlinkat(o.dir.fd, o.temp, 0)
		}
	}
	return ErrMade
}

// mostRenames is how often rename begins anew because the file in its way has
// gone before it was looked at.
const mostRenames = 100

// Free looks at what Commit will meet: ErrMade, with Fresh, where another file
// has got the final name and does not hold what was written so far.
func (o *Output) Free() error {
	if !o.fresh {
		return nil
	}
	_, err := o.met()
	return err
}

// met looks at the file of the final name: true for one that holds what was
// written, false where there is none, and ErrMade for any other.
func (o *Output) met() (same bool, err error) {
	f := o.env.fs
	fd, err := f.Openat(o.dir.fd, o.base, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err == unix.ENOENT {
		return false, nil
	}
	if err != nil {
		return false, ErrMade
	}
	defer f.Close(fd)
	same, err = o.holds(fd)
	if err == nil && !same {
		err = ErrMade
	}
	return same, err
}

// holds reports whether the file open as fd holds what was written.
func (o *Output) holds(fd int) (bool, error) {
	f := o.env.fs
	theirs, err := f.Fstat(fd)
	if err != nil || theirs.Mode&unix.S_IFMT != unix.S_IFREG {
		return false, err
	}
	ours, err := f.Fstat(o.fd)
	if err != nil || theirs.Size != ours.Size {
		return false, err
	}
	a, b := make([]byte, 64<<10), make([]byte, 64<<10)
	for off := int64(0); off < ours.Size; {
		n, err := f.Pread(o.fd, a, off)
		if err != nil || n == 0 {
			return false, err
		}
		for done := 0; done < n; {
			m, err := f.Pread(fd, b[:n-done], off+int64(done))
			if err != nil || m == 0 || !bytes.Equal(a[done:done+m], b[:m]) {
				return false, err
			}
			done += m
		}
		off += int64(n)
	}
	return true, nil
}

// Close gives up what was not committed; it is Abort.
func (o *Output) Close() error { return o.Abort() }

// Abort closes and removes a file that was not committed.
func (o *Output) Abort() error {
	if o.settled {
		return nil
	}
	o.settled = true
	err := o.env.fs.Unlinkat(o.dir.fd, o.temp, 0)
	err = errors.Join(err, o.env.fs.Close(o.fd), o.dir.Close())
	if err != nil {
		return pathError("remove", o.name, err)
	}
	return nil
}
