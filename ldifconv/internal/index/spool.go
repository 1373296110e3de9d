package index

import (
	"fmt"
	"io"
	"os"
)

// spoolBuffer is what a Spool holds in memory, in bytes.
const spoolBuffer = 256 << 10

// Spool holds what is written to it until it is read, in the order in which it
// was written or at any place: up to 256 KiB in memory, and more than that in a
// temporary file in Dir, which goes when the Spool is closed. It is not safe
// for concurrent use.
type Spool struct {
	// Dir is where the file is made; empty means os.TempDir.
	Dir string

	file   *os.File // nil while all is in buf
	inFile int64    // bytes; those in buf come behind them
	buf    []byte
}

// Write implements io.Writer.
func (s *Spool) Write(p []byte) (int, error) {
	if len(s.buf)+len(p) > spoolBuffer {
		if err := s.spill(); err != nil {
			return 0, err
		}
	}
	if len(p) <= spoolBuffer {
		s.buf = append(s.buf, p...)
		return len(p), nil
	}
	return len(p), s.toFile(p)
}

// spill moves what is in memory to the file.
func (s *Spool) spill() error {
	if s.file == nil {
		var err error
		if s.file, err = TempFile(s.Dir); err != nil {
			return err
		}
	}
	err := s.toFile(s.buf)
	s.buf = s.buf[:0]
	return err
}

func (s *Spool) toFile(p []byte) error {
	n, err := s.file.Write(p)
	s.inFile += int64(n)
	if err != nil {
		return fmt.Errorf("temporary file: %w", err)
	}
	return nil
}

// Size is the number of bytes written.
func (s *Spool) Size() int64 { return s.inFile + int64(len(s.buf)) }

// ReadAt implements io.ReaderAt.
func (s *Spool) ReadAt(p []byte, at int64) (n int, err error) {
	if at < s.inFile {
		n, err = s.file.ReadAt(p[:min(int64(len(p)), s.inFile-at)], at)
		if err != nil {
			return n, fmt.Errorf("temporary file: %w", err)
		}
	}
	if n < len(p) {
		n += copy(p[n:], s.buf[min(at+int64(n)-s.inFile, int64(len(s.buf))):])
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// Reader reads what was written so far, from its beginning.
func (s *Spool) Reader() *io.SectionReader { return io.NewSectionReader(s, 0, s.Size()) }

// Close removes the file.
func (s *Spool) Close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}
