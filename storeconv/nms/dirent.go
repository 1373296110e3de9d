package nms

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// Type is what a directory entry is.
type Type uint8

// The types a walk tells apart.
const (
	Other     Type = iota // device, pipe, socket
	File                  // regular file
	Directory             //
	Symlink               //
)

// String names the type as a problem line does.
func (t Type) String() string {
	switch t {
	case File:
		return "regular file"
	case Directory:
		return "directory"
	case Symlink:
		return "symbolic link"
	}
	return "special file"
}

// Entry is one name in a directory.
type Entry struct {
	Name string
	Type Type
}

// A Lister reads directories through one buffer. Its zero value is ready; it is
// not safe for concurrent use.
type Lister struct {
	buf []byte
}

// direntBuf is the size of a Lister's buffer: about a thousand entries a call.
const direntBuf = 32 << 10

// List appends the entries of the open directory fd to entries, in directory
// order, without "." and "..". The directory is read from its beginning. A file
// is asked for its type only on the file systems that do not keep it in the
// directory.
func (l *Lister) List(fd int, entries []Entry) ([]Entry, error) {
	if l.buf == nil {
		l.buf = make([]byte, direntBuf)
	}
	if _, err := unix.Seek(fd, 0, unix.SEEK_SET); err != nil {
		return entries, fmt.Errorf("read directory: %w", err)
	}
	for {
		n, err := retry(func() (int, error) { return unix.Getdents(fd, l.buf) })
		if err != nil {
			return entries, fmt.Errorf("read directory: %w", err)
		}
		if n == 0 {
			return entries, nil
		}
		if entries, err = parseDirents(fd, l.buf[:n], entries); err != nil {
			return entries, err
		}
	}
}

var errDirent = errors.New("read directory: malformed entry from the kernel")

// parseDirents splits what getdents64(2) gave: inode (8 bytes), offset (8),
// record length (2), type (1), name with a final NUL.
func parseDirents(fd int, buf []byte, entries []Entry) ([]Entry, error) {
	const nameOffset = 19
	for len(buf) > 0 {
		if len(buf) < nameOffset {
			return entries, errDirent
		}
		length := int(binary.NativeEndian.Uint16(buf[16:18]))
		if length < nameOffset+1 || length > len(buf) {
			return entries, errDirent
		}
		name, _, _ := bytes.Cut(buf[nameOffset:length], []byte{0})
		kind := buf[18]
		buf = buf[length:]
		if s := string(name); s != "." && s != ".." {
			entries = append(entries, Entry{Name: s, Type: typeOf(fd, s, kind)})
		}
	}
	return entries, nil
}

func typeOf(fd int, name string, kind byte) Type {
	switch kind {
	case unix.DT_REG:
		return File
	case unix.DT_DIR:
		return Directory
	case unix.DT_LNK:
		return Symlink
	case unix.DT_UNKNOWN:
		var st unix.Stat_t
		if unix.Fstatat(fd, name, &st, unix.AT_SYMLINK_NOFOLLOW) == nil {
			return TypeOfMode(st.Mode)
		}
	}
	return Other
}

// TypeOfMode returns the type that the st_mode of stat(2) tells.
func TypeOfMode(mode uint32) Type {
	switch mode & unix.S_IFMT {
	case unix.S_IFREG:
		return File
	case unix.S_IFDIR:
		return Directory
	case unix.S_IFLNK:
		return Symlink
	}
	return Other
}

// retry repeats a call that a signal interrupted.
func retry(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if err != syscall.EINTR {
			return n, err
		}
	}
}

// OpenDir opens the directory name in dir for reading. A symbolic link is an
// error. The caller closes the descriptor.
func OpenDir(dir int, name string) (int, error) {
	return retry(func() (int, error) {
		return unix.Openat(dir, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	})
}

// OpenPath opens the directory path, following symbolic links.
func OpenPath(path string) (int, error) {
	fd, err := retry(func() (int, error) {
		return unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	})
	if err != nil {
		return -1, fmt.Errorf("open %s: %w", path, err)
	}
	return fd, nil
}
