package trees

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"imsconv/storeconv"
	"imsconv/storeconv/maildir"
	"imsconv/storeconv/mbox"
	"imsconv/storeconv/sims"
)

// Kind is what a tree is made of.
type Kind uint8

// The kinds.
const (
	Mbox    Kind = iota + 1 // mailbox files
	Maildir                 // Maildirs
)

// String is the name of a kind, "mbox" or "maildir".
func (k Kind) String() string {
	if k == Mbox {
		return "mbox"
	}
	return "maildir"
}

// Options say how a tree is read, as they do for the restore. The zero value
// looks.
type Options struct {
	Kind    Kind
	User    string          // whose mail it is, where it is one user's
	Path    string          // where a user's mail lies, such as "%d/%n/Maildir"
	Layout  *maildir.Layout // nil: look, for each user
	Escape  *bool           // likewise
	Quoting mbox.Quoting
	Encoded bool      // names of mailboxes are in an encoding that the caller reads
	Input   io.Reader // a mailbox file, in place of the path; nil: none
	Log     storeconv.Log
}

// Write writes the tree, or the mailbox file, at path as a backup stream, whose
// product is the kind. The error is of the destination, of the context, or of a
// path that has no mail.
func Write(ctx context.Context, dst io.Writer, path string, opt Options) error {
	if opt.Log == nil {
		opt.Log = storeconv.Discard
	}
	w := &writer{ctx: ctx, opt: opt, root: path, links: make(map[fileID]first)}
	places, err := w.places()
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if w.out, err = sims.NewWriter(dst, sims.Header{Product: w.opt.Kind.String()}, 0); err != nil {
		return err
	}
	for i, p := range places {
		again := i > 0 && places[i-1].user == p.user
		if err := w.user(p, again); err != nil {
			return err
		}
	}
	return w.out.Close()
}

type writer struct {
	ctx   context.Context
	opt   Options
	root  string
	out   *sims.Writer
	mail  *mboxUser // at work
	links map[fileID]first

	// Of an export that the tree is, or is a part of: its words, its folder, and
	// the path of the tree below that. said is nil when it is none.
	said       map[string]string
	top, below string
}

// place is where mail of a user lies.
type place struct {
	user, path string
	file       bool // a mailbox file, his INBOX
}

func (w *writer) problem(path, kind, format string, args ...any) {
	w.opt.Log.Problem(kind, path, fmt.Sprintf(format, args...))
}

// told tells of a line or a file that could not be read.
func (w *writer) told(path string, err error) {
	var e interface {
		Kind() string
		Severity() int
	}
	switch {
	case !errors.As(err, &e):
		w.problem(path, "unreadable", "%v", err)
	case e.Severity() > 1:
		w.problem(path, e.Kind(), "%v", err)
	}
}

func (w *writer) user(p place, again bool) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	if w.opt.Kind == Mbox {
		return w.mboxUser(p, again)
	}
	return w.maildirUser(p)
}

func (w *writer) member(m *sims.Member) error {
	if m.Kind == sims.User || m.Kind == sims.Message || m.Kind == sims.Link {
		m.Subscribed = -1
	}
	return w.out.WriteMember(m)
}

// body writes a message and its body, whose size is known.
func (w *writer) body(m *sims.Member, body io.Reader) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	if err := w.member(m); err != nil {
		return err
	}
	n, err := io.CopyN(w.out, body, m.Size)
	if err != nil {
		return fmt.Errorf("%s: %d of %d bytes: %w", m.Name, n, m.Size, err)
	}
	return nil
}

// homes are the usual names of a Maildir in a user's home.
var homes = []string{"Maildir", ".maildir", ".Maildir", "mail", "mdbox"}

