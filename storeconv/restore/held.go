package restore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"

	"imsconv/storeconv/durable"
	"imsconv/storeconv/sims"
)

// held is a body that is not in the store and may still be needed by a link: of a first copy that was expired, refused or not selected.
type held struct {
	stream int
	offset int64  // of the body in the stream, if that can be read again
	spool  string // else a file in the run's folder
	size   int64
	time   int64
}

// heldBody opens a held body.
func (r *run) heldBody(h *held) body {
	if h.spool == "" {
		return &sectionBody{r: spanReader(r.all[h.stream].At, h.offset, h.size), left: h.size}
	}
	f, err := r.run.Dir.Open(h.spool)
	if err != nil {
		return &sectionBody{err: err}
	}
	return &sectionBody{r: f, f: f, left: h.size}
}

// sectionBody reads a body of known size.
type sectionBody struct {
	r    io.Reader
	f    *durable.File
	left int64
	err  error
}

func (s *sectionBody) next(buf []byte) ([]byte, error) {
	if s.err != nil {
		return nil, s.err
	}
	if s.left == 0 {
		return nil, io.EOF
	}
	n, err := s.r.Read(buf[:min(int64(len(buf)), s.left)])
	s.left -= int64(n)
	if n > 0 {
		return buf[:n], nil
	}
	if err == nil || err == io.EOF {
		err = &sims.Error{Class: sims.Truncated, Text: "the stream ends inside the body"}
	}
	return nil, err
}

func (s *sectionBody) drain() {
	if s.f != nil {
		s.f.Close()
	}
}

// append writes a held body for the journal.
func (h *held) append(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(h.stream))
	dst = binary.AppendVarint(dst, h.offset)
	dst = binary.AppendVarint(dst, h.size)
	dst = binary.AppendVarint(dst, h.time)
	return append(dst, h.spool...)
}

var errHeld = errors.New("journal: what it has of a body held back cannot be read")

func parseHeld(b []byte) (*held, error) {
	var h held
	stream, n := binary.Uvarint(b)
	if n <= 0 {
		return nil, errHeld
	}
	h.stream, b = int(stream), b[n:]
	for _, field := range [...]*int64{&h.offset, &h.size, &h.time} {
		if *field, n = binary.Varint(b); n <= 0 {
			return nil, errHeld
		}
		b = b[n:]
	}
	h.spool = string(b)
	return &h, nil
}

// hold keeps the body of a message that is left out, for links that may come.
func (p *planner) hold(m *sims.Member, why string) error {
	if p.r.run == nil {
		if p.r.streams[p.stream].At != nil || why == "expired" {
			p.add(item{kind: itemHeld, v: p.visit, name: m.Name})
		}
		return nil
	}
	h := held{stream: p.stream, offset: m.Data, size: m.Size, time: m.Time}
	if p.r.streams[p.stream].At == nil {
		if why != "expired" {
			return nil
		}
		var err error
		if h.spool, err = p.spool(); err != nil {
			return err
		}
	}
	return p.r.jr.Put("h/"+m.Name, h.append(nil))
}

// spool writes the current body to a file of the run.
func (p *planner) spool() (string, error) {
	name := "stage/spool-" + strconv.Itoa(p.spools)
	p.spools++
	f, err := p.r.run.Dir.Create(name)
	if err != nil {
		return "", err
	}
	for {
		b, err := p.src.Chunk()
		if err == io.EOF {
			return name, f.Close()
		}
		if err == nil {
			_, err = f.Write(b)
		}
		if err != nil {
			f.Close()
			return "", err
		}
	}
}

// heldFor returns the held body of a member.
func (r *run) heldFor(name string) (*held, bool, error) {
	b, ok, err := r.jr.Get("h/" + name)
	if err != nil || !ok {
		return nil, false, err
	}
	h, err := parseHeld(b)
	return h, err == nil, err
}

// inReference looks for a member in the reference streams, which are read once, at the first need. Streams that cannot be read again by offset are no help.
func (r *run) inReference(name string) (*held, bool, error) {
	if len(r.opt.Reference) == 0 || r.referenced {
		return nil, false, nil
	}
	r.referenced = true
	for _, s := range r.opt.Reference {
		r.all = append(r.all, s)
		if s.At == nil {
			r.log.Warning("reference", s.Name, "a reference must be a plain file: not used")
			continue
		}
		if err := r.readReference(s, len(r.all)-1); err != nil {
			return nil, false, fmt.Errorf("%s: %w", s.Name, err)
		}
	}
	return r.heldFor(name)
}

// readReference notes where the bodies of a reference stream lie. What the run itself holds back comes first.
func (r *run) readReference(s *Stream, number int) error {
	for {
		m, err := s.Source.Next()
		if err == io.EOF {
			return nil
		}
		if p := problemOf(err); p != nil {
			r.log.Warning(p.Class, s.Name+": "+p.Error(), "in a reference stream")
			continue
		}
		if err != nil {
			return err
		}
		if m.Kind != sims.Message {
			continue
		}
		if _, have, err := r.jr.Get("h/" + m.Name); err != nil || have {
			if err != nil {
				return err
			}
			continue
		}
		h := held{stream: number, offset: m.Data, size: m.Size, time: m.Time}
		if err := r.jr.Put("h/"+m.Name, h.append(nil)); err != nil {
			return err
		}
	}
}
