package restore

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"imsconv/storeconv"
	"imsconv/storeconv/sims"
)

// A link may come before its first copy, in the stream or in a later one. So a
// link whose first copy is not known is put off, with the rest of its user's
// visit; when all streams have been read and all is in place it comes once
// more, and is lost only then. One whose first copy is a link that was put off
// itself comes after that one.

// putOff is such a link.
type putOff struct {
	At       int64 // number of the member
	Stream   int
	Offset   int64
	Name     []byte // bytes, since names are not UTF-8
	First    []byte
	Age      string `json:",omitempty"`
	Flags    []byte
	Date     int64
	Validity uint32
	Made     bool
	Nameless bool
	Data     *data `json:",omitempty"`
}

// lastRound is added to the number of a member that comes once more.
const lastRound = 1 << 62

// putOffKept bounds the links that a dry run puts off, which are in memory, and
// the links to links that one hangs on.
const putOffKept = 1 << 17

// putOff puts a link off. done is false when it has been put off before.
func (c *collector) putOff(s *linkStep) (done bool, err error) {
	e, v := &s.entry, s.box.v
	if s.doubt != nil {
		e = &s.doubt.entry
	}
	if s.last || c.r.dry() && len(c.r.later) >= putOffKept {
		return false, nil
	}
	l := putOff{
		At: e.at, Stream: v.stream, Offset: e.offset, Name: []byte(e.name), First: []byte(s.first), Age: e.age, Flags: []byte(e.flags),
		Date: e.date, Validity: e.validity, Made: e.made, Nameless: e.nameless, Data: s.data,
	}
	was, err := c.r.namedPutOff(e.name)
	if err != nil {
		return false, err
	}
	if was != nil && was.Stream != l.Stream && was.Validity == l.Validity && bytes.Equal(was.First, l.First) {
		return true, c.putOffAgain(e, was, s.saysFlags)
	}
	if c.r.dry() {
		if c.r.laterNames == nil {
			c.r.laterNames = make(map[string]int)
		}
		c.r.laterNames[e.name] = len(c.r.later)
		c.r.later = append(c.r.later, l)
		return true, nil
	}
	text, err := json.Marshal(l)
	key := laterKey(l.At)
	v.tally.records = append(v.tally.records, record{key, text}, record{keyLaterName + e.name, []byte(key)})
	return true, err
}

// putOffAgain takes a link of a later stream for one that waits already. What
// comes later decides about flags, and the first date stays.
func (c *collector) putOffAgain(e *entry, was *putOff, saysFlags bool) error {
	v := e.box.v
	c.countRepeated(v)
	if was.Date != e.date {
		c.problem(v, "kept-date", c.where(e), keptDate(was.Date, e.date))
	}
	if !saysFlags {
		return nil
	}
	was.Flags = []byte(e.flags)
	if c.r.dry() {
		return nil
	}
	text, err := json.Marshal(was)
	v.tally.records = append(v.tally.records, record{laterKey(was.At), text})
	return err
}

func laterKey(at int64) string { return fmt.Sprintf("%s%016x", keyLater, at) }

// eachPutOff calls fn for the links that were put off, in their order.
func (r *run) eachPutOff(fn func(*putOff) error) error {
	if r.dry() {
		for i := range r.later {
			if err := fn(&r.later[i]); err != nil {
				return err
			}
		}
		return nil
	}
	return r.jr.Range(keyLater, func(key, value []byte) error {
		l, err := r.parsePutOff(key, value)
		if err != nil {
			return err
		}
		return fn(l)
	})
}

func (r *run) parsePutOff(key, value []byte) (*putOff, error) {
	var l putOff
	if err := json.Unmarshal(value, &l); err != nil || l.Stream >= len(r.streams) {
		return nil, fmt.Errorf("journal: key %q cannot be read", key)
	}
	return &l, nil
}

// namedPutOff returns the link of that name that was put off; nil: there is
// none.
func (r *run) namedPutOff(name string) (*putOff, error) {
	if r.dry() {
		i, ok := r.laterNames[name]
		if !ok {
			return nil, nil
		}
		return &r.later[i], nil
	}
	key, ok, err := r.jr.Get(keyLaterName + name)
	if !ok || err != nil {
		return nil, err
	}
	value, ok, err := r.jr.Get(string(key))
	if !ok || err != nil {
		return nil, err
	}
	return r.parsePutOff(key, value)
}

