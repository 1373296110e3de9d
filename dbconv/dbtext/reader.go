package dbtext

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// DefaultMaxItem is the longest key or value read unless Reader.MaxItem says
// otherwise: 16 MiB.
const DefaultMaxItem = 16 << 20

// Lines that stand for themselves.
const (
	versionLine = "VERSION="
	headerEnd   = "HEADER=END"
	dataEnd     = "DATA=END"
)

// Errors that a caller branches on; the text has the line.
var (
	// ErrItem marks an item, or several, that cannot be read or must be left
	// out; reading goes on behind.
	ErrItem = errors.New("unreadable item")
	// ErrTruncated marks a database that ends within a record or without
	// DATA=END.
	ErrTruncated = errors.New("text ends early")
)

// TooLong is the error of an item of more bytes than that.
type TooLong int64

func (e TooLong) Error() string { return fmt.Sprintf("longer than %d bytes", int64(e)) }

// A LineError is something wrong at a line of the text.
type LineError struct {
	Line int64 // from 1
	Err  error
}

// Error gives the line and what is wrong.
func (e *LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }

// Unwrap returns what is wrong.
func (e *LineError) Unwrap() error { return e.Err }

// Position is "line 3".
func (e *LineError) Position() string { return fmt.Sprintf("line %d", e.Line) }

// Kind is "bad-item", "too-big", "truncated", or "bad-text" for anything else.
func (e *LineError) Kind() string {
	switch {
	case errors.Is(e.Err, ErrTruncated):
		return "truncated"
	case errors.As(e.Err, new(TooLong)):
		return "too-big"
	case errors.Is(e.Err, ErrItem):
		return "bad-item"
	}
	return "bad-text"
}

// Severity is 2: what a line should have held is lost.
func (e *LineError) Severity() int { return 2 }

// A Reader reads databases from text. Memory: two buffers of 256 KiB and the
// longest key and value.
type Reader struct {
	lines      *lines
	h          Header
	plain      bool // lines without header: db_load -T
	inData     bool
	held       string // a header line that ended the data before it; "": none
	key, value []byte
	carry      []byte // an escape that reaches into the next piece of its line

	formatted bool // the header has a line format=

	plan    *Plan
	section int   // number of the database
	index   int64 // items passed in it

	// MaxItem is the longest key or value in bytes; 0: DefaultMaxItem. A longer
	// one is an error that wraps ErrItem.
	MaxItem int64
	// Warn receives header lines of unknown name and other things by which
	// nothing is lost; nil: ignored.
	Warn func(line int64, text string)
}

// NewReader returns a Reader of db_dump text.
func NewReader(r io.Reader) *Reader { return &Reader{lines: newLines(r)} }

// NewPlainReader returns a Reader of lines without header, a key and a value in
// turn in the format print, or of a recno database values only: db_load -T.
// The first Begin returns h, the second io.EOF.
func NewPlainReader(r io.Reader, h Header) *Reader {
	h.Version, h.Print = 0, true
	p := NewReader(r)
	p.h, p.plain = h, true
	return p
}

// Follow has the Reader leave out what a first reading of the same text found
// to be no pairs of keys and values.
func (r *Reader) Follow(plan *Plan) { r.plan = plan }

// Line is the number of lines read.
func (r *Reader) Line() int64 { return r.lines.line }

// Begin reads the header of the next database, io.EOF when there is none. What
// is left of the current database is passed over.
func (r *Reader) Begin() (Header, error) {
	for r.inData {
		if _, _, err := r.Next(); err == io.EOF {
			break
		} else if err != nil && !errors.Is(err, ErrItem) && !errors.Is(err, ErrTruncated) {
			return Header{}, err
		}
	}
	if r.plain {
		r.plain, r.inData = false, true
		r.enter()
		return r.h, nil
	}
	r.h, r.formatted = Header{}, false
	seen := r.held != ""
	if seen {
		if err := r.headerLine(r.held); err != nil {
			return Header{}, err
		}
		r.held = ""
	}
	for {
		line, more, err := r.lines.begin()
		switch {
		case err == io.EOF && !seen:
			return Header{}, io.EOF
		case err == io.EOF:
			return Header{}, r.fail(fmt.Errorf("%w: no %s", ErrTruncated, headerEnd))
		case err != nil:
			return Header{}, err
		case more:
			return Header{}, r.fail(fmt.Errorf("%.40q is no header line", line))
		case len(line) == 0 && !seen:
			continue
		}
		seen = true
		if string(line) == headerEnd {
			return r.begun()
		}
		if err := r.headerLine(string(line)); err != nil {
			return Header{}, err
		}
	}
}

// begun ends a header.
func (r *Reader) begun() (Header, error) {
	if !r.formatted {
		return Header{}, r.fail(errors.New("the header has no line format="))
	}
	r.inData = true
	r.enter()
	if s := r.plan.at(r.section); s != nil && s.blanks && r.h.Version == 0 {
		r.h.Version = 3
		r.warn("no VERSION line, but a blank before each item: taken as VERSION=3")
	}
	if s := r.plan.at(r.section); s != nil && s.odd {
		r.warn(fmt.Sprintf("%d keys are not in byte order, as those of a btree are that db_dump prints: taken as they are", s.breaks))
	}
	return r.h, nil
}

// enter goes before the first item of the next database.
func (r *Reader) enter() {
	r.section++
	r.index = 0
}

func (r *Reader) warn(text string) {
	if r.Warn != nil {
		r.Warn(r.lines.line, text)
	}
}

