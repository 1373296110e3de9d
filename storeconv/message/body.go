package message

import (
	"crypto/sha256"
	"hash"
)

// maxHeader is how much of a long message is searched for its header, in bytes.
// A longer header counts as no end: HSize is then this number.
const maxHeader = 256 << 10

// Body reads a long body piece by piece. It holds up to 256 KiB of it.
type Body struct {
	h    hash.Hash
	head []byte
	size int64
	bare bool
	prev byte
	crlf bool
	out  []byte
}

// NewBody returns an empty body. With crlf every line end is written as CR LF.
func NewBody(crlf bool) *Body { return &Body{h: sha256.New(), crlf: crlf} }

// Add reads the next piece and returns what is to be written for it, valid
// until the next call.
func (h *Body) Add(b []byte) []byte {
	if len(b) == 0 {
		return b
	}
	last := b[len(b)-1]
	h.bare = h.bare || hasBareLF(b, h.prev)
	if h.crlf {
		h.out = AppendCRLF(h.out[:0], b, h.prev)
		b = h.out
	}
	h.prev = last
	if room := maxHeader - len(h.head); room > 0 {
		h.head = append(h.head, b[:min(room, len(b))]...)
	}
	h.h.Write(b)
	h.size += int64(len(b))
	return b
}

// BareLF tells whether what was written has a line end that is not CR LF.
func (h *Body) BareLF() bool { return h.bare && !h.crlf }

// Finish says what is known of the whole: what an index keeps of it, its size
// in bytes and its SHA-256, both as written.
func (h *Body) Finish() (text Summary, size int64, sum [32]byte) {
	text = Summarize(h.head)
	text.BareLF = h.bare
	h.h.Sum(sum[:0])
	return text, h.size, sum
}
