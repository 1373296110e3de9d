package mbox

import (
	"bytes"
	"fmt"
	"io"

	"imsconv/storeconv/ims"
)

// extent follows where the message's own bytes end while its lines go by.
type extent struct {
	filter
	size  int64  // own bytes so far
	blank []byte // the last line, if it is blank: "\n" or "\r\n"
	past  bool   // Content-Length says more than the file has
}

func (e *extent) add(s *scanner) {
	e.size += int64(len(e.own(s)))
	switch {
	case !s.start || !isBlank(s.piece):
		e.blank = nil
	case len(s.piece) == 1:
		e.blank = lf
	default:
		e.blank = crlf
	}
}

var lf, crlf = []byte("\n"), []byte("\r\n")

// message reads the message whose From line is at pos. It is nil for the pseudo
// message of c-client.
func (r *Reader) message() (*Message, error) {
	line := r.from
	if line == nil {
		r.scan.seek(r.pos)
		if err := r.scan.next(); err != nil {
			return nil, notEOF(err)
		}
		line = r.scan.piece
	}
	r.from = nil
	f, _ := parseFrom(line)
	m := &Message{Offset: r.pos, Sender: f.sender, Date: f.date, begin: r.scan.off, length: -1, quoting: r.opt.Quoting}
	if f.dated && f.date == ims.NoTime {
		r.fault(m.Offset, BadDate, fmt.Sprintf("no calendar has the date of the From line %q", bytes.TrimSpace(line)), true)
	}
	style := styleOf(line)
	if m.quoting == Auto {
		m.quoting = MboxRD
	}
	e := &extent{filter: newFilter(m)}
	found, err := r.lines(m, e, style, true)
	if err == nil && !found {
		found, err = r.byLength(m, e, style)
	}
	if err == nil && !found {
		_, err = r.lines(m, e, style, false)
	}
	if err != nil {
		return nil, err
	}
	return r.finish(m, e)
}

func notEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// styleOf is the line end of a From line.
func styleOf(line []byte) []byte {
	if bytes.HasSuffix(line, crlf) {
		return crlf
	}
	return lf
}

// lines goes on to the next From line, or to the end of the header. found tells
// that the message has ended.
func (r *Reader) lines(m *Message, e *extent, style []byte, header bool) (found bool, err error) {
	s := r.scan
	for !header || !e.body {
		err := s.next()
		switch {
		case err == io.EOF:
			r.end(m, e, s.off, s.off, style)
			return true, nil
		case err != nil:
			return false, err
		}
		if s.start && r.beginsNext(m, e) {
			if len(style) == 1 {
				style = styleOf(r.from)
			}
			r.end(m, e, s.at, r.pos, style)
			return true, nil
		}
		e.add(s)
	}
	return false, nil
}

// beginsNext tells whether the scanner's line is the From line of the next
// message, and notes where.
func (r *Reader) beginsNext(m *Message, e *extent) bool {
	line := r.scan.piece
	if line[0] != 'F' && line[0] != 0 && line[0] != 0xef {
		return false
	}
	rest := trimJunk(line)
	f, ok := parseFrom(rest)
	zeros := int64(len(line) - len(rest))
	if !ok || r.scan.at == m.begin || !r.separates(f, e.blank != nil || zeros > 0) {
		return false
	}
	r.pos, r.from = r.scan.at+zeros, bytes.Clone(rest)
	if zeros > 0 {
		r.fault(r.scan.at, Garbage, fmt.Sprintf("%d bytes in front of a From line belong to no message", zeros), false)
	}
	return true
}

// end ends a message in front of the offset at, less the blank line that is the
// separator; next is where the next one begins.
func (r *Reader) end(m *Message, e *extent, at, next int64, style []byte) {
	r.pos = next
	m.end, m.Size = at, e.size
	if e.blank != nil && (len(e.blank) == 1 || len(style) == 2) {
		m.end -= int64(len(e.blank))
		m.Size -= int64(len(e.blank))
	}
}

