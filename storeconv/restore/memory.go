package restore

import (
	"encoding/binary"
	"errors"
	"slices"
	"sort"
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
	f.putRanges(b.plan.shown)
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
		joined: f.bool(),
		shown:  f.ranges(), used: f.ranges(),
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
	f.putRanges(m.plan.shown)
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
	m.plan = boxPlan{source: f.string(), validity: uint32(f.int()), made: uint32(f.int()), unsaid: f.bool(), shown: f.ranges()}
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