func (r *Reader) headerLine(line string) error {
	name, value, ok := strings.Cut(line, "=")
	if !ok || name == "" || name[0] == ' ' {
		return r.fail(fmt.Errorf("%.40q is no header line", line))
	}
	r.formatted = r.formatted || name == "format"
	known, err := r.h.set(name, value)
	if err != nil {
		return r.fail(err)
	}
	if !known {
		r.warn(fmt.Sprintf("unknown header line %.60q passed over", line))
	}
	return nil
}

func (r *Reader) fail(err error) error { return &LineError{r.lines.line, err} }

// Next returns the next record of the database, io.EOF after the last. The key
// of a recno database without keys is nil. Both slices are valid until the next
// call. After an error that wraps ErrItem the next call returns the record
// behind.
func (r *Reader) Next() (key, value []byte, err error) {
	if !r.inData {
		return nil, nil, io.EOF
	}
	if s := r.plan.at(r.section); s != nil {
		if to, why := s.skip(r.index); to > r.index {
			return nil, nil, r.leaveOut(to, why)
		}
	}
	var bad error
	if r.h.paired() {
		r.key, err = r.item(r.key)
		switch {
		case errors.Is(err, ErrNoItem):
			return nil, nil, err
		case errors.Is(err, ErrItem):
			bad = err
		case err != nil:
			return nil, nil, err
		}
		key = r.key
	}
	r.value, err = r.item(r.value)
	switch {
	case err == io.EOF && r.h.paired():
		return nil, nil, r.fail(fmt.Errorf("%w: a key without a value", ErrTruncated))
	case errors.Is(err, ErrNoItem) && r.h.paired():
		// The plan leaves out the keys before such lines where their value is
		// not sure; here the value is behind.
		return nil, nil, errors.Join(err, r.passValue())
	case bad == nil:
		bad = err
	}
	if bad == nil && !r.h.paired() && r.h.blanks() && r.lines.broken() {
		bad = r.fail(fmt.Errorf("%w: the next line is none, and may be its end", ErrItem))
	}
	if bad != nil {
		return nil, nil, bad
	}
	return key, r.value, nil
}

// passValue passes over the value of a key whose record is left out.
func (r *Reader) passValue() error {
	for {
		var err error
		r.value, err = r.item(r.value)
		if errors.Is(err, ErrNoItem) {
			continue
		}
		if err == nil || errors.Is(err, ErrItem) || err == io.EOF {
			return nil
		}
		return err
	}
}

// leaveOut passes over the items up to number to.
func (r *Reader) leaveOut(to int64, why string) error {
	first, last := int64(0), int64(0)
	for r.index < to {
		var err error
		r.value, err = r.item(r.value)
		if err == io.EOF || err != nil && !errors.Is(err, ErrItem) {
			break
		}
		if last = r.lines.line; first == 0 {
			first = last
		}
	}
	return &LineError{first, fmt.Errorf("%w: up to line %d left out: %s", ErrItem, last, why)}
}

// ErrNoItem marks a line that is no item at all: of values without keys, it
// does not count as one. It wraps ErrItem.
var ErrNoItem = fmt.Errorf("%w: no blank before the item: the line is passed over", ErrItem)

// item reads the next item into dst; io.EOF at the end of the database.
func (r *Reader) item(dst []byte) ([]byte, error) {
	line, more, err := r.lines.begin()
	switch {
	case err == io.EOF:
		r.inData = false
		if r.h.blanks() {
			return dst, r.fail(fmt.Errorf("%w: no %s", ErrTruncated, dataEnd))
		}
		return dst, io.EOF
	case err != nil:
		r.inData = false
		return dst, err
	case !more && r.h.endsData(line, r.lines):
		r.inData = false
		return dst, io.EOF
	}
	if r.h.blanks() {
		if len(line) == 0 || line[0] != ' ' {
			return dst, r.noItem(line)
		}
		line = line[1:]
	}
	r.index++
	dst, err = r.decode(dst[:0], line, more)
	if err == nil && r.lines.cut {
		err = fmt.Errorf("%w: within an item", ErrTruncated)
		r.inData = false
		return dst, r.fail(err)
	}
	if err != nil {
		return dst, r.fail(fmt.Errorf("%w: %w", ErrItem, err))
	}
	return dst, nil
}

// noItem handles a line without a blank: the header of another database, before
// which DATA=END is missing, or what is no item.
func (r *Reader) noItem(line []byte) error {
	if strings.HasPrefix(string(line), versionLine) {
		r.inData, r.held = false, string(line)
		return r.fail(fmt.Errorf("%w: no %s before the next database", ErrTruncated, dataEnd))
	}
	if len(line) == 0 && !r.h.paired() {
		return r.fail(fmt.Errorf("%w: an empty line in its place", ErrItem))
	}
	return r.fail(ErrNoItem)
}

// decode decodes an item whose line begins with piece.
func (r *Reader) decode(dst, piece []byte, more bool) ([]byte, error) {
	limit := r.MaxItem
	if limit <= 0 {
		limit = DefaultMaxItem
	}
	r.carry = r.carry[:0]
	for at := 1; ; {
		text := piece
		if len(r.carry) > 0 {
			text = append(slices.Clone(r.carry), piece...)
		}
		var used int
		var err error
		if r.h.Print {
			dst, used, err = decodePrint(dst, text, !more)
		} else {
			dst, used, err = decodeHex(dst, text, !more)
		}
		if at += used; err != nil {
			return dst, fmt.Errorf("column %d: %w", at, err)
		}
		if int64(len(dst)) > limit {
			return dst, TooLong(limit)
		}
		if !more {
			return dst, nil
		}
		r.carry = append(r.carry[:0], text[used:]...)
		if piece, more, err = r.lines.next(); err != nil {
			return dst, err
		}
	}
}
