package restore

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"imsconv/storeconv"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/sims"
)

// settleValidity makes sure of the UIDVALIDITY of the current mailbox. A later
// stream goes by it, so that it must not matter whether an interrupted run has
// placed the messages of this one.
func (p *planner) settleValidity(m *sims.Member) error {
	plan := &p.box.plan
	switch {
	case m.Kind == sims.Mailbox && m.UIDValidity != 0:
		if plan.validity != 0 && !plan.unsaid && plan.validity != m.UIDValidity {
			if err := p.noteChange(m); err != nil {
				return err
			}
		}
		plan.validity, plan.made, plan.unsaid = m.UIDValidity, m.MadeUIDs, false
	case plan.validity == 0:
		plan.validity, plan.unsaid = p.validityWithout(m), true
	}
	return nil
}

// openBox looks for what the store has under the name of the current mailbox.
func (p *planner) openBox() error {
	b := p.box
	if b.plan.opened {
		return nil
	}
	b.plan.opened = true
	if old := p.r.plannedBox(b); old != nil {
		b.setName(old.planned)
		b.renamed = b.name != b.key
		return p.continueBox(b, old)
	}
	if !b.v.exists {
		return nil
	}
	hasNewName, err := p.findNewName(b)
	if err != nil {
		return err
	}
	old, err := p.r.loadExisting(b.v.id, b.name)
	if err != nil || old == nil {
		return err
	}
	if p.r.opt.Existing == NewName && !hasNewName && !b.again {
		return p.giveNewName(b)
	}
	return p.continueBox(b, old)
}

// continueBox adds to a mailbox that the store has.
func (p *planner) continueBox(b *box, old *existingBox) error {
	if err := old.lookAtFiles(); err != nil {
		return err
	}
	slices.Sort(old.locked)
	for _, uid := range old.locked {
		p.add(&noteStep{v: b.v, Note: storeconv.Note{Severity: storeconv.Problem, Kind: ims.Unreadable, Where: old.dir + "/" + ims.MessagePath(uid),
			Text: "this user may not read it, and no index that can be read names it: it stays as it is and gets no line in the index; the message comes beside it, under another UID, where the stream has it"}})
	}
	b.existing = old
	if err := p.r.findBefore(b, old); err != nil {
		return err
	}
	p.weighBox(b.v, storedWeight*int64(len(old.stored)+len(old.files)))
	b.index.continueFrom(old)
	if b.index.set {
		b.plan.fixed = b.index.UIDValidity
	}
	b.plan.used, b.plan.last = old.uids, max(b.plan.last, old.header.LastUID)
	if !b.again {
		b.plan.floor = max(old.header.LastUID, old.uids.max())
		return nil
	}
	if p.r.dry() {
		return nil
	}
	var err error
	old.mine, err = p.r.mineOf(b, p.at)
	old.takeAll(old.mine)
	return err
}

// findNewName gives a mailbox the name that an earlier visit of this run found
// for it.
func (p *planner) findNewName(b *box) (bool, error) {
	if p.r.dry() || p.r.opt.Existing != NewName {
		return false, nil
	}
	name, ok, err := p.r.jr.Get(keyName + b.v.id + "/" + b.name)
	if ok {
		b.setName(string(name))
		b.renamed = true
	}
	return ok, err
}

// giveNewName finds a name that the store does not have: name.mmddyy.HHMMSS of
// the backup's date, then .001 and so on.
func (p *planner) giveNewName(b *box) error {
	old := b.name
	base := old + time.Unix(p.header.Date, 0).UTC().Format(".010206.150405")
	for n := 0; n <= 999; n++ {
		name := base
		if n > 0 {
			name = fmt.Sprintf("%s.%03d", base, n)
		}
		if err := ims.CheckMailbox(name); err != nil {
			return &badNameError{fmt.Errorf("it is there, and -n has no name for a new one, which would get %s behind its name: %w", name[len(old):], err)}
		}
		if _, err := p.r.store.Stat(ims.MailboxDir(p.r.partition, b.v.id, name)); isNotExist(err) {
			b.setName(name)
			b.renamed = true
			if !p.r.dry() {
				p.add(&renameStep{v: b.v, old: old, to: name})
			}
			return nil
		}
	}
	return &badNameError{fmt.Errorf("it is there, and -n has no name for a new one: a thousand with %s behind its name are in use", base[len(old):])}
}

// badNameError says that a mailbox can have no new name. It concerns no other
// one.
type badNameError struct{ why error }

func (e *badNameError) Error() string { return e.why.Error() }
func (e *badNameError) Unwrap() error { return e.why }

