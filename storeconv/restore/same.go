package restore

import (
	"errors"
	"io/fs"
	"maps"
	"slices"

	"imsconv/storeconv"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/selection"
)

// A message is there already when the mailbox has one of the same origin and of
// the same content. Of a message with a body the planner knows both. Of a later
// copy the content is known when its file is made, which is the collector's
// work: such a copy is in doubt, and its file lies beside the tree until the
// collector has looked. One that turns out to be new gets its UID at the end of
// the visit, so that the UIDs of the others do not hang on it.

// doubt is a later copy that the mailbox may have.
type doubt struct {
	entry
	flags bool // the stream says which flags it has
}

// laterLink is a later copy that was in doubt and is new.
type laterLink struct {
	s     *linkStep
	first storedCopy
	how   linkOutcome
}

// inDoubt sends a later copy that the mailbox may have.
func (p *planner) inDoubt(s *linkStep) {
	v := s.box.v
	v.asides++
	if !s.box.plan.doubts {
		s.box.plan.doubts = true
		v.doubtful++
	}
	s.doubt = &doubt{s.entry, p.saysFlags()}
	s.entry.box, s.entry.uid = v.aside(), v.asides
	p.add(s)
}

// same counts a message that the store has, and gives it the flags of the
// stream.
func (c *collector) same(s *sameStep) error {
	b, v := s.box, s.box.v
	if b.existing.gone[s.stored.uid] == "" || b.index.again[s.stored.uid] {
		c.rep.Duplicates++
		v.tally.rep.Duplicates++
	}
	if c.r.dry() {
		c.names.add(s.name, nameInfo{size: s.stored.size, sum: shortSum(s.stored.sum)})
	} else if _, spare, err := c.r.jr.Get(keySpare + s.name); err != nil {
		return err
	} else if spare || s.stored.uid != s.origUID || b.renamed {
		at := selection.Place{ID: v.id, Mailbox: b.name, UID: s.stored.uid}
		if err := c.r.recordMove(v, s.name, at); err != nil {
			return err
		}
	}
	if s.flags && b.existing.indexed {
		c.updateFlags(s)
	}
	return nil
}

// updateFlags gives later flags to a message that is there.
func (c *collector) updateFlags(s *sameStep) {
	x := &s.box.index
	flags, words, _ := parseFlags(s.entry.flags)
	var rec ims.Record
	for _, w := range words {
		rec.SetKeyword(x.keyword(w))
	}
	if flags == s.stored.flags && string(rec.Keywords) == s.stored.keywords {
		return
	}
	if x.updates == nil {
		x.updates = make(map[uint32]newFlags)
	}
	x.updates[s.stored.uid] = newFlags{flags, rec.Keywords}
	v := s.box.v
	v.tally.changed, x.changed = true, true
	c.rep.Updated++
	v.tally.rep.Updated++
}

// wroteAgain notes a file that was gone and is in the staged tree now.
func (c *collector) wroteAgain(e *entry) {
	b, v := e.box, e.box.v
	c.rep.PutBack++
	v.tally.rep.PutBack++
	v.tally.changed = true
	if b.index.again == nil {
		b.index.again = make(map[uint32]bool)
	}
	b.index.again[e.uid] = true
	if v.tally.again == nil {
		v.tally.again = make(map[string]bool)
	}
	v.tally.again[join(b.path, ims.MessagePath(e.uid))] = true
}

// tellGone tells of messages whose files are gone and were not in the stream.
func (c *collector) tellGone(b *box) {
	if b.existing == nil || b.again {
		return
	}
	for _, uid := range slices.Sorted(maps.Keys(b.existing.gone)) {
		if b.index.again[uid] {
			continue
		}
		c.problem(b.v, storeconv.Note{Kind: "file-gone", Where: b.existing.dir + "/" + ims.MessagePath(uid),
			Text: b.existing.gone[uid] + ", and the stream does not have the message"})
	}
}

