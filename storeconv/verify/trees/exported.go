package trees

import (
	"os"
	"path"
	"path/filepath"
	"strings"

	"imsconv/storeconv/mbox"
)

// findExport looks whether the tree is an export, or a part of one, and takes
// the words of the file at its top: its own, or 16 levels above it.
func (w *writer) findExport() {
	tree, err := filepath.Abs(w.root)
	if err == nil {
		tree, err = filepath.EvalSymlinks(tree)
	}
	if err != nil {
		return
	}
	top, below := tree, ""
	for range 17 {
		said := saidAt(filepath.Join(top, ".imsconv", "export"))
		if said == nil && top != "/" {
			below = path.Join(filepath.Base(top), below)
			top = filepath.Dir(top)
			continue
		}
		if said != nil && (below == "" || within(said["path"], below)) {
			w.said, w.top, w.below = said, top, below
		}
		return
	}
}

// within tells whether a path in an export can be that of a user, or of a
// directory that users are in, where each has the path of a template.
func within(template, path string) bool {
	levels := strings.Split(path, "/")
	for _, want := range strings.Split(template, "/") {
		if len(levels) == 0 {
			return true
		}
		if levels[0] != want && !strings.Contains(want, "%") {
			return false
		}
		levels = levels[1:]
	}
	return len(levels) == 0
}

// saidAt are the words in a file of an export; nil: it is none.
func saidAt(path string) map[string]string {
	lines := headLines(path)
	if lines == nil || lines[0] != "imsconv-export 1" {
		return nil
	}
	said := make(map[string]string)
	for _, line := range lines[1:] {
		if word, value, ok := strings.Cut(line, " "); ok {
			said[word] = value
		}
	}
	return said
}

// headLines are the first lines of a file; nil: it cannot be read.
func headLines(path string) []string {
	if !isRegular(path) {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	return strings.Split(string(firstBytes(f, 64<<10)), "\n")
}

// exported finds the users of an export by its template, and whose each place
// is by its lists of users. ok is false where the template cannot be read.
func (w *writer) exported() (found []place, ok bool) {
	patterns, err := patternsOf(w.said["path"])
	if err != nil {
		return nil, false
	}
	values := map[string]string{}
	for _, level := range strings.FieldsFunc(w.below, func(r rune) bool { return r == '/' }) {
		groups := patterns[0].FindStringSubmatch(level)
		if groups == nil {
			return nil, false
		}
		values = with(values, patterns[0], groups)
		patterns = patterns[1:]
	}
	if len(patterns) == 0 {
		found = []place{{user: userOf(values), path: w.root}}
	} else {
		w.match(w.root, patterns, values, &found)
	}
	ids := w.ids()
	all := found
	found = nil
	for _, p := range all {
		at, _ := filepath.Rel(w.root, p.path) // it is below
		id, listed := ids[path.Join(w.below, filepath.ToSlash(at))]
		switch {
		case listed:
			p.user = id
		case p.user[0] == '.', w.opt.Kind == Mbox && mbox.NotMail(p.user), w.opt.Kind == Maildir && !isHome(p.path):
			continue // nobody's
		}
		found = append(found, p)
		if w.opt.Kind == Maildir && len(patterns) > 1 {
			w.besideHome(filepath.Dir(p.path))
		}
	}
	return found, true
}

// ids are the ids of users by their places, as the lists of an export have
// them.
func (w *writer) ids() map[string]string {
	ids := make(map[string]string)
	dir := filepath.Join(w.top, ".imsconv", "exported")
	list, _ := names(dir) // ids are those of the places then
	for _, name := range list {
		lines := headLines(filepath.Join(dir, name))
		if len(lines) < 4 || lines[0] != "imsconv-exported 1" {
			continue
		}
		id, is := strings.CutPrefix(lines[1], "user ")
		place, has := strings.CutPrefix(lines[2], "place ")
		if is && has {
			ids[place] = id
		}
	}
	return ids
}
