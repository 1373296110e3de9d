package mbox

import (
	"bufio"
	"bytes"
	"io"
	"strconv"
)

// Mutt gives a Content-Length and the number of lines to all messages that it
// writes back, when flags have changed or one was edited, at the end of the
// header. Their bodies stay as whoever delivered them had quoted them: there
// the length is no sign of mboxcl2. Dovecot, and mutt where it copies a
// message, write a Content-Length alone, and quote nothing.

// muttMark follows the own lines of a header to the two fields at its end.
type muttMark struct {
	own   bool  // a line of the message's own has come,
	at    int8  // then the Content-Length (1), then the lines (2)
	lines int64 // that it says
}

// see takes the next own line of a header; isLength says that it is the
// Content-Length.
func (m *muttMark) see(line []byte, isLength bool) {
	switch value, ok := bytes.CutPrefix(line, []byte("Lines: ")); {
	case isLength && m.own:
		m.at = 1
	case ok && m.at == 1:
		n, err := strconv.ParseUint(string(bytes.TrimRight(value, "\r\n")), 10, 62)
		m.at, m.lines = 2, int64(n)
		if err != nil {
			m.at = 0
		}
	default:
		m.own, m.at = true, 0
	}
}

// bodyLines are the lines of a body that count for its quoting.
type bodyLines struct {
	all    int64
	plain  bool // one begins with "From "
	quoted bool // one with ">From ", ">>From " and so on
}

// linesOf looks at a part of the file, long lines in pieces.
func (r *Reader) linesOf(from, to int64) (n bodyLines, err error) {
	b := bufio.NewReaderSize(io.NewSectionReader(r.file, from, to-from), int(min(window, to-from+1)))
	for start := true; ; {
		piece, err := b.ReadSlice('\n')
		if start && len(piece) > 0 && (piece[0] == 'F' || piece[0] == '>') && needsQuote(piece) {
			n.plain = n.plain || piece[0] == 'F'
			n.quoted = n.quoted || piece[0] == '>'
		}
		start = err == nil
		if start {
			n.all++
		}
		if err != nil && err != bufio.ErrBufferFull {
			if err == io.EOF {
				err = nil
			}
			return n, err
		}
	}
}

// isQuoted tells whether a body of the right length, which ends at end, is
// quoted all the same: mutt has written the length behind somebody who quotes.
// There is something quoted in it, and no body of a right length in the file
// has a line that begins with "From ".
func (r *Reader) isQuoted(e *extent, end int64) (bool, error) {
	if e.mutt.at != 2 {
		return false, nil
	}
	n, err := r.linesOf(r.scan.off, end)
	if err != nil || !n.quoted || n.plain || n.all != e.mutt.lines {
		return false, err
	}
	if !r.looked {
		r.plain, err = r.anyPlain()
		r.looked = err == nil
	}
	return !r.plain && err == nil, err
}

// anyPlain looks through the file for a body of a right length with a line that
// begins with "From ".
func (r *Reader) anyPlain() (bool, error) {
	again := NewReader(r.file, r.size, Options{Quoting: MboxCL2})
	for {
		m, err := again.Next()
		switch _, damaged := err.(*Error); {
		case err == io.EOF:
			return false, nil
		case damaged || err == nil && m.length < 0:
			continue
		case err != nil:
			return false, err
		}
		n, err := r.linesOf(m.body, m.end)
		if err != nil || n.plain {
			return n.plain, err
		}
	}
}
