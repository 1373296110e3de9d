package export

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"imsconv/storeconv"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/sims"
)

// How many users of a stream stay open at a time, and how many messages they
// may have: a stream need not keep users together.
const (
	openUsers    = 256
	openMessages = 1 << 18
)

// streamFeed reads a stream.
type streamFeed struct {
	r       *run
	s       *stream
	users   map[string]*streamUser // open ones, by their names in the stream
	order   []*streamUser          // by when they came last
	closed  map[uint64]bool        // users that have been closed, by hash
	now     *streamUser
	held    int // messages of open users
	pending map[string]chan struct{}
	unknown map[string]int64
	told    time.Time // when what is told went out last
}

// streamUser is a user with a stay in the stream. Its user is nil when he does
// not take part.
type streamUser struct {
	name    string
	u       *user  // nil: he does not take part
	refused string // he cannot, which has been told: the kind of that
	p       *packer
}

// feedStream reads the stream of the run.
func (r *run) feedStream(outer, ctx context.Context) error {
	f := &streamFeed{r: r, s: r.src.stream, users: make(map[string]*streamUser), closed: make(map[uint64]bool), pending: make(map[string]chan struct{}), unknown: make(map[string]int64), told: time.Now()}
	done := make(chan error, 1)
	go func() { done <- f.read(ctx) }()
	_, err := storeconv.Await(outer, done, f.s.guard)
	return err
}

// read reads members to the end.
func (f *streamFeed) read(ctx context.Context) error {
	if err := f.s.findTargets(ctx, f.wants); err != nil {
		return err
	}
	h, err := f.s.source.Header()
	if err == nil && h.HasDate {
		f.s.date = h.Date
	}
	for ctx.Err() == nil {
		m, err := f.s.source.Next()
		if err == io.EOF {
			break
		}
		var damage *sims.Error
		if errors.As(err, &damage) {
			f.damage(damage)
			if damage.Class == sims.NoEnd {
				f.r.count(func(rep *Report) { rep.NoEnd = true })
			}
			if damage.Member != nil {
				f.r.count(func(rep *Report) { rep.lose(damage.Class, 1) })
			}
			continue
		}
		if err != nil {
			f.r.fail(err)
			break
		}
		if err := f.member(ctx, m); err != nil {
			f.r.fail(err)
			break
		}
	}
	return f.end(ctx)
}

// end closes the users that are open.
func (f *streamFeed) end(ctx context.Context) error {
	for len(f.order) > 0 && ctx.Err() == nil { // else they may not be whole
		if err := f.close(f.order[0]); err != nil {
			f.r.fail(err)
		}
	}
	if ctx.Err() != nil {
		f.giveUp()
		return nil
	}
	for _, id := range f.r.sel.Missing() {
		f.r.whole.Problem("no-user", "user "+id, "the stream does not have this user")
	}
	for _, at := range f.r.sel.MissingMailboxes() {
		f.r.whole.Problem("no-mailbox", at, "the stream does not have this mailbox")
	}
	for _, key := range slices.Sorted(maps.Keys(f.unknown)) {
		f.r.whole.Warning("unknown-key", "stream", fmt.Sprintf("%d members have the key %s, which is not known", f.unknown[key], key))
	}
	return nil
}

// giveUp waits for what the workers have of users that are not finished.
func (f *streamFeed) giveUp() {
	for _, su := range f.order {
		if su.p != nil {
			su.p.send()
			su.u.wg.Wait()
		}
	}
}

// tellEvery is how long what is told of a stream is kept, if it goes on.
const tellEvery = 5 * time.Second

// room lets out what is told so far, when there is much of it or it has been
// kept for some time: the order is the same.
func (f *streamFeed) room() {
	n := f.r.notes
	if n.kept.Load() == 0 || !n.full() && time.Since(f.told) < tellEvery {
		return
	}
	for _, su := range f.order {
		if su.p != nil {
			su.p.send()
		}
	}
	for _, su := range f.order {
		if su.u != nil {
			su.u.wg.Wait()
		}
	}
	f.r.waitPlaced()
	f.r.whole.tellSoFar()
	f.told = time.Now()
}

// damage tells what is wrong with a member.
func (f *streamFeed) damage(e *sims.Error) {
	n := storeconv.NoteOf(e)
	n.Tell(f.r.whole)
	if n.Severity == storeconv.Problem {
		f.r.count(func(rep *Report) { rep.Refused++ })
	}
}

func (f *streamFeed) tell(m *sims.Member, class, text string) {
	f.damage(&sims.Error{Offset: m.Offset, Name: m.Name, Class: class, Text: text})
}

