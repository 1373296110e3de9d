package backup

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"imsconv/dbconv/mboxlist"
	"imsconv/storeconv"
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
	buffered := bufio.NewWriterSize(dst, writeBuffer)
	head := sims.Header{Product: b.opts.Product, Host: b.opts.Host}
	if date != nil {
		head.Date, head.HasDate = *date, true
	}
	b.out, err = sims.NewWriter(buffered, head, b.opts.Blocking)
	if err != nil {
		return err
	}
	if err := b.writeUsers(ctx, links); err != nil {
		return err
	}
	if err := b.out.Close(); err != nil {
		return err
	}
	return buffered.Flush()
}

// writeBuffer is the size of a write, in bytes: few calls, and still in the
// processor's cache when it is written.
const writeBuffer = 128 << 10

// writeUsers does the steps of the walk.
func (b *run) writeUsers(ctx context.Context, links *linkRefs) error {
	walking, cancel := context.WithCancel(ctx)
	a := b.startAhead(walking, links)
	w := &writer{b: b, ctx: ctx}
	defer w.close()
	defer a.stop()
	defer cancel()
	for batch := range a.order {
		<-batch.done
		for i, s := range batch.steps {
			if err := s.write(w); err != nil {
				a.drop(batch.steps[i+1:])
				return err
			}
		}
		a.release(batch)
	}
	return a.err
}

// writer writes what the walk finds.
type writer struct {
	b   *run
	ctx context.Context

	user   *user // at hand
	number uint32
	refs   map[orderID]orderID
	done   map[uint32]bool // mailboxes written

	box     *ims.Mailbox // at hand; nil: none
	boxNo   uint32
	lastUID uint32                     // the latest written of it
	waiting map[uint32][]storedMessage // links to a later message of this mailbox, by its UID
}

func (s userStep) write(w *writer) error {
	b := w.b
	w.user, w.number, w.refs, w.done = &b.users[s.number], s.number, s.refs, make(map[uint32]bool)
	m := sims.Member{Kind: sims.User, Name: w.user.id}
	m.Quota, m.HasQuota = b.quota(w.user.id)
	b.report.Users++
	return b.out.WriteMember(&m)
}

// quota is the limit of a user in bytes. What a stream has no room for is told.
func (b *run) quota(id string) (bytes int64, known bool) {
	where := "user " + id
	value, ok, err := b.lists.Get(mboxlist.QuotaDB, id)
	if err != nil {
		b.opts.Log.Problem("database", where, err.Error())
		return 0, false
	}
	if !ok {
		return 0, false
	}
	q, err := mboxlist.ParseAnyQuota(value)
	if err != nil {
		b.opts.Log.Warning("quota", where, "the quota record is of a form that is not known: its limit is not in the backup")
		return 0, false
	}
	if q.Messages >= 0 {
		b.opts.Log.Warning("quota", where, fmt.Sprintf("a backup stream has no place for its limit of %d messages", q.Messages))
	}
	switch {
	case q.KB <= 0:
		return q.KB, true
	case q.KB > math.MaxInt64/1024:
		b.opts.Log.Warning("quota", where, fmt.Sprintf("its limit of %d KB is larger than a stream can say: it is not in the backup", q.KB))
		return 0, false
	}
	return q.KB * 1024, true
}

func (s noteStep) write(w *writer) error {
	storeconv.Note(s).Tell(w.b.opts.Log)
	return nil
}

func (s strayStep) write(w *writer) error {
	w.b.stray(s.err)
	return nil
}

func silentStray(*ims.Error) {}

func (s *boxStep) write(w *writer) error {
	w.box, w.boxNo, w.lastUID, w.waiting = s.box, s.number, 0, nil
	if w.b.opts.Trace != nil {
		w.b.opts.Trace(s.box.FullName())
	}
	return nil
}

func (s headStep) write(w *writer) error {
	return w.b.out.WriteMember(w.boxMember(s.header, s.damaged))
}

func (s *messageStep) write(w *writer) error { return w.message(&s.storedMessage, &s.body) }

func (s endStep) write(w *writer) error {
	defer w.close()
	if !s.opened {
		return nil
	}
	w.b.report.Mailboxes++
	return w.rest()
}

// close closes the mailbox at hand.
func (w *writer) close() {
	if w.box != nil {
		w.box.Close()
		w.box = nil
	}
}

// rest writes the links whose first copy did not come after all, because the
// index ended before it.
func (w *writer) rest() error {
	for _, uid := range slices.Sorted(maps.Keys(w.waiting)) {
		w.b.elsewhere[orderID{w.number, w.boxNo, uid}] = ""
		for _, m := range w.waiting[uid] {
			if err := w.member(&m, new(body)); err != nil {
				return err
			}
		}
	}
	w.done[w.boxNo] = true
	return nil
}

// boxMember is the member of the mailbox at hand. That a damaged index says
// nothing has been told.
func (w *writer) boxMember(h *ims.Header, damaged bool) *sims.Member {
	m := &sims.Member{Kind: sims.Mailbox, Name: w.user.id + "/" + w.box.Name, Subscribed: -1}
	if damaged {
		return m
	}
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
	var words []string
	for _, k := range h.Userflags {
		if ims.IsKeyword(k) {
			words = append(words, k)
			continue
		}
		w.b.opts.Log.Problem("bad-flag", w.box.Path, fmt.Sprintf("the keyword %q cannot be one, and is left out", k))
	}
	m.Keywords = strings.Join(words, " ")
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
func (w *writer) message(m *storedMessage, have *body) error {
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
		if w.waiting == nil {
			w.waiting = make(map[uint32][]storedMessage)
		}
		w.waiting[first.uid] = append(w.waiting[first.uid], *m)
		return nil
	}
	w.lastUID = m.uid
	if err := w.member(m, have); err != nil {
		return err
	}
	for _, link := range w.waiting[m.uid] {
		if err := w.member(&link, new(body)); err != nil {
			return err
		}
	}
	delete(w.waiting, m.uid)
	return nil
}

