package restore

import (
	"bytes"
	"io"

	"imsconv/storeconv/durable"
)

// spill is the file in the run's folder that takes the index lines of mailboxes
// in the making when there are too many for memory. It is one for all
// mailboxes: a process may have fewer open files than a user has mailboxes. It
// goes when no mailbox has lines in it.
type spill struct {
	dir   *durable.Dir
	f     *durable.File // nil: there is none
	size  int64
	boxes int // that have lines in it
}

const spillName = "stage/lines"

// piece is a place in the spill; it begins and ends with a line.
type piece struct{ off, length int64 }

// spillLines writes the index lines of the user's mailboxes to the spill.
func (c *collector) spillLines() error {
	for _, b := range c.lines.open {
		x := &b.index
		if len(x.lines) > 0 && !c.r.dry() {
			c.lines.spill.dir = c.r.folder.Dir
			if err := c.lines.spill.add(x); err != nil {
				return err
			}
		}
		x.lines = nil
	}
	clear(c.lines.open)
	c.lines.held, c.lines.open = 0, c.lines.open[:0]
	return nil
}

// add writes the lines of an index.
func (s *spill) add(x *boxIndex) error {
	if s.f == nil {
		f, err := s.dir.Recreate(spillName)
		if err != nil {
			return err
		}
		s.f, s.size = f, 0
	}
	if _, err := s.f.Write(x.lines); err != nil {
		return err
	}
	if len(x.spilled) == 0 {
		s.boxes++
	}
	n := int64(len(x.lines))
	x.spilled = append(x.spilled, piece{s.size, n})
	s.size += n
	return nil
}

// forget lets go of the lines of an index.
func (s *spill) forget(x *boxIndex) {
	if len(x.spilled) == 0 {
		return
	}
	x.spilled = nil
	if s.boxes--; s.boxes == 0 {
		// The folder goes when the run ends, and this file with it.
		s.f.Close()
		s.dir.Remove(spillName)
		s.f = nil
	}
}

// reader reads the lines of an index as one piece, those in memory last.
func (s *spill) reader(x *boxIndex) io.ReaderAt {
	if len(x.spilled) == 0 {
		return bytes.NewReader(x.lines)
	}
	return &pieces{f: s.f, list: x.spilled, rest: x.lines}
}

// pieces are the lines of one index.
type pieces struct {
	f    io.ReaderAt
	list []piece
	rest []byte
}

// ReadAt reads at an offset of all pieces one after the other.
func (p *pieces) ReadAt(b []byte, off int64) (n int, err error) {
	for _, one := range p.list {
		if off >= one.length {
			off -= one.length
			continue
		}
		want := b[n:min(int64(len(b)), int64(n)+one.length-off)]
		k, err := p.f.ReadAt(want, one.off+off)
		if n += k; k < len(want) {
			return n, err
		}
		if off = 0; n == len(b) {
			return n, nil
		}
	}
	if off < int64(len(p.rest)) {
		n += copy(b[n:], p.rest[off:])
	}
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}
