package dbtext

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// MaxLine is the longest line read, in bytes: an item of 16 MiB in the longest
// notation.
const MaxLine = 3*(16<<20) + 2

// Errors that a caller branches on; the text has the line.
var (
	// ErrItem marks an item that cannot be decoded; reading goes on behind its record.
	ErrItem = errors.New("unreadable item")
	// ErrTruncated marks a database that ends within a record or without DATA=END.
	ErrTruncated = errors.New("text ends early")
)

// A LineError is something wrong at a line of the text.
type LineError struct {
	Line int64 // from 1
	Err  error
}

func (e *LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }

// Unwrap returns what is wrong.
func (e *LineError) Unwrap() error { return e.Err }

// A Reader reads databases from text. Memory: a buffer of 256 KiB and the longest
// line.
type Reader struct {
	buf        *bufio.Reader
	line       int64
	long       []byte // a line longer than the buffer
	h          Header
	plain      bool // lines without header: db_load -T
	inData     bool
	key, value []byte

	// Unknown receives header lines of unknown name; nil: ignored.
	Unknown func(line int64, text string)
}

// NewReader returns a Reader of db_dump text.
func NewReader(r io.Reader) *Reader { return &Reader{buf: bufio.NewReaderSize(r, writeBuffer)} }

// NewPlainReader returns a Reader of lines without header, a key and a value in
// turn in the format print, or of a recno database values only: db_load -T.
// The first Begin returns h, the second io.EOF.
func NewPlainReader(r io.Reader, h Header) *Reader {
	h.Version, h.Print = 0, true
	p := NewReader(r)
	p.h, p.plain = h, true
	return p
}

// Line is the number of lines read.
func (r *Reader) Line() int64 { return r.line }

// Begin reads the header of the next database, io.EOF when there is none. What
// is left of the current database is passed over.
func (r *Reader) Begin() (Header, error) {
	for r.inData {
		if _, _, err := r.Next(); err == io.EOF {
			break
		} else if err != nil && !errors.Is(err, ErrItem) {
			return Header{}, err
		}
	}
	if r.plain {
		r.plain, r.inData = false, true
		return r.h, nil
	}
	r.h = Header{}
	seen := false
	for {
		line, err := r.readLine()
		if err == io.EOF && !seen {
			return Header{}, io.EOF
		}
		if err == io.EOF {
			return Header{}, r.fail(fmt.Errorf("%w: no HEADER=END", ErrTruncated))
		}
		if err != nil {
			return Header{}, err
		}
		if len(line) == 0 && !seen {
			continue
		}
		seen = true
		if string(line) == "HEADER=END" {
			r.inData = true
			return r.h, nil
		}
		if err := r.headerLine(string(line)); err != nil {
			return Header{}, err
		}
	}
}

func (r *Reader) headerLine(line string) error {
	name, value, ok := strings.Cut(line, "=")
	if !ok || name == "" {
		return r.fail(fmt.Errorf("%.40q is no header line", line))
	}
	known, err := r.h.set(name, value)
	if err != nil {
		return r.fail(err)
	}
	if !known && r.Unknown != nil {
		r.Unknown(r.line, line)
	}
	return nil
}

func (r *Reader) fail(err error) error { return &LineError{r.line, err} }

// Next returns the next record of the database, io.EOF after the last. The key of a recno
// database without keys is nil. Both slices are valid until the next call. After an
// error that wraps ErrItem the next call returns the record behind.
func (r *Reader) Next() (key, value []byte, err error) {
	if !r.inData {
		return nil, nil, io.EOF
	}
	paired := r.h.Type != "recno" || r.h.Keys
	var bad error
	if paired {
		r.key, err = r.item(r.key)
		switch {
		case errors.Is(err, ErrItem):
			bad = err
		case err != nil:
			return nil, nil, err
		}
		key = r.key
	}
	r.value, err = r.item(r.value)
	if err == io.EOF && paired {
		return nil, nil, r.fail(fmt.Errorf("%w: a key without a value", ErrTruncated))
	}
	if bad == nil {
		bad = err
	}
	if bad != nil {
		return nil, nil, bad
	}
	return key, r.value, nil
}

// item reads the next item into dst; io.EOF at the end of the database.
func (r *Reader) item(dst []byte) ([]byte, error) {
	line, err := r.readLine()
	if err == io.EOF {
		r.inData = false
		if r.h.Version > 0 {
			return dst, r.fail(fmt.Errorf("%w: no DATA=END", ErrTruncated))
		}
		return dst, io.EOF
	}
	if err != nil {
		r.inData = false
		return dst, err
	}
	if r.h.Version > 0 {
		if string(line) == "DATA=END" {
			r.inData = false
			return dst, io.EOF
		}
		if len(line) == 0 || line[0] != ' ' {
			return dst, r.fail(fmt.Errorf("%w: no blank before the item", ErrItem))
		}
		line = line[1:]
	}
	if r.h.Print {
		dst, err = decodePrint(dst[:0], line)
	} else {
		dst, err = decodeHex(dst[:0], line)
	}
	if err != nil {
		return dst, r.fail(fmt.Errorf("%w: %w", ErrItem, err))
	}
	return dst, nil
}

// readLine returns the next line without its LF, io.EOF at the end.
func (r *Reader) readLine() ([]byte, error) {
	line, err := r.buf.ReadSlice('\n')
	if err == nil {
		r.line++
		return line[:len(line)-1], nil
	}
	r.long = r.long[:0]
	for errors.Is(err, bufio.ErrBufferFull) {
		if len(r.long)+len(line) > MaxLine {
			r.line++
			return nil, r.fail(fmt.Errorf("longer than %d bytes", MaxLine))
		}
		r.long = append(r.long, line...)
		line, err = r.buf.ReadSlice('\n')
	}
	if err != nil && err != io.EOF {
		return nil, err
	}
	r.long = append(r.long, line...)
	if len(r.long) == 0 {
		return nil, io.EOF
	}
	r.line++
	return bytes.TrimSuffix(r.long, []byte{'\n'}), nil
}