// member writes one message as what it is by now: a link, when its first copy
// has been written, else in full. have is what was read of it.
func (w *writer) member(m *storedMessage, have *body) error {
	id := orderID{w.number, w.boxNo, m.uid}
	first, linked := w.refs[id]
	out := &sims.Member{Kind: sims.Message, Name: w.name(w.box.Name, m.uid), Time: m.date, Flags: m.flags}
	if linked {
		if name, err := w.firstName(id, first); err != nil {
			return err
		} else if name != "" {
			out.Kind, out.Link = sims.Link, name
			// What the file holds was held against the first copy's record.
			if info, err := w.box.Stat(m.uid); err == nil && info.Size != m.size {
				w.size(m, info.Size)
			}
			w.b.report.Links++
			w.progress(0)
			return w.b.out.WriteMember(out)
		}
	}
	written, err := w.body(out, m, have)
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

func (w *writer) name(mailbox string, uid uint32) string {
	return w.user.id + "/" + mailbox + "/" + strconv.FormatUint(uint64(uid), 10)
}

// path is where a message of the mailbox at hand lies.
func (w *writer) path(uid uint32) string { return w.box.Path + "/" + ims.MessagePath(uid) }

// firstName is the member that holds the body of first, "" when none does yet.
func (w *writer) firstName(id, first orderID) (string, error) {
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

func (w *writer) progress(size int64) {
	if w.b.opts.Progress != nil {
		w.b.opts.Progress.Add(1, size)
	}
}

// body writes a message in full. It says whether there is such a member now;
// the error is the stream's.
func (w *writer) body(out *sims.Member, m *storedMessage, have *body) (bool, error) {
	var f *ims.MessageFile
	err := have.err
	if !have.read && err == nil {
		f, err = w.box.Open(m.uid)
	}
	if ims.OfMachine(err) {
		return false, err
	}
	if err != nil {
		w.b.opts.Log.Problem(ims.Unreadable, w.path(m.uid), err.Error())
		return false, nil
	}
	if out.Size = int64(len(have.data)); f != nil {
		defer f.Close()
		out.Size = f.Size
	}
	w.vouch(out, m.uid, have, f != nil)
	if err := w.b.out.WriteMember(out); err != nil {
		return false, err
	}
	w.b.report.Messages++
	w.b.report.Bytes += out.Size
	w.progress(out.Size)
	if f != nil {
		have.got, err = w.copy(f, out.Size, w.path(m.uid))
	} else {
		_, err = w.b.out.Write(have.data)
	}
	switch {
	case err != nil:
	case out.Size != m.size:
		w.size(m, out.Size)
	case m.known && have.got != m.sum:
		w.b.opts.Log.Problem("wrong-sum", w.path(m.uid), fmt.Sprintf("SHA-256 is %s, the index says %s; it is written as it stands",
			hex.EncodeToString(have.got[:]), hex.EncodeToString(m.sum[:])))
	}
	return true, err
}

// vouch has a member say the SHA-256 of its body where that looks like one with
// other members in it, or like one that has lost its end. A long body is read
// for it, so that it is read twice in all where it is in order, and three times
// where it is not: once to look, once for the sum. What cannot be read is told
// when it is written.
func (w *writer) vouch(out *sims.Member, uid uint32, have *body, long bool) {
	if !long {
		if sims.Doubtful(have.data) {
			out.SHA256 = hex.EncodeToString(have.got[:])
		}
		return
	}
	f, err := w.box.Open(uid)
	if err != nil {
		return
	}
	defer f.Close()
	var doubt sims.Doubt
	for buf := w.b.buf[:len(w.b.buf)/512*512]; err == nil; {
		var n int
		n, err = io.ReadFull(f, buf)
		doubt.Add(buf[:n])
	}
	if !doubt.Any() {
		return
	}
	again, err := w.box.Open(uid)
	if err != nil {
		return
	}
	defer again.Close()
	h := sha256.New()
	if n, err := io.Copy(h, io.LimitReader(again, out.Size)); err == nil && n == out.Size {
		out.SHA256 = hex.EncodeToString(h.Sum(nil))
	}
}

// size tells of a message whose file has another size than its index says.
func (w *writer) size(m *storedMessage, has int64) {
	w.b.opts.Log.Problem("size", w.path(m.uid), fmt.Sprintf("the index says %d bytes, the file has %d: it is written as it stands", m.size, has))
}

// copy gives size bytes of f to the stream and returns their SHA-256. Where the
// file turns out shorter, or cannot be read on, zeros take the place of what is
// missing, since the size has been written.
func (w *writer) copy(f io.Reader, size int64, path string) (sum [32]byte, err error) {
	buf, h := w.b.buf, sha256.New()
	for left := size; left > 0; {
		n, err := f.Read(buf[:min(left, int64(len(buf)))])
		if n == 0 && ims.OfMachine(err) {
			return sum, err
		}
		if n == 0 && err != nil {
			w.b.opts.Log.Problem(ims.Unreadable, path, fmt.Sprintf("%d bytes are missing at its end, zeros are written: %v", left, err))
			clear(buf)
			n = int(min(left, int64(len(buf))))
		}
		h.Write(buf[:n])
		if _, err := w.b.out.Write(buf[:n]); err != nil {
			return sum, err
		}
		left -= int64(n)
	}
	h.Sum(sum[:0])
	return sum, nil
}
