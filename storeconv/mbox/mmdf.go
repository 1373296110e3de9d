package mbox

import (
	"bytes"
	"fmt"
	"io"

	"imsconv/storeconv/ims"
)

// mmdfLine stands in front of each message of an MMDF file and behind it.
var mmdfLine = []byte("\x01\x01\x01\x01")

// IsMMDF tells whether a file that begins so is of the kind of MMDF: its
// messages lie between lines of four bytes 01, with a From line at their
// start or without, and nothing in them is quoted. Lines that end with CR alone
// are no lines here: all messages would be one.
func IsMMDF(head []byte) bool {
	rest, ok := bytes.CutPrefix(bytes.TrimLeft(head, "\r\n"), mmdfLine)
	rest = bytes.TrimPrefix(rest, []byte("\r"))
	return ok && (len(rest) == 0 || rest[0] == '\n')
}

func isMMDFLine(s *scanner) bool {
	return s.start && s.whole && bytes.Equal(bytes.TrimRight(s.piece, "\r\n"), mmdfLine)
}

// mmdf reads the message of an MMDF file that follows at pos, or passes over
// what is none: nil.
func (r *Reader) mmdf() (*Message, error) {
	s := r.scan
	s.seek(r.pos)
	err := s.next()
	for first := r.pos == 0; err == nil && (isMMDFLine(s) || first && isBlank(s.piece)); err = s.next() {
		first = first && !isMMDFLine(s)
	}
	if err == io.EOF {
		r.pos = r.size
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	m := &Message{Offset: s.at, Date: ims.NoTime, begin: s.at, length: -1, quoting: MboxCL2}
	if f, ok := parseFrom(s.piece); ok {
		m.Sender, m.Date, m.begin = f.sender, f.date, s.off
		if f.dated && f.date == ims.NoTime {
			r.fault(m.Offset, BadDate, fmt.Sprintf("no calendar has the date of the From line %q", bytes.TrimSpace(s.piece)), true)
		}
		err = s.next()
	}
	e, text := &extent{filter: newFilter(m)}, m.begin != m.Offset
	for ; err == nil && !isMMDFLine(s); err = s.next() {
		text = text || !isBlank(s.piece)
		e.add(s)
	}
	switch {
	case err == io.EOF && !text: // blank lines behind the last message
		r.pos = r.size
		return nil, nil
	case err == io.EOF:
		r.pos, m.end = r.size, r.size
		r.fault(m.Offset, Truncated, "the file ends before the line of four bytes 01 that ends the message", true)
	case err != nil:
		return nil, err
	default:
		r.pos, m.end = s.off, s.at
	}
	m.Size = e.size
	return r.finish(m, e)
}