// linksPutOff plans the links that were put off once more.
func (p *planner) linksPutOff(ctx context.Context) error {
	if err := p.flush(); err != nil {
		return err
	}
	p.lastRound = true
	n := 0
	c := putOffChains{p: p, ahead: make(map[int64]bool)}
	err := p.r.eachPutOff(func(l *putOff) error {
		if n++; n%64 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		return c.plan(l)
	})
	if err != nil || n == 0 {
		return err
	}
	return p.endVisits()
}

// putOffChains plans links that were put off, each after the one that it leads
// to.
type putOffChains struct {
	p     *planner
	ahead map[int64]bool // those that have come, or are about to, before their turn
}

// plan plans the link whose turn it is, and before it those that it hangs on.
// One that hangs on itself comes too, and is lost.
func (c *putOffChains) plan(l *putOff) error {
	if c.ahead[l.At] {
		delete(c.ahead, l.At)
		return nil
	}
	for chain := []*putOff{l}; len(chain) > 0; {
		top := chain[len(chain)-1]
		first, err := c.p.r.namedPutOff(string(top.First))
		if err != nil {
			return err
		}
		if first != nil && first.At > l.At && !c.ahead[first.At] && len(chain) < putOffKept {
			c.ahead[first.At] = true
			chain = append(chain, first)
			continue
		}
		if err := c.p.linkPutOff(top); err != nil {
			return err
		}
		chain = chain[:len(chain)-1]
	}
	return nil
}

// linkPutOff plans one link once more. It has its place in the mailbox, and its
// user and mailbox were selected. Its number is above all before it, so that
// the last one in place tells an interrupted run which of a user's are.
func (p *planner) linkPutOff(l *putOff) error {
	p.stream, p.header, p.at = l.Stream, p.headers[l.Stream], max(lastRound+l.At, p.at+1)
	m := &sims.Member{Kind: sims.Link, Name: string(l.Name), Link: string(l.First), Flags: string(l.Flags), Time: l.Date, Offset: l.Offset}
	var ok bool
	if m.User, m.Mailbox, m.UID, ok = sims.SplitName(m.Name); !ok {
		return fmt.Errorf("journal: a link of the name %q", m.Name)
	}
	p.enterUser(m.User)
	older, err := p.isOlder(l, m)
	if err != nil {
		return err
	}
	if ok, err := p.enterBox(m); !ok || err != nil {
		return err
	}
	if p.visit.skip {
		return nil
	}
	p.visit.last = p.at
	p.open.count(p.visit, 0)
	p.box.plan.validity = l.Validity
	if err := p.openBox(); err != nil {
		return err
	}
	e := entry{
		box: p.box, name: m.Name, age: l.Age, at: p.at, offset: l.Offset, uid: m.UID, date: l.Date,
		validity: l.Validity, origUID: m.UID, flags: m.Flags, made: l.Made, nameless: l.Nameless,
	}
	return p.addLink(&linkStep{entry: e, first: m.Link, last: true, older: older, data: l.Data})
}

// isOlder tells whether a later stream had a link once more that was put off,
// and did not put it off: what comes later decides about flags.
func (p *planner) isOlder(l *putOff, m *sims.Member) (bool, error) {
	at, ok := p.r.sel.PlaceOf(m.Name)
	if !ok {
		return false, nil
	}
	known, err := p.knownBox(at.ID, at.Mailbox)
	if err == nil && known != nil && known.user != m.User {
		known, err = p.knownBoxOf(at.ID, at.Mailbox, m.User)
	}
	if known == nil || err != nil {
		return false, err
	}
	return known.stream > l.Stream && known.plan.validity == l.Validity && known.plan.shown.has(m.UID), nil
}

// A run over a part of the users may have one of several who are one in the
// store. What the stream says of the others is heeded all the same, at the end:
// of mailboxes that they have in common the rights are those that each gives,
// whichever run comes last. Their mail is for the runs that they belong to.

