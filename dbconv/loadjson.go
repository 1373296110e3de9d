package dbconv

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"imsconv/dbconv/dbtext"
)

// textSource is a text form that is read: *dbtext.Reader or *jsonReader.
type textSource interface {
	Begin() (dbtext.Header, error)
	Next() (key, value []byte, err error)
	Line() int64
}

// jsonReader reads what jsonWriter writes, strictly: one object a line with the
// members "key" or "key_base64", "value" or "value_base64", and in text of
// several databases "database"; each once, no others. The type of the databases
// and their settings are the caller's, since the form does not tell them.
type jsonReader struct {
	r     *bufio.Reader
	h     dbtext.Header
	limit int64 // bytes of a key or value
	line  int64
	text  []byte     // the line
	rec   jsonRecord // of the line
	ahead bool       // rec begins the next database
	ended bool
}

// jsonRecord is one line. Its slices are reused.
type jsonRecord struct {
	database   string
	named      bool
	key, value []byte
}

func newJSONReader(r io.Reader, h dbtext.Header, limit int64) *jsonReader {
	j := &jsonReader{r: bufio.NewReaderSize(r, 256<<10), h: h, limit: limit}
	if head, _ := j.r.Peek(3); string(head) == "\xef\xbb\xbf" {
		_, _ = j.r.Discard(3) // just peeked at
	}
	return j
}

// Line is the number of lines read.
func (j *jsonReader) Line() int64 { return j.line }

// Begin starts the next database: the first, and at each change of name. A line
// that cannot be read before the first record is an error that wraps
// dbtext.ErrItem; the next call goes on behind it.
func (j *jsonReader) Begin() (dbtext.Header, error) {
	if !j.ahead {
		if j.ended {
			return dbtext.Header{}, io.EOF
		}
		err := j.record()
		if err == io.EOF {
			j.ended = true
			return j.h, nil // no record, but a database
		}
		if err != nil {
			return j.h, err
		}
		j.ahead = true
	}
	j.h.Database, j.h.Named = j.rec.database, j.rec.named
	return j.h, nil
}

// Next returns the next record of the database, io.EOF at its end.
func (j *jsonReader) Next() (key, value []byte, err error) {
	if !j.ahead {
		if err := j.record(); err != nil {
			j.ended = j.ended || err == io.EOF
			return nil, nil, err
		}
		if j.rec.database != j.h.Database || j.rec.named != j.h.Named {
			j.ahead = true
			return nil, nil, io.EOF
		}
	}
	j.ahead = false
	return j.rec.key, j.rec.value, nil
}

func (j *jsonReader) bad(err error) error {
	return &dbtext.LineError{Line: j.line, Err: fmt.Errorf("%w: %w", dbtext.ErrItem, err)}
}

// record reads the next line that is not blank, io.EOF at the end.
func (j *jsonReader) record() error {
	for {
		long, err := j.readLine()
		if err != nil {
			return err
		}
		if long {
			return j.bad(fmt.Errorf("longer than a record of %d bytes can be", j.limit))
		}
		if len(bytes.TrimSpace(j.text)) == 0 {
			continue
		}
		p := jsonParser{text: j.text, recno: j.h.Type == "recno"}
		if err := p.record(&j.rec); err != nil {
			return j.bad(fmt.Errorf("column %d: %w", p.at+1, err))
		}
		if int64(max(len(j.rec.key), len(j.rec.value))) > j.limit {
			return j.bad(dbtext.TooLong(j.limit))
		}
		return nil
	}
}

// readLine reads a line into j.text; long tells that it was too long for that.
func (j *jsonReader) readLine() (long bool, err error) {
	j.text = j.text[:0]
	most := 3*j.limit + 4096
	for begun := false; ; begun = true {
		part, err := j.r.ReadSlice('\n')
		if !begun && len(part) > 0 {
			j.line++
		}
		if long = long || int64(len(j.text)+len(part)) > most; !long {
			j.text = append(j.text, part...)
		}
		switch {
		case err == nil, err == io.EOF && (begun || len(part) > 0):
			return long, nil
		case err != bufio.ErrBufferFull:
			return false, err
		}
	}
}

// A jsonParser takes one line apart.
type jsonParser struct {
	text  []byte
	at    int
	recno bool // keys are numbers
}

// record reads the object into rec.
func (p *jsonParser) record(rec *jsonRecord) error {
	rec.database, rec.named = "", false
	var key, value bool
	if err := p.want('{'); err != nil {
		return err
	}
	for first := true; !p.take('}'); first = false {
		if !first {
			if err := p.want(','); err != nil {
				return err
			}
		}
		if err := p.member(rec, &key, &value); err != nil {
			return err
		}
	}
	p.blanks()
	switch {
	case p.at < len(p.text):
		return errors.New("something follows the object")
	case !key:
		return errors.New(`one of "key" and "key_base64" is wanted`)
	case !value:
		return errors.New(`one of "value" and "value_base64" is wanted`)
	}
	return nil
}

