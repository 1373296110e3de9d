package sims

import (
	"fmt"
	"io"
)

// finishBody skips what is left of the last body.
func (r *Reader) finishBody() *Error {
	left, pad := r.left, r.pad
	r.left, r.pad = 0, 0
	if left+pad == 0 {
		return nil
	}
	missing := r.skip(left + pad)
	switch {
	case missing > pad:
		return r.truncated()
	case missing > 0:
		r.done = true
		return r.becauseOf(r.cutBlock())
	}
	return nil
}

// cutBlock says that the stream ends inside a block: archives are made of whole
// ones, so that a part of this one is missing.
func (r *Reader) cutBlock() *Error {
	return &Error{Offset: r.pos, Class: Truncated, Text: fmt.Sprintf("the stream ends inside a block of %d bytes: it has been cut", blockSize)}
}

// truncated ends the reading inside the current member.
func (r *Reader) truncated() *Error {
	r.done = true
	r.left, r.pad = 0, 0
	p := &Error{Offset: r.m.Offset, Name: r.m.Name, Class: Truncated,
		Text: fmt.Sprintf("the stream ends at offset %d, inside a body of %d bytes", r.pos, r.size)}
	if r.inside != nil { // one fault, one message
		p.Text += "; " + r.inside.Text
		r.inside = nil
	}
	return r.becauseOf(p)
}

// becauseOf turns the end of the stream into a failure of the source, if that
// is what it was.
func (r *Reader) becauseOf(p *Error) *Error {
	if r.srcErr != nil && r.srcErr != io.EOF {
		p.Class, p.Text = ReadError, fmt.Sprintf("the stream cannot be read beyond offset %d: %v", r.pos, r.srcErr)
	}
	return p
}

// atEnd handles the end of the source, where b is what remains.
func (r *Reader) atEnd(b []byte) error {
	r.done = true
	switch {
	case r.srcErr != nil && r.srcErr != io.EOF:
		return r.becauseOf(&Error{Offset: r.pos})
	case r.ext.active:
		return &Error{Offset: r.extStart, Class: Truncated, Text: fmt.Sprintf("the stream ends at offset %d, between the headers of a member", r.pos+int64(len(b)))}
	case !isZero(b) && !r.any:
		return &Error{Offset: r.pos, Class: Truncated, Text: "the stream does not start with a tar header, and ends at once"}
	case !isZero(b):
		return &Error{Offset: r.pos, Class: Truncated, Text: "the stream ends inside a header"}
	case r.pos == 0 && len(b) == 0:
		return &Error{Class: Truncated, Text: "the stream is empty"}
	case r.sawEnd:
		return io.EOF
	case (r.pos+int64(len(b)))%blockSize != 0:
		return r.cutBlock()
	}
	return &Error{Offset: r.pos, Class: NoEnd, Tolerated: true, Text: "the stream has no end marker"}
}
