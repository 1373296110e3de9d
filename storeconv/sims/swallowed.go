package sims

import (
	"crypto/sha256"
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
// has looked at counts for the sum of a body that has one.
func (r *Reader) search(n int) int {
	n = r.look(n)
	if r.sum != nil {
		r.sum.Write(r.cur.buf[r.lo : r.lo+n])
		r.summed += int64(n)
	}
	return n
}

// look is search without the sum.
//
// A tape that has lost blocks, or a size that is wrong, shows in nothing but
// such a header: the message takes what stands behind it for its own, and where
// it ends there may well be a header again. The magic word is asked for too,
// since what begins a block of a message is text, and a checksum alone is soon
// hit upon.
func (r *Reader) look(n int) int {
	for i := int(r.toBlock()); i < n; i += blockSize {
		if r.hi-r.lo < i+blockSize {
			if i > 0 {
				return i
			}
			break
		}
		b := r.cur.buf[r.lo+i : r.lo+i+blockSize]
		if r.inside == nil && beginsMember(b) {
			r.inside = &Error{Offset: r.m.Offset, Name: r.m.Name, Class: Lost, Text: fmt.Sprintf(
				"the header of another member stands in its body, at offset %d: blocks in front of that are missing, and what is behind is not its own", r.pos+int64(i))}
		}
	}
	return n
}

// beginsMember tells whether a block is the header of a member.
func beginsMember(b []byte) bool {
	return string(b[offMagic:offMagic+len(magic)]) == magic && isHeader(b)
}

// magic is the word in the headers of POSIX and GNU tar.
const magic = "ustar"

// HasHeader tells whether the header of a member stands in b, the body of a
// message or a piece of one that begins at a multiple of 512 bytes: [Reader]
// takes such a body for one that has lost blocks, unless the member says the
// SHA-256 of it.
func HasHeader(b []byte) bool {
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

// hold holds the body that was read against the SHA-256 that its member says. A
// body of that sum is whole, whatever stands in it; another one is not, though
// nothing may show in it. One that was not read to its end is not judged.
func (r *Reader) hold() {
	if r.sum == nil {
		return
	}
	sum := hex.EncodeToString(r.sum.Sum(nil))
	switch {
	case r.summed < r.size:
	case sum == r.m.SHA256:
		r.inside = nil
	case r.inside == nil:
		r.inside = &Error{Offset: r.m.Offset, Name: r.m.Name, Class: Lost,
			Text: fmt.Sprintf("its body has the SHA-256 %s, not the one that the stream says: it is damaged, or a part of it is another message's", sum)}
	}
	r.sum = nil
}
