package verify

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"imsconv/dbconv/mboxlist"
	"imsconv/storeconv"
	"imsconv/storeconv/sims"
)

// streamBox is the mailbox at hand.
type streamBox struct {
	name     string       // as the stream has it, with the user in front; "": none
	view     *boxView     // nil: not in the store, and told
	foreign  bool         // its index is somebody else's
	uidsSaid              // in the stream
	other    *sims.Member // the mailbox, where its UIDVALIDITY is another and was made
	joined   bool         // mail of more than one mailbox has been put into it so far
	origins  int64        // messages that came from another stream,
	origin   string       // the first of which this says
	later    bool         // its last access is later than the stream: another has come since
}

// uidBits is a set of UIDs. What it holds is bounded to 32 MiB; beyond it UIDs
// count as new.
type uidBits struct {
	parts map[uint32]*uidPart
	spare *uidPart // of the mailbox before; most need no other
}

// uidPart has a bit for each of 65,536 UIDs.
type uidPart [1024]uint64

const maxUIDBits = 4096

// reset empties the set.
func (b *uidBits) reset() {
	for _, part := range b.parts {
		b.spare = part
	}
	clear(b.parts)
}

// add adds a UID and tells whether the set had it.
func (b *uidBits) add(uid uint32) bool {
	part := b.parts[uid>>16]
	if part == nil {
		if len(b.parts) >= maxUIDBits {
			return false
		}
		if b.parts == nil {
			b.parts = make(map[uint32]*uidPart)
		}
		if part = b.spare; part != nil {
			*part, b.spare = uidPart{}, nil
		} else {
			part = new(uidPart)
		}
		b.parts[uid>>16] = part
	}
	word, mask := &part[uid>>6&1023], uint64(1)<<(uid&63)
	had := *word&mask != 0
	*word |= mask
	return had
}

// enter opens the mailbox of a member and says whether it is there; a missing
// one is told once.
func (c *streamCheck) enter(m *sims.Member) bool {
	name := m.User + "/" + m.Mailbox
	if c.box.name == name {
		return c.box.view != nil
	}
	c.leave()
	at := c.v.hash(name)
	said, met := c.said[at]
	c.box = streamBox{name: name, uidsSaid: said}
	if met && m.Kind != sims.Mailbox {
		c.queue.back = true
	} else if !met && len(c.said) < maxLate {
		c.said[at] = uidsSaid{}
	}
	mailbox, err := c.v.chosen.name(m.Mailbox)
	if err != nil {
		c.problem(m, "refused", "%v", err)
		return false
	}
	box, err := c.v.findMailbox(c.user.id, mailbox)
	if notThere(err) {
		c.problem(m, "missing-mailbox", "the store does not have %s", fullName(c.user.id, mailbox))
		return false
	}
	c.v.entered++
	if err == nil {
		c.box.view, err = newBoxView(c.ctx, box, c.read, maxView)
	}
	if err != nil {
		c.problem(m, "bad-index", "%v", err)
		return false
	}
	if c.box.view.header == nil && !c.v.opts.NoIndex {
		c.box.foreign = c.v.isForeign(box)
		c.noIndex(m, box)
	}
	c.box.joined = c.v.joined(box.path, m.User+"/"+m.Mailbox)
	c.lastAccess(m)
	return true
}

// firstSaid is what the streams said first of a mailbox of the store, to which
// several of theirs may have come: those of users who get one name, INBOX in
// several spellings, one that is announced again.
type firstSaid struct {
	source   uint64 // hash of the user and the mailbox that came first
	joined   bool   // another came too
	validity uint32 // the first UIDVALIDITY that was said; 0: none yet
}

// joined tells whether two mailboxes of the streams, source and another, have
// come to one of the store, as selections that give two users one name have it,
// or INBOX in two spellings. From then on nobody's message is known from one of
// the other's that has its UID and its content.
func (v *verifier) joined(path, source string) bool {
	at, whose := v.hash(path), v.hash(source)
	first, ok := v.owners[at]
	if !ok && len(v.owners) < maxLate {
		if v.owners == nil {
			v.owners = make(map[uint64]firstSaid)
		}
		v.owners[at] = firstSaid{source: whose}
	}
	if ok && first.source != whose && !first.joined {
		first.joined = true
		v.owners[at] = first
	}
	return first.joined
}

