package export

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/durable"
	"imsconv/storeconv/maildir"
)

// adding is the work in one mailbox that the destination has. The lock of its
// uidlist is held, which covers its keywords too.
type adding struct {
	*placing
	box      *headBox
	number   int
	keywords []string
	placed   []placedEntry
	inDoubt  bool              // the uidlist may have lines of what is placed now
	files    map[string]string // names in cur and new by base; nil: not read
}

// placedEntry is a message that needs a line in the uidlist.
type placedEntry struct {
	uid  uint32
	name string
}

// add adds what is new to a mailbox.
func (p *placing) add(i int) error {
	a := &adding{placing: p, box: &p.head.boxes[i], number: i, inDoubt: p.late}
	if _, err := p.r.out.Stat(p.at(a.box, "cur")); isMissing(err) {
		return a.remake()
	}
	unlock, err := p.lock(p.at(a.box, maildir.UidlistName+".lock"))
	if err != nil {
		return err
	}
	err = a.all()
	if unlockErr := unlock(); err == nil {
		err = unlockErr
	}
	return err
}

// remake makes the directories of a mailbox that was there when this work was
// decided on, and has been deleted since: the new mail goes into a new one.
func (a *adding) remake() error {
	for _, name := range [...]string{"tmp", "new", "cur"} {
		if err := a.mkdirs(a.at(a.box, name)); err != nil {
			return err
		}
	}
	return a.placing.add(a.number)
}

func (a *adding) all() error {
	if err := a.numberKeywords(); err != nil {
		return err
	}
	if err := a.each(a.number, a.message); err != nil {
		return err
	}
	if len(a.placed) == 0 && a.box.next == 0 {
		return nil
	}
	return a.addUIDs()
}

// numberKeywords gives keywords that the mailbox has not yet their letters.
func (a *adding) numberKeywords() error {
	name := a.at(a.box, maildir.KeywordsName)
	var err error
	if a.keywords, err = a.r.readKeywords(name); err != nil {
		return err
	}
	n := newKeywords{there: a.keywords, used: make(map[string]int64)}
	err = a.each(a.number, func(e *entry) error {
		n.use(e.keywords)
		return nil
	})
	if err != nil || n.order == nil {
		return err
	}
	a.keywords = n.giveLetters()
	a.u.tellNoRoom(a.u.id+"/"+a.box.name, n.lost)
	return a.replace(name, func(w io.Writer) error { return maildir.WriteKeywords(w, a.keywords) })
}

// newKeywords are the keywords that come to a mailbox which is there.
type newKeywords struct {
	there []string         // by their letters
	used  map[string]int64 // messages that have each
	order []string         // those that have no letter yet, as they come
	lost  []string         // those of them for which there was none, with their messages
}

// use is told of the keywords of a message.
func (n *newKeywords) use(keywords []string) {
	for _, k := range keywords {
		if n.used[k]++; n.used[k] == 1 && !slices.Contains(n.there, k) {
			n.order = append(n.order, k)
		}
	}
}

// giveLetters gives the new keywords their letters, those that are used most
// first, as long as there are any, and returns all of the mailbox.
func (n *newKeywords) giveLetters() []string {
	slices.SortStableFunc(n.order, func(x, y string) int { return int(n.used[y] - n.used[x]) })
	for _, k := range n.order {
		switch i := slices.Index(n.there, ""); {
		case i >= 0:
			n.there[i] = k
		case len(n.there) < maildir.MaxKeywords:
			n.there = append(n.there, k)
		default:
			n.lost = append(n.lost, fmt.Sprintf("%s (%d)", k, n.used[k]))
		}
	}
	return n.there
}

// tellNoRoom tells and counts keywords that come to a mailbox and have no
// letter.
func (u *user) tellNoRoom(where string, lost []string) {
	if lost == nil {
		return
	}
	u.decides().Warning("keywords", where, fmt.Sprintf("the Maildir has no room for these keywords, they are lost, with the number of their messages: %s", strings.Join(lost, ", ")))
	u.count(func(rep *Report) { rep.KeywordsLost += int64(len(lost)) })
}

// name is the name in cur that a message is to have.
func (a *adding) name(e *entry) string {
	var numbers []int
	for _, k := range e.keywords {
		if i := slices.Index(a.keywords, k); i >= 0 {
			numbers = append(numbers, i)
		}
	}
	return e.fileBase() + maildir.Info(maildir.FlagLetters(e.flags, numbers))
}

