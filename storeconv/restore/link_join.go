package restore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"imsconv/storeconv/durable"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/selection"
	"imsconv/storeconv/sims"
)

// When the users of a site are spread over several runs, a link and its first
// copy may belong to different ones, and which of them comes first is chance.
// The run with the link may have to make a copy of its own. Each run notes such
// pairs, from either side, and at its end makes one file of those that are both
// in place: the run that ends last sees them all.
//
// A power cut may part them too: of one batch it may leave the user with the
// link in place and not the one with the first copy, who is then made anew. And
// so does putting back a first copy whose file had gone from the store.

// noteJoin notes a link that only one end of belongs to this run, or that leads
// to such a link: it has to follow that one.
func (p *planner) noteJoin(m *sims.Member) error {
	if p.r.dry() || m.Kind != sims.Link || p.r.sel.IsAll() && !p.r.relink {
		return nil
	}
	user, _, _, ok := sims.SplitName(m.Link)
	if !ok {
		return nil
	}
	if !p.r.relink && p.r.sel.Takes(user) == p.r.sel.Takes(m.User) {
		if _, noted, err := p.r.jr.Get(keyJoin + m.Link); !noted || err != nil {
			return err
		}
	}
	return p.r.jr.Put(keyJoin+m.Name, []byte(m.Link))
}

// join makes one file of links and first copies that lie in the store as two.
func (r *run) join() error {
	if r.sel.IsAll() && !r.relink && !r.parted {
		return nil
	}
	if err := r.folder.LockLists(); err != nil {
		return fmt.Errorf("lock the store: %w", err)
	}
	defer r.folder.UnlockLists()
	changed := false
	err := r.jr.Range(keyJoin, func(key, value []byte) error {
		done, err := r.joinChain(string(key[len(keyJoin):]), string(value))
		changed = changed || done
		return err
	})
	if err == nil && changed {
		err = r.store.SyncAll()
	}
	return err
}

// joinChain joins a link that is noted with its first copy. Where that is a
// link itself, it is joined before: it is another file then, which this one is
// to share.
func (r *run) joinChain(link, first string) (changed bool, err error) {
	if _, noted, err := r.jr.Get(keyJoin + link); !noted || err != nil {
		return false, err // it came before its turn
	}
	for chain := [][2]string{{link, first}}; len(chain) > 0; {
		top := chain[len(chain)-1]
		next, noted, err := r.jr.Get(keyJoin + top[1])
		if err != nil {
			return changed, err
		}
		if noted {
			b := r.jr.Batch()
			b.Delete(keyJoin + top[1])
			if err := b.Write(); err != nil {
				return changed, err
			}
			chain = append(chain, [2]string{top[1], string(next)})
			continue
		}
		done, err := r.joinPair(top[0], top[1])
		if err != nil {
			return changed, err
		}
		changed, chain = changed || done, chain[:len(chain)-1]
	}
	return changed, nil
}

// joinPair replaces the file of a link by a link to its first copy, if both are
// there with the same bytes.
func (r *run) joinPair(link, first string) (bool, error) {
	to, ok1, _, err := r.whereIs(link)
	if err != nil {
		return false, err
	}
	from, ok2, _, err := r.whereIs(first)
	if err != nil {
		return false, err
	}
	if !ok1 || !ok2 {
		return false, nil
	}
	a, b := r.pathOf(from), r.pathOf(to)
	ia, err1 := r.store.Stat(a)
	ib, err2 := r.store.Stat(b)
	if err1 != nil || err2 != nil || ia.Ino == ib.Ino || ia.Dev != ib.Dev || ia.Size != ib.Size || ia.Mtime != ib.Mtime || !ia.IsRegular() || !ib.IsRegular() {
		return false, nil
	}
	same, err := sameFiles(r.store.Dir, a, b)
	if errors.Is(err, fs.ErrPermission) {
		return false, nil // they stay two files
	}
	if err != nil || !same {
		return false, err
	}
	if err := r.folder.LockUser(to.ID); err != nil {
		return false, err
	}
	defer r.folder.UnlockUser(to.ID)
	const temp = "stage/join"
	if err := r.folder.Dir.RemoveAll(temp); err != nil {
		return false, err
	}
	if err := r.store.Link(a, r.folder.Dir, temp); err != nil {
		return false, nil // at its limit of links, or gone
	}
	return true, r.folder.Dir.Replace(temp, r.store.Dir, b)
}

func (r *run) pathOf(s selection.Place) string {
	return ims.MailboxDir(r.partition, s.ID, s.Mailbox) + "/" + ims.MessagePath(s.UID)
}

// sameFiles compares two files of the same size.
func sameFiles(d *durable.Dir, a, b string) (bool, error) {
	fa, err := d.Open(a)
	if err != nil {
		return false, err
	}
	defer fa.Close()
	fb, err := d.Open(b)
	if err != nil {
		return false, err
	}
	defer fb.Close()
	bufA, bufB := make([]byte, 32<<10), make([]byte, 32<<10)
	for {
		n, err := io.ReadFull(fa, bufA)
		m, _ := io.ReadFull(fb, bufB)
		if n != m || !bytes.Equal(bufA[:n], bufB[:m]) {
			return false, nil
		}
		if err != nil {
			return err == io.EOF || err == io.ErrUnexpectedEOF, nil
		}
	}
}

// originIndex remembers the origins of the messages of one mailbox in the
// store.
type originIndex struct {
	dir     string
	ours    bool
	damaged bool   // it may have lost some
	locked  bool   // this user may not read it
	now     uint32 // its UIDVALIDITY
	uids    uidRanges
	named   uidRanges // of them, those of which the index says where they came from
	byOrig  map[uint64]originOf

	validity uint32 // of the source of all messages,
	several  bool   // unless there are several
}