// besideSaid is what the streams say of a mailbox of the store that is of a
// user who is not chosen: a run over him too, or one that knows of him, has it.
// 1: it is there; 2: it is subscribed.
type besideSaid int8

// beside notes the mailbox of a user who is not chosen, where another one may
// have his id.
func (v *verifier) beside(m *sims.Member) {
	if v.chosen.opts.Domain == "" && len(v.chosen.opts.Map) == 0 || len(v.besides) >= maxLate {
		return
	}
	id, err1 := v.chosen.id(m.User)
	name, err2 := v.chosen.name(m.Mailbox)
	if err1 != nil || err2 != nil {
		return
	}
	if v.besides == nil {
		v.besides = make(map[uint64]besideSaid)
	}
	for _, partition := range v.partitions {
		at := v.hash(mailboxDir(partition, id, name))
		v.besides[at] = max(v.besides[at], 1, besideSaid(m.Subscribed+1))
	}
}

// isBeside tells whether a place is in the mailbox of a user who is not chosen,
// where another one may have his id.
func (v *verifier) isBeside(at place) bool {
	for _, partition := range v.partitions {
		if v.besides[v.hash(mailboxDir(partition, at.id, at.mailbox))] > 0 {
			return true
		}
	}
	return false
}

// excuse notes whether a mailbox of a user who is not chosen may explain a
// difference of the mailbox at hand: others may do less with it then, and it is
// subscribed where one of them is.
func (c *streamCheck) excuse(key lateKey, may bool) {
	if c.v.chosen.opts.Domain == "" && len(c.v.chosen.opts.Map) == 0 {
		return
	}
	if c.v.excused == nil {
		c.v.excused = make(map[lateKey]bool)
	}
	if key = key.of(c.box.view); may && len(c.v.excused) < maxLate {
		c.v.excused[key] = true
	} else {
		delete(c.v.excused, key)
	}
}

// hasBeside tells whether there is such a mailbox.
func (v *verifier) hasBeside(key lateKey) bool {
	said := v.besides[v.hash(key.path)]
	return said > 1 || said == 1 && key.kind == "acl"
}

// validityBefore is the UIDVALIDITY that was said of a mailbox of the store
// before this one, the first of several; 0: none. That one holds.
func (v *verifier) validityBefore(path string, validity uint32) uint32 {
	at := v.hash(path)
	first, ok := v.owners[at]
	before := first.validity
	if ok && before == 0 {
		first.validity = validity
		v.owners[at] = first
	}
	return before
}

// noIndex tells that a mailbox of the stream has no index of ours. A restore
// leaves the index that a relocated mailbox brought along, with a warning:
// nothing is lost by that, and little can be compared.
func (c *streamCheck) noIndex(m *sims.Member, box *mailbox) {
	switch {
	case c.box.foreign:
		c.warning(m, "foreign-index", "%s has an index in a foreign form, as a relocation leaves it: dates, flags and UIDs are not compared; --from compares it with the store it came from", box.path)
	case c.v.origin != nil && c.v.origin.covers(box.id):
		c.warning(m, "no-index", "%s has no index of a restore: dates, flags and UIDs are not compared", box.path)
	default:
		c.problem(m, "no-index", "%s has no index of a restore: dates, flags and UIDs are not compared", box.path)
	}
}

// isForeign tells whether a mailbox has an index of somebody else. One of ours
// that is damaged is told where the mailbox is checked.
func (v *verifier) isForeign(box *mailbox) bool {
	if !box.hasIndex {
		return false
	}
	fd, err := openFile(box.fd, indexName)
	if err != nil {
		v.refused(box.path, err)
		return false
	}
	defer unix.Close(fd)
	why, err := damagedIndex(fd)
	return why == "" && err == nil
}

// uidsSaid is what a stream says of the UIDs of a mailbox.
type uidsSaid struct {
	validity uint32 // UIDVALIDITY; 0: not said
	made     uint32 // UIDs from here on name nothing; 0: none
}

// names tells whether a UID names a message.
func (s uidsSaid) names(uid uint32) bool { return s.made == 0 || uid < s.made }

