package restore

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"imsconv/storeconv/durable"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/message"
	"imsconv/storeconv/selection"
	"imsconv/storeconv/sims"
)

const linkToItself = "it is a link to itself"

// link makes the file of a later copy: a link to its first copy where that
// lies, else a file with the body that was held back for it.
func (c *collector) link(s *linkStep) error {
	if c.r.dry() {
		return c.dryLink(s)
	}
	if known, ok := c.copies.get(s.firstKey()); ok {
		first := *known
		stage, _ := c.r.staged.get(first.at.ID)
		how, err := c.linkTo(s, first.at, stage)
		if err != nil {
			return err
		}
		if how != notThere {
			return c.recordLink(s, &first, how)
		}
		return c.linkSpare(s)
	}
	done, err := c.linkFound(s)
	if done || err != nil {
		return err
	}
	return c.linkSpare(s)
}

// linkFound links to a first copy that is not among the last ones, if it is
// where the run has noted it, or where its name says, or where the store has
// it.
func (c *collector) linkFound(s *linkStep) (done bool, err error) {
	target, ok, noted, err := c.r.whereIs(s.firstKey())
	if err != nil {
		return false, err
	}
	if noted {
		stage, _ := c.r.staged.get(target.ID)
		if done, err = c.linkUnread(s, target, stage, true); done || err != nil {
			return done, err
		}
		// It was noted by a visit that never came into place.
		target, ok = c.r.sel.PlaceOf(s.first)
	}
	if !ok {
		return false, nil
	}
	if s.taken, err = c.r.isTaken(target); err != nil {
		return false, err
	}
	if s.passed && !s.ahead && !s.taken && !noted {
		if s.firstLinks {
			if other, err := c.hasOther(s, target); other || err != nil {
				return false, err
			}
		}
		return c.linkUnread(s, target, s.stage, false)
	}
	return c.linkStored(s, target)
}

// linkStored links to a first copy that the store has, if it does.
func (c *collector) linkStored(s *linkStep, at selection.Place) (done bool, err error) {
	at, ok, err := c.findInStore(s, at)
	if !ok || err != nil {
		return false, err
	}
	return c.linkUnread(s, at, s.stage, false)
}

// linkUnread links to a message of which the index knows nothing yet. What lies
// where a name says may be another message, unless the run has noted the place.
func (c *collector) linkUnread(s *linkStep, target selection.Place, stage string, noted bool) (done bool, err error) {
	how, err := c.linkTo(s, target, stage)
	if how == notThere || err != nil {
		return false, err
	}
	first := storedCopy{at: target}
	if first.content, err = c.readFile(&s.entry); errors.Is(err, fs.ErrPermission) {
		return false, c.r.folder.Stage.Remove(s.box.dir + ims.MessagePath(s.uid))
	}
	if err != nil {
		return false, err
	}
	if !noted {
		if other, err := c.isAnother(s.firstKey(), &first.content); other || err != nil {
			return false, errors.Join(err, c.r.folder.Stage.Remove(s.box.dir+ims.MessagePath(s.uid)))
		}
	}
	return true, c.recordLink(s, &first, how)
}

// isAnother tells whether a content is not that of a first copy that was held
// back.
func (c *collector) isAnother(first string, info *content) (bool, error) {
	body, ok, err := c.r.spareFor(first)
	if !ok || err != nil {
		return false, err
	}
	if body.size != info.size && !c.r.opt.CRLF {
		return true, nil
	}
	sums, err := c.r.sumsOfSpare(body)
	if damageOf(err) != nil {
		return false, nil // the one in the store is all there is
	}
	if err != nil {
		return false, err
	}
	return sums.get(false) != info.sum && sums.get(true) != info.sum, nil
}

// dryLink counts a later copy in a dry run.
func (c *collector) dryLink(s *linkStep) error {
	first, ok := c.names.get(s.firstKey())
	if !ok || first.spare { // what is left out an earlier run may have restored
		found, there, err := c.dryFound(s)
		if err != nil {
			return err
		}
		if there && (!ok || c.r.opt.CRLF || found.size == first.size) { // else it is another one
			first, ok = found, true
		}
	}
	switch {
	case s.first == s.name || !ok:
		return c.loseLink(s)
	}
	c.holdShortData(s, first.sum)
	if s.doubt != nil {
		c.names.add(s.key(), first)
		return c.settleDry(s, first)
	}
	return c.countDryLink(s, first)
}

