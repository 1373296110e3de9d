// Package selection decides which users and mailboxes of a source take part in
// a conversion, and what they are called in the store.
package selection

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"imsconv/storeconv"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/sims"
)

// Matcher answers the questions that a [storeconv.Selection] settles. It
// belongs to one goroutine, but for IsAll, StoreID, MailboxName, PlaceOf
// and those that take or leave mailboxes, which several may call.
type Matcher struct {
	users  map[string]bool
	rename map[string]string
	paths  []storeconv.Path
	shard  storeconv.Shard
	domain string // "@" and the default domain, or ""
	decode func(string) (string, error)
	met    map[string]bool // named users that the source has

	hasUser []bool        // of each path: the source has such a user
	metPath []atomic.Bool // and its mailbox
}

// Compile makes the Matcher of a selection from a stream or a tree. These have
// no partitions: a path that names one names what is behind it, and a whole
// partition is everything. The error is of a path or of the encoding.
func Compile(s storeconv.Selection) (*Matcher, error) { return compile(s, false) }

// CompileOfStore makes the Matcher of a selection from a store. Of a user or a
// mailbox it is asked by the methods that take a partition.
func CompileOfStore(s storeconv.Selection) (*Matcher, error) { return compile(s, true) }

func compile(s storeconv.Selection, partitions bool) (*Matcher, error) {
	m := &Matcher{users: s.Users, rename: s.Map, shard: s.Shard, met: make(map[string]bool)}
	if s.Domain != "" {
		m.domain = "@" + s.Domain
	}
	var err error
	if m.decode, err = storeconv.ParseEncoding(s.Encoding); err != nil {
		return nil, err
	}
	for _, p := range s.Paths {
		path, all, err := storeconv.ParsePath(p)
		if err != nil {
			return nil, err
		}
		if !partitions {
			path.Partition = ""
		}
		if all && path.Partition == "" {
			m.paths = nil
			break
		}
		m.paths = append(m.paths, path)
	}
	m.hasUser = make([]bool, len(m.paths))
	m.metPath = make([]atomic.Bool, len(m.paths))
	return m, nil
}

// IsAll tells that nothing is left out.
func (m *Matcher) IsAll() bool {
	return m.users == nil && m.paths == nil && m.shard.Whole()
}

// MayJoin tells whether two users of the source may get one id in the store.
func (m *Matcher) MayJoin() bool { return len(m.rename) > 0 || m.domain != "" }

// Takes tells whether anything of a user, as the source has it, may take part.
func (m *Matcher) Takes(user string) bool { return m.TakesIn("", user) }

// TakesIn is Takes of what a user has in a partition of a store.
func (m *Matcher) TakesIn(partition, user string) bool {
	return m.shard.Has(user) && m.names(partition, user)
}

// Elsewhere tells whether a user, as the source has it, takes part in another
// shard than this one.
func (m *Matcher) Elsewhere(user string) bool { return m.ElsewhereIn("", user) }

// ElsewhereIn is Elsewhere of what a user has in a partition of a store.
func (m *Matcher) ElsewhereIn(partition, user string) bool {
	return !m.shard.Has(user) && m.names(partition, user)
}

// names is TakesIn of all shards together.
func (m *Matcher) names(partition, user string) bool {
	return (m.users == nil || m.users[user]) && (m.paths == nil || m.hasPath(partition, user))
}

func (m *Matcher) hasPath(partition, user string) bool {
	return slices.ContainsFunc(m.paths, func(p storeconv.Path) bool { return covers(p, partition, user) })
}

// covers tells whether a path names a user of a partition, or something of one.
func covers(p storeconv.Path, partition, user string) bool {
	return (p.Partition == "" || p.Partition == partition) && (p.User == "" || p.User == user)
}

// Meet is Takes of a user that the source has. Named users that are never met
// are Missing.
func (m *Matcher) Meet(user string) bool { return m.MeetIn("", user) }

// MeetIn is Meet of what a user has in a partition of a store.
func (m *Matcher) MeetIn(partition, user string) bool {
	yes := m.TakesIn(partition, user)
	if m.users[user] { // even if no path names the user, who is there
		m.met[user] = true
	}
	for i, p := range m.paths {
		if yes && covers(p, partition, user) {
			m.hasUser[i] = true
		}
	}
	return yes
}

// TakesMailbox tells whether a mailbox of a user that takes part does too.
// mailbox is the name in the store.
func (m *Matcher) TakesMailbox(user, mailbox string) bool {
	return m.TakesMailboxIn("", user, mailbox)
}

