package maildir

import (
	"errors"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// Dir is an open directory. Everything below it is reached through it, and
// never through a symbolic link.
type Dir struct {
	f    *os.File
	path string // from the start, for messages
}

// OpenDir opens a directory by its path, which may lead through links.
func OpenDir(path string) (*Dir, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return &Dir{f: os.NewFile(uintptr(fd), path)}, nil
}

// Close closes the directory.
func (d *Dir) Close() error { return d.f.Close() }

// Path is where the directory lies below the one that was opened first; "" for
// that one.
func (d *Dir) Path() string { return d.path }

// join is the path of a name in the directory.
func (d *Dir) join(name string) string {
	if d.path == "" {
		return name
	}
	return d.path + "/" + name
}

// Open opens a directory in d.
func (d *Dir) Open(name string) (*Dir, error) {
	fd, err := d.openat(name, unix.O_DIRECTORY)
	if err != nil {
		return nil, err
	}
	return &Dir{f: os.NewFile(uintptr(fd), name), path: d.join(name)}, nil
}

// Again opens the directory once more.
func (d *Dir) Again() (*Dir, error) {
	fd, err := d.openat(".", unix.O_DIRECTORY)
	if err != nil {
		return nil, err
	}
	return &Dir{f: os.NewFile(uintptr(fd), d.f.Name()), path: d.path}, nil
}

func (d *Dir) openat(name string, flags int) (int, error) {
	for {
		fd, err := unix.Openat(int(d.f.Fd()), name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC|flags, 0)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.ELOOP), errors.Is(err, unix.ENOTDIR), errors.Is(err, unix.ENXIO):
			return 0, &Error{Path: d.join(name), Class: NotRegular, Text: "a link, or not what it should be: not read"}
		case err != nil:
			return 0, &Error{Path: d.join(name), Class: Unreadable, Err: err}
		}
		return fd, nil
	}
}

// FileInfo is what a file system says of a file.
type FileInfo struct {
	Size     int64 // bytes
	Time     int64 // modification, seconds since 1970
	Dev, Ino uint64
	Links    uint64
	Dir      bool
	Regular  bool
}

func infoOf(st *unix.Stat_t) FileInfo {
	kind := st.Mode & unix.S_IFMT
	return FileInfo{
		Size: st.Size, Time: int64(st.Mtim.Sec), Dev: uint64(st.Dev), Ino: st.Ino, Links: uint64(st.Nlink),
		Dir: kind == unix.S_IFDIR, Regular: kind == unix.S_IFREG,
	}
}

// Stat looks at a name, which is not followed when it is a link.
func (d *Dir) Stat(name string) (FileInfo, error) {
	var st unix.Stat_t
	if err := unix.Fstatat(int(d.f.Fd()), name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return FileInfo{}, &Error{Path: d.join(name), Class: Unreadable, Err: err}
	}
	return infoOf(&st), nil
}

// OpenFile opens a regular file in d.
func (d *Dir) OpenFile(name string) (*os.File, FileInfo, error) {
	// A device must not even be opened.
	info, err := d.Stat(name)
	if err != nil {
		return nil, info, err
	}
	if !info.Regular {
		return nil, info, &Error{Path: d.join(name), Class: NotRegular, Text: "not a regular file: not read"}
	}
	fd, err := d.openat(name, 0)
	if err != nil {
		return nil, info, err
	}
	f := os.NewFile(uintptr(fd), name)
	var st unix.Stat_t
	if err = unix.Fstat(fd, &st); err == nil {
		if info = infoOf(&st); info.Regular {
			return f, info, nil
		}
		err = errors.New("not a regular file any longer")
	}
	f.Close()
	return nil, info, &Error{Path: d.join(name), Class: Unreadable, Err: err}
}

// Names returns the names in d, in no order. What was read before an error
// comes with it.
func (d *Dir) Names() ([]string, error) {
	if _, err := d.f.Seek(0, 0); err != nil {
		return nil, d.unreadable(err)
	}
	names, err := d.f.Readdirnames(-1)
	if err != nil {
		return names, d.unreadable(err)
	}
	return names, nil
}

// EachName calls do with the names in d, in no order, some hundred at a time in
// memory.
func (d *Dir) EachName(do func(name string)) error {
	if _, err := d.f.Seek(0, 0); err != nil {
		return d.unreadable(err)
	}
	for {
		names, err := d.f.Readdirnames(512)
		for _, name := range names {
			do(name)
		}
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return d.unreadable(err)
		}
	}
}

func (d *Dir) unreadable(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	where := d.path
	if where == "" {
		where = "."
	}
	return &Error{Path: where, Class: Unreadable, Err: err}
}

// has tells whether d has a directory of that name.
func (d *Dir) has(name string) bool {
	info, err := d.Stat(name)
	return err == nil && info.Dir
}

// IsMailbox tells a directory of messages: it has cur or new in it.
func (d *Dir) IsMailbox() bool { return d.has("cur") || d.has("new") }

// missing tells an error of a name that is not there.
func missing(err error) bool { return errors.Is(err, fs.ErrNotExist) }

// asError makes err an *Error about a path.
func asError(path, class string, err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		if e.Path == "" {
			c := *e
			c.Path = path
			return &c
		}
		return e
	}
	return &Error{Path: path, Class: class, Err: err}
}
