package sims

import "fmt"

// notHeader looks for the next header after a damaged one, or after zeros that
// are no end.
func (r *Reader) notHeader() *Error {
	p := &Error{Offset: r.pos, Class: BadHeader, Text: "this block is not a header"}
	switch {
	case r.sawEnd:
		p.Text = fmt.Sprintf("data that is no header behind %d zero bytes, which may be damage", r.pos-r.zeros)
		r.sawEnd = false
	case !r.any:
		p.Text = "the stream does not start with a tar header"
	}
	front := ""
	if r.size > 0 && r.m.Name != "" && r.pos == r.m.Data+roundUp(r.size) {
		front = "; the body of " + DisplayName(r.m.Name) + " ends there, and is wrong if a block of it stands twice"
	}
	r.damaged(p)
	p.Text += front
	return p
}

// damaged passes over blocks up to the next header or end marker and says in p
// how much that was.
func (r *Reader) damaged(p *Error) *Error {
	start := r.pos
	r.any, r.damage = true, true
	for {
		r.advance(len(r.fill(blockSize)))
		b := r.fill(blockSize)
		if len(b) < blockSize || isHeader(b) && !isZero(b) {
			if len(b) < blockSize {
				r.skip(int64(len(b)))
				r.sawEnd = true // the damage has been told
			}
			break
		}
		if two := r.fill(2 * blockSize); isZero(two) && len(two) == 2*blockSize {
			break
		}
	}
	p.Text += fmt.Sprintf("; %d bytes passed over", r.pos-start)
	return p
}
