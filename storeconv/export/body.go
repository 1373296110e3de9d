package export

import (
	"bytes"
	"crypto/sha256"
	"hash"
	"io"
	"math"

	"imsconv/storeconv/message"
)

// maxHeld is the longest message that is looked at in memory before its file is
// made, in bytes. A longer one is written first and gets its name then, which
// says how long it is.
const maxHeld = 1 << 20

// bareLFs counts the line ends of b that are not CRLF. prev is the byte before
// b, 0 at the start of a message.
func bareLFs(b []byte, prev byte) (n int64) {
	for {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			return n
		}
		if i > 0 {
			prev = b[i-1]
		}
		if prev != '\r' {
			n++
		}
		prev = '\n'
		b = b[i+1:]
	}
}

// text reads the bytes of a message as the source has them and gives those that
// are to be written.
type text struct {
	newline Newline
	size    int64 // written
	bare    int64 // of what was written
	hash    hash.Hash
	prev    byte // last byte read
	last    byte // last byte written
	held    bool // a CR that may belong to a line end
	out     []byte
}

// newText begins a message; its SHA-256 is made when it is wanted.
func newText(n Newline, sum bool) *text {
	t := &text{newline: n}
	if sum {
		t.hash = sha256.New()
	}
	return t
}

// add takes the next piece and returns what is to be written for it, valid
// until the next call.
func (t *text) add(b []byte) []byte {
	if t.hash != nil {
		t.hash.Write(b)
	}
	out := b
	switch t.newline {
	case CRLF:
		out = message.AppendCRLF(t.out[:0], b, t.prev)
		t.out = out
	case LF:
		out = t.toLF(b)
	}
	if len(b) > 0 {
		t.prev = b[len(b)-1]
	}
	t.count(out)
	return out
}

func (t *text) count(out []byte) {
	t.bare += bareLFs(out, t.last)
	t.size += int64(len(out))
	if len(out) > 0 {
		t.last = out[len(out)-1]
	}
}

// toLF writes CRLF as LF. A CR at the end of a piece waits for the next.
func (t *text) toLF(b []byte) []byte {
	out := t.out[:0]
	for _, c := range b {
		if t.held && c != '\n' {
			out = append(out, '\r')
		}
		if t.held = c == '\r'; !t.held {
			out = append(out, c)
		}
	}
	t.out = out
	return out
}

// end returns what is still to be written.
func (t *text) end() []byte {
	if !t.held {
		return nil
	}
	t.held = false
	out := []byte{'\r'}
	t.count(out)
	return out
}

// into fills in what is known of the message now.
func (t *text) into(r *record) {
	r.size = t.size
	r.bare = uint32(min(t.bare, math.MaxUint32))
	if t.hash != nil {
		t.hash.Sum(r.sum[:0])
	}
}

// whole looks at the line ends of a message that is in memory, and returns what
// is to be written.
func whole(b []byte, newline Newline, r *record) []byte {
	if newline == KeepNewline {
		r.size, r.bare = int64(len(b)), uint32(bareLFs(b, 0))
		return b
	}
	t := newText(newline, false)
	out := t.add(b)
	out = append(out, t.end()...)
	t.into(r)
	return out
}

// copyText writes a message piece by piece.
func copyText(dst io.Writer, src func() ([]byte, error), t *text) error {
	for {
		b, err := src()
		if len(b) > 0 {
			if _, err := dst.Write(t.add(b)); err != nil {
				return destination{err}
			}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
	}
	if rest := t.end(); rest != nil {
		if _, err := dst.Write(rest); err != nil {
			return destination{err}
		}
	}
	return nil
}

// destination marks an error of what is written, which ends the run; any other
// error concerns one message.
type destination struct{ error }

func (d destination) Unwrap() error { return d.error }
