package mbox

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
)

// window is how much of a file is looked at at once, in bytes.
const window = 64 << 10

// scanner gives the lines of a part of a file, long ones in pieces.
type scanner struct {
	file io.ReaderAt
	buf  *bufio.Reader
	end  int64 // of the part

	off   int64  // of what comes next
	piece []byte // the last line, or a piece of it, with its end; valid until the next call
	start bool   // it begins a line
	whole bool   // it ends its line
	at    int64  // its offset
}

func newScanner(file io.ReaderAt, from, to int64) *scanner {
	s := &scanner{file: file, end: to}
	s.buf = bufio.NewReaderSize(nil, int(min(window, to-from+1)))
	s.seek(from)
	return s
}

// seek goes to an offset that begins a line.
func (s *scanner) seek(to int64) {
	if n := to - s.off; s.whole && n > 0 && n <= int64(s.buf.Buffered()) {
		s.buf.Discard(int(n)) // all of it is buffered
	} else if n != 0 || s.piece == nil {
		s.buf.Reset(io.NewSectionReader(s.file, to, max(s.end-to, 0)))
	}
	s.off, s.whole = to, true
}

// next reads the next piece. Its error is io.EOF or that of the file.
func (s *scanner) next() error {
	// Zeros of a hole in the file may be more than one piece: what is behind
	// them begins a line.
	start := s.whole || s.start && len(bytes.Trim(s.piece, "\x00")) == 0
	b, err := s.buf.ReadSlice('\n')
	s.start, s.piece, s.at = start, b, s.off
	s.whole = err == nil || err == io.EOF
	s.off += int64(len(b))
	if errors.Is(err, bufio.ErrBufferFull) || err == io.EOF && len(b) > 0 {
		return nil
	}
	return err
}

// peek returns what follows, as much as a header field's name takes. The piece
// stays valid.
func (s *scanner) peek() []byte {
	b := make([]byte, min(128, max(s.end-s.off, 0)))
	n, _ := s.file.ReadAt(b, s.off) // an error comes again with next
	return b[:n]
}

// isBlank tells an empty line.
func isBlank(line []byte) bool {
	return len(line) == 1 && line[0] == '\n' || len(line) == 2 && line[0] == '\r' && line[1] == '\n'
}

// isHeader tells the start of a header field.
func isHeader(line []byte) bool {
	if bytes.HasPrefix(line, []byte(">From ")) || bytes.HasPrefix(line, []byte(ownPrefix)) {
		return true
	}
	for i, c := range line {
		switch {
		case c == ':':
			return i > 0
		case c <= ' ' || c >= 0x7f:
			return false
		}
	}
	return false
}

// mailHeaders are fields that messages begin with, in lower case.
var mailHeaders = [...]string{
	"received", "return-path", "delivered-to", "from", "to", "cc", "date", "subject", "sender", "reply-to", "message-id", "mime-version", "content-type",
	"status", "in-reply-to", "references", "dkim-signature", "arc-seal", "arc-message-signature", "authentication-results", "envelope-to", "resent-from", "mailing-list",
}

// isMailHeader tells the start of a header field that every message may begin
// with.
func isMailHeader(line []byte) bool {
	name, _, ok := bytes.Cut(line, []byte(":"))
	if !ok || !isHeader(line) {
		return false
	}
	lower := strings.ToLower(string(name))
	return strings.HasPrefix(lower, "x-") || slices.Contains(mailHeaders[:], lower)
}
