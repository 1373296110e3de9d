package restore

import (
	"context"
	"fmt"
	"io"
	"strings"

	"imsconv/storeconv/ims"
	"imsconv/storeconv/sims"
)

// planner reads the streams and decides what is to be done. It belongs to one goroutine; everything it says goes through the batches, so that the order of the
// stream is kept.
type planner struct {
	r       *run
	rep     Report
	unknown map[string]int64

	stream int
	src    Source
	header sims.Header
	latest int64 // date of the latest backup, or of a message where one has none

	batch   *batch
	feeding chan chunk // of the long body that is being read
	visit   *visit
	box     *box
	boxKey  string // the stream's name of box
	seq     int

	user    string // the user of the last member,
	userIn  bool   // whether it is selected,
	userBad string // and what is wrong with its id
	userID  string

	visits     map[string]string // users met, in a dry run
	visitBytes int
	spools     int
}

func newPlanner(r *run) *planner {
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
	for _, u := range p.r.sel.Missing() {
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
	p.talk(talk{warning: pr.Tolerated, kind: pr.Class, where: p.r.whereOf(p.stream, pr.Offset, pr.Name), text: pr.Text})
	if !pr.Tolerated {
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
	p.userIn = p.r.sel.Meet(user)
	if !p.userIn {
		return
	}
	id, err := p.r.sel.StoreID(p.user)
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
	at, ok := p.r.sel.PlaceOf(name)
	if !ok {
		return false, nil
	}
	if at.ID == p.visit.id {
		b := p.visit.boxes[at.Mailbox]
		return b != nil && b.uids.has(at.UID) || p.visit.n > 0, nil
	}
	last, err := p.lastVisit(at.ID)
	return last.n > 0, err
}
