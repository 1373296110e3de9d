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
// more, and is lost only then.

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
}

// lastRound is added to the number of a member that comes once more.
const lastRound = 1 << 62

// putOffKept bounds the links that a dry run puts off, which are in memory.
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
		Date: e.date, Validity: e.validity,
	}
	if c.r.dry() {
		c.r.later = append(c.r.later, l)
		return true, nil
	}
	text, err := json.Marshal(l)
	v.tally.records = append(v.tally.records, record{fmt.Sprintf("%s%016x", keyLater, l.At), text})
	return true, err
}

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
		var l putOff
		if err := json.Unmarshal(value, &l); err != nil || l.Stream >= len(r.streams) {
			return fmt.Errorf("journal: key %q cannot be read", key)
		}
		return fn(&l)
	})
}

// linksPutOff plans the links that were put off once more.
func (p *planner) linksPutOff(ctx context.Context) error {
	if err := p.flush(); err != nil {
		return err
	}
	p.lastRound = true
	n := 0
	err := p.r.eachPutOff(func(l *putOff) error {
		if n++; n%64 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		return p.linkPutOff(l)
	})
	if err != nil || n == 0 {
		return err
	}
	return p.endVisits()
}

// linkPutOff plans one link once more. It has its place in the mailbox, and its
// user and mailbox were selected.
func (p *planner) linkPutOff(l *putOff) error {
	p.stream, p.header, p.at = l.Stream, p.headers[l.Stream], lastRound+l.At
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
	if err := p.openBox(m); err != nil {
		return err
	}
	e := entry{
		box: p.box, name: m.Name, at: p.at, offset: l.Offset, uid: m.UID, date: l.Date,
		validity: l.Validity, origUID: m.UID, flags: m.Flags,
	}
	return p.addLink(&linkStep{entry: e, first: m.Link, last: true})
}
