package source

import (
	"cmp"
	"io"
	"slices"
	"strings"

	"imsconv/storeconv/ims"
	"imsconv/storeconv/maildir"
	"imsconv/storeconv/mbox"
	"imsconv/storeconv/sims"
)

// maxLevels bounds the folders of a mailbox's name.
const maxLevels = 64

// mboxUser gives the members of one user. again tells that another place of his
// has been read: a file beside his folder.
func (s *Source) mboxUser(p place, again bool) {
	if !again {
		s.inboxes, s.entered = map[string]string{}, false
	}
	u := &mboxUser{s: s, user: p.user, taken: s.inboxes}
	if s.input != nil {
		u.opened(s.input, "", ims.Inbox)
		return
	}
	if p.file {
		dir, name, err := openParent(s.root, p.path)
		if err != nil {
			s.tell(err)
			return
		}
		defer dir.Close()
		u.file(dir, name, ims.Inbox)
		return
	}
	if !u.enterUser() {
		return
	}
	root := s.root
	if p.path != "" {
		var err error
		if root, err = openBelow(s.root, p.path); err != nil {
			s.tell(err)
			return
		}
		defer root.Close()
	}
	u.giveNames(root)
	u.readSubscriptions(root)
	u.folder(root, "", 0)
	u.tellUnseen(root)
	if _, ok := u.taken[ims.Inbox]; !ok && u.taken["In"] != "" {
		s.told(u.taken["In"], "no-inbox", 1, "the user has no INBOX, and a mailbox In, which is Eudora's name for it: a file INBOX in its place becomes the INBOX")
	}
}

// enterUser gives the user, once. false: nobody wants more.
func (u *mboxUser) enterUser() bool {
	if u.s.entered {
		return !u.s.over
	}
	u.s.entered = true
	return u.s.emit(&sims.Member{Kind: sims.User, Name: u.user, User: u.user, Subscribed: -1})
}

// openParent opens the directory that a path leads to the last part of.
func openParent(d *maildir.Dir, path string) (*maildir.Dir, string, error) {
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		sub, err := d.Again()
		return sub, path, err
	}
	sub, err := openBelow(d, path[:i])
	return sub, path[i+1:], err
}

type mboxUser struct {
	s          *Source
	user       string
	taken      map[string]string // paths of mailboxes by their names
	names      *nameGiver
	subscribed map[string]bool // nil: not said
	list       string          // the file that says it
}

// giveNames gives names to the mailboxes of a folder whose own no store has.
// Which names are in UTF-8 can only be seen from all of them.
func (u *mboxUser) giveNames(root *maildir.Dir) {
	var list, odd []string
	at := map[string]string{}
	u.eachFile(root, "", 0, func(d *maildir.Dir, n, mailbox string) {
		if _, ok := at[mailbox]; !ok {
			list, at[mailbox] = append(list, mailbox), below(d, n)
		}
	})
	u.names = u.s.newNaming(list)
	for _, name := range list {
		if keep := keepable(name); keep != name || u.names.plain(keep) != name {
			odd = append(odd, name)
		} else {
			u.names.take(name)
		}
	}
	for _, name := range odd {
		u.names.give(name, at[name])
	}
	u.names.tell(root.Path())
}

// eachFile calls do with the files that folder will read, and the names of
// their mailboxes. What is wrong is told there.
func (u *mboxUser) eachFile(d *maildir.Dir, name string, depth int, do func(d *maildir.Dir, n, mailbox string)) {
	names, _ := d.Names()
	inOrder(names)
	for _, n := range names {
		info, err := d.Stat(n)
		switch {
		case err != nil || notMail(n):
		case info.Regular:
			do(d, n, mailboxOf(name, plainName(d, n)))
		case info.Dir && depth < maxLevels:
			if sub, err := d.Open(n); err == nil {
				if !sub.IsMailbox() {
					u.eachFile(sub, folderOf(name, n), depth+1, do)
				}
				sub.Close()
			}
		}
	}
}

// folder goes through a folder of mailbox files. name is the mailbox that it
// belongs to; "" is the user.
func (u *mboxUser) folder(d *maildir.Dir, name string, depth int) {
	names, err := d.Names()
	if err != nil {
		u.s.tell(err)
	}
	inOrder(names)
	for _, n := range names {
		if u.s.over {
			return
		}
		if notMail(n) {
			if what := hidden(d, n); what != "" {
				u.s.told(below(d, n), "hidden", 2, what)
			} else if info, err := d.Stat(n); err == nil && info.Regular && !isSubscriptions(n) && !ofExport(n) {
				u.s.stray(below(d, n))
			}
			continue
		}
		info, err := d.Stat(n)
		switch {
		case err != nil:
			u.s.tell(err)
		case info.Dir:
			u.enter(d, n, name, depth)
		case info.Regular:
			u.file(d, n, u.names.of(mailboxOf(name, plainName(d, n))))
		default:
			u.s.told(below(d, n), maildir.NotRegular, 2, "a link or a device: not read")
		}
	}
}

// inOrder sorts the names in a folder.
func inOrder(names []string) {
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(strings.Compare(orderOf(a), orderOf(b)), strings.Compare(a, b)) })
}

// orderOf puts a folder behind the mailbox that it belongs to.
func orderOf(name string) string {
	if name == "folder.msg" {
		return ""
	}
	folder, _ := belowMailbox(name)
	return withoutEnd(folder)
}

