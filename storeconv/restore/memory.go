package restore

import (
	"encoding/binary"
	"errors"
	"slices"
	"sort"
	"strconv"

	"imsconv/storeconv/selection"
	"imsconv/storeconv/sims"
)

// The planner remembers users and mailboxes by the journal: a user who has come
// before, and a mailbox of which an earlier visit, or the current one, has had
// something. A dry run remembers them in memory.

// history is what is known of a user who has come before in this run: in which
// stream the last time, under which names, and what its members' headers said.
type history struct {
	n, stream int      // visits, the last one's stream
	messages  int64    // in the streams
	date      int64    // of the latest backup
	user      string   // as the stream has it, the last time
	others    []string // and other times
	quota     int64    // as all of them together have it, where hasQuota is set
	hasQuota  bool
	headers   headerSum
}

// has tells whether a user of the stream is one of those put together here.
func (h *history) has(user string) bool {
	return h.n > 0 && (h.user == user || slices.Contains(h.others, user))
}

// firstUser is the first user of the stream who had the id. v is the open
// visit, which may be the first one.
func (h *history) firstUser(v *visit) string {
	switch {
	case len(h.others) > 0:
		return h.others[0]
	case h.n > 0:
		return h.user
	}
	return v.user
}

// joins tells whether a user of the stream is put together with others here.
func (h *history) joins(user string) bool {
	return h.n > 0 && (h.user != user || len(h.others) > 0)
}

// A dry run remembers so many bytes about users and then no more: a user who
// comes back is taken for a new one then.
const visitsKept = 32 << 20

// remembered returns what is known under a key.
func (p *planner) remembered(key string) ([]byte, bool, error) {
	if p.r.dry() {
		text, ok := p.visits[key]
		return []byte(text), ok, nil
	}
	return p.r.jr.Get(key)
}

// remember notes something that is remembered once the notes are flushed.
func (p *planner) remember(key string, text []byte) error {
	if !p.r.dry() {
		return p.notes.Put(key, text)
	}
	if p.visitBytes += len(key) + len(text) + 100; p.visitBytes < visitsKept {
		p.visits[key] = string(text)
	}
	return nil
}

// lastVisit tells what is known of a user.
func (p *planner) lastVisit(id string) (h history, err error) {
	text, ok, err := p.remembered(keyVisit + id)
	if !ok || err != nil {
		return h, err
	}
	b := fields{rest: text}
	h = history{n: int(b.int()), stream: int(b.int()), messages: b.int(), date: b.int(), user: b.string(), headers: headerSum(b.int())}
	h.hasQuota, h.quota = b.bool(), b.int()
	for n := b.int(); n > 0 && !b.bad; n-- {
		h.others = append(h.others, b.string())
	}
	return h, b.err()
}

// noteVisit remembers the visit that ends, and its mailboxes.
func (p *planner) noteVisit(v *visit) error {
	h := history{n: v.n + 1, stream: v.stream, messages: v.before.messages + v.messages, date: v.date, user: v.user, headers: v.before.headers + v.headers}
	h.quota, h.hasQuota = v.before.quota, v.before.hasQuota
	if v.hasQuota {
		h.quota, h.hasQuota = v.quota, true
	}
	h.others = v.before.others
	if was := v.before.user; v.n > 0 && was != v.user && !slices.Contains(h.others, was) {
		h.others = append(slices.Clone(h.others), was)
	}
	for _, b := range v.order {
		if err := p.noteBox(b); err != nil {
			return err
		}
	}
	var b fields
	b.putInt(int64(h.n))
	b.putInt(int64(h.stream))
	b.putInt(h.messages)
	b.putInt(h.date)
	b.putString(h.user)
	b.putInt(int64(h.headers))
	b.putBool(h.hasQuota)
	b.putInt(h.quota)
	b.putInt(int64(len(h.others)))
	for _, user := range h.others {
		b.putString(user)
	}
	if err := p.remember(keyVisit+v.id, b.rest); err != nil {
		return err
	}
	return p.notes.Flush()
}

