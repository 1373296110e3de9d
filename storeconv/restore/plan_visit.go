package restore

import (
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
		p.comeBack = true
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
	v.skip, v.until, v.done = true, done.last, done.headers
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
	b := p.visit.boxes[name]
	var known *boxMemory
	if b == nil {
		if known, err = p.lastBox(p.visit, name); err != nil {
			return false, err
		}
	}
	if other := p.otherName(b, known, m.Mailbox); other != "" && name != ims.Inbox { // all spellings of INBOX are one name
		return false, p.refuse(m, "name-collision", fmt.Sprintf("mailbox %s of the store is %s of the stream: two names become one", sims.DisplayName(name), sims.DisplayName(other)))
	}
	if b == nil {
		if b, err = p.addBox(strings.Clone(name), strings.Clone(m.Mailbox), known); err != nil {
			return false, err
		}
	}
	p.box, p.boxKey = b, strings.Clone(m.Mailbox)
	return true, nil
}

// addBox adds a mailbox to the current visit.
func (p *planner) addBox(name, source string, known *boxMemory) (*box, error) {
	if err := p.makeRoom(); err != nil {
		return nil, err
	}
	v := p.visit
	b := newBox(v, name)
	b.plan.source = source
	v.boxes[b.key] = b
	v.order = append(v.order, b)
	p.weighBox(v, boxWeight+int64(3*len(b.name)))
	if known == nil {
		return b, nil
	}
	if known.visit == v.number {
		return b, p.bringBack(b, known)
	}
	b.again = true
	if known.user == v.user {
		b.plan.validity, b.plan.made, b.plan.unsaid = known.plan.validity, known.plan.made, known.plan.unsaid
		if known.stream == v.stream {
			b.plan.shown = known.plan.shown
		}
	}
	return b, nil
}

// weighBox adds to what a visit takes in memory, as a part of a mailbox.
func (p *planner) weighBox(v *visit, bytes int64) {
	v.boxWeight += bytes
	p.open.weigh(v, bytes)
}

// otherName returns the name in the stream that a mailbox of the store has come
// from, if it is another than source.
func (p *planner) otherName(b *box, known *boxMemory, source string) string {
	from := ""
	if b != nil {
		from = b.plan.source
	} else if known != nil && known.user == p.user {
		from = known.plan.source
	}
	if from == source {
		return ""
	}
	return from
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