// countDryLink counts a later copy of first, which becomes a file of its own
// when the first copy is not in the store.
func (c *collector) countDryLink(s *linkStep, first nameInfo) error {
	v := s.box.v
	for _, rep := range [...]*Report{&c.rep, &v.tally.rep} {
		if first.spare {
			rep.Copies++
		} else {
			rep.Links++
		}
	}
	first.spare = false
	c.names.add(s.firstKey(), first)
	c.names.add(s.key(), first)
	info := content{size: first.size, short: true}
	binary.BigEndian.PutUint64(info.sum[:], first.sum)
	if err := c.index(&s.entry, &info); err != nil {
		return err
	}
	c.countMessage(v, first.size)
	return nil
}

// dryFound looks in the store for a first copy that the stream does not have.
func (c *collector) dryFound(s *linkStep) (nameInfo, bool, error) {
	at, ok := c.r.sel.PlaceOf(s.first)
	if !ok || c.r.store == nil {
		return nameInfo{}, false, nil
	}
	at, ok, err := c.findInStore(s, at)
	if !ok || err != nil {
		return nameInfo{}, false, err
	}
	f, err := c.r.store.Open(ims.MailboxDir(c.r.partition, at.ID, at.Mailbox) + "/" + ims.MessagePath(at.UID))
	if outOfReach(err) {
		return nameInfo{}, false, nil
	}
	if err != nil {
		return nameInfo{}, false, err
	}
	defer f.Close()
	info, err := readContent(f)
	return nameInfo{size: info.size, sum: shortSum(info.sum)}, err == nil, err
}

// loseLink gives a later copy up whose first copy is nowhere, if it has been
// put off.
func (c *collector) loseLink(s *linkStep) error {
	if s.first != s.name {
		if done, err := c.putOff(s); done || err != nil {
			return err
		}
	}
	if done, err := c.guessFirst(s); done || err != nil {
		return err
	}
	if s.doubt != nil && s.first != s.name {
		if m, ok := s.doubt.box.existing.ofOrigin(&s.doubt.entry); ok {
			c.warn(s.doubt.box.v, "unread-link", c.where(&s.entry), fmt.Sprintf("its first copy %s is nowhere: taken for message %d of the store, which has its Original-Uid", sims.DisplayName(s.first), m.uid))
			return c.same(&sameStep{s.doubt.entry, m, s.doubt.flags})
		}
	}
	text := fmt.Sprintf("its first copy %s is nowhere", sims.DisplayName(s.first))
	if s.first == s.name {
		text = linkToItself
	} else if user, _, _, ok := sims.SplitName(s.first); ok && user != s.box.v.user {
		text += ": restore user " + sims.DisplayName(user) + " too, or name a backup that holds it with -r"
	}
	c.lose(&s.entry, "lost-link", text)
	return nil
}

// guessFirst takes what the store has under the name of a first copy for that
// one, where it can be no other for all that is known. That is told: it may be
// another all the same.
func (c *collector) guessFirst(s *linkStep) (done bool, err error) {
	at, ok := c.r.sel.PlaceOf(s.first)
	if !ok || s.guess || s.passed || s.first == s.name || c.r.store == nil {
		return false, nil
	}
	s.guess = true
	e := s.entry
	if s.doubt != nil {
		e = s.doubt.entry
	}
	if c.r.dry() {
		first, ok, err := c.dryFound(s)
		if !ok || err != nil {
			return false, err
		}
		c.names.add(s.firstKey(), first)
		done, err = true, c.dryLink(s)
		if err != nil {
			return done, err
		}
	} else if done, err = c.linkStored(s, at); !done || err != nil {
		return done, err
	}
	c.warn(e.box.v, "guessed-link", c.where(&e), fmt.Sprintf(
		"its first copy %s is in no stream of this run, and nothing tells which UIDVALIDITY the mailbox had, or has in the store: it is the message that the store has under this UID", sims.DisplayName(s.first)))
	return true, nil
}

