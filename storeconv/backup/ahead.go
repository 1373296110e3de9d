package backup

import (
	"context"
	"crypto/sha256"
	"io"
	"sync"

	"imsconv/storeconv/ims"
)

// The stream is written in its order by one goroutine. Another goes through the
// store ahead of it, reads the indexes and cuts the messages into pieces, whose
// files workers read: so mailboxes may be small without anybody waiting at the
// end of each.

// Limits of what is read ahead of the stream.
const (
	pieceMessages = 64
	pieceBytes    = 256 << 10 // a message that is longer is not read ahead
	piecesAhead   = 8
	stepsAhead    = 48 // and a third of it in open mailboxes
)

// piece is a run of messages of one mailbox, and what was read of them. Its
// buffer is used again and again.
type piece struct {
	box      *ims.Mailbox
	messages []storedMessage
	bodies   []body        // of the messages
	size     int64         // of what is to be read
	buf      []byte        // pieceBytes, which the bodies are slices of
	done     chan struct{} // one value when the files are read
}

// body is what was read of a message.
type body struct {
	wanted bool // the file is to be read ahead
	read   bool // and was: data and sum hold
	data   []byte
	sum    [32]byte
	err    error // of opening the file
}

func newPiece() *piece {
	return &piece{buf: make([]byte, 0, pieceBytes), done: make(chan struct{}, 1)}
}

// takes says whether there is room for a message more.
func (p *piece) takes(size int64) bool {
	return len(p.messages) < pieceMessages && p.size+size <= pieceBytes
}

// add puts a message in, whose file is wanted or not.
func (p *piece) add(m storedMessage, wanted bool) {
	p.messages = append(p.messages, m)
	p.bodies = append(p.bodies, body{wanted: wanted})
	if wanted {
		p.size += m.size
	}
}

// read reads the files that are wanted. One that turns out longer than its
// index says may find no room, and one that cannot be read to its end is read
// again, by the way that tells it: both are left to the writer.
func (p *piece) read() {
	for i := range p.bodies {
		if b := &p.bodies[i]; b.wanted {
			b.err = p.readFile(p.messages[i].uid, b)
		}
	}
}

func (p *piece) readFile(uid uint32, b *body) error {
	f, err := p.box.Open(uid)
	if err != nil {
		return err
	}
	defer f.Close()
	start := len(p.buf)
	if f.Size > int64(cap(p.buf)-start) {
		return nil
	}
	data := p.buf[start : start+int(f.Size)]
	if _, err := io.ReadFull(f, data); err != nil {
		return nil
	}
	p.buf = p.buf[:start+len(data)]
	b.data, b.sum, b.read = data, sha256.Sum256(data), true
	return nil
}

// ahead is what goes ahead of the stream.
type ahead struct {
	steps chan step   // in the order of the stream
	work  chan *piece // to the workers
	free  chan *piece
	wait  sync.WaitGroup
	err   error // of the walk; read it when steps is closed
}

// startAhead starts to go through the store with b.opts.Jobs workers, until ctx
// ends.
func (b *run) startAhead(ctx context.Context, links *linkRefs) *ahead {
	a := &ahead{steps: make(chan step, stepsAhead), work: make(chan *piece, piecesAhead), free: make(chan *piece, piecesAhead)}
	for range piecesAhead {
		a.free <- newPiece()
	}
	for range b.opts.Jobs {
		a.wait.Go(func() {
			for p := range a.work {
				p.read()
				p.done <- struct{}{}
			}
		})
	}
	a.wait.Go(func() {
		defer close(a.steps)
		defer close(a.work)
		w := &walk{b: b, ctx: ctx, ahead: a}
		a.err = w.users(links)
	})
	return a
}

// release gives a piece back when it is written.
func (a *ahead) release(p *piece) {
	clear(p.messages)
	p.box, p.messages, p.bodies, p.size, p.buf = nil, p.messages[:0], p.bodies[:0], 0, p.buf[:0]
	a.free <- p
}

// stop drops what has not been written. The context has ended, or all is
// written.
func (a *ahead) stop() {
	var boxes []*ims.Mailbox // closed when nobody reads of them any more
	for s := range a.steps {
		switch s := s.(type) {
		case *piece:
			<-s.done
			a.release(s)
		case *boxStep:
			boxes = append(boxes, s.box)
		}
	}
	a.wait.Wait()
	for _, box := range boxes {
		box.Close()
	}
}