// wants says whether what a member needs of other members is of interest: it
// is, when the member itself takes part.
func (f *streamFeed) wants(m *sims.Member) bool {
	name, err := f.r.sel.MailboxName(m.Mailbox)
	return f.r.sel.Takes(m.User) && err == nil && f.r.sel.TakesMailbox(m.User, name)
}

// member exports one member.
func (f *streamFeed) member(ctx context.Context, m *sims.Member) error {
	for _, a := range m.Unknown {
		f.unknown[a.Key]++
	}
	f.room()
	su, err := f.user(ctx, m.User)
	if err != nil {
		return err
	}
	if m.Kind == sims.User {
		if su.u != nil && m.HasQuota {
			su.u.setQuota(m.Quota, 0)
		}
		return nil
	}
	box, refused, err := f.mailbox(su, m)
	switch {
	case err != nil:
		return err
	case m.Kind == sims.Mailbox:
		return nil
	case box == nil:
		f.r.count(func(rep *Report) {
			if refused == "" {
				rep.NotSelected++
			} else {
				rep.lose(refused, 1)
			}
		})
		return f.spare(m, false)
	}
	return f.message(ctx, su, box, m)
}

// user finds the user of a member, and begins one.
func (f *streamFeed) user(ctx context.Context, name string) (*streamUser, error) {
	if f.now != nil && f.now.name == name {
		return f.now, nil
	}
	if f.now != nil && f.now.p != nil {
		f.now.p.send()
	}
	su, open := f.users[name]
	if open {
		f.order = append(slices.DeleteFunc(f.order, func(o *streamUser) bool { return o == su }), su)
		f.now = su
		return su, nil
	}
	for len(f.order) > 0 && (len(f.order) >= openUsers || f.held >= openMessages) {
		if err := f.close(f.order[0]); err != nil {
			return nil, err
		}
	}
	su = &streamUser{name: name}
	f.users[name], f.now = su, su
	f.order = append(f.order, su)
	if !f.r.sel.Meet(name) {
		if !f.r.sel.Elsewhere(name) {
			return su, nil
		}
		return su, f.r.claimElsewhere(name)
	}
	if f.closed[hash64(name)] {
		f.r.waitPlaced() // he comes back: what he has must be in its place
	}
	var err error
	if su.u, su.refused, err = f.r.openUser(name); err != nil || su.u == nil {
		return su, err
	}
	su.p = f.r.newPacker(su.u)
	return su, su.u.inbox()
}

// close ends a user's stay.
func (f *streamFeed) close(su *streamUser) error {
	delete(f.users, su.name)
	f.order = slices.DeleteFunc(f.order, func(o *streamUser) bool { return o == su })
	if f.now == su {
		f.now = nil
	}
	if su.u == nil {
		return nil
	}
	f.closed[hash64(su.name)] = true
	su.p.send()
	for _, b := range su.u.boxes {
		f.held -= b.recs.n
	}
	su.u.wg.Wait()
	return f.r.finish(su.u)
}

// mailbox finds the mailbox of a member; nil when it does not take part, or is
// refused: it cannot be, which is told, and of which kind it is.
func (f *streamFeed) mailbox(su *streamUser, m *sims.Member) (b *box, refused string, err error) {
	if su.u == nil && su.refused == "" {
		return nil, "", nil
	}
	name, err := f.r.sel.MailboxName(m.Mailbox)
	switch {
	case err != nil && su.u != nil:
		refused = "bad-name"
		f.tell(m, refused, err.Error())
		return nil, refused, nil
	case err == nil && !f.r.sel.TakesMailbox(m.User, name):
		return nil, "", nil
	case su.u == nil:
		return nil, su.refused, nil
	}
	b, err = su.u.openBox(name)
	if err != nil || m.Kind != sims.Mailbox {
		return b, "", err
	}
	b.setUIDs(m.UIDValidity, m.MadeUIDs)
	b.next = max(b.next, m.UIDNext)
	if m.Subscribed >= 0 {
		b.subscribed = m.Subscribed == 1
	}
	if m.ACL != "" {
		b.acl = m.ACL
	}
	for word := range strings.FieldsSeq(m.Keywords) {
		if !slices.Contains(b.keywords, word) {
			b.keywords = append(b.keywords, word)
		}
	}
	return b, "", nil
}

