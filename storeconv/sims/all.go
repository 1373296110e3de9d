package sims

import (
	"errors"
	"io"
	"iter"
)

// All goes through the members that are left, in stream order. A member is
// valid until the next one comes. What is wrong with one member comes as a
// [*Error] in place of it, and the stream goes on behind; any other error is
// the last that comes. Bodies that the loop does not read are passed over.
func (r *Reader) All() iter.Seq2[*Member, error] {
	return func(yield func(*Member, error) bool) {
		for {
			m, err := r.Next()
			if err == io.EOF {
				return
			}
			var p *Error
			if err != nil && !errors.As(err, &p) {
				yield(nil, err)
				return
			}
			if !yield(m, err) {
				return
			}
		}
	}
}