// boxMemory is what the planner remembers of a mailbox.
type boxMemory struct {
	visit    int // number of the visit that had it
	stream   int
	user     string // as the stream has it
	name     string // in the store
	renamed  bool
	again    bool
	existing bool // the store has it
	gone     bool // and not all of its files
	plan     boxPlan

	mine, taken uidRanges // as in existingBox
}

// boxKeyOf is the key of a mailbox by its name before it got another one.
func boxKeyOf(id, name string) string { return keyBox + id + "\x00" + name }

// noteBox remembers a mailbox.
func (p *planner) noteBox(b *box) error {
	var f fields
	v := b.v
	f.putInt(int64(v.number))
	f.putInt(int64(v.stream))
	f.putString(v.user)
	f.putString(b.name)
	f.putBool(b.renamed)
	f.putBool(b.again)
	f.putBool(b.existing != nil)
	f.putBool(b.existing != nil && len(b.existing.gone) > 0)
	f.putString(b.plan.source)
	f.putBool(b.plan.opened)
	f.putInt(int64(b.plan.validity))
	f.putInt(int64(b.plan.made))
	f.putBool(b.plan.unsaid)
	f.putInt(int64(b.plan.fixed))
	f.putInt(int64(b.plan.last))
	f.putInt(int64(b.plan.floor))
	f.putBool(b.plan.joined)
	f.putString(b.plan.age)
	f.putRanges(b.plan.shown)
	f.putRanges(b.plan.past)
	f.putRanges(b.plan.links)
	f.putRanges(b.plan.used)
	if b.existing != nil {
		f.putRanges(b.existing.mine)
		f.putRanges(b.existing.takenUIDs())
	}
	return p.remember(boxKeyOf(v.id, b.key), f.rest)
}

// lastBox tells what is known of a mailbox of a visit that is not in memory;
// nil: nothing.
func (p *planner) lastBox(v *visit, name string) (*boxMemory, error) {
	if v.n == 0 && !v.evicted {
		return nil, nil
	}
	return p.knownBox(v.id, name)
}

// knownBox is what noteBox has remembered of a mailbox of the store; nil:
// nothing.
func (p *planner) knownBox(id, name string) (*boxMemory, error) {
	text, ok, err := p.remembered(boxKeyOf(id, name))
	if !ok || err != nil {
		return nil, err
	}
	f := fields{rest: text}
	m := &boxMemory{
		visit: int(f.int()), stream: int(f.int()), user: f.string(), name: f.string(),
		renamed: f.bool(), again: f.bool(), existing: f.bool(), gone: f.bool(),
	}
	m.plan = boxPlan{
		source: f.string(), opened: f.bool(), validity: uint32(f.int()), made: uint32(f.int()), unsaid: f.bool(), fixed: uint32(f.int()), last: uint32(f.int()), floor: uint32(f.int()),
		joined: f.bool(), age: f.string(),
		shown: f.ranges(), past: f.ranges(), links: f.ranges(), used: f.ranges(),
	}
	if m.existing {
		m.mine, m.taken = f.ranges(), f.ranges()
	}
	return m, f.err()
}

// noteBoxOf remembers what the stream has said of a mailbox of one of the users
// who are put together under an id: another one comes to it now.
func (p *planner) noteBoxOf(b *box, m *boxMemory) error {
	var f fields
	f.putInt(int64(m.stream))
	f.putString(m.plan.source)
	f.putInt(int64(m.plan.validity))
	f.putInt(int64(m.plan.made))
	f.putBool(m.plan.unsaid)
	f.putString(m.plan.age)
	f.putRanges(m.plan.shown)
	f.putRanges(m.plan.past)
	f.putRanges(m.plan.links)
	return p.remember(boxKeyOf(b.v.id, b.key)+"\x00"+m.user, f.rest)
}