// message puts a new message in place, or sets the flags of one that is there.
func (a *adding) message(e *entry) error {
	if e.sign == '=' {
		return a.setFlags(e)
	}
	out, name, from := a.r.out, a.name(e), a.stock(a.box)+"/"+e.fileBase()
	err := out.Rename(from, out.Dir, a.at(a.box, "cur/"+name))
	switch {
	case err == nil:
	case errors.Is(err, unix.EEXIST):
		if err := out.Remove(from); err != nil && !isMissing(err) {
			return err
		}
		a.inDoubt = true
	case errors.Is(err, unix.ENOENT):
		a.inDoubt = true
		there, err := a.find(e.fileBase())
		if err != nil {
			return err
		}
		if there == "" {
			return nil // deleted since
		}
		name = there[strings.IndexByte(there, '/')+1:]
	default:
		return err
	}
	a.placed = append(a.placed, placedEntry{e.uid, name})
	return nil
}

// find returns the name of a message, cur/ or new/ in front; "" when it is not
// there.
func (a *adding) find(base string) (string, error) {
	if a.files == nil {
		a.files = make(map[string]string)
		for _, dir := range [...]string{"new", "cur"} {
			list, err := a.r.out.ReadNames(a.at(a.box, dir))
			if err != nil && !isMissing(err) {
				return "", err
			}
			for _, e := range list {
				a.files[maildir.ParseFileName(e.Name()).Base] = dir + "/" + e.Name()
			}
		}
	}
	return a.files[base], nil
}

// setFlags gives a message that is there the flags of the source. Flags that
// only the new side knows stay.
func (a *adding) setFlags(e *entry) error {
	there, err := a.find(e.fileBase())
	if err != nil || there == "" {
		return err
	}
	to := "cur/" + a.name(e)
	if to == there {
		return nil
	}
	out := a.r.out
	err = out.Rename(a.at(a.box, there), out.Dir, a.at(a.box, to))
	if isMissing(err) {
		return nil // a client was faster
	}
	return err
}

// addUIDs gives the new messages their lines in the uidlist.
func (a *adding) addUIDs() error {
	path := a.at(a.box, maildir.UidlistName)
	h, has, err := a.readHeader(path)
	if err != nil {
		return err
	}
	lines := a.placed
	if a.inDoubt {
		lines = slices.DeleteFunc(slices.Clone(lines), func(e placedEntry) bool { return has[maildir.ParseFileName(e.name).Base] })
	}
	if len(lines) == 0 && h.Next >= a.box.next {
		return nil
	}
	slices.SortStableFunc(lines, func(x, y placedEntry) int { return int(int64(x.uid) - int64(y.uid)) })
	uids := make([]uint32, len(lines))
	next := uint64(h.Next)
	var other int64
	for i, e := range lines {
		uids[i] = uidFrom(next, e.uid)
		if uids[i] > lastUID {
			return fmt.Errorf("%s: no UID is free for more messages", path)
		}
		if uids[i] != e.uid {
			other++
		}
		next = uint64(uids[i]) + 1
	}
	h.Next = max(uint32(next), a.box.next)
	a.u.count(func(rep *Report) { rep.OtherUID += other })
	return a.replace(path, func(w io.Writer) error { return a.writeUidlist(w, path, h, lines, uids) })
}

// readHeader reads the uidlist of the mailbox: its head, with UIDNEXT behind
// the last line, and in doubt the base names that it has. A mailbox that has
// none gets the source's UIDVALIDITY.
func (a *adding) readHeader(path string) (h maildir.UidlistHeader, has map[string]bool, err error) {
	has = make(map[string]bool)
	h = maildir.UidlistHeader{Validity: a.box.validity, Next: 1, GUID: guidOf(a.u.id, a.box.name, a.box.validity, "")}
	f, list, err := a.r.openUidlist(path)
	if err != nil || list == nil {
		return h, has, err
	}
	defer f.Close()
	h = list.Header
	for e, err := range list.All() {
		if e == nil {
			return h, has, fmt.Errorf("%s: %w", path, err)
		}
		h.Next = max(h.Next, e.UID+1)
		if a.inDoubt {
			has[maildir.ParseFileName(e.Name).Base] = true
		}
	}
	return h, has, nil
}

// openUidlist opens the uidlist; nothing when there is none.
func (r *run) openUidlist(path string) (*durable.File, *maildir.UidlistReader, error) {
	f, err := r.out.Open(path)
	if isMissing(err) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	list, err := maildir.NewUidlistReader(f)
	if err != nil {
		f.Close()
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, list, nil
}

// writeUidlist writes the uidlist with what it has and what is new.
func (a *adding) writeUidlist(to io.Writer, path string, h maildir.UidlistHeader, lines []placedEntry, uids []uint32) error {
	w := maildir.NewUidlistWriter(to, h)
	f, list, err := a.r.openUidlist(path)
	if err != nil {
		return err
	}
	if list != nil {
		defer f.Close()
		for e, err := range list.All() {
			if err == nil {
				err = w.Write(e)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
		}
	}
	for i, l := range lines {
		e := maildir.UidlistEntry{UID: uids[i], Name: l.name}
		if text := a.r.uidl.of(a.box.validity, l.uid); text != "" {
			e.Fields = []maildir.Field{{Key: 'P', Value: text}}
		}
		if err := w.Write(&e); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return w.Flush()
}