// otherSaid is what the stream says of such a user, or of a mailbox of one.
type otherSaid struct {
	At         int64 // number of the member
	Stream     int
	Offset     int64
	ID         string // in the store
	User       []byte // bytes, since names are not UTF-8
	Mailbox    []byte // "": of the user
	ACL        []byte
	Subscribed int8
	Quota      int64
}

// noteOther notes it.
func (p *planner) noteOther(m *sims.Member) error {
	if !p.r.sel.Joins() || p.userIn || p.r.opt.Existing == NewName || m.Kind == sims.User && !m.HasQuota {
		return nil
	}
	id, err := p.r.sel.StoreID(m.User)
	if err != nil {
		return nil // nobody has it
	}
	o := otherSaid{At: p.at, Stream: p.stream, Offset: m.Offset, ID: id, User: []byte(m.User), Mailbox: []byte(m.Mailbox), ACL: []byte(m.ACL), Subscribed: m.Subscribed, Quota: m.Quota}
	if p.r.dry() {
		if len(p.r.others) < putOffKept {
			p.r.others = append(p.r.others, o)
		}
		return nil
	}
	text, err := json.Marshal(o)
	if err != nil {
		return err
	}
	return p.notes.Put(fmt.Sprintf("%s%016x", keyOther, p.at), text)
}

// joinOthers plans what was noted so of users of this run.
func (p *planner) joinOthers(ctx context.Context) error {
	if err := p.notes.Flush(); err != nil {
		return err
	}
	n := 0
	each := func(o *otherSaid) error {
		if n++; n%64 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		return p.joinOther(o)
	}
	if p.r.dry() {
		for i := range p.r.others {
			if err := each(&p.r.others[i]); err != nil {
				return err
			}
		}
		return p.endVisits()
	}
	err := p.r.jr.Range(keyOther, func(key, value []byte) error {
		var o otherSaid
		if err := json.Unmarshal(value, &o); err != nil || o.Stream >= len(p.r.streams) {
			return fmt.Errorf("journal: key %q cannot be read", key)
		}
		return each(&o)
	})
	if err != nil {
		return err
	}
	return p.endVisits()
}

func (p *planner) joinOther(o *otherSaid) error {
	own, err := p.lastVisit(o.ID)
	if v := p.open.get(o.ID); v != nil {
		own, err = v.before, nil
	}
	if own.n == 0 || err != nil {
		return err
	}
	var name string
	if len(o.Mailbox) > 0 {
		if name, err = p.r.sel.MailboxName(string(o.Mailbox)); err != nil {
			return nil
		}
		if known, err := p.knownBox(o.ID, name); known == nil || err != nil {
			return err
		}
	}
	p.stream, p.header, p.at = o.Stream, p.headers[o.Stream], max(lastRound+o.At, p.at+1)
	m := &sims.Member{Kind: sims.User, User: own.user, Offset: o.Offset}
	if name != "" {
		m.Kind, m.Mailbox, m.ACL, m.Subscribed = sims.Mailbox, string(o.Mailbox), string(o.ACL), o.Subscribed
	}
	p.enterUser(m.User)
	if name == "" {
		if ok, err := p.begin(m); !ok || err != nil {
			return err
		}
		p.visit.last = p.at
		m.User, m.Quota = string(o.User), o.Quota
		p.tellOther(m.User)
		p.setQuota(m)
		return nil
	}
	if ok, err := p.enterBox(m); !ok || err != nil {
		return err
	}
	p.visit.last = p.at
	p.tellOther(string(o.User))
	if p.visit.skip {
		return nil
	}
	if err := p.openBox(); err != nil {
		return err
	}
	m.Name = string(o.User) + "/" + m.Mailbox
	p.add(&boxStep{box: p.box, attrs: m, validity: p.box.plan.validity, joined: true, saysRights: p.header.Profile != ""})
	return nil
}

// tellOther tells once that a user of another run has the id of the current
// visit's.
func (p *planner) tellOther(user string) {
	v := p.visit
	if v.other == user {
		return
	}
	v.other = user
	p.tell(storeconv.Note{Severity: storeconv.Warning, Kind: "same-user", Where: "user " + sims.DisplayName(user),
		Text: "has the id " + v.id + " in the store, as user " + sims.DisplayName(v.user) + ": their mail is put together, and this run leaves this one's out"})
}
