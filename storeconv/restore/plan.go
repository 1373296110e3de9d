package restore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"imsconv/dbconv/mboxlist"
	"imsconv/storeconv"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/internal/journal"
	"imsconv/storeconv/sims"
)

// planner reads the streams and decides what is to be done. It belongs to one
// goroutine; everything it says goes through the batches, so that the order of
// the stream is kept.
type planner struct {
	r       *run
	rep     Report
	unknown map[string]int64

	stream  int
	src     source
	header  sims.Header
	headers []sims.Header // of the streams so far
	changed bool          // mailboxes of one name have had several UIDVALIDITYs
	latest  int64         // date of the latest backup, or of a message where one has none
	at      int64         // number of the current member, in all streams
	owed    bool          // the current member is a message, and nothing has been said of what becomes of it
	body    bodyOf        // the last member of a visit

	batch       *batch
	feeding     chan chunk // of the long body that is being read
	visit       *visit
	box         *box
	boxKey      string // the stream's name of box
	seq         int
	open        openVisits
	awaited     awaited
	comeBack    bool // a user has come back
	interleaved bool
	atEnd       bool // the stream has been read,
	ended       bool // and the last one
	lastRound   bool // and links that were put off are made

	user    string // the user of the last member,
	userIn  bool   // whether it is selected,
	userBad string // what is wrong with its id,
	userOut bool   // whether there is no place for it in the store
	userID  string

	content    contentSum        // of the visits that have ended
	visits     map[string]string // histories, in a dry run
	visitBytes int
	spools     int
	spares     journal.Writer // bodies held back, until the next batch is sent
	notes      journal.Writer // what is remembered, until the visit at hand is noted
}

// bodyOf says where a member lies whose body a visit has; a run that goes on
// passes over the bodies of visits that are done.
type bodyOf struct {
	v      *visit // nil: no visit has it
	offset int64
}

// has tells whether damage is in that body.
func (b bodyOf) has(e *sims.Error) bool {
	return b.v != nil && e.Member == nil && e.Offset == b.offset
}

func newPlanner(r *run) *planner {
	p := &planner{r: r, unknown: make(map[string]int64), visits: make(map[string]string), spares: r.jr.Writer(), notes: r.jr.Writer()}
	p.open.most = r.opt.open
	if p.open.most == (openBounds{}) {
		p.open.most = openBounds{memory: openMemory, bytes: openBytes}
	}
	return p
}

// plan reads all streams.
func (p *planner) plan(ctx context.Context) error {
	for i, s := range p.r.streams {
		p.stream, p.src = i, &namedSource{sourceOf(s.Source), s.Name}
		if err := p.readStream(ctx); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return err
		}
	}
	if err := p.linksPutOff(ctx); err != nil {
		return err
	}
	if err := p.joinOthers(ctx); err != nil {
		return err
	}
	for _, u := range p.r.sel.Missing() {
		p.tell(storeconv.Note{Severity: storeconv.Problem, Kind: "user-missing", Where: "user " + sims.DisplayName(u), Text: "named in the selection, not in the stream"})
	}
	for _, path := range p.r.sel.MissingMailboxes() {
		p.tell(storeconv.Note{Severity: storeconv.Problem, Kind: "mailbox-missing", Where: sims.DisplayName(path), Text: "named in the selection, not in the stream"})
	}
	return nil
}

func (p *planner) readStream(ctx context.Context) error {
	p.body, p.atEnd = bodyOf{}, false
	header, err := p.src.Header()
	if err != nil {
		return err
	}
	p.header, p.headers = header, append(p.headers, header)
	p.latest = max(p.latest, header.Date)
	p.rep.NoHeader = p.rep.NoHeader || header.Profile == ""
	for _, a := range header.Unknown {
		p.countUnknown(a.Key)
	}
	for n := 0; ; n++ {
		if n%64 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		m, err := p.src.Next()
		if err == io.EOF {
			break
		}
		p.owed = owes(m, err)
		if err == nil {
			// Damage has no number: a run that passes over bodies meets less of it.
			p.at++
			p.body = bodyOf{}
			err = p.member(m)
		}
		if err != nil {
			if err := p.passDamage(err); err != nil {
				return err
			}
		}
	}
	// An interrupt often ends the program that feeds the stream too: such an end
	// is not the stream's.
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := p.spares.Flush(); err != nil {
		return err
	}
	p.atEnd = true
	p.ended = p.stream == len(p.r.streams)-1
	return p.endVisits()
}

