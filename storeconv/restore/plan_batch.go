package restore

import (
	"crypto/sha256"
	"io"

	"imsconv/storeconv/message"
	"imsconv/storeconv/sims"
)

// decide settles what becomes of an item whose body is known, and adds it.
func (p *planner) decide(it item) error {
	if it.box.old != nil {
		var ok bool
		if it, ok = p.merge(it, func() [32]byte { return p.sumOf(it.body) }); !ok {
			return nil
		}
	}
	p.add(it)
	return nil
}

// sumOf is the SHA-256 of a body as it would be stored.
func (p *planner) sumOf(b []byte) [32]byte {
	if p.r.opt.CRLF {
		b = message.AppendCRLF(nil, b, 0)
	}
	return sha256.Sum256(b)
}

// openBatch makes sure there is a batch to add to.
func (p *planner) openBatch() *batch {
	if p.batch == nil {
		select {
		case p.batch = <-p.r.free:
		default:
			p.batch = &batch{items: make([]item, 0, batchItems), done: make(chan struct{}, 1)}
		}
	}
	return p.batch
}

// keep holds the block that the next item's body lies in until its batch is done.
func (p *planner) keep(b *sims.Block) {
	held := p.openBatch()
	if n := len(held.blocks); n > 0 && held.blocks[n-1] == b {
		return
	}
	b.Hold()
	held.blocks = append(held.blocks, b)
}

// add appends an item to the batch and sends the batch when it is full.
func (p *planner) add(it item) {
	b := p.openBatch()
	if it.body != nil {
		p.keep(p.src.Block())
	}
	b.items = append(b.items, it)
	b.bytes += len(it.body)
	if len(b.items) >= batchItems || b.bytes >= batchBytes {
		p.send()
	}
}

// send hands the batch to the workers and to the collector.
func (p *planner) send() {
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

// finish sends what is left. Without done the current visit stays unfinished and nothing of it reaches the store.
func (p *planner) finish(done bool) {
	if done {
		_ = p.endVisit()
	}
	p.send()
}

// flush waits until everything planned so far is in the store.
func (p *planner) flush() error {
	done := make(chan struct{})
	p.add(item{kind: itemFlush, flush: done})
	p.send()
	<-done
	return p.r.failure()
}

// longBody sends a message and then its body piece by piece.
func (p *planner) longBody(it item) error {
	if it.box.old != nil {
		done, err := p.mergeLong(&it)
		if done || err != nil {
			return err
		}
	}
	it.chunks = make(chan chunk, 4)
	p.add(it)
	p.send()
	p.feeding = it.chunks
	defer func() {
		close(it.chunks)
		p.feeding = nil
	}()
	for {
		b, err := p.src.Chunk()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			it.chunks <- chunk{err: err}
			if problemOf(err) != nil {
				p.rep.Refused++
				return nil // the worker has it
			}
			return err
		}
		block := p.src.Block()
		block.Hold()
		it.chunks <- chunk{b: b, block: block}
	}
}

// mergeLong settles what becomes of a long message for a mailbox that the store has. done is set when nothing is left to do with it.
func (p *planner) mergeLong(it *item) (done bool, err error) {
	o := it.box.old
	if len(o.bySum) == 0 || p.r.run == nil {
		merged, ok := p.merge(*it, func() [32]byte { return [32]byte{} })
		*it = merged
		return !ok, nil
	}
	name, err := p.spool()
	if problemOf(err) != nil {
		return true, p.problem(err)
	}
	if err != nil {
		return true, err
	}
	h := &held{spool: name, size: it.size, time: it.time}
	sum, err := p.r.sumOfHeld(h)
	if err != nil {
		return true, err
	}
	merged, ok := p.merge(*it, func() [32]byte { return sum })
	if ok {
		merged.held = h
		p.add(merged)
	}
	return true, nil
}

// sumOfHeld is the SHA-256 of a held body as it would be stored.
func (r *run) sumOfHeld(h *held) (sum [32]byte, err error) {
	src := r.heldBody(h)
	defer src.drain()
	bh := message.NewBody(r.opt.CRLF)
	buf := make([]byte, 64<<10)
	for {
		b, err := src.next(buf)
		if err == io.EOF {
			break
		}
		if err != nil {
			return sum, err
		}
		bh.Add(b)
	}
	_, _, sum = bh.Finish()
	return sum, nil
}
