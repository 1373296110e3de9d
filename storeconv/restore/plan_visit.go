package restore

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"imsconv/storeconv"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/sims"
)

// enterVisit makes the current user's visit the current one.
func (p *planner) enterVisit() error {
	if p.visit != nil && p.visit.id == p.userID && p.visit.user == p.user {
		return nil
	}
	if err := p.endVisit(); err != nil {
		return err
	}
	v := &visit{id: p.userID, user: p.user, stream: p.stream, date: p.header.Date, stage: strconv.Itoa(p.seq), boxes: make(map[string]*box), sum: p.r.newVisitSum()}
	p.seq++
	if err := p.startVisit(v); err != nil {
		return err
	}
	p.visit = v
	if !p.r.dry() && !v.skip {
		p.r.staged.set(v.id, v.stage)
	}
	return nil
}

// boxesKept bounds the mailboxes of one user that a dry run remembers. One that
// comes back after that counts as another. (A real run needs about 1 KB for
// each mailbox of the user it is at.)
const boxesKept = 4096

// forget lets the mailboxes of a dry run's user go when they are many.
func (p *planner) forget() {
	v := p.visit
	if !p.r.dry() || len(v.order) < boxesKept {
		return
	}
	p.add(&forgetStep{v.order})
	v.order, v.boxes, p.box = nil, make(map[string]*box), nil
}

// startVisit finds out what is known of the user.
func (p *planner) startVisit(v *visit) error {
	last, err := p.lastVisit(v.id)
	if err != nil {
		return err
	}
	v.n, v.before = last.n, last
	if v.n > 0 {
		if v.before.user != v.user {
			p.tell(storeconv.Note{Severity: storeconv.Warning, Kind: "same-user", Where: "user " + sims.DisplayName(v.user),
				Text: "has the id " + v.id + " in the store, as user " + sims.DisplayName(v.before.user) + ": their mail is put together"})
		}
		if err := p.flush(); err != nil {
			return err
		}
	}
	if !p.r.dry() {
		if err := p.claim(v); err != nil || v.skip {
			return err
		}
	}
	if p.r.store == nil {
		return nil
	}
	_, err = p.r.store.Stat(ims.UserDir(p.r.partition, v.id))
	v.exists = err == nil
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !isNotDir(err) {
		return err
	}
	return nil
}

// claim gets the lock of a user, and asks the journal whether the visit is
// done.
func (p *planner) claim(v *visit) error {
	got, err := p.r.folder.TryLockUser(v.id)
	if err != nil {
		return err
	}
	if !got {
		if err := p.flush(); err != nil {
			return err
		}
		if err := p.r.folder.LockUser(v.id); err != nil {
			return err
		}
	}
	counts, done, err := p.r.jr.Get(doneKey(v))
	if err != nil || !done {
		return err
	}
	v.skip = true
	p.rep.Resumed++
	c := addCounts(counts, &p.rep)
	p.content.add(c.Content)
	v.done = c.Headers
	if c.Problems > 0 {
		p.tell(storeconv.Note{Severity: storeconv.Problem, Kind: "interrupted", Where: "user " + v.id,
			Text: fmt.Sprintf("%d problems were told by the interrupted run", c.Problems)})
	}
	return p.r.folder.UnlockUser(v.id)
}

// endVisit tells the collector that the visit is over.
func (p *planner) endVisit() error {
	v := p.visit
	if v == nil {
		return nil
	}
	p.visit, p.box = nil, nil
	if !v.skip {
		v.content = v.sum.sum()
		p.content.add(v.content)
		p.add(&endStep{v})
	} else if v.done != 0 && v.done != v.headers {
		p.tell(storeconv.Note{Severity: storeconv.Problem, Kind: "other-stream", Where: "user " + v.id,
			Text: "the interrupted run had restored this user from a stream that begins alike and is another: what this one has besides is not restored; a run of its own, once this one is done, adds it"})
	}
	return p.noteVisit(v)
}

// enterBox makes the mailbox of m the current one. ok is false when it was left
// out or refused.
func (p *planner) enterBox(m *sims.Member) (ok bool, err error) {
	name, err := p.r.sel.MailboxName(m.Mailbox)
	if err != nil {
		return false, p.refuse(m, "bad-mailbox", err.Error())
	}
	if !p.r.sel.TakesMailbox(p.user, name) {
		return false, p.leaveOut(m)
	}
	if err := p.enterVisit(); err != nil {
		return false, err
	}
	if other := p.otherName(name, m.Mailbox); other != "" {
		return false, p.refuse(m, "name-collision", fmt.Sprintf("mailbox %s of the store is %s of the stream: two names become one", sims.DisplayName(name), sims.DisplayName(other)))
	}
	p.boxKey = strings.Clone(m.Mailbox)
	if b := p.visit.boxes[name]; b != nil {
		p.box = b
		return true, nil
	}
	p.forget()
	b := newBox(p.visit, strings.Clone(name))
	b.plan.source = p.boxKey
	b.plan.validity, b.again = p.visit.before.validities[b.name]
	if p.visit.before.user != p.user {
		b.plan.validity = 0
	} else if p.visit.before.stream == p.stream {
		b.plan.shown = p.visit.before.uids[b.name]
	}
	p.visit.boxes[b.name] = b
	p.visit.order = append(p.visit.order, b)
	p.box = b
	return true, nil
}

// otherName returns the name in the stream that a mailbox of the store has come
// from, if it is another than source. All spellings of INBOX are one name.
func (p *planner) otherName(name, source string) string {
	if name == ims.Inbox {
		return ""
	}
	known := ""
	if b := p.visit.boxes[name]; b != nil {
		known = b.plan.source
	} else if _, ok := p.visit.before.validities[name]; ok && p.visit.before.user == p.user {
		known = cmp.Or(p.visit.before.sources[name], name)
	}
	if known == source {
		return ""
	}
	return known
}

// validityWithout is the UIDVALIDITY of a mailbox that the stream says none
// for.
func (p *planner) validityWithout(m *sims.Member) uint32 {
	for _, t := range [...]int64{p.header.Date, m.Time} {
		if t > 0 && t < 1<<32 && (t == p.header.Date || m.Kind != sims.Mailbox) {
			return uint32(t)
		}
	}
	return 1
}
