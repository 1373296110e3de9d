package source

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"imsconv/storeconv/ims"
	"imsconv/storeconv/maildir"
	"imsconv/storeconv/sims"
)

// maildirUser gives the members of one user.
func (s *Source) maildirUser(p place) {
	root := s.root
	if p.path != "" {
		var err error
		if root, err = openBelow(s.root, p.path); err != nil {
			s.tell(err)
			return
		}
		defer root.Close()
	}
	u := &maildirUser{s: s, user: p.user, prefix: p.path, root: root}
	if !u.s.emit(u.member()) {
		return
	}
	u.findFolders()
	u.readSubscriptions()
	u.mailbox(u.inbox, ims.Inbox)
	for _, f := range u.folders {
		if s.over {
			return
		}
		u.mailbox(f.dir, f.name)
	}
	u.tellUnseen()
}

// openBelow opens a directory some levels below d, through no link.
func openBelow(d *maildir.Dir, path string) (*maildir.Dir, error) {
	var last *maildir.Dir
	for part := range strings.SplitSeq(path, "/") {
		sub, err := d.Open(part)
		if last != nil {
			last.Close()
		}
		if err != nil {
			return nil, err
		}
		d, last = sub, sub
	}
	return last, nil
}

// openFileBelow opens a file some levels below d, through no link.
func openFileBelow(d *maildir.Dir, path string) (*os.File, error) {
	dir, name := "", path
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		dir, name = path[:i], path[i+1:]
	}
	if dir != "" {
		sub, err := openBelow(d, dir)
		if err != nil {
			return nil, err
		}
		defer sub.Close()
		d = sub
	}
	f, _, err := d.OpenFile(name)
	return f, err
}

type maildirUser struct {
	s      *Source
	user   string
	prefix string // of paths in messages
	root   *maildir.Dir
	naming maildir.Naming

	client     bool   // the root is no mailbox, as where clients keep Maildirs
	inbox      string // directory of INBOX; "": the root
	folders    []folder
	names      *nameGiver
	subscribed map[string]bool // nil: not said
	list       string          // the file that says it
}

type folder struct{ dir, name string }

// tell gives what is wrong with a file below the user's Maildir to the caller.
func (u *maildirUser) tell(e *maildir.Error) { u.s.tell(e) }

// tell gives an error of a path below the tree to the caller.
func (s *Source) tell(err error) {
	e := maildirError(err)
	text := strings.TrimPrefix(e.Error(), e.Position()+": ")
	s.told(e.Position(), e.Class, e.Severity(), text)
}

func maildirError(err error) *maildir.Error {
	var e *maildir.Error
	if !errors.As(err, &e) {
		return &maildir.Error{Class: maildir.Unreadable, Err: err}
	}
	return e
}

// where is the path of a name in the user's Maildir below the tree.
func (u *maildirUser) where(name string) string {
	return strings.TrimSuffix(strings.TrimPrefix(u.prefix+"/"+name, "/"), "/")
}

// member is the user, with his quota.
func (u *maildirUser) member() *sims.Member {
	m := &sims.Member{Kind: sims.User, Name: u.user, User: u.user, Subscribed: -1}
	var size maildir.Size
	u.root.ReadFile(maildir.SizeName, maildir.BadSize, u.tell, func(r io.Reader) (err error) {
		size, err = maildir.ReadSize(r)
		m.HasQuota = err == nil && size.MaxBytes >= 0
		return err
	})
	if m.HasQuota {
		m.Quota = cmp.Or(size.MaxBytes, -1) // 0 is no limit
	}
	if size.MaxCount > 0 {
		u.s.told(u.where(maildir.SizeName), "quota", 1, fmt.Sprintf("a limit of %d messages has no place in a stream: left out", size.MaxCount))
	}
	return m
}

// findFolders finds the mailboxes and gives each a name of its own.
func (u *maildirUser) findFolders() {
	var layout maildir.Layout
	saidLayout, saidEscape := cmp.Or(u.s.opt.Layout, u.s.made.layout), cmp.Or(u.s.opt.Escape, u.s.made.escape)
	if saidLayout != nil {
		layout = *saidLayout
	} else {
		layout = maildir.LayoutOf(u.root)
	}
	dirs := maildir.Folders(u.root, layout, u.tell)
	u.naming.Layout = layout
	if saidEscape != nil {
		u.naming.Escape = *saidEscape
	} else {
		u.naming.Escape = maildir.Escaped(dirs)
	}
	u.tellGuess(dirs, saidLayout == nil && u.root.IsMailbox(), saidEscape == nil)
	u.beside(u.root, 0)
	u.tellHierarchy()
	if u.client = !u.root.IsMailbox(); u.client {
		dirs = u.takeInbox(dirs)
	}
	u.names = u.s.newNaming(dirs, ims.Inbox)
	if u.isEvolutions() {
		u.nameAsEvolution(dirs)
	} else {
		u.nameFolders(dirs)
	}
	slices.SortFunc(u.folders, func(a, b folder) int { return cmp.Compare(a.name, b.name) })
}

