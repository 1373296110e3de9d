package restore

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"imsconv/dbconv/mboxlist"
	"imsconv/storeconv"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/internal/journal"
	"imsconv/storeconv/selection"
)

func isNotExist(err error) bool { return errors.Is(err, fs.ErrNotExist) }
func isNotDir(err error) bool   { return errors.Is(err, unix.ENOTDIR) }

// outOfReach tells that there is nothing under a name that this user may look
// at: whoever only seeks a first copy seeks on.
func outOfReach(err error) bool {
	return isNotExist(err) || isNotDir(err) || errors.Is(err, fs.ErrPermission)
}

// collector does the steps in stream order: it makes the links, the indexes and
// the records of the mailbox lists, and tells the log.
type collector struct {
	r      *run
	rep    Report
	copies copyTable
	names  nameSet // dry run: members that a link may point to
	lines  lineBudget
	offset int64
	writer *writer
	parted bool // links have been noted that are to be joined with their first copies

	records journal.Writer // of mailboxes, until the visit at hand ends or gives up memory

	lookup  originIndex // of the mailbox that the last link to a message of another run led to
	lastBox *box        // whose directory lastNN is known to be there
	lastNN  uint32
}

func newCollector(r *run) *collector {
	c := &collector{r: r, writer: &writer{r: r}, lines: lineBudget{most: r.opt.linesKept}, records: r.jr.Writer()}
	if c.lines.most == 0 {
		c.lines.most = linesKept
	}
	c.copies.init()
	return c
}

func (c *collector) loop() {
	for b := range c.r.order {
		<-b.done
		messages := int64(0)
		for _, s := range b.steps {
			switch s.(type) {
			case *messageStep, *linkStep:
				messages++
			}
			c.do(s)
		}
		if p := c.r.opt.Progress; p != nil {
			p.Add(messages, max(b.offset-c.offset, 0))
			c.offset = b.offset
		}
		clear(b.steps)
		b.steps, b.bytes = b.steps[:0], 0
		select {
		case c.r.free <- b:
		default:
		}
	}
}

// do does a step, unless the run has failed: then nothing but a flush counts,
// which somebody waits for.
func (c *collector) do(s step) {
	if _, ok := s.(*flushStep); !ok && c.r.failure() != nil {
		return
	}
	if err := s.collect(c); err != nil {
		c.r.fail(err)
	}
}

func (c *collector) flush(done chan<- struct{}) error {
	c.lookup = originIndex{} // what comes into place changes it
	c.r.ready <- &placement{flush: done}
	return nil
}

// What a run tells while it makes a user's tree, a run that finds the tree in
// place does not come to again: the journal keeps it with the visit, and it is
// told once more. What the headers of members say comes again by itself.

// toldKept is how many words of a visit are kept, 200 bytes each, about. Of
// problems beyond that only the number is known.
const toldKept = 100

// toldWords are words for the log that are kept.
type toldWords struct {
	list     []storeconv.Note
	problems int64 // all of them, in the list or not
}

func (t *toldWords) add(n storeconv.Note) {
	if n.Severity == storeconv.Problem {
		t.problems++
	}
	if len(t.list) < toldKept {
		t.list = append(t.list, n)
	}
}

// more is the number of problems that are not in the list.
func (t *toldWords) more() int64 {
	n := t.problems
	for i := range t.list {
		if t.list[i].Severity == storeconv.Problem {
			n--
		}
	}
	return n
}

// say gives a word to the log. v, when not nil, is the visit that it is about.
func (c *collector) say(v *visit, n storeconv.Note) {
	if v != nil {
		v.tally.told.add(n)
	}
	n.Tell(c.r.log)
	if n.Severity == storeconv.Problem && c.r.opt.Strict {
		c.r.fail(fmt.Errorf("%w: %s: %s", ErrStrict, n.Where, n.Text))
	}
}

// problem tells the log about something lost.
func (c *collector) problem(v *visit, kind, where, text string) {
	c.say(v, storeconv.Note{Severity: storeconv.Problem, Kind: kind, Where: where, Text: text})
}

// warn tells the log about something that loses nothing.
func (c *collector) warn(v *visit, kind, where, text string) {
	c.say(v, storeconv.Note{Severity: storeconv.Warning, Kind: kind, Where: where, Text: text})
}

// tell gives a word of the planner to the log.
func (c *collector) tell(s *noteStep) error {
	if s.refused {
		c.countRefused(s.v, s.lost, s.Kind)
	}
	c.say(s.v, s.Note)
	return nil
}