// knownBoxOf is what noteBoxOf has remembered of a user; nil: nothing.
func (p *planner) knownBoxOf(id, name, user string) (*boxMemory, error) {
	text, ok, err := p.remembered(boxKeyOf(id, name) + "\x00" + user)
	if !ok || err != nil {
		return nil, err
	}
	f := fields{rest: text}
	m := &boxMemory{user: user, stream: int(f.int())}
	m.plan = boxPlan{source: f.string(), validity: uint32(f.int()), made: uint32(f.int()), unsaid: f.bool(), age: f.string(), shown: f.ranges(), past: f.ranges(), links: f.ranges()}
	return m, f.err()
}

// fields are values one after the other, as the journal has them.
type fields struct {
	rest []byte
	bad  bool
}

var errFields = errors.New("journal: what it has of a visit cannot be read")

func (f *fields) err() error {
	if f.bad {
		return errFields
	}
	return nil
}

func (f *fields) putInt(n int64)     { f.rest = binary.AppendVarint(f.rest, n) }
func (f *fields) putBytes(b []byte)  { f.putInt(int64(len(b))); f.rest = append(f.rest, b...) }
func (f *fields) putString(s string) { f.putInt(int64(len(s))); f.rest = append(f.rest, s...) }
func (f *fields) putBool(b bool) {
	if b {
		f.putInt(1)
	} else {
		f.putInt(0)
	}
}

func (f *fields) putRanges(u uidRanges) {
	f.putInt(int64(len(u)))
	last := uint32(0)
	for _, r := range u {
		f.putInt(int64(r.lo - last))
		f.putInt(int64(r.hi - r.lo))
		last = r.hi
	}
}

func (f *fields) int() int64 {
	n, k := binary.Varint(f.rest)
	if k <= 0 {
		f.bad, f.rest = true, nil
		return 0
	}
	f.rest = f.rest[k:]
	return n
}

func (f *fields) bool() bool { return f.int() != 0 }

// bytes returns a slice of what is read.
func (f *fields) bytes() []byte {
	n := f.int()
	if n < 0 || n > int64(len(f.rest)) {
		f.bad, f.rest = true, nil
		return nil
	}
	b := f.rest[:n:n]
	f.rest = f.rest[n:]
	return b
}

func (f *fields) string() string { return string(f.bytes()) }

func (f *fields) ranges() uidRanges {
	n := f.int()
	if n < 0 || n > int64(len(f.rest)) {
		f.bad = true
		return nil
	}
	u := make(uidRanges, 0, n)
	for last := uint32(0); len(u) < cap(u); {
		lo := last + uint32(f.int())
		last = lo + uint32(f.int())
		u = append(u, uidRange{lo, last})
	}
	return u
}

// uidRanges is a set of UIDs as ascending ranges.
type uidRanges []uidRange

type uidRange struct{ lo, hi uint32 }

// add adds a UID and tells whether it was new.
func (u *uidRanges) add(uid uint32) bool {
	s := *u
	n := len(s)
	if n > 0 && uid == s[n-1].hi+1 && uid != 0 {
		s[n-1].hi = uid
		return true
	}
	if n == 0 || uid > s[n-1].hi {
		*u = append(s, uidRange{uid, uid})
		return true
	}
	i := u.find(uid)
	if s[i].lo <= uid {
		return false
	}
	left := i > 0 && s[i-1].hi+1 == uid
	right := s[i].lo == uid+1
	switch {
	case left && right:
		s[i-1].hi = s[i].hi
		*u = append(s[:i], s[i+1:]...)
	case left:
		s[i-1].hi = uid
	case right:
		s[i].lo = uid
	default:
		s = append(s, uidRange{})
		copy(s[i+1:], s[i:])
		s[i] = uidRange{uid, uid}
		*u = s
	}
	return true
}

