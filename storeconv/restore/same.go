package restore

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"time"

	"imsconv/storeconv/ims"
	"imsconv/storeconv/selection"
	"imsconv/storeconv/sims"
)

// A message is there already when the mailbox has one of the same origin, or
// of the same UIDVALIDITY, UID and date, and of the same content. Of a
// message with a body the planner knows both. Of a later copy the content is
// known when its file is made, which is the collector's work: such a copy is
// in doubt, and its file lies beside the tree until the collector has looked.
// One that turns out to be new gets its UID at the end of the visit, so that
// the UIDs of the others do not hang on it.

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
	short uint64 // what a dry run knows of its content
}

// inDoubt sends a later copy that the mailbox may have.
func (p *planner) inDoubt(s *linkStep) {
	v := s.box.v
	v.asides++
	if !s.box.plan.doubts {
		s.box.plan.doubts = true
		v.doubtful++
	}
	s.doubt = &doubt{s.entry, s.saysFlags && !s.older}
	s.entry.box, s.entry.uid = v.aside(), v.asides
	p.add(s)
}

// same counts a message that the store has, and gives it the flags of the
// stream.
func (c *collector) same(s *sameStep) error {
	b, v := s.box, s.box.v
	first := b.existing.isFromBefore(s.stored.uid) && !b.existing.met.has(s.stored.uid) && b.index.met.add(s.stored.uid)
	switch {
	case b.existing.gone[s.stored.uid] != "" && !b.index.again[s.stored.uid]: // put back
	case first:
		c.rep.Duplicates++
		v.tally.rep.Duplicates++
	default:
		c.countRepeated(v)
	}
	c.tellDate(s)
	if s.nameless || s.stored.uid != s.origUID {
		b.index.mine.add(s.stored.uid)
	}
	if c.r.dry() {
		c.names.add(s.key(), nameInfo{size: s.stored.size, sum: shortSum(s.stored.sum)})
	} else if err := c.knowStored(s); err != nil {
		return err
	}
	switch {
	case s.stored.file && b.existing.lack != "" && !c.r.opt.NoIndex:
		c.nameAgain(s)
	case s.flags && b.existing.indexed:
		c.updateFlags(s)
	}
	return nil
}

// countRepeated counts a message that the run itself has had before.
func (c *collector) countRepeated(v *visit) {
	c.rep.Repeated++
	v.tally.rep.Repeated++
}

// knowStored makes links to a message that the store has lead to it: not to a
// body held back, nor to what an earlier stream has of that name.
func (c *collector) knowStored(s *sameStep) error {
	c.copies.forget(s.key())
	_, note, err := c.r.jr.Get(keySpare + s.key())
	if note = note || s.stored.uid != s.origUID || s.box.renamed; err == nil && !note {
		note, err = c.mayBeElsewhere(&s.entry)
	}
	if err != nil || !note {
		return err
	}
	v := s.box.v
	return c.r.recordTaken(v, s.key(), selection.Place{ID: v.id, Mailbox: s.box.name, UID: s.stored.uid})
}

// mayBeElsewhere tells whether the name alone does not say where a message is:
// another user who came first has the id, or an earlier stream had another
// message of the name, which is not where that says.
func (c *collector) mayBeElsewhere(e *entry) (bool, error) {
	if v := e.box.v; v.before.firstUser(v) != v.user {
		return true, nil
	}
	if e.box.v.stream == 0 {
		return false, nil
	}
	_, _, noted, err := c.r.whereIs(e.key())
	return noted, err
}

// nameAgain gives a message that no index names what the stream says of it: so
// it was when it was restored. Where the stream says nothing of flags, they are
// not known.
func (c *collector) nameAgain(s *sameStep) {
	e, x := &s.entry, &s.box.index
	fresh := newFlags{origin: &origin{e.date, e.origin(), e.origUID, !s.flags}}
	if e.anyDate {
		fresh.origin.date = s.stored.date
	}
	if s.flags {
		flags, words, _ := parseFlags(e.flags)
		var rec ims.Record
		c.setKeywords(s.box, &rec, words, s.offset, s.name)
		fresh.flags, fresh.keywords = flags, rec.Keywords
	}
	if x.updates == nil {
		x.updates = make(map[uint32]newFlags)
	}
	x.updates[s.stored.uid] = fresh
}