// settle decides about a later copy in doubt, whose file has been made of
// first.
func (c *collector) settle(s *linkStep, first *storedCopy, how linkOutcome) error {
	e := s.doubt.entry
	made := s.box.dir + ims.MessagePath(s.uid)
	m, ok, err := e.box.existing.findMade(&e, first.sum, func() ([32]byte, error) { return crlfSum(c.r.folder.Stage, made) })
	if err != nil {
		return err
	}
	gone := ok && e.box.existing.gone[m.uid] != "" && !e.box.index.again[m.uid]
	if !ok || gone && m.sum != first.sum { // what is gone comes back as it was
		e.box.index.later = append(e.box.index.later, laterLink{s, *first, how})
		return nil
	}
	if err := c.same(&sameStep{e, m, s.doubt.flags}); err != nil {
		return err
	}
	if !gone {
		return c.r.folder.Stage.Remove(made)
	}
	e.uid = m.uid
	if err := c.moveIn(made, &e); err != nil {
		return err
	}
	c.wroteAgain(&e)
	return nil
}

// moveIn moves a file that was made beside the tree to the place of a message.
func (c *collector) moveIn(made string, e *entry) error {
	stage := c.r.folder.Stage
	to := e.box.dir + ims.MessagePath(e.uid)
	err := stage.Rename(made, stage, to)
	if errors.Is(err, fs.ErrNotExist) {
		if err := stage.MkdirAll(e.box.dir + ims.MessageDir(e.uid)); err != nil {
			return err
		}
		err = stage.Rename(made, stage, to)
	}
	return err
}

// placeLater gives the later copies that were in doubt and are new their
// places.
func (c *collector) placeLater(b *box) error {
	for _, l := range b.index.later {
		s, made := l.s, l.s.box.dir+ims.MessagePath(l.s.uid)
		s.entry, s.doubt = s.doubt.entry, nil
		if !b.plan.giveUID(&s.entry) {
			c.refuseLink(s, "no-uid", noUID)
			continue
		}
		if c.r.dry() {
			if err := c.countDryLink(s, nameInfo{size: l.first.size, sum: shortSum(l.first.sum), spare: l.how == asCopy}); err != nil {
				return err
			}
			continue
		}
		if err := c.moveIn(made, &s.entry); err != nil {
			return err
		}
		if err := c.recordLink(s, &l.first, l.how); err != nil {
			return err
		}
	}
	return nil
}

// settleDry is settle for a dry run, which knows less of the first copy.
func (c *collector) settleDry(s *linkStep, first nameInfo) error {
	e := s.doubt.entry
	m, ok := e.box.existing.findShort(&e, first)
	if !ok {
		how := asLink
		if first.spare {
			how = asCopy
		}
		l := laterLink{s, storedCopy{}, how}
		l.first.size = first.size
		e.box.index.later = append(e.box.index.later, l)
		return nil
	}
	gone := e.box.existing.gone[m.uid] != "" && !e.box.index.again[m.uid]
	if err := c.same(&sameStep{e, m, s.doubt.flags}); err != nil {
		return err
	}
	if gone {
		e.uid = m.uid
		c.wroteAgain(&e)
	}
	return nil
}

// ofOrigin returns the last message of the origin of e whose file is there.
func (o *existingBox) ofOrigin(e *entry) (storedMessage, bool) {
	last, ok := o.byOrig[origKey(e.validity, e.origUID)]
	for ; ok && last >= 0; last = o.stored[last].before {
		if m := o.stored[last]; o.gone[m.uid] == "" {
			return m, true
		}
	}
	return storedMessage{}, false
}

// findShort is find with what a dry run knows of a first copy.
func (o *existingBox) findShort(e *entry, first nameInfo) (storedMessage, bool) {
	last, ok := o.byOrig[origKey(e.validity, e.origUID)]
	for ; ok && last >= 0; last = o.stored[last].before {
		m := o.stored[last]
		// Of a body that was left out the size in the stream is known, and CRs may
		// have been added to it.
		if first.sum == shortSum(m.sum) || first.sum == 0 && m.size >= first.size {
			return m, true
		}
	}
	for sum, uid := range o.bySum {
		if first.sum == shortSum(sum) {
			return o.byUID(uid), true
		}
	}
	return storedMessage{}, false
}
