package dbtext

import (
	"bytes"
	"errors"
	"io"
	"iter"
)

// A Record is a key and its value. The key of a recno database without keys is
// nil.
type Record struct{ Key, Value []byte }

// Clone returns a copy of r that shares no memory with it.
func (r *Record) Clone() *Record {
	return &Record{bytes.Clone(r.Key), bytes.Clone(r.Value)}
}

// All goes through the records of the current database that Next has not
// returned yet. A record is valid until the next one: Clone keeps it. After an
// error that wraps ErrItem the records go on, any other is the last that comes.
func (r *Reader) All() iter.Seq2[*Record, error] {
	return func(yield func(*Record, error) bool) {
		var rec Record
		for {
			var err error
			rec.Key, rec.Value, err = r.Next()
			switch {
			case err == io.EOF:
				return
			case err == nil:
				if !yield(&rec, nil) {
					return
				}
			case !yield(nil, err) || !errors.Is(err, ErrItem):
				return
			}
		}
	}
}
