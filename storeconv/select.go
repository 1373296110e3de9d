package storeconv

import (
	"strings"

	"imsconv/storeconv/ims"
	"imsconv/storeconv/sims"
)

// selection decides which members take part, and under which name in the store.
type selection struct {
	users  map[string]bool
	rename map[string]string
	paths  []Path
	shard  Shard
	domain string // "@" and the default domain, or ""
	decode func(string) (string, error)
	used   map[string]bool // named users that came, for the report of those that did not
}

func newSelection(opt Selection) (*selection, error) {
	s := &selection{users: opt.Users, rename: opt.Map, shard: opt.Shard, used: make(map[string]bool)}
	if opt.Domain != "" {
		s.domain = "@" + opt.Domain
	}
	var err error
	if s.decode, err = ParseEncoding(opt.Encoding); err != nil {
		return nil, err
	}
	for _, p := range opt.Paths {
		rule, all, err := ParsePath(p)
		if err != nil {
			return nil, err
		}
		if all {
			s.paths = nil
			break
		}
		s.paths = append(s.paths, rule)
	}
	return s, nil
}

// everything tells that nothing is left out.
func (s *selection) everything() bool {
	return s.users == nil && s.paths == nil && s.shard.Count <= 1
}

// user tells whether anything of a user may take part.
func (s *selection) user(user string) bool {
	if s.users != nil && !s.users[user] {
		return false
	}
	if !s.shard.Has(user) {
		return false
	}
	if s.paths == nil {
		if s.users != nil {
			s.used[user] = true
		}
		return true
	}
	for _, p := range s.paths {
		if p.User == user {
			s.used[user] = true
			return true
		}
	}
	return false
}

// mailbox tells whether a mailbox of a user that takes part does too. mailbox is the decoded name.
func (s *selection) mailbox(user, mailbox string) bool {
	if s.paths == nil {
		return true
	}
	for _, p := range s.paths {
		if p.User == user && (p.Mailbox == "" || canonical(p.Mailbox) == mailbox || strings.HasPrefix(mailbox, p.Mailbox+"/")) {
			return true
		}
	}
	return false
}

// missing lists the users that were named and did not come.
func (s *selection) missing() []string {
	var out []string
	for u := range s.users {
		if !s.used[u] && s.shard.Has(u) {
			out = append(out, u)
		}
	}
	for _, p := range s.paths {
		if !s.used[p.User] && (s.users == nil || s.users[p.User]) && s.shard.Has(p.User) {
			out = append(out, p.User)
		}
	}
	return out
}

// storeID returns the id that a user of the stream has in the store, or why it can have none.
func (s *selection) storeID(user string) (string, error) {
	id := user
	if to, ok := s.rename[user]; ok {
		id = to
	}
	if s.domain != "" && len(id) > len(s.domain) && strings.EqualFold(id[len(id)-len(s.domain):], s.domain) {
		id = id[:len(id)-len(s.domain)]
	}
	return id, ims.CheckUserID(id)
}

// canonical returns INBOX for every spelling of it.
func canonical(mailbox string) string {
	if strings.EqualFold(mailbox, ims.Inbox) {
		return ims.Inbox
	}
	return mailbox
}

// mailboxName returns the name that a mailbox of the stream has in the store, or why it can have none.
func (s *selection) mailboxName(name string) (string, error) {
	name, err := s.decode(name)
	if err != nil {
		return "", err
	}
	name = canonical(name)
	return name, ims.CheckMailbox(name)
}

// spot is where a message lies in the store.
type spot struct {
	id, mailbox string
	uid         uint32
}

// placeOf returns where the message of that member name goes, when nothing stands in its way.
func (s *selection) placeOf(member string) (spot, bool) {
	user, mailbox, uid, ok := sims.SplitName(member)
	if !ok {
		return spot{}, false
	}
	id, err := s.storeID(user)
	if err != nil {
		return spot{}, false
	}
	mailbox, err = s.mailboxName(mailbox)
	return spot{id, mailbox, uid}, err == nil
}

// acl turns lines of identifier TAB rights into the one line of the index; users that get a new id get it here too.
func (s *selection) acl(lines string) (string, bool) {
	var out []string
	ok := true
	for line := range strings.SplitSeq(lines, "\n") {
		who, rights, found := strings.Cut(strings.TrimRight(line, "\r"), "\t")
		if !found || who == "" || strings.Contains(rights, "\t") {
			ok = ok && line == ""
			continue
		}
		user, minus := strings.CutPrefix(who, "-")
		if id, err := s.storeID(user); err == nil {
			who = id
			if minus {
				who = "-" + id
			}
		}
		out = append(out, who, rights)
	}
	return strings.Join(out, "\t"), ok
}