// message exports a message or a later copy.
func (f *streamFeed) message(ctx context.Context, su *streamUser, b *box, m *sims.Member) error {
	rec := record{uid: m.UID, date: m.Time}
	var words []string
	late := false
	for word := range strings.FieldsSeq(m.Flags) {
		switch flag := ims.ParseFlag(word); {
		case flag != 0:
			rec.flags |= flag
		case word == expired:
			late = true
		case word == "pending":
			su.u.count(func(rep *Report) { rep.Pending++ })
		case !slices.Contains(words, word):
			words = append(words, word)
		}
	}
	if late {
		su.u.count(func(rep *Report) { rep.Expired++ })
		b.met(m.Size)
		b.skip(expired)
		return f.spare(m, true)
	}
	if !b.meet(m.UID) {
		f.tell(m, "duplicate-uid", "the mailbox has a message of this UID already")
		b.met(m.Size)
		b.skip("duplicate-uid")
		return f.spare(m, true)
	}
	for _, word := range words { // of one that is left out nobody needs any
		if !slices.Contains(b.keywords, word) {
			b.keywords = append(b.keywords, word)
		}
	}
	rec.words = su.u.words.number(words)
	it := item{b: b, turn: f.r.whole.turn(), rec: b.recs.add(rec), at: fmt.Sprintf("stream offset %d", m.Offset)}
	f.held++
	if f.s.target(m.Name) && (f.s.targets != nil || !f.r.dry()) {
		it.own, it.done = poolKey(m.Name), make(chan struct{})
		f.await(it.own, it.done)
	}
	if m.Kind == sims.Link {
		it.link, it.key = true, poolKey(m.Link)
		it.wait = f.pending[it.key]
		if m.Carried > 0 {
			t := newText(KeepNewline, true)
			if err := copyText(io.Discard, f.s.source.Chunk, t); err != nil {
				f.tell(m, sims.Truncated, err.Error())
			} else {
				t.hash.Sum(it.wantSum[:0])
			}
		}
		return su.p.add(ctx, it)
	}
	return f.body(ctx, su, it, m)
}

// await notes what later copies wait for.
func (f *streamFeed) await(key string, done chan struct{}) {
	if len(f.pending) > 4096 {
		for k, c := range f.pending {
			select {
			case <-c:
				delete(f.pending, k)
			default:
			}
		}
	}
	f.pending[key] = done
}

// body reads the body of a message.
func (f *streamFeed) body(ctx context.Context, su *streamUser, it item, m *sims.Member) error {
	src := f.s.source
	if m.Size > sims.MaxInline {
		su.p.send()
		// Long ones are written here, piece by piece as they come.
		it.b.met(m.Size)
		err := f.r.writeLong(&it, src.Chunk, nil)
		if it.done != nil {
			close(it.done)
		}
		var dst destination
		if errors.As(err, &dst) {
			return dst.error
		}
		if err != nil {
			it.b.fail(&it, err)
		}
		return nil
	}
	data, err := src.Bytes()
	if err != nil {
		if it.done != nil {
			close(it.done)
		}
		it.b.met(m.Size)
		it.b.fail(&it, err)
		return nil
	}
	block := src.Block()
	if su.p.now != nil && su.p.now.block != block {
		su.p.send()
	}
	it.data = data
	if it.data == nil {
		it.data = []byte{}
	}
	if su.p.now == nil {
		su.p.now = &batch{u: su.u, items: make([]item, 0, most), block: block}
		if block != nil {
			block.Hold()
		}
	}
	return su.p.add(ctx, it)
}

// spare keeps the body of a message that is not exported itself, when a later
// copy asks for it. Where that is not known, only those of mailboxes that take
// part are kept: of the others there may be any number.
func (f *streamFeed) spare(m *sims.Member, takesPart bool) error {
	if m.Kind != sims.Message || !f.s.target(m.Name) || f.s.targets == nil && !takesPart {
		return nil
	}
	it := item{own: poolKey(m.Name), rec: &record{date: m.Time, uid: m.UID}}
	t := newText(f.r.opt.Newline, true)
	if f.r.dry() {
		if err := copyText(io.Discard, f.s.source.Chunk, t); err != nil {
			f.tell(m, sims.Truncated, err.Error())
			return nil
		}
		t.into(it.rec)
		f.r.keepDry(&it)
		return nil
	}
	temp := fmt.Sprintf("spare-%d", m.Offset)
	stage := f.r.folder.Stage
	if err := f.r.longFile(temp, f.s.source.Chunk, t, it.rec); err != nil {
		stage.Remove(temp)
		var dst destination
		if errors.As(err, &dst) {
			return dst.error
		}
		f.tell(m, sims.Truncated, err.Error())
		return nil
	}
	t.into(it.rec)
	f.r.keepSum(&it)
	err := f.r.offerFile(stage, temp, it.own)
	if err == nil {
		err = stage.Remove(temp)
	}
	return err
}
