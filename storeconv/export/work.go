package export

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"sync"

	"golang.org/x/sys/unix"

	"imsconv/storeconv"
	"imsconv/storeconv/durable"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/sims"
)

// item is one message to write.
type item struct {
	b    *box
	rec  *record
	data []byte        // of a stream; nil: the file in the store
	at   string        // position in a stream
	turn int           // of what is told of it
	key  string        // in the pool; "": the message is shared with nobody
	link bool          // of a stream: a later copy of the message of key
	own  string        // of a stream: the key under which others may name it; "": none does
	done chan struct{} // closed when the message of own is in the pool; nil: nobody waits
	wait chan struct{} // what a later copy waits for; nil: nothing

	// wantSum is what the SHA-256 should be: of the store by the index, of a link
	// in a stream by the data that it brings along; zero: nobody says.
	wantSum [32]byte
}

// log is where what is wrong with the message is told.
func (it *item) log() turnLog { return it.b.u.lane.at(it.turn) }

// batch is some messages of one user.
type batch struct {
	u     *user
	items []item
	block *sims.Block // that their bytes are in; nil: none
}

// most is how many messages a batch has.
const most = 32

// batches are those that have been written.
var batches = sync.Pool{New: func() any { return &batch{items: make([]item, 0, most)} }}

// packer makes batches. It belongs to one feeder.
type packer struct {
	r   *run
	u   *user
	now *batch
}

// newPacker makes the packer of a user, or of a mailbox of his.
func (r *run) newPacker(u *user) *packer {
	u.packer = &packer{r: r, u: u}
	return u.packer
}

// add adds a message and sends the batch when it is full.
func (p *packer) add(ctx context.Context, it item) error {
	if p.now == nil {
		p.now = batches.Get().(*batch)
		p.now.u = p.u
	}
	p.now.items = append(p.now.items, it)
	if len(p.now.items) == most {
		p.send()
	}
	return ctx.Err()
}

// send hands over what there is.
func (p *packer) send() {
	if p.now == nil {
		return
	}
	p.u.wg.Add(1)
	p.r.work <- p.now
	p.now = nil
}

// writeRest writes what there is itself: whoever has nothing to do but to wait
// for it is faster than a worker who has to be woken.
func (p *packer) writeRest() {
	if p.now == nil {
		return
	}
	buf := messageBuffers.Get().(*[]byte)
	p.u.wg.Add(1)
	p.r.writeBatch(p.now, buf)
	messageBuffers.Put(buf)
	p.now = nil
}

// messageBuffers are those of feeders that write.
var messageBuffers = sync.Pool{New: func() any { return new(make([]byte, 64<<10)) }}

// worker writes messages until there are no more.
func (r *run) worker() {
	buf := make([]byte, 64<<10)
	for b := range r.work {
		r.writeBatch(b, &buf)
	}
}

func (r *run) writeBatch(b *batch, buf *[]byte) {
	for i := range b.items {
		it := &b.items[i]
		if r.failure() == nil {
			if err := r.write(it, buf); err != nil {
				r.fail(err)
			}
		}
		if it.done != nil {
			close(it.done) // others of this batch may wait
		}
	}
	if b.block != nil {
		b.block.Release()
	}
	u := b.u
	clear(b.items)
	*b = batch{items: b.items[:0]}
	batches.Put(b)
	u.wg.Done()
}

// write writes one message. An error is of the destination; what is wrong with
// the message is told.
func (r *run) write(it *item, buf *[]byte) error {
	var err error
	switch {
	case it.link:
		err = r.writeLink(it, buf)
	case it.data != nil:
		err = r.writeData(it, it.data)
	default:
		err = r.writeStored(it, buf)
	}
	var dst destination
	if err == nil || errors.As(err, &dst) {
		if dst.error != nil {
			return dst.error
		}
		return err
	}
	if ims.OfMachine(err) {
		return fmt.Errorf("%s: %w", it.b.where(it.rec.uid), err)
	}
	it.b.fail(it, err)
	return nil
}

// fail tells that a message could not be exported.
func (b *box) fail(it *item, err error) {
	it.rec.state = failed
	kind, text := "unreadable", err.Error()
	var why refusal
	if errors.As(err, &why) {
		kind = why.kind
	}
	var damage *sims.Error
	if errors.As(err, &damage) {
		kind, text = damage.Class, storeconv.NoteOf(damage).Text // where it is, is said in front
	}
	where := b.where(it.rec.uid)
	if it.at != "" {
		where = it.at + ": " + where
	}
	it.log().Problem(kind, where, text)
	b.u.count(func(rep *Report) { rep.Refused++ })
	b.skip(kind)
}

// refuse tells that a message is not exported at all.
func (b *box) refuse(uid uint32, kind, text string) {
	b.u.log.Problem(kind, b.where(uid), text)
	b.u.count(func(rep *Report) { rep.Refused++ })
	b.met(0)
	b.skip(kind)
}

