package dbconv

import (
	"context"
	"io"
	"os"
)

// A rereader gives a text from its beginning as often as it is asked to. What
// cannot seek is kept in a temporary file while it is read for the first time.
type rereader struct {
	ctx   context.Context
	src   io.Reader
	seek  io.Seeker // nil: src cannot
	start int64
	temp  *os.File // nil: not needed
	tee   io.Reader
}

func newRereader(ctx context.Context, src io.Reader, tempDir string) (*rereader, error) {
	r := &rereader{ctx: ctx, src: src}
	if s, ok := src.(io.Seeker); ok {
		if at, err := s.Seek(0, io.SeekCurrent); err == nil {
			r.seek, r.start = s, at
			return r, nil
		}
	}
	temp, err := os.CreateTemp(tempDir, "dbconv-*")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(temp.Name()); err != nil {
		temp.Close()
		return nil, err
	}
	r.temp = temp
	return r, nil
}

// open goes to the beginning of the text.
func (r *rereader) open() (io.Reader, error) {
	switch {
	case r.seek != nil:
		_, err := r.seek.Seek(r.start, io.SeekStart)
		return r.stoppable(r.src), err
	case r.tee == nil:
		r.tee = r.stoppable(io.TeeReader(r.src, r.temp))
		return r.tee, nil
	}
	if _, err := io.Copy(io.Discard, r.tee); err != nil {
		return nil, err
	}
	_, err := r.temp.Seek(0, io.SeekStart)
	return r.stoppable(r.temp), err
}

// stoppable ends with the error of the context.
func (r *rereader) stoppable(src io.Reader) io.Reader {
	return readFunc(func(p []byte) (int, error) {
		if err := r.ctx.Err(); err != nil {
			return 0, err
		}
		return src.Read(p)
	})
}

func (r *rereader) close() {
	if r.temp != nil {
		r.temp.Close()
	}
}

// readFunc is a function that reads.
type readFunc func(p []byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }
