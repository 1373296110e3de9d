package backup

import (
	"bufio"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"maps"
	"math"
	"slices"
	"strings"

	"imsconv/dbconv/mboxlist"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/sims"
)

// write writes the stream.
func (b *run) write(ctx context.Context, dst io.Writer, links *linkRefs) error {
	date, err := b.date(ctx)
	if err != nil {
		return err
	}
	b.report.Date = date
	buffered := bufio.NewWriterSize(dst, 1<<20)
	head := sims.Header{Product: b.opts.Product, Host: b.opts.Host}
	if date != nil {
		head.Date, head.HasDate = *date, true
	}
	b.out, err = sims.NewWriter(buffered, head, b.opts.Blocking)
	if err != nil {
		return err
	}
	b.readers = newReaders(b.opts.Jobs)
	defer b.readers.close()
	for i := range b.users {
		refs, err := links.ofUser(uint32(i))
		if err != nil {
			return err
		}
		w := &userWriter{b: b, ctx: ctx, user: &b.users[i], number: uint32(i), refs: refs, done: make(map[uint32]bool)}
		if err := w.write(); err != nil {
			return err
		}
	}
	if err := b.out.Close(); err != nil {
		return err
	}
	return buffered.Flush()
}

// userWriter writes one user.
type userWriter struct {
	b      *run
	ctx    context.Context
	user   *user
	number uint32 // in the stream
	refs   map[orderID]orderID
	done   map[uint32]bool // mailboxes written

	box     *ims.Mailbox // at hand
	boxNo   uint32
	lastUID uint32                     // the latest written of it
	waiting map[uint32][]storedMessage // links to a later message of this mailbox, by its UID
	queue   []storedMessage            // of this mailbox, read but not written
	ahead   map[uint32]*aheadRead      // of the queue
}

func (w *userWriter) write() error {
	b := w.b
	m := sims.Member{Kind: sims.User, Name: w.user.id}
	if value, ok, err := b.lists.Get(mboxlist.QuotaDB, w.user.id); err != nil {
		b.opts.Log.Problem("database", "user "+w.user.id, err.Error())
	} else if q, err := mboxlist.ParseQuota(value); ok && err == nil && q.KB <= math.MaxInt64/1024 {
		m.Quota, m.HasQuota = q.KB, true
		if q.KB > 0 {
			m.Quota = q.KB * 1024
		}
	}
	if err := b.out.WriteMember(&m); err != nil {
		return err
	}
	b.report.Users++
	order, err := w.boxOrder()
	if err != nil {
		return err
	}
	if order == nil {
		return b.mailboxes(w.user, b.stray, w.mailbox)
	}
	for _, at := range order {
		if err := w.open(at); err != nil {
			return err
		}
	}
	return nil
}

// open writes a mailbox out of its turn.
func (w *userWriter) open(at boxPlace) error {
	box, err := w.b.reader.Mailbox(at.partition, w.user.id, at.name)
	if err != nil {
		if ims.OfMachine(err) {
			return err
		}
		w.b.opts.Log.Problem(ims.Unreadable, ims.MailboxDir(at.partition, w.user.id, at.name), err.Error())
		return nil
	}
	defer box.Close()
	return w.mailbox(at.number, box)
}

// boxPlace says where a mailbox lies, and its number.
type boxPlace struct {
	number          uint32
	partition, name string
}

