package dbconv

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"unicode/utf8"

	"imsconv/dbconv/dbtext"
)

// jsonWriter writes one object a record: "key" and "value" as strings when they
// are UTF-8, else "key_base64" and "value_base64"; the key of a recno as a number;
// "database" in files with sub-databases.
type jsonWriter struct {
	w   io.Writer
	buf []byte
	h   dbtext.Header
}

const jsonBuffer = 128 << 10

func newJSONWriter(w io.Writer) *jsonWriter { return &jsonWriter{w: w} }

func (j *jsonWriter) Begin(h dbtext.Header) error {
	j.h = h
	return nil
}

func (j *jsonWriter) Record(key, value []byte) error {
	j.buf = append(j.buf, '{')
	if j.h.Named {
		j.buf = append(appendJSON(append(j.buf, `"database":`...), []byte(j.h.Database)), ',')
	}
	if j.h.Type == "recno" {
		j.buf = append(append(j.buf, `"key":`...), key...)
	} else {
		j.field("key", key)
	}
	j.buf = append(j.buf, ',')
	j.field("value", value)
	j.buf = append(j.buf, '}', '\n')
	if len(j.buf) < jsonBuffer {
		return nil
	}
	return j.Flush()
}

func (j *jsonWriter) field(name string, value []byte) {
	j.buf = append(append(j.buf, '"'), name...)
	if !utf8.Valid(value) {
		j.buf = append(j.buf, `_base64":"`...)
		j.buf = append(base64.StdEncoding.AppendEncode(j.buf, value), '"')
		return
	}
	j.buf = appendJSON(append(j.buf, `":`...), value)
}

// appendJSON appends a UTF-8 text as a JSON string.
func appendJSON(dst, text []byte) []byte {
	plain := true
	for _, c := range text {
		if c < ' ' || c == '"' || c == '\\' || c > '~' {
			plain = false
			break
		}
	}
	if plain {
		return append(append(append(dst, '"'), text...), '"')
	}
	b, err := json.Marshal(string(text))
	if err != nil {
		panic("internal error: " + err.Error())
	}
	return append(dst, b...)
}

func (j *jsonWriter) End() error { return nil }

func (j *jsonWriter) Flush() error {
	_, err := j.w.Write(j.buf)
	j.buf = j.buf[:0]
	return err
}
