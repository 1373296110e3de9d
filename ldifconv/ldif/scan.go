package ldif

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
)

// Scanner reads the records of one chunk. It allocates nothing once its
// buffers have grown. The zero value is ready for Reset.
type Scanner struct {
	// MaxEntry is the size in bytes over which a record is refused;
	// 0 means DefaultMaxEntry.
	MaxEntry int

	chunk *Chunk
	data  []byte
	pos   int // start of the next physical line
	line  int // its number
	rec   Record
	vals  []Value
	runs  []run // of a modify record

	descs  descriptions
	at     uint16 // number of the description of the line before
	starts []int  // where the values of each attribute begin, while reading
	attrs  []Attr

	buf []byte // unfolded and decoded text of the record
	big bool   // the oversized record of the chunk was reported
}

// maxAttrs is the number of attributes (runs of values) that an entry may have.
// It bounds the memory that a record takes beside its text.
const maxAttrs = 1 << 14

// run is a Mod while the record is being read: vals[from:to].
type run struct{ from, to int }

// logical is one line with folding undone.
type logical struct {
	text   []byte
	num    int
	folded bool // text lies in Scanner.buf, free to be changed
}

// Reset makes s read the records of ch.
func (s *Scanner) Reset(ch *Chunk) {
	s.chunk, s.data, s.pos, s.line, s.big = ch, ch.Data, 0, ch.Line, false
}

// Next returns the next record of the chunk, valid until the following call,
// an *Error for a damaged one, or io.EOF.
func (s *Scanner) Next() (*Record, error) {
	if s.chunk.TooBig > 0 {
		return nil, s.tooBig()
	}
	s.begin()
	for {
		s.skipBlank()
		if s.pos >= len(s.data) {
			return nil, io.EOF
		}
		start, line := s.pos, s.line
		found, damage := s.record()
		if damage != nil {
			s.toBlank()
		}
		raw := trimLineEnd(s.data[start:s.pos])
		if limit := s.limit(); len(raw) > limit {
			damage = s.sizeError(int64(len(raw)), line)
			raw = raw[:min(len(raw), tooBigHead)]
		}
		if damage != nil {
			damage.Raw, damage.DN = raw, string(s.rec.DN)
			return nil, damage
		}
		if found {
			s.rec.Raw = raw
			return &s.rec, nil
		}
	}
}

func (s *Scanner) limit() int {
	if s.MaxEntry > 0 {
		return s.MaxEntry
	}
	return DefaultMaxEntry
}

// sizeError is the error of a record of size bytes that begins at line.
func (s *Scanner) sizeError(size int64, line int) *Error {
	return &Error{Class: EntryTooLong, Line: line, Text: fmt.Sprintf("entry of %d bytes is over the limit of %d", size, s.limit())}
}

// tooBig reports the one oversized record of the chunk.
func (s *Scanner) tooBig() error {
	if s.big {
		return io.EOF
	}
	s.big = true
	s.begin()
	s.skipBlank()
	start, line := s.pos, s.line
	s.record() // for the DN; what else it finds does not matter
	e := s.sizeError(s.chunk.TooBig, line)
	e.DN, e.Raw = string(s.rec.DN), s.data[min(start, len(s.data)):]
	return e
}

// begin empties the record.
func (s *Scanner) begin() {
	r := &s.rec
	*r = Record{Controls: r.Controls[:0], Mods: r.Mods[:0]}
	s.vals, s.runs, s.starts, s.buf = s.vals[:0], s.runs[:0], s.starts[:0], s.buf[:0]
	s.attrs, s.at = s.attrs[:0], 0
}

// skipBlank moves past blank lines.
func (s *Scanner) skipBlank() {
	for s.pos < len(s.data) {
		switch {
		case s.data[s.pos] == '\n':
			s.pos++
		case s.data[s.pos] == '\r' && s.pos+1 < len(s.data) && s.data[s.pos+1] == '\n':
			s.pos += 2
		case s.data[s.pos] == '\r' && s.pos+1 == len(s.data):
			s.pos++
			return
		default:
			return
		}
		s.line++
	}
}

// toBlank moves to the next blank line: the end of the damaged record.
func (s *Scanner) toBlank() {
	for s.pos < len(s.data) && !s.atBlank() {
		i := bytes.IndexByte(s.data[s.pos:], '\n')
		if i < 0 {
			s.pos = len(s.data)
			return
		}
		s.pos += i + 1
		s.line++
	}
}

// atBlank reports whether the line at pos is blank.
func (s *Scanner) atBlank() bool {
	d := s.data[s.pos:]
	return d[0] == '\n' || d[0] == '\r' && (len(d) == 1 || d[1] == '\n')
}

// next returns the next line of the record with folding undone and comments
// left out; ok is false at the end of the record.
func (s *Scanner) next() (l logical, ok bool) {
	for s.pos < len(s.data) && !s.atBlank() {
		l = s.unfold()
		if len(l.text) == 0 || l.text[0] != '#' {
			return l, true
		}
	}
	return logical{}, false
}

