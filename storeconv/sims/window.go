package sims

import (
	"io"
)

func (r *Reader) useSeeker(s io.Seeker) {
	at, err := s.Seek(0, io.SeekCurrent)
	if err != nil || at != 0 {
		return
	}
	end, err := s.Seek(0, io.SeekEnd)
	if _, back := s.Seek(at, io.SeekStart); back != nil || err != nil || end <= 0 {
		return // a tape or another device says 0
	}
	r.seek, r.end = s, end
}

// fill makes the window hold n bytes if the source has them, and returns the
// first n of it, or all there is. n is at most minBuf.
func (r *Reader) fill(n int) []byte {
	if r.hi-r.lo < n {
		r.refill(n)
	}
	return r.cur.buf[r.lo:min(r.lo+n, r.hi)]
}

// minRead is the least room that a read is given, in bytes.
const minRead = 64 << 10

func (r *Reader) refill(n int) {
	empty := r.lo == r.hi && (r.cur.refs.Load() == 1 || len(r.cur.buf)-r.hi < minRead)
	if len(r.cur.buf)-r.lo < n || empty {
		r.makeRoom()
	}
	for idle := 0; r.hi-r.lo < n && r.srcErr == nil; {
		k, err := r.src.Read(r.cur.buf[r.hi:])
		r.hi += k
		r.srcErr = err
		if idle++; k > 0 {
			idle = 0
		} else if idle > 100 && err == nil {
			r.srcErr = io.ErrNoProgress
		}
	}
}

// makeRoom moves the window to the start of a buffer: its own when nobody else
// holds it, else a free one.
func (r *Reader) makeRoom() {
	if r.cur.refs.Load() == 1 {
		r.hi = copy(r.cur.buf, r.cur.buf[r.lo:r.hi])
		r.lo = 0
		return
	}
	next := r.pool.get()
	r.hi = copy(next.buf, r.cur.buf[r.lo:r.hi])
	r.lo = 0
	r.cur.Release()
	r.cur = next
}

// advance drops n bytes of the window.
func (r *Reader) advance(n int) {
	r.lo += n
	r.pos += int64(n)
}

// skip drops n bytes of the stream and returns how many were not there.
func (r *Reader) skip(n int64) int64 {
	if have := int64(r.hi - r.lo); have >= n {
		r.advance(int(n))
		return 0
	} else {
		r.advance(int(have))
		n -= have
	}
	if r.seek != nil && n > minSkip && r.srcErr == nil {
		there := min(n, max(r.end-r.pos, 0))
		if _, err := r.seek.Seek(r.pos+there, io.SeekStart); err == nil {
			r.pos += there
			if there < n {
				r.srcErr = io.EOF
			}
			return n - there
		}
		r.seek = nil
	}
	for n > 0 {
		b := r.fill(1)
		if len(b) == 0 {
			break
		}
		k := min(int64(r.hi-r.lo), n)
		r.advance(int(k))
		n -= k
	}
	return n
}
