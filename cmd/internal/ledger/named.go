package ledger

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"imsconv/cmd/internal/cli"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/sims"
)

// maxNamed is how many mailboxes and users that problems name are kept.
const maxNamed = 100_000

// named are the mailboxes, and users, that problems name.
type named struct {
	of   map[mailbox]*fault
	list []mailbox // in the order of their first problem

	anywhere []*loss // losses that name no mailbox, or one that cannot be kept in mind: one a part
	part     *Part   // whose problems come; nil: of the whole
	ofPart   *loss   // of anywhere; nil: none yet
}

// loss is a fault that may be of any mailbox of some users.
type loss struct {
	fault
	users map[string]bool // by lower-case id; nil: all
}

func (l *loss) of(user string) bool { return l.users == nil || l.users[strings.ToLower(user)] }

// mailbox is one mailbox; without a folder a whole user.
type mailbox struct{ user, folder string }

// fault is the first problem of a mailbox.
type fault struct {
	kind, text string
	more       int64
	met        bool // the mailbox is in the output
}

func newNamed() *named { return &named{of: make(map[mailbox]*fault)} }

// add takes a problem, where its position names a mailbox or a user, or should.
func (n *named) add(l cli.Line) {
	m, ok := mailboxOf(l.Where)
	switch name, inStream := inStream(l.Where); {
	case inStream && !ok:
		if l.Kind != sims.BadValue { // it lost no message
			n.addAnywhere(l, 1)
		}
		return
	case !ok:
		return
	case inStream && l.Kind == sims.BadName && !isMember(name):
		// What the rest of the name should be nobody knows.
		if m.folder = ""; !isReadable(m.user) {
			n.addAnywhere(l, 1)
			return
		}
	}
	if f := n.of[m]; f != nil {
		f.more++
		return
	}
	if len(n.list) == maxNamed {
		n.addAnywhere(l, 1)
		return
	}
	n.of[m] = &fault{kind: l.Kind, text: l.Text}
	n.list = append(n.list, m)
}

// addAnywhere takes n problems, of which one is l, that may be of any mailbox.
func (n *named) addAnywhere(l cli.Line, many int64) {
	if n.ofPart != nil {
		n.ofPart.more += many
		return
	}
	n.ofPart = &loss{fault: fault{kind: l.Kind, text: l.Text + ", and no mailbox is named", more: many - 1}, users: n.part.users()}
	n.anywhere = append(n.anywhere, n.ofPart)
}

// begin says that problems of a part come now.
func (n *named) begin(p *Part) { n.part, n.ofPart = p, nil }

// users are those of a batch, which takes the mail of nobody else; nil where
// the part has all, or its list cannot be read.
func (p *Part) users() map[string]bool {
	if p == nil || p.Run.Batch == "" {
		return nil
	}
	list, err := os.ReadFile(filepath.Join(p.Dir, usersName))
	if err != nil {
		return nil
	}
	users := make(map[string]bool)
	for line := range strings.Lines(string(list)) {
		users[strings.ToLower(strings.TrimSpace(line))] = true
	}
	return users
}

func isMember(name string) bool {
	_, _, _, ok := sims.SplitName(name)
	return ok
}

// isReadable tells a user id that damage has left alone.
func isReadable(user string) bool { return ims.CheckUserID(user) == nil && user[0] != '.' }

// judge gives a row its state. The fault of a whole user is one of all of the
// user's mailboxes.
func (n *named) judge(r *Row) {
	user := n.of[mailbox{r.User, ""}]
	if user != nil {
		user.met = true
	}
	f := n.of[mailbox{r.User, r.Name}]
	if f != nil {
		f.met = true
	} else if f = user; f == nil {
		if i := slices.IndexFunc(n.anywhere, func(l *loss) bool { return l.of(r.User) }); i >= 0 {
			r.State, r.Reason = Unsure, n.anywhere[i].reason()
		}
		return
	}
	r.State, r.Reason = Incomplete, f.reason()
}

func (f *fault) reason() string {
	if f.more == 0 {
		return f.kind + ": " + f.text
	}
	return f.kind + ": " + f.text + " (and more)"
}

// missing calls each for the mailboxes that problems name and that have not
// been met.
func (n *named) missing(each func(*Row) error) error {
	for _, m := range n.list {
		f := n.of[m]
		if f.met {
			continue
		}
		r := &Row{User: m.user, Name: m.folder, Folder: folderText(m.folder), State: Missing, Reason: f.reason()}
		if err := each(r); err != nil {
			return err
		}
	}
	return nil
}

// mailboxOf finds the mailbox that a position names: as a path in a store, as
// the name of a mailbox in a list, or as a name in a stream.
func mailboxOf(where string) (m mailbox, ok bool) {
	if name, ok := inStream(where); ok {
		user, rest, _ := strings.Cut(name, "/")
		return mailbox{user, withoutUID(rest)}, user != ""
	}
	last := where
	if i := strings.LastIndex(where, ": "); i >= 0 {
		last = where[i+2:]
	}
	last = unquoted(last)
	if i := strings.Index(last, "=user/"); i >= 0 {
		return ofPath(last[i+len("=user/"):])
	}
	if name, ok := strings.CutPrefix(last, "user/"); ok {
		user, folder, _ := strings.Cut(name, "/")
		return mailbox{user, ofInbox(folder, user)}, user != ""
	}
	return m, false
}

// inStream finds the name of a member in a position of a stream; there may be
// none.
func inStream(where string) (name string, ok bool) {
	const offset = ": offset "
	i := strings.Index(where, offset)
	if i < 0 {
		return "", false
	}
	rest := strings.TrimLeft(where[i+len(offset):], "0123456789")
	if rest == "" {
		return "", true
	}
	name, ok = strings.CutPrefix(rest, ": ")
	return unquoted(name), ok
}

// unquoted is a name that a message has in quotes; one that was too long has
// been cut.
func unquoted(name string) string {
	if !strings.HasPrefix(name, `"`) {
		return name
	}
	if plain, err := strconv.Unquote(strings.TrimSuffix(name, "...")); err == nil {
		return plain
	}
	return name
}

// ofInbox: the name of a mailbox without a folder is that of the INBOX.
func ofInbox(folder, user string) string {
	if folder == "" && user != "" {
		return ims.Inbox
	}
	return folder
}

// ofPath reads what follows =user/ in the path of a file or directory of a
// store: two hash directories, the user, the folders.
func ofPath(path string) (m mailbox, ok bool) {
	parts := strings.Split(path, "/")
	if len(parts) < 3 || !strings.HasPrefix(parts[2], "=") {
		return m, false
	}
	m.user = plainName(parts[2])
	var folders []string
	for _, p := range parts[3:] {
		if !strings.HasPrefix(p, "=") {
			if len(folders) == 0 {
				folders = append(folders, ims.Inbox) // a file of it
			}
			break
		}
		folders = append(folders, plainName(p))
	}
	m.folder = strings.Join(folders, "/")
	return m, true
}

// plainName is the name that a directory stands for; one that stands for none
// is its own.
func plainName(escaped string) string {
	if name, err := ims.UnescapeName(escaped[1:]); err == nil {
		return name
	}
	return escaped
}

// withoutUID takes the UID off the name of a message in a stream.
func withoutUID(name string) string {
	i := strings.LastIndexByte(name, '/')
	if i > 0 && i+1 < len(name) && strings.Trim(name[i+1:], "0123456789") == "" {
		return name[:i]
	}
	return name
}
