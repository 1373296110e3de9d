package roster

import (
	"context"
	"fmt"
	"strings"

	"imsconv/cmd/internal/directory"
	"imsconv/ldifconv"
	"imsconv/ldifconv/filter"
	"imsconv/ldifconv/ldif"
	"imsconv/ldifconv/schema"
	"imsconv/storeconv/ims"
)

// Selection says which mail users are listed.
type Selection struct {
	Base   []string // DNs: users at and below one of them; none: everywhere
	Filter string   // of RFC 1558 or RFC 4515; "": every user
	Domain string   // the default domain, whose users have bare uids for ids
}

// Member is a user of the list.
type Member struct {
	*directory.User
	ID     string       // in the store
	Record *ldif.Record // the entry, valid until the next member
	File   string       // the input's name
}

// Counts is what a reading met.
type Counts struct {
	Entries int64 // of the inputs
	Users   int64 // entries with the class of a mail user
	Chosen  int64 // those that the selection takes
	Listed  int64 // those that have an id of their own

	Tombstones, Conflicts int64 // chosen, and no users
}

// List reads exports, one after the other. Its memory does not grow with them:
// ids are kept as ldifconv.FirstOf does.
type List struct {
	Counts

	// Unlisted, which may be nil, is called with a chosen user who has no place
	// in a list, and why. Without a uid the ID is empty.
	Unlisted func(m *Member, why string)

	log    directory.Teller
	domain string
	bases  [][]byte
	filter *filter.Filter

	ids       ldifconv.FirstOf // where each store id came first
	names     []string         // of the inputs
	domainMet bool             // Selection.Domain is that of some user
}

// NewList prepares a list; the error is about the selection.
func NewList(sel Selection, log directory.Teller) (*List, error) {
	l := &List{log: log, domain: sel.Domain}
	for _, base := range sel.Base {
		norm, err := ldif.AppendNormDN(nil, []byte(base))
		if err != nil {
			return nil, fmt.Errorf("base %q: %w", base, err)
		}
		l.bases = append(l.bases, norm)
	}
	if sel.Filter == "" {
		return l, nil
	}
	set := schema.Merged()
	var err error
	l.filter, err = filter.Compile(sel.Filter, func(name string) []string {
		if at := set.Attribute([]byte(name)); at != 0 {
			a := set.AttributeType(at)
			return append([]string{a.OID}, a.Names...)
		}
		return nil
	})
	return l, err
}

// Close removes temporary files.
func (l *List) Close() { l.ids.Close() } // what it holds is not to be kept

// Read lists the users of one input. What is wrong with it is told to the log;
// an error of use ends the reading.
func (l *List) Read(ctx context.Context, in *ldifconv.Input, progress ldifconv.Progress, use func(m *Member) error) error {
	l.names = append(l.names, in.Name)
	r := ldif.NewReader(in, ldif.Options{})
	for n := 0; ; n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		rec, err := r.Next()
		if err != nil {
			if end, err := directory.TellDamage(l.log, in.Name, r, err); end || err != nil {
				return err
			}
			continue
		}
		if rec.Type != ldif.Content && rec.Type != ldif.Add {
			l.log.Problem("change-record", directory.Position(in.Name, rec.Line, rec.DN), fmt.Sprintf("a %s record is no entry of an export", rec.Type))
			continue
		}
		progress.Add(1, 0)
		l.Entries++
		m, err := l.member(in.Name, rec)
		if err != nil {
			return err
		}
		if m == nil {
			continue
		}
		l.Listed++
		if err := use(m); err != nil {
			return err
		}
	}
}

