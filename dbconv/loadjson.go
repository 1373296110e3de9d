package dbconv

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"

	"imsconv/dbconv/dbtext"
)

// textSource is a text form that is read: *dbtext.Reader or *jsonReader.
type textSource interface {
	Begin() (dbtext.Header, error)
	Next() (key, value []byte, err error)
	Line() int64
}

// jsonReader reads what jsonWriter writes. The type of the databases and their
// settings are the caller's, since the form does not tell them.
type jsonReader struct {
	r     *bufio.Reader
	h     dbtext.Header
	line  int64
	ahead *jsonRecord // begins the next database
	begun bool
}

type jsonRecord struct {
	Database    string          `json:"database"`
	Key         json.RawMessage `json:"key"`
	KeyBase64   *string         `json:"key_base64"`
	Value       *string         `json:"value"`
	ValueBase64 *string         `json:"value_base64"`
}

func newJSONReader(r io.Reader, h dbtext.Header) *jsonReader {
	return &jsonReader{r: bufio.NewReaderSize(r, 256<<10), h: h}
}

// Line is the number of lines read.
func (j *jsonReader) Line() int64 { return j.line }

// Begin starts the next database: the first, and at each change of name.
func (j *jsonReader) Begin() (dbtext.Header, error) {
	if j.begun && j.ahead == nil {
		return dbtext.Header{}, io.EOF
	}
	if !j.begun {
		j.begun = true
		rec, err := j.record()
		if err == io.EOF {
			return j.h, nil
		}
		if err != nil {
			return j.h, err
		}
		j.ahead = rec
	}
	j.h.Database = j.ahead.Database
	return j.h, nil
}

// Next returns the next record of the database, io.EOF at its end.
func (j *jsonReader) Next() (key, value []byte, err error) {
	rec := j.ahead
	j.ahead = nil
	if rec == nil {
		if rec, err = j.record(); err != nil {
			return nil, nil, err
		}
	}
	if rec.Database != j.h.Database {
		j.ahead = rec
		return nil, nil, io.EOF
	}
	if key, err = rec.key(); err == nil {
		value, err = text(rec.Value, rec.ValueBase64, "value")
	}
	if err != nil {
		return nil, nil, j.bad(err)
	}
	return key, value, nil
}

func (j *jsonReader) bad(err error) error {
	return &dbtext.LineError{Line: j.line, Err: fmt.Errorf("%w: %w", dbtext.ErrItem, err)}
}

// record reads the next line that is not blank, io.EOF at the end.
func (j *jsonReader) record() (*jsonRecord, error) {
	for {
		line, err := j.readLine()
		if err != nil {
			return nil, err
		}
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		rec := &jsonRecord{}
		if err := json.Unmarshal(line, rec); err != nil {
			return nil, j.bad(err)
		}
		return rec, nil
	}
}

func (j *jsonReader) readLine() (line []byte, err error) {
	j.line++
	for {
		part, err := j.r.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(line) > dbtext.MaxLine:
			return nil, &dbtext.LineError{Line: j.line, Err: fmt.Errorf("longer than %d bytes", dbtext.MaxLine)}
		case err == nil, err == io.EOF && len(line) > 0:
			return line, nil
		case err != bufio.ErrBufferFull:
			return nil, err
		}
	}
}

// key is the key as a string, or as the digits of a number.
func (r *jsonRecord) key() ([]byte, error) {
	if len(r.Key) > 0 && r.Key[0] != '"' && r.KeyBase64 == nil {
		return r.Key, nil
	}
	var s *string
	if len(r.Key) > 0 {
		if err := json.Unmarshal(r.Key, &s); err != nil {
			return nil, err
		}
	}
	return text(s, r.KeyBase64, "key")
}

func text(plain, coded *string, name string) ([]byte, error) {
	switch {
	case plain != nil && coded == nil:
		return []byte(*plain), nil
	case coded != nil && plain == nil:
		return base64.StdEncoding.DecodeString(*coded)
	}
	return nil, fmt.Errorf("one of %q and %q is wanted", name, name+"_base64")
}
