package bdb

import (
	"bytes"
	"io"
	"iter"
)

// A Record is a key and its value.
type Record struct{ Key, Value []byte }

// Clone returns a copy of r that shares no memory with it.
func (r *Record) Clone() *Record {
	return &Record{bytes.Clone(r.Key), bytes.Clone(r.Value)}
}

// All goes through the records that Next has not returned yet. A record is
// valid until the next one: Clone keeps it. An error is that of Next, and the
// last that comes.
func (c *Cursor) All() iter.Seq2[*Record, error] {
	return func(yield func(*Record, error) bool) {
		var rec Record
		for {
			var err error
			rec.Key, rec.Value, err = c.Next()
			if err == io.EOF {
				return
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(&rec, nil) {
				return
			}
		}
	}
}
