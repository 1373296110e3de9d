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
	if foldEqual(desc, "search") && isNumber(trimSpace(rest[1:])) {
		return false, s.searchResult(l.num)
	}
	if !foldEqual(desc, "dn") {
		return false, &Error{Class: NoDN, Line: l.num, Text: noDNText}
	}
	s.rec.RawDN = trimLeft(bytes.TrimPrefix(rest[1:], []byte{':'}))
	if s.rec.DN, damage = s.value(&l, rest); damage != nil {
		return false, damage
	}
	return true, s.body()
}

// searchResult reads what OpenLDAP's ldapsearch prints behind the entries
// unless -L is given, the result of the search, which is no record: from its
// second line on, "result: 0 Success". Any other result than 0 says that there
// are fewer entries than were asked for, a limit of the server most often.
func (s *Scanner) searchResult(at int) *Error {
	noDN := &Error{Class: NoDN, Line: at, Text: noDNText}
	l, ok := s.next()
	if !ok {
		return noDN
	}
	desc, rest, damage := split(&l)
	if damage != nil || !foldEqual(desc, "result") {
		return noDN
	}
	result := trimSpace(rest[1:])
	code, _, _ := bytes.Cut(result, []byte{' '})
	switch {
	case !isNumber(code):
		return noDN
	case string(code) != "0":
		return &Error{Class: SearchResult, Line: l.num, Text: fmt.Sprintf("the search that this is the output of ended with %q: entries are missing", clip(result))}
	}
	s.toBlank() // the controls of a result, such as the page that comes next
	return nil
}

// noDNText is what is said of a record without a DN.
const noDNText = "record does not begin with a dn line"

// body reads what follows the dn line.
func (s *Scanner) body() *Error {
	for {
		s.expected()
		desc, v, num := s.quick()
		if desc == nil {
			l, ok := s.next()
			if !ok {
				return s.end()
			}
			var rest []byte
			var damage *Error
			if desc, rest, damage = split(&l); damage != nil {
				return damage
			}
			if marker(desc) {
				return s.marked(l, desc, rest, len(s.vals) == 0)
			}
			if v, damage = s.value(&l, rest); damage != nil {
				return damage
			}
			num = l.num
		} else if marker(desc) {
			return s.marked(logical{num: num}, desc, append([]byte{':'}, v...), len(s.vals) == 0)
		}
		if damage := s.push(desc, v, num); damage != nil {
			return damage
		}
	}
}

// end finishes a content record.
func (s *Scanner) end() *Error {
	if len(s.vals) == 0 {
		return &Error{Class: BadRecord, Line: s.rec.Line, Text: "entry has no attributes"}
	}
	s.close()
	return nil
}

// expected reads lines of the common form, "desc: value" without folding, while
// each has the description of the line before or one that came behind that
// before.
func (s *Scanner) expected() {
	d, list, num := s.data, s.descs.all(), s.at
	for at := &list[num]; ; s.line++ {
		n := num
		if !begins(d, s.pos, at.head) {
			if n = at.next[0]; !begins(d, s.pos, list[n].head) {
				if n = at.next[1]; !begins(d, s.pos, list[n].head) {
					return
				}
			}
		}
		from := s.pos + len(list[n].head)
		end := lineEnd(d, from)
		if end < 0 || n != num && !s.open(nil, n) {
			return
		}
		if n != num {
			at, num = &list[n], n
		}
		s.pos = end + 1
		if d[end-1] == '\r' {
			end--
		}
		s.vals = append(s.vals, Value{Data: d[from:end:end], Line: s.line})
	}
}

// begins reports whether the line at pos begins with a head, which is none when
// it is empty.
func begins(d []byte, pos int, head []byte) bool {
	end := pos + len(head)
	return end < len(d) && end > pos && d[end-1] == ' ' && string(d[pos:end]) == string(head)
}

// quick reads a line of the common form, or returns nil and reads nothing.
func (s *Scanner) quick() (desc, v []byte, num int) {
	d, i := s.data, s.pos
	for i < len(d) && descByte[d[i]] {
		i++
	}
	if i+2 >= len(d) || i == s.pos || d[i] != ':' || d[i+1] != ' ' {
		return nil, nil, 0
	}
	end := lineEnd(d, i+2)
	if end < 0 {
		return nil, nil, 0
	}
	desc, num = d[s.pos:i:i], s.line
	s.pos = end + 1
	s.line++
	if d[end-1] == '\r' {
		end--
	}
	return desc, d[i+2 : end : end], num
}

// lineEnd returns the position of the line feed behind a value that begins at
// from, or -1 when it needs a closer look: it begins with a blank or is empty,
// goes on in the next line, or the data ends.
func lineEnd(d []byte, from int) int {
	if d[from] <= ' ' {
		return -1
	}
	end := lineFeed(d, from)
	if end >= 0 && end+1 < len(d) && (d[end+1] == ' ' || d[end+1] == '\t') {
		return -1
	}
	return end
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
func (s *Scanner) push(desc, v []byte, num int) *Error {
	if n := len(s.attrs); n == 0 || !bytes.Equal(s.attrs[n-1].Desc, desc) {
		n := s.descs.number(desc)
		s.descs.follow(s.at, n)
		if !s.open(desc, n) {
			return &Error{Class: EntryTooLong, Line: s.rec.Line, Text: fmt.Sprintf("entry has more than %d attributes", maxAttrs)}
		}
	}
	s.vals = append(s.vals, Value{Data: v, Line: num})
	return nil
}

// open begins the next attribute, most often that of the record before. It
// reports false when there are too many.
func (s *Scanner) open(desc []byte, n uint16) bool {
	at := len(s.attrs)
	if at == maxAttrs {
		return false
	}
	s.at = n
	s.starts = append(s.starts, len(s.vals))
	if n != 0 {
		if at < cap(s.attrs) && s.attrs[:at+1][at].Num == n {
			s.attrs = s.attrs[:at+1]
			return true
		}
		desc = s.descs.all()[n].text()
	}
	s.attrs = append(s.attrs, Attr{Desc: desc, Num: n})
	return true
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