// renewIndex has the index of a mailbox made again where the one in place is
// missing or damaged, and tells what is in it.
func (c *collector) renewIndex(b *box) {
	o, x := b.existing, &b.index
	if o == nil || o.lack == "" || b.again {
		return
	}
	where := o.dir + "/" + ims.IndexName
	if c.r.opt.NoIndex {
		if o.lack != indexMissing {
			c.problem(b.v, "bad-index", where, "the index "+o.lack+", and stays so: the run makes none")
		}
		return
	}
	b.v.tally.changed, x.changed = true, true
	said := 0
	for i := range o.files {
		if from := x.updates[o.files[i].UID].origin; from != nil && !from.unsaid {
			said++
		}
	}
	text := fmt.Sprintf("the index %s, and is made again: of the messages that were there, %d are as it says, %d as the stream says", o.lack, len(o.stored), said)
	unknown, noValidity := len(o.files)-said, !o.indexed && b.plan.unsaid
	if unknown > 0 {
		text += fmt.Sprintf("; of %d neither says anything: they have no flags now", unknown)
	}
	if noValidity {
		text += fmt.Sprintf("; its UIDVALIDITY is not known, and is %d now", max(b.plan.validity, 1))
	}
	if unknown > 0 || noValidity {
		c.problem(b.v, "no-index", where, text)
	} else {
		c.warn(b.v, "index-made", where, text)
	}
}

// tellDate tells of a message that is there by its name and content, with
// another date than the stream says: the one that is there stays. Where users
// are put together it may be another's, which is no fault.
func (c *collector) tellDate(s *sameStep) {
	e, m := &s.entry, &s.stored
	if e.nameless || e.anyDate || m.date == e.date || m.isUnnamed() || m.validity != e.validity || m.origUID != e.origUID {
		return
	}
	v := e.box.v
	where, what := c.where(e), keptDate(m.date, e.date)
	if v.n > 0 && v.before.user != v.user {
		c.warn(v, "kept-date", where, what+": it may be the same message of user "+sims.DisplayName(v.before.user)+", whose mail is here too")
		return
	}
	c.problem(v, "kept-date", where, what)
}

// keptDate says that a message keeps its date.
func keptDate(was, says int64) string {
	text := func(date int64) string { return time.Unix(date, 0).UTC().Format(time.DateTime) }
	return fmt.Sprintf("it is there with the receive date %s UTC, which stays; the stream says %s", text(was), text(says))
}

// updateFlags gives later flags to a message that is there. Of one that was
// there before the run counts what has become of it in the end: a later stream
// may give back what an earlier one of the run has changed.
func (c *collector) updateFlags(s *sameStep) {
	x := &s.box.index
	flags, words, _ := parseFlags(s.entry.flags)
	var rec ims.Record
	c.setKeywords(s.box, &rec, words, s.offset, s.name)
	uid, to, is := s.stored.uid, oldFlags{flags, string(rec.Keywords)}, oldFlags{s.stored.flags, s.stored.keywords}
	was, changed := s.box.existing.was[uid]
	if !changed {
		was = is
	}
	if u, ok := x.updates[uid]; ok {
		is = oldFlags{u.flags, string(u.keywords)}
	}
	if to == is {
		return
	}
	if x.updates == nil {
		x.updates = make(map[uint32]newFlags)
	}
	x.updates[uid] = newFlags{flags: flags, keywords: rec.Keywords}
	v := s.box.v
	v.tally.changed, x.changed = true, true
	if !s.box.existing.isFromBefore(uid) {
		return
	}
	if x.was == nil {
		x.was = make(map[uint32]oldFlags)
	}
	x.was[uid] = was
	switch {
	case is == was:
		c.rep.Updated++
		v.tally.rep.Updated++
	case to == was:
		c.rep.Updated--
		v.tally.rep.Updated--
	}
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
		c.problem(b.v, "file-gone", b.existing.dir+"/"+ims.MessagePath(uid), b.existing.gone[uid]+", and the stream does not have the message")
	}
}

// settle decides about a later copy in doubt, whose file has been made of
// first, as far as its name tells. What content tells waits for the end of
// the visit.
func (c *collector) settle(s *linkStep, first *storedCopy, how linkOutcome) error {
	l := laterLink{s: s, first: *first, how: how}
	if m, ok, err := c.findMade(&l, byName); err != nil || ok {
		return errors.Join(err, c.settled(&l, m))
	}
	s.doubt.box.index.later = append(s.doubt.box.index.later, l)
	return nil
}

// findMade finds the message that a later copy is, whose file has been made. by
// looks for a content, and for any that is the same with other line ends.
func (c *collector) findMade(l *laterLink, by lookFor) (m storedMessage, ok bool, err error) {
	e, o := &l.s.doubt.entry, l.s.doubt.box.existing
	is := func(sum [32]byte) func(*storedMessage) bool {
		return func(m *storedMessage) bool { return m.sum == sum }
	}
	if m, ok = by(o, e, &l.first.sum, is(l.first.sum)); !ok {
		var both [32]byte
		if both, err = crlfSum(c.r.folder.Stage, l.s.box.dir+ims.MessagePath(l.s.uid)); err != nil {
			return m, false, err
		}
		if m, ok = by(o, e, &both, is(both)); !ok { // what the store has may lack the CRs
			m, ok = by(o, e, nil, func(m *storedMessage) bool { return o.hasWithCRLF(m.uid, both) })
		}
	}
	// What is gone comes back as it was.
	ok = ok && (o.gone[m.uid] == "" || e.box.index.again[m.uid] || m.sum == l.first.sum)
	return m, ok, nil
}