// countRefused counts something refused; lost: it is a message.
func (c *collector) countRefused(v *visit, lost bool, kind string) {
	for _, rep := range [...]*Report{&c.rep, &v.tally.rep} {
		rep.Refused++
		if lost {
			rep.lose(kind)
		}
	}
}

// lose counts and tells that there is no message after all.
func (c *collector) lose(e *entry, kind, text string) {
	c.countRefused(e.box.v, true, kind)
	c.problem(e.box.v, kind, c.where(e), text)
}

func (c *collector) where(e *entry) string {
	return c.r.whereOf(e.box.v.stream, e.offset, e.name)
}

// message puts a message that a worker has written into the index.
func (c *collector) message(m *messageStep) error {
	switch {
	case m.interrupted:
		return nil
	case m.damage != nil:
		c.lose(&m.entry, m.damage.Class, m.damage.Text)
		return c.recordPlace(&m.entry) // links to it must not find what has the UID of its name
	}
	c.tellCut(m)
	v := m.box.v
	if m.text.BareLF {
		c.rep.BareLF++
		v.tally.rep.BareLF++
	}
	if m.again {
		c.know(&m.entry, &m.content)
		c.wroteAgain(&m.entry)
		return nil
	}
	if err := c.index(&m.entry, &m.content); err != nil {
		return err
	}
	c.know(&m.entry, &m.content)
	c.countMessage(v, m.content.size)
	return c.recordPlace(&m.entry)
}

func (c *collector) countMessage(v *visit, size int64) {
	for _, rep := range [...]*Report{&c.rep, &v.tally.rep} {
		rep.Messages++
		rep.Bytes += size
	}
}

// recordPlace notes it when a message did not get the place that its name says.
func (c *collector) recordPlace(e *entry) error {
	if c.r.dry() {
		return nil
	}
	if e.uid == e.origUID && !e.box.renamed {
		if elsewhere, err := c.mayBeElsewhere(e); !elsewhere || err != nil {
			return err
		}
	}
	return c.r.recordTaken(e.box.v, e.key(), e.place())
}

// know remembers a message that links may point to.
func (c *collector) know(e *entry, info *content) {
	if c.r.dry() {
		c.names.add(e.key(), nameInfo{size: info.size, sum: shortSum(info.sum)})
		return
	}
	c.copies.add(e.key(), storedCopy{*info, e.place()})
}

func (c *collector) knowSpare(s *spareStep) error {
	c.names.add(s.name, nameInfo{size: s.size, spare: true})
	return nil
}

// attributes puts what the stream says about a mailbox into its index.
func (c *collector) attributes(s *boxStep) error {
	b, x := s.box, &s.box.index
	before, words := x.Header, len(x.Userflags)
	acl, ok := c.r.sel.ACL(s.attrs.ACL)
	if !ok {
		c.warn(b.v, "bad-acl", c.r.whereOf(b.v.stream, s.attrs.Offset, s.attrs.Name),
			fmt.Sprintf("line of rights without a TAB in %q: left out", s.attrs.ACL))
	}
	if s.joined {
		c.joinRights(s, acl)
	}
	if !x.apply(s, acl) {
		c.tellNoRoom(b, s.attrs.Offset, s.attrs.Name)
	}
	if b.existing == nil || x.UIDValidity != before.UIDValidity || x.LastUID != before.LastUID || x.Subscribed != before.Subscribed ||
		x.ACL != before.ACL || len(x.Userflags) != words {
		b.v.tally.changed, x.changed = true, true
	}
	return nil
}

// joinRights gives a mailbox that two of the stream have become the rights that
// both of them give, so that nobody may read there what he could not before.
// Its owner has what either gives him.
func (c *collector) joinRights(s *boxStep, acl string) {
	b, x := s.box, &s.box.index
	if acl == "" && !s.saysRights {
		return
	}
	usual := b.v.id + "\t" + ims.OwnerRights
	first, second := cmp.Or(x.ACL, usual), cmp.Or(acl, usual)
	both, same := selection.CommonRights(b.v.id, first, second)
	// An index that names nobody gets the usual rights of the owner.
	x.ACL = cmp.Or(both, b.v.id+"\t")
	if !same {
		c.warn(b.v, "joined-rights", c.r.whereOf(b.v.stream, s.attrs.Offset, s.attrs.Name), fmt.Sprintf(
			"mailbox %s has mail of two mailboxes of the stream, with the rights %q and %q: set is what both give, and to the owner what either does: %q", ims.MailboxName(b.v.id, b.name), first, second, both))
	}
}

