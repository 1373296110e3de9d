package verify

import (
	"encoding/hex"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/sims"
)

// absentCopy is a first copy that the store does not have under its own name,
// because it has expired.
type absentCopy struct {
	body
	file   fileKey          // of the first live reference
	link   string           // member name of that; "": none yet
	others map[fileKey]bool // of live references that are no links to that
}

// forget remembers a first copy that the store has not.
func (c *streamCheck) forget(m *sims.Member, b body) {
	if _, known := c.absent[m.Name]; !known && len(c.absent) < maxLate {
		c.absent[strings.Clone(m.Name)] = absentCopy{body: b}
	}
}

// link compares a later copy, and the data that it brings along, which has to
// be that of its first copy.
func (c *streamCheck) link(m *sims.Member, data body) {
	if !c.enter(m) {
		return // the mailbox has been told
	}
	rec, there, err := c.linked(m)
	if err != nil {
		c.problem(m, "bad-index", "%v", err)
		return
	}
	again := c.uids.add(m.UID)
	switch {
	case rec == nil && there:
		return // it was there before, with flags and date of its own
	case rec == nil:
		c.problem(m, "missing-message", "the store does not have it in %s", c.box.view.box.path)
		return
	case again:
		c.warning(m, "duplicate-uid", "the stream has this UID twice")
		return
	}
	c.record(m, rec)
	if m.Carried > 0 && data.sum != rec.sum {
		c.problem(m, "link-data", "the stream has data of SHA-256 %s with this link, the store has %s, as its first copy: that data is not in the store", hex.EncodeToString(data.sum[:]), hex.EncodeToString(rec.sum[:]))
	}
	var own unix.Stat_t
	if statRegular(c.box.view.box.fd, messageFile(rec.uid), &own) != nil {
		return // told with the tree
	}
	if first, ok := c.absent[m.Link]; ok {
		c.linkToAbsent(m, rec, &own, first)
		return
	}
	c.linkToFirst(m, rec, &own)
}

// linked finds the record of a later copy. Of several that came from its UID it
// is the one with the content of the first copy. Without any, there tells that
// a message of that content is there which does not say where it came from.
func (c *streamCheck) linked(m *sims.Member) (rec *viewRecord, there bool, err error) {
	if !c.box.names(m.UID) && c.box.view.header != nil {
		rec, err = c.linkedByContent(m)
		return rec, false, err
	}
	all, err := c.box.view.candidates(m.UID, c.box.validity)
	if err != nil || len(all) == 1 {
		return one(all), false, err
	}
	first := c.firstContents(m.Link)
	if len(all) == 0 {
		if rec, err = c.here(m); err != nil {
			return nil, false, err
		}
		if rec != nil && (first[rec.sum] || len(first) == 0) { // else it is another message
			c.cameFrom(m, rec)
			return rec, false, nil
		}
	}
	for _, dated := range []bool{true, false} { // of mailboxes with another UIDVALIDITY some may have the UID
		for _, rec := range all {
			if first[rec.sum] && (!dated || rec.date == storeDate(m.Time)) {
				return rec, false, nil
			}
		}
	}
	for sum := range first {
		there = there || c.box.view.findContent(sum) != nil
	}
	return one(all), there, nil
}

// linkedByContent is linked for a copy whose UID names nothing.
func (c *streamCheck) linkedByContent(m *sims.Member) (*viewRecord, error) {
	for sum := range c.firstContents(m.Link) {
		if rec, err := c.box.view.takeContent(c.box.uidsSaid, m.UID, storeDate(m.Time), &sum); rec != nil || err != nil {
			return rec, err
		}
	}
	return nil, nil
}

func one(all []*viewRecord) *viewRecord {
	if len(all) == 0 {
		return nil
	}
	return all[0]
}

// recentContents are the sums of the messages that were read last, by the hash
// of the member name and the UIDVALIDITY behind it: some 12 MiB.
type recentContents struct {
	seed maphash.Seed
	m    map[uint64]recentContent
	ring []uint64
	next int
}

// recentContent is the sum of a message as the last stream has it that does,
// and as an earlier one has.
type recentContent struct {
	stream       int
	link         bool // it is a later copy there
	sum, earlier [32]byte
}

// contentsKept has room for more than a queue of members holds.
const contentsKept = 1 << 17

func (r *recentContents) hash(member string, validity uint32) uint64 {
	var h maphash.Hash
	h.SetSeed(r.seed)
	h.WriteString(member)
	maphash.WriteComparable(&h, validity)
	return h.Sum64()
}

