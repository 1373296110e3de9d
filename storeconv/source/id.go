package source

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"slices"

	"imsconv/storeconv/maildir"
)

// ID stands for the tree: the names below it, and sizes and dates of all files
// but those whose names stand for their content, the messages of a Maildir.
// It is the same wherever the tree lies.
func (s *Source) ID() [32]byte {
	h := sha256.New()
	fmt.Fprintf(h, "%v %q %q %v\n", s.opt.Kind, s.opt.User, s.opt.Path, s.opt.Quoting)
	if s.opt.Layout != nil {
		fmt.Fprintf(h, "layout %v\n", *s.opt.Layout)
	}
	if s.opt.Escape != nil {
		fmt.Fprintf(h, "escape %v\n", *s.opt.Escape)
	}
	for _, p := range s.users {
		fmt.Fprintf(h, "user %q %q\n", p.user, p.path)
		if s.input != nil {
			fmt.Fprintf(h, "input %x\n", s.input.sum())
			continue
		}
		if p.file {
			s.hashFile(h, s.root, p.path)
			continue
		}
		d, err := s.root.Again()
		if p.path != "" && err == nil {
			d.Close()
			d, err = openBelow(s.root, p.path)
		}
		if err != nil {
			fmt.Fprintf(h, "error %v\n", err)
			continue
		}
		s.hashDir(h, d, 0)
		d.Close()
	}
	return [32]byte(h.Sum(nil))
}

func (s *Source) hashFile(h hash.Hash, d *maildir.Dir, name string) {
	info, err := d.Stat(name)
	fmt.Fprintf(h, "%q %d %d %v\n", name, info.Size, info.Time, err)
}

func (s *Source) hashDir(h hash.Hash, d *maildir.Dir, depth int) {
	names, err := d.Names()
	fmt.Fprintf(h, "%q %d %v\n", d.Path(), len(names), err)
	slices.Sort(names)
	for _, name := range names {
		if name == ".imsconv" {
			continue
		}
		info, err := d.Stat(name)
		if !info.Dir || depth > maxLevels {
			fmt.Fprintf(h, "%q %d %d %v\n", name, info.Size, info.Time, err)
			continue
		}
		sub, err := d.Open(name)
		if err != nil {
			fmt.Fprintf(h, "%q %v\n", name, err)
			continue
		}
		if s.opt.Kind == Maildir && (name == "cur" || name == "new") {
			hashNames(h, sub)
		} else {
			s.hashDir(h, sub, depth+1)
		}
		sub.Close()
	}
}

// hashNames takes the names of messages, of which there may be millions: the
// sum of their hashes, which is the same in any order.
func hashNames(h hash.Hash, d *maildir.Dir) {
	var sum [4]uint64
	n := 0
	err := d.EachName(func(name string) {
		b := sha256.Sum256([]byte(name))
		for i := range sum {
			sum[i] += binary.BigEndian.Uint64(b[8*i:])
		}
		n++
	})
	fmt.Fprintf(h, "%q %d %x %v\n", d.Path(), n, sum, err)
}
