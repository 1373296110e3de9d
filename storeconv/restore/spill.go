package restore

import (
	"bytes"
	"cmp"
	"fmt"
	"io"

	"imsconv/dbconv/mboxlist"
	"imsconv/storeconv/durable"
	"imsconv/storeconv/ims"
)

// boxesKept bounds the mailboxes of one user that are in memory. A real run
// puts the others into the journal; of a dry run, one that comes back counts as
// another.
const boxesKept = 4096

// evictStep puts mailboxes into the journal: the planner has done so with its
// part.
type evictStep struct{ boxes []*box }

// loadStep gets a mailbox back.
type loadStep struct{ box *box }

func (s *evictStep) collect(c *collector) error { return c.evict(s.boxes) }
func (s *loadStep) collect(c *collector) error  { return c.load(s.box) }

// makeRoom lets the mailboxes of the current visit go from memory when they are
// many, but those with messages in doubt.
func (p *planner) makeRoom() error {
	v := p.visit
	if len(v.boxes)-v.doubtful < cmp.Or(p.r.opt.boxesKept, boxesKept) {
		return nil
	}
	all := v.order
	v.order, v.boxes, p.box = nil, make(map[string]*box), nil
	p.open.weigh(v, -v.boxWeight)
	v.boxWeight = 0
	if p.r.dry() {
		p.add(&forgetStep{all})
		return nil
	}
	v.evicted = true
	var gone []*box
	for _, b := range all {
		if b.plan.doubts {
			v.order, v.boxes[b.key] = append(v.order, b), b
			continue
		}
		if err := p.noteBox(b); err != nil {
			return err
		}
		gone = append(gone, b)
	}
	if err := p.notes.Flush(); err != nil {
		return err
	}
	if !v.skip {
		p.add(&evictStep{gone})
	}
	return nil
}

// bringBack makes a mailbox of the current visit what it was.
func (p *planner) bringBack(b *box, m *boxMemory) error {
	b.setName(m.name)
	b.renamed, b.again, b.plan = m.renamed, m.again, m.plan
	if b.v.skip {
		return nil
	}
	if m.existing {
		var err error
		if b.existing, err = p.r.loadAgain(b, m.gone); err != nil {
			return err
		}
		b.existing.mine = m.mine
		b.existing.takeAll(m.taken)
		p.weighBox(b.v, storedWeight*int64(len(b.existing.stored)+len(b.existing.files)))
	}
	p.add(&loadStep{b})
	return nil
}

// loadAgain loads what the store has of a mailbox once more.
func (r *run) loadAgain(b *box, gone bool) (*existingBox, error) {
	old, err := r.loadExisting(b.v.id, b.name)
	if err == nil && old == nil {
		err = fmt.Errorf("mailbox %s has gone from the store meanwhile", ims.MailboxName(b.v.id, b.name))
	}
	if err == nil && gone {
		err = old.lookAtFiles()
	}
	if err == nil {
		err = r.findBefore(b, old)
	}
	return old, err
}

// evictedPrefix is of the keys of a visit's mailboxes.
func evictedPrefix(v *visit) string { return keyIndex + v.stage + "\x00" }

// linesInline is how long the lines of a mailbox are, in bytes, that go into
// the journal with it; longer ones go into the spill.
const linesInline = 32 << 10

func (c *collector) evict(boxes []*box) error {
	for _, b := range boxes {
		x := &b.index
		if len(x.lines) > linesInline || len(x.spilled) > 0 && len(x.lines) > 0 {
			c.lines.spill.dir = c.r.folder.Dir
			if err := c.lines.spill.add(x); err != nil {
				return err
			}
			c.lines.end(b)
		}
		if err := c.records.Put(evictedPrefix(b.v)+b.name, b.appendState(nil)); err != nil {
			return err
		}
		c.lines.end(b)
	}
	return c.records.Flush()
}

func (c *collector) load(b *box) error {
	text, ok, err := c.r.jr.Get(evictedPrefix(b.v) + b.name)
	if err == nil && !ok {
		err = errFields
	}
	if err != nil {
		return err
	}
	_, err = c.parseState(b, text)
	return err
}

// parseState makes a mailbox of what the journal has, and counts its lines.
func (c *collector) parseState(b *box, text []byte) (boxState, error) {
	s, err := b.parseState(text)
	if n := len(b.index.lines); err == nil && n > 0 {
		c.lines.begin(b)
		c.lines.held += n
	}
	return s, err
}