func (r *recentContents) add(m *sims.Member, validity uint32, stream int, b body) {
	if r.m == nil {
		r.m, r.seed = make(map[uint64]recentContent), maphash.MakeSeed()
	}
	name := r.hash(m.Name, validity)
	was, known := r.m[name]
	switch {
	case known && was.stream == stream:
		return // the first one stays
	case m.Kind == sims.Link && known:
		r.m[name] = recentContent{stream: stream, link: true}
		return
	case m.Kind == sims.Link:
		return
	case known:
	case len(r.ring) < contentsKept:
		r.ring = append(r.ring, name)
	default:
		delete(r.m, r.ring[r.next])
		r.ring[r.next] = name
		r.next = (r.next + 1) % len(r.ring)
	}
	is := recentContent{stream: stream, sum: b.sum, earlier: b.sum}
	if known && !was.link {
		is.earlier = was.sum
	}
	r.m[name] = is
}

// of are the sums that a message has in the streams; false when it was not read
// lately.
func (r *recentContents) of(member string, validity uint32) (recentContent, bool) {
	if r.m == nil {
		return recentContent{}, false
	}
	is, ok := r.m[r.hash(member, validity)]
	if !ok && validity != 0 {
		is, ok = r.m[r.hash(member, 0)]
	}
	return is, ok && !is.link
}

// firstContents are the contents that a first copy may have: the one that the
// stream has or, when it came long ago or in another stream, those of the
// messages of the store that came from its UID.
func (c *streamCheck) firstContents(name string) map[[32]byte]bool {
	sums := make(map[[32]byte]bool)
	if first, ok := c.absent[name]; ok {
		sums[first.sum] = true
		return sums
	}
	if is, ok := c.v.contents.of(name, c.saidOf(name).validity); ok {
		sums[is.sum], sums[is.earlier] = true, true
		return sums
	}
	at, ok := c.v.chosen.placeOf(name)
	if !ok {
		return sums
	}
	view := c.viewOf(at)
	if view == nil {
		return sums
	}
	all, err := view.candidates(at.uid, c.saidOf(name).validity)
	if err != nil {
		return sums // told where the mailbox itself is compared
	}
	for _, rec := range all {
		sums[rec.sum] = true
	}
	return sums
}

// saidOf is what the streams have said last of the UIDs of the mailbox of a
// member: that one, or an earlier one.
func (c *streamCheck) saidOf(name string) uidsSaid {
	return c.v.said[c.v.hash(name[:max(strings.LastIndexByte(name, '/'), 0)])].uidsSaid
}

// saidBy is what a stream says of the UIDs of a mailbox.
type saidBy struct {
	stream int
	uidsSaid
}

// noteSaid notes what a stream says of the UIDs of a mailbox, be it chosen or
// not.
func (c *streamCheck) noteSaid(m *sims.Member) {
	if m.Kind != sims.Mailbox || m.UIDValidity == 0 || len(c.v.said) >= maxLate {
		return
	}
	if c.v.said == nil {
		c.v.said = make(map[uint64]saidBy)
	}
	at := c.v.hash(m.Name)
	is := saidBy{c.number, uidsSaid{m.UIDValidity, m.MadeUIDs}}
	if was, known := c.v.said[at]; known && was.stream == c.number && was.validity != is.validity {
		is.validity = 0 // a stream that contradicts itself tells nothing
	}
	c.v.said[at] = is
}

// linkToAbsent compares a copy whose first has expired. The content of that
// is at the first live reference, which the file is dated by, and later ones
// are links to it. One that is none has a file of its own with its own date.
func (c *streamCheck) linkToAbsent(m *sims.Member, rec *viewRecord, own *unix.Stat_t, first absentCopy) {
	if first.sum != rec.sum {
		c.problem(m, "wrong-content", "the store has SHA-256 %s, its first copy in the stream %s", hex.EncodeToString(rec.sum[:]), hex.EncodeToString(first.sum[:]))
	}
	key := keyOf(own)
	switch {
	case first.link == "":
		first.file, first.link = key, strings.Clone(m.Name)
	case key == first.file, first.others[key]:
		return
	default:
		if first.others == nil {
			first.others = make(map[fileKey]bool)
		}
		first.others[key] = true
		c.warning(m, "copied-link", "a file of its own, not a link to %s, as both are copies of the expired %s", sims.DisplayName(first.link), sims.DisplayName(m.Link))
	}
	c.absent[m.Link] = first
	c.v.report.Copies++
	c.fileDate(m, own, m.Time)
}