// unfold reads one logical line. Unfolded lines are slices of the chunk.
func (s *Scanner) unfold() logical {
	l := logical{num: s.line}
	l.text = s.physical()
	if !s.atFold() {
		return l
	}
	from := len(s.buf)
	s.room(len(l.text))
	s.buf = append(s.buf, l.text...)
	for s.atFold() {
		s.pos++
		text := s.physical()
		s.room(len(text))
		s.buf = append(s.buf, text...)
	}
	l.text, l.folded = s.buf[from:len(s.buf):len(s.buf)], true
	return l
}

// room makes room for n more bytes in buf. A record never needs more than its
// own size, so doubling stops there.
func (s *Scanner) room(n int) {
	if cap(s.buf)-len(s.buf) >= n {
		return
	}
	size := min(2*cap(s.buf)+4096, len(s.data)+16)
	size = max(size, len(s.buf)+n)
	grown := make([]byte, len(s.buf), size)
	copy(grown, s.buf)
	s.buf = grown
}

// atFold reports whether the line at pos continues the one before it.
func (s *Scanner) atFold() bool {
	return s.pos < len(s.data) && (s.data[s.pos] == ' ' || s.data[s.pos] == '\t')
}

// physical reads to the end of the line and moves behind it.
func (s *Scanner) physical() []byte {
	rest := s.data[s.pos:]
	end := bytes.IndexByte(rest, '\n')
	if end < 0 {
		s.pos = len(s.data)
		end = len(rest)
	} else {
		s.pos += end + 1
		s.line++
	}
	if end > 0 && rest[end-1] == '\r' {
		end--
	}
	return rest[:end]
}

// record reads one block of lines. found is false when it holds no record:
// comments only, or a version line alone.
func (s *Scanner) record() (found bool, damage *Error) {
	l, ok := s.next()
	if !ok {
		return false, nil
	}
	if isNumber(l.text) { // ldbmcat writes the entry number alone on a line
		if l, ok = s.next(); !ok {
			return false, nil
		}
	}
	desc, rest, damage := split(&l)
	if damage != nil {
		return false, damage
	}
	if foldEqual(desc, "version") {
		if v := trimSpace(rest[1:]); string(v) != "1" {
			return false, &Error{Class: BadVersion, Line: l.num, Text: fmt.Sprintf("version %q, only version 1 is known", clip(v))}
		}
		if l, ok = s.next(); !ok {
			return false, nil
		}
		if desc, rest, damage = split(&l); damage != nil {
			return false, damage
		}
	}
	s.rec.Line = l.num
	if !foldEqual(desc, "dn") {
		return false, &Error{Class: NoDN, Line: l.num, Text: "record does not begin with a dn line"}
	}
	s.rec.RawDN = trimLeft(bytes.TrimPrefix(rest[1:], []byte{':'}))
	if s.rec.DN, damage = s.value(&l, rest); damage != nil {
		return false, damage
	}
	return true, s.body()
}

// body reads what follows the dn line.
func (s *Scanner) body() *Error {
	first := true
	for {
		desc, v, num, known := s.quick()
		if desc == nil {
			l, ok := s.next()
			if !ok {
				return s.end(first)
			}
			var rest []byte
			var damage *Error
			if desc, rest, damage = split(&l); damage != nil {
				return damage
			}
			if marker(desc) {
				return s.marked(l, desc, rest, first)
			}
			if v, damage = s.value(&l, rest); damage != nil {
				return damage
			}
			num, known = l.num, s.place(desc)
		} else if known == newAttr && marker(desc) {
			return s.marked(logical{num: num}, desc, append([]byte{':'}, v...), first)
		}
		first = false
		if damage := s.push(desc, v, num, known); damage != nil {
			return damage
		}
	}
}

// end finishes a content record.
func (s *Scanner) end(empty bool) *Error {
	if empty {
		return &Error{Class: BadRecord, Line: s.rec.Line, Text: "entry has no attributes"}
	}
	s.close()
	return nil
}

// place is what is known of the description of a line: its number, or one of
// these.
type place int

const (
	newAttr  place = -1 // it begins an attribute that was not expected
	sameAttr place = -2 // it is that of the line before
)

// quick reads a line of the common form, "desc: value" without folding, or
// returns nil and reads nothing.
func (s *Scanner) quick() (desc, v []byte, num int, known place) {
	d := s.data
	i, known := s.expected()
	if known == newAttr {
		i = s.pos
		for i < len(d) && descByte[d[i]] {
			i++
		}
	}
	if i+2 >= len(d) || i == s.pos || d[i] != ':' || d[i+1] != ' ' || d[i+2] <= ' ' {
		return nil, nil, 0, newAttr
	}
	end := lineFeed(d, i+2)
	if end < 0 {
		return nil, nil, 0, newAttr
	}
	if end+1 < len(d) && (d[end+1] == ' ' || d[end+1] == '\t') {
		return nil, nil, 0, newAttr
	}
	desc, num = d[s.pos:i:i], s.line
	s.pos = end + 1
	s.line++
	if d[end-1] == '\r' {
		end--
	}
	return desc, d[i+2 : end : end], num, known
}

