package restore

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/ims"
	"imsconv/storeconv/selection"
)

func isNotExist(err error) bool { return errors.Is(err, fs.ErrNotExist) }
func isNotDir(err error) bool   { return errors.Is(err, unix.ENOTDIR) }

// ownerRights are the rights of a mailbox's owner where the stream says nothing about rights (documented default).
const ownerRights = "lrswipcda"

// collector takes the batches in stream order: it makes the links, the indexes and the records of the mailbox lists, and tells the log.
type collector struct {
	r      *run
	rep    Report
	copies copyTable
	seen   nameSet // dry run: messages met
	lines  int     // bytes of index lines in memory, most of them allowed, the mailboxes they are of
	most   int
	open   []*box
	spills int
	offset int64
	date   int64 // of the backup
	writer *writer

	lookup  storeIndex // of the mailbox that the last link to a message of another run led to
	lastBox *box       // whose directory lastNN is known to be there
	lastNN  uint32
}

func newCollector(r *run) *collector {
	c := &collector{r: r, writer: &writer{r: r}, most: r.opt.linesKept}
	if c.most == 0 {
		c.most = linesKept
	}
	c.copies.init()
	return c
}

func (c *collector) loop() {
	for b := range c.r.order {
		<-b.done
		items := int64(0)
		for i := range b.items {
			it := &b.items[i]
			if it.kind == itemMessage || it.kind == itemLink {
				items++
			}
			c.item(it)
			*it = item{}
		}
		if m := c.r.opt.Progress; m != nil {
			m.Add(items, max(b.offset-c.offset, 0))
			c.offset = b.offset
		}
		b.items, b.bytes = b.items[:0], 0
		select {
		case c.r.free <- b:
		default:
		}
	}
}

func (c *collector) item(it *item) {
	if it.kind == itemFlush {
		c.r.ready <- &finished{flush: it.flush}
		return
	}
	if c.r.failure() != nil {
		return
	}
	var err error
	switch it.kind {
	case itemTalk:
		c.talk(it)
	case itemHeld:
		c.seen.add(it.name)
	case itemMoved:
		err = c.r.moved(it.v, it.name, selection.Place{ID: it.v.id, Mailbox: it.box.name, UID: it.uid})
	case itemRenamed:
		it.v.moves = append(it.v.moves, record{it.name, []byte(it.link)})
	case itemBox:
		c.attributes(it)
	case itemMessage:
		err = c.message(it)
	case itemLink:
		err = c.link(it)
	case itemUpdate:
		c.update(it)
	case itemEnd:
		err = c.endVisit(it.v)
	case itemForget:
		for _, b := range it.boxes {
			if err = c.seal(b); err != nil {
				break
			}
		}
		c.rep.Mailboxes += int64(len(it.boxes))
	}
	if err != nil {
		c.r.fail(err)
	}
}

func (c *collector) talk(it *item) {
	t := it.talk
	if t.warning {
		c.r.log.Warning(t.kind, t.where, t.text)
		return
	}
	// The planner comes to the same again when the run goes on after an interruption: this does not count for the visit.
	c.problem(nil, t.kind, t.where, t.text)
}

// problem tells the log about something lost.
func (c *collector) problem(v *visit, kind, where, text string) {
	if v != nil {
		v.problems++
	}
	c.r.log.Problem(kind, where, text)
	if c.r.opt.Strict {
		c.r.fail(fmt.Errorf("%w: %s: %s", ErrStrict, where, text))
	}
}

func (c *collector) where(it *item) string { return c.r.whereOf(it.v.stream, it.offset, it.name) }

// attributes takes in what the stream says about a user or a mailbox.
func (c *collector) attributes(it *item) {
	m := it.attrs
	if it.box == nil {
		it.v.quota, it.v.hasQuota = m.Quota, m.HasQuota
		return
	}
	x := &it.box.index
	if it.box.old != nil && !it.box.old.own {
		for _, k := range strings.Fields(m.Keywords) {
			x.keyword(k)
		}
		if !x.set {
			x.UIDValidity, x.set = it.orig, true
		}
		return
	}
	before, words := x.Header, len(x.Userflags)
	defer func() {
		if it.box.old == nil || x.UIDValidity != before.UIDValidity || x.LastUID != before.LastUID || x.Subscribed != before.Subscribed ||
			x.ACL != before.ACL || len(x.Userflags) != words {
			it.v.changed, it.box.changed = true, true
		}
	}()
	if m.UIDValidity != 0 && !x.set {
		x.UIDValidity, x.set = m.UIDValidity, true
	}
	if m.UIDNext > 0 {
		x.LastUID = max(x.LastUID, m.UIDNext-1)
	}
	if m.Subscribed >= 0 {
		x.Subscribed = m.Subscribed == 1
	}
	if m.ACL != "" {
		acl, ok := c.r.sel.ACL(m.ACL)
		if !ok {
			c.r.log.Warning("bad-acl", c.where(it), fmt.Sprintf("line of rights without a TAB in %q: left out", m.ACL))
		}
		x.ACL = acl
	}
	for _, k := range strings.Fields(m.Keywords) {
		x.keyword(k)
	}
}