// takeOut leaves the current mailbox out of its visit, which has nothing of it
// so far.
func (p *planner) takeOut(m *sims.Member, why error) {
	b := p.box
	b.plan.out = true
	b.v.order = slices.DeleteFunc(b.v.order, func(o *box) bool { return o == b })
	p.tellOf(b.v, storeconv.Note{Severity: storeconv.Problem, Kind: "bad-new-name", Where: p.r.whereOf(p.stream, m.Offset, m.Name),
		Text: why.Error() + ": the mailbox is left out; a run of its own without -n, with this mailbox as PATH, adds its messages to the one that is there"})
}

// passBox passes over a member of a mailbox that is left out so. Bodies are
// read all the same: the sum of all that was selected has them.
func (p *planner) passBox(m *sims.Member) error {
	if m.Kind == sims.Mailbox {
		return nil
	}
	marks := marksOf(m.Flags)
	if marks&markExpired == 0 && !p.box.plan.shown.add(m.UID) {
		return p.refuse(m, "duplicate-uid", sameUID)
	}
	switch {
	case marks&markExpired != 0:
		p.expire()
	case p.owed:
		p.add(&lostStep{p.visit, "bad-new-name"})
		p.owed = false
	}
	if m.Kind == sims.Link {
		return nil
	}
	if marks&markExpired != 0 {
		return p.keepSpare(m, true)
	}
	if m.Size <= sims.MaxInline {
		b, err := p.src.Bytes()
		if err != nil {
			return err
		}
		p.visit.sum.body(b)
		return p.keepSpare(m, false)
	}
	for {
		b, err := p.src.Chunk()
		p.visit.sum.body(b)
		if err == io.EOF {
			return p.keepSpare(m, false)
		}
		if err != nil {
			return err
		}
	}
}

// merge decides what becomes of a message for a mailbox that the store has. sum
// is as in find. false: nothing is left to do.
func (p *planner) merge(e *entry, sum func(crlf bool) [32]byte) bool {
	o := e.box.existing
	if p.skipsCopies(e.box) {
		if m, other, ok := o.find(e, p.r.opt.CRLF, sum); ok {
			e.other = other
			return p.duplicate(e, m)
		}
	}
	return p.placeBeside(e)
}

// skipsCopies tells whether messages that are there already are left out.
func (p *planner) skipsCopies(b *box) bool {
	return p.r.opt.Existing != AppendAll || b.v.n > 0 && b.v.before.user == b.v.user
}

// duplicate leaves out a message that the store has as m. true: its file is not
// there and must be written again.
func (p *planner) duplicate(e *entry, m storedMessage) bool {
	p.open.weigh(e.box.v, storedWeight)
	p.add(&sameStep{entry: *e, stored: m, flags: p.saysFlags()})
	if e.box.existing.gone[m.uid] == "" {
		return false
	}
	e.uid, e.again = m.uid, true
	return true
}

// saysFlags tells whether members without flags have none: a plain tar says
// nothing of flags.
func (p *planner) saysFlags() bool { return p.header.Profile != "" }

// placeBeside gives a message a UID that is free, its own if it can be.
func (p *planner) placeBeside(e *entry) bool {
	if e.box.plan.giveUID(e) {
		if e.uid != e.origUID || e.box.renamed {
			p.open.weigh(e.box.v, movedWeight)
		}
		return true
	}
	p.tellOf(e.box.v, storeconv.Note{Severity: storeconv.Problem, Kind: "no-uid", Where: p.r.whereOf(p.stream, e.offset, e.name), Text: noUID})
	return false
}

const noUID = "the mailbox has no UID left"

// giveUID gives a message a UID that is free. false: there is none. A UID that
// names nothing is not one that an expunged message had.
func (b *boxPlan) giveUID(e *entry) bool {
	if b.fixed != 0 && e.validity != b.fixed || b.used.has(e.uid) || e.nameless && e.uid <= b.floor {
		e.uid = max(b.used.max(), b.last) + 1
		if e.uid == 0 {
			return false
		}
	}
	b.used.add(e.uid)
	b.last = max(b.last, e.uid)
	return true
}

// bareLF are the messages that have a line end that is not CR LF; unsure says
// that it is not known of all.
func (o *existingBox) bareLF() (uids uidRanges, unsure bool) {
	for _, r := range o.header.Bare.UIDs {
		uids = append(uids, uidRange{r.First, r.Last})
	}
	_, known := o.header.HasBareLF(0)
	for i := range o.files {
		if o.files[i].bare {
			uids.add(o.files[i].UID)
		}
	}
	return uids, o.foreign || o.indexed && !known
}

// forIndex is the set as an index has it.
func (u uidRanges) forIndex() []ims.UIDRange {
	out := make([]ims.UIDRange, len(u))
	for i, r := range u {
		out[i] = ims.UIDRange{First: r.lo, Last: r.hi}
	}
	return out
}

