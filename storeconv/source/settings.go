package source

import (
	"io"
	"path/filepath"
	"slices"
	"strings"

	"imsconv/storeconv/maildir"
)

// settings are what an export of ours says of the Maildirs that it has made, in
// .imsconv/export at its top. nil: nothing says it.
type settings struct {
	layout *maildir.Layout
	escape *bool
}

// settingsMagic is the first line of the file.
const settingsMagic = "imsconv-export 1\n"

// maxAbove is how many directories above the tree the top of an export is
// looked for.
const maxAbove = 16

// readSettings reads what the export says that the tree is, or is in: the
// Maildir of a user alone, or those of a domain. What lies deeper than its
// users' Maildirs, or beside them, is not of its making.
func (s *Source) readSettings() {
	if values, ok := exportIn(s.root); ok {
		s.made.take(values)
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
				s.made.take(values)
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
func isPlace(template string, path []string) bool {
	parts := strings.Split(template, "/")
	if len(path) > len(parts) {
		return false
	}
	for i, name := range path {
		if !strings.Contains(parts[i], "%") && parts[i] != name {
			return false
		}
	}
	return true
}

// take takes what an export of Maildirs says.
func (s *settings) take(values map[string]string) {
	if values["to"] != "maildir" {
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