// eachEvicted calls fn for the mailboxes of a visit that are in the journal
// only.
func (c *collector) eachEvicted(v *visit, fn func(b *box) error) error {
	if !v.evicted {
		return nil
	}
	inMemory := make(map[string]bool)
	for _, b := range v.order {
		inMemory[b.name] = true
	}
	prefix := evictedPrefix(v)
	return c.r.jr.Range(prefix, func(key, value []byte) error {
		name := string(key[len(prefix):])
		if inMemory[name] {
			return nil
		}
		b := newBox(v, name)
		s, err := c.parseState(b, bytes.Clone(value))
		if err != nil {
			return err
		}
		b.again, b.plan.validity, b.plan.unsaid = s.again, s.validity, s.unsaid
		if s.existing {
			if b.existing, err = c.r.loadAgain(b, s.gone); err != nil {
				return err
			}
		}
		return fn(b)
	})
}

// hasBox tells whether a visit has the mailbox that lies at a path below the
// user's directory.
func (c *collector) hasBox(v *visit, inMemory map[string]bool, path string) (bool, error) {
	if inMemory[path] || !v.evicted {
		return inMemory[path], nil
	}
	name, err := ims.MailboxFromPath(path)
	if err != nil {
		return false, nil // not a mailbox of this layout
	}
	_, ok, err := c.r.jr.Get(evictedPrefix(v) + name)
	return ok, err
}

// boxState is what is kept of a mailbox beside its index.
type boxState struct {
	existing bool // the store has it
	gone     bool // and not all of its files
	again    bool
	validity uint32 // of the stream,
	unsaid   bool   // which says none
}

// appendState appends what the collector needs of a mailbox.
func (b *box) appendState(dst []byte) []byte {
	f, x := fields{rest: dst}, &b.index
	f.putBool(b.existing != nil)
	f.putBool(b.existing != nil && len(b.existing.gone) > 0)
	f.putBool(b.again)
	f.putInt(int64(b.plan.validity))
	f.putBool(b.plan.unsaid)
	f.putBool(x.set)
	f.putBool(x.changed)
	f.putBool(x.unsorted)
	f.putInt(int64(x.last))
	f.putRanges(x.mine)
	f.putRanges(x.met)
	f.putFlags(x.was)
	f.putRanges(x.bare)
	f.putBool(x.unsure)
	f.putHeader(&x.Header)
	f.putBytes(x.seen.Append(nil))
	f.putBytes(x.deleted.Append(nil))
	f.putInt(int64(len(x.updates)))
	for uid, u := range x.updates {
		f.putInt(int64(uid))
		f.putInt(int64(u.flags))
		f.putBytes(u.keywords)
		f.putBool(u.origin != nil)
		if o := u.origin; o != nil {
			f.putInt(o.date)
			f.putInt(int64(o.validity))
			f.putInt(int64(o.uid))
			f.putBool(o.unsaid)
		}
	}
	f.putInt(int64(len(x.again)))
	for uid := range x.again {
		f.putInt(int64(uid))
	}
	f.putInt(int64(len(x.spilled)))
	for _, p := range x.spilled {
		f.putInt(p.off)
		f.putInt(p.length)
	}
	f.putBytes(x.lines)
	return f.rest
}

// parseState is the reverse of appendState. The mailbox keeps slices of text.
func (b *box) parseState(text []byte) (s boxState, err error) {
	f, x := fields{rest: text}, &b.index
	*x = boxIndex{}
	s.existing, s.gone = f.bool(), f.bool()
	s.again, s.validity, s.unsaid = f.bool(), uint32(f.int()), f.bool()
	x.set, x.changed, x.unsorted, x.last = f.bool(), f.bool(), f.bool(), uint32(f.int())
	x.mine, x.met, x.was = f.ranges(), f.ranges(), f.oldFlags()
	x.bare, x.unsure = f.ranges(), f.bool()
	f.header(&x.Header)
	for n := range x.Userflags {
		x.noteKeyword(n)
	}
	if x.seen, err = mboxlist.ParseUIDSet(f.bytes()); err != nil {
		return s, err
	}
	if x.deleted, err = mboxlist.ParseUIDSet(f.bytes()); err != nil {
		return s, err
	}
	for n := f.int(); n > 0 && !f.bad; n-- {
		if x.updates == nil {
			x.updates = make(map[uint32]newFlags)
		}
		uid := uint32(f.int())
		u := newFlags{flags: ims.Flags(f.int()), keywords: f.bytes()}
		if f.bool() {
			u.origin = &origin{f.int(), uint32(f.int()), uint32(f.int()), f.bool()}
		}
		x.updates[uid] = u
	}
	for n := f.int(); n > 0 && !f.bad; n-- {
		if x.again == nil {
			x.again = make(map[uint32]bool)
		}
		x.again[uint32(f.int())] = true
	}
	for n := f.int(); n > 0 && !f.bad; n-- {
		x.spilled = append(x.spilled, piece{f.int(), f.int()})
	}
	x.lines = f.bytes()
	return s, f.err()
}