// member reads one member of the object.
func (p *jsonParser) member(rec *jsonRecord, key, value *bool) error {
	name, err := p.str(nil)
	if err != nil {
		return err
	}
	if err := p.want(':'); err != nil {
		return err
	}
	p.blanks()
	twice := errors.New("a member is given twice")
	switch string(name) {
	case "database":
		if rec.named {
			return twice
		}
		b, err := p.str(nil)
		rec.database, rec.named = string(b), true
		return err
	case "key", "key_base64":
		if *key {
			return twice
		}
		*key = true
		if p.recno {
			rec.key, err = p.number(rec.key[:0], string(name))
		} else {
			rec.key, err = p.bytes(rec.key[:0], string(name))
		}
		return err
	case "value", "value_base64":
		if *value {
			return twice
		}
		*value = true
		rec.value, err = p.bytes(rec.value[:0], string(name))
		return err
	}
	return fmt.Errorf("unknown member %.40q", name)
}

// bytes reads the string of member name, which is text or base64.
func (p *jsonParser) bytes(dst []byte, name string) ([]byte, error) {
	dst, err := p.str(dst)
	if err != nil || name == "key" || name == "value" {
		return dst, err
	}
	n, err := base64.StdEncoding.Strict().Decode(dst, dst) // in place: it gets shorter
	return dst[:n], err
}

// number reads a record number.
func (p *jsonParser) number(dst []byte, name string) ([]byte, error) {
	if name != "key" {
		return dst, errors.New("the key of a recno is a number")
	}
	start := p.at
	for p.at < len(p.text) && p.text[p.at] >= '0' && p.text[p.at] <= '9' {
		p.at++
	}
	digits := p.text[start:p.at]
	if n, err := strconv.ParseUint(string(digits), 10, 32); err != nil || n == 0 || digits[0] == '0' {
		return dst, errors.New("the key of a recno is a number from 1 to 4294967295")
	}
	return append(dst, digits...), nil
}

// str reads a string, which must be UTF-8 without lone surrogates.
func (p *jsonParser) str(dst []byte) ([]byte, error) {
	if err := p.want('"'); err != nil {
		return dst, errors.New("a string is wanted")
	}
	for {
		start := p.at
		for p.at < len(p.text) && p.text[p.at] != '"' && p.text[p.at] != '\\' && p.text[p.at] >= ' ' {
			p.at++
		}
		if !utf8.Valid(p.text[start:p.at]) {
			return dst, errors.New("a byte that is no UTF-8: binary belongs into key_base64 or value_base64")
		}
		dst = append(dst, p.text[start:p.at]...)
		switch {
		case p.at == len(p.text):
			return dst, errors.New("the string does not end")
		case p.text[p.at] == '"':
			p.at++
			return dst, nil
		case p.text[p.at] < ' ':
			return dst, errors.New("a control byte in a string")
		}
		var err error
		if dst, err = p.escape(dst); err != nil {
			return dst, err
		}
	}
}

// escapes are the escapes of one letter.
var escapes = map[byte]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// escape reads a backslash and what belongs to it.
func (p *jsonParser) escape(dst []byte) ([]byte, error) {
	if p.at+1 < len(p.text) {
		if c, ok := escapes[p.text[p.at+1]]; ok {
			p.at += 2
			return append(dst, c), nil
		}
	}
	r, ok := p.unicode()
	if !ok {
		return dst, errors.New("an unknown escape")
	}
	if !utf16.IsSurrogate(r) {
		p.at += 6
		return utf8.AppendRune(dst, r), nil
	}
	low := jsonParser{text: p.text, at: p.at + 6}
	second, _ := low.unicode()
	if r = utf16.DecodeRune(r, second); r == utf8.RuneError {
		return dst, errors.New("half a pair of surrogates")
	}
	p.at += 12
	return utf8.AppendRune(dst, r), nil
}

// unicode is the escape \uXXXX at the current place.
func (p *jsonParser) unicode() (rune, bool) {
	if p.at+6 > len(p.text) || string(p.text[p.at:p.at+2]) != `\u` {
		return 0, false
	}
	n, err := strconv.ParseUint(string(p.text[p.at+2:p.at+6]), 16, 16)
	return rune(n), err == nil
}

func (p *jsonParser) blanks() {
	for p.at < len(p.text) && bytes.IndexByte([]byte(" \t\r\n"), p.text[p.at]) >= 0 {
		p.at++
	}
}

// take passes over c if it is next.
func (p *jsonParser) take(c byte) bool {
	p.blanks()
	if p.at < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

func (p *jsonParser) want(c byte) error {
	if !p.take(c) {
		return fmt.Errorf("%q is wanted", c)
	}
	return nil
}