// keyword returns the bit of a keyword, which is added when it is new. Its case does not matter.
func (x *boxIndex) keyword(word string) int {
	key := strings.ToLower(word)
	if n, ok := x.keywords[key]; ok {
		return n
	}
	if x.keywords == nil {
		x.keywords = make(map[string]int)
	}
	n := len(x.Userflags)
	x.keywords[key] = n
	x.Userflags = append(x.Userflags, strings.Clone(word))
	return n
}

// message takes a message that a worker has written into the index.
func (c *collector) message(it *item) error {
	if it.lost == errInterrupted.Error() {
		return nil
	}
	if it.lost != "" {
		c.problem(it.v, it.problem, c.where(it), it.lost)
		return nil
	}
	if it.text.BareLF {
		c.rep.BareLF++
		it.v.rep.BareLF++
	}
	info := copyInfo{size: it.stored, sum: it.sum, hsize: it.text.HeaderSize, sent: it.text.Sent, id: it.text.ID, at: selection.Place{ID: it.v.id, Mailbox: it.box.name, UID: it.uid}}
	c.index(it, &info)
	if c.r.run == nil {
		c.seen.add(it.name)
	} else {
		c.copies.add(it.name, info)
	}
	c.rep.Messages++
	c.rep.Bytes += it.stored
	it.v.rep.Messages++
	it.v.rep.Bytes += it.stored
	return c.moved(it)
}

// moved notes it when a message did not get the place that its name says.
func (c *collector) moved(it *item) error {
	if c.r.run == nil || it.uid == it.origUID && !it.box.renamed {
		return nil
	}
	return c.r.moved(it.v, it.name, selection.Place{ID: it.v.id, Mailbox: it.box.name, UID: it.uid})
}

// index adds the line of a message.
func (c *collector) index(it *item, info *copyInfo) {
	x := &it.box.index
	if x.UIDValidity == 0 {
		x.UIDValidity = it.orig
	}
	flags, words, _ := parseFlags(it.rawFlags)
	rec := ims.Record{UID: it.uid, InternalDate: it.time, SentDate: info.sent, Size: info.size, HSize: info.hsize, Flags: flags,
		OrigValidity: it.orig, OrigUID: it.origUID, SHA256: info.sum, MessageID: info.id}
	for _, w := range words {
		rec.SetKeyword(x.keyword(w))
	}
	x.Header.Add(&rec)
	if it.uid <= x.last {
		x.unsorted = true
	}
	x.last = max(x.last, it.uid)
	before := len(x.lines)
	if before == 0 {
		c.open = append(c.open, it.box)
	}
	x.lines = rec.Append(x.lines)
	c.lines += len(x.lines) - before
	if !x.unsorted {
		x.mark(&rec)
	}
	it.v.changed, it.box.changed = true, true
	if t := c.r.opt.Trace; t != nil {
		t(2, ims.MailboxName(it.v.id, it.box.name)+" "+ims.MessagePath(it.uid))
	}
	if c.lines > c.most {
		if err := c.spillLines(); err != nil {
			c.r.fail(err)
		}
	}
}

// mark takes the flags of a message into the sets of the owner's record, in ascending order.
func (x *boxIndex) mark(rec *ims.Record) {
	if rec.Flags&ims.Seen != 0 {
		x.seen = x.seen.Add(rec.UID)
	}
	if rec.Flags&ims.Deleted != 0 {
		x.deleted = x.deleted.Add(rec.UID)
	}
}

// count counts a user and the mailboxes, once in a run.
func (c *collector) count(v *visit) {
	users, boxes := int64(0), int64(0)
	if v.n == 0 {
		users = 1
	}
	for _, b := range v.order {
		if !b.counted {
			boxes++
		}
	}
	c.rep.Users += users
	c.rep.Mailboxes += boxes
	v.rep.Users += users
	v.rep.Mailboxes += boxes
}

// endVisit writes the indexes of a user and hands the tree to the committer.
func (c *collector) endVisit(v *visit) error {
	f := &finished{v: v, size: v.rep.Bytes, records: v.moves}
	c.date, c.open = v.date, c.open[:0]
	slices.SortFunc(v.order, func(a, b *box) int { return strings.Compare(a.name, b.name) })
	var usage userMail
	for _, b := range v.order {
		if b.old == nil { // new, if only for a message that was left out
			v.changed, b.changed = true, true
		}
		if err := c.seal(b); err != nil {
			return err
		}
		usage.add(b)
		c.records(f, b)
	}
	c.count(v)
	if c.r.run == nil {
		return nil
	}
	if v.exists {
		if err := c.completeTree(f, &usage); err != nil {
			return err
		}
	} else if err := c.r.run.Stage.MkdirAll(v.stage); err != nil {
		return err
	}
	if err := c.r.mailElsewhere(v.id, &usage); err != nil {
		return err
	}
	c.userRecords(f, &usage)
	c.r.ready <- f
	return nil
}
