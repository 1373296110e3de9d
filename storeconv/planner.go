package storeconv

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"

	"imsconv/storeconv/ims"
	"imsconv/storeconv/sims"
)

// planner reads the streams and decides what is to be done. It belongs to one goroutine; everything it says goes through the batches, so that the order of the
// stream is kept.
type planner struct {
	r       *restore
	rep     RestoreReport
	unknown map[string]int64

	stream int
	src    Source
	header sims.Header
	latest int64 // date of the latest backup, or of a message where one has none

	batch  *batch
	visit  *visit
	box    *box
	boxKey string // the stream's name of box
	seq    int

	user    string // the user of the last member,
	userIn  bool   // whether it is selected,
	userBad string // and what is wrong with its id
	userID  string

	visits     map[string]string // users met, in a dry run
	visitBytes int
	spools     int
}

func newPlanner(r *restore) *planner {
	return &planner{r: r, unknown: make(map[string]int64), visits: make(map[string]string)}
}

// plan reads all streams.
func (p *planner) plan(ctx context.Context) error {
	for i, s := range p.r.streams {
		p.stream, p.src = i, s.Source
		if err := p.readStream(ctx); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return fmt.Errorf("%s: %w", s.Name, err)
		}
	}
	for _, u := range p.r.sel.missing() {
		p.talk(talk{warning: true, kind: "user-missing", where: "user " + sims.DisplayName(u), text: "named in the selection, not in the stream"})
	}
	return nil
}

func (p *planner) readStream(ctx context.Context) error {
	header, err := p.src.Header()
	if err != nil {
		return err
	}
	p.header = header
	p.latest = max(p.latest, header.Date)
	p.rep.NoHeader = p.rep.NoHeader || header.Profile == ""
	for _, a := range header.Unknown {
		p.note(a.Key)
	}
	for n := 0; ; n++ {
		if n%64 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		m, err := p.src.Next()
		if err == io.EOF {
			break
		}
		if err == nil {
			err = p.member(m)
		}
		if err != nil {
			if err := p.problem(err); err != nil {
				return err
			}
		}
	}
	// An interrupt often ends the program that feeds the stream too: such an end is not the stream's.
	if err := ctx.Err(); err != nil {
		return err
	}
	return p.endVisit()
}

// unknownKept bounds the different keys that are counted one by one.
const unknownKept = 100

// note counts a key of the stream that has no meaning here.
func (p *planner) note(key string) {
	if _, ok := p.unknown[key]; !ok && len(p.unknown) >= unknownKept {
		key = "others"
	}
	p.unknown[key]++
}

// problem passes over an error that concerns one member.
func (p *planner) problem(err error) error {
	pr := problemOf(err)
	if pr == nil {
		return err
	}
	p.talk(talk{warning: pr.Warning, kind: pr.Kind, where: p.r.whereOf(p.stream, pr.Offset, pr.Name), text: pr.Text})
	if !pr.Warning {
		p.rep.Refused++
	}
	if m := pr.Member; m != nil {
		return p.hold(m, "refused")
	}
	return nil
}

// refuse leaves a member out.
func (p *planner) refuse(m *sims.Member, kind, text string) error {
	p.rep.Refused++
	p.talk(talk{kind: kind, where: p.r.whereOf(p.stream, m.Offset, m.Name), text: text})
	if m.Kind == sims.Message {
		return p.hold(m, "refused")
	}
	return nil
}

func (p *planner) talk(t talk) { p.add(item{kind: itemTalk, talk: t, v: p.visit}) }