// places finds out whose mail lies where.
func (w *writer) places() ([]place, error) {
	if w.opt.Input != nil {
		w.opt.Kind = Mbox
		return []place{{w.opt.User, "", true}}, nil
	}
	info, err := os.Stat(w.root)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		if w.opt.Kind == Maildir {
			return nil, errors.New("a file, where Maildirs should be")
		}
		w.opt.Kind = Mbox
		return []place{{cmp.Or(w.opt.User, withoutEnd(plainName(w.root))), w.root, true}}, nil
	}
	w.findExport()
	kind, exported := map[string]Kind{"maildir": Maildir, "mbox": Mbox}[w.said["to"]]
	if !exported || w.opt.Kind != 0 && w.opt.Kind != kind || kind == Mbox && w.opt.Path != "" {
		w.said = nil
	} else {
		w.opt.Kind = kind
	}
	if w.opt.Kind == 0 {
		if isDir(filepath.Join(w.root, "partition")) && isDir(filepath.Join(w.root, "mboxlist")) {
			return nil, errors.New("a store, and nothing that one was restored from")
		}
		w.opt.Kind = Mbox
		if isHome(w.root) || strings.HasSuffix(w.opt.Path, "Maildir") || len(w.maildirs()) > 0 {
			w.opt.Kind = Maildir
		}
	}
	var found []place
	if w.said != nil && w.opt.Path == "" && w.opt.User == "" {
		if found, exported = w.exported(); !exported {
			found = nil
		}
	}
	switch {
	case found != nil:
	case w.opt.Path != "":
		found, err = w.byTemplate()
	case w.opt.User != "":
		found = []place{{user: w.opt.User, path: w.root}}
	case w.opt.Kind == Mbox:
		found = w.mboxes()
	case isHome(w.root):
		var user string
		user, err = ownerOf(w.root)
		found = []place{{user: user, path: w.root}}
	default:
		found = w.maildirs()
		w.besides()
		if len(found) == 1 && slices.Contains(homes, found[0].user) && filepath.Dir(found[0].path) == filepath.Clean(w.root) {
			found[0].user, err = ownerOf(w.root) // it is his home
		}
	}
	slices.SortStableFunc(found, func(a, b place) int { return strings.Compare(a.user, b.user) })
	if err == nil && len(found) == 0 {
		err = errors.New("no user with mail in it")
	}
	return found, err
}

// ownerOf is the user of a single Maildir: the directory that it lies in.
func ownerOf(path string) (string, error) {
	full, err := filepath.Abs(path)
	for err == nil && slices.Contains(homes, filepath.Base(full)) {
		full = filepath.Dir(full)
	}
	return filepath.Base(full), err
}

// isDir tells a directory that is no link to one.
func isDir(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.IsDir()
}

func isRegular(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Mode().IsRegular()
}

// isMailbox tells a directory with messages in it.
func isMailbox(dir string) bool {
	return isDir(filepath.Join(dir, "cur")) || isDir(filepath.Join(dir, "new"))
}

// isHome tells the Maildir of a user, who may have INBOX as one of its folders.
func isHome(dir string) bool {
	list, _ := names(dir) // what cannot be read is nobody's
	return isMailbox(dir) || slices.ContainsFunc(list, func(name string) bool {
		path := filepath.Join(dir, name)
		return inbox(name) == "INBOX" && isDir(path) && isMailbox(path)
	})
}

// names lists a directory, sorted.
func names(dir string) ([]string, error) {
	list, err := os.ReadDir(dir)
	out := make([]string, len(list))
	for i, e := range list {
		out[i] = e.Name()
	}
	slices.Sort(out)
	return out, err
}

// folders lists the directories in one, sorted, without hidden ones.
func folders(dir string) (out []string) {
	list, _ := names(dir) // what cannot be read has no users
	for _, name := range list {
		if name[0] != '.' && isDir(filepath.Join(dir, name)) {
			out = append(out, name)
		}
	}
	return out
}

// beside tells of a mailbox file where none is looked for. Nothing is told of
// other files.
func (w *writer) beside(path, kind, text string) {
	if !isRegular(path) {
		return
	}
	if beginsFrom(path) {
		w.problem(path, kind, "%s: not compared", text)
	}
}

// aMessage tells of a message where none is looked for; true: it is one.
func (w *writer) aMessage(path, text string) bool {
	is := isMessageFile(path)
	if is {
		w.problem(path, "no-maildir", "a message %s: not compared", text)
	}
	return is
}

// beginsFrom tells a file that begins as mailbox files do.
func beginsFrom(path string) bool {
	if !isRegular(path) {
		return false
	}
	f, err := os.Open(path)
	if err != nil {
		return false // nobody can say what it is
	}
	defer f.Close()
	return string(firstBytes(f, 5)) == "From "
}

