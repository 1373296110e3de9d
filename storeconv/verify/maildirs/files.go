package maildirs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sort"
	"strings"

	"golang.org/x/sys/unix"
)

var errNotRegular = errors.New("not a regular file")

// openDir opens a directory below another, following no link.
func openDir(at int, path string) (int, error) {
	fd, err := unix.FcntlInt(uintptr(at), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	if path == "" {
		return fd, nil
	}
	for part := range strings.SplitSeq(path, "/") {
		next, err := unix.Openat(fd, part, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		unix.Close(fd)
		if err != nil {
			return -1, err
		}
		fd = next
	}
	return fd, nil
}

// openFile opens a regular file, following no link and waiting for nobody.
func openFile(at int, name string) (*os.File, *unix.Stat_t, error) {
	fd, err := unix.Openat(at, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	var st unix.Stat_t
	if err = unix.Fstat(fd, &st); err == nil && st.Mode&unix.S_IFMT != unix.S_IFREG {
		err = errNotRegular
	}
	if err != nil {
		unix.Close(fd)
		return nil, nil, err
	}
	return os.NewFile(uintptr(fd), name), &st, nil
}

// isMailboxFile tells a file that begins as mailbox files do.
func isMailboxFile(path string) bool {
	f, _, err := openFile(unix.AT_FDCWD, path)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 5)
	_, err = io.ReadFull(f, head)
	return err == nil && string(head) == "From "
}

// maxSmall bounds the files that are read whole, in bytes.
const maxSmall = 64 << 20

// readSmall reads one of the small files. The text is "" when there is none.
func readSmall(at int, name string) (text string, st *unix.Stat_t, err error) {
	f, st, err := openFile(at, name)
	if errors.Is(err, unix.ENOENT) {
		return "", nil, nil
	}
	if err != nil {
		return "", nil, err
	}
	defer f.Close()
	if st.Size > maxSmall {
		return "", st, fmt.Errorf("%d bytes", st.Size)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxSmall))
	return string(data), st, err
}

// entry is a name in a directory.
type entry struct {
	name string
	dir  bool
}

// readDir lists a directory in byte order.
func readDir(at int, path string) ([]entry, error) {
	fd, err := openDir(at, path)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), path)
	defer f.Close()
	found, err := f.ReadDir(-1)
	entries := make([]entry, len(found))
	for i, e := range found {
		entries[i] = entry{e.Name(), e.IsDir()}
	}
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	return entries, err
}

// listing is the names of a directory of messages: some 60 bytes each, in the
// order of what stands in front of their flags.
type listing struct {
	text []byte
	at   []uint32 // where the names begin: a length, then the bytes
	met  []bool
}

// listMessages reads the names.
func listMessages(at int, sub string) (*listing, error) {
	fd, err := openDir(at, sub)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), sub)
	defer f.Close()
	l := new(listing)
	for {
		names, err := f.Readdirnames(1024)
		for _, name := range names {
			if len(l.text) > 1<<32-512 {
				return nil, errors.New("too many names")
			}
			l.at = append(l.at, uint32(len(l.text)))
			l.text = append(append(l.text, byte(len(name))), name...)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	sort.Sort(l)
	l.met = make([]bool, len(l.at))
	return l, nil
}

func (l *listing) Len() int           { return len(l.at) }
func (l *listing) Swap(i, k int)      { l.at[i], l.at[k] = l.at[k], l.at[i] }
func (l *listing) Less(i, k int) bool { return l.compare(i, l.name(k)) < 0 }

func (l *listing) name(i int) []byte {
	at := l.at[i]
	return l.text[at+1 : at+1+uint32(l.text[at])]
}

// compare compares a name with another, first by what stands in front of the
// flags.
func (l *listing) compare(i int, other []byte) int {
	name := l.name(i)
	if c := bytes.Compare(baseOf(name), baseOf(other)); c != 0 {
		return c
	}
	return bytes.Compare(name, other)
}

// find returns the names that have a base: from the first to before end.
func (l *listing) find(base string) (first, end int) {
	first = sort.Search(len(l.at), func(i int) bool { return bytes.Compare(baseOf(l.name(i)), []byte(base)) >= 0 })
	for end = first; end < len(l.at) && string(baseOf(l.name(end))) == base; end++ {
	}
	return first, end
}

// baseOf is a name of a message file without its flags.
func baseOf(name []byte) []byte {
	base, _, _ := bytes.Cut(name, []byte(":"))
	return base
}
