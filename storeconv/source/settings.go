package source

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"imsconv/storeconv/ims"
	"imsconv/storeconv/maildir"
	"imsconv/storeconv/mbox"
)

// settings are what an export of ours says of the mail that it has made, in
// .imsconv/export at its top.
type settings struct {
	kind   Kind // 0: the tree is no export, and no part of one
	layout *maildir.Layout
	escape *bool
	top    string   // its folder
	path   string   // where a user's mail lies below that
	below  []string // the names on the way from there to the tree
}

// settingsMagic is the first line of the file.
const settingsMagic = "imsconv-export 1\n"

// maxAbove is how many directories above the tree the top of an export is
// looked for.
const maxAbove = 16

// readSettings reads what the export says that the tree is, or is in: the mail
// of a user alone, or of those of a domain. What lies deeper than its users'
// mail, or beside it, is not of its making.
func (s *Source) readSettings() {
	if values, ok := exportIn(s.root); ok {
		s.made.take(values, s.path, nil)
		return
	}
	dir, err := filepath.Abs(s.path)
	if err != nil {
		return
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return
	}
	var below []string
	for len(below) < maxAbove && dir != "/" {
		below = slices.Insert(below, 0, filepath.Base(dir))
		dir = filepath.Dir(dir)
		d, err := maildir.OpenDir(dir)
		if err != nil {
			continue // nobody but its owner may list it
		}
		values, ok := exportIn(d)
		d.Close()
		if ok {
			if isPlace(values["path"], below) {
				s.made.take(values, dir, below)
			}
			return
		}
	}
}

// exportIn reads the file of an export whose top is d. What is no such file
// says nothing.
func exportIn(d *maildir.Dir) (values map[string]string, ok bool) {
	work, err := d.Open(".imsconv")
	if err != nil {
		return nil, false
	}
	defer work.Close()
	f, _, err := work.OpenFile("export")
	if err != nil {
		return nil, false
	}
	defer f.Close() // opened for reading
	text, err := io.ReadAll(io.LimitReader(f, 64<<10))
	lines, ok := strings.CutPrefix(string(text), settingsMagic)
	if err != nil || !ok {
		return nil, false
	}
	values = make(map[string]string)
	for line := range strings.Lines(lines) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		values[name] = value
	}
	return values, true
}

// isPlace tells whether a path below the top of an export may be that of a
// user's Maildir, or be above some, by the export's template of paths.
func isPlace(template string, names []string) bool {
	parts := strings.Split(template, "/")
	if len(names) > len(parts) {
		return false
	}
	for i, name := range names {
		if !strings.Contains(parts[i], "%") && parts[i] != name {
			return false
		}
	}
	return true
}

// take takes what an export says whose folder is top.
func (s *settings) take(values map[string]string, top string, below []string) {
	kinds := map[string]Kind{"maildir": Maildir, "mbox": Mbox}
	s.kind, s.top, s.path, s.below = kinds[values["to"]], top, values["path"], below
	if s.kind != Maildir {
		return
	}
	layout := map[string]maildir.Layout{"++": maildir.PlusPlus, "fs": maildir.FS}
	if l, known := layout[values["layout"]]; known {
		s.layout = &l
	}
	if names := values["names"]; names == "escaped" || names == "plain" {
		escape := names == "escaped"
		s.escape = &escape
	}
}

// exported finds the users of an export by its template of places: a name such
// as cur is a user's there, and none of a Maildir. Their ids are those that the
// export says. ok is false where the template is one that nobody can read.
func (s *Source) exported() (ok bool, err error) {
	parts, err := compile(s.made.path)
	if err != nil {
		return false, nil
	}
	top, err := maildir.OpenDir(s.made.top)
	if err != nil {
		return false, nil // nobody but its owner may list it
	}
	defer top.Close()
	lists, err := openBelow(top, ".imsconv/exported")
	if err == nil {
		defer lists.Close()
	} else {
		lists = nil // the ids are those of the places
	}
	got := map[string]string{}
	for _, name := range s.made.below {
		found := parts[0].FindStringSubmatch(name)
		if found == nil {
			return false, nil
		}
		take(parts[0], found, got)
		parts = parts[1:]
	}
	if len(parts) == 0 {
		s.users = []place{{user: userIn(got)}}
	} else if err := s.match(s.root, "", parts, got); err != nil {
		return true, err
	}
	users := s.users
	s.users = nil
	for _, p := range users {
		at := path.Join(path.Join(s.made.below...), p.path)
		if id := exportedUser(lists, at); id != "" {
			s.users = append(s.users, place{user: id, path: p.path})
		} else {
			s.notExported(p)
		}
	}
	return true, nil
}

// notExported takes the mail of somebody whom the server that has the export
// now has made. What hides is no user's.
func (s *Source) notExported(p place) {
	dir, name := "", p.path
	if at := strings.LastIndexByte(name, '/'); at >= 0 {
		dir, name = name[:at], name[at+1:]
	}
	d, err := s.root.Again()
	if err == nil && dir != "" {
		d.Close()
		d, err = openBelow(s.root, dir)
	}
	if err != nil {
		s.noteBad(p.path, err)
		return
	}
	defer d.Close()
	hides := p.user[0] == '.' || s.opt.Kind == Mbox && mbox.NotMail(p.user)
	switch {
	case p.path == "":
		s.users = append(s.users, p)
	case s.opt.Kind == Maildir && hides && in(d, name, (*maildir.Dir).HasMailbox):
		s.noteBad(p.path, &maildir.Error{Class: maildir.BadMailbox, Text: "Maildirs in a directory with a dot in front, which is no user's: not read"})
	case s.opt.Kind == Mbox && hides:
		if what := hidden(d, name); what != "" {
			s.noteBad(p.path, &maildir.Error{Class: "hidden", Text: what})
		}
	case s.opt.Kind == Mbox || in(d, name, isHome):
		s.users = append(s.users, p)
	}
}

// exportedUser is the user whose mail an export has put at a place, by the list
// that it keeps of him; "" when it has none. lists is their folder.
func exportedUser(lists *maildir.Dir, place string) string {
	name := ims.EscapeName(place)
	if len(name) > 200 {
		sum := sha256.Sum256([]byte(place))
		name = name[:150] + "%" + hex.EncodeToString(sum[:16])
	}
	if lists == nil {
		return ""
	}
	f, _, err := lists.OpenFile(name)
	if err != nil {
		return ""
	}
	defer f.Close() // opened for reading
	lines := strings.SplitN(string(headOf(f, 4096)), "\n", 4)
	if len(lines) < 4 || lines[0] != "imsconv-exported 1" || lines[2] != "place "+place {
		return ""
	}
	user, _ := strings.CutPrefix(lines[1], "user ")
	return user
}
