package ims

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// A FileID tells one file from another: equal for hard links to the same.
type FileID struct{ Dev, Ino uint64 }

// FileInfo is what the file system says of a message file.
type FileInfo struct {
	ID    FileID
	Size  int64 // bytes
	MTime int64 // seconds since 1970
	Links uint64
	Mode  fs.FileMode // permissions only
}

// ErrNotRegular: a name that should be a message file is a directory, a link or
// a device.
var ErrNotRegular = errors.New("not a regular file")

// Stat asks the file system about a message, fs.ErrNotExist when there is none.
func (m *Mailbox) Stat(uid uint32) (FileInfo, error) {
	var st unix.Stat_t
	var buf [24]byte
	name := string(AppendMessagePath(buf[:0], uid))
	err := retry(func() error { return unix.Fstatat(int(m.dir.Fd()), name, &st, unix.AT_SYMLINK_NOFOLLOW) })
	if err != nil {
		return FileInfo{}, &fs.PathError{Op: "stat", Path: m.Path + "/" + name, Err: err}
	}
	info, err := infoOf(&st)
	if err != nil {
		err = fmt.Errorf("%s/%s: %w", m.Path, name, err)
	}
	return info, err
}

// FindMailbox looks whether a mailbox has a directory, fs.ErrNotExist when it
// has none.
func (r *Reader) FindMailbox(partition, id, mailbox string) error {
	path := MailboxDir(partition, id, mailbox)
	dir, err := openBelow(r.root, path, path, unix.O_DIRECTORY|unix.O_PATH)
	if err != nil {
		return err
	}
	return dir.Close()
}

// StatMessage asks the file system about one message of a mailbox that is not
// open, fs.ErrNotExist when there is none.
func (r *Reader) StatMessage(partition, id, mailbox string, uid uint32) (FileInfo, error) {
	path := MailboxDir(partition, id, mailbox) + "/" + MessagePath(uid)
	f, err := openBelow(r.root, path, path, unix.O_PATH)
	if err != nil {
		return FileInfo{}, err
	}
	defer f.Close()
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return FileInfo{}, &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	info, err := infoOf(&st)
	if err != nil {
		err = fmt.Errorf("%s: %w", path, err)
	}
	return info, err
}

// A MessageFile is an open message: its bytes, and what the file system said of
// it when it was opened. One goroutine at a time may use it.
type MessageFile struct {
	FileInfo
	fd  int
	box *Mailbox
	uid uint32
}

// Open opens a message for reading, fs.ErrNotExist when there is none; the
// caller closes it. Verifying opens millions of small files, so this is a bare
// descriptor and not an os.File.
func (m *Mailbox) Open(uid uint32) (*MessageFile, error) {
	if !slices.Contains(m.dirs, MessageDir(uid)) { // it may be a link to somewhere else
		return nil, &fs.PathError{Op: "open", Path: m.Path + "/" + MessagePath(uid), Err: fs.ErrNotExist}
	}
	var buf [24]byte
	f := &MessageFile{box: m, uid: uid}
	var err error
	if f.fd, err = openStep(int(m.dir.Fd()), string(AppendMessagePath(buf[:0], uid)), unix.O_NONBLOCK); err != nil {
		return nil, &fs.PathError{Op: "open", Path: f.path(), Err: err}
	}
	var st unix.Stat_t
	if err := unix.Fstat(f.fd, &st); err != nil {
		unix.Close(f.fd)
		return nil, &fs.PathError{Op: "stat", Path: f.path(), Err: err}
	}
	if f.FileInfo, err = infoOf(&st); err != nil {
		unix.Close(f.fd)
		return nil, fmt.Errorf("%s: %w", f.path(), err)
	}
	return f, nil
}

// path is the name of the file in messages.
func (f *MessageFile) path() string { return f.box.Path + "/" + MessagePath(f.uid) }

