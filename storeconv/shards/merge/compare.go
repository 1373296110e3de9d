package merge

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/carry"
	"imsconv/storeconv/durable"
	"imsconv/storeconv/ims"
)

// findings are what a comparison with the tree in the store has found: of each
// sort the first.
type findings struct {
	fs      durable.FS // of the store
	missing string     // in the part and not in the store
	differs string     // in both and not the same, or in the store alone
	unread  bool       // the store has what could not be read in the part
	closed  string     // a directory of the store that cannot be opened
}

// add notes a difference.
func (f *findings) add(w *carry.Walk, name string, d carry.Difference, err error) {
	where := w.At()
	if name != "" {
		where += "/" + name
	}
	into := &f.differs
	switch d {
	case carry.Unread:
		f.unread = true
		return
	case carry.Closed:
		if f.closed == "" {
			f.closed = fmt.Sprintf("%s: open: %v", where, err)
		}
		return
	case carry.NoFile, carry.NoDirectory:
		into = &f.missing
	}
	if *into == "" {
		*into = where + ": " + differences[d]
	}
}

// differences are the words for what a comparison finds.
var differences = [...]string{
	carry.NoFile:       "the store does not have it",
	carry.NoDirectory:  "the store does not have it as a directory",
	carry.NotDirectory: "the store does not have it as a directory",
	carry.OtherMode:    "another mode",
	carry.OtherSize:    "another size",
	carry.OtherTime:    "another time",
	carry.OtherContent: "another index",
	carry.MoreFiles:    "the store has more files",
}

// index compares an index by its bytes, which have the sums of all messages.
func (f *findings) index(src, dst int, name string) (same, known bool, err error) {
	if name != ims.IndexName {
		return false, false, nil
	}
	same, err = f.equalFiles(src, dst, name)
	return same, true, err
}

// equalFiles compares the file name of a part with that of the store.
func (f *findings) equalFiles(src, dst int, name string) (bool, error) {
	fd, err := unix.Openat(src, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return false, &durable.SourceError{Err: fmt.Errorf("open: %w", err)}
	}
	a := os.NewFile(uintptr(fd), name)
	defer a.Close() // opened for reading
	there, err := f.fs.Openat(dst, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return false, fmt.Errorf("open: %w", err)
	}
	defer f.fs.Close(there)
	return f.equal(a, there)
}

// equal compares a file of the part with an open one of the store.
func (f *findings) equal(a io.Reader, there int) (bool, error) {
	bufA, bufB := make([]byte, 32<<10), make([]byte, 32<<10)
	for at := int64(0); ; {
		n, err := io.ReadFull(a, bufA)
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			return false, &durable.SourceError{Err: err}
		}
		for got := 0; got < n; {
			k, err := f.fs.Pread(there, bufB[got:n], at)
			if err != nil {
				return false, fmt.Errorf("read: %w", err)
			}
			if k == 0 {
				return false, nil
			}
			got, at = got+k, at+int64(k)
		}
		if !bytes.Equal(bufA[:n], bufB[:n]) {
			return false, nil
		}
		if err != nil {
			return true, nil
		}
	}
}
