package verify

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"imsconv/storeconv"
	"imsconv/storeconv/sims"
)

// Stream is one stream that a store is held against. It is read once, from
// front to back.
type Stream struct {
	Name string // for positions
	R    io.Reader
	Tree bool // it was made of a tree of files, of the kind that its product says: its offsets mean nothing
}

// maxLate bounds what is remembered across a run: differences that a later
// stream may still explain, and first copies that are not in the store.
const maxLate = 200000

// streamCheck is the work on one stream.
type streamCheck struct {
	ctx    context.Context // of the call that it works for
	v      *verifier
	s      Stream
	first  bool // no stream came before
	number int
	r      *sims.Reader
	date   int64 // of the backup, seconds since 1970; 0: not said
	silent bool  // its flags are those of new messages, and change none that are there
	read   *messageReader
	absent map[string]absentCopy // first copies that are not in the store by their own names

	met   metUser // of the member that was read last
	queue queue
	said  map[uint64]uidsSaid // by mailbox that has come, hashed

	// granted are the mailboxes, by the hash of their path in the store, that
	// the first stream gave other rights than the usual: it may come to them
	// again and say none.
	granted map[uint64]bool

	user  streamUser // of the member at work
	box   streamBox
	uids  uidBits   // that have come to box
	other streamBox // of the first copy that a link was last held against
}

// metUser is a user of the stream.
type metUser struct {
	name     string
	selected bool
	id       string // in the store
	mailbox  string // of the last member, in the stream,
	place    string // and with the id in the store
}

// streamUser is the user at work.
type streamUser struct {
	name string              // as the stream has it
	id   string              // as the store has it
	own  map[fileKey]fileKey // which file stands for a first copy
}

// stream holds the messages of the stream with that number against the store.
func (v *verifier) stream(ctx context.Context, s Stream, number int) error {
	c := &streamCheck{
		ctx: ctx, v: v, s: s, first: number == 0, number: number, r: sims.NewReader(waiting(ctx, s.R)),
		read: newMessageReader(&v.cache), absent: make(map[string]absentCopy), said: make(map[uint64]uidsSaid), granted: make(map[uint64]bool),
	}
	defer c.leave()
	defer c.other.close()
	header, err := c.r.Header()
	if err != nil {
		return fmt.Errorf("%s: %w", s.Name, err)
	}
	c.date = header.Date
	c.silent = header.Profile == "" || s.Tree && header.Product == "mbox"
	v.backups = append(v.backups, c.date)
	for n := 0; ; n++ {
		m, err := c.r.Next()
		if err == nil {
			err = c.member(m)
		}
		if (n%64 == 0 || err != nil) && ctx.Err() != nil {
			return context.Cause(ctx) // which may be what the error is about
		}
		if err != nil && !c.damage(err) {
			c.work()
			if err == io.EOF {
				return nil
			}
			return fmt.Errorf("%s: %w", s.Name, err)
		}
	}
}

// damage tells of a damaged place of the stream; false: the error is another.
func (c *streamCheck) damage(err error) bool {
	var p *sims.Error
	if !errors.As(err, &p) {
		return false
	}
	if c.s.Tree && p.Class == sims.Lost {
		return true // no tape has lost anything: a file has a header of a stream in it
	}
	if p.Class == sims.NoEnd {
		c.v.report.NoEnd = append(c.v.report.NoEnd, c.s.Name)
	}
	c.tellRead(storeconv.Note{Severity: storeconv.Severity(p.Severity()), Kind: p.Class, Where: c.s.Name + ": " + p.Position(), Text: p.Text})
	return true
}

func (c *streamCheck) where(m *sims.Member) string {
	if c.s.Tree {
		return c.s.Name + ": " + sims.DisplayName(m.Name)
	}
	return fmt.Sprintf("%s: offset %d: %s", c.s.Name, m.Offset, sims.DisplayName(m.Name))
}

// problem tells of a member and the store that do not agree.
func (c *streamCheck) problem(m *sims.Member, kind, format string, args ...any) {
	if c.ctx.Err() != nil {
		return // it may be what ended the reading
	}
	c.tell(problem(kind, c.where(m), format, args...))
}

func (c *streamCheck) warning(m *sims.Member, kind, format string, args ...any) {
	c.tell(warning(kind, c.where(m), format, args...))
}

// ofAnother explains a difference where the mail of users was put together.
const ofAnother = "it may be the same message of another user whose mail is here too"

