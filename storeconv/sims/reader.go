package sims

import (
	"errors"
	"hash"
	"io"
)

// Limits of what a header may claim, in bytes.
const (
	maxBody     = 1 << 40   // of a message: more is damage
	maxExtended = MaxInline // of a pax or GNU header
)

// ErrProfile is returned for a stream of a profile that this package does not
// know.
var ErrProfile = errors.New("unknown stream profile")

// defaultBlocks is the number of read buffers when the caller does not say.
const defaultBlocks = 4

// Reader reads a stream member by member, in memory bounded by its read
// buffers. It belongs to one goroutine; blocks may be released by any.
type Reader struct {
	src  io.Reader
	seek io.Seeker // nil: the source cannot seek
	end  int64     // size of a source that can

	pool   *pool
	cur    *Block
	lo, hi int   // the unread window of cur.buf
	step   int   // what the next read asks for at least, in bytes
	pos    int64 // stream offset of cur.buf[lo]
	srcErr error // what ended the source

	m        Member
	refused  []*Error // values of it, told before it comes
	ready    bool     // it comes when they are told
	ext      extended
	extStart int64
	lost     string // why what extended headers said was not the current member's
	cut      string // why its name may be only a part of it
	shared   shared
	root     rooted
	size     int64     // of the current body, that of a link too
	left     int64     // unread bytes of it
	pad      int64     // bytes after the body up to the next block
	inside   *Error    // blocks are missing in it, which is not told yet
	sum      hash.Hash // of the body as far as it was read; nil: the member says no sum
	seen     int64     // bytes of the body that were read
	tail     int64     // zeros at the end of those

	header  Header
	early   *Error // met before the first call of Next
	damage  bool   // the last thing met was damage
	started bool
	sawEnd  bool  // an end marker, and only zero bytes since
	zeros   int64 // where the zero blocks began that are being passed over
	base    int64 // where the stream at hand began, of several
	any     bool  // a header has been read
	done    bool
	warned  bool // about data after the end marker
}

// NewReader reads from src, which is read in pieces of up to 320 KiB. Bodies
// that nobody reads are skipped with Seek when src is an io.Seeker that can,
// and src is read in small pieces while there are such bodies.
func NewReader(src io.Reader) *Reader { return NewReaderBlocks(src, defaultBlocks) }

// NewReaderBlocks is NewReader with n read buffers of 320 KiB, for callers that
// hold blocks. n is at least 2.
func NewReaderBlocks(src io.Reader, n int) *Reader { return newReader(src, n, bufSize) }

func newReader(src io.Reader, n, size int) *Reader {
	r := &Reader{src: src, pool: newPool(max(n, 2), size), step: size}
	r.cur = r.pool.get()
	if s, ok := src.(io.Seeker); ok {
		r.useSeeker(s)
	}
	return r
}

// Header returns what the global header at the start says; for a plain tar it
// is zero.
func (r *Reader) Header() (Header, error) {
	err := r.start()
	return r.header, err
}

// start reads the global header.
func (r *Reader) start() error {
	if r.started {
		return nil
	}
	r.started = true
	b := r.fill(blockSize)
	if len(b) < blockSize || !isHeader(b) || b[offType] != 'g' {
		return nil
	}
	p, err := r.global(b)
	r.early = p
	return err
}

// Next returns the next member, which is valid until the following call. At the
// end it returns io.EOF. An error that is a *Error concerns one member or one
// damaged place: Next may be called again. Any other error is final.
func (r *Reader) Next() (*Member, error) {
	if err := r.start(); err != nil {
		return nil, err
	}
	if p := r.early; p != nil {
		r.early = nil
		return nil, p
	}
	if len(r.refused) > 0 || r.ready {
		return r.deliver()
	}
	r.hold()
	if p := r.inside; p != nil {
		r.inside = nil
		return nil, p
	}
	if r.done {
		return nil, io.EOF
	}
	if p := r.finishBody(); p != nil {
		return nil, p
	}
	r.ext.reset()
	return r.next()
}

// deliver returns what is to be told about the current member, then itself.
func (r *Reader) deliver() (*Member, error) {
	if len(r.refused) > 0 {
		p := r.refused[0]
		r.refused = r.refused[1:]
		return nil, p
	}
	r.ready = false
	return &r.m, nil
}

// next looks for the next member.
func (r *Reader) next() (*Member, error) {
	for {
		b := r.fill(blockSize)
		if len(b) < blockSize {
			return nil, r.atEnd(b)
		}
		if isZero(b) {
			if p := r.zeroBlock(); p != nil {
				return nil, p
			}
			continue
		}
		if !isHeader(b) {
			return nil, r.notHeader()
		}
		if r.sawEnd {
			r.sawEnd = false
			if p := r.behindEnd(b); p != nil {
				return nil, p
			}
		}
		r.any = true
		m, err := r.member(b)
		if m != nil || err != nil {
			return m, err
		}
	}
}

// Offset returns how far the stream has been read, in bytes.
func (r *Reader) Offset() int64 { return r.pos }