// unknownKept bounds the different keys that are counted one by one.
const unknownKept = 100

// countUnknown counts a key of the stream that has no meaning here.
func (p *planner) countUnknown(key string) {
	if _, ok := p.unknown[key]; !ok && len(p.unknown) >= unknownKept {
		key = "others"
	}
	p.unknown[key]++
}

// passDamage passes over an error that concerns one member. Any other it
// returns.
func (p *planner) passDamage(err error) error {
	e := damageOf(err)
	if e == nil {
		return err
	}
	n := storeconv.NoteOf(e)
	n.Where = p.r.whereOf(p.stream, e.Offset, e.Name)
	if p.body.has(e) {
		p.tellBody(n)
		return nil
	}
	p.tell(n)
	if e.Class == sims.NoEnd {
		p.rep.NoEnd = append(p.rep.NoEnd, p.r.streams[p.stream].Name)
	}
	if n.Severity == storeconv.Problem {
		p.rep.Refused++
		p.lose(n.Kind)
	}
	if e.Member != nil {
		return p.keepSpare(e.Member, false)
	}
	return nil
}

// tellBody tells of damage in the body of a member of a visit. When that is
// done, its damage has been told, and may not be met again: it is told with the
// visit.
func (p *planner) tellBody(n storeconv.Note) {
	if !p.body.v.skip {
		p.tellOf(p.body.v, n)
	}
	p.owed = false
}

// tellOf tells of something about a visit that a run which finds it done would
// not come to. A problem counts among what is refused, and as a message that is
// lost if the one at hand is, and nothing else was said of it.
func (p *planner) tellOf(v *visit, n storeconv.Note) {
	refused := n.Severity == storeconv.Problem
	p.add(&noteStep{Note: n, v: v, refused: refused, lost: refused && p.owed})
	p.owed = p.owed && !refused
}

// owes says whether what the stream has given is a message, or was one.
func owes(m *sims.Member, err error) bool {
	if err != nil {
		e := damageOf(err)
		return e != nil && e.Member != nil
	}
	return m.Kind == sims.Message || m.Kind == sims.Link
}

// lose counts the message at hand, if it is one, as lost, unless something else
// was said of it before.
func (p *planner) lose(kind string) {
	if p.owed {
		p.rep.lose(kind)
	}
	p.owed = false
}

// expire counts the message at hand as left out because of its mark.
func (p *planner) expire() {
	p.rep.Expired++
	p.owed = false
}

// refuse leaves a member out.
func (p *planner) refuse(m *sims.Member, kind, text string) error {
	p.rep.Refused++
	p.lose(kind)
	p.tell(storeconv.Note{Severity: storeconv.Problem, Kind: kind, Where: p.r.whereOf(p.stream, m.Offset, m.Name), Text: text})
	if m.Kind == sims.Message && kind != "duplicate-uid" { // the name is the first one's
		return p.keepSpare(m, false)
	}
	return nil
}

// warn tells of something about a member that loses nothing.
func (p *planner) warn(m *sims.Member, kind, text string) {
	p.tell(storeconv.Note{Severity: storeconv.Warning, Kind: kind, Where: p.r.whereOf(p.stream, m.Offset, m.Name), Text: text})
}

func (p *planner) tell(n storeconv.Note) { p.add(&noteStep{Note: n}) }

