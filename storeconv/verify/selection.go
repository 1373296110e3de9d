package verify

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"

	"golang.org/x/text/encoding/htmlindex"

	"imsconv/storeconv"
	"imsconv/storeconv/sims"
)

// chosen says what of a stream must be in the store, and under which names.
type chosen struct {
	opts  storeconv.Selection
	paths []chosenPath // nil: everything
	utf7  func(string) (string, error)
	met   map[string]bool // named users that have come
	part  *shardPart
	old   map[string][]string // old ids of renamed users by new ones
}

// chosenPath is a user and, unless "", a mailbox with those below it.
type chosenPath struct {
	partition     string // "": any
	user, mailbox string // user "": all of the partition
	met           bool   // something has come that it names
}

// choose reads a selection from a stream, which has no partitions: those that
// paths name are left out, and a whole partition is everything.
func choose(opts storeconv.Selection) (*chosen, error) { return chooseFrom(opts, false) }

func chooseFrom(opts storeconv.Selection, store bool) (*chosen, error) {
	c := &chosen{opts: opts, met: make(map[string]bool)}
	var err error
	if c.utf7, err = nameDecoder(opts.Encoding); err != nil {
		return nil, err
	}
	if c.part, err = openShard(opts.Shard); err != nil {
		return nil, err
	}
	if !c.part.whole() {
		c.turnNames()
	}
	for _, p := range opts.Paths {
		rule, err := readPath(p)
		if err != nil {
			return nil, err
		}
		if !store {
			rule.partition = ""
		}
		if rule.user == "" && rule.partition == "" {
			c.paths = nil
			return c, nil
		}
		c.paths = append(c.paths, rule)
	}
	return c, nil
}

// readPath reads /partition/group/id[/mailbox], user/id[/mailbox] or
// id[/mailbox]. A path with a slash in front and less than three components
// names no user: the whole partition, or everything.
func readPath(path string) (chosenPath, error) {
	parts := strings.Split(strings.TrimSuffix(path, "/"), "/")
	partition := ""
	switch {
	case parts[0] == "" && strings.HasPrefix(path, "/"):
		if len(parts) > 1 {
			partition = parts[1]
		}
		if len(parts) < 4 {
			return chosenPath{partition: partition}, nil
		}
		parts = parts[3:]
	case parts[0] == "user" && len(parts) > 1:
		parts = parts[1:]
	}
	if parts[0] == "" {
		return chosenPath{}, fmt.Errorf("path %q names no user", path)
	}
	return chosenPath{partition: partition, user: parts[0], mailbox: strings.Join(parts[1:], "/")}, nil
}

// names tells whether a path names a user of a partition, or something of one.
// A stream has no partition.
func (p *chosenPath) names(partition, user string) bool {
	return (p.partition == "" || p.partition == partition) && (p.user == "" || p.user == user)
}

// user tells whether anything of a user of the stream is chosen.
func (c *chosen) user(user string) bool { return c.userIn("", user) }

// userIn is user of what a user has in a partition of a store.
func (c *chosen) userIn(partition, user string) bool {
	for i := range c.paths {
		if p := &c.paths[i]; p.user == "" && p.partition == partition {
			p.met = true // whoever else is chosen, the partition is there
		}
	}
	if c.opts.Users != nil && !c.opts.Users[user] || !c.part.has(user) {
		return false
	}
	if c.opts.Users != nil {
		c.met[user] = true
	}
	found := c.paths == nil
	for i := range c.paths {
		if p := &c.paths[i]; p.names(partition, user) {
			found, p.met = true, p.met || p.mailbox == ""
		}
	}
	return found
}