// member decides about one member.
func (p *planner) member(m *sims.Member) error {
	for _, a := range m.Unknown {
		p.note(a.Key)
	}
	if p.header.Date == 0 && m.Time <= ims.MaxTime {
		p.latest = max(p.latest, m.Time)
	}
	if m.User != p.user || p.user == "" {
		p.enterUser(m.User)
	}
	switch {
	case !p.userIn:
		return p.leaveOut(m)
	case p.userBad != "":
		return p.refuse(m, "bad-user", p.userBad)
	}
	if m.Kind == sims.User {
		return p.userMember(m)
	}
	if p.visit == nil || p.visit.id != p.userID || p.box == nil || p.boxKey != m.Mailbox {
		if ok, err := p.enterBox(m); !ok || err != nil {
			return err
		}
	}
	if p.visit.skip {
		return p.passOver(m)
	}
	if m.Kind != sims.Mailbox {
		// Also for a message that is left out: the mailbox belongs to the visit, and what the store has of it must stay.
		if p.box.validity == 0 {
			p.box.validity = p.validityWithout(m)
		}
		if err := p.openBox(p.box, m); err != nil {
			return err
		}
	}
	switch m.Kind {
	case sims.Mailbox:
		attrs := *m
		if m.UIDValidity != 0 {
			p.box.validity = m.UIDValidity
		} else if p.box.validity == 0 {
			p.box.validity = p.validityWithout(m)
		}
		if err := p.openBox(p.box, m); err != nil {
			return err
		}
		p.add(item{kind: itemBox, box: p.box, v: p.visit, attrs: &attrs, orig: p.box.validity, name: m.Name, offset: m.Offset})
		return nil
	case sims.Message:
		return p.message(m)
	}
	return p.linkMember(m)
}

// enterUser looks at a user that the last member did not belong to.
func (p *planner) enterUser(user string) {
	p.user, p.userBad = strings.Clone(user), ""
	p.userIn = p.r.sel.user(user)
	if !p.userIn {
		return
	}
	id, err := p.r.sel.storeID(p.user)
	if err != nil {
		p.userBad = err.Error()
	}
	p.userID = id
}

// leaveOut passes over what the selection does not name.
func (p *planner) leaveOut(m *sims.Member) error {
	switch m.Kind {
	case sims.User:
		return nil
	case sims.Mailbox:
		return p.noteValidity(m)
	}
	p.rep.NotSelected++
	if m.Kind == sims.Message {
		return p.hold(m, "not selected")
	}
	return p.noteJoin(m)
}

// passOver does what is left to do for a member of a user that an interrupted run had finished.
func (p *planner) passOver(m *sims.Member) error {
	if m.Kind == sims.Mailbox {
		p.box.validity = max(p.box.validity, m.UIDValidity)
		return nil
	}
	_, _, marks := parseFlags(m.Flags)
	switch {
	case marks&markExpired != 0 && m.Kind == sims.Message:
		p.rep.Expired++
		return p.hold(m, "expired")
	case marks&markExpired != 0:
		p.rep.Expired++
	case m.Link == m.Name:
		return p.refuse(m, "lost-link", "it is a link to itself")
	case !p.box.uids.add(m.UID):
		return p.refuse(m, "duplicate-uid", sameUID)
	case marks&markPending != 0:
		p.rep.Pending++
	}
	return p.noteJoin(m)
}

const sameUID = "the mailbox has this UID already: the first one stays"

func (p *planner) userMember(m *sims.Member) error {
	if err := p.enterVisit(); err != nil {
		return err
	}
	if m.HasQuota && !p.visit.skip {
		attrs := *m
		p.add(item{kind: itemBox, v: p.visit, attrs: &attrs})
	}
	return nil
}

// enterVisit makes the current user's visit the current one.
func (p *planner) enterVisit() error {
	if p.visit != nil && p.visit.id == p.userID {
		return nil
	}
	if err := p.endVisit(); err != nil {
		return err
	}
	v := &visit{id: p.userID, user: p.user, stream: p.stream, date: p.header.Date, stage: strconv.Itoa(p.seq), boxes: make(map[string]*box)}
	p.seq++
	if err := p.startVisit(v); err != nil {
		return err
	}
	p.visit = v
	if p.r.run != nil && !v.skip {
		p.r.staged.set(v.id, v.stage)
	}
	return nil
}