// member decides about one member.
func (p *planner) member(m *sims.Member) error {
	for _, a := range m.Unknown {
		p.countUnknown(a.Key)
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
	case p.userOut:
		return p.passUser(m)
	}
	if m.Kind == sims.User {
		return p.userMember(m)
	}
	if p.visit == nil || !p.visit.goesOn(p) || p.box == nil || p.boxKey != m.Mailbox {
		if ok, err := p.enterBox(m); !ok || err != nil {
			return err
		}
	}
	p.visit.headers.add(m)
	p.visit.last = p.at
	p.body = bodyOf{p.visit, m.Offset}
	if m.Kind != sims.Mailbox {
		p.open.count(p.visit, m.Size)
	}
	if err := p.settleValidity(m); err != nil {
		return err
	}
	if p.visit.skip {
		return p.passOver(m)
	}
	p.visit.sum.member(m)
	// Also for a message that is left out: the mailbox belongs to the visit, and
	// what the store has of it must stay.
	var bad *badNameError
	if err := p.openBox(); errors.As(err, &bad) {
		p.takeOut(m, err)
	} else if err != nil {
		return err
	}
	if p.box.plan.out {
		return p.passBox(m)
	}
	switch m.Kind {
	case sims.Mailbox:
		if m.UIDNext > 0 { // the UIDs below have been given out
			p.box.plan.last = max(p.box.plan.last, m.UIDNext-1)
		}
		p.add(&boxStep{box: p.box, attrs: m.Clone(), validity: p.box.plan.validity, joined: p.box.plan.joined, saysRights: p.header.Profile != ""})
		return nil
	case sims.Message:
		return p.message(m)
	}
	return p.link(m)
}

// enterUser looks at a user that the last member did not belong to.
func (p *planner) enterUser(user string) {
	p.user, p.userBad, p.userOut = strings.Clone(user), "", false
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
		return p.noteOther(m)
	case sims.Mailbox:
		return errors.Join(p.noteLeftOut(m), p.noteOther(m))
	}
	p.rep.NotSelected++
	p.owed = false
	if m.Kind == sims.Message {
		return p.keepSpare(m, false)
	}
	return p.noteJoin(m)
}

// passOver does what is left to do for a member of a user that an interrupted
// run had finished.
func (p *planner) passOver(m *sims.Member) error {
	if m.Kind == sims.Mailbox {
		return nil
	}
	marks := marksOf(m.Flags)
	switch {
	case marks&markExpired != 0 && m.Kind == sims.Message:
		p.expire()
		return p.keepSpare(m, true)
	case marks&markExpired != 0:
		p.expire()
		return p.noteJoin(m)
	case m.Link == m.Name:
		return p.refuse(m, "lost-link", linkToItself)
	}
	p.look(m, marks)
	if !p.box.plan.show(m) {
		return p.refuse(m, "duplicate-uid", sameUID)
	}
	return p.noteJoin(m)
}

const sameUID = "the mailbox has this UID already: the first one stays"

func (p *planner) userMember(m *sims.Member) error {
	if ok, err := p.begin(m); !ok || err != nil {
		return err
	}
	p.visit.headers.add(m)
	p.visit.last = p.at
	if !p.visit.skip {
		p.visit.sum.member(m)
	}
	if m.HasQuota {
		p.setQuota(m)
	}
	return nil
}

// setQuota notes the limit of a user. Of users who are put together the larger
// one holds: with the smaller one the mail of both might have no room.
func (p *planner) setQuota(m *sims.Member) {
	v := p.visit
	quota, was := m.Quota, v.before.quota
	if v.hasQuota && m.User != v.user {
		was = v.quota
	}
	if v.before.hasQuota && (v.before.joins(v.user) || m.User != v.user) && quota != was {
		quota = largerLimit(was, quota)
		if !v.skip {
			p.tellOf(v, storeconv.Note{Severity: storeconv.Warning, Kind: "quota-limit", Where: "user " + sims.DisplayName(m.User),
				Text: fmt.Sprintf("has a limit of %s, and user %s, whose mail is here too, one of %s: that of %s is set", limitText(m.Quota), sims.DisplayName(v.before.user), limitText(was), limitText(quota))})
		}
	}
	v.quota, v.hasQuota = quota, true
	if !v.skip {
		p.add(&quotaStep{v: v, quota: quota})
	}
}

