package dbconv

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"imsconv/dbconv/mboxlist"
)

// listUsers is what a conversion of a mailbox list knows of users that were
// named. Memory: about 100 bytes for each user that is named or renamed.
type listUsers struct {
	opts    ListOptions
	unseen  map[string]struct{} // named ids that no record had yet
	renamed map[string]string   // users of the database who get another id
	refused map[string]string   // those who do not, and why
	taken   map[string]struct{} // new ids that users of the database have and keep
}

// gather finds the users that are renamed, and those who cannot be: the
// database is read twice for that.
func (u *listUsers) gather(ctx context.Context, src Source, l *listConversion) error {
	u.opts = l.opts
	u.unseen = make(map[string]struct{}, len(l.opts.Named))
	for _, id := range l.opts.Named {
		u.unseen[id] = struct{}{}
	}
	if l.opts.Rename == nil {
		return nil
	}
	u.renamed, u.refused = make(map[string]string), make(map[string]string)
	u.taken = make(map[string]struct{})
	err := l.eachUser(ctx, src, func(id string) {
		if to := l.opts.Rename(id); to != id && l.selected(id) {
			u.renamed[id] = to
		}
	})
	if err != nil || len(u.renamed) == 0 {
		return err
	}
	wanted := make(map[string]struct{}, len(u.renamed))
	for _, to := range u.renamed {
		wanted[to] = struct{}{}
	}
	first := make(map[string]string, len(u.renamed)) // who came first for a new id
	err = l.eachUser(ctx, src, func(id string) {
		to, moves := u.renamed[id]
		if _, ok := wanted[id]; ok && !moves && l.selected(id) {
			u.taken[id] = struct{}{}
		}
		if moves && first[to] == "" {
			first[to] = id
		}
	})
	u.refuse(first)
	return err
}

// refuse gives up every renaming to an id that somebody else has: whole or not
// at all, since two users cannot become one.
func (u *listUsers) refuse(first map[string]string) {
	for again := true; again; {
		again = false
		for _, id := range slices.Sorted(maps.Keys(u.renamed)) {
			to, why := u.renamed[id], ""
			if _, has := u.taken[to]; has {
				why = fmt.Sprintf("%.100q is in the database already", to)
			} else if first[to] != id {
				why = fmt.Sprintf("%.100q becomes %.100q too", first[to], to)
			}
			if why == "" {
				continue
			}
			delete(u.renamed, id)
			u.refused[id] = why
			u.taken[id] = struct{}{}
			again = true
		}
	}
}

// rename is the new id of a user, in keys and in values.
func (u *listUsers) rename(id string) string {
	if _, no := u.refused[id]; no {
		return id
	}
	to := u.opts.Rename(id)
	if to != id {
		delete(u.unseen, id) // in an access control list, at least
	}
	return to
}

// see notes a user that a record belongs to.
func (u *listUsers) see(id string) { delete(u.unseen, id) }

// selected tells whether the records of a user go over.
func (l *listConversion) selected(id string) bool {
	return l.opts.Select == nil || l.opts.Select(id)
}

// eachUser calls fn with the user of every record, once for records that follow
// each other.
func (l *listConversion) eachUser(ctx context.Context, src Source, fn func(id string)) error {
	last := ""
	return eachRecord(ctx, src, Common{MaxItem: l.opts.MaxItem}, func(key, _ []byte) error {
		id, _, ok := l.form.Split(string(key))
		if ok && id != last {
			fn(id)
			last = id
		}
		return nil
	})
}

// tellUsers tells of what was named and not found, and of who keeps the old id.
func (l *listConversion) tellUsers(read, written int64) {
	log := l.opts.log()
	for _, id := range l.opts.Named {
		if _, missing := l.users.unseen[id]; missing {
			log.Problem("no-user", id, "no record is this user's")
			delete(l.users.unseen, id) // once
		}
	}
	for _, id := range slices.Sorted(maps.Keys(l.users.refused)) {
		log.Problem("taken", id, "keeps the old id: "+l.users.refused[id])
	}
	if l.opts.Select != nil && read > 0 && written == 0 {
		log.Problem("nothing-selected", "", fmt.Sprintf("none of the %d records is a user's that is selected", read))
	}
}

// quotaForm is the form of the keys of quota.db, unless the caller says
// otherwise.
func (o ListOptions) quotaForm() mboxlist.KeyForm {
	if o.KeyForm != nil {
		return *o.KeyForm
	}
	return mboxlist.BareKeys
}
