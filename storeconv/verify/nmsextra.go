package verify

import (
	"context"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/nms"
)

// What the store has and the source not, outside of the trees of the source's
// users. A store may be made of several sources, of a part of one and of
// streams: what is not of a user who went over is a warning, and with a
// selection or a shard nothing, as it may be another run's.

// stranger tells of something of the store that the source has no user for.
func (c *comparison) stranger(where, what string) {
	if c.src.opts.Users == nil && c.src.part.whole() {
		c.tell(warning("not-in-source", where, "%s that the source does not have", what))
	}
}

// extraPartitions looks for partitions that no partition of the source became.
func (c *comparison) extraPartitions() {
	dir, err := nms.OpenDir(c.root, "partition")
	if err != nil {
		return // told with the trees
	}
	defer unix.Close(dir)
	var l nms.Lister
	entries, err := listDir(&l, dir)
	if err != nil {
		c.tell(problem("unreadable", "partition", "in the new store: %v", err))
	}
	for _, e := range entries {
		if !slices.ContainsFunc(c.src.parts, func(p *part) bool { return p.newName == e.Name }) {
			c.stranger("partition/"+e.Name, "a partition")
		}
	}
}

// extra looks for files below user/ of the store, from dir on, that none of the
// source became.
func (s *subscriptionWalk) extra(parent int, path string, depth int) error {
	dir, err := nms.OpenDir(parent, filepath.Base(path))
	if err != nil {
		if !notThere(err) {
			s.c.tell(problem("unreadable", path, "in the new store: %v", err))
		}
		return nil
	}
	defer unix.Close(dir)
	entries, err := listDir(&s.lister, dir)
	if err != nil {
		s.c.tell(problem("unreadable", path, "in the new store: %v", err))
	}
	for _, e := range entries {
		if s.ctx.Err() != nil {
			return context.Cause(s.ctx)
		}
		at := filepath.Join(path, e.Name)
		switch {
		case e.Type != nms.Directory:
			s.extraFile(at, e.Name)
		case depth < maxUserDepth:
			if err := s.extra(dir, at, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *subscriptionWalk) extraFile(at, name string) {
	if _, ok := s.met[s.hash(at)]; ok {
		return
	}
	id, ok := readDiskName("=" + strings.TrimSuffix(name, nms.SubscriptionSuffix))
	if ok && len(s.c.wentOver(id)) > 0 {
		s.c.tell(problem("differs", at, "the source does not have it"))
		return
	}
	s.c.stranger(at, "a file")
}