// settled notes a later copy that is message m of the store.
func (c *collector) settled(l *laterLink, m storedMessage) error {
	e := l.s.doubt.entry
	gone := e.box.existing.gone[m.uid] != "" && !e.box.index.again[m.uid]
	if err := c.same(&sameStep{e, m, l.s.doubt.flags}); err != nil {
		return err
	}
	made := l.s.box.dir + ims.MessagePath(l.s.uid)
	if !gone {
		return errors.Join(c.noteParted(l, &m, made), c.r.folder.Stage.Remove(made))
	}
	e.uid = m.uid
	if err := c.moveIn(made, &e); err != nil {
		return err
	}
	c.wroteAgain(&e)
	return nil
}

// noteParted notes a later copy that the store has as another file than its
// first copy, which was gone, and has been put back: they are joined again at
// the end.
func (c *collector) noteParted(l *laterLink, m *storedMessage, made string) error {
	if l.how != asLink || m.sum != l.first.sum {
		return nil
	}
	e := &l.s.doubt.entry
	linked, err1 := c.r.folder.Stage.Stat(made)
	there, err2 := c.r.store.Stat(e.box.existing.dir + "/" + ims.MessagePath(m.uid))
	if err1 != nil || err2 != nil || linked.Ino == there.Ino {
		return nil // what cannot be looked at stays as it is
	}
	if !c.parted { // a run that goes on makes sure of all links
		c.parted = true
		if err := c.r.jr.Put(relinkKey, nil); err != nil {
			return err
		}
	}
	return c.r.jr.Put(keyJoin+e.name, []byte(l.s.first))
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
	for i := range b.index.later {
		if err := c.placeOneLater(b, &b.index.later[i]); err != nil {
			return err
		}
	}
	return nil
}

func (c *collector) placeOneLater(b *box, l *laterLink) error {
	if c.r.dry() {
		return c.placeLaterDry(b, l)
	}
	if m, ok, err := c.findMade(l, byContent); err != nil || ok {
		return errors.Join(err, c.settled(l, m))
	}
	s, made := l.s, l.s.box.dir+ims.MessagePath(l.s.uid)
	s.entry, s.doubt = s.doubt.entry, nil
	if !b.plan.giveUID(&s.entry) {
		c.lose(&s.entry, "no-uid", noUID)
		return nil
	}
	if err := c.moveIn(made, &s.entry); err != nil {
		return err
	}
	return c.recordLink(s, &l.first, l.how)
}

// settleDry is settle for a dry run, which knows less of the first copy.
func (c *collector) settleDry(s *linkStep, first nameInfo) error {
	o := s.doubt.box.existing
	// Of a body that was left out the size in the stream is known, and CRs may
	// have been added to it.
	m, ok := byName(o, &s.doubt.entry, nil, func(m *storedMessage) bool {
		return first.sum == shortSum(m.sum) || first.sum == 0 && m.size >= first.size
	})
	if ok {
		return c.settledDry(s.doubt, m)
	}
	l := laterLink{s: s, how: asLink, short: first.sum}
	if first.spare {
		l.how = asCopy
	}
	l.first.size = first.size
	s.doubt.box.index.later = append(s.doubt.box.index.later, l)
	return nil
}

func (c *collector) settledDry(d *doubt, m storedMessage) error {
	e := d.entry
	gone := e.box.existing.gone[m.uid] != "" && !e.box.index.again[m.uid]
	if err := c.same(&sameStep{e, m, d.flags}); err != nil {
		return err
	}
	if gone {
		e.uid = m.uid
		c.wroteAgain(&e)
	}
	return nil
}

func (c *collector) placeLaterDry(b *box, l *laterLink) error {
	s := l.s
	if m, ok := byContent(b.existing, &s.doubt.entry, nil, func(m *storedMessage) bool { return l.short == shortSum(m.sum) }); ok {
		return c.settledDry(s.doubt, m)
	}
	s.entry, s.doubt = s.doubt.entry, nil
	if !b.plan.giveUID(&s.entry) {
		c.lose(&s.entry, "no-uid", noUID)
		return nil
	}
	return c.countDryLink(s, nameInfo{size: l.first.size, sum: cmp.Or(l.short, shortSum(l.first.sum)), spare: l.how == asCopy})
}

