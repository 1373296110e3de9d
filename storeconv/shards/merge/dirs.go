package merge

import (
	"maps"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/carry"
	"imsconv/storeconv/lists"
)

// sharedDirs remembers the directories that several users share, with the part
// they take after: the first that has them. There are some ten thousand hash
// directories in a partition at most, however many users.
type sharedDirs struct{ model map[string]*part }

// note records the directories above a tree or file of a part.
func (d *sharedDirs) note(p *part, rel string) {
	if d.model == nil {
		d.model = map[string]*part{lists.Dir: p}
	}
	for dir := filepath.Dir(rel); dir != "."; dir = filepath.Dir(dir) {
		if first, known := d.model[dir]; known && first.number <= p.number {
			continue
		}
		d.model[dir] = p
	}
}

// apply gives the shared directories the modes and times that they have in the
// parts.
func (d *sharedDirs) apply(m *merge) error {
	if m.opts.Via == ViaNone {
		return nil
	}
	model := func(dir string) string { return filepath.Join(d.model[dir].path, dir) }
	return carry.FinishDirectories(m.dst, m.opts.Owner, m.opts.Jobs, maps.Keys(d.model), model)
}

// hasDir tells whether a part has the directory rel.
func (p *part) hasDir(rel string) bool {
	var st unix.Stat_t
	return strings.IndexByte(rel, 0) < 0 && unix.Lstat(filepath.Join(p.path, rel), &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR
}