// writeStored writes a message of the store.
func (r *run) writeStored(it *item, buf *[]byte) error {
	b, rec := it.b, it.rec
	if done, err := r.shareUnread(it); done || err != nil {
		return err
	}
	f, err := b.src.Open(rec.uid)
	if err != nil {
		b.met(max(rec.size, 0))
		return plainError(err)
	}
	defer f.Close()
	b.met(f.Size)
	if rec.date == ims.NoTime {
		rec.date = f.MTime
	}
	// What is read is not believed of its index: its own sum is made.
	it.wantSum, rec.sum = rec.sum, [32]byte{}
	if rec.size >= 0 && rec.size != f.Size {
		it.log().Problem("size", b.where(rec.uid), fmt.Sprintf("the index says %d bytes, the file has %d: it is exported as it is", rec.size, f.Size))
		it.wantSum = [32]byte{} // it cannot be that either
	}
	if f.Links > 1 {
		it.key = poolKey(fmt.Sprintf("%d %d", f.ID.Dev, f.ID.Ino))
	}
	switch {
	case f.Size <= maxHeld:
	case !r.dry() && (b.old != nil || r.shares(rec, f)):
		return r.lookLong(it, f)
	default:
		return r.writeLong(it, pieces(f), f)
	}
	if int(f.Size) >= cap(*buf) {
		*buf = make([]byte, f.Size+1)
	}
	n, err := readAll(f, (*buf)[:f.Size])
	if err != nil {
		return plainError(err)
	}
	return r.writeHeld(it, (*buf)[:n], f)
}

// shareUnread makes the file of a message of the store that of the destination
// without reading it, where the index knows all that its name says. The index
// is believed of a file that has its size and date.
func (r *run) shareUnread(it *item) (done bool, err error) {
	b, rec := it.b, it.rec
	if b.index == nil || r.opt.Via != Hardlink || r.opt.To != Maildir || r.dry() || b.old != nil || rec.sum == [32]byte{} {
		return false, nil
	}
	if has, known := b.index.HasBareLF(rec.uid); has || !known {
		return false, nil
	}
	info, err := b.src.Stat(rec.uid)
	if err != nil || info.Size != rec.size || info.MTime != rec.date {
		return false, nil // it is read, and told what is wrong with it
	}
	if done, err = r.linkStored(it); !done || err != nil {
		return false, err
	}
	b.met(info.Size)
	b.u.count(func(rep *Report) { rep.Shared++ })
	r.progress(1, rec.size)
	return true, nil
}

// holdSum tells when what was read of a message of the store is not what its
// index says.
func (r *run) holdSum(it *item) {
	if it.wantSum != it.rec.sum && it.wantSum != [32]byte{} {
		it.log().Problem("wrong-sum", it.b.where(it.rec.uid), fmt.Sprintf("SHA-256 is %x, the index says %x: it is exported as it is", it.rec.sum, it.wantSum))
	}
}

// saysCRLF tells whether every line end of a message of the store is CR LF by
// its index, which is believed of the bytes that have the SHA-256 it says: they
// need not be searched for line ends.
func (it *item) saysCRLF() bool {
	if it.b.index == nil || it.wantSum == [32]byte{} || it.wantSum != it.rec.sum {
		return false
	}
	has, known := it.b.index.HasBareLF(it.rec.uid)
	return known && !has
}

// plainError is an error without the path in front, which the log has.
func plainError(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return fmt.Errorf("%s: %w", p.Op, p.Err)
	}
	return err
}