// ofOrigin returns the last message of the origin of e whose file is there.
func (o *existingBox) ofOrigin(e *entry) (storedMessage, bool) {
	for last := o.originOf(e); last >= 0; last = o.stored[last].before {
		if m := o.stored[last]; o.gone[m.uid] == "" {
			return m, true
		}
	}
	return storedMessage{}, false
}

// A message of the stream may be in the store because it was there before the
// run, or because the run has put it there: an earlier stream has it too. So a
// run remembers what a mailbox had before. Nothing is noted of one that is new.

// oldFlags are the flags of a message before the run.
type oldFlags struct {
	flags    ims.Flags
	keywords string // bits
}

func beforeKey(b *box) string { return keyBefore + b.v.id + "\x00" + b.key }
func metKey(b *box) string    { return keyMet + b.v.id + "\x00" + b.key }

// findBefore finds out which messages of a mailbox were there before the run,
// and which of these earlier visits have had.
func (r *run) findBefore(b *box, old *existingBox) error {
	switch {
	case old.planned != "": // it has them
	case r.dry(): // all that is there was there before
		old.before, old.met = slices.Clone(old.uids), r.plannedMet(b)
	case !b.again:
		old.before = slices.Clone(old.uids)
	default:
		return r.notedBefore(b, old)
	}
	return nil
}

// notedBefore reads what recordBefore has noted in the visits before this one.
func (r *run) notedBefore(b *box, old *existingBox) error {
	text, ok, err := r.jr.Get(beforeKey(b))
	if !ok || err != nil {
		return err
	}
	f := fields{rest: text}
	if old.before = f.ranges(); f.err() != nil {
		return f.err()
	}
	if text, ok, err = r.jr.Get(metKey(b)); !ok || err != nil {
		return err
	}
	f = fields{rest: text}
	last := f.int()
	old.met = f.ranges()
	if earlier := f.ranges(); last >= b.v.first { // a kill has undone that visit
		old.met = earlier
	}
	old.was = f.oldFlags()
	return f.err()
}

// recordBefore notes what was in a mailbox before the run, and what the streams
// have had of it so far: at once, for a user may have more mailboxes than
// memory has room for. A kill may undo this visit, so what visits before it had
// is noted too; flags tell by themselves whether they have been changed.
func (c *collector) recordBefore(b *box) error {
	o, x := b.existing, &b.index
	if o == nil || len(o.before) == 0 {
		return nil
	}
	if !b.again {
		var f fields
		f.putRanges(o.before)
		if err := c.records.Put(beforeKey(b), f.rest); err != nil {
			return err
		}
	}
	if len(x.met) == 0 && len(x.was) == 0 {
		return nil
	}
	var f fields
	f.putInt(b.v.last)
	f.putRanges(o.metSoFar(x))
	f.putRanges(o.met)
	f.putFlags(o.wasSoFar(x))
	return c.records.Put(metKey(b), f.rest)
}

// isFromBefore tells whether a message was there before the run.
func (o *existingBox) isFromBefore(uid uint32) bool { return o.before.has(uid) }

// passesOver tells whether no message of the stream is a copy of this one:
// where the run adds without looking, what several of its streams have is added
// once, whatever was there.
func (o *existingBox) passesOver(uid uint32) bool {
	return o.isFromBefore(uid) && o.r.opt.Existing == AppendAll
}

// metSoFar are the messages from before the run that it has had, with those of
// the visit that x is of.
func (o *existingBox) metSoFar(x *boxIndex) uidRanges {
	met := slices.Clone(o.met)
	for _, r := range x.met {
		met.addRange(r)
	}
	return met
}

// wasSoFar are the flags before the run of the messages that it has changed.
func (o *existingBox) wasSoFar(x *boxIndex) map[uint32]oldFlags {
	if len(x.was) == 0 {
		return o.was
	}
	was := make(map[uint32]oldFlags, len(o.was)+len(x.was))
	maps.Copy(was, o.was)
	maps.Copy(was, x.was)
	return was
}

func (f *fields) putFlags(was map[uint32]oldFlags) {
	f.putInt(int64(len(was)))
	for uid, w := range was {
		f.putInt(int64(uid))
		f.putInt(int64(w.flags))
		f.putString(w.keywords)
	}
}

func (f *fields) oldFlags() (was map[uint32]oldFlags) {
	for n := f.int(); n > 0 && !f.bad; n-- {
		if was == nil {
			was = make(map[uint32]oldFlags)
		}
		uid := uint32(f.int())
		was[uid] = oldFlags{ims.Flags(f.int()), f.string()}
	}
	return was
}
