package dbtext

import (
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
	src   io.Reader
	buf   []byte // lineBuffer bytes
	spare []byte // as many; the last piece may lie there
	r, w  int    // buf[r:w] was read and not returned yet
	err   error  // of src, behind buf[r:w]
	line  int64  // number of lines begun
	crlf  bool   // the first line ends in CR LF: all do
	open  bool   // the last piece was not the end of its line
	cut   bool   // the last line ended with the text, not with a LF
}

func newLines(r io.Reader) *lines {
	l := &lines{src: r, buf: make([]byte, lineBuffer), spare: make([]byte, lineBuffer)}
	if head, _ := l.peek(len(bom)); bytes.Equal(head, bom) {
		l.r += len(bom)
	}
	return l
}

// maxEmptyReads is how often in a row src may give nothing and no error.
const maxEmptyReads = 100

// fill reads more behind what was not returned yet, which goes to the beginning
// of the other buffer: a look ahead leaves the last piece as it is.
func (l *lines) fill() {
	if l.r > 0 {
		l.w = copy(l.spare, l.buf[l.r:l.w])
		l.r = 0
		l.buf, l.spare = l.spare, l.buf
	}
	for range maxEmptyReads {
		n, err := l.src.Read(l.buf[l.w:])
		l.w += n
		l.err = err
		if n > 0 || err != nil {
			return
		}
	}
	l.err = io.ErrNoProgress
}

// peek returns the next n bytes, fewer with the error of src that ended them.
func (l *lines) peek(n int) ([]byte, error) {
	for l.w-l.r < n && l.err == nil {
		l.fill()
	}
	if l.w-l.r < n {
		return l.buf[l.r:l.w], l.err
	}
	return l.buf[l.r : l.r+n], nil
}

// begin returns the first piece of the next line without its end; more tells
// that the line goes on. io.EOF at the end of the text.
func (l *lines) begin() (piece []byte, more bool, err error) {
	if l.open {
		if err := l.rest(); err != nil {
			return nil, false, err
		}
	}
	if piece, more, err = l.piece(); err != nil {
		return nil, false, err
	}
	l.line++
	if l.line == 1 && !more && bytes.HasSuffix(piece, []byte{'\r'}) {
		l.crlf = true
	}
	if l.crlf {
		piece = l.trim(piece, more)
	}
	return piece, more, nil
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
	l.open, l.cut = false, false
	if n := bytes.IndexByte(l.buf[l.r:l.w], '\n'); n >= 0 {
		piece = l.buf[l.r : l.r+n]
		l.r += n + 1
		return piece, false, nil
	}
	return l.further()
}

// further is piece where what was read so far has no end of a line.
func (l *lines) further() (piece []byte, more bool, err error) {
	for l.err == nil && l.w-l.r < len(l.buf) {
		seen := l.w - l.r
		l.fill()
		if n := bytes.IndexByte(l.buf[l.r+seen:l.w], '\n'); n >= 0 {
			piece = l.buf[l.r : l.r+seen+n]
			l.r += seen + n + 1
			return piece, false, nil
		}
	}
	piece = l.buf[l.r:l.w]
	switch {
	case l.w-l.r == len(l.buf):
		l.open, l.r = true, l.w
		return piece, true, nil
	case errors.Is(l.err, io.EOF) && len(piece) > 0:
		l.cut, l.r = true, l.w
		return piece, false, nil
	}
	return nil, false, l.err
}

// broken tells whether the line that follows is no item but may be the rest of
// the one before.
func (l *lines) broken() bool {
	head, _ := l.peek(len(dataEnd))
	switch {
	case len(head) == 0, bytes.HasPrefix(head, []byte(dataEnd)), bytes.HasPrefix(head, []byte(versionLine)):
		return false
	}
	return head[0] != ' ' && head[0] != '\n' && head[0] != '\r'
}

// ends tells whether the text ends here, or another header follows.
func (l *lines) ends() bool {
	head, err := l.peek(len(versionLine))
	return len(head) == 0 && err != nil || bytes.Equal(head, []byte(versionLine))
}
