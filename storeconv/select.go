package storeconv

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"imsconv/storeconv/ims"
	"imsconv/storeconv/sims"
)

// Shard is one of N equal parts of the users, by a hash of the id in the stream.
type Shard struct{ Index, Count int }

// ParseShard parses i/n. i counts from 0 or from 1: 0/n and n/n name the same part, so both 0..n-1 and 1..n are the whole.
func ParseShard(s string) (Shard, error) {
	a, b, ok := strings.Cut(s, "/")
	i, err1 := strconv.Atoi(a)
	n, err2 := strconv.Atoi(b)
	if !ok || err1 != nil || err2 != nil || n < 1 || i < 0 || i > n {
		return Shard{}, fmt.Errorf("shard %q is not of the form i/n with i from 0 to n", s)
	}
	return Shard{i % n, n}, nil
}

// has tells whether a user belongs to the part.
func (s Shard) has(user string) bool {
	if s.Count <= 1 {
		return true
	}
	sum := sha256.Sum256([]byte(user))
	return binary.BigEndian.Uint64(sum[:])%uint64(s.Count) == uint64(s.Index)
}

// selection decides which members take part, and under which name in the store.
type selection struct {
	users  map[string]bool
	rename map[string]string
	paths  []pathRule
	shard  Shard
	domain string // "@" and the default domain, or ""
	decode func(string) (string, error)
	used   map[string]bool // named users that came, for the report of those that did not
}

// pathRule is one PATH: a user and, unless "", a mailbox with those below it.
type pathRule struct{ user, mailbox string }

func newSelection(opt *RestoreOptions) (*selection, error) {
	s := &selection{users: opt.Select, rename: opt.Map, shard: opt.Shard, used: make(map[string]bool)}
	if opt.Domain != "" {
		s.domain = "@" + opt.Domain
	}
	var err error
	if s.decode, err = mailboxDecoder(opt.Encoding); err != nil {
		return nil, err
	}
	for _, p := range opt.Paths {
		rule, all, err := parsePath(p)
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

// parsePath reads /partition/user/id/mailbox, where "user" may be a backup group, user/id/mailbox, or id/mailbox. all is set when it names everything.
func parsePath(p string) (rule pathRule, all bool, err error) {
	rest, logical := strings.CutPrefix(p, "/")
	rest = strings.TrimSuffix(rest, "/")
	if logical {
		parts := strings.SplitN(rest, "/", 3)
		if len(parts) < 3 {
			return pathRule{}, true, nil // "/", a partition, or a whole group
		}
		rest = parts[2]
	} else if after, ok := strings.CutPrefix(rest, "user/"); ok {
		rest = after
	}
	rule.user, rule.mailbox, _ = strings.Cut(rest, "/")
	if rule.user == "" {
		return rule, false, fmt.Errorf("path %q names no user", p)
	}
	return rule, false, nil
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
	if !s.shard.has(user) {
		return false
	}
	if s.paths == nil {
		if s.users != nil {
			s.used[user] = true
		}
		return true
	}
	for _, p := range s.paths {
		if p.user == user {
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
		if p.user == user && (p.mailbox == "" || canonical(p.mailbox) == mailbox || strings.HasPrefix(mailbox, p.mailbox+"/")) {
			return true
		}
	}
	return false
}

// missing lists the users that were named and did not come.
func (s *selection) missing() []string {
	var out []string
	for u := range s.users {
		if !s.used[u] && s.shard.has(u) {
			out = append(out, u)
		}
	}
	for _, p := range s.paths {
		if !s.used[p.user] && (s.users == nil || s.users[p.user]) && s.shard.has(p.user) {
			out = append(out, p.user)
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
