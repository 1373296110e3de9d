package backup

import (
	"cmp"
	"context"
	"slices"

	"imsconv/storeconv"
	"imsconv/storeconv/ims"
)

// walk goes through the store in the order of the stream and sends what it
// finds to the writer, step by step.
type walk struct {
	b     *run
	ctx   context.Context
	ahead *ahead

	user   uint32 // at hand
	refs   map[orderID]orderID
	box    *ims.Mailbox
	number uint32
	batch  *batch // not sent yet; nil: none
	index  ims.IndexReader
}

// step is one thing for the writer to do.
type step interface {
	// write does it. An error is of the stream.
	write(w *writer) error
}

// userStep begins a user, with the references to files of several names.
type userStep struct {
	number uint32
	refs   map[orderID]orderID
}

// boxStep begins a mailbox, which is the writer's from here to its endStep.
type boxStep struct {
	box    *ims.Mailbox
	number uint32
}

// headStep is the head of a mailbox; nil: it has no index of ours, or damage
// has taken the header of it.
type headStep struct {
	header  *ims.Header
	damaged bool
}

// endStep ends a mailbox. opened says whether it has had a head.
type endStep struct{ opened bool }

// noteStep is a word for the log, in its place.
type noteStep storeconv.Note

// strayStep is something beside the mail.
type strayStep struct{ err *ims.Error }

// send makes a step the next one.
func (w *walk) send(s step) error {
	b, err := w.room(0)
	if err == nil {
		b.steps = append(b.steps, s)
	}
	return err
}

// room returns a batch that has room for a step, and for reading so much.
func (w *walk) room(size int64) (*batch, error) {
	if w.batch != nil && !w.batch.takes(size) {
		w.sendBatch()
	}
	if err := w.ctx.Err(); err != nil {
		return nil, err
	}
	if w.batch == nil {
		select {
		case w.batch = <-w.ahead.free:
		case <-w.ctx.Done():
			return nil, w.ctx.Err()
		}
	}
	return w.batch, nil
}

// sendBatch sends the batch at hand to a worker and to the writer. There is
// room for all batches that there are.
func (w *walk) sendBatch() {
	if w.batch != nil {
		w.ahead.work <- w.batch
		w.ahead.order <- w.batch
		w.batch = nil
	}
}

// stray and note send words for the log. An end of the context is met again
// soon.
func (w *walk) stray(e *ims.Error) { _ = w.send(strayStep{e}) }

func (w *walk) note(kind, where, text string) {
	_ = w.send(noteStep{Severity: storeconv.Problem, Kind: kind, Where: where, Text: text})
}

// users goes through the users. What it has come to is sent also when it fails.
func (w *walk) users(links *linkRefs) error {
	defer w.sendBatch()
	for i := range w.b.users {
		refs, err := links.ofUser(uint32(i))
		if err != nil {
			return err
		}
		w.user, w.refs = uint32(i), refs
		if err := w.send(userStep{w.user, refs}); err != nil {
			return err
		}
		if err := w.mailboxes(&w.b.users[i]); err != nil {
			return err
		}
	}
	return nil
}

// mailboxes goes through the mailboxes of a user.
func (w *walk) mailboxes(u *user) error {
	order, err := w.boxOrder(u)
	if err != nil {
		return err
	}
	if order == nil {
		return w.b.openMailboxes(u, w.stray, w.mailbox)
	}
	for _, at := range order {
		box, err := w.b.reader.Mailbox(at.partition, u.id, at.name)
		if ims.OfMachine(err) {
			return err
		}
		if err != nil {
			w.note(ims.Unreadable, ims.MailboxDir(at.partition, u.id, at.name), err.Error())
			continue
		}
		if err := w.mailbox(at.number, box); err != nil {
			return err
		}
	}
	return nil
}

// boxPlace says where a mailbox lies, and its number.
type boxPlace struct {
	number          uint32
	partition, name string
}

// boxOrder returns the mailboxes in an order that brings first copies in front;
// nil when they lie in such an order already.
func (w *walk) boxOrder(u *user) ([]boxPlace, error) {
	edges := make(map[[2]uint32]struct{})
	for id, first := range w.refs {
		if first.user == w.user && first.box != id.box {
			edges[[2]uint32{first.box, id.box}] = struct{}{}
		}
	}
	if topological(0, edges) == nil {
		return nil, nil
	}
	var places []boxPlace
	err := w.b.mailboxes(u, w.stray, func(number uint32, box *ims.Mailbox) error {
		places = append(places, boxPlace{number, box.Partition, box.Name})
		return nil
	})
	if err != nil || len(places) == 0 {
		return nil, err
	}
	position := topological(int(places[len(places)-1].number)+1, edges)
	slices.SortFunc(places, func(a, b boxPlace) int { return cmp.Compare(position[a.number], position[b.number]) })
	return places, nil
}

// mailbox goes through one mailbox.
func (w *walk) mailbox(number uint32, box *ims.Mailbox) error {
	w.box, w.number = box, number
	b, err := w.room(0)
	if err != nil {
		box.Close()
		return err
	}
	b.steps, b.boxes = append(b.steps, &boxStep{box, number}), b.boxes+1
	opened := false
	err = w.b.messages(&w.index, box, found{
		open: func(h *ims.Header, damaged bool) error {
			opened = true
			return w.send(headStep{h, damaged})
		},
		message: w.message, stray: w.stray, unnamed: w.tellUnnamed,
		damage: w.tellDamage,
	})
	if w.ctx.Err() != nil {
		return w.ctx.Err()
	}
	if err != nil {
		return err
	}
	return w.send(endStep{opened})
}

// message makes a message the next step. Its file is read ahead unless the
// message will not be written, will be a link, or is too long.
func (w *walk) message(m *storedMessage) error {
	id := orderID{w.user, w.number, m.uid}
	first, linked := w.refs[id]
	wanted := m.size <= batchBytes && !w.b.older(m.date) && (!linked || first == id)
	size := int64(0)
	if wanted {
		size = m.size
	}
	b, err := w.room(size)
	if err == nil {
		b.add(w.box, m, wanted)
	}
	return err
}
