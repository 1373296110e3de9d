package restore

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"imsconv/storeconv"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/selection"
	"imsconv/storeconv/sims"
)

// openBox makes sure of the UIDVALIDITY of the current mailbox, and looks for
// what the store has under its name.
func (p *planner) openBox(m *sims.Member) error {
	b := p.box
	switch {
	case m.Kind == sims.Mailbox && m.UIDValidity != 0:
		b.plan.validity = m.UIDValidity
	case b.plan.validity == 0:
		b.plan.validity = p.validityWithout(m)
	}
	if b.plan.opened {
		return nil
	}
	b.plan.opened = true
	if !b.v.exists {
		return nil
	}
	hasNewName, err := p.findNewName(b)
	if err != nil {
		return err
	}
	old, err := p.r.loadExisting(b.v.id, b.name)
	if err != nil || old == nil {
		return err
	}
	if p.r.opt.Existing == NewName && !hasNewName {
		return p.giveNewName(b)
	}
	p.continueBox(b, old)
	return nil
}

// continueBox adds to a mailbox that the store has.
func (p *planner) continueBox(b *box, old *existingBox) {
	old.own = b.v.n > 0 && b.v.before.stream < b.v.stream
	if old.foreign {
		p.tell(storeconv.Note{Severity: storeconv.Warning, Kind: "foreign-index", Where: ims.MailboxName(b.v.id, b.name),
			Text: "its store.idx is not of this project and stays as it is: messages are added beside it, reconstruct must index them"})
	}
	b.existing = old
	b.index.continueFrom(old)
	b.plan.fixed = b.index.UIDValidity
	b.plan.used, b.plan.last = old.uids, old.header.LastUID
}

// findNewName gives a mailbox the name that an earlier visit of this run found
// for it.
func (p *planner) findNewName(b *box) (bool, error) {
	if p.r.dry() || p.r.opt.Existing != NewName {
		return false, nil
	}
	name, ok, err := p.r.jr.Get(keyName + b.v.id + "/" + b.name)
	if ok {
		b.setName(string(name))
	}
	return ok, err
}

// giveNewName finds a name that the store does not have: name.mmddyy.HHMMSS of
// the backup's date, then .001 and so on.
func (p *planner) giveNewName(b *box) error {
	old := b.name
	base := old + time.Unix(p.header.Date, 0).UTC().Format(".010206.150405")
	for n := 0; n <= 999; n++ {
		name := base
		if n > 0 {
			name = fmt.Sprintf("%s.%03d", base, n)
		}
		if err := ims.CheckMailbox(name); err != nil {
			return err
		}
		if _, err := p.r.store.Stat(ims.MailboxDir(p.r.partition, b.v.id, name)); isNotExist(err) {
			b.setName(name)
			b.renamed = true
			if !p.r.dry() {
				p.add(&renameStep{v: b.v, old: old, to: name})
			}
			return nil
		}
	}
	return fmt.Errorf("mailbox %s: a thousand names like %s are in use", ims.MailboxName(b.v.id, old), base)
}

// merge decides what becomes of a message for a mailbox that the store has. sum
// returns the SHA-256 of its body as it would be stored. false: nothing is left
// to do.
func (p *planner) merge(e *entry, size int64, sum func() [32]byte) bool {
	o := e.box.existing
	if p.skipsCopies(e.box) {
		if m, ok := o.find(e, size, sum, p.r.opt.CRLF); ok {
			if o.own && size != m.size && !p.r.opt.CRLF {
				p.refuseEntry(e, "duplicate-uid", "an earlier stream has this UID with another content: the first one stays")
				return false
			}
			p.duplicate(e, m)
			return false
		}
	}
	return p.placeBeside(e)
}

// mergeLink is merge for a later copy, whose content is not known yet.
func (p *planner) mergeLink(e *entry) bool {
	if p.skipsCopies(e.box) {
		if m, ok := e.box.existing.byOrig[origKey(e.validity, e.origUID)]; ok {
			p.duplicate(e, m)
			return false
		}
	}
	return p.placeBeside(e)
}

// skipsCopies tells whether messages that are there already are left out.
func (p *planner) skipsCopies(b *box) bool {
	return p.r.opt.Existing != AppendAll || b.v.n > 0
}

// duplicate leaves out a message that the store has as m.
func (p *planner) duplicate(e *entry, m storedMessage) {
	p.rep.Duplicates++
	b := e.box
	if m.uid != e.origUID {
		p.add(&moveStep{v: b.v, name: e.name, at: selection.Place{ID: b.v.id, Mailbox: b.name, UID: m.uid}})
	}
	if b.existing.own {
		p.add(&flagStep{box: b, flags: e.flags, stored: m})
	}
}

// placeBeside gives a message a UID that is free, its own if it can be.
func (p *planner) placeBeside(e *entry) bool {
	plan := &e.box.plan
	if plan.fixed != 0 && e.validity != plan.fixed || plan.used.has(e.uid) {
		e.uid = max(plan.used.max(), plan.last) + 1
		if e.uid == 0 {
			p.refuseEntry(e, "no-uid", "the mailbox has no UID left")
			return false
		}
	}
	plan.used.add(e.uid)
	plan.last = max(plan.last, e.uid)
	return true
}

func (p *planner) refuseEntry(e *entry, kind, text string) {
	p.rep.Refused++
	p.tell(storeconv.Note{Severity: storeconv.Problem, Kind: kind, Where: p.r.whereOf(p.stream, e.offset, e.name), Text: text})
}

// continueFrom starts an index from the one that the store has.
func (x *boxIndex) continueFrom(old *existingBox) {
	x.Header = old.header
	x.Userflags = slices.Clone(old.header.Userflags)
	x.keywords = make(map[string]int)
	for i, k := range x.Userflags {
		x.keywords[strings.ToLower(k)] = i
	}
	x.set = old.header.Exists > 0 || len(old.uids) > 0
	if !x.set {
		x.UIDValidity = 0
	}
}
