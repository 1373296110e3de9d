package restore

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"imsconv/storeconv"
	"imsconv/storeconv/sims"

	"golang.org/x/sys/unix"
)

// Source is a backup that Restore reads member by member, in the terms of a
// SIMS stream. *sims.Reader is one; a decoder of another tape format is
// another. One goroutine uses it. An error that is a *sims.Error concerns one
// member, any other ends the run.
type Source interface {
	// Header says what is known of the backup as a whole.
	Header() (sims.Header, error)
	// Next returns the next member, which stays as it is until the following
	// call, and io.EOF at the end.
	Next() (*sims.Member, error)
	// Read reads from the body of the message that Next has returned: Size bytes,
	// then io.EOF. A body that is not read is passed over.
	Read(p []byte) (int, error)
}

// Stream is one input of Restore. It is read once.
type Stream struct {
	Name   string      // for positions in messages
	ID     [32]byte    // stands for the content: the same stream has the same ID wherever it lies
	Source Source      //
	At     io.ReaderAt // reads bodies again by offset (Member.Data); nil when the stream cannot be read twice
	Size   int64       // bytes, uncompressed; -1 when unknown

	// Again reads the stream from its start; nil: it can be read once.
	Again func() Source
	// Where is the position of a member, or of damage, for messages; nil: the
	// offset and the name.
	Where func(offset int64, name string) string

	guard *storeconv.Guard // nil: reading never waits long
	keep  *spool           // of one that can be read once
}

// checkInputs refuses streams that cannot be read, or would be read twice.
func checkInputs(streams, reference []*Stream) error {
	if len(streams) == 0 {
		return errors.New("no stream to restore from")
	}
	seen := make(map[*Stream]bool)
	for _, s := range slices.Concat(streams, reference) {
		switch {
		case s == nil || s.Source == nil:
			return errors.New("a stream without a source")
		case seen[s]:
			return fmt.Errorf("stream %s is given twice: it can be read once", s.Name)
		}
		seen[s] = true
	}
	return nil
}

// idBytes is how much of its start stands for a stream, in bytes.
const idBytes = 256 << 10

// readBlocks is the number of read buffers of 320 KiB that a stream is read
// through.
const readBlocks = 24

// NewStream makes a Stream of a SIMS backup stream without compression. Of a
// file (an io.ReadSeeker and io.ReaderAt at its start) bodies that are left out
// are not read, and can be read later.
func NewStream(name string, r io.Reader) (*Stream, error) {
	s := &Stream{Name: name, Size: -1}
	head := make([]byte, idBytes)
	n := 0
	at, size, err := sims.FileOf(r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if at != nil {
		n, err = at.ReadAt(head, 0)
		s.At, s.Size = at, size
	} else {
		n, err = io.ReadFull(r, head)
	}
	tail := err
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		tail = nil
	}
	if tail != nil && n == 0 {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	head = head[:n]
	s.ID = sha256.Sum256(head)
	switch {
	case at != nil:
		s.Again = func() Source { return sims.NewReaderBlocks(io.NewSectionReader(at, 0, s.Size), readBlocks) }
	case tail == nil && n < idBytes: // the head is all of it
		s.Again = func() Source { return sims.NewReaderBlocks(bytes.NewReader(head), readBlocks) }
	}
	if at == nil {
		s.guard = storeconv.NewGuard(r)
		s.keep = &spool{r: io.MultiReader(bytes.NewReader(head), &failed{tail}, s.guard)}
		r = s.keep
	}
	s.Source = sims.NewReaderBlocks(r, readBlocks)
	return s, nil
}

// failed gives an error that came before its time, once.
type failed struct{ err error }

func (f *failed) Read([]byte) (int, error) {
	if f.err == nil {
		return 0, io.EOF
	}
	return 0, f.err
}

// damageOf returns the *sims.Error in err, or nil.
func damageOf(err error) *sims.Error {
	var e *sims.Error
	if errors.As(err, &e) {
		return e
	}
	return nil
}

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

// namedSource puts the name of its stream before the errors of a source that
// end the run: whoever uses it has errors of the destination as well.
type namedSource struct {
	source
	name string
}

// of names an error of the source, unless it concerns one member.
func (s *namedSource) of(err error) error {
	if err == nil || err == io.EOF || damageOf(err) != nil {
		return err
	}
	return fmt.Errorf("%s: %w", s.name, err)
}

func (s *namedSource) Header() (sims.Header, error) {
	h, err := s.source.Header()
	return h, s.of(err)
}

func (s *namedSource) Next() (*sims.Member, error) {
	m, err := s.source.Next()
	return m, s.of(err)
}

func (s *namedSource) Bytes() ([]byte, error) {
	b, err := s.source.Bytes()
	return b, s.of(err)
}

func (s *namedSource) Chunk() ([]byte, error) {
	b, err := s.source.Chunk()
	return b, s.of(err)
}

// plainSource reads the bodies of a Source by Read.
type plainSource struct {
	Source
	member *sims.Member // the current one
	size   int64        // of its body, as far as that is not read
	offset int64
}

// chunkSize is the most that is read of a body in one piece, in bytes.
const chunkSize = 128 << 10

func (s *plainSource) Next() (*sims.Member, error) {
	m, err := s.Source.Next()
	if m != nil {
		s.member, s.size = m, m.Size+m.Carried
	}
	return m, err
}

func (s *plainSource) Bytes() ([]byte, error) {
	b := make([]byte, s.size)
	n, err := io.ReadFull(s.Source, b)
	s.offset += int64(n)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = s.truncated()
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
		err = s.truncated()
	}
	return b[:n], err
}

func (s *plainSource) Block() *sims.Block { return nil }

func (s *plainSource) Offset() int64 { return s.offset }

// truncated is the error of the current member, whose body is cut short.
func (s *plainSource) truncated() error {
	e := truncated()
	e.Offset, e.Name = s.member.Offset, s.member.Name
	return e
}

// truncated is the error of a body that is shorter than its member says.
func truncated() *sims.Error {
	return &sims.Error{Class: sims.Truncated, Text: "the stream ends inside the body"}
}

// planUntil runs the planner. When ctx ends while the planner waits for its
// source, it is left there, and what it has planned so far is all there is.
func (r *run) planUntil(ctx, work context.Context, p *planner) error {
	done := make(chan error, 1)
	go func() { done <- p.plan(work) }()
	var guards []*storeconv.Guard
	for _, s := range r.streams {
		guards = append(guards, s.guard)
	}
	abandoned, err := storeconv.Await(ctx, done, guards...)
	if abandoned {
		p.abandon()
	}
	return err
}

// errInterrupted ends a long body that the planner was left in.
var errInterrupted = errors.New("interrupted")

// abandon takes over from a planner that is left waiting for its source,
// perhaps in the middle of a body.
func (p *planner) abandon() {
	if p.feeding != nil {
		p.feeding <- chunk{err: errInterrupted}
		close(p.feeding)
	}
}

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
