package export

import (
	"errors"
	"fmt"
	"io/fs"

	"golang.org/x/sys/unix"

	"imsconv/storeconv"
	"imsconv/storeconv/durable"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/maildir"
)

// How much is put in place at once.
const (
	batchUsers = 256
	batchBytes = 256 << 20
)

func fsMode(mode uint32) fs.FileMode { return fs.FileMode(mode) }

// place puts finished users in place, in batches, until there are no more.
func (r *run) place() {
	var users []*user
	var bytes int64
	for u := range r.done {
		if u.ask != nil {
			r.putAll(users)
			users, bytes = users[:0], 0
			close(u.ask)
			continue
		}
		users = append(users, u)
		bytes += u.rep.Bytes
		if len(users) >= batchUsers || r.notes.full() || bytes >= batchBytes || r.opt.Sync == storeconv.SyncUser {
			r.putAll(users)
			users, bytes = users[:0], 0
		}
	}
	r.putAll(users)
}

// putAll puts a batch in place. Once something has failed nothing more is.
func (r *run) putAll(users []*user) {
	if r.failure() == nil && !r.dry() {
		if err := r.putBatch(users); err != nil {
			r.fail(err)
		}
	}
	failed := r.failure() != nil
	for _, u := range users {
		for _, b := range u.boxes {
			u.tellNoRoom(u.id+"/"+b.name, b.noRoom)
		}
		if !failed {
			r.settleUser(u)
		}
		u.unlock()
		r.endLane(u.lane)
	}
}

func (r *run) putBatch(users []*user) error {
	var moves []durable.Move
	var adding []*user
	for _, u := range users {
		if u.move.From == "" || u.failed != nil {
			continue
		}
		moves = append(moves, u.move)
		if u.adding {
			adding = append(adding, u)
		}
		if err := u.keepNotes(); err != nil {
			return err
		}
	}
	err := r.folder.Commit(moves, func([]uint64) error { return r.placeLists(users) })
	if err != nil || len(adding) == 0 {
		return err
	}
	if err := r.out.SyncAll(); err != nil {
		return err
	}
	return r.endUsers(adding, false)
}

// placeLists puts the lists of users who are new in place, before the users
// themselves: whoever has a tree has a list. A list without a tree counts for
// nothing.
func (r *run) placeLists(users []*user) error {
	any := false
	for _, u := range users {
		if u.move.From == "" || u.adding {
			continue
		}
		any = true
		if err := r.folder.Stage.Replace(u.stage+".list", r.out.Dir, exportedDir+"/"+listName(u.place)); err != nil {
			return err
		}
	}
	if !any {
		return nil
	}
	// A name that goes from one directory to another is durable when both are.
	if err := r.syncNames(exportedDir); err != nil {
		return err
	}
	return r.syncNames(ims.WorkDir + "/" + r.folder.Name + "/stage")
}

// endUsers does what is to be done for users whose work is among the pending.
// Once it is durable, their lists say so, and once that is, the work goes. late
// is set when a killed run may have done a part of it.
func (r *run) endUsers(users []*user, late bool) error {
	var ended []*user
	for _, u := range users {
		err := u.doPending(late)
		var damage *maildir.Error
		if errors.Is(err, errChanged) { // what was made of it is of no use
			err = fmt.Errorf("%w: %w", err, ErrWaiting)
			u.failed = errors.Join(r.out.RemoveAll(pendingDir+"/"+listName(u.place)), err)
			continue
		}
		if errors.Is(err, ErrWaiting) || errors.As(err, &damage) {
			u.failed = err
			continue
		}
		if err == nil {
			err = u.keepNotes()
		}
		if err != nil {
			return err
		}
		ended = append(ended, u)
	}
	if len(ended) == 0 {
		return nil
	}
	if err := r.out.SyncAll(); err != nil {
		return err
	}
	for _, u := range ended {
		name := listName(u.place)
		err := r.out.Replace(pendingDir+"/"+name+"/list", r.out.Dir, exportedDir+"/"+name)
		if err != nil && !errors.Is(err, unix.ENOENT) {
			return err
		}
	}
	if err := r.out.SyncAll(); err != nil {
		return err
	}
	for _, u := range ended {
		if err := r.out.RemoveAll(pendingDir + "/" + listName(u.place)); err != nil {
			return err
		}
	}
	return nil
}

// endPending ends what a killed run has begun for the user.
func (u *user) endPending() error {
	r := u.r
	at := pendingDir + "/" + listName(u.place)
	if _, err := r.out.Stat(at); isMissing(err) {
		return nil
	} else if err != nil {
		return err
	}
	if r.dry() {
		u.log.Warning("pending", u.where(), "an interrupted export has something for the user that is not in its place yet: what is told here does not know of it")
		return nil
	}
	if _, err := r.out.Stat(at + "/list"); isMissing(err) {
		return r.out.RemoveAll(at) // all is done but this
	} else if err != nil {
		return err
	}
	// What is seen here may be in the memory of the machine only.
	if err := r.out.SyncAll(); err != nil {
		return err
	}
	return r.endUsers([]*user{u}, true)
}

// settleUser adds a user to the report.
func (r *run) settleUser(u *user) {
	if u.failed != nil {
		r.leaveOut(u)
		return
	}
	r.mu.Lock()
	r.rep.Users++
	r.rep.add(&u.rep)
	r.rep.Escaped = r.rep.Escaped || u.needs().plugin
	r.mu.Unlock()
	r.results.put(u.serial, u.lines)
}

func (r *Report) add(o *Report) {
	for _, n := range []struct{ to, from *int64 }{
		{&r.Mailboxes, &o.Mailboxes}, {&r.Messages, &o.Messages}, {&r.Bytes, &o.Bytes}, {&r.Links, &o.Links}, {&r.Copies, &o.Copies},
		{&r.Shared, &o.Shared}, {&r.There, &o.There}, {&r.OtherUID, &o.OtherUID}, {&r.Flags, &o.Flags}, {&r.Renamed, &o.Renamed},
		{&r.KeywordsLost, &o.KeywordsLost}, {&r.Archived, &o.Archived}, {&r.NoDate, &o.NoDate}, {&r.RightsLost, &o.RightsLost}, {&r.LimitsLost, &o.LimitsLost}, {&r.Foreign, &o.Foreign},
		{&r.Expired, &o.Expired}, {&r.Pending, &o.Pending}, {&r.Refused, &o.Refused}, {&r.NotSelected, &o.NotSelected},
	} {
		*n.to += *n.from
	}
	for kind, n := range o.Lost {
		r.lose(kind, n)
	}
}

// lose counts messages that are not exported, by the kind of the problem.
func (r *Report) lose(kind string, n int64) {
	if r.Lost == nil {
		r.Lost = make(map[string]int64)
	}
	r.Lost[kind] += n
}
