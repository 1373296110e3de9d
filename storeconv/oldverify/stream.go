package oldverify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"sort"
	"strings"

	"imsconv/dbconv/mboxlist"
	"imsconv/storeconv"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/message"
	"imsconv/storeconv/selection"
	"imsconv/storeconv/sims"
)

// VerifyStream is one stream that a store is held against. It is read once, from front to back. Memory: about 150 bytes a
// message of the mailbox at hand, up to maxView messages; above that the index is read again as needed.
type Stream struct {
	Name string // for positions
	R    io.Reader
}

// maxLate bounds what is remembered across a run: messages whose flags a later stream may still explain, and the content
// of expired first copies.
const maxLate = 200000

// streamCheck is the work on one stream.
type streamCheck struct {
	v        *verifier
	s        Stream
	last     bool // no stream follows that could explain a difference
	r        *sims.Reader
	sel      *selection.Matcher
	seen     streamSeen
	view     *mailboxView // of the mailbox at hand; nil before the first
	atBox    string       // the mailbox at hand, as the stream names it
	validity uint32       // its UIDVALIDITY in the stream; 0: not said
	sums     map[string][32]byte
}

// streamSeen is the user at hand.
type streamSeen struct {
	user     string // as the stream names it
	id       string // as the store does
	selected bool
	own      map[ims.FileID]ims.FileID // which file stands for a first copy
}

