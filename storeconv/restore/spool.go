package restore

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/sims"
)

// spool reads a stream that can be read once, and keeps what it has read when
// it is told to, so that it can be read a second time.
type spool struct {
	r    io.Reader
	file *os.File // without a name; nil: nothing is kept
	size int64    // of what is kept
	end  error    // what ended r
	err  error    // of the file
}

// Read reads the stream.
func (s *spool) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if s.file == nil {
		return n, err
	}
	if err != nil {
		s.end = err
	}
	if s.err == nil {
		if _, s.err = s.file.Write(p[:n]); s.err != nil {
			return n, s.err // there is no use in reading on
		}
		s.size += int64(n)
	}
	return n, err
}

// start begins to keep what is read, in a file without a name in dir, where the
// mail is to be, or else where temporary files are.
func (s *spool) start(dir string) error {
	fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err == nil {
		s.file = os.NewFile(uintptr(fd), dir)
		return nil
	}
	if s.file, err = os.CreateTemp("", "storeconv-*"); err != nil {
		return err
	}
	return os.Remove(s.file.Name())
}

// failed tells what has kept the stream from being kept.
func (s *spool) failed() error {
	if s.err == nil {
		return nil
	}
	return fmt.Errorf("it begins as a stream of a finished run, and cannot be kept to be read again: %w", s.err)
}

// again reads the stream from its start, to the end that it had.
func (s *spool) again() Source {
	end := s.end
	if errors.Is(end, io.EOF) {
		end = nil
	}
	kept := io.MultiReader(io.NewSectionReader(s.file, 0, s.size), &failed{end})
	return sims.NewReaderBlocks(kept, readBlocks)
}

// close gives the space back.
func (s *spool) close() error {
	if s == nil || s.file == nil {
		return nil
	}
	f := s.file
	s.file = nil
	return f.Close()
}