func (u *uidRanges) addRange(r uidRange) {
	for uid := uint64(r.lo); uid <= uint64(r.hi); uid++ {
		u.add(uint32(uid))
	}
}

// find returns the first range that does not end before uid.
func (u uidRanges) find(uid uint32) int {
	return sort.Search(len(u), func(i int) bool { return u[i].hi >= uid })
}

func (u uidRanges) has(uid uint32) bool {
	i := u.find(uid)
	return i < len(u) && u[i].lo <= uid
}

// max returns the highest UID, 0 when there is none.
func (u uidRanges) max() uint32 {
	if len(u) == 0 {
		return 0
	}
	return u[len(u)-1].hi
}

// A member name is the name of a message as long as its mailbox lasts. When
// that is deleted and made once more, between a full backup and an incremental
// one, its UIDs begin again, under another UIDVALIDITY: then what a name meant
// in an earlier stream of the run is another message. So what the run remembers
// by member names has the age of the mailbox behind the name: nothing as long
// as the streams have said one UIDVALIDITY of it, then that which is said now.

// ageMark is in front of an age. No name has it.
const ageMark = "\x00"

// said is what a stream says of the UIDs of a mailbox.
type said struct {
	validity uint32 // UIDVALIDITY; 0: not said
	made     uint32 // which UIDs were made, as in boxPlan
}

// saidBy is what a stream says so, and those after it, until one says something
// else.
type saidBy struct {
	stream int
	said
}

// findPassed finds out what the streams have said of the first copy of a link,
// and whether its file may be in a tree that is not in place yet. What workers
// have written may be ahead of what the collector has reached: a link to
// something further on must not find it by luck.
func (p *planner) findPassed(s *linkStep) error {
	at, ok := p.r.sel.PlaceOf(s.first)
	if !ok {
		return nil
	}
	user, mailbox, _, _ := sims.SplitName(s.first)
	v := p.open.get(at.ID)
	var before history
	if v != nil {
		before = v.before
	} else {
		var err error
		if before, err = p.lastVisit(at.ID); err != nil {
			return err
		}
	}
	s.ahead = (v != nil || before.n > 0) && before.firstUser(v) != user
	var plan *boxPlan
	if before.has(user) || v != nil && v.user == user {
		var err error
		if plan, err = p.planOf(v, at.ID, at.Mailbox, user); err != nil {
			return err
		}
	}
	age := ""
	if plan != nil {
		if age = plan.age; !plan.unsaid {
			s.firstSaid = said{plan.validity, plan.made}
		}
	}
	s.firstAge = age
	if plan == nil || p.changed {
		list, err := p.saidOf(user + "/" + mailbox)
		if err != nil {
			return err
		}
		if len(list) > 0 {
			s.firstSaid = saidAt(list, p.stream)
			s.firstAge = ageAt(list, s.firstSaid.validity)
		}
	}
	if err := p.findShared(s, v, &before, at, user); err != nil {
		return err
	}
	if plan == nil || plan.out || s.firstAge != age || !plan.shown.has(at.UID) && !plan.past.has(at.UID) {
		return nil
	}
	s.passed, s.firstPlan = true, plan.validity
	s.firstLinks = plan.links.has(at.UID)
	if v == nil || plan.shown.has(at.UID) { // else the open visit may be about to write it
		s.stage, _ = p.r.staged.get(at.ID) // later this may be that of a visit that is still to come
	}
	return nil
}

// findShared finds out whether another user of the stream who has the id in the
// store has a mailbox of that name and, for all that is known, UIDVALIDITY too:
// then an Original-Uid does not tell whose message it is.
func (p *planner) findShared(s *linkStep, v *visit, before *history, at selection.Place, user string) error {
	others := before.others
	if before.n > 0 {
		others = append(slices.Clone(others), before.user)
	}
	if v != nil {
		others = append(slices.Clone(others), v.user)
	}
	for _, other := range others {
		if other == user {
			continue
		}
		plan, err := p.planOf(v, at.ID, at.Mailbox, other)
		if err != nil {
			return err
		}
		s.shared = s.shared || s.firstSaid.validity == 0 || plan != nil && plan.validity == s.firstSaid.validity
	}
	return nil
}

