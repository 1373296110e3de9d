package restore

import (
	"crypto/sha256"
	"errors"
	"fmt"
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
		for _, s := range b.steps {
			m, ok := s.(*messageStep)
			if !ok {
				continue
			}
			if err := w.message(m); err != nil {
				r.fail(err)
			}
			m.inline = nil
		}
		for _, block := range b.blocks {
			block.Release()
		}
		clear(b.blocks)
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
	nn := ims.MessageDirNumber(uid)
	if w.dir != nil && w.box == b && w.nn == nn {
		return nil
	}
	w.closeDir()
	w.box, w.nn = b, nn
	stage := w.r.folder.Stage
	name := b.dir + ims.MessageDir(uid)
	d, err := stage.OpenDir(name)
	if isNotExist(err) {
		if err := stage.MkdirAll(name); err != nil {
			return err
		}
		d, err = stage.OpenDir(name)
	}
	w.dir = d
	return err
}

// cutDate tells what the file system makes of the date of a message, and
// whether that is another one. A dry run does not know.
func (r *run) cutDate(date int64) (to int64, cut bool, err error) {
	if r.dry() {
		return date, false, nil
	}
	to, err = r.folder.KeptTime(date)
	return to, to != date, err
}

// tellCut tells of a message whose file could not have its date.
func (c *collector) tellCut(m *messageStep) {
	if !m.cut {
		return
	}
	if !c.r.opt.NoIndex {
		c.warn(m.box.v, "cut-date", c.where(&m.entry), fmt.Sprintf("the file system cannot keep the receive date %d: the file has %d, the index has the date", m.date, m.cutTo))
		return
	}
	c.problem(m.box.v, "cut-date", c.where(&m.entry), fmt.Sprintf("the file system cannot keep the receive date %d, which is nowhere else without an index: the file has %d", m.date, m.cutTo))
}

func fileName(uid uint32) string {
	return string(append(strconv.AppendUint(make([]byte, 0, 16), uint64(uid), 10), ".msg"...))
}

// message writes one message and notes what the index needs. An error is of the
// destination.
func (w *writer) message(m *messageStep) error {
	switch {
	case m.read:
		return nil
	case m.long != nil:
		return w.long(m)
	}
	b := m.inline
	m.text = message.Summarize(b)
	if w.r.opt.CRLF != m.other {
		w.crlf = message.AppendCRLF(w.crlf[:0], b, 0)
		b = w.crlf
		if m.text.BareLF {
			m.text.HeaderSize = message.Summarize(b).HeaderSize
		}
	}
	m.bare = m.text.BareLF && w.r.opt.CRLF == m.other
	m.content.size = int64(len(b))
	m.sum = sha256.Sum256(b)
	if w.r.dry() || w.r.failure() != nil {
		return nil
	}
	if err := w.enter(m.box, m.uid); err != nil {
		return err
	}
	return w.dir.WriteFile(fileName(m.uid), m.date, b)
}

// body is a long body. Errors that are a *sims.Error are of the source, and
// errInterrupted is of a run that ends.
type body interface {
	// next returns the next piece, valid until the following call, and io.EOF at
	// the end. It may use buf.
	next(buf []byte) ([]byte, error)
	// close gives up what is left.
	close()
}

// chunk is a piece of a long body. The receiver releases the block.
type chunk struct {
	b     []byte
	block *sims.Block // nil: b is the receiver's alone
	err   error
}

// chunkBody gets the pieces that the planner sends.
type chunkBody struct {
	ch   chan chunk
	last *sims.Block
	over bool
}

func (c *chunkBody) next([]byte) ([]byte, error) {
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

func (c *chunkBody) close() {
	for !c.over {
		_, err := c.next(nil)
		c.over = c.over || err == io.EOF
	}
}

// long writes a message that comes in pieces.
func (w *writer) long(m *messageStep) error {
	defer m.long.close()
	var f *durable.File
	if !w.r.dry() && w.r.failure() == nil {
		if err := w.enter(m.box, m.uid); err != nil {
			return err
		}
		var err error
		if f, err = w.dir.Create(fileName(m.uid)); err != nil {
			return err
		}
	}
	err := w.copyLong(m, f)
	if m.damage = damageOf(err); m.damage != nil {
		err = nil
	}
	if errors.Is(err, errInterrupted) {
		m.interrupted, err = true, nil // of a user who is not finished: nothing of it goes into the store
	}
	if f == nil {
		return err
	}
	return w.finishLong(m, f, err)
}

// copyLong reads the body of m to its end, and writes it to f if there is one.
func (w *writer) copyLong(m *messageStep, f *durable.File) error {
	h := message.NewBody(w.r.opt.CRLF != m.other)
	defer func() { m.text, m.content.size, m.sum = h.Finish(); m.bare = h.BareLF() }()
	if w.buf == nil {
		w.buf = make([]byte, 128<<10)
	}
	for {
		b, err := m.long.next(w.buf)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		b = h.Add(b)
		if f == nil {
			continue
		}
		if _, err := f.Write(b); err != nil {
			return err
		}
	}
}

// finishLong closes the file of a message, and removes it when there is no
// message after all.
func (w *writer) finishLong(m *messageStep, f *durable.File, err error) error {
	whole := m.damage == nil && !m.interrupted
	if err == nil && whole {
		err = f.SetTime(m.date)
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil && !whole {
		err = w.dir.Remove(fileName(m.uid))
	}
	return err
}
