package sims

import "fmt"

// defaultRecord is the length of a record as tar and this project's writers
// make it, in bytes.
const defaultRecord = 20 * blockSize

// zeroBlock passes over zero blocks. Two of them are the end marker; what may
// follow is still looked at.
func (r *Reader) zeroBlock() *Error {
	at := r.pos
	if r.ext.active { // Next forgets what the headers said
		r.damage = true
		return &Error{Offset: at, Class: Lost, Text: fmt.Sprintf("zeros stand where the header of a member should be, of which there is more at offset %d", r.extStart)}
	}
	r.advance(blockSize)
	if r.sawEnd {
		return nil
	}
	b := r.fill(blockSize)
	r.zeros = at
	switch {
	case len(b) == 0, len(b) == blockSize && isZero(b):
		r.sawEnd = true
	case len(b) == blockSize && isHeader(b):
		return r.behindEnd(b)
	}
	return nil
}

// behindEnd judges the zero blocks in front of the header b. They are an end
// when a stream's own header stands behind them, or when they are two at least
// and fill a record; elsewhere they may have taken the place of members.
func (r *Reader) behindEnd(b []byte) *Error {
	full := r.pos-r.zeros >= 2*blockSize && (r.pos-r.base)%defaultRecord == 0
	if b[offType] != 'g' && !full {
		r.damage = true
		return &Error{Offset: r.zeros, Class: Lost, Text: fmt.Sprintf(
			"%d zero bytes that are no end of a stream, with a member behind them: members may be missing", r.pos-r.zeros)}
	}
	r.base = r.pos
	if r.warned {
		return nil
	}
	r.warned = true
	return &Error{Offset: r.pos, Class: Trailing, Tolerated: true, Text: "members after the end marker: several streams one after the other"}
}
