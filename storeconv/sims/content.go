package sims

import (
	"fmt"
	"io"
)

// Bytes returns the whole body of the current member, if it is at most
// MaxInline bytes, as a slice of Block. The slice is valid until the next call
// of the Reader, or longer while the Block is held. An error is a *Error: the
// stream ends inside the body.
func (r *Reader) Bytes() ([]byte, error) {
	if r.left > MaxInline {
		return nil, fmt.Errorf("internal error: body of %d bytes asked for in one piece", r.left)
	}
	n := int(r.left)
	b := r.fill(int(r.left + r.pad))
	if len(b) < n {
		r.search(len(b))
		r.advance(len(b))
		return nil, r.truncated()
	}
	r.search(n)
	r.advance(n)
	r.left = 0
	return b[:n], nil
}

// Chunk returns the next piece of the body, at least one byte, as a slice of
// Block with the same life as that of Bytes. At the end of the body it returns
// io.EOF.
func (r *Reader) Chunk() ([]byte, error) { return r.piece(r.left) }

// piece is Chunk for at most n bytes.
func (r *Reader) piece(n int64) ([]byte, error) {
	if r.left == 0 {
		return nil, io.EOF
	}
	r.fill(int(min(r.toBlock()+blockSize, r.left+r.pad)))
	if r.lo == r.hi {
		return nil, r.truncated()
	}
	k := r.search(int(min(int64(r.hi-r.lo), r.left, n)))
	b := r.cur.buf[r.lo : r.lo+k]
	r.advance(k)
	r.left -= int64(k)
	return b, nil
}

// Block is the read buffer that the last Bytes or Chunk returned a slice of.
func (r *Reader) Block() *Block { return r.cur }

// Read reads from the body of the current member and returns io.EOF at its end.
func (r *Reader) Read(p []byte) (int, error) {
	if len(p) == 0 && r.left > 0 {
		return 0, nil
	}
	b, err := r.piece(int64(len(p)))
	return copy(p, b), err
}