// continueFrom starts an index from the one that the store has.
func (x *boxIndex) continueFrom(old *existingBox) {
	x.Header = old.header
	x.Userflags = slices.Clone(old.header.Userflags)
	x.bare, x.unsure = old.bareLF()
	for i := range x.Userflags {
		x.noteKeyword(i)
	}
	x.set = old.header.Exists > 0 || len(old.uids) > 0
}

// Messages without a UID of their own are known by content and date. Of a
// source that has none each has the UID of its place, which is another one as
// soon as a message in front of it is gone.

// isUnnamed tells a message that does not say where it came from.
func (m *storedMessage) isUnnamed() bool { return m.validity == 0 || m.origUID == 0 }

// at returns message i: those of the index come before those that only their
// files tell of, of which nothing but UID, size and content is known.
func (o *existingBox) at(i int32) storedMessage {
	if int(i) < len(o.stored) {
		return o.stored[i]
	}
	f := &o.files[int(i)-len(o.stored)]
	return storedMessage{uid: f.UID, before: -1, date: f.InternalDate, size: f.Size, sum: f.SHA256, file: true}
}

// sumAt is the content of message i.
func (o *existingBox) sumAt(i int32) *[32]byte {
	if int(i) < len(o.stored) {
		return &o.stored[i].sum
	}
	return &o.files[int(i)-len(o.stored)].SHA256
}

// uidAt is the UID of message i.
func (o *existingBox) uidAt(i int32) uint32 {
	if int(i) < len(o.stored) {
		return o.stored[i].uid
	}
	return o.files[int(i)-len(o.stored)].UID
}

// dateAt is the date of message i.
func (o *existingBox) dateAt(i int32) int64 {
	if int(i) < len(o.stored) {
		return o.stored[i].date
	}
	return o.files[int(i)-len(o.stored)].InternalDate
}

// contents are the numbers of all messages in the order of their contents, and
// of their UIDs where nothing else tells them apart. A mailbox may hold any
// number of copies of one content, so those that are taken are skipped at once.
type contents struct {
	all  []int32 // nil: not sorted yet
	free []int32 // of a place in all, the next one that may be free; 0: this one
}

// sorted sorts the messages, unless they are. than tells those of one content
// apart.
func (o *existingBox) sorted(c *contents, than func(a, b int32) int) *contents {
	if c.all != nil {
		return c
	}
	c.all = make([]int32, len(o.stored)+len(o.files))
	c.free = make([]int32, len(c.all))
	for i := range c.all {
		c.all[i] = int32(i)
	}
	slices.SortFunc(c.all, func(a, b int32) int {
		return cmp.Or(bytes.Compare(o.sumAt(a)[:], o.sumAt(b)[:]), than(a, b), cmp.Compare(a, b))
	})
	return c
}

// hashes are all messages by content.
func (o *existingBox) hashes() *contents {
	return o.sorted(&o.byHash, func(int32, int32) int { return 0 })
}

// dates are all messages by content and date.
func (o *existingBox) dates() *contents {
	return o.sorted(&o.byDate, func(a, b int32) int { return cmp.Compare(o.dateAt(a), o.dateAt(b)) })
}

// between are the places of messages that compare equal to what is looked for.
func (c *contents) between(compare func(i int32) int) (low, high int) {
	low, _ = slices.BinarySearchFunc(c.all, 0, func(i int32, _ int) int { return compare(i) })
	high, _ = slices.BinarySearchFunc(c.all, 0, func(i int32, _ int) int {
		if compare(i) <= 0 {
			return -1
		}
		return 1
	})
	return low, high
}

// firstFree is the first place from low on, before high, whose message is not
// taken; else high, or one behind it.
func (c *contents) firstFree(low, high int, taken func(i int32) bool) int {
	at := low
	for at < high && (int(c.free[at]) > at || taken(c.all[at])) {
		at = max(int(c.free[at]), at+1)
	}
	for low < at && low < high { // the way is shorter the next time
		low, c.free[low] = max(int(c.free[low]), low+1), int32(at)
	}
	return at
}

// lookFor looks for the message of the store that e is: one for which has is
// true, which follows from sum where that is not nil.
type lookFor func(o *existingBox, e *entry, sum *[32]byte, has func(m *storedMessage) bool) (storedMessage, bool)

// byName looks among those that e may be by its name.
func byName(o *existingBox, e *entry, _ *[32]byte, has func(m *storedMessage) bool) (storedMessage, bool) {
	isOther := func(uid uint32) bool { return e.box.index.mine.has(uid) || o.mine.has(uid) }
	for m := range o.named(e, isOther) {
		if has(&m) {
			return m, true
		}
	}
	return storedMessage{}, false
}

