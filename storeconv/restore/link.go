package restore

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"io"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/durable"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/message"
	"imsconv/storeconv/selection"
	"imsconv/storeconv/sims"
)

// copyInfo is what an index needs to know of a message that a link points to.
type copyInfo struct {
	size, hsize, sent int64
	sum               [32]byte
	id                string
	at                selection.Place
}

// copiesKept is the number of messages that the collector remembers. Of older ones the place follows from the member name, and the rest is read again from the
// file: a link costs at most one reading, and the table needs no entry for each message of the site.
const copiesKept = 1 << 15

// copyTable remembers the last messages by member name.
type copyTable struct {
	m    map[string]copyInfo
	ring []string
	next int
}

func (t *copyTable) init() {
	t.m = make(map[string]copyInfo)
	t.ring = make([]string, copiesKept)
}

func (t *copyTable) add(name string, info copyInfo) {
	if _, ok := t.m[name]; !ok {
		if old := t.ring[t.next]; old != "" {
			delete(t.m, old)
		}
		t.ring[t.next] = name
		t.next = (t.next + 1) % len(t.ring)
	}
	t.m[name] = info
}

// nameSet is a set of names by 64 bits of hash, for dry runs. It stops taking in names at its limit, and then says yes to all.
type nameSet struct {
	seed maphash.Seed
	m    map[uint64]struct{}
	full bool
}

const namesKept = 2 << 20

func (s *nameSet) add(name string) {
	if s.m == nil {
		s.m, s.seed = make(map[uint64]struct{}), maphash.MakeSeed()
	}
	if s.full = s.full || len(s.m) >= namesKept; !s.full {
		s.m[maphash.String(s.seed, name)] = struct{}{}
	}
}

func (s *nameSet) has(name string) bool {
	if s.full || s.m == nil {
		return s.full
	}
	_, ok := s.m[maphash.String(s.seed, name)]
	return ok
}

// link makes the file of a later copy.
func (c *collector) link(it *item) error {
	if c.r.run == nil {
		c.dryLink(it)
		return nil
	}
	info, known := c.copies.m[it.link]
	target, ok := info.at, known
	if known {
		it.late = false
	} else {
		var err error
		var noted bool
		if target, ok, noted, err = c.r.whereIs(it.link); err != nil {
			return err
		}
		it.late = it.late && !noted
		if ok && it.late {
			if target, ok, err = c.findInStore(it.link, target); err != nil {
				return err
			}
		}
	}
	if ok && target != (selection.Place{ID: it.v.id, Mailbox: it.box.name, UID: it.uid}) {
		how, err := c.linkTo(it, target)
		if err != nil {
			return err
		}
		if how != notThere {
			return c.linked(it, info, known, target, how)
		}
	}
	return c.linkHeld(it)
}

// dryLink counts a later copy in a dry run.
func (c *collector) dryLink(it *item) {
	if it.link == it.name || !c.seen.has(it.link) {
		c.lostLink(it)
		return
	}
	c.seen.add(it.name)
	c.rep.Messages++
	c.rep.Links++
}

func (c *collector) lostLink(it *item) {
	text := fmt.Sprintf("its first copy %s is nowhere", sims.DisplayName(it.link))
	if it.link == it.name {
		text = "it is a link to itself"
	} else if user, _, _, ok := sims.SplitName(it.link); ok && user != it.v.user {
		text += ": restore user " + sims.DisplayName(user) + " too, or name a backup that holds it with -r"
	}
	c.rep.Refused++
	it.v.rep.Refused++
	c.problem(it.v, "lost-link", c.where(it), text)
}

// whereIs returns where the message of that member name lies: where the run has noted it, else where the name says.
func (r *run) whereIs(name string) (at selection.Place, ok, noted bool, err error) {
	for _, prefix := range [...]string{"m/", "r/"} {
		b, ok, err := r.jr.Get(prefix + name)
		if err != nil {
			return selection.Place{}, false, false, err
		}
		if ok {
			var s storedSpot
			if err := json.Unmarshal(b, &s); err != nil {
				return selection.Place{}, false, false, fmt.Errorf("journal: %s%s: %w", prefix, name, err)
			}
			return selection.Place{ID: s.ID, Mailbox: s.Mailbox, UID: s.UID}, true, true, nil
		}
	}
	at, ok = r.sel.PlaceOf(name)
	return at, ok, false, nil
}

// storedSpot is a spot in the journal.
type storedSpot struct {
	ID, Mailbox string
	UID         uint32
}

// moved notes that the message of a member is not where its name says.
func (r *run) moved(v *visit, name string, at selection.Place) error {
	b, err := json.Marshal(storedSpot{at.ID, at.Mailbox, at.UID})
	if err != nil {
		return err
	}
	v.moves = append(v.moves, record{"r/" + name, b})
	return r.jr.Put("m/"+name, b)
}

// how tells what became of a link.
type how uint8

const (
	notThere how = iota
	asLink
	asCopy
)

