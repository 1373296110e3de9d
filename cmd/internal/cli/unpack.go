package cli

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/pierrec/lz4/v4"
)

var (
	gzipMagic = []byte{0x1f, 0x8b}
	lz4Magic  = []byte{0x04, 0x22, 0x4d, 0x18}
)

// Decompress undoes LZ4 frames (skippable ones passed over) or gzip members,
// one or several, known by their first bytes; anything else is plain and read
// as it is. Zeros behind them, four at least, are padding. Another known
// compression is an error that names it. What is wrong with the packed data is
// a [*PackedError].
func Decompress(src io.Reader) (r io.Reader, plain bool, err error) {
	in := &packedSource{r: src}
	br := bufio.NewReaderSize(in, inputBuffer)
	in.br, in.tail.s = br, in
	if err := in.skipFrames(); err != nil {
		return nil, false, err
	}
	head, err := br.Peek(6)
	if err != nil && err != io.EOF {
		return nil, false, err
	}
	switch {
	case bytes.HasPrefix(head, gzipMagic):
		z, err := gzip.NewReader(br)
		if err != nil {
			return nil, false, in.wrong("gzip", err)
		}
		z.Multistream(false)
		return &unpacker{in: in, r: z, name: "gzip", next: in.nextMember(z)}, false, nil
	case bytes.HasPrefix(head, lz4Magic):
		return &unpacker{in: in, r: lz4.NewReader(&in.tail), name: "LZ4", next: in.zerosAfterFrame}, false, nil
	}
	if name, program, ok := packedAs(head); ok {
		return nil, false, &packedError{name, program}
	}
	return br, true, nil
}

// packedError refuses a compression that is not undone here.
type packedError struct{ name, program string }

func (e *packedError) Error() string { return "is compressed with " + e.name }

// PackedError is what is wrong with data that is compressed. The library's own
// error is below it.
type PackedError struct {
	Name string // of the compression
	At   int64  // how far the compressed data was read, in bytes
	Text string // what is wrong
	Err  error
}

// Error says what is wrong, and where.
func (e *PackedError) Error() string {
	return fmt.Sprintf("the %s data %s, at byte %d of the compressed file", e.Name, e.Text, e.At)
}

// Unwrap returns the library's error.
func (e *PackedError) Unwrap() error { return e.Err }

// packedSource is compressed data as it is read, and remembers what failed.
type packedSource struct {
	r   io.Reader
	br  *bufio.Reader // of it
	n   int64         // read from r
	err error         // of r; nil at its end

	tail tail
}

// Read reads the compressed data.
func (s *packedSource) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.n += int64(n)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// at is how far a decoder has come.
func (s *packedSource) at() int64 { return s.n - int64(s.br.Buffered()) }

// wrong is the error of a decoder in words of its own: the source's where that
// has failed.
func (s *packedSource) wrong(name string, err error) error {
	if s.err != nil {
		return s.err
	}
	e := &PackedError{Name: name, At: s.at(), Text: "is damaged", Err: err}
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		e.Text = "ends too early: the file has been cut"
	case errors.Is(err, gzip.ErrChecksum), errors.Is(err, lz4.ErrInvalidFrameChecksum), errors.Is(err, lz4.ErrInvalidBlockChecksum),
		errors.Is(err, lz4.ErrInvalidHeaderChecksum):
		e.Text = "is damaged: a checksum is wrong"
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, lz4.ErrInvalidFrame):
		e.Text = "is followed by something else"
	}
	var corrupt flate.CorruptInputError
	if errors.As(err, &corrupt) {
		e.Text = "is damaged"
	}
	return e
}

// unpacker gives what is in compressed data.
type unpacker struct {
	in   *packedSource
	r    io.Reader
	name string
	next func(err error) error // what follows an end; nil: more; io.EOF: nothing
	err  error                 // what ended it
}

// Read reads what is in the data.
func (u *unpacker) Read(p []byte) (int, error) {
	for u.err == nil {
		n, err := u.r.Read(p)
		if err != nil {
			if err = u.next(err); err != nil && err != io.EOF {
				err = u.in.wrong(u.name, err)
			}
			u.err = err
		}
		if n > 0 || len(p) == 0 {
			return n, nil
		}
	}
	return 0, u.err
}

// nextMember goes on to the next gzip member.
func (s *packedSource) nextMember(z *gzip.Reader) func(error) error {
	return func(err error) error {
		if err != io.EOF {
			return err
		}
		head, err := s.br.Peek(len(gzipMagic))
		switch {
		case bytes.Equal(head, gzipMagic):
			if err := z.Reset(s.br); err != nil {
				return cut(err)
			}
			z.Multistream(false)
			return nil
		case err != nil && err != io.EOF:
			return err
		case s.onlyZeros(nil):
			return s.end()
		}
		return gzip.ErrHeader
	}
}

// zerosAfterFrame takes zeros behind LZ4 frames for padding.
func (s *packedSource) zerosAfterFrame(err error) error {
	if errors.Is(err, lz4.ErrInvalidFrame) && s.onlyZeros(s.tail.last[:]) {
		return s.end()
	}
	return err
}

// cut is the end of the data where there must be more.
func cut(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// end is the end of the source, or what it failed with.
func (s *packedSource) end() error {
	if s.err != nil {
		return s.err
	}
	return io.EOF
}

// onlyZeros says whether nothing else follows, to the end of the source; seen
// has been read already.
func (s *packedSource) onlyZeros(seen []byte) bool {
	for {
		if len(bytes.Trim(seen, "\x00")) > 0 {
			return false
		}
		if _, err := s.br.Peek(1); err != nil {
			return true
		}
		seen, _ = s.br.Peek(s.br.Buffered()) // as many as there are
		if len(bytes.Trim(seen, "\x00")) == 0 {
			s.br.Discard(len(seen))
		}
	}
}

// tail is the source of an LZ4 decoder, which does not say where the frame
// began that it did not know: its magic number is what was read last.
type tail struct {
	s    *packedSource
	last [4]byte
}

// Read reads the compressed data.
func (t *tail) Read(p []byte) (int, error) {
	n, err := t.s.br.Read(p)
	if n >= len(t.last) {
		copy(t.last[:], p[n-len(t.last):n])
	}
	return n, err
}

// skipFrames passes over skippable frames at the start: a magic number from
// 0x184D2A50 to 0x184D2A5F and the length of what follows, little-endian (LZ4
// frame format, "Skippable frames"). They end before an LZ4 frame; a file of
// them alone is left as it is.
func (s *packedSource) skipFrames() error {
	for {
		head, err := s.br.Peek(8)
		if err != nil && err != io.EOF {
			return err
		}
		if len(head) < 8 || head[0]&0xf0 != 0x50 || !bytes.Equal(head[1:4], []byte{0x2a, 0x4d, 0x18}) {
			return nil
		}
		n := int64(8) + int64(binary.LittleEndian.Uint32(head[4:]))
		if _, err := io.CopyN(io.Discard, s.br, n); err != nil {
			return s.wrong("LZ4", err)
		}
	}
}
