package restore

import (
	"io"

	"imsconv/storeconv/sims"
)

// source is what the planner reads: a Source that gives bodies without copying
// them where it can.
type source interface {
	Source
	// Bytes returns the body, which is of at most sims.MaxInline bytes.
	Bytes() ([]byte, error)
	// Chunk returns the next piece of a longer one, and io.EOF at its end.
	Chunk() ([]byte, error)
	// Block is what the last Bytes or Chunk is a slice of; nil: memory that
	// nobody else uses.
	Block() *sims.Block
	// Offset is how far the stream has been read, in bytes.
	Offset() int64
}

func sourceOf(s Source) source {
	if fast, ok := s.(source); ok {
		return fast
	}
	return &plainSource{Source: s}
}

// plainSource reads the bodies of a Source by Read.
type plainSource struct {
	Source
	size   int64 // of the current body
	offset int64
}

// chunkSize is the most that is read of a body in one piece, in bytes.
const chunkSize = 128 << 10

func (s *plainSource) Next() (*sims.Member, error) {
	m, err := s.Source.Next()
	if m != nil {
		s.size = m.Size
	}
	return m, err
}

func (s *plainSource) Bytes() ([]byte, error) {
	b := make([]byte, s.size)
	n, err := io.ReadFull(s.Source, b)
	s.offset += int64(n)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = truncated()
	}
	return b, err
}

func (s *plainSource) Chunk() ([]byte, error) {
	b := make([]byte, min(s.size, chunkSize))
	if len(b) == 0 {
		return nil, io.EOF
	}
	n, err := io.ReadFull(s.Source, b)
	s.size -= int64(n)
	s.offset += int64(n)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = truncated()
	}
	return b[:n], err
}

func (s *plainSource) Block() *sims.Block { return nil }

func (s *plainSource) Offset() int64 { return s.offset }

// truncated is the error of a body that is shorter than its member says.
func truncated() error {
	return &sims.Error{Class: sims.Truncated, Text: "the stream ends inside the body"}
}
