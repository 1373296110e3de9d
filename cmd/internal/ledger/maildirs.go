package ledger

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"imsconv/storeconv/ims"
	"imsconv/storeconv/maildir"
)

// maxUserDepth is how deep below the export a user's Maildir is looked for,
// unless the export says that they lie deeper.
const maxUserDepth = 6

// exportMade is the file in an export that says what it was made with.
const exportMade = ims.WorkDir + "/export"

// made is what an export was made with.
type made struct {
	layout  maildir.Layout
	escaped bool
	id      *regexp.Regexp // of a user's path below the export
	domain  string         // of ids without one
	depth   int            // how deep a user's Maildir may lie
}

// maildirs goes through an export.
func (w *walker) maildirs(dir string) error {
	text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(exportMade)))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	root, err := maildir.OpenDir(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	return w.users(root, readMade(string(text)), "", 0)
}

// readMade takes the options of an export apart; where it says none they are
// the defaults.
func readMade(text string) *made {
	m := &made{escaped: true}
	path := "%u/Maildir"
	for line := range strings.Lines(text) {
		switch key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " "); key {
		case "path":
			path = value
		case "domain":
			m.domain = value
		case "layout":
			if value == "fs" {
				m.layout = maildir.FS
			}
		case "names":
			m.escaped = value != "plain"
		}
	}
	m.id, m.depth = pathPattern(path), max(maxUserDepth, strings.Count(path, "/")+1)
	return m
}

// pathPattern finds the id of a user in the path of a Maildir: %u is the id, %n
// and %d its parts.
func pathPattern(template string) *regexp.Regexp {
	var b strings.Builder
	b.WriteString("^")
	seen := map[byte]bool{}
	for i := 0; i < len(template); i++ {
		c := template[i]
		if c != '%' || i+1 == len(template) {
			b.WriteString(regexp.QuoteMeta(string(c)))
			continue
		}
		i++
		switch c = template[i]; {
		case c != 'u' && c != 'n' && c != 'd':
			b.WriteString(regexp.QuoteMeta(string(c)))
		case seen[c]:
			b.WriteString("[^/]*")
		default:
			seen[c] = true
			b.WriteString("(?P<" + string(c) + ">[^/]*)")
		}
	}
	b.WriteString("$")
	return regexp.MustCompile(b.String()) // built of quoted pieces
}

// user is the id that a Maildir's path stands for; a path that stands for none
// is its own.
func (m *made) user(path string) string {
	match := m.id.FindStringSubmatch(path)
	if match == nil {
		return path
	}
	part := func(name string) string {
		if i := m.id.SubexpIndex(name); i >= 0 {
			return match[i]
		}
		return ""
	}
	switch u, n, d := part("u"), part("n"), part("d"); {
	case u != "":
		return u
	case n != "" && d != "" && d != m.domain:
		return n + "@" + d
	case n != "":
		return n
	}
	return path
}

// users looks for Maildirs below a directory.
func (w *walker) users(d *maildir.Dir, m *made, path string, depth int) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	if d.IsMailbox() {
		return w.maildir(d, m, path)
	}
	if depth == m.depth {
		return nil
	}
	names, err := d.Names()
	if err != nil {
		w.fault(mailDir+"/"+path, err)
	}
	slices.Sort(names)
	for _, name := range names {
		info, err := d.Stat(name)
		if err != nil || !info.Dir || name == ims.WorkDir {
			continue
		}
		if err := w.below(d, m, strings.TrimPrefix(path+"/"+name, "/"), name, depth); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) below(d *maildir.Dir, m *made, path, name string, depth int) error {
	sub, err := d.Open(name)
	if err != nil {
		w.fault(mailDir+"/"+path, err)
		return nil
	}
	defer sub.Close()
	return w.users(sub, m, path, depth+1)
}

// maildir makes the rows of one user.
func (w *walker) maildir(d *maildir.Dir, m *made, path string) error {
	tell := func(e *maildir.Error) {
		if e.Class != maildir.Stray {
			w.fault(mailDir+"/"+path, e)
		}
	}
	user := m.user(path)
	folders := maildir.Folders(d, m.layout, tell)
	if err := w.folder(d, user, ims.Inbox, tell); err != nil {
		return err
	}
	naming := maildir.Naming{Layout: m.layout, Escape: m.escaped}
	for _, dir := range folders {
		if dir == "" {
			continue
		}
		name, ok := naming.Mailbox(dir)
		if !ok {
			name = dir
		}
		if err := w.open(d, user, dir, name, tell); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) open(d *maildir.Dir, user, dir, name string, tell func(*maildir.Error)) error {
	for part := range strings.SplitSeq(dir, "/") {
		sub, err := d.Open(part)
		if err != nil {
			w.fault(mailDir, err)
			return nil
		}
		defer sub.Close()
		d = sub
	}
	return w.folder(d, user, name, tell)
}

// folder makes the row of one mailbox.
func (w *walker) folder(d *maildir.Dir, user, name string, tell func(*maildir.Error)) error {
	box := maildir.ReadBox(d, tell)
	row := &Row{User: user, Name: name, Folder: folderText(name), UIDValidity: box.Header.Validity}
	sum := newDigest()
	sum.known = w.digests || box.Len() == 0
	for i := range box.Len() {
		if err := w.message(d, box.At(i), row, sum); err != nil {
			w.fault(mailDir+"/"+d.Path(), err)
			sum.known = false
		}
		if err := w.ctx.Err(); err != nil {
			return err
		}
	}
	row.Digest = sum.text()
	return w.give(row)
}

// message counts one message. Its size and date are those of its name, which
// servers keep there; without them the file's.
func (w *walker) message(d *maildir.Dir, m maildir.Message, row *Row, sum *digest) error {
	name := maildir.ParseFileName(m.Name)
	if !sum.known && name.Size >= 0 && name.Date >= 0 {
		row.addMessage(name.Size, name.Date, true)
		return nil
	}
	f, err := d.OpenMessage(m)
	if err != nil {
		return err
	}
	defer f.Close()
	row.addMessage(f.Info.Size, f.Info.Time, true)
	if !sum.known {
		return nil
	}
	body, err := hashBody(f, w.buf)
	sum.add(m.UID, body)
	return err
}
