package testsite

import (
	"bytes"
	"syscall"
)

// FailingSeek is a file of which one Seek fails.
type FailingSeek struct {
	*bytes.Reader
	left int // Seeks before that one
}

// NewFailingSeek is a file of these bytes whose Seek fails with EIO once, after
// n that do not.
func NewFailingSeek(text []byte, n int) *FailingSeek {
	return &FailingSeek{bytes.NewReader(text), n}
}

// Seek implements [io.Seeker].
func (s *FailingSeek) Seek(offset int64, whence int) (int64, error) {
	if s.left--; s.left == -1 {
		return 0, syscall.EIO
	}
	return s.Reader.Seek(offset, whence)
}