// byContent looks among those that are known by their content, and takes the
// one that it finds.
func byContent(o *existingBox, e *entry, sum *[32]byte, has func(m *storedMessage) bool) (storedMessage, bool) {
	switch {
	case !o.unnamed && !e.nameless:
		return storedMessage{}, false
	case sum != nil:
		return o.takeContent(e, *sum)
	}
	all := o.hashes()
	for _, dated := range [...]bool{true, false} {
		if m, ok := o.takeFirst(e, all, 0, len(all.all), dated, has); ok {
			return m, true
		}
	}
	return storedMessage{}, false
}

// takeContent takes a message that has this content and may be e: one of its
// date where there is one, and of these the one that had its place before, so
// that copies which differ in their flags do not change them with each run. Of
// messages that no index names, whose dates are of their files, the one that
// has its UID comes first.
func (o *existingBox) takeContent(e *entry, sum [32]byte) (storedMessage, bool) {
	if !o.unnamed && !e.nameless {
		return storedMessage{}, false
	}
	if i, ok := o.byOrig[origKey(e.validity, e.origUID)]; ok {
		if m := o.stored[i]; m.sum == sum && m.date == e.date && o.mayBe(e, &m, true) {
			o.take(m.uid)
			return m, true
		}
	}
	if m, ok := o.fileOf(e.origUID); ok && m.sum == sum && o.mayBe(e, &m, true) {
		o.take(m.uid)
		return m, true
	}
	is := func(*storedMessage) bool { return true }
	dates := o.dates()
	low, high := dates.between(func(i int32) int {
		return cmp.Or(bytes.Compare(o.sumAt(i)[:], sum[:]), cmp.Compare(o.dateAt(i), e.date))
	})
	if m, ok := o.takeFirst(e, dates, low, high, true, is); ok {
		return m, true
	}
	hashes := o.hashes()
	low, high = hashes.between(func(i int32) int { return bytes.Compare(o.sumAt(i)[:], sum[:]) })
	return o.takeFirst(e, hashes, low, high, false, is)
}

// fileOf is the message of a UID of which only its file tells.
func (o *existingBox) fileOf(uid uint32) (storedMessage, bool) {
	i, ok := slices.BinarySearchFunc(o.files, uid, func(f fileRecord, uid uint32) int { return cmp.Compare(f.UID, uid) })
	if !ok {
		return storedMessage{}, false
	}
	return o.at(int32(len(o.stored) + i)), true
}

// takeFirst takes the first message between two places that may be e: of its
// date or, when dated is false, of another one.
func (o *existingBox) takeFirst(e *entry, c *contents, low, high int, dated bool, has func(m *storedMessage) bool) (storedMessage, bool) {
	if !dated && e.nameless && !e.anyDate && len(o.files) == 0 {
		return storedMessage{}, false // mayBe would refuse them all
	}
	taken := func(i int32) bool { return o.isTaken(o.uidAt(i)) }
	for at := c.firstFree(low, high, taken); at < high; at = c.firstFree(at+1, high, taken) {
		m := o.at(c.all[at])
		if (m.date == e.date) == dated && o.mayBe(e, &m, dated) && has(&m) {
			o.take(m.uid)
			return m, true
		}
	}
	return storedMessage{}, false
}

// take makes a message known by its content nobody else's.
func (o *existingBox) take(uid uint32) {
	if o.taken == nil {
		o.taken = make(map[uint32]bool)
	}
	o.taken[uid] = true
}

// isTaken tells whether a message is nobody else's.
func (o *existingBox) isTaken(uid uint32) bool { return o.taken[uid] || o.passesOver(uid) }

func (o *existingBox) takeAll(uids uidRanges) {
	for _, r := range uids {
		for uid := uint64(r.lo); uid <= uint64(r.hi); uid++ {
			o.take(uint32(uid))
		}
	}
}

// takenUIDs are those that have been taken.
func (o *existingBox) takenUIDs() (uids uidRanges) {
	for _, uid := range slices.Sorted(maps.Keys(o.taken)) {
		uids.add(uid)
	}
	return uids
}

// mayBe tells whether e may be the message m, if the content is the same. Two
// that are named by the source are told apart by that. One of another date is
// another copy of the message, unless its date is not known.
func (o *existingBox) mayBe(e *entry, m *storedMessage, dated bool) bool {
	switch {
	case o.isTaken(m.uid):
		return false
	case !e.nameless:
		return m.isUnnamed()
	case m.validity == e.validity && e.made && m.origUID < e.box.plan.made:
		return false // a message that the source names
	}
	return dated || e.anyDate || m.file
}