// Read reads on from where the last Read ended.
func (f *MessageFile) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	var n int
	err := retry(func() (err error) {
		n, err = unix.Read(f.fd, p)
		return err
	})
	switch {
	case err != nil:
		return 0, &fs.PathError{Op: "read", Path: f.path(), Err: err}
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

// Close closes the file.
func (f *MessageFile) Close() error { return unix.Close(f.fd) }

func infoOf(st *unix.Stat_t) (FileInfo, error) {
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return FileInfo{}, ErrNotRegular
	}
	return FileInfo{
		ID:    FileID{uint64(st.Dev), st.Ino},
		Size:  st.Size,
		MTime: st.Mtim.Sec,
		Links: uint64(st.Nlink),
		Mode:  fs.FileMode(st.Mode & 0o777),
	}, nil
}

// openDir opens a directory below dir without following a symbolic link at any
// step.
func openDir(dir *os.File, name, path string) (*os.File, error) {
	return openBelow(dir, name, path, unix.O_DIRECTORY)
}

// openFile opens a file below dir for reading, without following a symbolic
// link and without waiting for the other end of a pipe.
func openFile(dir *os.File, name, path string) (*os.File, error) {
	f, err := openBelow(dir, name, path, unix.O_NONBLOCK)
	if err != nil {
		return nil, err
	}
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFREG {
		f.Close()
		return nil, fmt.Errorf("%s: %w", path, ErrNotRegular)
	}
	return f, nil
}

// openBelow opens what lies below dir, without following a symbolic link at any
// step. path is its name in messages.
func openBelow(dir *os.File, name, path string, flags int) (*os.File, error) {
	fd, err := OpenBelow(int(dir.Fd()), name, flags)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(fd), path), nil
}

// OpenBelow opens the path name below the open directory dir for reading, with
// more flags of open(2). It follows no symbolic link at any step. The error is
// the kernel's; the caller closes the descriptor.
func OpenBelow(dir int, name string, flags int) (fd int, err error) {
	if strings.IndexByte(name, '/') < 0 {
		return openStep(dir, name, flags)
	}
	how := unix.OpenHow{Flags: uint64(flags | openFlags), Resolve: unix.RESOLVE_NO_SYMLINKS}
	err = retry(func() (err error) {
		fd, err = unix.Openat2(dir, name, &how)
		return err
	})
	if err == nil {
		return fd, nil
	}
	// Old kernels, and some containers, have no openat2; what it does not open
	// for another reason has its error from the step at which it lies.
	return openSteps(dir, name, flags)
}

const openFlags = unix.O_RDONLY | unix.O_NOFOLLOW | unix.O_CLOEXEC

// openSteps goes down component by component.
func openSteps(dir int, name string, flags int) (int, error) {
	at := dir
	for {
		part, rest, more := strings.Cut(name, "/")
		name = rest
		mode := flags
		if more {
			mode = unix.O_DIRECTORY | unix.O_PATH
		}
		next, err := openStep(at, part, mode)
		if at != dir {
			unix.Close(at)
		}
		if err != nil || !more {
			return next, err
		}
		at = next
	}
}

func openStep(dir int, name string, flags int) (fd int, err error) {
	err = retry(func() (err error) {
		fd, err = unix.Openat(dir, name, flags|openFlags, 0)
		return err
	})
	return fd, err
}

func retry(call func() error) error {
	for {
		if err := call(); err != unix.EINTR {
			return err
		}
	}
}

// readDir reads a whole directory, in byte order of the names.
func readDir(dir *os.File) ([]fs.DirEntry, error) {
	entries, err := dir.ReadDir(-1)
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, err
}

// eachEntry calls fn for the entries of a directory in the order in which it
// gives them; namesBatch of them are in memory at a time.
func eachEntry(dir *os.File, fn func(fs.DirEntry)) error {
	for {
		entries, err := dir.ReadDir(namesBatch)
		for _, e := range entries {
			fn(e)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
