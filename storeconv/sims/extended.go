package sims

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// member reads the header in b. It returns nil, nil when that was only the
// first part of a member's headers.
func (r *Reader) member(b []byte) (*Member, error) {
	if !r.ext.active {
		r.extStart = r.pos
	}
	switch b[offType] {
	case 'g':
		p, err := r.global(b)
		if p != nil {
			err = p
		}
		return nil, err
	case 'x', 'X', 'L', 'K':
		if p := r.extend(b); p != nil {
			return nil, p
		}
		return nil, nil
	case 'V':
		size, ok := parseNumeric(b[offSize : offSize+12])
		r.advance(blockSize)
		if ok && size > 0 && size <= maxExtended {
			r.skip(roundUp(size))
		}
		return nil, nil
	}
	return r.build(b)
}

func roundUp(n int64) int64 { return (n + blockSize - 1) &^ (blockSize - 1) }

// readExtended returns the body of a pax or GNU header, valid until the next
// fill.
func (r *Reader) readExtended(b []byte) ([]byte, *Error) {
	at := r.pos
	size, ok := parseNumeric(b[offSize : offSize+12])
	if !ok || size < 0 || size > maxExtended {
		return nil, r.damaged(&Error{Offset: at, Class: BadExtended, Text: "the size of an extended header cannot be"})
	}
	r.advance(blockSize)
	body := r.fill(int(roundUp(size)))
	if int64(len(body)) < size {
		r.skip(int64(len(body)))
		r.done = true
		return nil, r.becauseOf(&Error{Offset: at, Class: Truncated, Text: "the stream ends inside an extended header"})
	}
	r.advance(len(body))
	return body[:size], nil
}

func (r *Reader) extend(b []byte) *Error {
	kind := b[offType]
	r.ext.active = true
	body, p := r.readExtended(b)
	if p != nil {
		r.ext.reset()
		return p
	}
	switch kind {
	case 'L':
		r.ext.path, r.ext.hasPath = string(cString(body)), true
	case 'K':
		r.ext.link, r.ext.hasLink = string(cString(body)), true
	default:
		if !parsePax(body, r.ext.record) {
			r.ext.bad = true
		}
	}
	return nil
}

// global reads a pax global header: the SIMS records, and what changes the
// members behind it.
func (r *Reader) global(b []byte) (*Error, error) {
	at := r.pos
	body, p := r.readExtended(b)
	if p != nil {
		return p, nil
	}
	r.any = true
	var e extended
	ok := parsePax(body, e.record)
	fault := r.header.apply(e.attrs)
	if v := r.header.Profile; v != "" && v != "1" {
		return nil, fmt.Errorf("%w %q", ErrProfile, v)
	}
	if !ok {
		return &Error{Offset: r.pos, Class: BadExtended, Text: "the global header cannot be read to its end"}, nil
	}
	if fault != "" {
		r.shared.take(&e)
		return &Error{Offset: at, Class: BadValue, Text: fault}, nil
	}
	if text := r.shared.take(&e); text != "" {
		return &Error{Offset: at, Class: BadExtended, Tolerated: true, Text: text}, nil
	}
	return nil, nil
}

// extended is what pax and GNU headers say about the member that follows.
type extended struct {
	active bool
	bad    bool // could not be read
	path   string
	link   string
	size   int64
	mtime  int64
	hasPath, hasLink, hasSize, hasMtime,
	badSize, badMtime bool
	attrs []Attr

	change   string // what it makes of the body, in words; "": nothing
	realName string // of a sparse file
	realSize string // as star has it
}

func (e *extended) reset() { *e = extended{attrs: e.attrs[:0]} }

// parsePax reads the records of a pax header: "length key=value LF", the length
// counting all of it.
func parsePax(b []byte, record func(key, value []byte)) bool {
	for len(b) > 0 {
		i := 0
		n := 0
		for ; i < len(b) && i < 9 && b[i] >= '0' && b[i] <= '9'; i++ {
			n = n*10 + int(b[i]-'0')
		}
		if i == 0 || i >= len(b) || b[i] != ' ' || n > len(b) || n < i+3 || b[n-1] != '\n' {
			return isZero(b)
		}
		key, value, ok := bytes.Cut(b[i+1:n-1], []byte("="))
		if !ok || len(key) == 0 {
			return false
		}
		record(key, value)
		b = b[n:]
	}
	return true
}

func (e *extended) record(key, value []byte) {
	switch string(key) {
	case "path":
		e.path, e.hasPath = string(value), true
	case "linkpath":
		e.link, e.hasLink = string(value), true
	case "size":
		n, err := strconv.ParseInt(string(value), 10, 64)
		e.size, e.hasSize, e.badSize = n, true, err != nil
	case "mtime":
		n, ok := parseSeconds(string(value))
		e.mtime, e.hasMtime, e.badMtime = n, ok, !ok
	default:
		if bytes.HasPrefix(key, simsPrefix) {
			e.attrs = append(e.attrs, Attr{string(key), string(value)})
			return
		}
		e.body(string(key), string(value))
	}
}

var simsPrefix = []byte("SIMS.")

// parseSeconds parses a decimal number of seconds and rounds it down.
func parseSeconds(s string) (int64, bool) {
	digits, negative := strings.CutPrefix(s, "-")
	whole, frac, _ := strings.Cut(digits, ".")
	if whole+frac == "" || strings.Trim(whole+frac, "0123456789") != "" {
		return 0, false
	}
	if whole == "" {
		whole = "0"
	}
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return 0, false
	}
	if negative {
		if n = -n; strings.Trim(frac, "0") != "" {
			n--
		}
	}
	return n, true
}