// stream holds the messages of a stream against the store; last: no other stream follows.
func (v *verifier) stream(ctx context.Context, s Stream, last bool) error {
	c := &streamCheck{v: v, s: s, last: last, sel: v.sel, r: sims.NewReader(s.R), sums: make(map[string][32]byte)}
	defer c.closeView()
	for ctx.Err() == nil {
		m, err := c.r.Next()
		var p *sims.Problem
		switch {
		case err == io.EOF:
			return nil
		case errors.As(err, &p):
			tellStream(c.v.log, c.s.Name, p)
			continue
		case err != nil:
			return fmt.Errorf("%s: %w", s.Name, err)
		}
		if err := c.member(m); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// problem tells of a member and the store that do not agree.
func (c *streamCheck) problem(m *sims.Member, kind, format string, args ...any) {
	where := fmt.Sprintf("%s: offset %d: %s", c.s.Name, m.Offset, sims.DisplayName(m.Name))
	c.v.log.Problem(kind, where, fmt.Sprintf(format, args...))
}

func (c *streamCheck) member(m *sims.Member) error {
	if c.seen.user != m.User || c.seen.user == "" {
		c.enterUser(m)
	}
	if !c.seen.selected || m.Kind != sims.User && !c.selected(m) {
		return nil
	}
	switch m.Kind {
	case sims.User:
		c.quota(m)
	case sims.Mailbox:
		if c.enter(m) {
			c.mailbox(m)
		}
	case sims.Message, sims.Link:
		return c.message(m)
	}
	return nil
}

func (c *streamCheck) enterUser(m *sims.Member) {
	c.seen = streamSeen{user: m.User, selected: c.sel.Meet(m.User), own: make(map[ims.FileID]ims.FileID)}
	if !c.seen.selected {
		return
	}
	var err error
	if c.seen.id, err = c.sel.StoreID(m.User); err != nil {
		c.seen.selected = false
		c.problem(m, "refused", "%v", err)
	}
}

// selected says whether the mailbox of a member belongs to what was restored.
func (c *streamCheck) selected(m *sims.Member) bool {
	if c.v.opts.Paths == nil {
		return true
	}
	name, err := c.sel.MailboxName(m.Mailbox)
	return err != nil || c.sel.TakesMailbox(m.User, name)
}

// quota compares a limit. Limits may have come from a directory instead, so that a difference is only noted.
func (c *streamCheck) quota(m *sims.Member) {
	if !m.HasQuota {
		return
	}
	value, ok, err := c.v.lists.Get(mboxlist.QuotaDB, c.seen.id)
	if err != nil || !ok {
		return // told with the user
	}
	q, err := mboxlist.ParseQuota(value)
	want := m.Quota
	if want >= 0 {
		want /= 1024
	}
	if err == nil && q.KB != want {
		where := fmt.Sprintf("%s: offset %d: %s", c.s.Name, m.Offset, m.Name)
		c.v.log.Warning("quota-limit", where, fmt.Sprintf("quota.db has a limit of %d KB, the stream says %d", q.KB, want))
	}
}

// enter opens the mailbox of a member and says whether it is there; a missing one is told once.
func (c *streamCheck) enter(m *sims.Member) bool {
	name := m.User + "/" + m.Mailbox
	if c.atBox == name {
		return c.view != nil
	}
	c.closeView()
	c.atBox, c.validity = name, 0
	mailbox, err := c.sel.MailboxName(m.Mailbox)
	if err != nil {
		c.problem(m, "refused", "%v", err)
		return false
	}
	box, err := c.open(c.seen.id, mailbox)
	if errors.Is(err, fs.ErrNotExist) {
		c.problem(m, "missing-mailbox", "the store does not have %s", ims.MailboxName(c.seen.id, mailbox))
		return false
	}
	if err == nil {
		c.view, err = newMailboxView(box)
	}
	if err != nil {
		c.problem(m, "bad-index", "%v", err)
		return false
	}
	return true
}

func (c *streamCheck) closeView() {
	if c.view != nil {
		c.view.close()
		c.view = nil
	}
	c.atBox = ""
}

// open finds a mailbox in the partition that folder.db names, else in any.
func (c *streamCheck) open(id, mailbox string) (*ims.Mailbox, error) {
	for _, p := range c.v.partitionsOf(id, mailbox) {
		box, err := c.v.reader.Mailbox(p, id, mailbox)
		if !errors.Is(err, fs.ErrNotExist) {
			return box, err
		}
	}
	return nil, fs.ErrNotExist
}

// partitionsOf lists the partitions in which a mailbox may lie, the likeliest first.
func (v *verifier) partitionsOf(id, mailbox string) []string {
	if len(v.partitions) < 2 {
		return v.partitions
	}
	value, ok, err := v.lists.Get(mboxlist.FolderDB, mboxlist.FolderKey(id, mailbox))
	if err != nil || !ok {
		return v.partitions
	}
	rec, err := mboxlist.ParseFolder(value)
	if err != nil {
		return v.partitions
	}
	return append([]string{rec.Partition}, v.partitions...)
}

// mailbox compares what the stream says of a mailbox as a whole.
func (c *streamCheck) mailbox(m *sims.Member) {
	h := c.view.header
	if h == nil {
		return // a foreign index: nothing is known
	}
	c.validity = m.UIDValidity
	if m.UIDValidity != 0 && m.UIDValidity != h.UIDValidity {
		text := fmt.Sprintf("UIDVALIDITY is %d, the stream says %d", h.UIDValidity, m.UIDValidity)
		if !c.view.hadOthers(m.UIDValidity) {
			c.problem(m, "uidvalidity", "%s", text)
			return
		}
		c.v.log.Warning("uidvalidity", fmt.Sprintf("%s: offset %d: %s", c.s.Name, m.Offset, m.Name), text+": it had other messages before")
		return
	}
	if m.UIDNext != 0 && m.UIDNext-1 > h.LastUID {
		c.problem(m, "uidnext", "Last UID is %d, the stream's next is %d", h.LastUID, m.UIDNext)
	}
	if m.Subscribed >= 0 {
		c.later(m, "subscribed", bit(h.Subscribed) == int(m.Subscribed), fmt.Sprintf("Subscribed is %d, the stream says %d", bit(h.Subscribed), m.Subscribed))
	}
	if acl, ok := c.sel.ACL(m.ACL); ok && m.ACL != "" {
		c.later(m, "acl", h.ACL == acl, fmt.Sprintf("the ACL is %q, the stream says %q", h.ACL, acl))
	}
}

// later tells a difference, unless a stream to come may explain it: then it is kept until that stream has been read.
func (c *streamCheck) later(m *sims.Member, kind string, equal bool, text string) {
	key := m.Name + "\x00" + kind
	if equal {
		delete(c.v.late, key)
		return
	}
	if c.last || len(c.v.late) >= maxLate {
		delete(c.v.late, key)
		c.problem(m, kind, "%s", text)
		return
	}
	if c.v.late == nil {
		c.v.late = make(map[string]string)
	}
	c.v.late[key] = text
}

// endStreams tells the differences that no later stream explained.
func (v *verifier) endStreams() {
	keys := make([]string, 0, len(v.late))
	for key := range v.late {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	for _, key := range keys {
		name, kind, _ := strings.Cut(key, "\x00")
		v.log.Problem(kind, sims.DisplayName(name), v.late[key])
	}
	v.late = nil
}

// message compares one message, or one later copy of one.
func (c *streamCheck) message(m *sims.Member) error {
	c.v.report.Members++
	expired := slices.Contains(strings.Fields(m.Flags), "expired")
	var body bodySum
	if m.Kind == sims.Message {
		var err error
		var p *sims.Problem
		if body, err = c.body(); errors.As(err, &p) {
			tellStream(c.v.log, c.s.Name, p)
			return nil
		} else if err != nil {
			return fmt.Errorf("%s: %w", c.s.Name, err)
		}
	}
	if m := c.v.opts.Progress; m != nil {
		m.Add(1, 0)
	}
	if expired {
		c.v.report.Expired++
		if m.Kind == sims.Message && len(c.sums) < maxLate {
			c.sums[m.Name] = body.sum
		}
		return nil
	}
	if !c.enter(m) {
		return nil // the mailbox has been told
	}
	rec, err := c.view.find(m, c.validity)
	if err != nil {
		c.problem(m, "bad-index", "%v", err)
		return nil
	}
	if rec == nil && m.Kind == sims.Message && c.view.findContent(body.sum) != nil {
		return nil // it was there before, with flags and date of its own
	}
	if rec == nil {
		c.problem(m, "missing-message", "the store does not have it in %s", c.view.box.Path)
		return nil
	}
	c.record(m, rec)
	if m.Kind == sims.Link {
		c.link(m, rec)
		return nil
	}
	if body.size != rec.size || body.sum != rec.sum {
		c.problem(m, "wrong-content", "%d bytes with SHA-256 %s in the stream, %d bytes with %s in the store", body.size, hex.EncodeToString(body.sum[:]), rec.size, hex.EncodeToString(rec.sum[:]))
	}
	return nil
}

// bodySum is what a body has to be in the store.
type bodySum struct {
	size int64
	sum  [32]byte
}

// body reads the body of the member at hand, with its line ends as the store has them.
func (c *streamCheck) body() (bodySum, error) {
	h := sha256.New()
	var b bodySum
	var prev byte
	for {
		piece, err := c.r.Chunk()
		if err == io.EOF {
			h.Sum(b.sum[:0])
			return b, nil
		}
		if err != nil {
			return b, err
		}
		last := piece[len(piece)-1]
		if c.v.opts.CRLF {
			piece = message.AppendCRLF(nil, piece, prev)
		}
		prev = last
		b.size += int64(len(piece))
		h.Write(piece)
	}
}

// record compares date and flags.
func (c *streamCheck) record(m *sims.Member, rec *viewRecord) {
	if c.view.header == nil {
		return
	}
	if m.Time != rec.date {
		c.problem(m, "date", "received %s, the index says %s", timeText(m.Time), timeText(rec.date))
	}
	want, got := c.view.flagSet(strings.Fields(m.Flags)), rec.flags
	c.later(m, "flags", slices.Equal(want, got), fmt.Sprintf("the flags are %q, the stream says %q", got, want))
}

// link compares a later copy with its first.
func (c *streamCheck) link(m *sims.Member, rec *viewRecord) {
	if sum, ok := c.sums[m.Link]; ok {
		// The first copy is expired: its content is at the first live copy.
		if sum != rec.sum {
			c.problem(m, "wrong-content", "the store has SHA-256 %s, its first copy in the stream %s", hex.EncodeToString(rec.sum[:]), hex.EncodeToString(sum[:]))
		}
		return
	}
	at, ok := c.sel.PlaceOf(m.Link)
	if !ok {
		c.v.report.Unchecked++
		return
	}
	first, err := c.stat(at.ID, at.Mailbox, at.UID)
	if err != nil {
		c.v.report.Unchecked++
		return
	}
	own, err := c.view.box.Stat(rec.uid)
	if err != nil {
		return // told with the tree
	}
	if own.ID != first.ID {
		first, at.UID = c.firstElsewhere(at, own, first)
	}
	c.sameFile(m, own, first)
	if own.ID != first.ID {
		c.compareCopy(m, rec, at.ID, at.Mailbox, at.UID)
	}
}

// firstElsewhere looks for a first copy that got another UID because its mailbox had other messages before. What it
// returns is the file that own is, if any of those with this original UID is, else found as it came.
func (c *streamCheck) firstElsewhere(at selection.Place, own, found ims.FileInfo) (ims.FileInfo, uint32) {
	box, err := c.open(at.ID, at.Mailbox)
	if err != nil {
		return found, at.UID
	}
	view, err := newMailboxView(box)
	if err != nil {
		return found, at.UID
	}
	defer view.close()
	for i := range view.all {
		if r := &view.all[i]; r.origUID == at.UID && r.uid != at.UID {
			if info, err := box.Stat(r.uid); err == nil && info.ID == own.ID {
				return info, r.uid
			}
		}
	}
	return found, at.UID
}

// linkLimit is the lowest number of links at which a file system in use refuses another one.
const linkLimit = 31998

// maxOwn bounds the first copies of which is remembered where the user at hand has a copy.
const maxOwn = 100000

// sameFile tells a link that is none. One run links whatever it can; another run at the same time, which does not see the
// first copy yet, makes one copy a user, with the date of the first: that is no fault, but worth a line.
func (c *streamCheck) sameFile(m *sims.Member, own, first ims.FileInfo) {
	before, seen := c.seen.own[first.ID]
	if !seen && len(c.seen.own) < maxOwn {
		c.seen.own[first.ID] = own.ID
	}
	switch {
	case own.ID == first.ID && (!seen || before == own.ID):
	case own.ID.Dev != first.ID.Dev, first.Links >= linkLimit:
		c.v.report.Copies++
	case seen && before != own.ID, own.MTime != first.MTime, strings.HasPrefix(m.Link, m.User+"/"):
		c.problem(m, "broken-link", "not the same file as its first copy, %s", m.Link)
	default:
		c.v.report.Copies++
		where := fmt.Sprintf("%s: offset %d: %s", c.s.Name, m.Offset, m.Name)
		c.v.log.Warning("copied-link", where, "a file of its own, as another run makes it, not a link to "+m.Link)
	}
}

func (c *streamCheck) stat(id, mailbox string, uid uint32) (ims.FileInfo, error) {
	err := fs.ErrNotExist
	for _, p := range c.v.partitionsOf(id, mailbox) {
		var info ims.FileInfo
		if info, err = c.v.reader.StatMessage(p, id, mailbox, uid); err == nil {
			return info, nil
		}
	}
	return ims.FileInfo{}, err
}

// compareCopy holds a copy that is a file of its own against the file of the first.
func (c *streamCheck) compareCopy(m *sims.Member, rec *viewRecord, id, mailbox string, uid uint32) {
	box, err := c.open(id, mailbox)
	if err != nil {
		c.v.report.Unchecked++
		return
	}
	defer box.Close()
	sum, _, err := hashMessage(box, uid)
	if err != nil {
		c.problem(m, ims.Unreadable, "%v", err)
		return
	}
	if sum != rec.sum {
		c.problem(m, "wrong-content", "the store has SHA-256 %s, its first copy %s has %s", hex.EncodeToString(rec.sum[:]), m.Link, hex.EncodeToString(sum[:]))
	}
}

// hashMessage returns the SHA-256 and the size of a message file.
func hashMessage(box *ims.Mailbox, uid uint32) ([32]byte, int64, error) {
	var sum [32]byte
	f, err := box.Open(uid)
	if err != nil {
		return sum, 0, err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	h.Sum(sum[:0])
	return sum, n, err
}

// tellStream tells what a stream's reader met, with the position in the stream called name.
func tellStream(log storeconv.Log, name string, p *sims.Problem) {
	where := fmt.Sprintf("%s: offset %d", name, p.Offset)
	if p.Name != "" {
		where += ": " + sims.DisplayName(p.Name)
	}
	if p.Warning {
		log.Warning(p.Kind, where, p.Text)
		return
	}
	log.Problem(p.Kind, where, p.Text)
}