// fault is problem, but for what may be another user's message.
func (c *streamCheck) fault(m *sims.Member, kind, format string, args ...any) {
	if c.box.joined {
		c.warning(m, kind, "%s: %s", fmt.Sprintf(format, args...), ofAnother)
		return
	}
	c.problem(m, kind, format, args...)
}

// member takes a member in: the body of a message is read, and what there is to
// hold against the store waits.
func (c *streamCheck) member(m *sims.Member) error {
	if c.met.name != m.User || c.met.name == "" {
		c.meet(m)
	}
	c.noteSaid(m)
	if !c.met.selected && m.Kind == sims.Mailbox {
		c.v.beside(m)
	}
	if !c.met.selected || m.Kind != sims.User && !c.selected(m) {
		return nil
	}
	var b body
	if m.Kind == sims.Message || m.Kind == sims.Link {
		c.v.report.Members++
		var err error
		if b, err = c.body(m); err != nil {
			return err // that of a damaged member is told
		}
		if meter := c.v.opts.Progress; meter != nil {
			meter.Add(1, 0)
		}
		if isExpired(m) {
			c.v.report.Expired++
			if m.Kind == sims.Link {
				b = body{}
			}
			c.forget(m, b)
			return nil
		}
		c.v.contents.add(m, c.v.said[c.v.hash(m.User+"/"+m.Mailbox)].validity, c.number, b)
	}
	if c.queue.add(m, b, c.met.id, c.metMailbox(m)) {
		c.work()
	}
	return nil
}

// meet looks at the user of a member.
func (c *streamCheck) meet(m *sims.Member) {
	c.met = metUser{name: strings.Clone(m.User), selected: c.v.chosen.user(m.User)}
	if !c.met.selected {
		return
	}
	var err error
	if c.met.id, err = c.v.chosen.id(m.User); err != nil {
		c.met.selected = false
		c.tellRead(problem("refused", c.where(m), "%v", err))
	}
}

// metMailbox is the mailbox of a member in the store, with the id of its user.
func (c *streamCheck) metMailbox(m *sims.Member) string {
	if u := &c.met; u.place == "" || u.mailbox != m.Mailbox {
		name, err := c.v.chosen.name(m.Mailbox)
		if err != nil {
			name = m.Mailbox // told when it is entered
		}
		u.mailbox, u.place = strings.Clone(m.Mailbox), u.id+"/"+name
	}
	return c.met.place
}

// compare holds a member against the store.
func (c *streamCheck) compare(w *queued) {
	m := w.m
	if c.user.name != m.User {
		c.user = streamUser{name: m.User, own: make(map[fileKey]fileKey)}
		c.user.id, _ = c.v.chosen.id(m.User) // of one that was met, there is no error
	}
	switch m.Kind {
	case sims.User:
		c.quota(m)
	case sims.Mailbox:
		at := c.v.hash(m.Name)
		if _, met := c.said[at]; met && c.box.name != m.Name {
			c.queue.back = true
		}
		if m.UIDValidity != 0 && len(c.said) < maxLate {
			c.said[at] = uidsSaid{m.UIDValidity, m.MadeUIDs}
		}
		if c.enter(m) {
			c.mailbox(m)
		}
	case sims.Message:
		c.message(m, w.body)
	case sims.Link:
		c.link(m, w.body)
	}
}

// selected says whether the mailbox of a member belongs to what was restored.
// One whose name cannot be is told when it is entered.
func (c *streamCheck) selected(m *sims.Member) bool {
	name, err := c.v.chosen.utf7(m.Mailbox)
	return err != nil || c.v.chosen.mailbox(m.User, standard(name))
}

func isExpired(m *sims.Member) bool { return slices.Contains(strings.Fields(m.Flags), "expired") }

// body is what a body has to be in the store.
type body struct {
	size int64
	sum  [32]byte
}

// body reads the body of a message, or the data that a link brings along, with
// its line ends as the store has them.
func (c *streamCheck) body(m *sims.Member) (body, error) {
	var b body
	if m.Kind != sims.Message && m.Carried == 0 {
		return b, nil
	}
	h := sha256.New()
	ends := lineEnds{}
	for {
		piece, err := c.r.Chunk()
		if err == io.EOF {
			h.Sum(b.sum[:0])
			return b, nil
		}
		if err != nil {
			return b, err
		}
		if c.v.opts.CRLF {
			piece = ends.convert(piece)
		}
		b.size += int64(len(piece))
		h.Write(piece)
	}
}