// besides tells of what lies in a tree of Maildirs where users are looked for,
// and is none: mailbox files, links and devices, Maildirs that are hidden or
// lie deeper.
func (w *writer) besides() {
	for i, dir := range append([]string{"."}, folders(w.root)...) {
		dir = filepath.Join(w.root, dir)
		if i > 0 && homeOf(dir) != "" {
			w.besideHome(dir)
			continue
		}
		list, _ := names(dir) // what cannot be read has no files
		for _, name := range list {
			switch path := filepath.Join(dir, name); {
			case isRegular(path) && w.aMessage(path, "among Maildirs"):
			case isRegular(path):
				w.beside(path, "no-maildir", "a mailbox file among Maildirs")
			case !isDir(path):
				w.problem(path, "not-regular", "a link or a device: not compared")
			case name == ".imsconv":
			case i > 0 && name[0] != '.' && homeOf(path) != "":
				w.besideHome(path)
			case name[0] == '.' && holdsMailbox(path, 0), i > 0 && homeOf(path) == "" && holdsMailbox(path, 0):
				w.problem(path, "bad-mailbox", "Maildirs that are no user's: not compared")
			case i > 0 && mailFolder(name) && w.hasMail(path, 0):
				w.problem(path, "no-maildir", "mail in a folder among Maildirs: not compared")
			}
		}
	}
}

// besideHome tells of mail in a user's home that is not in his Maildir.
func (w *writer) besideHome(dir string) {
	home := homeOf(dir)
	if home == dir {
		return
	}
	for _, name := range homes {
		if at := filepath.Join(dir, name); at != home && isDir(at) && isHome(at) {
			w.problem(at, "bad-mailbox", "another Maildir of the user: not compared")
		}
	}
	list, _ := names(dir) // what cannot be read has no files
	for _, name := range list {
		path := filepath.Join(dir, name)
		switch {
		case isRegular(path) && w.aMessage(path, "beside a Maildir"):
		case isRegular(path):
			w.beside(path, "no-maildir", "a mailbox file beside a Maildir")
		case !isDir(path) || slices.Contains(homes, name) && isHome(path):
		case mailFolder(name) && w.hasMail(path, 0):
			w.problem(path, "no-maildir", "mail in a folder beside a Maildir: not compared")
		case holdsMailbox(path, 0):
			w.problem(path, "bad-mailbox", "Maildirs beside that of the user: not compared")
		}
	}
}

// mailFolder tells the names of folders that mail programs make in a home.
func mailFolder(name string) bool { return name == "mail" || name == "Mail" }

// maildirs looks for USER/Maildir, USER and DOMAIN/USER/Maildir.
func (w *writer) maildirs() (found []place) {
	for _, name := range folders(w.root) {
		dir := filepath.Join(w.root, name)
		if home := homeOf(dir); home != "" {
			found = append(found, place{user: name, path: home})
			continue
		}
		for _, user := range folders(dir) {
			if home := homeOf(filepath.Join(dir, user)); home != "" {
				found = append(found, place{user: user + "@" + name, path: home})
			}
		}
	}
	return found
}

// homeOf is the Maildir that a directory is, or that is in it; "" is none.
func homeOf(dir string) string {
	if isHome(dir) {
		return dir
	}
	for _, home := range homes {
		if at := filepath.Join(dir, home); isDir(at) && isHome(at) {
			return at
		}
	}
	return ""
}

// mboxes takes each folder for a user, and each file for the INBOX of one.
func (w *writer) mboxes() (found []place) {
	list, err := names(w.root)
	if err != nil {
		w.told(w.root, err)
	}
	for _, name := range list {
		path := filepath.Join(w.root, name)
		switch {
		case name[0] == '.' || mbox.NotMail(name):
			w.hidden(path)
		case isDir(path):
			found = append(found, place{user: name, path: path})
		case isRegular(path):
			found = append(found, place{withoutEnd(plainName(path)), path, true})
		default:
			w.problem(path, "not-regular", "a link or a device: not compared")
		}
	}
	return found
}