// whereIs returns where the message of that member name lies: where the run has
// noted it, else where the name says. noted is set for the former.
func (r *run) whereIs(name string) (at selection.Place, ok, noted bool, err error) {
	for _, prefix := range [...]string{keyStagedPlace, keyPlace} {
		b, ok, err := r.jr.Get(prefix + name)
		if err != nil {
			return selection.Place{}, false, false, err
		}
		if ok {
			if err := json.Unmarshal(b, &at); err != nil {
				return selection.Place{}, false, false, fmt.Errorf("journal: %s%s: %w", prefix, name, err)
			}
			return at, true, true, nil
		}
	}
	name, _, _ = strings.Cut(name, ageMark)
	at, ok = r.sel.PlaceOf(name)
	return at, ok, false, nil
}

// recordMove notes that the message of a member is not where its name says.
func (r *run) recordMove(v *visit, name string, at selection.Place) error {
	b, err := json.Marshal(at)
	if err != nil {
		return err
	}
	v.tally.records = append(v.tally.records, record{keyPlace + name, b})
	return r.jr.Put(keyStagedPlace+name, b)
}

// recordTaken notes the message of a member that is where another name may say
// that its own is: should that one be lost, links to it must not lead here.
func (r *run) recordTaken(v *visit, name string, at selection.Place) error {
	if err := r.recordMove(v, name, at); err != nil {
		return err
	}
	key := takenKey(at)
	v.tally.records = append(v.tally.records, record{keyTaken + key, nil})
	return r.jr.Put(keyStagedTaken+key, nil)
}

// isTaken tells whether a message is noted at a place that is not, or not only,
// the one that its name says.
func (r *run) isTaken(at selection.Place) (bool, error) {
	key := takenKey(at)
	for _, prefix := range [...]string{keyStagedTaken, keyTaken} {
		if _, taken, err := r.jr.Get(prefix + key); taken || err != nil {
			return taken, err
		}
	}
	return false, nil
}

func takenKey(at selection.Place) string {
	return fmt.Sprintf("%s\x00%s\x00%d", at.ID, at.Mailbox, at.UID)
}

// linkOutcome tells what became of a link.
type linkOutcome uint8

const (
	notThere linkOutcome = iota
	asLink
	asCopy
)

// linkTo links the file of s to the message at target: in the store or, with
// stage, in that tree, if it is not in place yet.
func (c *collector) linkTo(s *linkStep, target selection.Place, stage string) (linkOutcome, error) {
	if target == s.place() {
		return notThere, nil
	}
	path := ims.MessagePath(target.UID)
	if p := ims.MailboxPath(target.Mailbox); p != "" {
		path = p + "/" + path
	}
	if now, ok := c.r.staged.get(target.ID); ok && now == stage {
		how, err := c.linkFrom(s, c.r.folder.Stage, stage+"/"+path)
		if how != notThere || err != nil {
			return how, err
		}
	}
	return c.linkFrom(s, c.r.store.Dir, ims.UserDir(c.r.partition, target.ID)+"/"+path)
}

// entered tells whether the directory of a message is known to be there.
func (c *collector) entered(e *entry) bool {
	return c.lastBox == e.box && c.lastNN == ims.MessageDirNumber(e.uid)
}

// enter makes sure that the directory of a message is there.
func (c *collector) enter(e *entry) error {
	nn := ims.MessageDirNumber(e.uid)
	if c.entered(e) {
		return nil
	}
	if err := c.r.folder.Stage.MkdirAll(e.box.dir + ims.MessageDir(e.uid)); err != nil {
		return err
	}
	c.lastBox, c.lastNN = e.box, nn
	return nil
}