func (f *fields) putHeader(h *ims.Header) {
	f.putString(h.Name)
	f.putString(h.Version)
	for _, n := range [...]int64{h.Exists, h.LargestMsg, h.LastAppend, int64(h.LastUID), h.OldestMsg, int64(h.OldestUID), h.QuotaUsed, int64(h.UIDValidity)} {
		f.putInt(n)
	}
	f.putString(h.ACL)
	f.putBool(h.Subscribed)
	f.putString(h.Partition)
	f.putInt(int64(len(h.Userflags)))
	for _, k := range h.Userflags {
		f.putString(k)
	}
	f.putInt(int64(len(h.Other)))
	for _, o := range h.Other {
		f.putString(o.Name)
		f.putString(o.Value)
	}
}

func (f *fields) header(h *ims.Header) {
	h.Name, h.Version = f.string(), f.string()
	h.Exists, h.LargestMsg, h.LastAppend, h.LastUID = f.int(), f.int(), f.int(), uint32(f.int())
	h.OldestMsg, h.OldestUID, h.QuotaUsed, h.UIDValidity = f.int(), uint32(f.int()), f.int(), uint32(f.int())
	h.ACL, h.Subscribed, h.Partition = f.string(), f.bool(), f.string()
	for n := f.int(); n > 0 && !f.bad; n-- {
		h.Userflags = append(h.Userflags, f.string())
	}
	for n := f.int(); n > 0 && !f.bad; n-- {
		h.Other = append(h.Other, ims.Field{Name: f.string(), Value: f.string()})
	}
}

// spill is the file in the run's folder that takes the index lines of mailboxes
// in the making when there are too many for memory. It is one for all
// mailboxes: a process may have fewer open files than a user has mailboxes. It
// goes when no mailbox has lines in it.
type spill struct {
	dir   *durable.Dir
	f     *durable.File // nil: there is none
	size  int64
	boxes int // that have lines in it
}

const spillName = "stage/lines"

// piece is a place in the spill; it begins and ends with a line.
type piece struct{ off, length int64 }

// spillLines writes the index lines of the user's mailboxes to the spill.
func (c *collector) spillLines() error {
	for _, b := range c.lines.open {
		x := &b.index
		if len(x.lines) > 0 && !c.r.dry() {
			c.lines.spill.dir = c.r.folder.Dir
			if err := c.lines.spill.add(x); err != nil {
				return err
			}
		}
		x.lines = nil
	}
	clear(c.lines.open)
	c.lines.held, c.lines.open = 0, c.lines.open[:0]
	return nil
}

// add writes the lines of an index.
func (s *spill) add(x *boxIndex) error {
	if s.f == nil {
		f, err := s.dir.Recreate(spillName)
		if err != nil {
			return err
		}
		s.f, s.size = f, 0
	}
	if _, err := s.f.Write(x.lines); err != nil {
		return err
	}
	if len(x.spilled) == 0 {
		s.boxes++
	}
	n := int64(len(x.lines))
	x.spilled = append(x.spilled, piece{s.size, n})
	s.size += n
	return nil
}

// forget lets go of the lines of an index.
func (s *spill) forget(x *boxIndex) {
	if len(x.spilled) == 0 {
		return
	}
	x.spilled = nil
	if s.boxes--; s.boxes == 0 {
		// The folder goes when the run ends, and this file with it.
		s.f.Close()
		s.dir.Remove(spillName)
		s.f = nil
	}
}

// reader reads the lines of an index as one piece, those in memory last.
func (s *spill) reader(x *boxIndex) io.ReaderAt {
	if len(x.spilled) == 0 {
		return bytes.NewReader(x.lines)
	}
	return &pieces{f: s.f, list: x.spilled, rest: x.lines}
}

// pieces are the lines of one index.
type pieces struct {
	f    io.ReaderAt
	list []piece
	rest []byte
}

// ReadAt reads at an offset of all pieces one after the other.
func (p *pieces) ReadAt(b []byte, off int64) (n int, err error) {
	for _, one := range p.list {
		if off >= one.length {
			off -= one.length
			continue
		}
		want := b[n:min(int64(len(b)), int64(n)+one.length-off)]
		k, err := p.f.ReadAt(want, one.off+off)
		if n += k; k < len(want) {
			return n, err
		}
		if off = 0; n == len(b) {
			return n, nil
		}
	}
	if off < int64(len(p.rest)) {
		n += copy(b[n:], p.rest[off:])
	}
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}
