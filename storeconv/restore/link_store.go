package restore

import (
	"encoding/binary"

	"imsconv/storeconv/ims"
	"imsconv/storeconv/selection"
	"imsconv/storeconv/sims"
)

// noteValidity remembers the UIDVALIDITY of a mailbox that is left out: it
// tells which message of the store a link to one of its messages means.
func (p *planner) noteValidity(m *sims.Member) error {
	if p.r.dry() || m.UIDValidity == 0 {
		return nil
	}
	return p.r.jr.Put(keyValidity+m.Name, binary.BigEndian.AppendUint32(nil, m.UIDValidity))
}

// originIndex remembers the origins of the messages of one mailbox in the
// store.
type originIndex struct {
	dir    string
	ours   bool
	byOrig map[uint64]uint32
	byUID  map[uint32]uint32 // by UID of the source alone
}

// findInStore looks for a message that an earlier run, or another one, has
// restored: its mailbox is at at, but its UID may be another.
func (c *collector) findInStore(name string, at selection.Place) (selection.Place, bool, error) {
	dir := ims.MailboxDir(c.r.partition, at.ID, at.Mailbox)
	if c.lookup.dir != dir {
		if err := c.loadOrigins(dir); err != nil {
			return at, false, err
		}
	}
	x := &c.lookup
	if !x.ours {
		return at, true, nil // the name is all that can be gone by
	}
	user, mailbox, uid, _ := sims.SplitName(name)
	if !c.r.dry() {
		b, known, err := c.r.jr.Get(keyValidity + user + "/" + mailbox)
		if err != nil {
			return at, false, err
		}
		if known && len(b) == 4 {
			var ok bool
			at.UID, ok = x.byOrig[origKey(binary.BigEndian.Uint32(b), uid)]
			return at, ok, nil
		}
	}
	var ok bool
	at.UID, ok = x.byUID[uid]
	return at, ok, nil
}

// loadOrigins reads the index of a mailbox. It takes about 50 bytes a message.
func (c *collector) loadOrigins(dir string) error {
	c.lookup = originIndex{dir: dir, byOrig: make(map[uint64]uint32), byUID: make(map[uint32]uint32)}
	f, err := c.r.store.Open(dir + "/" + ims.IndexName)
	if isNotExist(err) || isNotDir(err) {
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
	c.lookup.ours = true
	for rec, err := range ir.All() {
		if err != nil {
			c.lookup.ours = false
			return nil
		}
		if rec.OrigUID != 0 {
			c.lookup.byOrig[origKey(rec.OrigValidity, rec.OrigUID)] = rec.UID
			c.lookup.byUID[rec.OrigUID] = rec.UID
		}
	}
	return nil
}
