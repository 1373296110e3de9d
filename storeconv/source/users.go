package source

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"imsconv/storeconv/ims"
	"imsconv/storeconv/maildir"
	"imsconv/storeconv/mbox"
	"imsconv/storeconv/sims"
)

// IsTree tells whether the path is a tree, or a mailbox file: what Open takes.
func IsTree(path string) bool {
	info, err := os.Stat(path)
	if err != nil {
		return false
	}
	if info.IsDir() {
		return true
	}
	if !info.Mode().IsRegular() {
		return false
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head := begins(f, 16)
	text := strings.TrimPrefix(string(head), "\xef\xbb\xbf")
	return strings.HasPrefix(strings.TrimLeft(text, "\r\n"), "From ") || mbox.IsMMDF(head)
}

// findUsers opens the tree and finds out whose mail it has.
func (s *Source) findUsers() error {
	dir, name := s.path, ""
	info, err := os.Stat(s.path)
	switch {
	case err != nil:
		return err
	case !info.IsDir() && s.opt.Kind == Maildir:
		return errors.New("a file, where Maildirs should be")
	case !info.IsDir():
		dir, name = filepath.Split(s.path)
		s.opt.Kind = Mbox
	}
	if s.root, err = maildir.OpenDir(cmp.Or(dir, ".")); err != nil {
		return err
	}
	if name != "" {
		return s.oneFile(name)
	}
	s.readSettings()
	if s.made.kind == 0 || s.opt.Kind != 0 && s.opt.Kind != s.made.kind || s.opt.Path != "" {
		s.made = settings{layout: s.made.layout, escape: s.made.escape}
	}
	if s.opt.Kind == 0 {
		s.opt.Kind = s.made.kind
	}
	if s.opt.Kind == 0 {
		if in(s.root, "partition", isAny) && in(s.root, "mboxlist", isAny) {
			return errors.New("a store, and no tree of mailbox files or Maildirs: backup and export read stores")
		}
		s.opt.Kind = Mbox
		if s.looksMaildir() {
			s.opt.Kind = Maildir
		}
	}
	err = s.find()
	slices.SortStableFunc(s.users, func(a, b place) int { return cmp.Compare(a.user, b.user) })
	if err == nil && len(s.users) == 0 {
		err = fmt.Errorf("no user with mail of the kind %v", s.opt.Kind)
	}
	return err
}

// oneFile is a mailbox file, the INBOX of a user.
func (s *Source) oneFile(name string) error {
	user := s.opt.User
	if user == "" {
		user = withoutEnd(plainName(s.root, name))
	}
	s.users = []place{{user, name, true}}
	s.path = filepath.Dir(s.path)
	return nil
}

func (s *Source) find() error {
	switch {
	case s.opt.Path != "":
		return s.byTemplate()
	case s.opt.User != "":
		s.users = []place{{user: s.opt.User}}
		return nil
	case s.made.kind != 0:
		if ok, err := s.exported(); ok || err != nil {
			return err
		}
	}
	switch {
	case s.opt.Kind == Mbox:
		return s.mboxUsers()
	case isHome(s.root):
		user, err := userOf(s.path)
		s.users = []place{{user: user}}
		s.noteOne(user)
		return err
	}
	if err := s.maildirUsers(); err != nil {
		return err
	}
	return s.nameHome()
}

// nameHome names the user of a tree that is his home, with the Maildir in it
// and no other. Beside those of others a Maildir is one's of its name.
func (s *Source) nameHome() error {
	for i := range s.users {
		p := &s.users[i]
		if p.path != p.user || !slices.Contains(homeNames, p.user) {
			continue
		}
		text := "taken for the mail of a user of this name, as others are in the tree; --user with this folder alone names another"
		if len(s.users) == 1 {
			user, err := userOf(s.path)
			if err != nil {
				return err
			}
			p.user = user
			text = oneUser(user)
		}
		s.early = append(s.early, &sims.Error{Name: p.path, Class: "one-user", Tolerated: true, Text: text})
	}
	return nil
}

// noteOne warns that the name of a folder has said whose mail the tree is.
// Where users may lie side by side, one of them called INBOX, it may be theirs.
func (s *Source) noteOne(user string) {
	text := oneUser(user)
	if full, err := filepath.Abs(s.path); err == nil && !s.root.IsMailbox() && user == filepath.Base(full) {
		text = "a folder INBOX is in the tree, which is the mail of one user then; --path %u makes its folders users"
	}
	s.early = append(s.early, &sims.Error{Name: user, Class: "one-user", Tolerated: true, Text: text})
}

func oneUser(user string) string {
	return fmt.Sprintf("taken for the mail of user %s, as the folder is called that it lies in; --user names another", user)
}

// userOf names the user of a Maildir by its path: the last part of it that is
// no name of a Maildir.
func userOf(path string) (string, error) {
	full, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	for slices.Contains(homeNames, filepath.Base(full)) {
		full = filepath.Dir(full)
	}
	user := filepath.Base(full)
	if user == "/" || user == "." {
		return "", errors.New("whose mail is this?")
	}
	return user, nil
}

// homeNames are the usual names of a Maildir in a user's home.
var homeNames = []string{"Maildir", ".maildir", ".Maildir", "mail", "mdbox"}

// looksMaildir tells whether the tree has a Maildir in one of the usual places.
func (s *Source) looksMaildir() bool {
	if isHome(s.root) {
		return true
	}
	if strings.HasSuffix(s.opt.Path, "Maildir") {
		return true
	}
	probe := &Source{root: s.root, path: s.path}
	return probe.maildirUsers() == nil && len(probe.users) > 0
}

// maildirUsers looks for users as DIR/USER/Maildir, DIR/USER and one level
// deeper, in domains.
func (s *Source) maildirUsers() error {
	return s.eachDir(s.root, "", func(name string, d *maildir.Dir) error {
		if s.maildirUser1(name, name, d) {
			return nil
		}
		return s.eachDir(d, name+"/", func(user string, sub *maildir.Dir) error {
			if s.maildirUser1(user+"@"+name, name+"/"+user, sub) {
				return nil
			}
			switch {
			case sub.HasMailbox():
				s.noteBad(name+"/"+user, &maildir.Error{Class: maildir.BadMailbox, Text: "Maildirs below it that are no user's: say where users' mail lies"})
			case isMailFolder(user) && holdsMail(d, user, 0):
				s.noteBad(name+"/"+user, &maildir.Error{Class: maildir.NoMaildir, Text: "mail in a folder among Maildirs: not read"})
			}
			return nil
		})
	})
}

// maildirUser1 notes a user whose Maildir is d, or is in it. Other mail in his
// home is told.
func (s *Source) maildirUser1(user, path string, d *maildir.Dir) bool {
	if isHome(d) {
		s.users = append(s.users, place{user: user, path: path})
		return true
	}
	found := false
	for _, home := range homeNames {
		is := in(d, home, isHome)
		switch at := path + "/" + home; {
		case is && found:
			s.noteBad(at, &maildir.Error{Class: maildir.BadMailbox, Text: "another Maildir of the user: not read"})
		case is:
			found = true
			s.users = append(s.users, place{user: user, path: at})
		}
	}
	if found {
		s.noteHome(d, path)
	}
	return found
}

// isMailFolder tells the folders that mail programs make in a home.
func isMailFolder(name string) bool { return name == "mail" || name == "Mail" }

// noteHome keeps mail that lies in a home beside a Maildir: mailbox files, also
// in one of the folders that mail programs make there, and Maildirs under names
// that are none of the usual ones, such as those of copies.
func (s *Source) noteHome(d *maildir.Dir, path string) {
	names, err := d.Names()
	if err != nil {
		s.noteBad(path, err)
	}
	slices.Sort(names)
	for _, name := range names {
		if !slices.Contains(homeNames, name) || !in(d, name, isHome) { // else it is the Maildir, or told
			s.noteBeside(d, path+"/"+name, name)
		}
	}
}

// noteBeside keeps a name in a home beside the user's Maildir, where it is
// mail.
func (s *Source) noteBeside(d *maildir.Dir, path, name string) {
	switch {
	case d.BeginsAsMbox(name):
		s.noteBad(path, &maildir.Error{Class: maildir.NoMaildir, Text: "a mailbox file beside a Maildir: not read"})
	case isMessageFile(d, name):
		s.noteBad(path, &maildir.Error{Class: maildir.NoMaildir, Text: "a message beside a Maildir: not read"})
	case isMailFolder(name) && holdsMail(d, name, 0):
		s.noteBad(path, &maildir.Error{Class: maildir.NoMaildir, Text: "mail in a folder beside a Maildir: not read"})
	case in(d, name, (*maildir.Dir).HasMailbox):
		s.noteBad(path, &maildir.Error{Class: maildir.BadMailbox, Text: "Maildirs beside that of the user: not read"})
	}
}

// isHome tells the Maildir of a user: INBOX, or where clients keep it with the
// others in a folder, one that has it in it.
func isHome(d *maildir.Dir) bool {
	if d.IsMailbox() {
		return true
	}
	names, _ := d.Names() // what cannot be read is nobody's
	return slices.ContainsFunc(names, func(name string) bool {
		return strings.EqualFold(name, ims.Inbox) && in(d, name, (*maildir.Dir).IsMailbox)
	})
}

// in tells whether a name is a directory of which is is true.
func in(d *maildir.Dir, name string, is func(*maildir.Dir) bool) bool {
	sub, err := d.Open(name)
	if err != nil {
		return false
	}
	defer sub.Close()
	return is(sub)
}

func isAny(*maildir.Dir) bool { return true }

// eachDir calls do with every directory in d that is not hidden.
func (s *Source) eachDir(d *maildir.Dir, prefix string, do func(name string, d *maildir.Dir) error) error {
	names, err := d.Names()
	if err != nil {
		return err
	}
	slices.Sort(names)
	for _, name := range names {
		info, err := d.Stat(name)
		if err != nil || !info.Dir {
			s.noteOther(prefix+name, err == nil && !info.Regular)
			if err == nil && info.Regular {
				s.noteMail(d, name, prefix+name)
			}
			continue
		}
		sub, err := d.Open(name)
		switch {
		case err != nil:
			s.noteBad(prefix+name, err)
			continue
		case name == ".imsconv":
		case name[0] == '.':
			if sub.HasMailbox() {
				s.noteBad(prefix+name, &maildir.Error{Class: maildir.BadMailbox, Text: "Maildirs in a directory with a dot in front, which is no user's: not read"})
			}
		default:
			err = do(name, sub)
		}
		sub.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// noteMail keeps a file that lies among Maildirs, where it is mail.
func (s *Source) noteMail(d *maildir.Dir, name, path string) {
	switch {
	case d.BeginsAsMbox(name):
		s.noteBad(path, &maildir.Error{Class: maildir.NoMaildir, Text: "a mailbox file among Maildirs: not read"})
	case isMessageFile(d, name):
		s.noteBad(path, &maildir.Error{Class: maildir.NoMaildir, Text: "a message among Maildirs: not read"})
	case !ofExport(name):
		s.stray(path)
	}
}

// mboxUsers takes every directory and every mailbox file of the tree for a
// user's.
func (s *Source) mboxUsers() error {
	names, err := s.root.Names()
	if err != nil {
		return err
	}
	slices.Sort(names)
	for _, name := range names {
		if name[0] == '.' || mbox.NotMail(name) {
			if what := hidden(s.root, name); what != "" {
				s.noteBad(name, &maildir.Error{Class: "hidden", Text: what})
			} else if info, err := s.root.Stat(name); err == nil && info.Regular && !ofExport(name) {
				s.stray(name)
			}
			continue
		}
		info, err := s.root.Stat(name)
		switch {
		case err != nil:
			s.noteBad(name, err)
		case info.Dir:
			s.users = append(s.users, place{user: name, path: name})
		case info.Regular:
			s.users = append(s.users, place{withoutEnd(plainName(s.root, name)), name, true})
		default:
			s.noteOther(name, true)
		}
	}
	return nil
}
