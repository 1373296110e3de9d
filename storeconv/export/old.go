package export

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"

	"imsconv/storeconv/ims"
	"imsconv/storeconv/maildir"
)

// oldUser is what earlier runs have exported of a user.
type oldUser struct {
	head   head
	boxes  []*oldBox
	byName map[string]*oldBox // in the source
}

// oldBox is what earlier runs have exported of a mailbox. The state of a record
// is fresh until the source has shown that message again.
type oldBox struct {
	headBox
	recs  records
	bases map[*record]string // names of files that their records do not tell

	moved  bool                     // the source's mailbox has another UIDVALIDITY now: its UIDs say nothing
	made   uint32                   // UIDs of the source from here on name nothing; 0: none
	free   map[contentKey][]*record // of what is known by its content, what no message is yet
	found  map[uint32]*record       // by UID now, what is
	number map[*record]uint32       // UIDs now, of what is known by its content

	once    sync.Once
	letters map[string]int // of the mailbox as it is on the new side
}

// base is the name of a message's file.
func (o *oldBox) base(rec *record) string {
	if base, ok := o.bases[rec]; ok {
		return base
	}
	return maildir.FileName(rec.date, rec.uid, rec.size, rec.vsize())
}

// loadOld reads the list of the user.
func (u *user) loadOld() error {
	r := u.r
	name := exportedDir + "/" + listName(u.place)
	f, l, err := openList(r.out.Dir, name, exportedMagic)
	if isMissing(err) {
		u.placed = true
		u.decides().Warning("not-ours", u.where(), u.place+" is there and no export has made it: what the source has is added")
		u.old = &oldUser{}
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if l.head.user != u.id {
		u.failed = fmt.Errorf("%s belongs to user %s", u.place, l.head.user)
		return nil
	}
	if was := l.head.source; l.head.isAnothers(u.source) {
		u.failed = refusal{"no-place", fmt.Errorf("an earlier run has exported %s of the source with the id %s: another id, or another destination, keeps the two apart; if they are one person, remove the line \"source %s\" from %s/%s", was, u.id, was, r.dst, name)}
		return nil
	}
	u.old = &oldUser{head: l.head}
	u.old.byName = make(map[string]*oldBox, len(l.head.boxes))
	for _, hb := range l.head.boxes {
		o := &oldBox{headBox: hb}
		u.old.boxes = append(u.old.boxes, o)
		u.old.byName[hb.name] = o
		u.names.hold(hb.dir)
	}
	return u.loadMessages(l, name)
}

func (u *user) loadMessages(l *listReader, name string) error {
	var e entry
	for {
		n, err := l.message(&e)
		if err == io.EOF {
			break
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		o := u.old.boxes[n]
		e.words = u.words.number(e.keywords)
		rec := o.recs.add(e.record)
		if e.base != "" {
			if o.bases == nil {
				o.bases = make(map[*record]string)
			}
			o.bases[rec] = e.base
		}
	}
	for _, o := range u.old.boxes {
		o.recs.sort()
	}
	return nil
}

// setUIDs takes what the source says of its UIDs. Those from made on, if it is
// not 0, were given when it was read: their messages are known by what they
// are, and where all are, the UIDVALIDITY of the first time stays.
func (b *box) setUIDs(validity, made uint32) {
	o := b.old
	if made == 0 || o == nil || !o.known || o.moved {
		b.setValidity(validity)
		return
	}
	if made > 1 {
		b.setValidity(validity)
	} else {
		b.validity = o.validity
	}
	if o.moved || o.made != 0 {
		return
	}
	o.made = made
	o.sumUp()
}

// sumUp makes the messages known by their content.
func (o *oldBox) sumUp() {
	o.free, o.found, o.number = make(map[contentKey][]*record), make(map[uint32]*record), make(map[*record]uint32)
	for i := range o.recs.n {
		rec := o.recs.inOrder(i)
		if o.moved || rec.uid >= o.made { // the source names the others
			o.free[rec.content()] = append(o.free[rec.content()], rec)
		}
	}
}

// setValidity takes the UIDVALIDITY of the source. Where it is another than
// before, messages are known by what they are and no more by their UIDs.
func (b *box) setValidity(validity uint32) {
	if validity == 0 || b.validity == validity {
		return
	}
	b.validity = validity
	o := b.old
	if o == nil || !o.known || o.validity == validity || o.moved {
		return
	}
	b.u.decides().Warning("uidvalidity", b.whole(), fmt.Sprintf("the source has made the mailbox anew (UIDVALIDITY %d, it was %d): messages are known by their content", validity, o.validity))
	o.moved = true
	o.sumUp()
}

// recall tells whether a message was exported before, and notes that it has
// come again.
func (b *box) recall(rec *record) bool {
	if b.old == nil {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	was := b.old.find(rec)
	if was == nil {
		return false
	}
	rec.state = known
	if was.state == fresh {
		was.state = known
		b.u.count(func(rep *Report) { rep.There++ })
	}
	if b.u.r.opt.Keep == KeepNone && !b.foreign && was.state == known && b.flagsDiffer(was, rec) {
		was.state, was.flags, was.words = change, rec.flags, rec.words
		b.u.count(func(rep *Report) { rep.Flags++ })
	}
	return true
}

// mailFlags are the flags that a Maildir has.
const mailFlags = ims.Seen | ims.Answered | ims.Flagged | ims.Deleted | ims.Draft

func (b *box) flagsDiffer(x, y *record) bool {
	if x.flags&mailFlags != y.flags&mailFlags {
		return true
	}
	if x.words == y.words {
		return false
	}
	p, q := slices.Sorted(slices.Values(b.u.words.names(x.words))), slices.Sorted(slices.Values(b.u.words.names(y.words)))
	return !slices.Equal(p, q)
}

// find returns the record of a message that comes again, or nil.
func (o *oldBox) find(rec *record) *record {
	if !o.moved && (o.made == 0 || rec.uid < o.made) {
		for i := o.recs.lower(rec.uid); i < o.recs.n; i++ {
			was := o.recs.inOrder(i)
			if was.uid != rec.uid {
				break
			}
			if was.sum == rec.sum {
				return was
			}
		}
		return nil
	}
	key := rec.content()
	if was := o.found[rec.uid]; was != nil && was.content() == key {
		return was
	}
	free := o.free[key]
	if len(free) == 0 {
		return nil
	}
	o.free[key], o.found[rec.uid], o.number[free[0]] = free[1:], free[0], rec.uid
	return free[0]
}

// contentKey is what a message is known by whose UID names nothing.
type contentKey struct {
	sum  [32]byte
	date int64
}

func (r *record) content() contentKey { return contentKey{r.sum, r.date} }

// placedLetters are the numbers of keywords of the mailbox as it is on the new
// side.
func (b *box) placedLetters() map[string]int {
	b.old.once.Do(func() {
		b.old.letters = make(map[string]int)
		names, err := b.u.r.readKeywords(b.u.place + "/" + b.join(maildir.KeywordsName))
		if err != nil {
			return // the file will not be found, and the message is read again
		}
		for i, k := range names {
			if _, twice := b.old.letters[k]; k != "" && !twice {
				b.old.letters[k] = i
			}
		}
	})
	return b.old.letters
}

// placedFile is where a message of an earlier run lies when nobody has changed
// its flags.
func (b *box) placedFile(was *record) string {
	var numbers []int
	for _, k := range b.u.words.names(was.words) {
		if n, ok := b.placedLetters()[k]; ok {
			numbers = append(numbers, n)
		}
	}
	return b.u.place + "/" + b.join("cur/"+b.old.base(was)+maildir.Info(maildir.FlagLetters(was.flags, numbers)))
}

// readKeywords reads the keywords of a mailbox of the destination; none when
// there is no such file.
func (r *run) readKeywords(path string) ([]string, error) {
	f, err := r.out.Open(path)
	if isMissing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return maildir.ReadKeywords(f, func(*maildir.Error) {})
}

// each goes through the messages in the order of their UIDs in the source as it
// is now; fn finds each in e.
func (o *oldBox) each(e *entry, fn func() error) error {
	switch {
	case o.moved:
		return o.eachMoved(e, fn)
	case o.made != 0:
		return o.eachMade(e, fn)
	}
	for i := range o.recs.n {
		rec := o.recs.inOrder(i)
		*e = entry{record: *rec, base: o.bases[rec]}
		if err := fn(); err != nil {
			return err
		}
	}
	return nil
}

// eachMoved leaves out what the source has no more: nothing tells it from
// another message.
func (o *oldBox) eachMoved(e *entry, fn func() error) error {
	all := make([]*record, 0, len(o.number))
	for rec := range o.number {
		all = append(all, rec)
	}
	slices.SortFunc(all, func(a, b *record) int { return cmp.Compare(o.number[a], o.number[b]) })
	for _, rec := range all {
		*e = entry{record: *rec, base: o.base(rec)}
		e.uid = o.number[rec]
		if err := fn(); err != nil {
			return err
		}
	}
	return nil
}

// eachMade goes through what is known by its content and what is not.
func (o *oldBox) eachMade(e *entry, fn func() error) error {
	now := func(rec *record) uint32 {
		if uid, ok := o.number[rec]; ok {
			return uid
		}
		return rec.uid
	}
	all := make([]*record, o.recs.n)
	for i := range all {
		all[i] = o.recs.inOrder(i)
	}
	slices.SortStableFunc(all, func(a, b *record) int { return cmp.Compare(now(a), now(b)) })
	for _, rec := range all {
		*e = entry{record: *rec, base: o.base(rec)}
		e.uid = now(rec)
		if err := fn(); err != nil {
			return err
		}
	}
	return nil
}

// writeList writes the list of what has been exported of the user, with what
// earlier lists say.
func (u *user) writeList(name string) error {
	h := head{magic: exportedMagic, user: u.id, source: onLine(u.source), place: u.place, needs: u.needs()}
	boxes := u.listed()
	for _, l := range boxes {
		h.boxes = append(h.boxes, l.headBox)
	}
	return u.r.stageFile(name, func(w io.Writer) error {
		if _, err := w.Write(appendHead(nil, &h)); err != nil {
			return err
		}
		var line []byte
		for i, l := range boxes {
			if _, err := io.WriteString(w, "@ "+strconv.Itoa(i)+"\n"); err != nil {
				return err
			}
			err := l.each(func(e *entry) error {
				e.keywords = u.words.names(e.words)
				line = e.append(line[:0])
				_, err := w.Write(line)
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// listedBox is a mailbox in the list that is written.
type listedBox struct {
	headBox
	now *box    // nil: the source has it no more
	old *oldBox // nil: new
}

// listed are the mailboxes of the list: those of the earlier one, and new ones.
func (u *user) listed() []listedBox {
	var out []listedBox
	place := make(map[*oldBox]int)
	if u.old != nil {
		for i, o := range u.old.boxes {
			out = append(out, listedBox{o.headBox, nil, o})
			place[o] = i
		}
	}
	for _, b := range u.boxes {
		l := listedBox{headBox{name: b.name, target: b.target, dir: b.dir, validity: b.validity, known: !b.foreign}, b, b.old}
		at, listed := place[b.old]
		if b.old == nil || !listed {
			out = append(out, l)
			continue
		}
		if !l.known {
			l.headBox = out[at].headBox
		}
		out[at] = l
	}
	slices.SortStableFunc(out, func(a, b listedBox) int { return compareNames(a.name, b.name) })
	return out
}

// compareNames is the order of mailboxes: INBOX, then bytes.
func compareNames(a, b string) int {
	switch {
	case a == b:
		return 0
	case a == ims.Inbox:
		return -1
	case b == ims.Inbox:
		return 1
	}
	return strings.Compare(a, b)
}

// each calls fn for the messages of a mailbox in a list, by their UIDs. The
// entry is reused.
func (l *listedBox) each(fn func(e *entry) error) error {
	var e entry
	i, n := 0, 0
	if l.now != nil {
		n = l.now.recs.n
	}
	emit := func(limit uint32, all bool) error {
		for ; i < n; i++ {
			rec := l.now.recs.inOrder(i)
			if !all && rec.uid >= limit {
				return nil
			}
			if rec.state != fresh {
				continue
			}
			e = entry{record: *rec, recent: true}
			if base := l.now.base(rec); l.old != nil && base != e.fileBase() {
				e.base = base
			}
			if err := fn(&e); err != nil {
				return err
			}
		}
		return nil
	}
	if l.old != nil {
		err := l.old.each(&e, func() error {
			kept := e
			if err := emit(kept.uid, false); err != nil {
				return err
			}
			e = kept
			return fn(&e)
		})
		if err != nil {
			return err
		}
	}
	return emit(0, true)
}
