package export

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"imsconv/storeconv"
	"imsconv/storeconv/durable"
	"imsconv/storeconv/ims"
)

// user is one user while his mail is being exported. Feeders fill it in, one
// goroutine each; workers write messages.
type user struct {
	r      *run
	id     string // on the new side
	source string // in the source
	place  string // below the destination
	serial int
	stage  string // directory in the stage
	lock   string // what is locked; "": nothing

	there  bool // the destination has the user
	placed bool // a directory of the user's is there, without a list of ours
	old    *oldUser
	names  *folderNames
	files  *claims // of mbox: files of mailboxes
	boxes  []*box
	byName map[string]*box
	words  keywordSets
	quota  *quota
	failed error         // the user is left out
	lane   *lane         // of what is told of him
	log    storeconv.Log // the same, for his feeder, then for whoever puts him in place
	kept   keptNotes     // what the run decides of him
	packer *packer       // that was made last; nil: none
	unread bool          // the user's own directory in the store cannot be read

	shares bool // a mailbox has rights

	wg sync.WaitGroup // batches under way

	mu  sync.Mutex
	rep Report

	// What finish has made of it.
	move   durable.Move
	ask    chan struct{} // no user: whoever puts users in place closes it when all before are there
	adding bool          // the move is to the pending users
	lines  []byte
}

// quota is a user's limits; 0 is none.
type quota struct{ bytes, messages int64 }

// where is the position of the user for the log.
func (u *user) where() string { return "user " + u.id }

// count changes the user's part of the report.
func (u *user) count(fn func(*Report)) {
	u.mu.Lock()
	defer u.mu.Unlock()
	fn(&u.rep)
}

// patience is how long a lock is waited for that somebody else holds.
const patience = 2 * time.Second

// openUser begins a user; nil when he cannot be exported, which is told, and of
// which kind it is. The caller counts his messages as lost.
func (r *run) openUser(source string) (u *user, refused string, err error) {
	l := r.openLane()
	id, err := r.sel.StoreID(source)
	if err != nil {
		return nil, r.refuseUser(l, source, err), nil
	}
	u = &user{r: r, lane: l, log: l, id: id, source: source, serial: r.serial, byName: make(map[string]*box), names: newFolderNames(naming{r.naming, r.opt.To == Mbox})}
	if u.place, err = r.claim(source, id); err != nil {
		return nil, r.refuseUser(l, source, err), nil
	}
	r.serial++
	u.stage = fmt.Sprint(u.serial)
	if err := u.takeLock(); err != nil {
		return nil, "", err
	}
	if u.failed == nil {
		err = u.look()
	}
	if err == nil && u.failed != nil {
		var why refusal
		if errors.As(u.failed, &why) { // his place is that of whom the list names
			r.claims.drop(u.place)
		}
		refused = r.leaveOut(u)
		r.endLane(l)
		return nil, refused, nil
	}
	return u, "", err
}

// claim takes the place of a user of the source. Two users of it who have one
// id on the new side, by -m or the default domain, get no place together: the
// first has it.
func (r *run) claim(source, id string) (place string, err error) {
	if place, err = r.template.place(id); err != nil {
		return "", err
	}
	return place, r.claims.take(place, source, id)
}