// boxesKept bounds the mailboxes of one user that a dry run remembers. One that comes back after that is taken for another. (A real run needs about 1 KB for each
// mailbox of the user it is at.)
const boxesKept = 4096

// forget lets the mailboxes of a dry run's user go when they are many.
func (p *planner) forget() {
	v := p.visit
	if p.r.run != nil || len(v.order) < boxesKept {
		return
	}
	p.add(item{kind: itemForget, v: v, boxes: v.order})
	v.order, v.boxes, p.box = nil, make(map[string]*box), nil
}

// startVisit finds out what is known of the user.
func (p *planner) startVisit(v *visit) error {
	last, err := p.lastVisit(v.id)
	if err != nil {
		return err
	}
	v.n, v.before = last.n, last
	if v.n > 0 {
		if err := p.flush(); err != nil {
			return err
		}
	}
	if p.r.run != nil {
		if err := p.claim(v); err != nil || v.skip {
			return err
		}
	}
	if p.r.store == nil {
		return nil
	}
	_, err = p.r.store.Stat(ims.UserDir(p.r.partition, v.id))
	v.exists = err == nil
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !isNotDir(err) {
		return err
	}
	return nil
}

// claim takes the lock of a user, and asks the journal whether the visit is done.
func (p *planner) claim(v *visit) error {
	got, err := p.r.run.TryLockUser(v.id)
	if err != nil {
		return err
	}
	if !got {
		if err := p.flush(); err != nil {
			return err
		}
		if err := p.r.run.LockUser(v.id); err != nil {
			return err
		}
	}
	done, ok, err := p.r.jr.Get(doneKey(v))
	if err != nil || !ok {
		return err
	}
	v.skip = true
	p.rep.Resumed++
	if n := restoreCounts(done, &p.rep); n > 0 {
		p.talk(talk{kind: "interrupted", where: "user " + v.id, text: fmt.Sprintf("%d problems were told by the interrupted run", n)})
	}
	return p.r.run.UnlockUser(v.id)
}

// endVisit tells the collector that the visit is over.
func (p *planner) endVisit() error {
	v := p.visit
	if v == nil {
		return nil
	}
	p.visit, p.box = nil, nil
	if !v.skip {
		p.add(item{kind: itemEnd, v: v})
	}
	return p.noteVisit(v)
}

// enterBox makes the mailbox of m the current one. ok is false when it was left out or refused.
func (p *planner) enterBox(m *sims.Member) (ok bool, err error) {
	name, err := p.r.sel.mailboxName(m.Mailbox)
	if err != nil {
		return false, p.refuse(m, "bad-mailbox", err.Error())
	}
	if !p.r.sel.mailbox(p.user, name) {
		return false, p.leaveOut(m)
	}
	if err := p.enterVisit(); err != nil {
		return false, err
	}
	p.boxKey = strings.Clone(m.Mailbox)
	if b := p.visit.boxes[name]; b != nil {
		p.box = b
		return true, nil
	}
	p.forget()
	b := &box{v: p.visit, name: strings.Clone(name), path: ims.MailboxPath(name)}
	b.dir = p.visit.stage + "/"
	if b.path != "" {
		b.dir += b.path + "/"
	}
	b.validity, b.counted = p.visit.before.validities[b.name]
	if p.visit.before.stream == p.stream {
		b.uids = p.visit.before.uids[b.name]
	}
	p.visit.boxes[b.name] = b
	p.visit.order = append(p.visit.order, b)
	p.box = b
	return true, nil
}

// validityWithout is the UIDVALIDITY of a mailbox that the stream says none for.
func (p *planner) validityWithout(m *sims.Member) uint32 {
	for _, t := range [...]int64{p.header.Date, m.Time} {
		if t > 0 && t < 1<<32 && (t == p.header.Date || m.Kind != sims.Mailbox) {
			return uint32(t)
		}
	}
	return 1
}