// linkToFirst compares a copy with its first.
func (c *streamCheck) linkToFirst(m *sims.Member, rec *viewRecord, own *unix.Stat_t) {
	is, read := c.v.contents.of(m.Link, c.saidOf(m.Link).validity)
	if read && c.box.view.header != nil && rec.sum != is.sum && rec.sum != is.earlier {
		c.problem(m, "wrong-content", "the store has SHA-256 %s, its first copy in the stream %s", hex.EncodeToString(rec.sum[:]), hex.EncodeToString(is.sum[:]))
		return
	}
	at, ok := c.v.chosen.placeOf(m.Link)
	if ok && !read && !c.firstStored(m, at, own) {
		return
	}
	var first unix.Stat_t
	if !ok || !c.v.statMessage(at, &first) {
		c.v.report.Unchecked++
		return
	}
	if keyOf(own) != keyOf(&first) {
		if at, ok = c.firstElsewhere(m.Link, at, rec, own, &first); !ok {
			c.v.report.Unchecked++
			return
		}
	}
	if keyOf(own) == keyOf(&first) {
		c.sameFile(m, own, &first)
		return
	}
	sum, ok := c.sumAt(m, at)
	if ok && sum != rec.sum && c.v.isBeside(at) {
		c.v.report.Unchecked++ // what lies there may be the message of another user
		return
	}
	c.sameFile(m, own, &first)
	if ok && sum != rec.sum {
		c.problem(m, "wrong-content", "the store has SHA-256 %s, its first copy %s has %s", hex.EncodeToString(rec.sum[:]), m.Link, hex.EncodeToString(sum[:]))
	}
}

// firstStored tells whether the store has the first copy of a link that no
// stream has had lately, or may have it: a message of its UID and of the
// UIDVALIDITY that the streams say of its mailbox. What else has the UID there
// is another message, and a link to that is a fault.
func (c *streamCheck) firstStored(m *sims.Member, at place, own *unix.Stat_t) bool {
	said := c.saidOf(m.Link)
	if said.validity == 0 || !said.names(at.uid) {
		return true
	}
	view := c.viewOf(at)
	if view == nil || view.header == nil || view.header.UIDValidity == said.validity {
		return true // a backup of the store calls by its UID what came from elsewhere
	}
	all, err1 := view.candidates(at.uid, said.validity)
	rec, err2 := view.byUID(at.uid)
	if err1 != nil || err2 != nil || len(all) > 0 || rec == nil || rec.origValidity == 0 || rec.origUID == 0 {
		return true
	}
	var there unix.Stat_t
	if statRegular(view.box.fd, messageFile(at.uid), &there) == nil && keyOf(&there) == keyOf(own) {
		c.problem(m, "broken-link", "a link to message %d of %s, of Original-Uid %d-%d: its first copy %s is %d-%d, which is not in the store",
			at.uid, fullName(at.id, at.mailbox), rec.origValidity, rec.origUID, sims.DisplayName(m.Link), said.validity, at.uid)
		return false
	}
	c.v.report.Unchecked++
	return false
}

// statMessage asks about a message of the store; false: it is not there.
func (v *verifier) statMessage(at place, st *unix.Stat_t) bool {
	for _, p := range v.partitionsOf(at.id, at.mailbox) {
		path := mailboxDir(p, at.id, at.mailbox) + "/" + messageDir(at.uid)
		dir, err := openDown(v.root, path)
		if err != nil {
			v.refused(path, err)
			continue
		}
		err = statRegular(dir, fmt.Sprintf("%d.msg", at.uid), st)
		unix.Close(dir)
		if err == nil {
			return true
		}
	}
	return false
}

// firstElsewhere looks for a first copy that got another UID because its
// mailbox had other messages before: the file that own is, if any of those
// with this original UID is. Else at and first stay; false when what lies
// there came from another UID.
func (c *streamCheck) firstElsewhere(name string, at place, rec *viewRecord, own, first *unix.Stat_t) (place, bool) {
	view := c.viewOf(at)
	if view == nil || view.header == nil {
		return at, true
	}
	said := c.saidOf(name)
	all, err := view.candidates(at.uid, said.validity)
	if err == nil && len(all) == 0 {
		all, err = view.candidates(at.uid, 0)
	}
	if !said.names(at.uid) { // it is known by its content
		all, err = pointers(view.withContent(&rec.sum))
	}
	if err != nil {
		return at, true
	}
	content := -1
	for i, r := range all {
		var st unix.Stat_t
		if r.uid != at.uid && statRegular(view.box.fd, messageFile(r.uid), &st) == nil && keyOf(&st) == keyOf(own) {
			*first, at.uid = st, r.uid
			return at, true
		}
		if content < 0 && r.sum == rec.sum {
			content = i
		}
	}
	if content >= 0 {
		at.uid = all[content].uid
		return at, statRegular(view.box.fd, messageFile(at.uid), first) == nil
	}
	return at, slices.ContainsFunc(all, func(r *viewRecord) bool { return r.uid == at.uid })
}

