package restore

import (
	"crypto/sha256"
	"io"

	"imsconv/storeconv/message"
	"imsconv/storeconv/sims"
)

// openBatch makes sure there is a batch to add to.
func (p *planner) openBatch() *batch {
	if p.batch == nil {
		select {
		case p.batch = <-p.r.free:
		default:
			p.batch = &batch{steps: make([]step, 0, batchSteps), done: make(chan struct{}, 1)}
		}
	}
	return p.batch
}

// keep holds the block that the next step's body lies in until its batch is
// done. A source without blocks gives bodies of their own.
func (p *planner) keep(b *sims.Block) {
	batch := p.openBatch()
	if n := len(batch.blocks); b == nil || n > 0 && batch.blocks[n-1] == b {
		return
	}
	b.Hold()
	batch.blocks = append(batch.blocks, b)
}

// add appends a step to the batch and sends the batch when it is full.
func (p *planner) add(s step) {
	b := p.openBatch()
	if m, ok := s.(*messageStep); ok && m.inline != nil {
		p.keep(p.src.Block())
		b.bytes += len(m.inline)
	}
	b.steps = append(b.steps, s)
	if len(b.steps) >= batchSteps || b.bytes >= batchBytes || len(b.blocks) >= batchBlocks {
		p.send()
	}
}

// send hands the batch to the workers and to the collector, who may look for
// the bodies held back so far.
func (p *planner) send() {
	if err := p.spares.Flush(); err != nil {
		p.r.fail(err)
	}
	b := p.batch
	if b == nil {
		return
	}
	p.batch = nil
	if p.src != nil {
		b.offset = p.src.Offset()
	}
	p.r.work <- b
	p.r.order <- b
}

// flush waits until everything planned so far is in the store.
func (p *planner) flush() error {
	done := make(chan struct{})
	p.add(&flushStep{done})
	p.send()
	<-done
	p.awaited.clear()
	return p.r.failure()
}

// longMessage sends a message and then its body piece by piece.
func (p *planner) longMessage(s *messageStep) error {
	if s.box.existing != nil {
		send, err := p.mergeLong(s)
		if !send || err != nil {
			return err
		}
	}
	pieces := make(chan chunk, 4)
	s.long = &chunkBody{ch: pieces}
	p.add(s)
	p.send()
	p.feeding = pieces
	defer func() {
		close(pieces)
		p.feeding = nil
	}()
	for {
		b, err := p.src.Chunk()
		p.visit.sum.body(b)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			pieces <- chunk{err: err}
			if damageOf(err) != nil {
				p.owed = false
				return nil // the worker has it
			}
			return err
		}
		block := p.src.Block()
		if block != nil {
			block.Hold()
		}
		pieces <- chunk{b: b, block: block}
	}
}

// mergeLong is merge for a long message, of which a dry run reads the body.
// send is set when the message is still to be sent with its body.
func (p *planner) mergeLong(s *messageStep) (send bool, err error) {
	if !p.skipsCopies(s.box) || !s.box.existing.mayHave(&s.entry) {
		return p.placeBeside(&s.entry), nil
	}
	if p.r.dry() {
		return false, p.mergeLongDry(s)
	}
	// Its content must be known first, so the body waits in a file.
	name, err := p.spool(p.visit.sum)
	if damageOf(err) != nil {
		return false, p.passDamage(err)
	}
	if err != nil {
		return false, err
	}
	body := &spare{spool: name, size: s.size, date: s.date}
	sums, err := p.r.sumsOfSpare(body)
	if err != nil {
		return false, err
	}
	if p.merge(&s.entry, sums.get) {
		s.long = p.r.openSpare(body)
		p.add(s)
		return false, nil
	}
	return false, p.r.folder.Dir.Remove(name)
}

// mergeLongDry is mergeLong for a dry run, which has nowhere to put a body:
// what a worker would find out is found out here.
func (p *planner) mergeLongDry(s *messageStep) error {
	sums := newBodySums()
	for {
		b, err := p.src.Chunk()
		p.visit.sum.body(b)
		if err == io.EOF {
			break
		}
		if damageOf(err) != nil {
			return p.passDamage(err)
		}
		if err != nil {
			return err
		}
		sums.add(b)
	}
	s.content, s.read = sums.finish(p.r.opt.CRLF), true
	if p.merge(&s.entry, sums.get) {
		p.add(s)
	}
	return nil
}

// bodySums makes the sums of a long body, with its line ends as they are and as
// CR LF.
type bodySums struct {
	plain, crlf *message.Body
	content     [2]content
}

func newBodySums() *bodySums {
	return &bodySums{plain: message.NewBody(false), crlf: message.NewBody(true)}
}

func (s *bodySums) add(b []byte) {
	s.plain.Add(b)
	s.crlf.Add(b)
}

func (s *bodySums) finish(crlf bool) content {
	for i, h := range [...]*message.Body{s.plain, s.crlf} {
		c := &s.content[i]
		c.text, c.size, c.sum = h.Finish()
		c.bare = h.BareLF()
	}
	if crlf {
		return s.content[1]
	}
	return s.content[0]
}

func (s *bodySums) get(crlf bool) [32]byte {
	if crlf {
		return s.content[1].sum
	}
	return s.content[0].sum
}

// sumOf is the SHA-256 of a body as it would be stored.
func sumOf(b []byte, crlf bool) [32]byte {
	if crlf {
		b = message.AppendCRLF(nil, b, 0)
	}
	return sha256.Sum256(b)
}

// sumsOfSpare makes the sums of a spare body.
func (r *run) sumsOfSpare(h *spare) (*bodySums, error) {
	src := r.openSpare(h)
	defer src.close()
	sums := newBodySums()
	buf := make([]byte, 64<<10)
	for {
		b, err := src.next(buf)
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		sums.add(b)
	}
	sums.finish(false)
	return sums, nil
}
