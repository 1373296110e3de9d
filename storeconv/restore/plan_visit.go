package restore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

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
	v := &visit{id: p.userID, user: p.user, number: p.seq, stream: p.stream, date: p.header.Date, first: p.at, stage: strconv.Itoa(p.seq), boxes: make(map[string]*box), sum: p.r.newVisitSum(), again: p.lastRound}
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
		if err := p.noteInterleaved(); err != nil {
			return err
		}
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
	v.exists, err = p.r.checkPlace(ims.UserDir(p.r.partition, v.id))
	if bad := (*badPlaceError)(nil); errors.As(err, &bad) && !p.r.dry() {
		return errors.Join(err, p.r.folder.UnlockUser(v.id))
	}
	return err
}

// badPlaceError says that a user's tree cannot be put into its place. It
// concerns nobody else.
type badPlaceError struct{ why error }

func (e *badPlaceError) Error() string { return e.why.Error() }
func (e *badPlaceError) Unwrap() error { return e.why }

// badPlace is what is the matter with the file at name in the store.
func (r *run) badPlace(name, why string) error {
	return &badPlaceError{fmt.Errorf("%s: %s", filepath.Join(r.store.Name(), name), why)}
}

// checkPlace tells whether there is a user's tree at path in the store. A
// *badPlaceError says why none can be put there, or none in the place of the
// one that is there: something else has the name of a directory or of an index,
// or this user may not look or write there. Found out at the end, it would cost
// every user whose tree is to be put into place at that time.
func (r *run) checkPlace(path string) (exists bool, err error) {
	for at := path; at != "."; at = filepath.Dir(at) {
		info, err := r.store.Stat(at)
		switch {
		case isNotExist(err):
			continue
		case isNotDir(err): // something above it is none
			continue
		case errors.Is(err, fs.ErrPermission):
			return false, &badPlaceError{err}
		case err != nil:
			return false, err
		case !info.IsDir() && info.Mode&unix.S_IFMT != unix.S_IFLNK:
			return false, r.badPlace(at, "not a directory")
		case at == path:
			if err := r.mayWrite(filepath.Dir(at)); err != nil {
				return false, err
			}
			return true, r.checkTree(at)
		}
		return false, r.mayWrite(at)
	}
	return false, nil
}

// mayWrite returns a *badPlaceError where names in a directory cannot be
// changed.
func (r *run) mayWrite(dir string) error {
	err := r.store.FS().Faccessat(r.store.FD(), dir, unix.W_OK|unix.X_OK, unix.AT_EACCESS)
	if err == unix.EACCES {
		return r.badPlace(dir, "this user may not write there")
	}
	return nil // what else is the matter comes out when it is written
}

// checkTree is checkPlace for a tree that is there.
func (r *run) checkTree(dir string) error {
	list, err := r.store.ReadNames(dir)
	// A tree may be nested deeper than the system takes a path.
	if errors.Is(err, fs.ErrPermission) || isNotDir(err) || isNotExist(err) || errors.Is(err, unix.ENAMETOOLONG) {
		return &badPlaceError{err}
	}
	if err != nil {
		return err
	}
	if err := r.mayWrite(dir); err != nil {
		// Of this user's own the mode is changed, see durable.Dir.RemoveAll.
		if st, statErr := r.store.FS().Fstatat(r.store.FD(), dir, 0); statErr != nil || int(st.Uid) != os.Geteuid() {
			return err
		}
	}
	for _, e := range list {
		name := dir + "/" + e.Name()
		switch {
		case e.IsDir() && e.Name() == ims.IndexName:
			return r.badPlace(name, "not a file")
		case e.IsDir():
			if err := r.checkTree(name); err != nil {
				return err
			}
		case e.Name() == ims.IndexName && !e.Type().IsRegular():
			return r.badPlace(name, "not a file")
		case e.Name() == ims.IndexName && r.store.FS().Faccessat(r.store.FD(), name, unix.R_OK, unix.AT_EACCESS) == unix.EACCES:
			return r.badPlace(name, "this user may not read it")
		case e.Type()&fs.ModeSymlink == 0 && (strings.HasPrefix(e.Name(), "=") || ims.IsMessageDir(e.Name())):
			return r.badPlace(name, "not a directory")
		}
	}
	return nil
}