// forget counts mailboxes of a dry run.
func (c *collector) forget(boxes []*box) error {
	for _, b := range boxes {
		c.tellForeign(b)
		c.renewIndex(b)
		if err := c.seal(b); err != nil {
			return err
		}
		c.r.plan(b)
	}
	c.rep.Mailboxes += int64(len(boxes))
	return nil
}

// endVisit writes the indexes of a user and hands the tree to the committer.
func (c *collector) endVisit(v *visit) error {
	if v.n == 0 {
		c.rep.Users++
		v.tally.rep.Users++
	}
	var usage usage
	if err := c.endBoxes(v, &usage); err != nil {
		return err
	}
	if c.r.dry() {
		if c.r.store == nil {
			return nil // there is no store yet
		}
		return c.addMailElsewhere(v, &usage) // for what it tells
	}
	p := &placement{v: v, size: v.tally.rep.Bytes, records: v.tally.records}
	if v.exists {
		if err := c.completeTree(p, &usage); err != nil {
			return err
		}
	} else if err := c.r.folder.Stage.MkdirAll(v.stage); err != nil {
		return err
	}
	if err := c.addMailElsewhere(v, &usage); err != nil {
		return err
	}
	if err := c.records.Flush(); err != nil {
		return err
	}
	if v.evicted {
		if err := c.r.jr.Drop(evictedPrefix(v)); err != nil {
			return err
		}
	}
	var err error
	if usage.earlierQuota, _, err = c.r.jr.Get(listPrefix(mboxlist.QuotaDB) + v.id); err != nil {
		return err
	}
	p.userRecords(&usage, c.r.opt.Limits)
	v.boxes, v.order, v.sum = nil, nil, nil // hundreds of users wait for their commit
	c.r.ready <- p
	return nil
}

// endBoxes writes the indexes of a visit.
func (c *collector) endBoxes(v *visit, u *usage) error {
	slices.SortFunc(v.order, func(a, b *box) int { return strings.Compare(a.name, b.name) })
	for _, b := range v.order {
		if err := c.endBox(b, u); err != nil {
			return err
		}
	}
	return c.eachEvicted(v, func(b *box) error { return c.endBox(b, u) })
}

// endBox writes the index of a mailbox, and counts it, once in a run.
func (c *collector) endBox(b *box, u *usage) error {
	v := b.v
	if !b.again {
		c.rep.Mailboxes++
		v.tally.rep.Mailboxes++
	}
	if err := c.placeLater(b); err != nil {
		return err
	}
	c.tellGone(b)
	c.tellForeign(b)
	c.renewIndex(b)
	if b.existing == nil { // new, if only for a message that was left out
		v.tally.changed, b.index.changed = true, true
	}
	if err := c.seal(b); err != nil {
		return err
	}
	u.add(b)
	if c.r.dry() {
		c.r.plan(b)
		return nil
	}
	c.recordMine(b)
	if err := c.recordBefore(b); err != nil {
		return err
	}
	return c.boxRecords(b)
}

// mineKey is the key of what messages of a stream are in a mailbox.
func mineKey(b *box) string {
	return fmt.Sprintf("%s%s\x00%s\x00%d", keyMine, b.v.id, b.name, b.v.stream)
}

// recordMine notes what messages of the stream are whose names do not tell it,
// where the user may come back: copies of them that are still to come are
// others. What earlier visits have noted stands by itself, for a kill may undo
// this one.
func (c *collector) recordMine(b *box) {
	if len(b.index.mine) == 0 || !b.v.early {
		return
	}
	var f fields
	f.putInt(b.v.last)
	f.putRanges(b.index.mine)
	if b.existing != nil {
		f.putRanges(b.existing.mine)
	}
	b.v.tally.records = append(b.v.tally.records, record{mineKey(b), f.rest})
}

// mineOf is what visits of this stream have noted so that ended before the
// member of a number.
func (r *run) mineOf(b *box, at int64) (uidRanges, error) {
	text, ok, err := r.jr.Get(mineKey(b))
	if !ok || err != nil {
		return nil, err
	}
	f := fields{rest: text}
	last, mine := f.int(), f.ranges()
	if last >= at {
		mine = nil
	}
	if len(f.rest) > 0 {
		for _, before := range f.ranges() {
			mine.addRange(before)
		}
	}
	return mine, f.err()
}