// planOf is what is known of the mailbox of a user of the stream; nil: nothing.
// v is the open visit of the user's id, nil: there is none.
func (p *planner) planOf(v *visit, id, mailbox, user string) (*boxPlan, error) {
	if v != nil && v.user == user {
		if b := v.boxes[mailbox]; b != nil {
			return &b.plan, nil
		}
	}
	known, err := p.knownBox(id, mailbox)
	if err == nil && known != nil && known.user != user {
		known, err = p.knownBoxOf(id, mailbox, user)
	}
	if known == nil || err != nil {
		return nil, err
	}
	return &known.plan, nil
}

// noteLeftOut notes what a stream says of a mailbox that is left out: it tells
// which message of the store a link to one of its messages means.
func (p *planner) noteLeftOut(m *sims.Member) error {
	if m.UIDValidity == 0 {
		return nil
	}
	list, err := p.saidOf(m.Name)
	if err != nil {
		return err
	}
	return p.noteSaid(m, list)
}

// noteChange notes that the current mailbox has another UIDVALIDITY from here
// on.
func (p *planner) noteChange(m *sims.Member) error {
	plan := &p.box.plan
	list, err := p.saidOf(m.Name)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		list = []saidBy{{0, said{plan.validity, plan.made}}}
	}
	if err := p.noteSaid(m, list); err != nil {
		return err
	}
	plan.age, plan.past, plan.links = ageAt(list, m.UIDValidity), nil, nil
	return nil
}

// noteSaid adds what a stream says of a mailbox to what was said of it.
func (p *planner) noteSaid(m *sims.Member, list []saidBy) error {
	is := said{m.UIDValidity, m.MadeUIDs}
	if n := len(list); n > 0 && list[n-1].said == is {
		return nil
	}
	list = append(list, saidBy{p.stream, is})
	p.changed = p.changed || list[0].validity != is.validity
	var f fields
	for _, s := range list {
		f.putInt(int64(s.stream))
		f.putInt(int64(s.validity))
		f.putInt(int64(s.made))
	}
	if p.r.dry() {
		return p.remember(keyValidity+m.Name, f.rest)
	}
	return p.r.jr.Put(keyValidity+m.Name, f.rest)
}

// saidOf is what the streams have said of a mailbox that is left out, or has
// had several UIDVALIDITYs.
func (p *planner) saidOf(mailbox string) (list []saidBy, err error) {
	text, ok, err := p.remembered(keyValidity + mailbox)
	if !ok || err != nil {
		return nil, err
	}
	f := fields{rest: text}
	for len(f.rest) > 0 {
		list = append(list, saidBy{int(f.int()), said{uint32(f.int()), uint32(f.int())}})
	}
	return list, f.err()
}

// saidAt is what was said last when a stream ended; when nothing was by then,
// what came next.
func saidAt(list []saidBy, stream int) said {
	at := list[0]
	for _, s := range list[1:] {
		if s.stream <= stream {
			at = s
		}
	}
	return at.said
}

// ageAt is the age of a mailbox that has a UIDVALIDITY.
func ageAt(list []saidBy, validity uint32) string {
	if len(list) == 0 || validity == list[0].validity {
		return ""
	}
	return ageMark + strconv.FormatUint(uint64(validity), 10)
}

// ageOf is the age of the mailbox of a member whose body is held back.
func (p *planner) ageOf(m *sims.Member) (string, error) {
	if !p.changed {
		return "", nil
	}
	list, err := p.saidOf(m.User + "/" + m.Mailbox)
	if len(list) == 0 || err != nil {
		return "", err
	}
	return ageAt(list, saidAt(list, p.stream).validity), nil
}
