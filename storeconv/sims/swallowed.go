package sims

import "fmt"

// toBlock is how many bytes of the body are left of the block at hand, 0 at the
// beginning of one.
func (r *Reader) toBlock() int64 { return (blockSize - (r.size-r.left)%blockSize) % blockSize }

// search looks for headers of members in the next n bytes of the body, in the
// blocks that begin there. It returns how many bytes it has looked at: fewer
// when the last block is not whole in the window yet, and at least one.
//
// A tape that has lost blocks, or a size that is wrong, shows in nothing but
// such a header: the message takes what stands behind it for its own, and where
// it ends there may well be a header again. The magic word is asked for too,
// since what begins a block of a message is text, and a checksum alone is soon
// hit upon.
func (r *Reader) search(n int) int {
	for i := int(r.toBlock()); i < n; i += blockSize {
		if r.hi-r.lo < i+blockSize {
			if i > 0 {
				return i
			}
			break
		}
		b := r.cur.buf[r.lo+i : r.lo+i+blockSize]
		if string(b[offMagic:offMagic+5]) == "ustar" && r.inside == nil && isHeader(b) {
			r.inside = &Error{Offset: r.m.Offset, Name: r.m.Name, Class: Lost, Text: fmt.Sprintf(
				"the header of another member stands in its body, at offset %d: blocks in front of that are missing, and what is behind is not its own", r.pos+int64(i))}
		}
	}
	return n
}