// boxOrder returns the mailboxes in an order that brings first copies in front;
// nil when they lie in such an order already.
func (w *userWriter) boxOrder() ([]boxPlace, error) {
	edges := make(map[[2]uint32]struct{})
	for id, first := range w.refs {
		if first.user == w.number && first.box != id.box {
			edges[[2]uint32{first.box, id.box}] = struct{}{}
		}
	}
	if topological(0, edges) == nil {
		return nil, nil
	}
	var places []boxPlace
	err := w.b.mailboxes(w.user, w.b.stray, func(number uint32, box *ims.Mailbox) error {
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

func silentStray(*ims.Error) {}

// mailbox writes one mailbox.
func (w *userWriter) mailbox(number uint32, box *ims.Mailbox) error {
	w.box, w.boxNo, w.lastUID, w.waiting = box, number, 0, make(map[uint32][]storedMessage)
	w.ahead = make(map[uint32]*aheadRead, readDepth)
	if w.b.opts.Trace != nil {
		w.b.opts.Trace(box.FullName())
	}
	var failed error // of the stream, or of the context: the end of all
	var uids []uint32
	opened := false
	err := w.b.messages(box, w.b.stray, func(h *ims.Header) error {
		opened = true
		failed = w.b.out.WriteMember(w.boxMember(h))
		return failed
	}, func(m storedMessage) error {
		uids = append(uids, m.uid)
		failed = w.enqueue(m)
		return failed
	})
	for failed == nil && len(w.queue) > 0 {
		failed = w.dequeue()
	}
	w.dropAhead()
	if failed != nil {
		return failed
	}
	if err != nil {
		if ims.OfMachine(err) {
			return err
		}
		w.b.opts.Log.Problem("bad-index", box.Path, err.Error())
	} else if err := w.tellUnnamed(box, uids); err != nil {
		if ims.OfMachine(err) {
			return err
		}
		w.b.opts.Log.Problem(ims.Unreadable, box.Path, err.Error())
	}
	if !opened {
		return nil
	}
	w.b.report.Mailboxes++
	return w.rest()
}

// tellUnnamed tells of message files that the index, whose UIDs rise, does not
// name.
func (w *userWriter) tellUnnamed(box *ims.Mailbox, uids []uint32) error {
	if !box.HasIndex {
		return nil
	}
	return box.Messages(silentStray, func(uid uint32) error {
		if _, named := slices.BinarySearch(uids, uid); !named {
			w.b.opts.Log.Problem("not-indexed", box.Path+"/"+ims.MessagePath(uid), "a message file that the index does not name: it is not in the backup")
		}
		return nil
	})
}

// enqueue starts to read a message, and writes the oldest of the queue when
// that is long enough.
func (w *userWriter) enqueue(m storedMessage) error {
	id := orderID{w.number, w.boxNo, m.uid}
	if first, linked := w.refs[id]; !w.b.older(m.date) && (!linked || first == id) {
		w.ahead[m.uid] = w.b.readers.start(w.box, m.uid)
	}
	w.queue = append(w.queue, m)
	if len(w.queue) < readDepth {
		return nil
	}
	return w.dequeue()
}

func (w *userWriter) dequeue() error {
	m := w.queue[0]
	w.queue = w.queue[1:]
	return w.message(m)
}

// dropAhead waits for what is being read and was not needed, so that the
// mailbox can be closed.
func (w *userWriter) dropAhead() {
	for uid, a := range w.ahead {
		<-a.done
		w.b.readers.release(a)
		delete(w.ahead, uid)
	}
	w.queue = w.queue[:0]
}

// rest writes the links whose first copy did not come after all, because the
// index ended before it.
func (w *userWriter) rest() error {
	for _, uid := range slices.Sorted(maps.Keys(w.waiting)) {
		w.b.elsewhere[orderID{w.number, w.boxNo, uid}] = ""
		for _, m := range w.waiting[uid] {
			if err := w.member(m); err != nil {
				return err
			}
		}
	}
	w.done[w.boxNo] = true
	return nil
}

func (w *userWriter) boxMember(h *ims.Header) *sims.Member {
	m := &sims.Member{Kind: sims.Mailbox, Name: w.user.id + "/" + w.box.Name, Subscribed: -1}
	if h == nil {
		w.b.report.Foreign++
		w.b.opts.Log.Warning("no-index", w.box.Path, "no index of this project: messages go without flags and UIDVALIDITY, with the dates of their files")
		return m
	}
	m.UIDValidity = h.UIDValidity
	if h.LastUID < math.MaxUint32 {
		m.UIDNext = h.LastUID + 1
	}
	m.Subscribed = 0
	if h.Subscribed {
		m.Subscribed = 1
	}
	m.Keywords = strings.Join(h.Userflags, " ")
	m.ACL = streamACL(h.ACL)
	return m
}

// streamACL puts every entry of an index's ACL on a line of its own.
func streamACL(acl string) string {
	f := strings.Split(acl, "\t")
	var b strings.Builder
	for i, field := range f {
		switch {
		case i == 0:
		case i%2 == 1:
			b.WriteByte('\t')
		default:
			b.WriteByte('\n')
		}
		b.WriteString(field)
	}
	return b.String()
}

// message writes a message, or keeps it until the later message of this mailbox
// comes to which it is a link.
func (w *userWriter) message(m storedMessage) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	if w.b.older(m.date) {
		w.b.report.Older++
		return nil
	}
	id := orderID{w.number, w.boxNo, m.uid}
	first, linked := w.refs[id]
	if linked && first.user == w.number && first.box == w.boxNo && first.uid > m.uid {
		w.waiting[first.uid] = append(w.waiting[first.uid], m)
		return nil
	}
	w.lastUID = m.uid
	if err := w.member(m); err != nil {
		return err
	}
	for _, link := range w.waiting[m.uid] {
		if err := w.member(link); err != nil {
			return err
		}
	}
	delete(w.waiting, m.uid)
	return nil
}

// member writes one message as what it is by now: a link, when its first copy
// has been written, else in full.
func (w *userWriter) member(m storedMessage) error {
	id := orderID{w.number, w.boxNo, m.uid}
	first, linked := w.refs[id]
	out := &sims.Member{Kind: sims.Message, Name: w.name(w.box.Name, m.uid), Time: m.date, Flags: m.flags}
	if linked {
		if name, err := w.firstName(id, first); err != nil {
			return err
		} else if name != "" {
			out.Kind, out.Link = sims.Link, name
			w.b.report.Links++
			w.progress(0)
			return w.b.out.WriteMember(out)
		}
	}
	written, err := w.body(out, m)
	switch {
	case !linked:
	case !written: // the next one becomes the first copy
		w.b.elsewhere[first] = ""
	case id == first:
		delete(w.b.elsewhere, first)
	default:
		w.b.elsewhere[first] = out.Name
	}
	return err
}

func (w *userWriter) name(mailbox string, uid uint32) string {
	return fmt.Sprintf("%s/%s/%d", w.user.id, mailbox, uid)
}

// firstName is the member that holds the body of first, "" when none does yet.
func (w *userWriter) firstName(id, first orderID) (string, error) {
	if name, moved := w.b.elsewhere[first]; moved {
		return name, nil
	}
	switch {
	case id == first, first.user > w.number:
		return "", nil
	case first.user == w.number && first.box == w.boxNo:
		if first.uid > w.lastUID {
			return "", nil
		}
		return w.name(w.box.Name, first.uid), nil
	case first.user == w.number && !w.done[first.box]:
		return "", nil
	}
	return w.b.memberName(first)
}

// maxNamed bounds the users whose mailbox names are remembered for links to
// their messages.
const maxNamed = 1000

// memberName is the name of a message by its place in the order.
func (b *run) memberName(id orderID) (string, error) {
	u := &b.users[id.user]
	names, ok := b.boxNames[id.user]
	if !ok {
		names = make(map[uint32]string)
		err := b.mailboxes(u, silentStray, func(n uint32, box *ims.Mailbox) error {
			names[n] = box.Name
			return nil
		})
		if err != nil {
			return "", err
		}
		if len(b.boxNames) >= maxNamed {
			clear(b.boxNames)
		}
		b.boxNames[id.user] = names
	}
	return fmt.Sprintf("%s/%s/%d", u.id, names[id.box], id.uid), nil
}

func (w *userWriter) progress(size int64) {
	if w.b.opts.Progress != nil {
		w.b.opts.Progress.Add(1, size)
	}
}

// body writes a message in full. It says whether there is such a member now;
// the error is the stream's.
func (w *userWriter) body(out *sims.Member, m storedMessage) (bool, error) {
	path := w.box.Path + "/" + ims.MessagePath(m.uid)
	a := w.ahead[m.uid]
	if a == nil {
		a = w.b.readers.start(w.box, m.uid)
	}
	<-a.done
	delete(w.ahead, m.uid)
	defer w.b.readers.release(a)
	if a.err != nil {
		if ims.OfMachine(a.err) {
			return false, a.err
		}
		w.b.opts.Log.Problem(ims.Unreadable, path, a.err.Error())
		return false, nil
	}
	if a.file != nil {
		out.Size = a.file.Size
	} else {
		out.Size = int64(len(*a.body))
	}
	if err := w.b.out.WriteMember(out); err != nil {
		return false, err
	}
	w.b.report.Messages++
	w.b.report.Bytes += out.Size
	w.progress(out.Size)
	if a.file != nil {
		sum := sha256.New()
		if err := w.copy(a.file, out.Size, path, sum); err != nil {
			return true, err
		}
		sum.Sum(a.sum[:0])
	} else if _, err := w.b.out.Write(*a.body); err != nil {
		return true, err
	}
	if m.known && a.sum != m.sum {
		w.b.opts.Log.Problem("wrong-content", path, fmt.Sprintf("SHA-256 is %s, the index says %s; it is written as it stands",
			hex.EncodeToString(a.sum[:]), hex.EncodeToString(m.sum[:])))
	}
	return true, nil
}

// copy gives size bytes of f to the stream. Where the file turns out shorter,
// or cannot be read on, zeros take the place of what is missing, since the size
// has been written.
func (w *userWriter) copy(f io.Reader, size int64, path string, sum hash.Hash) error {
	buf := w.b.buf
	for left := size; left > 0; {
		n, err := f.Read(buf[:min(left, int64(len(buf)))])
		if n == 0 && err != nil {
			if ims.OfMachine(err) {
				return err
			}
			w.b.opts.Log.Problem(ims.Unreadable, path, fmt.Sprintf("%d bytes are missing at its end, zeros are written: %v", left, err))
			clear(buf)
			n = int(min(left, int64(len(buf))))
		}
		sum.Write(buf[:n])
		if _, err := w.b.out.Write(buf[:n]); err != nil {
			return err
		}
		left -= int64(n)
	}
	return nil
}
