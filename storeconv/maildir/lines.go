package maildir

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// maxLine bounds a line of any of the small files, in bytes.
const maxLine = 64 << 10

// lineReader reads a file of lines, which may lack the end of its last one. A
// line that is too long is passed over. A CR in front of a line end is part of
// it: files that went through Windows have one there.
type lineReader struct {
	r     *bufio.Reader
	class string // of errors about lines
	line  int    // number of the last line
}

func newLineReader(r io.Reader, class string) *lineReader {
	return &lineReader{r: bufio.NewReaderSize(r, maxLine), class: class}
}

// next returns the next line without its end, valid until the following call.
// Its error is io.EOF, an *Error of one line, or that of the file.
func (l *lineReader) next() (string, error) {
	b, err := l.r.ReadSlice('\n')
	l.line++
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = l.r.ReadSlice('\n')
		}
		if err != nil && err != io.EOF {
			return "", err
		}
		return "", l.fault(fmt.Sprintf("the line is longer than %d bytes", maxLine))
	case err == io.EOF && len(b) > 0:
	case err != nil:
		return "", err
	}
	return string(bytes.TrimSuffix(bytes.TrimSuffix(b, lf), cr)), nil
}

var cr, lf = []byte("\r"), []byte("\n")

func (l *lineReader) fault(text string) *Error {
	return &Error{Line: l.line, Class: l.class, Text: text}
}

// each calls do with every line and tell with what is wrong with one: what next
// or do says. The error is that of the file.
func (l *lineReader) each(tell func(*Error), do func(line string) *Error) error {
	for {
		line, err := l.next()
		if err == io.EOF {
			return nil
		}
		var e *Error
		if err == nil {
			e = do(line)
		} else if !errors.As(err, &e) {
			return err
		}
		if e != nil {
			tell(e)
		}
	}
}

// shortened is a part of a file for a message.
func shortened(s string) string {
	const most = 200
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}