// byLength ends a message where its Content-Length says, if that is right. The
// scanner stands behind the header.
func (r *Reader) byLength(m *Message, e *extent, style []byte) (found bool, err error) {
	q := r.opt.Quoting
	if e.marks.length < 0 || q == MboxO || q == MboxRD {
		return false, nil
	}
	body := r.scan.off
	end := body + e.marks.length
	if end < body || end > r.size {
		e.past = true
		return false, nil
	}
	next, ends, err := r.nextFrom(end)
	if err != nil {
		return false, err
	}
	if !ends {
		if q != Auto {
			r.fault(m.Offset, BadLength, fmt.Sprintf("Content-Length says %d bytes, where no message begins", e.marks.length), true)
		}
		return false, nil
	}
	return true, r.takeLength(m, e, end, next)
}

// takeLength ends a message behind a body of the right Content-Length.
func (r *Reader) takeLength(m *Message, e *extent, end, next int64) error {
	m.length, m.body = e.lengthLine, r.scan.off
	if m.quoting == MboxRD {
		quoted, err := r.isQuoted(e, end)
		if err != nil {
			return err
		}
		if !quoted {
			m.quoting = MboxCL2
		}
	}
	if end == r.scan.off && next == end && e.blank != nil {
		end -= int64(len(e.blank)) // the header never ended: the blank line is the separator
	}
	r.pos, m.end = next, end
	m.Size = e.size - e.lengthSize + end - r.scan.off
	if m.quoting == MboxCL2 {
		return nil
	}
	var err error
	m.Size = 1<<63 - 1
	m.Size, err = io.Copy(io.Discard, r.Open(m))
	return err
}

// nextFrom looks whether the next message, or the end of the file, follows at
// an offset, behind two line ends at most.
func (r *Reader) nextFrom(at int64) (next int64, ok bool, err error) {
	b := make([]byte, maxFrom+160)
	n, err := r.file.ReadAt(b, at)
	b = b[:min(int64(n), r.size-at)]
	if err != nil && err != io.EOF {
		return 0, false, err
	}
	for range 2 {
		for _, eol := range [][]byte{lf, crlf} {
			if bytes.HasPrefix(b, eol) {
				b, at = b[len(eol):], at+int64(len(eol))
				break
			}
		}
	}
	if at >= r.size {
		return at, true, nil
	}
	line, rest, _ := bytes.Cut(b, lf)
	f, ok := parseFrom(line)
	return at, ok && (f.dated || (r.undated || f.bare()) && isHeader(rest)), nil
}

// finish fills in what the fields said.
func (r *Reader) finish(m *Message, e *extent) (*Message, error) {
	k := &e.marks
	if k.base != nil && r.Base.Validity == 0 {
		r.Base = *k.base
	}
	if k.pseudo && r.seen == 0 {
		return nil, nil
	}
	m.UID, m.Flags, m.HasFlags, m.Keywords, m.Foreign = k.uid, k.flags, k.said, k.keywords, k.foreign
	switch text := fmt.Sprintf("Content-Length says %d bytes, and the file ends before that", k.length); {
	case e.past && r.pos >= r.size:
		r.fault(m.Offset, Truncated, text, false)
	case e.past:
		r.fault(m.Offset, BadLength, text, true)
	}
	if k.openEnd {
		return m, r.dropEnd(m)
	}
	return m, nil
}

// dropEnd takes away the line end that the Writer has added.
func (r *Reader) dropEnd(m *Message) error {
	var b [1]byte
	if m.end <= m.begin || m.Size == 0 {
		return nil
	}
	if _, err := r.file.ReadAt(b[:], m.end-1); err != nil && err != io.EOF {
		return err
	}
	if b[0] == '\n' {
		m.Size--
	}
	return nil
}

// Open reads a message that Next has returned: its own Size bytes.
func (r *Reader) Open(m *Message) io.Reader {
	return io.LimitReader(&bodyReader{scan: newScanner(r.file, m.begin, m.end), filter: newFilter(m)}, m.Size)
}

func newFilter(m *Message) filter {
	f := filter{quoting: m.quoting, length: m.length}
	f.marks.length, f.lengthLine = -1, -1
	return f
}

// bodyReader gives the own bytes of one message.
type bodyReader struct {
	scan   *scanner
	filter filter
	rest   []byte
}

func (b *bodyReader) Read(p []byte) (n int, err error) {
	if len(p) == 0 {
		return 0, nil
	}
	for len(b.rest) == 0 {
		if err := b.scan.next(); err != nil {
			return 0, err
		}
		b.rest = b.filter.own(b.scan)
	}
	n = copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}
