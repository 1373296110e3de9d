package main

import (
	"slices"

	"imsconv/storeconv/ims"
	"imsconv/storeconv/sims"
)

// maxShown bounds what profileCheck remembers: ranges of UIDs and names of
// mailboxes, in bytes, about.
const maxShown = 64 << 20

// maxRanges bounds the ranges of one mailbox: putting one in moves those
// behind.
const maxRanges = 1 << 17

// profileCheck finds what the profile forbids beyond the form of a member,
// which its reader checks.
type profileCheck struct {
	shown map[string]*uidRanges // by user/mailbox, the INBOX in one form
	held  int                   // bytes, about
	user  struct {
		id  string
		err error // why it cannot be
	}
	box struct {
		user, name string
		err        error
		uids       *uidRanges
	}
}

// fault says what is forbidden about a member: a kind and a text, "" for
// nothing.
func (c *profileCheck) fault(m *sims.Member) (kind, text string) {
	if c.user.id != m.User {
		c.user.id, c.user.err = m.User, ims.CheckUserID(m.User)
	}
	if c.user.err != nil {
		return "bad-user", c.user.err.Error()
	}
	if m.Kind == sims.User {
		return "", ""
	}
	if c.box.user != m.User || c.box.name != m.Mailbox {
		c.enter(m)
	}
	switch {
	case c.box.err != nil:
		return "bad-mailbox", c.box.err.Error()
	case m.Kind == sims.Mailbox:
		return "", ""
	case m.Kind == sims.Link && m.Link == m.Name:
		return "lost-link", "a link to itself"
	case !c.add(m.UID):
		return "duplicate-uid", "the mailbox has this UID already"
	}
	return "", ""
}

// enter takes up the mailbox of a member. When too much is remembered, all of
// it is forgotten.
func (c *profileCheck) enter(m *sims.Member) {
	c.box.user, c.box.name, c.box.uids = m.User, m.Mailbox, nil
	if c.box.err = ims.CheckMailbox(m.Mailbox); c.box.err != nil {
		return
	}
	if c.held > maxShown || c.shown == nil {
		c.shown, c.held = make(map[string]*uidRanges), 0
	}
	key := m.User + "/" + ims.Canonical(m.Mailbox)
	if c.box.uids = c.shown[key]; c.box.uids == nil {
		c.box.uids = new(uidRanges)
		c.shown[key] = c.box.uids
		c.held += len(key) + 128
	}
}

// add notes a UID of the mailbox at hand; false: it has been there. Of a
// mailbox that is too large alone the ranges begin anew.
func (c *profileCheck) add(uid uint32) bool {
	if len(*c.box.uids) >= maxRanges {
		*c.box.uids = nil
	}
	before := len(*c.box.uids)
	isNew := c.box.uids.add(uid)
	c.held += 8 * max(len(*c.box.uids)-before, 0)
	return isNew
}

// uidRanges are rising ranges of UIDs that neither overlap nor touch.
type uidRanges []uidRange

type uidRange struct{ first, last uint32 }

// add puts a UID in; false: it is there.
func (s *uidRanges) add(uid uint32) bool {
	r := *s
	i := len(r) // behind the ranges that begin at uid or before
	if i > 0 && r[i-1].first > uid {
		i, _ = slices.BinarySearchFunc(r, uid, func(x uidRange, uid uint32) int {
			if x.first <= uid {
				return -1
			}
			return 1
		})
	}
	below := i > 0 && r[i-1].last+1 == uid
	above := i < len(r) && uid+1 == r[i].first
	switch {
	case i > 0 && uid <= r[i-1].last:
		return false
	case below && above:
		r[i-1].last = r[i].last
		*s = slices.Delete(r, i, i+1)
	case below:
		r[i-1].last = uid
	case above:
		r[i].first = uid
	default:
		*s = slices.Insert(r, i, uidRange{uid, uid})
	}
	return true
}
