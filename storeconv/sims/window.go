package sims

import (
	"io"
)

// How a source that can seek is read, in bytes.
const (
	// shortRead is what is asked for behind a body that was passed over: the
	// headers of the next member, and little more.
	shortRead = 2 << 10

	// minJump is the least that is worth a seek: less is sooner read.
	minJump = 2 << 10
)

// FileOf returns r as something that reads at any offset, and its size, or nil:
// a pipe, a tape, or what has been read from. The error is of one that does not
// come back from its end: what it would give from there is not what it holds.
func FileOf(r io.Reader) (io.ReaderAt, int64, error) {
	at, ok := r.(io.ReaderAt)
	if !ok {
		return nil, 0, nil
	}
	s, ok := r.(io.Seeker)
	if !ok {
		return nil, 0, nil
	}
	end, err := sizeOf(s)
	if end == 0 {
		return nil, 0, err
	}
	return at, end, nil
}

// sizeOf is the size of what s stands at the beginning of; 0: it cannot seek,
// or stands elsewhere, or is empty or a device, of which a tape says 0. The
// error is of one that does not come back from its end.
func sizeOf(s io.Seeker) (int64, error) {
	if here, err := s.Seek(0, io.SeekCurrent); err != nil || here != 0 {
		return 0, nil
	}
	end, err := s.Seek(0, io.SeekEnd)
	if _, back := s.Seek(0, io.SeekStart); back != nil {
		return 0, back
	}
	if err != nil {
		return 0, nil
	}
	return max(end, 0), nil
}

// useSeeker finds out whether the source can seek. One that does not come back
// from its end is not read: it would look like an empty one.
func (r *Reader) useSeeker(s io.Seeker) {
	end, err := sizeOf(s)
	if err != nil {
		r.srcErr = err
	} else if end > 0 {
		r.seek, r.end = s, end
	}
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
		k, err := r.src.Read(r.cur.buf[r.hi:min(r.lo+max(n, r.hi-r.lo+r.step), len(r.cur.buf))])
		r.hi += k
		r.step = min(2*r.step, r.pool.size)
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
	n -= r.jump(n)
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

// jump passes over most of the next n bytes with a seek, where the source can
// and it is worth it, and returns how many that were. The window is empty.
//
// That the source has what was passed over shows in the byte behind: a file may
// have been cut since it was opened. Without that byte, or when it cannot be
// read, all is read, so that the place where the stream ends is told.
func (r *Reader) jump(n int64) int64 {
	if r.seek == nil || r.srcErr != nil {
		return 0
	}
	far := min(n, r.end-r.pos-1)
	if far < minJump {
		r.step = shortRead + int(min(n, minJump))
		return 0
	}
	r.step = shortRead
	if _, err := r.seek.Seek(r.pos+far, io.SeekStart); err == nil {
		if len(r.fill(1)) > 0 {
			r.pos += far
			return far
		}
	}
	_, r.srcErr = r.seek.Seek(r.pos, io.SeekStart)
	r.seek, r.step = nil, r.pool.size
	return 0
}