// belowMailbox is the mailbox whose folder has this name: "X.sbd" of Mozilla,
// "X.fol" of Eudora and ".X.directory" of KMail belong to mailbox X. ok is
// false for a name that says nothing of that kind.
func belowMailbox(folder string) (mailbox string, ok bool) {
	for _, end := range [...]string{".sbd", ".fol"} {
		if mailbox, ok := strings.CutSuffix(folder, end); ok && mailbox != "" {
			return mailbox, true
		}
	}
	if mailbox, ok := strings.CutSuffix(folder, ".directory"); ok && len(mailbox) > 1 && mailbox[0] == '.' {
		return mailbox[1:], true
	}
	return folder, false
}

// withoutEnd is the name of a mailbox file without what says that it is one:
// ".mbox", or ".mbx" of Eudora.
func withoutEnd(file string) string {
	for _, end := range [...]string{".mbox", ".mbx"} {
		if name, ok := strings.CutSuffix(file, end); ok && name != "" {
			return name
		}
	}
	return file
}

// notMail tells names that are neither a mailbox file nor a folder of them.
func notMail(name string) bool {
	_, isFolder := belowMailbox(name)
	return name[0] == '.' && !isFolder || mbox.NotMail(name)
}

const (
	hiddenMbox    = "a mailbox file by its text, and by its name a file that mail programs keep for themselves: not read"
	hiddenMessage = "a message by its text, and by its name a file that mail programs keep for themselves: not read"
	hiddenFolder  = "mail in a folder that is hidden, or that mail programs keep for themselves by its name: not read"
)

// hidden says what mail is where none is looked for; "" is none.
func hidden(d *maildir.Dir, name string) string {
	if d.BeginsAsMbox(name) {
		return hiddenMbox
	}
	if isMessageFile(d, name) {
		return hiddenMessage
	}
	if info, err := d.Stat(name); err == nil && info.Dir && holdsMail(d, name, 0) {
		return hiddenFolder
	}
	return ""
}

// holdsMail tells whether there is a mailbox file, a message or a Maildir in a
// folder, or below it.
func holdsMail(d *maildir.Dir, name string, depth int) bool {
	sub, err := d.Open(name)
	if err != nil {
		return false
	}
	defer sub.Close()
	names, _ := sub.Names() // what cannot be read has none that can be
	return sub.IsMailbox() || slices.ContainsFunc(names, func(n string) bool {
		info, err := sub.Stat(n)
		if err != nil || !info.Dir {
			return err == nil && (sub.BeginsAsMbox(n) || isMessageFile(sub, n))
		}
		return depth < maxLevels && holdsMail(sub, n, depth+1)
	})
}

// below is the path of a name in a directory.
func below(d *maildir.Dir, name string) string {
	return strings.TrimPrefix(d.Path()+"/"+name, "/")
}

// mailboxOf is the mailbox of a file in the folder of another.
func mailboxOf(folder, file string) string {
	switch {
	case folder != "" && (file == "folder.msg" || file == "mbox" && strings.HasSuffix(folder, ".mbox")):
		return strings.TrimSuffix(folder, ".mbox")
	case folder == "":
		return ims.Canonical(withoutEnd(file))
	}
	return folder + "/" + withoutEnd(file)
}

func (u *mboxUser) enter(d *maildir.Dir, n, name string, depth int) {
	if depth >= maxLevels {
		u.s.told(below(d, n), maildir.BadMailbox, 2, "too many levels: not read")
		return
	}
	sub, err := d.Open(n)
	if err != nil {
		u.s.tell(err)
		return
	}
	defer sub.Close()
	if sub.IsMailbox() {
		u.s.told(sub.Path(), maildir.BadMailbox, 2, "a Maildir among mailbox files: not read")
		return
	}
	u.folder(sub, folderOf(name, n), depth+1)
}

// folderOf is the mailbox that a folder in another belongs to.
func folderOf(name, folder string) string {
	child, _ := belowMailbox(folder)
	if name == "" {
		return ims.Canonical(child)
	}
	return name + "/" + child
}

// subscriptionLists are the files with subscriptions that Dovecot and UW keep.
var subscriptionLists = [...]string{".subscriptions", "subscriptions", ".mailboxlist"}

func isSubscriptions(name string) bool { return slices.Contains(subscriptionLists[:], name) }

// readSubscriptions reads the first of them that there is.
func (u *mboxUser) readSubscriptions(d *maildir.Dir) {
	for _, name := range subscriptionLists {
		found := d.ReadFile(name, maildir.BadSubscription, func(e *maildir.Error) { u.s.tell(e) }, func(r io.Reader) error {
			names, err := maildir.ReadSubscriptions(r, maildir.Naming{Layout: maildir.FS}, func(e *maildir.Error) {
				c := *e
				c.Path = below(d, name)
				u.s.tell(&c)
			})
			u.subscribed = make(map[string]bool)
			for _, n := range names {
				u.subscribed[u.names.listed(strings.TrimSuffix(n, "/folder.msg"))] = true // as servers show it
			}
			return err
		})
		if found {
			u.list = name
			return
		}
	}
}

func (u *mboxUser) isSubscribed(name string) int8 {
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
func (u *mboxUser) tellUnseen(d *maildir.Dir) {
	u.s.tellUnsubscribed(below(d, u.list), u.subscribed)
}