// member is the user that an entry is, nil when it is none that is listed.
func (l *List) member(file string, rec *ldif.Record) (*Member, error) {
	if !directory.IsUser(rec) {
		return nil, nil
	}
	u := directory.UserOf(rec)
	l.Users++
	l.domainMet = l.domainMet || u != nil && strings.EqualFold(u.Domain, l.domain)
	if !l.chosen(rec) {
		return nil, nil
	}
	l.Chosen++
	if l.leftAlone(rec) {
		return nil, nil
	}
	if u == nil {
		const why = "the user has no uid, so no store id"
		l.log.Problem("no-uid", directory.Position(file, rec.Line, rec.DN), why)
		l.unlisted(&Member{User: &directory.User{DN: string(rec.DN), Line: rec.Line}, Record: rec, File: file}, why)
		return nil, nil
	}
	for _, what := range u.Unread {
		l.log.Warning("quota-value", directory.Position(file, rec.Line, rec.DN), what+": it counts as not set")
	}
	if u.UIDs > 1 {
		l.log.Warning("uid-values", directory.Position(file, rec.Line, rec.DN), fmt.Sprintf("%d values of uid: the mailbox is taken for that of %.200q", u.UIDs, u.UID))
	}
	m := &Member{User: u, ID: u.ID(l.domain), Record: rec, File: file}
	if ok, err := l.usable(m); !ok || err != nil {
		return nil, err
	}
	return m, nil
}

func (l *List) unlisted(m *Member, why string) {
	if l.Unlisted != nil {
		l.Unlisted(m, why)
	}
}

// leftAlone counts an entry that belongs to the directory server: what is left
// of a deleted one, or one that replication could not settle.
func (l *List) leftAlone(rec *ldif.Record) bool {
	tombstone, conflict := ldif.OfServer(&rec.Entry)
	switch {
	case tombstone:
		l.Tombstones++
	case conflict:
		l.Conflicts++
	}
	return tombstone || conflict
}

// CheckID reports what keeps a store id from being listed: that no store can
// have it, or that -u would read it as something else.
func CheckID(id string) error {
	err := ims.CheckUserID(id)
	if err == nil && (strings.ContainsAny(id, " =") || id[0] == '#') {
		err = fmt.Errorf("user id %q cannot stand in a list of users", id)
	}
	return err
}

// usable reports whether the store id of a user can be listed, and no user
// before has it. Store ids of two cases are one.
func (l *List) usable(m *Member) (bool, error) {
	id, rec, where := m.ID, m.Record, directory.Position(m.File, m.Record.Line, m.Record.DN)
	if err := CheckID(id); err != nil {
		l.log.Problem("bad-id", where, err.Error())
		l.unlisted(m, err.Error())
		return false, nil
	}
	const lineBits = 40
	first, again, err := l.ids.Put([]byte(strings.ToLower(id)), uint64(len(l.names)-1)<<lineBits|uint64(rec.Line))
	if again {
		at := directory.Position(l.names[first>>lineBits], int(first&(1<<lineBits-1)), nil)
		why := fmt.Sprintf("the user id %s is that of the entry at %s: only that one is listed", id, at)
		l.log.Problem("id-twice", where, why)
		l.unlisted(m, why)
	}
	return !again, err
}

func (l *List) chosen(rec *ldif.Record) bool {
	if len(l.bases) > 0 {
		norm, err := ldif.AppendNormDN(nil, rec.DN)
		below := false
		for _, base := range l.bases {
			below = below || err == nil && ldif.UnderNormDN(norm, base)
		}
		if !below {
			return false
		}
	}
	return l.filter == nil || l.filter.Match(&rec.Entry)
}

// TellEmpty warns when there was nobody to list.
func (l *List) TellEmpty() {
	switch {
	case l.Entries == 0:
		l.log.Warning("empty-input", "", "the input has no entry: is it the export?")
	case l.Users == 0:
		l.log.Warning("no-users", "", "no entry has the class of a mail user: inetMailUser, mailRecipient or nsMessagingServerUser")
	case l.Chosen == 0:
		l.log.Warning("nothing-selected", "", fmt.Sprintf("none of %d mail users is selected: look at -b and -F", l.Users))
	}
}

// TellDomain warns when no user is of the default domain.
func (l *List) TellDomain() {
	if l.domain != "" && l.Users > 0 && !l.domainMet {
		l.log.Warning("no-default-domain", l.domain, "no mail user is of the domain of --default-domain: is it spelled right?")
	}
}
