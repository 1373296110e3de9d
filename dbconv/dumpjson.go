package dbconv

import (
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"imsconv/dbconv/dbtext"
)

// jsonWriter writes one object a record: "key" and "value" as strings when they
// are UTF-8, else "key_base64" and "value_base64"; the key of a recno as a
// number; "database" in files with sub-databases.
type jsonWriter struct {
	w   io.Writer
	buf []byte
	h   dbtext.Header
	err error // the first of a write
}

const jsonBuffer = 128 << 10

func newJSONWriter(w io.Writer) *jsonWriter { return &jsonWriter{w: w} }

func (j *jsonWriter) Begin(h dbtext.Header) error {
	j.h = h
	return nil
}

// Record writes one object. A long item goes out in pieces.
func (j *jsonWriter) Record(key, value []byte) error {
	j.buf = append(j.buf, '{')
	if j.h.Named {
		j.buf = append(j.buf, `"database":`...)
		j.text([]byte(j.h.Database))
		j.buf = append(j.buf, ',')
	}
	if numbered(j.h.Type) {
		j.buf = append(append(j.buf, `"key":`...), key...)
	} else {
		j.field("key", key)
	}
	j.buf = append(j.buf, ',')
	j.field("value", value)
	j.buf = append(j.buf, '}', '\n')
	j.spill()
	return j.err
}

func (j *jsonWriter) field(name string, value []byte) {
	j.buf = append(append(j.buf, '"'), name...)
	if !utf8.Valid(value) {
		j.buf = append(j.buf, `_base64":"`...)
		for len(value) > 0 {
			part := value[:min(len(value), jsonBuffer/4*3)] // whole groups of 3 bytes
			j.buf = base64.StdEncoding.AppendEncode(j.buf, part)
			value = value[len(part):]
			j.spill()
		}
		j.buf = append(j.buf, '"')
		return
	}
	j.buf = append(j.buf, `":`...)
	j.text(value)
}

// text writes a UTF-8 text as a JSON string.
func (j *jsonWriter) text(text []byte) {
	j.buf = append(j.buf, '"')
	if plainJSON(text) {
		for len(text) > 0 {
			n := min(len(text), jsonBuffer)
			j.buf = append(j.buf, text[:n]...)
			text = text[n:]
			j.spill()
		}
		j.buf = append(j.buf, '"')
		return
	}
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		j.buf = appendJSONRune(j.buf, r, text[:n])
		text = text[n:]
		j.spill()
	}
	j.buf = append(j.buf, '"')
}

// plainJSON tells whether all of a text stands for itself.
func plainJSON(text []byte) bool {
	for _, c := range text {
		if c < ' ' || c == '"' || c == '\\' || c > '~' {
			return false
		}
	}
	return true
}

// appendJSONRune appends a character of a string as encoding/json does.
func appendJSONRune(dst []byte, r rune, raw []byte) []byte {
	short := strings.IndexRune("\b\f\n\r\t\"\\", r)
	switch {
	case short >= 0:
		return append(dst, '\\', "bfnrt\"\\"[short])
	case r < ' ' || r == '<' || r == '>' || r == '&' || r == '\u2028' || r == '\u2029':
		return fmt.Appendf(dst, `\u%04x`, r)
	}
	return append(dst, raw...)
}

// spill writes what is gathered once it is much.
func (j *jsonWriter) spill() {
	if len(j.buf) >= jsonBuffer {
		_ = j.Flush() // kept in j.err
	}
}

func (j *jsonWriter) End() error { return nil }

func (j *jsonWriter) Flush() error {
	if j.err == nil {
		_, j.err = j.w.Write(j.buf)
	}
	j.buf = j.buf[:0]
	return j.err
}
