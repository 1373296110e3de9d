package dbtext

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// lineBuffer is the number of bytes of a line that are looked at in one piece.
const lineBuffer = 256 << 10

// bom is the byte order mark that some editors put before UTF-8 text.
var bom = []byte("\xef\xbb\xbf")

// lines takes a text apart into lines, long ones in pieces.
type lines struct {
	buf  *bufio.Reader
	line int64 // number of lines begun
	crlf bool  // the first line ends in CR LF: all do
	open bool  // the last piece was not the end of its line
	cut  bool  // the last line ended with the text, not with a LF
}

func newLines(r io.Reader) *lines {
	l := &lines{buf: bufio.NewReaderSize(r, lineBuffer)}
	if head, _ := l.buf.Peek(len(bom)); bytes.Equal(head, bom) {
		_, _ = l.buf.Discard(len(bom)) // just peeked at
	}
	return l
}

// begin returns the first piece of the next line without its end; more tells
// that the line goes on. io.EOF at the end of the text.
func (l *lines) begin() (piece []byte, more bool, err error) {
	if err := l.rest(); err != nil {
		return nil, false, err
	}
	piece, more, err = l.piece()
	if err == nil {
		l.line++
		if l.line == 1 && !more && bytes.HasSuffix(piece, []byte{'\r'}) {
			l.crlf = true
		}
		piece = l.trim(piece, more)
	}
	return piece, more, err
}

// next returns the next piece of the line that begin began.
func (l *lines) next() (piece []byte, more bool, err error) {
	piece, more, err = l.piece()
	if errors.Is(err, io.EOF) { // the line ended with its last piece
		l.open, l.cut = false, true
		return nil, false, nil
	}
	return l.trim(piece, more), more, err
}

// rest passes over what is left of the current line.
func (l *lines) rest() error {
	for l.open {
		if _, _, err := l.next(); err != nil {
			return err
		}
	}
	return nil
}

func (l *lines) trim(piece []byte, more bool) []byte {
	if l.crlf && !more {
		return bytes.TrimSuffix(piece, []byte{'\r'})
	}
	return piece
}

func (l *lines) piece() (piece []byte, more bool, err error) {
	piece, err = l.buf.ReadSlice('\n')
	l.open, l.cut = false, false
	switch {
	case err == nil:
		return piece[:len(piece)-1], false, nil
	case errors.Is(err, bufio.ErrBufferFull):
		l.open = true
		return piece, true, nil
	case errors.Is(err, io.EOF) && len(piece) > 0:
		l.cut = true
		return piece, false, nil
	}
	return nil, false, err
}

// broken tells whether the line that follows is no item but may be the rest of
// the one before.
func (l *lines) broken() bool {
	head, _ := l.buf.Peek(len(dataEnd))
	switch {
	case len(head) == 0, bytes.HasPrefix(head, []byte(dataEnd)), bytes.HasPrefix(head, []byte(versionLine)):
		return false
	}
	return head[0] != ' ' && head[0] != '\n' && head[0] != '\r'
}

// ends tells whether the text ends here, or another header follows.
func (l *lines) ends() bool {
	head, err := l.buf.Peek(len(versionLine))
	return len(head) == 0 && err != nil || bytes.Equal(head, []byte(versionLine))
}
