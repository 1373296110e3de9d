package export

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"imsconv/storeconv"
	"imsconv/storeconv/sims"
)

// stream is a backup stream. It is read once.
type stream struct {
	name    string
	id      [32]byte // stands for the content: the same stream has the same wherever it lies
	size    int64    // bytes; -1: not known
	date    int64    // of the backup, seconds since 1970; 0: not said
	source  *sims.Reader
	again   func() *sims.Reader // reads it from its start; nil: it can be read once
	guard   *storeconv.Guard    // nil: reading never waits long
	targets map[uint64]struct{} // names that later copies give, by hash; nil: any name may be one
}

// How much of its start stands for a stream, in bytes, and through how many
// buffers of 320 KiB it is read.
const (
	idBytes    = 256 << 10
	readBlocks = 24
)

func newStream(name string, r io.Reader) (*stream, error) {
	s := &stream{name: name, size: -1}
	head := make([]byte, idBytes)
	at, size, err := sims.FileOf(r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	var n int
	if at != nil {
		s.size = size
		n, err = at.ReadAt(head, 0)
	} else {
		n, err = io.ReadFull(r, head)
	}
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	head = head[:n]
	s.id = sha256.Sum256(head)
	switch {
	case at != nil:
		s.again = func() *sims.Reader { return sims.NewReaderBlocks(io.NewSectionReader(at, 0, size), readBlocks) }
	case n < idBytes:
		s.again = func() *sims.Reader { return sims.NewReaderBlocks(bytes.NewReader(head), readBlocks) }
	default:
		s.guard = storeconv.NewGuard(r)
		s.source = sims.NewReaderBlocks(io.MultiReader(bytes.NewReader(head), s.guard), readBlocks)
		return s, nil
	}
	s.source = s.again()
	return s, nil
}

// findTargets reads the headers of a stream that can be read twice, for the
// names that later copies give. wants says whose links count.
func (s *stream) findTargets(ctx context.Context, wants func(m *sims.Member) bool) error {
	if s.again == nil {
		return nil
	}
	s.targets = make(map[uint64]struct{})
	for m, err := range s.again().All() {
		var damage *sims.Error
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.As(err, &damage):
		case err != nil:
			return err
		case m.Kind == sims.Link && wants(m):
			s.targets[hash64(m.Link)] = struct{}{}
		}
	}
	return nil
}

// target tells whether a later copy may name the message.
func (s *stream) target(name string) bool {
	if s.targets == nil {
		return true
	}
	_, ok := s.targets[hash64(name)]
	return ok
}
