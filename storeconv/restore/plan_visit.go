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
	if p.visit != nil && p.visit.goesOn(p) {
		return nil
	}
	if err := p.leaveVisit(); err != nil {
		return err
	}
	if found, err := p.resume(); found || err != nil {
		return err
	}
	if err := p.trimVisits(); err != nil {
		return err
	}
	v := &visit{id: p.userID, user: p.user, number: p.seq, stream: p.stream, date: p.header.Date, stage: strconv.Itoa(p.seq), boxes: make(map[string]*box), sum: p.r.newVisitSum(), again: p.lastRound}
	p.seq++
	if err := p.startVisit(v); err != nil {
		return err
	}
	p.visit = v
	p.open.add(v)
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
	if v.again {
		v.date = last.date
	}
	if v.n > 0 {
		if v.before.user != v.user {
			p.tell(storeconv.Note{Severity: storeconv.Warning, Kind: "same-user", Where: "user " + sims.DisplayName(v.user),
				Text: "has the id " + v.id + " in the store, as user " + sims.DisplayName(v.before.user) + ": their mail is put together"})
		}
		if p.awaited.has(v.id) {
			if err := p.flush(); err != nil {
				return err
			}
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
		// Who waits must hold nothing that the other one may be waiting for.
		if err := errors.Join(p.endVisits(), p.flush()); err != nil {
			return err
		}
		if err := p.r.folder.LockUser(v.id); err != nil {
			return err
		}
	}
	done, err := p.r.doneOf(v.id)
	if err != nil || p.at > done.last {
		return err
	}
	v.skip, v.until = true, done.last
	if v.n == 0 {
		p.takeOver(v, done)
	}
	return p.r.folder.UnlockUser(v.id)
}

// takeOver counts what an interrupted run has done for a user.
func (p *planner) takeOver(v *visit, done doneVisits) {
	p.rep.Resumed++
	p.rep.add(&done.report)
	p.content.add(done.content)
	if done.problems > 0 {
		p.tell(storeconv.Note{Severity: storeconv.Problem, Kind: "interrupted", Where: "user " + v.id,
			Text: fmt.Sprintf("%d problems were told by the interrupted run", done.problems)})
	}
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
	p.open.weigh(p.visit, boxWeight+int64(3*len(b.name)))
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