// readAll reads a file of a known size in as few calls as can be.
func readAll(f io.Reader, b []byte) (n int, err error) {
	for n < len(b) {
		m, err := f.Read(b[n:])
		n += m
		if err == io.EOF {
			return n, io.ErrUnexpectedEOF
		}
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// pieces reads a long message.
func pieces(f io.Reader) func() ([]byte, error) {
	buf := make([]byte, 256<<10)
	return func() ([]byte, error) {
		n, err := f.Read(buf)
		return buf[:n], err
	}
}

// writeData writes a message of a stream.
func (r *run) writeData(it *item, data []byte) error {
	it.b.met(int64(len(data)))
	return r.writeHeld(it, data, nil)
}

// writeHeld writes a message that is in memory. f is its file, nil when it has
// none.
func (r *run) writeHeld(it *item, data []byte, f *ims.MessageFile) error {
	b, rec := it.b, it.rec
	if rec.sum == [32]byte{} {
		rec.sum = sha256.Sum256(data)
	}
	r.holdSum(it)
	if r.opt.Newline == KeepNewline && it.saysCRLF() {
		rec.size, rec.bare = int64(len(data)), 0
	} else {
		data = whole(data, r.opt.Newline, rec)
	}
	if b.recall(rec) {
		return r.again(it, data)
	}
	write := func() error {
		if r.dry() {
			return nil
		}
		if err := r.folder.Stage.WriteFile(b.file(rec), rec.date, data); err != nil {
			return destination{err}
		}
		return nil
	}
	return r.put(it, f, write)
}

// put brings a message that is counted to its name: by a link where it can
// share a file, else by write.
func (r *run) put(it *item, f *ims.MessageFile, write func() error) error {
	b, rec := it.b, it.rec
	linked, err := r.share(it, f)
	if err != nil {
		return err
	}
	if linked {
		b.u.count(func(rep *Report) { rep.Shared++ })
	} else if it.key != "" && r.opt.To == Maildir {
		if linked, err = r.pool.place(it.key, rec.date, b.file(rec), write); err == nil {
			b.u.count(func(rep *Report) {
				switch {
				case linked:
					rep.Links++
				case r.pool.metBefore(it.key):
					rep.Copies++
				}
			})
		}
	} else {
		err = write()
	}
	if err != nil {
		return err
	}
	r.progress(1, rec.size)
	return r.offer(it)
}

// share makes the message's own file in the store that of the destination,
// where its time is the date of the message.
func (r *run) share(it *item, f *ims.MessageFile) (bool, error) {
	if f == nil || !r.shares(it.rec, f) {
		return false, nil
	}
	if r.dry() {
		return true, nil
	}
	return r.linkStored(it)
}

// linkStored links the file of a message of the store into the destination;
// false: that cannot be.
func (r *run) linkStored(it *item) (bool, error) {
	d := r.folder.Stage
	err := d.FS().Linkat(it.b.src.FD(), ims.MessagePath(it.rec.uid), d.FD(), it.b.file(it.rec))
	if err == nil {
		return true, nil
	}
	if !durable.NoLinks(err) && !errors.Is(err, unix.ENOENT) {
		return false, destination{fmt.Errorf("link: %w", err)}
	}
	it.log().warnOnce("no-links", it.b.where(it.rec.uid), fmt.Sprintf("the store's files cannot be shared (%v): they are copied", err))
	return false, nil
}

// shares tells whether a message's own file in the store may be that of the
// destination.
func (r *run) shares(rec *record, f *ims.MessageFile) bool {
	return r.opt.Via == Hardlink && f.MTime == rec.date
}

// writeLong writes a message piece by piece, and gives it its name then.
func (r *run) writeLong(it *item, next func() ([]byte, error), f *ims.MessageFile) error {
	b, rec := it.b, it.rec
	t := newText(r.opt.Newline, rec.sum == [32]byte{})
	temp := path.Join(b.stage, fmt.Sprintf("long-%d", rec.uid))
	if r.dry() {
		if err := copyText(io.Discard, next, t); err != nil {
			return err
		}
		t.into(rec)
		r.holdSum(it)
		if b.recall(rec) {
			r.keepDry(it)
			return nil
		}
		return r.put(it, f, func() error { return nil })
	}
	stage := r.folder.Stage
	if err := r.longFile(temp, next, t, rec); err != nil {
		stage.Remove(temp)
		return err
	}
	t.into(rec)
	r.holdSum(it)
	if b.recall(rec) {
		err := r.againFile(it, temp)
		stage.Remove(temp)
		return err
	}
	moved := false
	err := r.put(it, f, func() error {
		moved = true
		if err := stage.Rename(temp, stage, b.file(rec)); err != nil {
			return destination{err}
		}
		return nil
	})
	if !moved {
		stage.Remove(temp)
	}
	return err
}

// lookLong reads a message of the store to know what its name says, and writes
// it only when that cannot be spared: most likely its file is shared, or there.
func (r *run) lookLong(it *item, f *ims.MessageFile) error {
	b, rec := it.b, it.rec
	t := newText(r.opt.Newline, rec.sum == [32]byte{})
	if err := copyText(io.Discard, pieces(f), t); err != nil {
		return err
	}
	t.into(rec)
	r.holdSum(it)
	if b.recall(rec) {
		return r.againFile(it, "")
	}
	return r.put(it, f, func() error {
		again, err := b.src.Open(rec.uid)
		if err != nil {
			return plainError(err)
		}
		defer again.Close()
		if err := r.longFile(b.file(rec), pieces(again), newText(r.opt.Newline, false), rec); err != nil {
			r.folder.Stage.Remove(b.file(rec)) // what is left of it is of no use
			return err
		}
		return nil
	})
}

func (r *run) longFile(temp string, next func() ([]byte, error), t *text, rec *record) error {
	out, err := r.folder.Stage.Create(temp)
	if err != nil {
		return destination{err}
	}
	err = copyText(out, next, t)
	if err == nil {
		if timeErr := out.SetTime(rec.date); timeErr != nil {
			err = destination{timeErr}
		}
	}
	if closeErr := out.Close(); err == nil && closeErr != nil {
		err = destination{closeErr}
	}
	return err
}
