package merge

import (
	"bytes"
	"errors"
	"hash/maphash"
	"iter"
	"slices"
	"strings"

	"imsconv/dbconv/mboxlist"
	"imsconv/storeconv"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/lists"
)

// noteBoxes notes the mailboxes of a tree for the cross-check. NUL is in no
// mailbox name and below every byte that is.
func (m *merge) noteBoxes(u *unit, boxes []string) error {
	if u.User == "" {
		return nil
	}
	tag := []byte(nil)
	if u.part != nil {
		tag = partTag(u.part)
	}
	for _, box := range boxes {
		if err := m.boxes.Add([]byte(mboxlist.FolderKey(u.User, box)+"\x00"+u.partition), tag); err != nil {
			return err
		}
	}
	return nil
}

// treeBox is a mailbox that has a directory.
type treeBox struct {
	key, partition string
	part           *part // nil: the store's own
}

// crossCheck holds the records of folder.db against the mailboxes that the walk
// met, in the order of their names, and lists what only one side has. A nil one
// does nothing.
type crossCheck struct {
	m    *merge
	next func() (treeBox, error, bool)
	done func()
	head treeBox
	more bool
	own  *lists.Lists // the store's; nil: not opened yet
}

var errStopped = errors.New("stopped")

func newCrossCheck(m *merge) *crossCheck {
	c := &crossCheck{m: m, more: true}
	c.next, c.done = iter.Pull2(func(yield func(treeBox, error) bool) {
		err := m.boxes.Drain(func(key, tag []byte) error {
			name, partition, _ := bytes.Cut(key, []byte{0})
			b := treeBox{key: string(name), partition: string(partition)}
			if len(tag) > 0 {
				b.part = m.tagged(tag)
			}
			if !yield(b, nil) {
				return errStopped
			}
			return nil
		})
		if err != nil && err != errStopped {
			yield(treeBox{}, err)
		}
	})
	return c
}

// advance goes to the next mailbox.
func (c *crossCheck) advance() error {
	var err error
	c.head, err, c.more = c.next()
	return err
}

func (c *crossCheck) stop() {
	if c == nil {
		return
	}
	c.done()
	if c.own != nil {
		c.own.Close()
	}
}

// record takes the next record; partition is "" when its value is not
// understood.
func (c *crossCheck) record(p *part, key, partition string) error {
	if c == nil || strings.Contains(key, "\x00") {
		return nil
	}
	if err := c.passBelow(key); err != nil {
		return err
	}
	var boxes []treeBox
	for c.more && c.head.key == key {
		boxes = append(boxes, c.head)
		if err := c.advance(); err != nil {
			return err
		}
	}
	c.checkRecord(p, key, partition, boxes)
	for _, b := range boxes {
		if b.part != nil && partition != "" && b.partition != partition {
			c.noRecord(b, "has a record for another partition only")
		}
	}
	return nil
}

// passBelow tells of the mailboxes before key, which have no record.
func (c *crossCheck) passBelow(key string) error {
	if c.head.key == "" {
		if err := c.advance(); err != nil {
			return err
		}
	}
	for c.more && c.head.key < key {
		if err := c.withoutRecord(); err != nil {
			return err
		}
	}
	return nil
}

// end tells of the mailboxes that are left.
func (c *crossCheck) end() error {
	if c == nil {
		return nil
	}
	if err := c.passBelow(""); err != nil {
		return err
	}
	for c.more {
		if err := c.withoutRecord(); err != nil {
			return err
		}
	}
	return nil
}

// withoutRecord tells of the next mailbox, unless the store's own list has it.
func (c *crossCheck) withoutRecord() error {
	b := c.head
	there, err := c.listed(b)
	if err != nil {
		return err
	}
	if !there {
		c.noRecord(b, "has no record in folder.db")
	}
	return c.advance()
}

// listed tells whether the list of the store has a mailbox: where trees are
// only looked at, there may be some of neither part.
func (c *crossCheck) listed(b treeBox) (bool, error) {
	if c.m.opts.Via != ViaNone {
		return false, nil
	}
	if c.own == nil {
		var err error
		if c.own, err = lists.Open(c.m.store, storeconv.Discard); err != nil {
			return false, err
		}
	}
	_, ok, err := c.own.Get(mboxlist.FolderDB, b.key)
	return ok, err
}

// noRecord tells of a mailbox that has a directory and no record for it, unless
// the run of its part has told it.
func (c *crossCheck) noRecord(b treeBox, text string) {
	id, box, _ := mboxlist.SplitKey(b.key)
	where := ims.UserDir(b.partition, id)
	if b.part != nil {
		if c.m.told.has(b.part, "no-record", where) {
			return
		}
		where = b.part.path + "/" + where
	}
	c.m.log.Problem("no-record", where, "mailbox "+mboxlist.FolderKey(id, box)+" "+text)
}

// checkRecord tells of a record whose mailbox is not where it says.
func (c *crossCheck) checkRecord(p *part, key, partition string, boxes []treeBox) {
	if slices.ContainsFunc(boxes, func(b treeBox) bool { return partition == "" || b.partition == partition }) {
		return
	}
	id, box, ok := mboxlist.SplitKey(key)
	if !ok || c.m.told.has(p, "no-tree", key) || c.hasDirectory(p, partition, id, box) {
		return
	}
	in := "partition " + partition
	if partition == "" {
		in = "any partition"
	}
	c.m.log.Problem("no-tree", p.path+"/"+listPath(mboxlist.FolderDB)+": "+key, "mailbox without a directory in "+in+": its record is carried over as it is")
}

// hasDirectory tells whether a mailbox is there as a directory, though without
// an index and without messages.
func (c *crossCheck) hasDirectory(p *part, partition, id, box string) bool {
	if c.m.opts.Via == ViaNone {
		p = &part{path: c.m.store, trees: true}
	}
	partitions := []string{partition}
	if partition == "" {
		partitions, _ = p.partitions(storeconv.Discard)
	}
	for _, name := range partitions {
		if ims.CheckPartition(name) != nil || ims.CheckUserID(id) != nil {
			continue
		}
		if p.hasDir(ims.MailboxDir(name, id, box)) {
			return true
		}
	}
	return false
}

// toldPlaces are the places of folder records without tree and of trees without
// record that the runs of the parts have told: a relocation carries both over
// as they are. They are known by sums.
type toldPlaces struct {
	seed maphash.Seed
	sums map[uint64]struct{}
	all  map[string]bool // by part and kind: so many that not all were kept
}

// take takes what a record tells.
func (t *toldPlaces) take(p *part, r *Record) {
	if t.sums == nil {
		t.seed, t.sums, t.all = maphash.MakeSeed(), make(map[uint64]struct{}), make(map[string]bool)
	}
	kept := make(map[string]int64)
	for _, l := range r.Problems.Items {
		if l.Kind != "no-tree" && l.Kind != "no-record" {
			continue
		}
		kept[l.Kind]++
		place := l.Where
		if i := strings.LastIndex(place, ": "); i >= 0 {
			place = place[i+2:]
		}
		t.sums[maphash.String(t.seed, p.path+"\x00"+l.Kind+"\x00"+place)] = struct{}{}
	}
	for kind, n := range kept {
		if r.Problems.Kinds[kind] > n {
			t.all[p.path+"\x00"+kind] = true
		}
	}
	r.Problems.Items = nil
}

func (t *toldPlaces) has(p *part, kind, place string) bool {
	if t.all[p.path+"\x00"+kind] {
		return true
	}
	_, ok := t.sums[maphash.String(t.seed, p.path+"\x00"+kind+"\x00"+place)]
	return ok
}
