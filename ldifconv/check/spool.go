package check

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"

	"imsconv/ldifconv/internal/index"
)

// spool keeps the addresses that mail goes on to, in the order of the input,
// until all entries that mail goes on from are known: most addresses are of
// people elsewhere, or of users whose mail stays, and lead on to nobody.
type spool struct {
	index.Spool
	buf []byte // one of them
}

// going is an address that mail of the entry number goes on to; n tells those
// of one entry apart.
type going struct {
	number, n     uint64
	flags         byte // of the entry
	desc, address []byte
}

// add keeps a copy of g.
func (s *spool) add(g going) error {
	s.buf = binary.AppendUvarint(s.buf[:0], g.number)
	s.buf = binary.AppendUvarint(binary.AppendUvarint(s.buf, g.n), uint64(g.flags))
	for _, text := range [...][]byte{g.desc, g.address} {
		s.buf = append(binary.AppendUvarint(s.buf, uint64(len(text))), text...)
	}
	_, err := s.Write(s.buf)
	return err
}

// each calls use for all that was added, in that order. What g points to is
// valid during the call.
func (s *spool) each(use func(g *going) error) error {
	r := spoolReader{in: bufio.NewReaderSize(s.Reader(), 64<<10)}
	var g going
	for {
		g.number = r.number()
		if errors.Is(r.err, io.EOF) {
			return nil
		}
		g.n, g.flags = r.number(), byte(r.number())
		g.desc = r.text(g.desc)
		g.address = r.text(g.address)
		if r.err != nil {
			return r.err
		}
		if err := use(&g); err != nil {
			return err
		}
	}
}

// spoolReader reads numbers and texts until an error, which it keeps.
type spoolReader struct {
	in  *bufio.Reader
	err error
}

func (r *spoolReader) number() (n uint64) {
	if r.err == nil {
		n, r.err = binary.ReadUvarint(r.in)
	}
	return n
}

// text reads a text into room, which may be used again.
func (r *spoolReader) text(room []byte) []byte {
	n := int(r.number())
	if cap(room) < n {
		room = make([]byte, n)
	}
	room = room[:n]
	if r.err == nil {
		_, r.err = io.ReadFull(r.in, room)
	}
	return room
}
