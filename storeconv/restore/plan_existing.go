package restore

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"imsconv/storeconv"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/sims"
)

// openBox makes sure of the UIDVALIDITY of the current mailbox, and looks for
// what the store has under its name.
func (p *planner) openBox(m *sims.Member) error {
	b := p.box
	switch {
	case m.Kind == sims.Mailbox && m.UIDValidity != 0:
		b.plan.validity, b.plan.made, b.plan.unsaid = m.UIDValidity, m.MadeUIDs, false
	case b.plan.validity == 0:
		b.plan.validity, b.plan.unsaid = p.validityWithout(m), true
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
	if p.r.opt.Existing == NewName && !hasNewName && !b.again {
		return p.giveNewName(b)
	}
	return p.continueBox(b, old)
}

// continueBox adds to a mailbox that the store has.
func (p *planner) continueBox(b *box, old *existingBox) error {
	if err := old.lookAtFiles(); err != nil {
		return err
	}
	if old.foreign {
		p.tell(storeconv.Note{Severity: storeconv.Warning, Kind: "foreign-index", Where: ims.MailboxName(b.v.id, b.name),
			Text: "its store.idx is not of this project and stays as it is: messages are added beside it, reconstruct must index them"})
	}
	b.existing = old
	p.weighBox(b.v, storedWeight*int64(len(old.stored)+len(old.files)))
	b.index.continueFrom(old)
	b.plan.fixed = b.index.UIDValidity
	b.plan.used, b.plan.last = old.uids, max(b.plan.last, old.header.LastUID)
	if !b.again {
		b.plan.floor = max(old.header.LastUID, old.uids.max())
	}
	return nil
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
// is as in find. false: nothing is left to do.
func (p *planner) merge(e *entry, sum func(crlf bool) [32]byte) bool {
	o := e.box.existing
	if p.skipsCopies(e.box) {
		if m, other, ok := o.find(e, p.r.opt.CRLF, sum); ok {
			e.other = other
			return p.duplicate(e, m)
		}
	}
	return p.placeBeside(e)
}

// skipsCopies tells whether messages that are there already are left out.
func (p *planner) skipsCopies(b *box) bool {
	return p.r.opt.Existing != AppendAll || b.v.n > 0 && b.v.before.user == b.v.user
}

// duplicate leaves out a message that the store has as m. true: its file is not
// there and must be written again.
func (p *planner) duplicate(e *entry, m storedMessage) bool {
	p.open.weigh(e.box.v, storedWeight)
	p.add(&sameStep{entry: *e, stored: m, flags: p.saysFlags()})
	if e.box.existing.gone[m.uid] == "" {
		return false
	}
	e.uid, e.again = m.uid, true
	return true
}

// saysFlags tells whether members without flags have none: a plain tar says
// nothing of flags.
func (p *planner) saysFlags() bool { return p.header.Profile != "" }

// placeBeside gives a message a UID that is free, its own if it can be.
func (p *planner) placeBeside(e *entry) bool {
	if e.box.plan.giveUID(e) {
		if e.uid != e.origUID || e.box.renamed {
			p.open.weigh(e.box.v, movedWeight)
		}
		return true
	}
	p.rep.Refused++
	p.rep.lose("no-uid")
	p.owed = false
	p.tell(storeconv.Note{Severity: storeconv.Problem, Kind: "no-uid", Where: p.r.whereOf(p.stream, e.offset, e.name), Text: noUID})
	return false
}

const noUID = "the mailbox has no UID left"

// giveUID gives a message a UID that is free. false: there is none. A UID that
// names nothing is not one that an expunged message had.
func (b *boxPlan) giveUID(e *entry) bool {
	if b.fixed != 0 && e.validity != b.fixed || b.used.has(e.uid) || e.nameless && e.uid <= b.floor {
		e.uid = max(b.used.max(), b.last) + 1
		if e.uid == 0 {
			return false
		}
	}
	b.used.add(e.uid)
	b.last = max(b.last, e.uid)
	return true
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