// claimElsewhere takes the place of a user who is exported in another shard, so
// that all shards agree on whose it is. Why he has none is told there.
func (r *run) claimElsewhere(source string) error {
	id, err := r.sel.StoreID(source)
	if err != nil {
		return nil
	}
	place, err := r.claim(source, id)
	if err != nil || r.out == nil {
		return nil
	}
	if _, err := r.out.Stat(place); isMissing(err) {
		return nil
	}
	f, l, err := openList(r.out.Dir, exportedDir+"/"+listName(place), exportedMagic)
	if isMissing(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if l.head.isAnothers(source) {
		r.claims.drop(place)
	}
	return f.Close()
}

// refuseUser tells that a user has no place, and returns the kind of that.
func (r *run) refuseUser(l *lane, source string, err error) (kind string) {
	kind = "no-place"
	l.Problem(kind, "user "+source, err.Error())
	r.count(func(rep *Report) { rep.Refused++ })
	r.endLane(l)
	return kind
}

// takeLock claims the user against other exports.
func (u *user) takeLock() error {
	r := u.r
	if r.dry() {
		return nil
	}
	for end := time.Now().Add(patience); ; time.Sleep(patience / 20) {
		ok, err := r.folder.TryLockUser(u.place)
		if err != nil {
			return err
		}
		if ok {
			u.lock = u.place
			return nil
		}
		if time.Now().After(end) {
			u.failed = fmt.Errorf("another export is at work on the user: %w", ErrWaiting)
			return nil
		}
	}
}

// leaveOut gives a user up who cannot be changed now, and returns the kind of
// what is told. The messages that have been met of him are lost by that kind.
func (r *run) leaveOut(u *user) (kind string) {
	var why refusal
	switch {
	case errors.As(u.failed, &why):
		kind = why.kind
		u.log.Problem(kind, "user "+u.source, why.Error())
		r.count(func(rep *Report) { rep.Refused++ })
	case errors.Is(u.failed, ErrWaiting):
		kind = "locked"
		u.log.Problem(kind, u.where(), strings.TrimSuffix(u.failed.Error(), ": "+ErrWaiting.Error())+": give the command again later")
		r.count(func(rep *Report) { rep.Waiting++ })
	default:
		kind = "not-exported"
		u.log.Problem(kind, u.where(), u.failed.Error())
		r.count(func(rep *Report) { rep.Refused++ })
	}
	if n := u.messages(); n > 0 {
		r.count(func(rep *Report) { rep.lose(kind, n) })
	}
	r.results.pass(u.serial)
	u.unlock()
	return kind
}

// messages are those of the source that have been met.
func (u *user) messages() (n int64) {
	for _, b := range u.boxes {
		n += b.all
	}
	return n
}

func (u *user) unlock() {
	if u.lock == "" {
		return
	}
	if err := u.r.folder.UnlockUser(u.lock); err != nil {
		u.r.fail(err)
	}
	u.lock = ""
}

// look finds out what the destination has of the user, and ends what a killed
// run has begun.
func (u *user) look() error {
	r := u.r
	if r.out == nil {
		return nil
	}
	if err := u.loadNotes(); err != nil {
		return err
	}
	if err := u.endPending(); err != nil || u.failed != nil {
		return err
	}
	there, err := u.isDir(u.place)
	if err != nil || !there || u.failed != nil {
		u.kept = keptNotes{} // of one who was not put in his place then
		return err
	}
	u.there = true
	u.tellKept()
	return u.loadOld()
}

// isDir tells whether a directory of the destination is there. What is there
// and is none, a symbolic link on the way too, leaves the user out: mail must
// not go to where a link leads.
func (u *user) isDir(dir string) (bool, error) {
	for i := range len(dir) + 1 {
		if i < len(dir) && dir[i] != '/' {
			continue
		}
		info, err := u.r.out.Stat(dir[:i])
		switch {
		case isMissing(err):
			return false, nil
		case err != nil:
			return false, err
		case !info.IsDir():
			u.failed = fmt.Errorf("%s is there, and is no directory", dir[:i])
			return false, nil
		}
	}
	return true, nil
}

// openBox returns the mailbox of a name of the source, which it makes when it
// is new; nil when it cannot be kept.
func (u *user) openBox(name string) (*box, error) {
	if b, ok := u.byName[name]; ok {
		return b, nil
	}
	b := &box{u: u, name: name, number: len(u.boxes)}
	if err := b.choosePlace(); err != nil {
		return nil, err
	}
	u.byName[name] = b
	u.boxes = append(u.boxes, b)
	return b, b.makeDirs()
}

// inbox makes sure that there is one: a server wants it.
func (u *user) inbox() error {
	if u.r.opt.To == Mbox {
		return nil
	}
	_, err := u.openBox(ims.Inbox)
	return err
}