// expected returns the end of the description at pos when it is that of the
// line before or one that came behind that before.
func (s *Scanner) expected() (end int, known place) {
	rest, at := s.data[s.pos:], s.descs.entry(s.at)
	if k := at.text; s.at != 0 && begins(rest, k) {
		return s.pos + len(k), sameAttr
	}
	for _, n := range at.next {
		if k := s.descs.entry(n).text; n != 0 && begins(rest, k) {
			return s.pos + len(k), place(n)
		}
	}
	return 0, newAttr
}

// begins reports whether a line begins with this description.
func begins(line, desc []byte) bool {
	n := len(desc)
	return len(line) > n && line[n] == ':' && bytes.Equal(line[:n], desc)
}

// place is expected for a description that was read already.
func (s *Scanner) place(desc []byte) place {
	if n := len(s.attrs); n > 0 && bytes.Equal(s.attrs[n-1].Desc, desc) {
		return sameAttr
	}
	return newAttr
}

// marker reports whether a line says what a record is, instead of an attribute.
func marker(desc []byte) bool {
	switch len(desc) {
	case 2:
		return foldEqual(desc, "dn")
	case 7:
		return foldEqual(desc, "control")
	case 10:
		return foldEqual(desc, "changetype")
	}
	return false
}

// marked reads on from such a line.
func (s *Scanner) marked(l logical, desc, rest []byte, first bool) *Error {
	switch {
	case len(desc) == 2:
		return &Error{Class: SecondDN, Line: l.num, Text: "second dn line in one record (is a blank line missing before it?)"}
	case !first:
		return &Error{Class: BadChange, Line: l.num, Text: fmt.Sprintf("%s line after the attributes", desc)}
	}
	return s.change(l, desc, rest, len(desc) == 7)
}

// push appends one value to the record.
func (s *Scanner) push(desc, v []byte, num int, known place) *Error {
	if known == newAttr && s.at == 0 {
		known = s.place(desc) // of a line before that has no number
	}
	if known != sameAttr {
		if len(s.attrs) == maxAttrs {
			return &Error{Class: EntryTooLong, Line: s.rec.Line, Text: fmt.Sprintf("entry has more than %d attributes", maxAttrs)}
		}
		n := uint16(max(known, 0))
		if known == newAttr {
			n = s.descs.number(desc)
			s.descs.follow(s.at, n)
		}
		s.at = n
		s.starts = append(s.starts, len(s.vals))
		s.open(desc, n)
	}
	s.vals = append(s.vals, Value{Data: v, Line: num})
	return nil
}

// open begins the next attribute, most often that of the record before.
func (s *Scanner) open(desc []byte, n uint16) {
	at := len(s.attrs)
	if n != 0 {
		if at < cap(s.attrs) && s.attrs[:at+1][at].Num == n {
			s.attrs = s.attrs[:at+1]
			return
		}
		desc = s.descs.entry(n).text
	}
	s.attrs = append(s.attrs, Attr{Desc: desc, Num: n})
}

// close gives the record its attributes, now that the values no longer move.
func (s *Scanner) close() {
	end := len(s.vals)
	for i := len(s.starts) - 1; i >= 0; i-- {
		s.attrs[i].Values = s.vals[s.starts[i]:end:end]
		end = s.starts[i]
	}
	s.rec.Attrs = s.attrs
}

// value decodes what follows the description; rest begins with the colon.
func (s *Scanner) value(l *logical, rest []byte) ([]byte, *Error) {
	rest = rest[1:]
	if len(rest) == 0 {
		return rest, nil
	}
	switch rest[0] {
	case ' ':
		if len(rest) > 1 && rest[1] > ' ' {
			return rest[1:], nil
		}
	case '<':
		return nil, &Error{Class: BadURL, Line: l.num, Text: fmt.Sprintf("value of a file or URL (%q) is refused: no files are read", clip(trimSpace(rest[1:])))}
	case ':':
		return s.base64(l, trimSpace(rest[1:]))
	}
	return trimLeft(rest), nil
}

// base64 decodes text, in place when it is the scanner's own copy.
func (s *Scanner) base64(l *logical, text []byte) ([]byte, *Error) {
	s.rec.Encoded = true
	dst := text
	if !l.folded {
		from := len(s.buf)
		size := base64.StdEncoding.DecodedLen(len(text))
		s.room(size + 8)
		dst = s.buf[from : from+size]
		s.buf = s.buf[:from+size]
	}
	n, err := base64.StdEncoding.Decode(dst, text)
	if err != nil {
		return nil, &Error{Class: BadBase64, Line: l.num, Text: "value is not base64", Err: err}
	}
	return dst[:n:n], nil
}