// originOf is the message of an origin. Users who are put together, and runs
// that look for no copies, may give one origin to several.
type originOf struct {
	uid uint32 // 0: there are several, and not of one content
	sum uint32 // the start of its SHA-256
}

// noteOrigin notes a message by its origin.
func noteOrigin(m map[uint64]originOf, key uint64, is originOf) {
	if was, there := m[key]; there && was.sum != is.sum {
		is.uid = 0
	}
	m[key] = is
}

// findInStore looks for a first copy that an earlier run, or another one, has
// restored: its mailbox is at at, but its UID may be another. The UIDVALIDITY
// that the streams say of that mailbox tells which message it is, since a
// mailbox that was made once more, and one of another user with the id, have
// the same UIDs. Where none is said, or the store does not tell where its
// messages came from, there is only a guess.
func (c *collector) findInStore(s *linkStep, at selection.Place) (selection.Place, bool, error) {
	dir := ims.MailboxDir(c.r.partition, at.ID, at.Mailbox)
	if c.lookup.dir != dir {
		if err := c.loadOrigins(dir); err != nil {
			return at, false, err
		}
	}
	x, from := &c.lookup, s.firstSaid
	_, _, uid, _ := sims.SplitName(s.first)
	byName := s.guess && !s.taken && !s.ahead && !s.shared
	var is originOf
	switch {
	case x.locked:
		return at, false, nil // what has the name may be another message
	case !x.ours:
		return at, byName, nil
	case from.made != 0 && uid >= from.made:
		return at, false, nil // the store has no such name
	case s.shared: // it may be the other user's
	case from.validity != 0:
		is = x.byOrig[origKey(from.validity, uid)]
	case s.guess && !s.ahead && !x.several:
		is = x.byOrig[origKey(x.validity, uid)]
	}
	if is.uid == 0 { // it may be one that the index has lost
		return at, byName && x.damaged && !x.uids.has(uid), nil
	}
	at.UID = is.uid
	return at, true, nil
}

// hasOther tells whether the store has another message where the name of a
// first copy leads: that one was a link, and has been lost.
func (c *collector) hasOther(s *linkStep, at selection.Place) (bool, error) {
	dir := ims.MailboxDir(c.r.partition, at.ID, at.Mailbox)
	if c.lookup.dir != dir {
		if err := c.loadOrigins(dir); err != nil {
			return false, err
		}
	}
	// A backup of this store calls messages by their UIDs there, which may have
	// come from elsewhere.
	x := &c.lookup
	return x.now != s.firstPlan && x.named.has(at.UID) && x.byOrig[origKey(s.firstPlan, at.UID)].uid != at.UID, nil
}

// loadOrigins reads the index of a mailbox. It takes about 60 bytes a message.
func (c *collector) loadOrigins(dir string) error {
	c.lookup = originIndex{dir: dir, byOrig: make(map[uint64]originOf)}
	f, err := c.r.store.Open(dir + "/" + ims.IndexName)
	if c.lookup.locked = errors.Is(err, fs.ErrPermission); c.lookup.locked || outOfReach(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	ir, err := ims.NewIndexReader(f)
	if err != nil {
		return nil
	}
	x := &c.lookup
	x.ours, x.now = true, ir.Header.UIDValidity
	return ir.EachRecord(func(error) { x.damaged = true }, func(rec *ims.Record) error {
		x.uids.add(rec.UID)
		if rec.OrigUID != 0 && rec.OrigValidity != 0 {
			x.named.add(rec.UID)
			x.several = x.several || x.validity != 0 && x.validity != rec.OrigValidity
			x.validity = rec.OrigValidity
			noteOrigin(x.byOrig, origKey(rec.OrigValidity, rec.OrigUID), originOf{rec.UID, binary.BigEndian.Uint32(rec.SHA256[:])})
		}
		return nil
	})
}

// data is what a later copy brings along in the stream: its SHA-256 as it
// stands there, and with line ends made CR LF.
type data struct{ Sum, CRLF [32]byte }

// linkData reads what a link brings along; nil: nothing that can be read.
func (p *planner) linkData(m *sims.Member) (*data, error) {
	if m.Carried == 0 {
		return nil, nil
	}
	sums := newBodySums()
	for {
		b, err := p.src.Chunk()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, p.passDamage(err)
		}
		sums.add(b)
	}
	sums.finish(false)
	return &data{sums.get(false), sums.get(true)}, nil
}

// holdData holds what a later copy brings along against its first copy, of
// which the store has sum. What is unlike it was perhaps in the mailbox that
// was backed up, and is in no mailbox of the store.
func (c *collector) holdData(s *linkStep, sum [32]byte) {
	c.holdShortData(s, shortSum(sum))
}

// holdShortData is holdData for what a dry run knows of the first copy.
func (c *collector) holdShortData(s *linkStep, sum uint64) {
	d := s.data
	if s.data = nil; d == nil || sum == 0 || sum == shortSum(d.Sum) || sum == shortSum(d.CRLF) {
		return
	}
	e := &s.entry
	if s.doubt != nil {
		e = &s.doubt.entry
	}
	c.problem(e.box.v, "link-data", c.r.whereOf(e.box.v.stream, e.offset, e.name),
		fmt.Sprintf("the link brings data of SHA-256 %x, which is not that of its first copy %s: it is a link to that, and the data is left out", d.Sum, sims.DisplayName(s.first)))
}
