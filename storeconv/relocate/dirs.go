package relocate

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

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
// in the source, those of one depth at the same time, deepest first. Unless root
// keeps the source's owners, their owner may always enter and write, for the
// next batch. A hash directory that the source does not have (of a renamed user)
// gets those of =user, so that nothing depends on the hour of the run.
func (d *dirTimes) apply(r *relocation) error {
	if d.hold != nil {
		defer d.hold.Close()
	}
	byDepth := make(map[int][]string)
	for dir := range d.pairs {
		depth := strings.Count(dir, "/")
		byDepth[depth] = append(byDepth[depth], dir)
	}
	depths := slices.Sorted(maps.Keys(byDepth))
	for _, depth := range slices.Backward(depths) {
		dirs := byDepth[depth]
		var group errgroup.Group
		for some := range slices.Chunk(dirs, (len(dirs)+r.opts.Jobs-1)/r.opts.Jobs) {
			group.Go(func() error { return d.applyTo(r, some) })
		}
		if err := group.Wait(); err != nil {
			return err
		}
	}
	return nil
}

func (d *dirTimes) applyTo(r *relocation, dirs []string) error {
	c := durable.Cloner{FS: r.opts.FS, Owner: r.opts.Owner}
	for _, dir := range dirs {
		if err := c.Directory(d.model(dir), r.dst.FD(), dir); err != nil {
			return fmt.Errorf("%s: %w", dir, err)
		}
	}
	return nil
}

// model returns the source directory that dir takes after.
func (d *dirTimes) model(dir string) string {
	for {
		var st unix.Stat_t
		from := d.pairs[dir]
		if unix.Stat(from, &st) == nil || !strings.Contains(dir, "/") {
			return from
		}
		dir = filepath.Dir(dir)
	}
}
