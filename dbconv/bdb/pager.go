package bdb

import (
	"errors"
	"fmt"
	"io"
)

// Read-ahead: pages are read in frames of frameSize bytes, of which a pager
// keeps frameCount, the least recently used going first: 2 MiB a pager.
const (
	frameSize  = 128 << 10
	frameCount = 16
)

// A pager reads pages of one file by number. It reads a single page after a
// jump and a whole frame once the accesses run on, so that a file in page order
// costs few reads and a file in random order costs no more bytes than it has.
type pager struct {
	r      io.ReaderAt
	ps     int   // page size, bytes
	pages  int64 // whole pages in the file
	frames []frame
	cur    int   // index of the frame used last
	clock  int64 // counts uses, for the age of a frame
}

// A frame is a window of the file; pages [lo,hi) of it are filled.
type frame struct {
	chunk  int64 // frame number in the file; -1: unused
	lo, hi int
	used   int64
	buf    []byte
}

func newPager(r io.ReaderAt, ps int, pages int64) *pager {
	return &pager{r: r, ps: ps, pages: pages}
}

// page returns page n, valid until the next call. n must be below p.pages.
func (p *pager) page(n int64) ([]byte, error) {
	if n < 0 || n >= p.pages {
		return nil, fmt.Errorf("internal error: page %d of %d asked for", n, p.pages)
	}
	per := int64(frameSize / p.ps)
	chunk, idx := n/per, int(n%per)
	f := p.frame(chunk)
	if idx < f.lo || idx >= f.hi {
		if err := p.fill(f, idx, int(per)); err != nil {
			return nil, err
		}
	}
	return f.buf[idx*p.ps : (idx+1)*p.ps], nil
}

// frame returns the frame of chunk, emptying the oldest for it when it is new.
func (p *pager) frame(chunk int64) *frame {
	p.clock++
	if p.cur < len(p.frames) && p.frames[p.cur].chunk == chunk {
		return &p.frames[p.cur]
	}
	old := 0
	for i := range p.frames {
		if p.frames[i].chunk == chunk {
			p.cur = i
			p.frames[i].used = p.clock
			return &p.frames[i]
		}
		if p.frames[i].used < p.frames[old].used {
			old = i
		}
	}
	if len(p.frames) < frameCount {
		old = len(p.frames)
		p.frames = append(p.frames, frame{buf: make([]byte, frameSize)})
	}
	f := &p.frames[old]
	f.chunk, f.lo, f.hi, f.used = chunk, 0, 0, p.clock
	p.cur = old
	return f
}

// fill reads page idx of f, and the rest of the frame when the accesses run on:
// idx is the first page of the frame, or follows one already read.
func (p *pager) fill(f *frame, idx, per int) error {
	lo, hi := idx, idx+1
	if idx == 0 || idx == f.hi {
		hi = per
	}
	first := f.chunk * int64(per)
	if left := p.pages - first; int64(hi) > left {
		hi = int(left)
	}
	n, err := p.r.ReadAt(f.buf[lo*p.ps:hi*p.ps], (first+int64(lo))*int64(p.ps))
	if n < (hi-lo)*p.ps {
		f.lo, f.hi = 0, 0
		if err == nil || errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return fmt.Errorf("reading page %d: %w", first+int64(lo), err)
	}
	if lo != f.hi || f.lo == f.hi {
		f.lo = lo
	}
	f.hi = hi
	return nil
}

// A pageSet remembers pages, one bit each, in pieces made when first needed.
type pageSet struct {
	pieces map[int64]*[pieceWords]uint64
	last   *[pieceWords]uint64
	lastNo int64
	limit  int64 // pieces that may be made
	full   bool  // a page could not be remembered: the answers are incomplete
}

// A piece covers 2^18 pages in 32 KiB; 512 pieces (16 MiB) cover 2^27 pages, a
// database of 1 TiB in pages of 8 KiB. Beyond that pages are not remembered.
const (
	pieceWords = 4096
	pieceLimit = 512
)

func newPageSet() *pageSet {
	return &pageSet{pieces: map[int64]*[pieceWords]uint64{}, limit: pieceLimit}
}

// add remembers page n and tells whether it was remembered before.
func (s *pageSet) add(n int64) bool {
	w, bit := s.word(n, true)
	if w == nil {
		return false
	}
	if *w&bit != 0 {
		return true
	}
	*w |= bit
	return false
}

// remove forgets page n.
func (s *pageSet) remove(n int64) {
	if w, bit := s.word(n, false); w != nil {
		*w &^= bit
	}
}

// has tells whether page n is remembered.
func (s *pageSet) has(n int64) bool {
	w, bit := s.word(n, false)
	return w != nil && *w&bit != 0
}

// reset forgets all pages.
func (s *pageSet) reset() {
	s.full = false
	if len(s.pieces) > 16 {
		s.pieces, s.last = map[int64]*[pieceWords]uint64{}, nil
	}
	for _, piece := range s.pieces {
		clear(piece[:])
	}
}

// union remembers all pages of other too.
func (s *pageSet) union(other *pageSet) {
	for no, piece := range other.pieces {
		mine := s.pieces[no]
		switch {
		case mine == nil && int64(len(s.pieces)) >= s.limit:
			s.full = true
		case mine == nil:
			mine = new([pieceWords]uint64)
			s.pieces[no] = mine
			fallthrough
		default:
			for i, w := range piece {
				mine[i] |= w
			}
		}
	}
	s.full = s.full || other.full
}

func (s *pageSet) word(n int64, create bool) (*uint64, uint64) {
	no := n / (pieceWords * 64)
	if s.last == nil || s.lastNo != no {
		piece := s.pieces[no]
		if piece == nil {
			if !create {
				return nil, 0
			}
			if int64(len(s.pieces)) >= s.limit {
				s.full = true
				return nil, 0
			}
			piece = new([pieceWords]uint64)
			s.pieces[no] = piece
		}
		s.last, s.lastNo = piece, no
	}
	return &s.last[n/64%pieceWords], 1 << (n % 64)
}
