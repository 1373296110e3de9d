package ldifconv

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"imsconv/ldifconv/internal/index"
	"imsconv/ldifconv/ldif"
	"imsconv/ldifconv/schema"
)

// uidUse is who has the uids that a map names, found in a pass of its own
// before anything is written. A uid is the name of a mailbox within one domain.
type uidUse struct {
	mapped map[string]string          // old uid to new, as the site gave them
	wanted map[string]bool            // the new ones, in lower case
	old    map[string]map[string]bool // domains that have a user of an old uid
	taken  map[[2]string]string       // where a new uid of a domain is another user's
	w      *worker                    // finds the fates of entries
	b      *batch                     // what it has to say, which the upgrade says again
}

// checkUIDs refuses a map that would make two users one, and warns of old uids
// that no user has.
func (r *run) checkUIDs(ctx context.Context) error {
	u := uidUse{
		mapped: r.opt.Rules.UIDMap, wanted: map[string]bool{},
		old: map[string]map[string]bool{}, taken: map[[2]string]string{},
		w: newWorker(r), b: &batch{},
	}
	r.rules.options.lostUIDs = map[string]bool{}
	r.rules.options.fates = &fates{table: index.Table{Dir: r.opt.TempDir}}
	for old, id := range u.mapped {
		u.wanted[strings.ToLower(id)] = true
		r.rules.options.longestRDN = max(r.rules.options.longestRDN, longestSpelling+mostEscaped*len(old))
	}
	for i := range r.inputs {
		in := &r.inputs[i]
		err := r.again.first(ctx, in, func(ctx context.Context, src io.Reader) error {
			return u.read(ctx, in.Name, src, r.opt.maxEntry())
		})
		if err != nil {
			return err
		}
	}
	r.rules.options.lost = slices.Sorted(maps.Keys(r.rules.options.lostUIDs))
	return u.report(r)
}

// What a byte of a uid takes at most in the first part of a DN, as \xx, and
// what its attribute and blanks take.
const (
	mostEscaped     = 3
	longestSpelling = 64
)

// read notes the users of one input. What is wrong with it is left to the
// upgrade to tell.
func (u *uidUse) read(ctx context.Context, name string, src io.Reader, largest int) error {
	in := ldif.NewReader(&cancelReader{ctx, src, make(chan readResult, 1)}, ldif.Options{MaxEntry: largest})
	for {
		rec, err := in.Next()
		if err != nil {
			var damage *ldif.Error
			if errors.As(err, &damage) {
				continue
			}
			return ctx.Err()
		}
		if rec.Type != ldif.Content && rec.Type != ldif.Add {
			continue
		}
		if err := u.fate(rec, u.note(name, rec)); err != nil {
			return err
		}
	}
}

// fate notes what becomes of the name of an entry that a mapped uid is in, and
// of a mapped uid, which is old; "" when the entry has none.
func (u *uidUse) fate(rec *ldif.Record, old string) error {
	w, o := u.w, &u.w.run.rules.options
	var err error
	if w.norm, err = w.up.normDN(w.norm[:0], rec.DN); err != nil {
		return nil // no name
	}
	named := o.mappedName(w.norm) != nil
	if !named && old == "" {
		return nil
	}
	what, losesUID := w.fate(u.b, rec)
	err = u.b.err
	u.b.empty()
	if err != nil {
		return err
	}
	if losesUID && !strings.EqualFold(u.mapped[old], old) {
		o.lostUIDs[old] = true
	}
	if !named {
		return nil // what it has of the map is not in its name
	}
	return o.fates.put(w.norm, what)
}

// note notes the uids of an entry, and returns the first, in lower case, when
// the map has it.
func (u *uidUse) note(name string, rec *ldif.Record) (mapped string) {
	var ids []string
	for i := range rec.Attrs {
		if id, _ := schema.Lookup(rec.Attrs[i].Desc); id != schema.UID {
			continue
		}
		for _, v := range rec.Attrs[i].Values {
			ids = append(ids, string(lower(trimBlanks(v.Data))))
		}
	}
	if len(ids) == 0 {
		return ""
	}
	domain := domainOfDN(rec.DN)
	if _, ok := u.mapped[ids[0]]; ok {
		if u.old[ids[0]] == nil {
			u.old[ids[0]] = map[string]bool{}
		}
		u.old[ids[0]][domain] = true
		mapped = ids[0]
	}
	for _, id := range ids {
		if next, ok := u.mapped[ids[0]]; u.wanted[id] && (!ok || !strings.EqualFold(next, id)) {
			u.taken[[2]string{id, domain}] = position(name, rec.Line, string(rec.DN))
		}
	}
	return mapped
}

// report tells what was found.
func (u *uidUse) report(r *run) error {
	for _, old := range slices.Sorted(maps.Keys(u.mapped)) {
		if len(u.old[old]) == 0 {
			r.warn("uid-unknown", "uid map", fmt.Sprintf("no user of the input has the uid %.100q", old))
		}
		for _, domain := range slices.Sorted(maps.Keys(u.old[old])) {
			if at, ok := u.taken[[2]string{strings.ToLower(u.mapped[old]), domain}]; ok {
				return fmt.Errorf("uid map: user %q gets the uid %q, which another user has already: %s", old, u.mapped[old], at)
			}
		}
	}
	return nil
}