func (c *streamCheck) leave() {
	if m := c.box.other; m != nil {
		c.otherValidity(m, c.box.view)
	}
	if n := c.box.origins; n > 0 {
		c.tell(warning("other-origin", c.s.Name+": "+sims.DisplayName(c.box.name), "%d messages have these UIDs, and came from another stream: %s", n, c.box.origin))
	}
	c.box.close()
	c.box = streamBox{}
	c.uids.reset()
}

func (b *streamBox) close() {
	if b.view != nil {
		b.view.close()
		b.view = nil
	}
}

// findMailbox finds a mailbox in the partition that folder.db names, else in
// any.
func (v *verifier) findMailbox(id, name string) (*mailbox, error) {
	for _, p := range v.partitionsOf(id, name) {
		box, err := v.openMailbox(p, id, name)
		if err == nil || !notThere(err) {
			return box, err
		}
	}
	return nil, fs.ErrNotExist
}

// partitionsOf lists the partitions in which a mailbox may lie, the likeliest
// first.
func (v *verifier) partitionsOf(id, name string) []string {
	if len(v.partitions) < 2 {
		return v.partitions
	}
	value, ok, err := v.lists.get(mboxlist.FolderDB, fullName(id, name))
	if err != nil || !ok {
		return v.partitions
	}
	rec, err := mboxlist.ParseFolder(value)
	if err != nil || !slices.Contains(v.partitions, rec.Partition) {
		return v.partitions
	}
	return append([]string{rec.Partition}, v.partitions...)
}

// quota compares what the stream says of a user. Limits may have come from a
// directory instead, and the last warning from a store that was there before,
// so that a difference is a warning only.
func (c *streamCheck) quota(m *sims.Member) {
	if !m.HasQuota {
		return
	}
	value, ok, err := c.v.lists.get(mboxlist.QuotaDB, c.user.id)
	if err != nil || !ok {
		return // told with the user
	}
	q, err := mboxlist.ParseQuota(value)
	if err != nil {
		return // likewise
	}
	want := m.Quota
	if want > 0 {
		want /= 1024
	}
	if q.KB != want {
		c.warning(m, "quota-limit", "quota.db has a limit of %d KB, the stream says %d", q.KB, want)
	}
	if q.Messages != mboxlist.Unlimited {
		c.warning(m, "quota-limit", "quota.db has a limit of %d messages, the stream has none", q.Messages)
	}
	if q.LastWarned != -1 {
		c.warning(m, "quota-warned", "quota.db has a last warning at %d, the stream has none", q.LastWarned)
	}
}

// lastAccess compares the time of the last access in peruser.db, which is that
// of the last backup that has the mailbox.
func (c *streamCheck) lastAccess(m *sims.Member) {
	box := c.box.view.box
	value, ok, err := c.v.lists.get(mboxlist.PeruserDB, box.id+"\t"+box.fullName())
	if err != nil || !ok || c.box.view.header == nil && !c.v.opts.NoIndex {
		return // told with the mailbox
	}
	rec, err := mboxlist.ParsePerUser(value)
	if err != nil {
		return // likewise
	}
	named := *m
	named.Name = m.User + "/" + m.Mailbox
	want := int64(-1)
	if c.date > 0 {
		want = c.date
	} else if rec.LastAccess != want {
		c.undated(&named, rec.LastAccess)
		return
	}
	said := rec.LastAccess > want && slices.Contains(c.v.backups, rec.LastAccess) // by an earlier stream
	key := lateKey{kind: "last-access"}
	if rec.LastAccess > want && !said {
		c.box.later = true
		c.note(&named, key, storeconv.Warning, "peruser.db has the last access at %d, the stream says %d: the store is ahead of it, as behind a later backup", rec.LastAccess, want)
		return
	}
	c.later(&named, key, said || rec.LastAccess == want, "peruser.db has the last access at %d, the stream says %d", rec.LastAccess, want)
}

// undated tells of a last access that a stream without a date says nothing of:
// an earlier one has said it.
func (c *streamCheck) undated(m *sims.Member, has int64) {
	key := lateKey{kind: "last-access"}
	if _, said := c.v.late[key.of(c.box.view)]; !said && !slices.Contains(c.v.backups, has) {
		c.note(m, key, storeconv.Warning, "peruser.db has the last access at %d, the source says none", has)
	}
}

