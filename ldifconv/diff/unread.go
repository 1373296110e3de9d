package diff

import (
	"fmt"

	"imsconv/ldifconv/ldif"
)

// unread counts the damaged records of one side.
type unread struct {
	named   int64 // those whose DN is known
	unnamed int64 // those that may be of any entry
	held    int64 // entries of the other side held back for the unnamed ones
}

// damaged notes a record that could not be read: by its DN, where it has one.
// Where two records lie in one for want of a blank line, the DN of the second
// is not known.
func (c *comparer) damaged(s side, damage *ldif.Error) error {
	c.problem(damage.Kind(), c.names[s], damage.Line, damage.DN, damage.Reason())
	norm, err := ldif.AppendNormDN(nil, []byte(damage.DN))
	if err != nil || len(norm) == 0 {
		c.unread[s].unnamed++
		return nil
	}
	if damage.Class == ldif.SecondDN {
		c.unread[s].unnamed++
	}
	c.unread[s].named++
	return c.store.Put(append([]byte{keyUnread}, hash(norm)...), []byte{byte(s)})
}

// ended looks at a side that was read to its end; cut is the number of an
// unterminated last line.
func (c *comparer) ended(s side, cut int) error {
	name := c.names[s]
	if cut > 0 {
		c.warn("no-line-end", fmt.Sprintf("%s:%d", name, cut), ldif.CutOff)
	}
	if c.counts[s] > 0 {
		return nil
	}
	if c.unread[s] != (unread{}) {
		return fmt.Errorf("%s: no entry can be read in it: it is no export", name)
	}
	c.warn("empty-input", name, "the input holds no entry")
	return nil
}

// withheld reports whether nothing is to be written of a name, because a record
// of that name, or one that may be of it, could not be read.
func (t *turn) withheld(p *pairOf) (bool, error) {
	c := t.c
	if c.unread[0].named+c.unread[1].named > 0 {
		v, found, err := c.store.Get(nil, append([]byte{keyUnread}, p.name[:]...))
		if err != nil {
			return false, err
		}
		if found {
			return true, t.hold(p, side(v[0]))
		}
	}
	for s := range c.unread {
		if c.unread[s].unnamed == 0 || p.has[s] || !p.has[1-s] {
			continue
		}
		if t.from == 0 {
			c.unread[s].held++
			t.report.Withheld++
		}
		return true, nil
	}
	return false, nil
}

// hold tells, once, of an entry of which nothing is written.
func (t *turn) hold(p *pairOf, damaged side) error {
	if t.from != 0 {
		return nil
	}
	t.report.Withheld++
	s := 1 - damaged
	if !p.has[s] {
		s = damaged
	}
	rec, err := t.c.load(s, &p.place[s])
	if err == nil {
		t.c.tell("withheld", p.place[s].where(t.c.names[s], string(rec.DN)),
			fmt.Sprintf("no change of it is written: its record in %s cannot be read", t.c.names[damaged]))
	}
	return err
}

// tellHeld tells of the entries that were held back for records without a name.
func (t *turn) tellHeld() {
	for s, u := range t.c.unread {
		if t.from == 0 && u.held > 0 {
			t.c.tell("withheld", t.c.names[1-s], fmt.Sprintf(
				"%d entries that it alone has are left out: each may be one of the %d records of %s that cannot be read and tell no name",
				u.held, u.unnamed, t.c.names[s]))
		}
	}
}