// largerLimit is the larger one of two limits as streams have them. How large
// the server's default is nobody knows here: the first limit stays.
func largerLimit(first, second int64) int64 {
	switch {
	case first == mboxlist.Unlimited || second == mboxlist.Unlimited:
		return mboxlist.Unlimited
	case first < 0 || second < 0:
		return first
	}
	return max(first, second)
}

func limitText(limit int64) string {
	switch limit {
	case mboxlist.Unlimited:
		return "none"
	case mboxlist.ServerDefault:
		return "the server's default"
	}
	return fmt.Sprintf("%d bytes", limit)
}

// message plans a message: its place, and what becomes of its body.
func (p *planner) message(m *sims.Member) error {
	marks := marksOf(m.Flags)
	if marks&markExpired != 0 {
		p.expire()
		return p.keepSpare(m, true)
	}
	e, ok, err := p.place(m, marks)
	if err != nil || !ok {
		return err
	}
	step := &messageStep{entry: e, size: m.Size}
	if step.cutTo, step.cut, err = p.r.cutDate(e.date); err != nil {
		return err
	}
	if m.Size > sims.MaxInline {
		return p.longMessage(step)
	}
	if step.inline, err = p.src.Bytes(); err != nil {
		return err
	}
	p.visit.sum.body(step.inline)
	if p.box.existing == nil || p.merge(&step.entry, func(crlf bool) [32]byte { return sumOf(step.inline, crlf) }) {
		p.add(step)
	}
	return nil
}

// link plans a later copy.
func (p *planner) link(m *sims.Member) error {
	marks := marksOf(m.Flags)
	if marks&markExpired != 0 {
		p.expire()
		return nil
	}
	if m.Link == m.Name {
		return p.refuse(m, "lost-link", linkToItself)
	}
	e, ok, err := p.place(m, marks)
	if err != nil || !ok {
		return err
	}
	if err := p.noteJoin(m); err != nil {
		return err
	}
	data, err := p.linkData(m)
	if err != nil {
		return err
	}
	return p.addLink(&linkStep{entry: e, first: m.Link, data: data})
}

// addLink sends a later copy, unless the mailbox has no UID for it.
func (p *planner) addLink(step *linkStep) error {
	step.saysFlags = p.saysFlags()
	if err := p.findPassed(step); err != nil {
		return err
	}
	if b := step.box; b.existing != nil {
		if p.skipsCopies(b) && b.existing.mayHave(&step.entry) {
			p.inDoubt(step)
			return nil
		}
		if !p.placeBeside(&step.entry) {
			return nil
		}
	}
	p.add(step)
	return nil
}

// look counts and tells what is odd about a message or link, and returns its
// date.
func (p *planner) look(m *sims.Member, marks markSet) (date int64) {
	if marks&markPending != 0 {
		p.rep.Pending++
	}
	if marks&markUnknown != 0 {
		p.warn(m, "unknown-flag", fmt.Sprintf("%q has a flag that no server knows", m.Flags))
	}
	if m.Time < ims.MinTime || m.Time > ims.MaxTime {
		p.warn(m, "bad-date", fmt.Sprintf("receive date %d is outside the years 1 to 9999: kept as 0", m.Time))
		return 0
	}
	return m.Time
}

// place makes the entry of a message or link with its UID in the store. ok
// is false when the stream has shown the UID before.
func (p *planner) place(m *sims.Member, marks markSet) (e entry, ok bool, err error) {
	date := p.look(m, marks)
	e = entry{
		box: p.box, name: m.Name, age: p.box.plan.age, at: p.at, offset: m.Offset, uid: m.UID, date: date,
		validity: p.box.plan.validity, origUID: m.UID, flags: m.Flags,
		made: p.box.plan.made != 0 && m.UID >= p.box.plan.made, anyDate: m.NoTime,
	}
	e.nameless = e.made || p.box.plan.unsaid
	if !p.box.plan.show(m) {
		return e, false, p.refuse(m, "duplicate-uid", sameUID)
	}
	return e, true, nil
}