// TakesMailboxIn is TakesMailbox of a mailbox in a partition of a store.
func (m *Matcher) TakesMailboxIn(partition, user, mailbox string) bool {
	if m.paths == nil {
		return true
	}
	takes := false
	for i, p := range m.paths {
		if covers(p, partition, user) && (p.Mailbox == "" || ims.Canonical(p.Mailbox) == mailbox || strings.HasPrefix(mailbox, p.Mailbox+"/")) {
			m.metPath[i].Store(true)
			takes = true
		}
	}
	return takes
}

// MissingMailboxes lists the paths of mailboxes that were never met, though
// their users were, as ID/MAILBOX in the order given.
func (m *Matcher) MissingMailboxes() []string {
	var out []string
	for i, p := range m.paths {
		if p.Mailbox != "" && !m.metPath[i].Load() && m.hasUser[i] {
			out = append(out, p.User+"/"+p.Mailbox)
		}
	}
	return out
}

// Missing lists the users that were named and not met, in byte order, without
// those that were looked for in one partition.
func (m *Matcher) Missing() []string {
	var out []string
	for u := range m.users {
		if !m.met[u] && m.shard.Has(u) {
			out = append(out, u)
		}
	}
	for i, p := range m.paths {
		if !m.hasUser[i] && p.Partition == "" && m.asked(p.User) {
			out = append(out, p.User)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// asked tells whether a user whom a path names is one of this shard and of the
// users, where these are named too.
func (m *Matcher) asked(user string) bool {
	return (m.users == nil || m.users[user]) && m.shard.Has(user)
}

// MissingIn lists the paths with a partition in which nobody was met whom they
// name, in the order given.
func (m *Matcher) MissingIn() []storeconv.Path {
	var out []storeconv.Path
	for i, p := range m.paths {
		if p.Partition != "" && !m.hasUser[i] && (p.User == "" || m.asked(p.User)) {
			out = append(out, p)
		}
	}
	return out
}

// Joins tells whether several users of the source may have one id in the store.
func (m *Matcher) Joins() bool { return m.domain != "" || len(m.rename) > 0 }

// StoreID returns the id that a user of the source has in the store, and why it
// can have none.
func (m *Matcher) StoreID(user string) (string, error) {
	id := user
	if to, ok := m.rename[user]; ok {
		id = to
	}
	if n := len(id) - len(m.domain); m.domain != "" && n > 0 && strings.EqualFold(id[n:], m.domain) {
		id = id[:n]
	}
	return id, ims.CheckUserID(id)
}

// MailboxName returns the name that a mailbox of the source has in the store,
// and why it can have none.
func (m *Matcher) MailboxName(name string) (string, error) {
	name, err := m.decode(name)
	if err != nil {
		return "", err
	}
	name = ims.Canonical(name)
	err = ims.CheckMailbox(name)
	if err != nil && utf8.ValidString(name) && strings.ContainsFunc(name, func(r rune) bool { return r > 0x7f }) {
		err = fmt.Errorf("%w; -e UTF-8 takes names in UTF-8", err) // with an encoding none has such bytes any more
	}
	return name, err
}

// ACL turns lines of identifier TAB rights into the one line of an index, with
// the new ids of users. ok is false when a line was left out because it is
// none.
func (m *Matcher) ACL(lines string) (acl string, ok bool) {
	var out []string
	ok = true
	for line := range strings.SplitSeq(lines, "\n") {
		who, rights, found := strings.Cut(strings.TrimRight(line, "\r"), "\t")
		if !found || who == "" || strings.Contains(rights, "\t") {
			ok = ok && line == ""
			continue
		}
		user, minus := strings.CutPrefix(who, "-")
		if id, err := m.StoreID(user); err == nil {
			who = id
			if minus {
				who = "-" + id
			}
		}
		out = append(out, who, rights)
	}
	return strings.Join(out, "\t"), ok
}

// Place is where a message lies in the store.
type Place struct {
	ID, Mailbox string
	UID         uint32
}

// PlaceOf returns where the message of a member name goes when nothing stands
// in its way. ok is false when it has no place.
func (m *Matcher) PlaceOf(member string) (place Place, ok bool) {
	user, mailbox, uid, ok := sims.SplitName(member)
	if !ok {
		return Place{}, false
	}
	id, err := m.StoreID(user)
	if err != nil {
		return Place{}, false
	}
	mailbox, err = m.MailboxName(mailbox)
	return Place{id, mailbox, uid}, err == nil
}