func pointers(list []viewRecord, err error) (all []*viewRecord, _ error) {
	for i := range list {
		all = append(all, &list[i])
	}
	return all, err
}

// viewOf is the mailbox of a first copy; nil: it cannot be read. It stays open
// for the next link.
func (c *streamCheck) viewOf(at place) *boxView {
	name := fullName(at.id, at.mailbox)
	if c.other.name == name {
		return c.other.view
	}
	c.other.close()
	c.other = streamBox{name: name}
	box, err := c.v.findMailbox(at.id, at.mailbox)
	if err == nil {
		c.other.view, err = newBoxView(c.ctx, box, c.read, maxView) // nil after an error
	}
	c.v.refused(name, err)
	return c.other.view
}

// linkLimit is the lowest number of links at which a file system in use refuses
// another one.
const linkLimit = 31998

// maxOwn bounds the first copies of which is remembered where the user at hand
// has a copy.
const maxOwn = 100000

// sameFile tells a link that is none. One run links whatever it can; another
// run at the same time, which does not see the first copy yet, makes one copy
// a user, with the date of the first: that is no fault, but worth a line, once;
// the user's others are links to that copy.
func (c *streamCheck) sameFile(m *sims.Member, own, first *unix.Stat_t) {
	before, seen := c.user.own[keyOf(first)]
	if !seen && len(c.user.own) < maxOwn {
		c.user.own[keyOf(first)] = keyOf(own)
	}
	switch {
	case keyOf(own) == keyOf(first) && (!seen || before == keyOf(own)):
	case c.box.foreign: // its messages may have been there before the stream's
		c.v.report.Copies++
	case own.Dev != first.Dev, first.Nlink >= linkLimit:
		c.v.report.Copies++
		if own.Mtim != first.Mtim {
			c.problem(m, "file-date", "a copy of %s with another date", sims.DisplayName(m.Link))
		}
	case seen && before != keyOf(own), own.Mtim != first.Mtim, strings.HasPrefix(m.Link, m.User+"/"):
		c.fault(m, "broken-link", "not the same file as its first copy, %s", m.Link)
	case !seen:
		c.v.report.Copies++
		c.warning(m, "copied-link", "a file of its own, as another run makes it, not a link to %s", m.Link)
	}
}

// sumAt is the content of a message of the store; false: it cannot be had,
// which is told or counted.
func (c *streamCheck) sumAt(m *sims.Member, at place) (sum [32]byte, ok bool) {
	view := c.viewOf(at)
	if view == nil {
		c.v.report.Unchecked++
		return sum, false
	}
	var st unix.Stat_t
	f, err := c.read.read(c.ctx, view.box.fd, messageFile(at.uid), &st)
	if err != nil {
		c.problem(m, "unreadable", "%v", err)
		return sum, false
	}
	return f.sum, true
}

// messageDate compares the date of the file of a first copy.
func (c *streamCheck) messageDate(m *sims.Member, rec *viewRecord) {
	if c.box.view.header == nil && !c.v.opts.NoIndex {
		return // not a restore's
	}
	var own unix.Stat_t
	if statRegular(c.box.view.box.fd, messageFile(rec.uid), &own) == nil {
		c.fileDate(m, &own, m.Time)
	}
}

// fileDate compares the date of a file with that of its first copy. What an
// earlier stream had as a later copy keeps that date: with the second and any
// further stream a difference is a warning. So it is where the store has
// another copy of that date, which is known at the end.
func (c *streamCheck) fileDate(m *sims.Member, own *unix.Stat_t, first int64) {
	want := storeDate(first)
	if sameFileDate(own, want) {
		return
	}
	n := problem("file-date", c.where(m), "the file is of %s, its first copy of %s", fileDateText(own), dateText(want))
	switch {
	case !c.first:
		n = warning(n.Kind, n.Where, "%s; an earlier stream may have had it as a copy", n.Text)
	case c.box.joined:
		n = warning(n.Kind, n.Where, "%s: %s", n.Text, ofAnother)
	}
	if c.first && own.Nlink > 1 && own.Mtim.Nsec == 0 && len(c.v.misdated) < maxLate {
		c.v.misdated = append(c.v.misdated, misdated{keyOf(own), own.Mtim.Sec, n})
		return
	}
	c.tell(n)
}