// missing lists the users and paths that were named and of which nothing came.
func (c *chosen) missing() []string {
	var names []string
	for user, named := range c.opts.Users {
		if named && !c.met[user] && c.part.has(user) {
			names = append(names, user)
		}
	}
	for _, p := range c.paths {
		if !p.met && (p.user == "" || (c.opts.Users == nil || c.opts.Users[p.user]) && c.part.has(p.user)) {
			names = append(names, p.text())
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// text is a path as a command line may have it.
func (p *chosenPath) text() string {
	text := strings.TrimSuffix(p.user+"/"+p.mailbox, "/")
	switch {
	case p.partition == "":
		return text
	case p.user == "":
		return "/" + p.partition
	}
	return "/" + p.partition + "/user/" + text
}

// mailbox tells whether a mailbox of a chosen user is chosen; mailbox is its
// name in the store.
func (c *chosen) mailbox(user, mailbox string) bool { return c.mailboxIn("", user, mailbox) }

// mailboxIn is mailbox of one in a partition of a store.
func (c *chosen) mailboxIn(partition, user, mailbox string) bool {
	found := c.paths == nil
	for i := range c.paths {
		p := &c.paths[i]
		if p.names(partition, user) && (p.mailbox == "" || standard(p.mailbox) == mailbox || strings.HasPrefix(mailbox, p.mailbox+"/")) {
			found, p.met = true, true
		}
	}
	return found
}

// standard writes the name of INBOX in its one form.
func standard(mailbox string) string {
	if len(mailbox) == len(inbox) && strings.ToUpper(mailbox) == inbox {
		return inbox
	}
	return mailbox
}

// id is what a user of the stream is called in the store: renamed, then without
// the default domain.
func (c *chosen) id(user string) (string, error) {
	id, renamed := c.opts.Map[user]
	if !renamed {
		id = user
	}
	if at := strings.LastIndexByte(id, '@'); at > 0 && c.opts.Domain != "" && strings.EqualFold(id[at+1:], c.opts.Domain) {
		id = id[:at]
	}
	return id, checkUser(id)
}

// name is what a mailbox of the stream is called in the store.
func (c *chosen) name(mailbox string) (string, error) {
	name, err := c.utf7(mailbox)
	if err != nil {
		return "", err
	}
	name = standard(name)
	return name, checkMailbox(name)
}

// place is where a message belongs in the store.
type place struct {
	id, mailbox string
	uid         uint32
}

// placeOf is where the message of a member name belongs when nothing stood in
// its way.
func (c *chosen) placeOf(member string) (place, bool) {
	user, mailbox, uid, ok := sims.SplitName(member)
	if !ok {
		return place{}, false
	}
	id, err := c.id(user)
	if err != nil {
		return place{}, false
	}
	name, err := c.name(mailbox)
	return place{id, name, uid}, err == nil
}

// rights turns the lines of SIMS.acl into the text of an index: identifiers and
// rights, all apart by TAB. Identifiers that are users get their new id; a
// hyphen in front stays. ok is false when a line is not understood; such a line
// is left out.
func (c *chosen) rights(lines string) (text string, ok bool) {
	ok = true
	var fields []string
	for line := range strings.SplitSeq(lines, "\n") {
		line = strings.TrimRight(line, "\r")
		if line == "" {
			continue
		}
		pair := strings.Split(line, "\t")
		if len(pair) != 2 || pair[0] == "" {
			ok = false
			continue
		}
		minus := ""
		if strings.HasPrefix(pair[0], "-") {
			minus = "-"
		}
		if id, err := c.id(pair[0][len(minus):]); err == nil {
			pair[0] = minus + id
		}
		fields = append(fields, pair...)
	}
	return strings.Join(fields, "\t"), ok
}

// nameDecoder returns what makes modified UTF-7 of the mailbox names of a
// stream in the given encoding.
func nameDecoder(encoding string) (func(string) (string, error), error) {
	plain := strings.ToLower(strings.Map(func(r rune) rune {
		if r == '-' || r == '_' {
			return -1
		}
		return r
	}, encoding))
	switch plain {
	case "", "imapmodifiedutf7", "modifiedutf7", "mutf7", "utf7imap", "imaputf7":
		return func(s string) (string, error) { return s, nil }, nil
	}
	charset, err := htmlindex.Get(encoding)
	if err != nil {
		return nil, fmt.Errorf("encoding of mailbox names %q is not known", encoding)
	}
	return func(s string) (string, error) {
		text, err := charset.NewDecoder().String(s)
		if err == nil && strings.Contains(text, "\uFFFD") { // what cannot be read
			if same, back := charset.NewEncoder().String(text); back != nil || same != s {
				err = errors.New("unreadable")
			}
		}
		if err != nil {
			return "", fmt.Errorf("mailbox name %q is not in %s", s, encoding)
		}
		return modifiedUTF7(text), nil
	}, nil
}

// modifiedUTF7 writes text as RFC 3501, section 5.1.3, says: printable ASCII
// as it is, & as &-, anything else as UTF-16 in base 64 with a comma for the
// slash.
func modifiedUTF7(text string) string {
	var out strings.Builder
	var run []rune
	flush := func() {
		if len(run) == 0 {
			return
		}
		var raw []byte
		for _, unit := range utf16.Encode(run) {
			raw = append(raw, byte(unit>>8), byte(unit))
		}
		out.WriteByte('&')
		out.WriteString(strings.ReplaceAll(base64.RawStdEncoding.EncodeToString(raw), "/", ","))
		out.WriteByte('-')
		run = run[:0]
	}
	for _, r := range text {
		if r < 0x20 || r > 0x7e {
			run = append(run, r)
			continue
		}
		flush()
		out.WriteRune(r)
		if r == '&' {
			out.WriteByte('-')
		}
	}
	flush()
	return out.String()
}

// Choice is what a [storeconv.Selection] takes of a source, and the names that
// it gives, for those packages below this one that hold other things than a
// store against a source. One goroutine at a time may use it.
type Choice struct{ c *chosen }

// ChooseOfStore reads a selection from a store. Of users and mailboxes the
// methods are asked that take a partition.
func ChooseOfStore(opts storeconv.Selection) (*Choice, error) {
	c, err := chooseFrom(opts, true)
	return &Choice{c}, err
}

// Choose reads a selection from a stream.
func Choose(opts storeconv.Selection) (*Choice, error) {
	c, err := choose(opts)
	return &Choice{c}, err
}

// All tells whether everything of a source is taken.
func (c *Choice) All() bool {
	return c.c.opts.Users == nil && c.c.paths == nil && c.c.part.whole()
}

// User tells whether anything of a user of the source is taken, and what the
// user is called then. The error says why nobody can be called so.
func (c *Choice) User(user string) (id string, taken bool, err error) { return c.UserIn("", user) }

// UserIn is User of what a user has in a partition of a store.
func (c *Choice) UserIn(partition, user string) (id string, taken bool, err error) {
	if !c.c.userIn(partition, user) {
		return "", false, nil
	}
	id, err = c.c.id(user)
	return id, true, err
}

// Mailbox tells whether a mailbox of a user is taken, and what it is called
// then.
func (c *Choice) Mailbox(user, mailbox string) (name string, taken bool, err error) {
	return c.MailboxIn("", user, mailbox)
}

// MailboxIn is Mailbox of one in a partition of a store.
func (c *Choice) MailboxIn(partition, user, mailbox string) (name string, taken bool, err error) {
	name, err = c.c.name(mailbox)
	if err != nil {
		return "", true, err
	}
	return name, c.c.mailboxIn(partition, user, name), nil
}

// Rights turns lines of identifier TAB rights into fields, identifiers and
// rights in turns, with users under their new names. ok is false when a line is
// left out.
func (c *Choice) Rights(lines string) (fields []string, ok bool) {
	text, ok := c.c.rights(lines)
	if text == "" {
		return nil, ok
	}
	return strings.Split(text, "\t"), ok
}

// Missing lists what was named and has not come.
func (c *Choice) Missing() []string { return c.c.missing() }