// mailbox compares what the stream says of a mailbox as a whole.
func (c *streamCheck) mailbox(m *sims.Member) {
	h := c.box.view.header
	if h == nil {
		return // a foreign index: nothing is known
	}
	c.box.uidsSaid = uidsSaid{m.UIDValidity, m.MadeUIDs}
	c.reachNext(m)
	others := c.box.joined || m.UIDValidity != 0 && c.box.view.hadOthers(c.box.uidsSaid)
	before := c.v.validityBefore(c.box.view.box.path, m.UIDValidity)
	key, equal := lateKey{kind: "uidvalidity"}, m.UIDValidity == h.UIDValidity
	switch {
	case m.UIDValidity == 0:
		made := c.date > 0 && h.UIDValidity == uint32(c.date)
		if n, noted := c.v.late[key.of(c.box.view)]; noted && (c.box.joined || made) { // one was made for it
			n.Severity = storeconv.Warning
			c.v.late[key.of(c.box.view)] = n
		}
	case equal:
		c.later(m, key, true, "")
	case before == h.UIDValidity && before != 0:
		c.warning(m, "uidvalidity", "UIDVALIDITY is %d, the stream says %d: the mailbox came before, and what was said then holds", h.UIDValidity, m.UIDValidity)
	case others:
		c.warning(m, "uidvalidity", "UIDVALIDITY is %d, the stream says %d: it had other messages before", h.UIDValidity, m.UIDValidity)
		c.explain(m)
		return
	case m.MadeUIDs == 1:
		c.box.other = m.Clone()
		return
	default:
		// Of a mailbox that is empty so far what comes next may say another one.
		c.later(m, key, false, "UIDVALIDITY is %d, the stream says %d", h.UIDValidity, m.UIDValidity)
		return
	}
	c.nextUID(m, others)
	if m.Subscribed >= 0 {
		// Of mailboxes that became one, one that says so is enough in one run, and
		// the last word counts in runs of their own.
		equal := h.Subscribed == (m.Subscribed == 1) || c.box.joined && m.Subscribed == 0
		c.excuse(lateKey{kind: "subscribed"}, h.Subscribed)
		c.later(m, lateKey{kind: "subscribed"}, equal, "Subscribed is %d, the stream says %d", bit(h.Subscribed), m.Subscribed)
	}
	c.rights(m, others)
	c.announcedKeywords(m, others)
}

// explain lets what is said of a mailbox that had other messages before explain
// a difference that something said earlier has left: subscription and rights
// are what was said last. It has differences of its own from elsewhere.
func (c *streamCheck) explain(m *sims.Member) {
	h := c.box.view.header
	if m.Subscribed >= 0 && h.Subscribed == (m.Subscribed == 1) {
		c.later(m, lateKey{kind: "subscribed"}, true, "")
	}
	if want, ok := c.v.chosen.rights(m.ACL); ok && (want == h.ACL || c.box.joined && c.gives(want)) {
		c.later(m, lateKey{kind: "acl"}, true, "")
	}
}

// otherValidity tells of a UIDVALIDITY that was made when the source was read,
// and is another in the store: that of an earlier reading, if the store has
// messages of it that the source has no more.
func (c *streamCheck) otherValidity(m *sims.Member, view *boxView) {
	text := fmt.Sprintf("UIDVALIDITY is %d, the stream says %d", view.header.UIDValidity, m.UIDValidity)
	if int64(len(view.taken)) < view.header.Exists {
		c.warning(m, "uidvalidity", "%s: neither is the source's own, and it had other messages before", text)
		return
	}
	c.problem(m, "uidvalidity", "%s", text)
}

// reachNext notes that the store has the Last UID that a stream says of a
// mailbox: the highest of all holds, whichever of them comes first, and also of
// one that has another UIDVALIDITY, or is another user's.
func (c *streamCheck) reachNext(m *sims.Member) {
	if m.UIDNext == 0 || m.UIDNext-1 != c.box.view.header.LastUID || len(c.v.reached) >= maxLate {
		return
	}
	if c.v.reached == nil {
		c.v.reached = make(map[uint64]struct{})
	}
	c.v.reached[c.v.hash(c.box.view.box.path)] = struct{}{}
	c.later(m, lateKey{kind: "uidnext"}, true, "")
}

