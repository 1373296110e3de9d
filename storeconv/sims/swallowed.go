package sims

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
)

// toBlock is how many bytes of the body are left of the block at hand, 0 at the
// beginning of one.
func (r *Reader) toBlock() int64 { return (blockSize - (r.size-r.left)%blockSize) % blockSize }

// search looks for headers of members in the next n bytes of the body, in the
// blocks that begin there. It returns how many bytes it has looked at: fewer
// when the last block is not whole in the window yet, and at least one. What it
// has looked at counts for the zeros at the end of the body, and for the sum of
// one that has one.
func (r *Reader) search(n int) int {
	n = r.look(n)
	b := r.cur.buf[r.lo : r.lo+n]
	r.seen += int64(n)
	if k := zerosAtEnd(b); k < n {
		r.tail = int64(k)
	} else {
		r.tail += int64(k)
	}
	if r.sum != nil {
		r.sum.Write(b)
	}
	return n
}

// zerosAtEnd counts the zero bytes that b ends with.
func zerosAtEnd(b []byte) int {
	n := len(b)
	for n >= 8 && binary.NativeEndian.Uint64(b[n-8:]) == 0 {
		n -= 8
	}
	for n > 0 && b[n-1] == 0 {
		n--
	}
	return len(b) - n
}

// ends says that a body which was read to its end stops with zeros where its
// last block should be. Blocks of it are missing then, and zeros that stood
// behind it, those of the end marker, were taken for its end; or zeros took the
// place of the block. One NUL alone is what programs leave at the end of a
// text.
func (r *Reader) ends() {
	last := (r.size-1)%blockSize + 1
	tail := r.tail
	r.tail = 0 // judged once
	if r.isLost() || r.size == 0 || r.seen < r.size || tail < max(last, min(2, r.size)) {
		return
	}
	r.inside = &Error{Offset: r.m.Offset, Name: r.m.Name, Class: Lost, Text: fmt.Sprintf(
		"its body of %d bytes ends with %d bytes of zeros, as no mail does: blocks of it are missing, or zeros stand in their place", r.size, tail)}
}

// look is search without the sum.
//
// A tape that has lost blocks, or a size that is wrong, shows in nothing but
// such a header: the message takes what stands behind it for its own, and where
// it ends there may well be a header again. The magic word is asked for too,
// since what begins a block of a message is text, and a checksum alone is soon
// hit upon.
//
// Where a tape could not be read, copies have zeros. No text has a block of
// them; but somebody may have sent something else than text.
func (r *Reader) look(n int) int {
	for i := int(r.toBlock()); i < n; i += blockSize {
		if r.hi-r.lo < i+blockSize {
			if i > 0 {
				return i
			}
			break
		}
		b := r.cur.buf[r.lo+i : r.lo+i+blockSize]
		switch {
		case r.inside == nil && int64(i)+blockSize < r.left && isZero(b):
			r.inside = &Error{Offset: r.m.Offset, Name: r.m.Name, Class: Zeros, Tolerated: true, Text: fmt.Sprintf(
				"a block of its body is zeros, at offset %d, as in no text: where the copy of a tape put them, a part of the message is lost", r.pos+int64(i))}
		case !r.isLost() && beginsMember(b):
			r.inside = &Error{Offset: r.m.Offset, Name: r.m.Name, Class: Lost, Text: fmt.Sprintf(
				"the header of another member stands in its body, at offset %d: blocks in front of that are missing, and what is behind is not its own", r.pos+int64(i))}
		}
	}
	return n
}

// isLost tells whether something is known to be missing in the body at hand.
func (r *Reader) isLost() bool { return r.inside != nil && !r.inside.Tolerated }

// beginsMember tells whether a block is the header of a member.
func beginsMember(b []byte) bool {
	return string(b[offMagic:offMagic+len(magic)]) == magic && isHeader(b)
}

// magic is the word in the headers of POSIX and GNU tar.
const magic = "ustar"

// Doubt watches a body for what [Reader] takes for lost blocks, unless the
// member says the SHA-256 of the body: the header of a member stands in it, or
// a block of it is zeros. The zero value is in front of a body.
type Doubt struct{ header, zeros bool }

// Add takes the next piece of the body, which begins at a multiple of 512
// bytes.
func (d *Doubt) Add(b []byte) {
	if len(b) == 0 {
		return
	}
	d.header = d.header || hasHeader(b)
	d.zeros = d.zeros || hasZeros(b)
}

// hasZeros tells whether a block of b is zeros, the last one also where it is
// not whole.
func hasZeros(b []byte) bool {
	for ; len(b) > 0; b = b[min(blockSize, len(b)):] {
		if isZero(b[:min(blockSize, len(b))]) {
			return true
		}
	}
	return false
}

// Any tells whether the body needs its SHA-256 beside it.
func (d *Doubt) Any() bool { return d.header || d.zeros }

// Doubtful is [Doubt] for a body in one piece.
func Doubtful(b []byte) bool {
	var d Doubt
	d.Add(b)
	return d.Any()
}

// hasHeader tells whether the header of a member stands in b, a piece of a body
// that begins at a multiple of 512 bytes.
func hasHeader(b []byte) bool {
	for ; len(b) >= blockSize; b = b[blockSize:] {
		if beginsMember(b[:blockSize]) {
			return true
		}
	}
	var last [blockSize]byte // the stream fills it with zeros
	return copy(last[:], b) > 0 && beginsMember(last[:])
}

// vouched sums up the body of a member that says its SHA-256; nil: it says
// none.
func (m *Member) vouched() hash.Hash {
	if m.Kind != Message || m.SHA256 == "" {
		return nil
	}
	return sha256.New()
}

// hold judges the body that was read: by its end, and by the SHA-256 that its
// member says. A body of that sum is whole, whatever stands in it; another one
// is not, though nothing may show in it. One that was not read to its end is
// not judged.
func (r *Reader) hold() {
	r.ends()
	if r.sum == nil {
		return
	}
	sum := hex.EncodeToString(r.sum.Sum(nil))
	switch {
	case r.seen < r.size:
	case sum == r.m.SHA256:
		r.inside = nil
	case !r.isLost():
		r.inside = &Error{Offset: r.m.Offset, Name: r.m.Name, Class: Lost,
			Text: fmt.Sprintf("its body has the SHA-256 %s, not the one that the stream says: it is damaged, or a part of it is another message's", sum)}
	}
	r.sum = nil
}
