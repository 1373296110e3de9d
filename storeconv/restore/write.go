package restore

import (
	"crypto/sha256"
	"io"
	"strconv"

	"imsconv/storeconv/durable"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/message"
	"imsconv/storeconv/sims"
)

// worker writes the message files of the batches that come.
func (r *run) worker() {
	w := &writer{r: r}
	defer w.closeDir()
	for b := range r.work {
		for i := range b.items {
			it := &b.items[i]
			if it.kind != itemMessage {
				continue
			}
			if err := w.message(it); err != nil {
				r.fail(err)
			}
			it.body = nil
		}
		for _, blk := range b.blocks {
			blk.Release()
		}
		b.blocks = b.blocks[:0]
		b.done <- struct{}{}
	}
}

// writer is what one worker keeps between messages.
type writer struct {
	r    *run
	box  *box
	nn   uint32
	dir  *durable.Dir // of messages nn in box
	crlf []byte
	buf  []byte
}

func (w *writer) closeDir() {
	if w.dir != nil {
		w.dir.Close()
		w.dir = nil
	}
}

// enter makes dir the directory of a message in the stage.
func (w *writer) enter(b *box, uid uint32) error {
	nn := uid / 100 % 100
	if w.dir != nil && w.box == b && w.nn == nn {
		return nil
	}
	w.closeDir()
	w.box, w.nn = b, nn
	name := b.dir + ims.MessageDir(uid)
	d, err := w.r.run.Stage.OpenDir(name)
	if isNotExist(err) {
		if err := w.r.run.Stage.MkdirAll(name); err != nil {
			return err
		}
		d, err = w.r.run.Stage.OpenDir(name)
	}
	w.dir = d
	return err
}

func fileName(uid uint32) string {
	return string(append(strconv.AppendUint(make([]byte, 0, 16), uint64(uid), 10), ".msg"...))
}

// message writes one message and notes what the index needs. An error is of the destination.
func (w *writer) message(it *item) error {
	switch {
	case it.chunks != nil:
		return w.long(it, &chunkReader{ch: it.chunks})
	case it.held != nil:
		return w.long(it, w.r.heldBody(it.held))
	}
	b := it.body
	if w.r.opt.CRLF {
		w.crlf = message.AppendCRLF(w.crlf[:0], b, 0)
	}
	it.text = message.Summarize(b)
	if w.r.opt.CRLF {
		b = w.crlf
		if it.text.BareLF {
			it.text.HeaderSize = message.Summarize(b).HeaderSize
		}
	}
	it.stored = int64(len(b))
	it.sum = sha256.Sum256(b)
	if w.r.run == nil || w.r.failure() != nil {
		return nil
	}
	if err := w.enter(it.box, it.uid); err != nil {
		return err
	}
	return w.dir.WriteFile(fileName(it.uid), it.time, b)
}

// body is a long body. Errors that are a *sims.Error are of the source.
type body interface {
	next(buf []byte) ([]byte, error) // the next piece, io.EOF at the end; valid until the following call
	drain()                          // gives up what is left
}

// chunkReader takes the pieces that the planner sends.
type chunkReader struct {
	ch   chan chunk
	last *sims.Block
	over bool
}

func (c *chunkReader) next([]byte) ([]byte, error) {
	if c.last != nil {
		c.last.Release()
		c.last = nil
	}
	k, ok := <-c.ch
	if !ok {
		c.over = true
		return nil, io.EOF
	}
	c.last = k.block
	return k.b, k.err
}

func (c *chunkReader) drain() {
	for !c.over {
		_, err := c.next(nil)
		c.over = c.over || err == io.EOF
	}
}

// long writes a message that comes in pieces.
func (w *writer) long(it *item, src body) (err error) {
	defer src.drain()
	var f *durable.File
	write := w.r.run != nil && w.r.failure() == nil
	if write {
		if err := w.enter(it.box, it.uid); err != nil {
			return err
		}
		if f, err = w.dir.Create(fileName(it.uid)); err != nil {
			return err
		}
	}
	h := message.NewBody(w.r.opt.CRLF)
	if w.buf == nil {
		w.buf = make([]byte, 128<<10)
	}
	for err == nil {
		var b []byte
		b, err = src.next(w.buf)
		if err != nil {
			break
		}
		b = h.Add(b)
		if write {
			_, err = f.Write(b)
		}
	}
	if err == io.EOF {
		err = nil
	}
	if p := problemOf(err); p != nil {
		it.lost, it.problem, err = p.Text, p.Class, nil
	}
	if err == errInterrupted {
		it.lost, err = err.Error(), nil // of a user who is not finished: nothing of it goes into the store
	}
	it.text, it.stored, it.sum = h.Finish()
	if !write {
		return err
	}
	if err == nil && it.lost == "" {
		err = f.SetTime(it.time)
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if it.lost != "" && err == nil {
		err = w.dir.Remove(fileName(it.uid))
	}
	return err
}
