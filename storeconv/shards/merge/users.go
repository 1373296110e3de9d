package merge

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"imsconv/storeconv"
	"imsconv/storeconv/carry"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/nms"
)

// Directories of a store.
const (
	partitionDir = "partition"
	userFilesDir = "user" // the subscription files of NMS
)

// unit is one tree of mailboxes on its way: a user's in one partition, or one
// that is no user's.
type unit struct {
	carry.Tree       // its place is the same in the part and in the store
	part       *part // nil: the store alone has it
	partition  string
}

// scan goes through the directories of all parts together, so that a tree that
// two of them have is met at one place. It holds the names of one directory a
// level, and one open directory.
type scan struct {
	m      *merge
	log    storeconv.Log
	yield  func(*unit) error
	lister nms.Lister
}

// eachTree calls yield for every tree of the parts, in the order of their
// places. What is none is told to log.
func (m *merge) eachTree(log storeconv.Log, yield func(*unit) error) error {
	s := &scan{m: m, log: log, yield: yield}
	names, err := m.partitions(log)
	for _, name := range names {
		if err == nil {
			err = s.partition(name)
		}
	}
	return err
}

// partitions lists the partitions of all parts and, where trees are only looked
// at, of the store.
func (m *merge) partitions(log storeconv.Log) ([]string, error) {
	var all []string
	for _, p := range m.sources() {
		names, err := p.partitions(log)
		if err != nil {
			return nil, err
		}
		all = append(all, names...)
		if len(all) > 1<<16 {
			slices.Sort(all)
			all = slices.Compact(all)
		}
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// sources are the parts and, where trees are only looked at, the store behind
// them.
func (m *merge) sources() []*part {
	if m.opts.Via != ViaNone {
		return m.parts
	}
	return append(slices.Clone(m.parts), &part{number: -1, path: m.store, trees: true})
}

func (p *part) partitions(log storeconv.Log) ([]string, error) {
	if !p.trees {
		return nil, nil
	}
	list, err := os.ReadDir(filepath.Join(p.path, partitionDir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range list {
		path := filepath.Join(p.path, partitionDir, e.Name())
		// Stat follows: a partition may be a symbolic link to another disk.
		if info, err := os.Stat(path); err != nil || !info.IsDir() {
			log.Problem("stray-file", path, "no partition: left out")
			continue
		}
		if err := ims.CheckPartition(e.Name()); err != nil {
			log.Problem("bad-partition", path, err.Error()+": left out")
			continue
		}
		names = append(names, e.Name())
	}
	return names, nil
}

// places are the directories of the store that trees go into.
func (m *merge) places() ([]string, error) {
	names, err := m.partitions(storeconv.Discard)
	places := []string{"mboxlist", userFilesDir}
	for _, name := range names {
		places = append(places, partitionDir+"/"+name+"/"+nms.UserRoot)
	}
	return places, err
}

// merged is one name in a directory of several parts.
type merged struct {
	name string
	of   []found
}

// found is the entry of one part.
type found struct {
	part *part
	kind nms.Type
}

// list joins the listings of the directory rel of parts, in the order of the
// names.
func (s *scan) list(parts []*part, rel string) ([]merged, error) {
	at := make(map[string]int)
	var all []merged
	var entries []nms.Entry
	for _, p := range parts {
		var err error
		entries, err = s.listOne(p, rel, entries[:0])
		if err != nil {
			if ims.OfMachine(err) {
				return nil, err
			}
			s.log.Problem("unreadable", p.path+"/"+rel, err.Error())
		}
		for _, e := range entries {
			i, ok := at[e.Name]
			if !ok {
				i = len(all)
				at[e.Name], all = i, append(all, merged{name: e.Name})
			}
			all[i].of = append(all[i].of, found{p, e.Type})
		}
	}
	slices.SortFunc(all, func(a, b merged) int { return strings.Compare(a.name, b.name) })
	return all, nil
}

func (s *scan) listOne(p *part, rel string, entries []nms.Entry) ([]nms.Entry, error) {
	fd, err := p.openDir(rel)
	if err == unix.ENOENT {
		return entries, nil
	}
	if err != nil {
		return entries, fmt.Errorf("open: %w", err)
	}
	defer unix.Close(fd)
	return s.lister.List(fd, entries)
}

// openDir opens the directory rel, which is partition/NAME or user or below
// them. The partition may be a symbolic link, nothing below it.
func (p *part) openDir(rel string) (int, error) {
	top, rest, _ := strings.Cut(rel, "/")
	if top == partitionDir {
		name, below, _ := strings.Cut(rest, "/")
		top, rest = top+"/"+name, below
	}
	fd, err := unix.Open(filepath.Join(p.path, top), unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	for step := range strings.SplitSeq(rest, "/") {
		if err != nil || step == "" {
			break
		}
		var below int
		below, err = nms.OpenDir(fd, step)
		unix.Close(fd)
		fd = below
	}
	return fd, err
}

// partition goes through one partition.
func (s *scan) partition(name string) error {
	rel := partitionDir + "/" + name
	var parts []*part
	for _, p := range s.m.sources() {
		if p.trees {
			parts = append(parts, p)
		}
	}
	entries, err := s.list(parts, rel)
	if err != nil {
		return err
	}
	for _, e := range entries {
		at := rel + "/" + e.name
		switch {
		case e.name == "lost+found":
		case e.name == nms.UserRoot:
			err = s.level(s.directories(e, at), name, at, 0)
		case strings.HasPrefix(e.name, "="):
			err = s.tree(e, name, at, "")
		default:
			for _, f := range e.of {
				if f.part.number >= 0 {
					s.log.Warning("not-a-user", f.part.path+"/"+at, "beside "+nms.UserRoot+": not carried over")
				}
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// level reads one level of hash directories. Users belong below two of them,
// and are found at any level.
func (s *scan) level(parts []*part, partition, rel string, depth int) error {
	entries, err := s.list(parts, rel)
	if err != nil {
		return err
	}
	for _, e := range entries {
		at := rel + "/" + e.name
		switch {
		case strings.HasPrefix(e.name, "="):
			err = s.user(e, partition, at)
		case depth == nms.HashLevels:
			s.leaveOut(e, at, "bad-name", "user name: no = in front: left out")
		default:
			err = s.level(s.directories(e, at), partition, at, depth+1)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// leaveOut tells of an entry that no part has any business with.
func (s *scan) leaveOut(e merged, at, kind, text string) {
	for _, f := range e.of {
		if f.part.number >= 0 {
			s.log.Problem(kind, f.part.path+"/"+at, text)
		}
	}
}

// directories are the parts in which an entry is a directory. What it is in the
// others is told.
func (s *scan) directories(e merged, at string) []*part {
	var parts []*part
	for _, f := range e.of {
		if f.kind == nms.Directory {
			parts = append(parts, f.part)
		} else if f.part.number >= 0 {
			s.log.Problem("not-a-user", f.part.path+"/"+at, "a "+f.kind.String()+" where users are: left out")
		}
	}
	return parts
}

// user plans one user's tree.
func (s *scan) user(e merged, partition, at string) error {
	id, err := ims.UnescapeName(e.name[1:])
	if err == nil && (id == "" || strings.ContainsAny(id, "/\x00") || ims.Component(id) != e.name) {
		err = errors.New("no user id is written so")
	}
	if err != nil {
		s.leaveOut(e, at, "bad-name", fmt.Sprintf("user name: %v: left out", err))
		return nil
	}
	return s.tree(e, partition, at, id)
}

// tree hands a tree on: that of the first part that has it. The store's own is
// of nobody else.
func (s *scan) tree(e merged, partition, at, id string) error {
	var first *unit
	for _, p := range s.directories(e, at) {
		u := &unit{partition: partition, Tree: carry.NewTree(at, id, at)}
		if p.number >= 0 {
			u.part, u.Where = p, p.path+"/"+at
		}
		switch {
		case first == nil:
			first = u
			if err := s.yield(u); err != nil {
				return err
			}
		case u.part != nil:
			if err := s.twice(u, first.part); err != nil {
				return err
			}
		}
	}
	return nil
}

// twice refuses a tree that another part has too.
func (s *scan) twice(u *unit, first *part) error {
	u.Tell(u.Refuse("user-twice", fmt.Sprintf("%s has %s too: that one stays, this one is left out", first.path, u.Whose())))
	return s.yield(u)
}
