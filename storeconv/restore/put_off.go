package restore

import (
	"context"
	"encoding/json"
	"fmt"

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
		At: e.at, Stream: v.stream, Offset: e.offset, Name: []byte(e.name), First: []byte(s.first), Flags: []byte(e.flags),
		Date: e.date, Validity: e.validity, Made: e.made, Nameless: e.nameless, Data: s.data,
	}
	if c.r.dry() {
		c.r.later = append(c.r.later, l)
		return true, nil
	}
	text, err := json.Marshal(l)
	key := laterKey(l.At)
	v.tally.records = append(v.tally.records, record{key, text}, record{keyLaterName + e.name, []byte(key)})
	return true, err
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
		if r.laterNames == nil {
			r.laterNames = make(map[string]int, len(r.later))
			for i := range r.later {
				r.laterNames[string(r.later[i].Name)] = i
			}
		}
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
		box: p.box, name: m.Name, at: p.at, offset: l.Offset, uid: m.UID, date: l.Date,
		validity: l.Validity, origUID: m.UID, flags: m.Flags, made: l.Made, nameless: l.Nameless,
	}
	return p.addLink(&linkStep{entry: e, first: m.Link, last: true, data: l.Data})
}