// begin makes the current user's visit the current one. ok is false where the
// user's tree cannot be put into its place: then what comes of the user is
// passed over.
func (p *planner) begin(m *sims.Member) (ok bool, err error) {
	err = p.enterVisit()
	var bad *badPlaceError
	if !errors.As(err, &bad) || p.r.opt.Existing == NewName { // what that leaves out would make everybody's mail again
		return err == nil, err
	}
	p.userOut = true
	p.tell(storeconv.Note{Severity: storeconv.Problem, Kind: "bad-place", Where: "user " + sims.DisplayName(p.user),
		Text: "nothing of the user is restored, for the place in the store cannot be used: " + bad.Error()})
	return false, p.passUser(m)
}

// passUser passes over a member of a user whose tree cannot be put into its
// place.
func (p *planner) passUser(m *sims.Member) error {
	if m.Kind != sims.Message && m.Kind != sims.Link {
		return nil
	}
	p.rep.Refused++
	p.lose("bad-place")
	if m.Kind == sims.Message {
		return p.keepSpare(m, false)
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

// takeOver counts what an interrupted run has done for a user, and tells once
// more what it has told of that.
func (p *planner) takeOver(v *visit, done doneVisits) {
	p.rep.Resumed++
	p.rep.add(&done.report)
	p.content.add(done.content)
	for _, n := range done.told.list {
		p.tell(n)
	}
	if n := done.told.more(); n > 0 {
		p.tell(storeconv.Note{Severity: storeconv.Problem, Kind: "interrupted", Where: "user " + v.id,
			Text: fmt.Sprintf("%d problems were told by the interrupted run", n)})
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
	if ok, err := p.begin(m); !ok || err != nil {
		return false, err
	}
	b := p.visit.boxes[name]
	var known, own *boxMemory
	if b == nil {
		if known, err = p.lastBox(p.visit, name); err != nil {
			return false, err
		}
		if own = known; known != nil && known.user != p.user {
			if own, err = p.knownBoxOf(p.visit.id, name, p.user); err != nil {
				return false, err
			}
		}
	}
	if other := p.otherName(b, own, m.Mailbox); other != "" && name != ims.Inbox { // all spellings of INBOX are one name
		return false, p.refuse(m, "name-collision", fmt.Sprintf("mailbox %s of the store is %s of the stream: two names become one", sims.DisplayName(name), sims.DisplayName(other)))
	}
	if b == nil {
		if b, err = p.addBox(strings.Clone(name), strings.Clone(m.Mailbox), known, own); err != nil {
			return false, err
		}
	}
	b.plan.joined = b.plan.joined || b.plan.source != m.Mailbox
	p.box, p.boxKey = b, strings.Clone(m.Mailbox)
	return true, nil
}

// addBox adds a mailbox to the current visit. known is the last visit's that
// had it, own the last one's of this user of the stream.
func (p *planner) addBox(name, source string, known, own *boxMemory) (*box, error) {
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
	b.plan.joined = known.plan.joined || known.user != v.user || known.stream == v.stream && known.plan.source != source
	if own != nil {
		b.plan.validity, b.plan.made, b.plan.unsaid, b.plan.age = own.plan.validity, own.plan.made, own.plan.unsaid, own.plan.age
		b.plan.past, b.plan.links = own.plan.past, own.plan.links
		if own.stream == v.stream {
			b.plan.shown = own.plan.shown
		} else {
			for _, r := range own.plan.shown {
				b.plan.past.addRange(r)
			}
		}
	}
	if known != own { // this visit's memory takes the place of the other user's
		return b, p.noteBoxOf(b, known)
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
func (p *planner) otherName(b *box, own *boxMemory, source string) string {
	from := ""
	if b != nil {
		from = b.plan.source
	} else if own != nil {
		from = own.plan.source
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