// nextUID compares Last UID. Messages of other streams may have raised it.
func (c *streamCheck) nextUID(m *sims.Member, others bool) {
	h := c.box.view.header
	if m.UIDNext == 0 {
		return
	}
	want := m.UIDNext - 1
	if want > h.LastUID {
		c.problem(m, "uidnext", "Last UID is %d, the stream's next is %d", h.LastUID, m.UIDNext)
		return
	}
	if others {
		c.later(m, lateKey{kind: "uidnext"}, true, "")
		return
	}
	if all := c.box.view.all; len(all) > 0 {
		want = max(want, all[len(all)-1].uid)
	} else if h.Exists > 0 {
		return // too many to know the highest
	}
	_, reached := c.v.reached[c.v.hash(c.box.view.box.path)]
	key := lateKey{kind: "uidnext"}
	if h.LastUID > want && !reached && c.box.later {
		c.note(m, key, storeconv.Warning, "Last UID is %d, should be %d: a later backup may have had messages that are gone", h.LastUID, want)
		return
	}
	c.later(m, key, h.LastUID == want || reached, "Last UID is %d, should be %d", h.LastUID, want)
}

// ownerRights are those of a mailbox's owner where the stream says nothing.
const ownerRights = "lrswipcda"

// rights compares those of a mailbox. Where several have become one, each must
// have given what the one gives to others than its owner.
func (c *streamCheck) rights(m *sims.Member, others bool) {
	want, ok := c.v.chosen.rights(m.ACL)
	if c.box.joined {
		c.joinedRights(m, want)
		return
	}
	usual, path := c.user.id+"\t"+ownerRights, c.v.hash(c.box.view.box.path)
	if want == "" {
		if others || !c.first || c.granted[path] || m.ACL != "" && !ok {
			return // it may have rights from elsewhere
		}
		want = usual
	} else if c.first && want != usual && len(c.granted) < maxLate {
		c.granted[path] = true
	}
	if has := c.box.view.header.ACL; ok {
		c.excuse(lateKey{kind: "acl"}, c.gives(want))
		c.later(m, lateKey{kind: "acl"}, has == want, "the ACL is %q, the stream says %q", has, want)
	}
}

func (c *streamCheck) joinedRights(m *sims.Member, want string) {
	within := c.gives(want)
	if want == "" && (c.silent || !within) {
		return // a run of its own leaves the rights that are there
	}
	c.later(m, lateKey{kind: "acl"}, within, "the ACL %q gives more than the stream, which says %q, and another mailbox is in this one too", c.box.view.header.ACL, want)
}

// gives tells whether rights, the owner's where there are none, give others all
// that the store does.
func (c *streamCheck) gives(want string) bool {
	gives := make(map[string]string)
	list := strings.Split(cmp.Or(want, c.user.id+"\t"+ownerRights), "\t")
	for i := 0; i+1 < len(list); i += 2 {
		gives[list[i]] += list[i+1]
	}
	list = strings.Split(c.box.view.header.ACL, "\t")
	for i := 0; i+1 < len(list); i += 2 {
		if list[i] != c.user.id && !strings.HasPrefix(list[i], "-") && strings.Trim(list[i+1], gives[list[i]]) != "" {
			return false
		}
	}
	return true
}

// announcedKeywords: those that the mailbox announces come first among the
// Userflags, unless others were there before. Another order is told, and costs
// nothing: messages have their keywords by name, and a source may have changed
// its order since an earlier pass.
func (c *streamCheck) announcedKeywords(m *sims.Member, others bool) {
	has := strings.Fields(strings.ToLower(strings.Join(c.box.view.header.Userflags, " ")))
	var want []string
	for _, word := range strings.Fields(strings.ToLower(m.Keywords)) {
		if !slices.Contains(want, word) {
			want = append(want, word)
		}
	}
	switch {
	case slices.ContainsFunc(want, func(word string) bool { return !slices.Contains(has, word) }):
		c.problem(m, "keywords", "the Userflags are %q, the stream announces %q", c.box.view.header.Userflags, m.Keywords)
	case others, !c.first, slices.Equal(has[:len(want)], want):
	default:
		c.warning(m, "keywords", "the Userflags are %q, the stream announces %q: they are there in another order", c.box.view.header.Userflags, m.Keywords)
	}
}