// lineEnds writes every line end as CR LF: an LF gets a CR where none stands
// before it. Its zero value is at the start of a message.
type lineEnds struct {
	cr  bool // the last byte was a CR
	out []byte
}

// convert takes the next piece; what it returns is valid until the next call.
func (l *lineEnds) convert(piece []byte) []byte {
	l.out = l.out[:0]
	for _, b := range piece {
		if b == '\n' && !l.cr {
			l.out = append(l.out, '\r')
		}
		l.out = append(l.out, b)
		l.cr = b == '\r'
	}
	return l.out
}

// message compares one message.
func (c *streamCheck) message(m *sims.Member, b body) {
	if !c.enter(m) {
		return // the mailbox has been told
	}
	rec, err := c.find(m, &b.sum)
	if err != nil {
		c.problem(m, "bad-index", "%v", err)
		return
	}
	if rec == nil || rec.sum != b.sum {
		if own, err := c.here(m); err == nil && own != nil && own.sum == b.sum {
			rec = own
			c.cameFrom(m, own)
		}
	}
	again := c.uids.add(m.UID)
	switch {
	case (rec == nil || rec.sum != b.sum) && c.box.view.findContent(b.sum) != nil:
		return // it was there before, with flags and date of its own
	case rec == nil:
		c.problem(m, "missing-message", "the store does not have it in %s", c.box.view.box.path)
		return
	case again && b.sum == rec.sum:
		c.warning(m, "duplicate-uid", "the stream has this UID twice, with the same content")
		return
	case again:
		c.problem(m, "duplicate-uid", "the stream has another message of this UID; the store has %s", hex.EncodeToString(rec.sum[:]))
		return
	}
	c.record(m, rec)
	if b.size != rec.size || b.sum != rec.sum {
		c.problem(m, "wrong-content", "%d bytes with SHA-256 %s in the stream, %d bytes with %s in the store", b.size, hex.EncodeToString(b.sum[:]), rec.size, hex.EncodeToString(rec.sum[:]))
	}
	c.messageDate(m, rec)
}

// find returns the record of a message. One whose UID names nothing, or comes
// from a mailbox without UIDVALIDITY under another, is known by its content.
func (c *streamCheck) find(m *sims.Member, sum *[32]byte) (*viewRecord, error) {
	view := c.box.view
	if c.box.names(m.UID) || view.header == nil {
		rec, err := view.find(m.UID, c.box.validity, sum)
		if err != nil || c.box.validity != 0 || rec != nil && rec.sum == *sum && rec.date == storeDate(m.Time) {
			return rec, err
		}
		if other, err := view.takeContent(c.box.uidsSaid, m.UID, storeDate(m.Time), sum); other != nil || err != nil {
			return other, err
		}
		return rec, nil
	}
	return view.takeContent(c.box.uidsSaid, m.UID, storeDate(m.Time), sum)
}

// here returns the message that has the UIDVALIDITY, UID and date of a member
// now, though it came from elsewhere: so a backup of the store calls it. Nil:
// there is none.
func (c *streamCheck) here(m *sims.Member) (*viewRecord, error) {
	view := c.box.view
	if view.header == nil || c.box.validity == 0 || c.box.validity != view.header.UIDValidity || !c.box.names(m.UID) {
		return nil, nil
	}
	rec, err := view.byUID(m.UID)
	if err != nil || rec == nil || rec.origUID == 0 || rec.origValidity == 0 || rec.date != storeDate(m.Time) {
		return nil, err
	}
	return rec, nil
}

// cameFrom counts a message that is the member's by its UID, and by its origin
// another's. A store of several streams may have any number of them.
func (c *streamCheck) cameFrom(m *sims.Member, rec *viewRecord) {
	if c.box.origins++; c.box.origins == 1 {
		c.box.origin = fmt.Sprintf("the Original-Uid of %d is %d-%d", m.UID, rec.origValidity, rec.origUID)
	}
}

// record compares receive date and flags.
func (c *streamCheck) record(m *sims.Member, rec *viewRecord) {
	if c.box.view.header == nil {
		return
	}
	date := storeDate(m.Time)
	if date != rec.date && c.box.joined {
		c.warning(m, "date", "received %s, the index says %s: %s", dateText(date), dateText(rec.date), ofAnother)
	} else {
		c.later(m, lateKey{uid: rec.uid, kind: "date"}, date == rec.date, "received %s, the index says %s", dateText(date), dateText(rec.date))
	}
	key, want := lateKey{uid: rec.uid, kind: "flags"}, flagSet(m.Flags)
	equal := slices.Equal(want, rec.flags)
	switch _, said := c.v.late[key.of(c.box.view)]; {
	case !equal && c.box.joined && !said:
		c.warning(m, "flags", "the flags are %q, the stream says %q: %s", rec.flags, want, ofAnother)
	case !c.silent:
		c.later(m, key, equal, "the flags are %q, the stream says %q", rec.flags, want)
	case !equal && !said:
		c.note(m, key, storeconv.Warning, "the flags are %q, the source says %q: a source of its kind changes no flags of messages that are there", rec.flags, want)
	}
}