// linkFrom links the file of s to the file name in dir; where links cannot be,
// it copies.
func (c *collector) linkFrom(s *linkStep, dir *durable.Dir, name string) (linkOutcome, error) {
	stage, to := c.r.folder.Stage, s.box.dir+ims.MessagePath(s.uid)
	if !c.entered(&s.entry) {
		// A copy that is lost must not leave an empty directory, which others could
		// not remove: a worker may be about to write into it.
		if _, err := dir.Stat(name); outOfReach(err) {
			return notThere, nil
		}
		if err := c.enter(&s.entry); err != nil {
			return notThere, err
		}
	}
	err := dir.Link(name, stage, to)
	switch {
	case err == nil:
		return asLink, nil
	case durable.NoLinks(err):
	case outOfReach(err):
		return notThere, nil
	default:
		return notThere, err
	}
	// A rule against links may come before the look at what is to be linked.
	if err = copyFile(dir, name, stage, to); outOfReach(err) {
		return notThere, nil
	}
	return asCopy, err
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

// recordLink counts and indexes a later copy whose file was made of first.
func (c *collector) recordLink(s *linkStep, first *storedCopy, how linkOutcome) error {
	c.holdData(s, first.sum)
	if s.doubt != nil {
		c.copies.add(s.key(), *first)
		return c.settle(s, first, how)
	}
	if how == asCopy {
		return c.recordCopy(s, &first.content)
	}
	c.rep.Links++
	s.box.v.tally.rep.Links++
	c.copies.add(s.firstKey(), *first)
	return c.indexLink(s, &first.content)
}

// recordCopy counts and indexes a later copy that became a file of its own: the
// first copy is not in the store, or has as many links as it can have. Later
// links go to this one.
func (c *collector) recordCopy(s *linkStep, info *content) error {
	at := s.place()
	if err := c.r.recordMove(s.box.v, s.firstKey(), at); err != nil {
		return err
	}
	c.rep.Copies++
	s.box.v.tally.rep.Copies++
	c.copies.add(s.firstKey(), storedCopy{*info, at})
	return c.indexLink(s, info)
}

func (c *collector) indexLink(s *linkStep, info *content) error {
	if err := c.index(&s.entry, info); err != nil {
		return err
	}
	c.copies.add(s.key(), storedCopy{*info, s.place()})
	c.countMessage(s.box.v, info.size)
	return c.recordPlace(&s.entry)
}

// readFile reads the file of a message for what the index needs.
func (c *collector) readFile(e *entry) (content, error) {
	f, err := c.r.folder.Stage.Open(e.box.dir + ims.MessagePath(e.uid))
	if err != nil {
		return content{}, err
	}
	defer f.Close()
	return readContent(f)
}

// readContent reads a stored message for what an index needs.
func readContent(r io.Reader) (content, error) { return readContentAs(r, false) }

// readContentAs is readContent, with crlf as if every line end were CR LF.
func readContentAs(r io.Reader, crlf bool) (content, error) {
	h := message.NewBody(crlf)
	buf := make([]byte, 64<<10)
	for {
		n, err := r.Read(buf)
		h.Add(buf[:n])
		if err == io.EOF {
			break
		}
		if err != nil {
			return content{}, err
		}
	}
	var info content
	info.text, info.size, info.sum = h.Finish()
	info.bare = h.BareLF()
	return info, nil
}

// linkSpare makes the file of a later copy from a body that was held back, or
// gives the copy up.
func (c *collector) linkSpare(s *linkStep) error {
	body, ok, err := c.r.spareFor(s.firstKey())
	if err == nil && !ok {
		body, ok, err = c.r.spareInReference(s)
	}
	if err != nil {
		return err
	}
	if !ok || s.first == s.name {
		return c.loseLink(s)
	}
	file := &messageStep{entry: s.entry, long: c.r.openSpare(body)}
	if !body.own {
		file.date = body.date // another run may have the first copy, and this file is joined with that
	}
	if file.cutTo, file.cut, err = c.r.cutDate(file.date); err != nil {
		return err
	}
	if err := c.writer.message(file); err != nil {
		return err
	}
	c.writer.closeDir()
	if d := file.damage; d != nil {
		c.lose(&s.entry, d.Class, "its first copy "+sims.DisplayName(s.first)+": "+d.Text)
		return nil
	}
	c.tellCut(file)
	c.holdData(s, file.sum)
	if s.doubt != nil {
		// Links to this one find its body where it was found.
		if err := c.r.jr.Put(keySpare+s.key(), body.append(nil)); err != nil {
			return err
		}
		return c.settle(s, &storedCopy{content: file.content}, asCopy)
	}
	return c.recordCopy(s, &file.content)
}