// linkTo links the item's file to the message at target, in the stage or in the store.
func (c *collector) linkTo(it *item, target selection.Place) (how, error) {
	path := ims.MessagePath(target.UID)
	if p := ims.MailboxPath(target.Mailbox); p != "" {
		path = p + "/" + path
	}
	if err := c.enter(it); err != nil {
		return notThere, err
	}
	if stage, ok := c.r.staged.get(target.ID); ok && !it.late {
		how, err := c.linkFrom(it, c.r.run.Stage, stage+"/"+path)
		if how != notThere || err != nil {
			return how, err
		}
	}
	return c.linkFrom(it, c.r.store.Dir, ims.UserDir(c.r.partition, target.ID)+"/"+path)
}

// enter makes sure that the directory of the item's file is there.
func (c *collector) enter(it *item) error {
	nn := it.uid / 100 % 100
	if c.lastBox == it.box && c.lastNN == nn {
		return nil
	}
	if err := c.r.run.Stage.MkdirAll(it.box.dir + ims.MessageDir(it.uid)); err != nil {
		return err
	}
	c.lastBox, c.lastNN = it.box, nn
	return nil
}

// linkFrom links the item's file to the file name in dir; where links cannot be, it copies.
func (c *collector) linkFrom(it *item, dir *durable.Dir, name string) (how, error) {
	stage, to := c.r.run.Stage, it.box.dir+ims.MessagePath(it.uid)
	err := dir.Link(name, stage, to)
	switch {
	case err == nil:
		return asLink, nil
	case isNotExist(err) || isNotDir(err):
		return notThere, nil
	case !errors.Is(err, unix.EMLINK) && !errors.Is(err, unix.EXDEV) && !errors.Is(err, unix.EPERM):
		return notThere, err
	}
	return asCopy, copyFile(dir, name, stage, to)
}

// copyFile copies a message with its date.
func copyFile(from *durable.Dir, name string, to *durable.Dir, newName string) error {
	in, err := from.Open(name)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := to.Create(newName)
	if err != nil {
		return err
	}
	if _, err = io.Copy(out, in); err == nil {
		err = out.SetTime(info.ModTime().Unix())
	}
	if closeErr := out.Close(); err == nil {
		err = closeErr
	}
	return err
}

// linked takes a link that was made into the index.
func (c *collector) linked(it *item, info copyInfo, known bool, target selection.Place, how how) error {
	if !known {
		if err := c.readInfo(it, &info); err != nil {
			return err
		}
		info.at = target
	}
	c.rep.Links++
	it.v.rep.Links++
	if how == asCopy {
		// The first copy has as many links as it can have: later ones go to this one.
		info.at = selection.Place{ID: it.v.id, Mailbox: it.box.name, UID: it.uid}
		if err := c.r.moved(it.v, it.link, info.at); err != nil {
			return err
		}
		c.rep.Links--
		it.v.rep.Links--
		c.rep.Copies++
		it.v.rep.Copies++
	}
	c.copies.add(it.link, info)
	return c.took(it, &info)
}

// took counts and indexes a later copy.
func (c *collector) took(it *item, info *copyInfo) error {
	c.index(it, info)
	here := *info
	here.at = selection.Place{ID: it.v.id, Mailbox: it.box.name, UID: it.uid}
	c.copies.add(it.name, here)
	c.rep.Messages++
	c.rep.Bytes += info.size
	it.v.rep.Messages++
	it.v.rep.Bytes += info.size
	return c.moved(it)
}

// readInfo reads the item's file for what the index needs.
func (c *collector) readInfo(it *item, info *copyInfo) error {
	f, err := c.r.run.Stage.Open(it.box.dir + ims.MessagePath(it.uid))
	if err != nil {
		return err
	}
	defer f.Close()
	got, err := readMessage(f)
	*info = got
	return err
}

// readMessage reads a stored message for what an index needs.
func readMessage(r io.Reader) (copyInfo, error) {
	h := message.NewBody(false)
	buf := make([]byte, 64<<10)
	for {
		n, err := r.Read(buf)
		h.Add(buf[:n])
		if err == io.EOF {
			break
		}
		if err != nil {
			return copyInfo{}, err
		}
	}
	text, size, sum := h.Finish()
	return copyInfo{size: size, hsize: text.HeaderSize, sent: text.Sent, sum: sum, id: text.ID}, nil
}

// linkHeld makes the file of a later copy from a body that was held back, or gives the copy up.
func (c *collector) linkHeld(it *item) error {
	h, ok, err := c.r.heldFor(it.link)
	if err == nil && !ok {
		h, ok, err = c.r.inReference(it.link)
	}
	if err != nil {
		return err
	}
	if !ok || it.link == it.name {
		c.lostLink(it)
		return nil
	}
	file := *it
	file.kind, file.held, file.time = itemMessage, h, h.time
	if err := c.writer.message(&file); err != nil {
		return err
	}
	c.writer.closeDir()
	if file.lost != "" {
		c.rep.Refused++
		it.v.rep.Refused++
		c.problem(it.v, file.problem, c.where(it), "its first copy "+sims.DisplayName(it.link)+": "+file.lost)
		return nil
	}
	info := copyInfo{size: file.stored, hsize: file.text.HeaderSize, sent: file.text.Sent, sum: file.sum, id: file.text.ID, at: selection.Place{ID: it.v.id, Mailbox: it.box.name, UID: it.uid}}
	if err := c.r.moved(it.v, it.link, info.at); err != nil {
		return err
	}
	c.copies.add(it.link, info)
	c.rep.Copies++
	it.v.rep.Copies++
	return c.took(it, &info)
}