// storeDate is a receive date of a stream as a store has it: 1970 for one that
// fourteen digits cannot say.
func storeDate(seconds int64) int64 {
	if dateText(seconds) == "none" {
		return 0
	}
	return seconds
}

// lateKey is something of the store that streams say things about: of the
// mailbox at path or, with a uid, of a message of it.
type lateKey struct {
	path string
	uid  uint32
	kind string
}

func (k lateKey) compare(o lateKey) int {
	return cmp.Or(strings.Compare(k.path, o.path), cmp.Compare(k.uid, o.uid), strings.Compare(k.kind, o.kind))
}

// of is the key for the mailbox of a view.
func (k lateKey) of(view *boxView) lateKey {
	k.path = view.box.path
	return k
}

// later notes a difference of something of the mailbox at hand, until something
// to come explains it: another member of this stream, when the mail of several
// users was put together, or a later stream.
func (c *streamCheck) later(m *sims.Member, key lateKey, equal bool, format string, args ...any) {
	if equal {
		delete(c.v.late, key.of(c.box.view))
		return
	}
	c.note(m, key, storeconv.Problem, format, args...)
}

// note keeps a difference until the end of all streams, or tells it where too
// many are kept.
func (c *streamCheck) note(m *sims.Member, key lateKey, severity storeconv.Severity, format string, args ...any) {
	key = key.of(c.box.view)
	n := note(severity, key.kind, c.where(m), format, args)
	if _, known := c.v.late[key]; !known && len(c.v.late) >= maxLate {
		if c.ctx.Err() == nil {
			c.tell(n)
		}
		return
	}
	if c.v.late == nil {
		c.v.late = make(map[lateKey]storeconv.Note)
	}
	c.v.late[key] = n
}

// endStreams tells the differences that nothing explained.
func (v *verifier) endStreams() {
	for _, key := range slices.SortedFunc(maps.Keys(v.late), lateKey.compare) {
		if v.excused[key] && v.hasBeside(key) {
			continue
		}
		v.tell(v.late[key])
	}
	v.late = nil
}

// waiting returns a reader of r whose reads end when the context does. What can
// be sought is a file, which does not keep anybody waiting; of a pipe or a tape
// another goroutine reads, which is left to its own when the context ends.
func waiting(ctx context.Context, r io.Reader) io.Reader {
	if _, ok := r.(io.Seeker); ok {
		return r
	}
	w := &waiter{ctx: ctx, full: make(chan piece), empty: make(chan []byte, 2)}
	w.empty <- make([]byte, waitBuf)
	w.empty <- make([]byte, waitBuf)
	go w.read(r)
	return w
}

// waitBuf is the size of one of the two buffers between reader and waiter, in
// bytes.
const waitBuf = 1 << 20

// piece is what one read gave.
type piece struct {
	b   []byte
	err error
}

type waiter struct {
	ctx   context.Context
	full  chan piece
	empty chan []byte
	whole []byte // the buffer that rest is of
	rest  []byte
	err   error // that came with rest
}

// read reads ahead, until an error or the end of the context.
func (w *waiter) read(r io.Reader) {
	for {
		var buf []byte
		select {
		case buf = <-w.empty:
		case <-w.ctx.Done():
			return
		}
		n, err := r.Read(buf[:cap(buf)])
		select {
		case w.full <- piece{buf[:n], err}:
		case <-w.ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

func (w *waiter) Read(p []byte) (int, error) {
	for len(w.rest) == 0 {
		if w.err != nil {
			return 0, w.err
		}
		if w.whole != nil {
			w.empty <- w.whole // has room for both
			w.whole = nil
		}
		select {
		case got := <-w.full:
			w.whole, w.rest, w.err = got.b, got.b, got.err
		case <-w.ctx.Done():
			return 0, context.Cause(w.ctx)
		}
	}
	n := copy(p, w.rest)
	w.rest = w.rest[n:]
	return n, nil
}
