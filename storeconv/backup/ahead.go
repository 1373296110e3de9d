package backup

import (
	"context"
	"crypto/sha256"
	"io"
	"sync"

	"imsconv/storeconv/ims"
)

// The stream is written in its order by one goroutine. Another goes through the
// store ahead of it, reads the indexes and gathers what the writer is to do in
// batches, the files of whose messages workers read: so neither small mailboxes
// nor small messages make anybody wait for the others at the end of each.

// Limits of what is read ahead of the stream.
const (
	batchMessages = 256
	batchSteps    = batchMessages + 64
	batchBoxes    = 8         // mailboxes that it opens
	batchBytes    = 256 << 10 // of bodies; a message that is longer is not read ahead
	batchesAhead  = 8
)

// batch is a run of steps, and what was read of the messages among them. Its
// memory is used again and again.
type batch struct {
	steps    []step
	messages []messageStep // those of steps; it never grows, since steps points into it
	boxes    int           // that it opens
	size     int64         // of what is to be read
	buf      []byte        // batchBytes, which the bodies are slices of
	done     chan struct{} // one value when the files are read
}

// messageStep is a message, and what was read of it.
type messageStep struct {
	storedMessage
	body
	box *ims.Mailbox
}

// body is what was read of a message.
type body struct {
	wanted bool // the file is to be read ahead
	read   bool // and was: data and sum hold
	data   []byte
	got    [32]byte // SHA-256 of data
	err    error    // of opening the file
}

func newBatch() *batch {
	return &batch{
		steps: make([]step, 0, batchSteps), messages: make([]messageStep, 0, batchMessages),
		buf: make([]byte, 0, batchBytes), done: make(chan struct{}, 1),
	}
}

// full says whether there is no room for another step.
func (b *batch) full() bool { return len(b.steps) == batchSteps || b.boxes == batchBoxes }

// takes says whether there is room for a message of which so much is read.
func (b *batch) takes(size int64) bool {
	return !b.full() && len(b.messages) < batchMessages && b.size+size <= batchBytes
}

// add puts a message in, whose file is wanted or not.
func (b *batch) add(box *ims.Mailbox, m *storedMessage, wanted bool) {
	b.messages = append(b.messages, messageStep{storedMessage: *m, body: body{wanted: wanted}, box: box})
	b.steps = append(b.steps, &b.messages[len(b.messages)-1])
	if wanted {
		b.size += m.size
	}
}

// read reads the files that are wanted. One that turns out longer than its
// index says may find no room, and one that cannot be read to its end is read
// again, by the way that tells it: both are left to the writer.
func (b *batch) read() {
	for i := range b.messages {
		if m := &b.messages[i]; m.wanted {
			m.err = b.readFile(m)
		}
	}
}

func (b *batch) readFile(m *messageStep) error {
	f, err := m.box.Open(m.uid)
	if err != nil {
		return err
	}
	defer f.Close()
	start := len(b.buf)
	if f.Size > int64(cap(b.buf)-start) {
		return nil
	}
	data := b.buf[start : start+int(f.Size)]
	if _, err := io.ReadFull(f, data); err != nil {
		return nil
	}
	b.buf = b.buf[:start+len(data)]
	m.data, m.got, m.read = data, sha256.Sum256(data), true
	return nil
}

// ahead is what goes ahead of the stream.
type ahead struct {
	order chan *batch // in the order of the stream
	work  chan *batch // to the workers
	free  chan *batch
	wait  sync.WaitGroup
	err   error          // of the walk; read it when order is closed
	boxes []*ims.Mailbox // that will not be written: closed in the end
}

// startAhead starts to go through the store with b.opts.Jobs workers, until ctx
// ends.
func (b *run) startAhead(ctx context.Context, links *linkRefs) *ahead {
	a := &ahead{order: make(chan *batch, batchesAhead), work: make(chan *batch, batchesAhead), free: make(chan *batch, batchesAhead)}
	for range batchesAhead {
		a.free <- newBatch()
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
		defer close(a.order)
		defer close(a.work)
		w := &walk{b: b, ctx: ctx, ahead: a}
		a.err = w.users(links)
	})
	return a
}

// release gives a batch back when it is written.
func (a *ahead) release(b *batch) {
	clear(b.steps)
	clear(b.messages)
	b.steps, b.messages, b.buf = b.steps[:0], b.messages[:0], b.buf[:0]
	b.boxes, b.size = 0, 0
	a.free <- b
}

// stop drops what has not been written. The context has ended, or all is
// written.
func (a *ahead) stop() {
	for b := range a.order {
		<-b.done
		a.drop(b.steps)
		a.release(b)
	}
	a.wait.Wait()
	for _, box := range a.boxes {
		box.Close()
	}
}

// drop lets steps go that will not be done. Their mailboxes may still be read
// of until stop has waited for that.
func (a *ahead) drop(steps []step) {
	for _, s := range steps {
		if s, ok := s.(*boxStep); ok {
			a.boxes = append(a.boxes, s.box)
		}
	}
}
