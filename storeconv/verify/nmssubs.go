package verify

import (
	"bytes"
	"context"
	"fmt"
	"hash/maphash"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"imsconv/dbconv/mboxlist"
	"imsconv/storeconv/nms"
)

// subscriptions compares the subscription files below user/ and collects what
// subscr.db must have.
func (c *comparison) subscriptions(ctx context.Context) error {
	s := &subscriptionWalk{c: c, ctx: ctx, seed: maphash.MakeSeed(), met: make(map[uint64]struct{})}
	if c.src.store.UserDir != "" {
		dir, err := nms.OpenPath(c.src.store.UserDir)
		if err != nil {
			c.tell(warning("unreadable", "user", "%v", err))
			return nil
		}
		err = s.dir(dir, "", 0)
		unix.Close(dir)
		if err != nil {
			return err
		}
	}
	return s.extra(c.root, "user", 0)
}

type subscriptionWalk struct {
	ctx    context.Context // of the call that it works for
	c      *comparison
	lister nms.Lister
	bytes  byteComparer

	seed maphash.Seed
	met  map[uint64]struct{} // hashes of the places where files of the source may be
}

func (s *subscriptionWalk) hash(path string) uint64 { return maphash.String(s.seed, path) }

// meet remembers where the store may have a file of the source.
func (s *subscriptionWalk) meet(places []string) {
	for _, p := range places {
		s.met[s.hash(p)] = struct{}{}
	}
}

// maxUserDepth bounds how deep subscription files are looked for.
const maxUserDepth = 16

func (s *subscriptionWalk) dir(dir int, path string, depth int) error {
	where := filepath.Join("user", path)
	if depth > maxUserDepth {
		s.c.tell(warning("too-deep", where, "left out"))
		return nil
	}
	entries, err := listDir(&s.lister, dir)
	if err != nil {
		s.c.tell(warning("unreadable", where, "%v", err))
	}
	for _, e := range entries {
		if s.ctx.Err() != nil {
			return context.Cause(s.ctx)
		}
		err = nil
		switch e.Type {
		case nms.File:
			err = s.file(dir, path, e.Name)
		case nms.Directory:
			var sub int
			if sub, err = nms.OpenDir(dir, e.Name); err != nil {
				s.c.tell(warning("unreadable", where+"/"+e.Name, "open: %v", err))
				err = nil
				continue
			}
			err = s.dir(sub, filepath.Join(path, e.Name), depth+1)
			unix.Close(sub)
		default:
			s.c.tell(warning("not-a-file", where+"/"+e.Name, "a %s: left out", e.Type))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// file compares one file, which is a user's when its name is.
func (s *subscriptionWalk) file(dir int, path, name string) error {
	where := filepath.Join("user", path, name)
	stem, suffixed := strings.CutSuffix(name, nms.SubscriptionSuffix)
	id, ok := readDiskName("=" + stem)
	if !ok {
		id, ok = readOddName("=" + stem)
	}
	if !ok || strings.ContainsAny(id, "/\x00") {
		if s.c.src.takesRest() {
			s.same(dir, name, where, []string{where}, nil)
		}
		return nil
	}
	newID, ok, notes := s.c.choose(id, where)
	s.c.tell(notes...)
	if !ok {
		return nil
	}
	suffix := ""
	if suffixed {
		suffix = nms.SubscriptionSuffix
	}
	places := []string{where}
	hashed := strings.Count(path, "/") == hashLevels-1
	if newID != id {
		name := diskName(newID)[1:] + suffix
		places = []string{filepath.Join("user", path, name)}
		if hashed {
			places = []string{filepath.Join("user", hashDirs(newID), name)}
		}
	} else if hashed && path != hashDirs(id) {
		places = append(places, filepath.Join("user", hashDirs(id), name))
	}
	return s.userFile(dir, name, where, newID, places)
}

// userFile compares the file of a user, whose record in subscr.db it makes.
func (s *subscriptionWalk) userFile(dir int, name, where, newID string, places []string) error {
	s.meet(places)
	list, ok, err := readList(dir, name)
	if err != nil {
		s.c.tell(warning("unreadable", where, "%v", err))
		return nil
	}
	if !ok {
		s.same(dir, name, where, places, nil)
		return nil
	}
	strict, lax := s.renamed(list, false), s.renamed(list, true)
	var want [][]string
	if !slices.Equal(strict, list) || !slices.Equal(lax, list) {
		want = [][]string{strict, lax}
	}
	s.same(dir, name, where, places, want)
	if len(list) == 0 {
		return nil
	}
	s.c.report.SubscrRecords++
	for i, l := range [][]string{lax, strict} {
		if i > 0 && slices.Equal(lax, strict) {
			break
		}
		if err := s.c.expect[mboxlist.SubscrDB].Add([]byte(newID), []byte(strings.Join(l, "\n"))); err != nil {
			return err
		}
	}
	return nil
}

// renamed is a list of mailboxes with the new ids of their owners.
func (s *subscriptionWalk) renamed(list []string, lax bool) []string {
	out := slices.Clone(list)
	for i, name := range out {
		if id, _, ok := mboxlist.SplitKey(name); ok {
			out[i] = "user/" + s.c.src.identifier(id, lax) + name[len("user/")+len(id):]
		}
	}
	return out
}

// readList reads a file as a list of mailboxes; ok is false when it is none.
func readList(dir int, name string) (list []string, ok bool, err error) {
	fd, err := openFile(dir, name)
	if err != nil {
		return nil, false, fmt.Errorf("open: %w", err)
	}
	f := os.NewFile(uintptr(fd), name)
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, nms.MaxSubscriptions+1))
	if err != nil || len(data) > nms.MaxSubscriptions {
		return nil, false, err
	}
	list, notList := nms.ParseSubscriptions(bytes.Clone(data))
	return list, notList == nil, nil
}

// same compares a file with the one at the first of places that the store has.
// want, when not nil, are the lists that it may hold in place of the same
// bytes.
func (s *subscriptionWalk) same(dir int, name, where string, places []string, want [][]string) {
	s.c.report.Subscriptions++
	s.meet(places)
	var a, b unix.Stat_t
	at := slices.IndexFunc(places, func(p string) bool { return stat(s.c.root, p, &b) == nil })
	if at < 0 {
		s.c.tell(problem("missing", where, "not in the new store"))
		return
	}
	if err := stat(dir, name, &a); err != nil {
		s.c.tell(warning("unreadable", where, "stat: %v", err))
		return
	}
	switch {
	case b.Mode&unix.S_IFMT != unix.S_IFREG:
		s.c.tell(problem("differs", where, "no regular file in the new store"))
		return
	case keyOf(&a) == keyOf(&b):
		s.c.tell(problem("differs", where, "the same file as in the source, where a copy belongs: a server would change both"))
		return
	}
	s.c.tell(s.c.attributes(where, &a, &b)...)
	if want != nil {
		got, ok, err := readList(s.c.root, places[at])
		if err != nil || !ok || !slices.ContainsFunc(want, func(l []string) bool { return slices.Equal(l, got) }) {
			s.c.tell(problem("differs", where, "the list in the new store is not that of the source with the new ids"))
		}
		return
	}
	res := s.bytes.compare(s.ctx, dir, name, s.c.root, places[at])
	switch {
	case res.src != nil:
		s.c.tell(warning("unreadable", where, "%v", res.src))
	case res.dst != nil:
		s.c.tell(problem("unreadable", where, "in the new store: %v", res.dst))
	case !res.same || a.Size != b.Size:
		s.c.tell(problem("differs", where, "other bytes in the new store"))
	}
}

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
