package merge

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/durable"
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
// parts, deepest first. Their owner may always enter and write, for the next
// part, unless root keeps the owners.
func (d *sharedDirs) apply(m *merge) error {
	if m.opts.Via == ViaNone {
		return nil
	}
	dirs := slices.Sorted(maps.Keys(d.model))
	slices.Reverse(dirs)
	c := durable.Cloner{FS: m.opts.FS, Owner: m.opts.Owner}
	for _, dir := range dirs {
		if err := c.Directory(filepath.Join(d.model[dir].path, dir), m.dst.FD(), dir); err != nil {
			return fmt.Errorf("%s: %w", dir, err)
		}
	}
	return nil
}

// hasDir tells whether a part has the directory rel.
func (p *part) hasDir(rel string) bool {
	var st unix.Stat_t
	return strings.IndexByte(rel, 0) < 0 && unix.Lstat(filepath.Join(p.path, rel), &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR
}