// tellGuess warns where names of directories would be those of other mailboxes
// if what was found out by looking were not so: layout and escape say what was.
func (u *maildirUser) tellGuess(dirs []string, layout, escape bool) {
	dotted := func(dir string) bool { return dir[0] == '.' }
	if layout && u.naming.Layout == maildir.FS && slices.ContainsFunc(dirs, dotted) {
		u.s.told(u.where(""), "guessed", 1, "most directories have no dot in front: the layout is taken for fs, and a dot for a part of a mailbox's name; --layout says which it is")
	}
	slashed := func(dir string) bool { return strings.Contains(dir, `\`) }
	if !escape || !slices.ContainsFunc(dirs, slashed) {
		return
	}
	text := `names have \2e and the like, which are taken for characters; --escape says whether they are`
	if !u.naming.Escape {
		text = "names have backslashes that begin no escape, and stay as they are; --escape says whether they are escaped"
	}
	u.s.told(u.where(""), "guessed", 1, text)
}

// nameFolders gives mailboxes the names that a server would show.
func (u *maildirUser) nameFolders(dirs []string) {
	var odd []string
	for _, dir := range dirs {
		if name, ok := u.naming.Mailbox(dir); ok && keepable(name) == name && u.levels(dir) == dir {
			u.names.take(name)
			u.folders = append(u.folders, folder{dir, name})
		} else {
			odd = append(odd, dir)
		}
	}
	for _, dir := range odd {
		u.folders = append(u.folders, folder{dir, u.names.give(oddName(u.naming, u.levels(dir)), u.where(dir))})
	}
	u.names.tell(u.where(""))
}

// tellHierarchy tells of rights that Courier keeps for folders that are none.
func (u *maildirUser) tellHierarchy() {
	d, err := u.root.Open(maildir.CourierHierarchy)
	if err != nil {
		return // nobody else has one
	}
	defer d.Close()
	names, err := d.Names()
	if err != nil {
		u.s.tell(err)
	}
	if len(names) > 0 {
		u.s.told(u.where(maildir.CourierHierarchy), maildir.BadACL, 1, fmt.Sprintf("rights of %d folders that are no mailboxes are not read", len(names)))
	}
}

// takeInbox takes INBOX out of a list of directories, where the root is none:
// clients that keep Maildirs have it beside the others, in whatever letters.
func (u *maildirUser) takeInbox(dirs []string) []string {
	for _, is := range []func(name string) bool{
		func(name string) bool { return name == ims.Inbox },
		func(name string) bool { return strings.EqualFold(name, ims.Inbox) },
	} {
		for i, dir := range dirs {
			if is(strings.TrimPrefix(dir, ".")) {
				u.inbox = dir
				return slices.Delete(dirs, i, i+1)
			}
		}
	}
	return dirs
}

// levels are the levels of a mailbox on disk without what clients put to the
// names of folders that mailboxes lie in.
func (u *maildirUser) levels(dir string) string {
	if !u.client || u.naming.Layout == maildir.PlusPlus {
		return dir
	}
	levels := strings.Split(dir, "/")
	for i := range levels[:len(levels)-1] {
		levels[i], _ = belowMailbox(levels[i])
	}
	return strings.Join(levels, "/")
}

// readSubscriptions reads the list of the server that keeps one.
func (u *maildirUser) readSubscriptions() {
	take := func(names []string, err error) error {
		if u.subscribed == nil {
			u.subscribed = make(map[string]bool)
		}
		for _, name := range names {
			u.subscribed[u.names.listed(name)] = true
		}
		return err
	}
	u.list = maildir.SubscriptionsName
	found := u.root.ReadFile(maildir.SubscriptionsName, maildir.BadSubscription, u.tell, func(r io.Reader) error {
		return take(maildir.ReadSubscriptions(r, u.naming, u.inFile(maildir.SubscriptionsName)))
	})
	if !found {
		u.list = maildir.CourierSubscriptionsName
		u.root.ReadFile(maildir.CourierSubscriptionsName, maildir.BadSubscription, u.tell, func(r io.Reader) error {
			return take(maildir.ReadCourierSubscriptions(r, u.inFile(maildir.CourierSubscriptionsName)))
		})
	}
}

// inFile tells of lines of a file in the user's Maildir.
func (u *maildirUser) inFile(name string) func(*maildir.Error) {
	return func(e *maildir.Error) {
		c := *e
		c.Path = u.where(name)
		u.s.tell(&c)
	}
}

// isSubscribed looks a mailbox up, and crosses it out.
func (u *maildirUser) isSubscribed(name string) int8 {
	if u.subscribed == nil {
		return -1
	}
	if !u.subscribed[name] {
		return 0
	}
	delete(u.subscribed, name)
	return 1
}

// tellUnseen tells of subscriptions to what is no mailbox here.
func (u *maildirUser) tellUnseen() {
	u.s.tellUnsubscribed(u.where(u.list), u.subscribed)
}

func (s *Source) tellUnsubscribed(where string, rest map[string]bool) {
	for _, name := range slices.Sorted(maps.Keys(rest)) {
		if name != ims.Inbox {
			s.told(where, "subscription", 1, "subscribed to "+sims.DisplayName(name)+", which is no mailbox here: left out")
		}
	}
}