// message takes in a message.
func (p *planner) message(m *sims.Member) error {
	_, _, marks := parseFlags(m.Flags)
	if marks&markExpired != 0 {
		p.rep.Expired++
		return p.hold(m, "expired")
	}
	it, ok, err := p.placed(m, marks)
	if err != nil || !ok {
		return err
	}
	it.kind, it.size = itemMessage, m.Size
	if m.Size > sims.MaxInline {
		return p.longBody(it)
	}
	b, err := p.src.Bytes()
	if err != nil {
		return err
	}
	it.body = b
	return p.decide(it)
}

// placed makes the item of a message or link with its UID in the store. ok is false when the UID is taken.
func (p *planner) placed(m *sims.Member, marks markSet) (it item, ok bool, err error) {
	if marks&markPending != 0 {
		p.rep.Pending++
	}
	if marks&markUnknown != 0 {
		p.talk(talk{warning: true, kind: "unknown-flag", where: p.r.whereOf(p.stream, m.Offset, m.Name), text: fmt.Sprintf("%q has a flag that no server knows", m.Flags)})
	}
	b := p.box
	if b.validity == 0 {
		b.validity = p.validityWithout(m)
	}
	if err := p.openBox(b, m); err != nil {
		return it, false, err
	}
	when := m.Time
	if when < ims.MinTime || when > ims.MaxTime {
		p.talk(talk{warning: true, kind: "bad-date", where: p.r.whereOf(p.stream, m.Offset, m.Name), text: fmt.Sprintf("receive date %d is outside the years 1 to 9999: kept as 0", when)})
		when = 0
	}
	it = item{box: b, v: p.visit, name: m.Name, offset: m.Offset, uid: m.UID, time: when, orig: b.validity, origUID: m.UID, rawFlags: m.Flags}
	if !b.uids.add(m.UID) {
		return it, false, p.refuse(m, "duplicate-uid", sameUID)
	}
	return it, true, nil
}

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
		b = toCRLF(nil, b, 0)
	}
	return sha256.Sum256(b)
}

// linkMember takes in a later copy.
func (p *planner) linkMember(m *sims.Member) error {
	_, _, marks := parseFlags(m.Flags)
	if marks&markExpired != 0 {
		p.rep.Expired++
		return nil
	}
	if m.Link == m.Name {
		return p.refuse(m, "lost-link", "it is a link to itself")
	}
	it, ok, err := p.placed(m, marks)
	if err != nil || !ok {
		return err
	}
	it.kind, it.link = itemLink, m.Link
	seen, err := p.shown(m.Link)
	if err != nil {
		return err
	}
	it.late = !seen
	if err := p.noteJoin(m); err != nil {
		return err
	}
	return p.decide(it)
}

// shown tells whether the stream has been past the message of that name. What workers have written may be ahead of what the collector has reached: a link to
// something further on must not find it by luck.
func (p *planner) shown(name string) (bool, error) {
	at, ok := p.r.sel.placeOf(name)
	if !ok {
		return false, nil
	}
	if at.id == p.visit.id {
		b := p.visit.boxes[at.mailbox]
		return b != nil && b.uids.has(at.uid) || p.visit.n > 0, nil
	}
	last, err := p.lastVisit(at.id)
	return last.n > 0, err
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
	defer close(it.chunks)
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
func (r *restore) sumOfHeld(h *held) (sum [32]byte, err error) {
	src := r.heldBody(h)
	defer src.drain()
	bh := newBodyHash(r.opt.CRLF)
	buf := make([]byte, 64<<10)
	for {
		b, err := src.next(buf)
		if err == io.EOF {
			break
		}
		if err != nil {
			return sum, err
		}
		bh.add(b)
	}
	bh.h.Sum(sum[:0])
	return sum, nil
}
