package relocate

import (
	"maps"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/carry"
	"imsconv/storeconv/durable"
	"imsconv/storeconv/lists"
	"imsconv/storeconv/nms"
)

// dirTimes remembers the directories that several users share, to give them
// modes and times when all users are in place.
type dirTimes struct {
	hold  *durable.Dir // the link pool's directory, open as long as the run
	pairs map[string]string
}

// note records the shared directories above a tree, with their counterparts.
func (d *dirTimes) note(r *relocation, u *userTree) {
	if d.pairs == nil {
		d.pairs = make(map[string]string)
	}
	base := "partition/" + u.part.newName
	from := u.part.path
	d.pairs["partition"], d.pairs[lists.Dir] = filepath.Join(r.from, "partition"), filepath.Join(r.from, lists.Dir)
	d.pairs[base], d.pairs[base+"/"+nms.UserRoot] = from, from+"/"+nms.UserRoot
	for dir := filepath.Dir(u.To); len(dir) > len(base)+1+len(nms.UserRoot); dir = filepath.Dir(dir) {
		if _, known := d.pairs[dir]; known {
			return
		}
		d.pairs[dir] = from + dir[len(base):]
	}
}

// noteUserFile records the directories above a subscription file.
func (d *dirTimes) noteUserFile(r *relocation, to string) {
	if d.pairs == nil {
		d.pairs = make(map[string]string)
	}
	for dir := filepath.Dir(to); dir != "."; dir = filepath.Dir(dir) {
		d.pairs[dir] = filepath.Join(r.src.UserDir, strings.TrimPrefix(dir, userDir))
	}
}

// apply gives the shared directories the modes and times of their counterparts
// in the source. A hash directory that the source does not have (of a renamed
// user) gets those of =user, so that nothing depends on the hour of the run.
func (d *dirTimes) apply(r *relocation) error {
	if d.hold != nil {
		defer d.hold.Close()
	}
	return carry.FinishDirectories(r.dst, r.opts.Owner, r.opts.Jobs, maps.Keys(d.pairs), d.model)
}

// model returns the source directory that dir takes after. One that cannot be
// looked at is still the one: an error is no sign that it is not there.
func (d *dirTimes) model(dir string) string {
	for {
		var st unix.Stat_t
		from := d.pairs[dir]
		err := unix.Stat(from, &st)
		if gone := err == unix.ENOENT || err == unix.ENOTDIR; !gone || !strings.Contains(dir, "/") {
			return from
		}
		dir = filepath.Dir(dir)
	}
}
