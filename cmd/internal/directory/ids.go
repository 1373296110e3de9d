package directory

import (
	"errors"
	"io"
	"io/fs"
	"iter"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"imsconv/storeconv/ims"
	"imsconv/storeconv/sims"
)

// IDSet is a set of store user ids, some of them marked. It keeps every id:
// some 100 bytes a user.
type IDSet struct {
	ids     map[string]bool     // whether marked
	domains map[string]ofDomain // of ids of the form uid@domain, in lower case
}

// NewIDSet makes an empty set.
func NewIDSet() *IDSet {
	return &IDSet{ids: make(map[string]bool), domains: make(map[string]ofDomain)}
}

// ofDomain are the ids of the form uid@domain of one domain.
type ofDomain struct {
	n     int64
	first string // in byte order
}

// Add adds an id.
func (s *IDSet) Add(id string) {
	if _, ok := s.ids[id]; ok {
		return
	}
	s.ids[id] = false
	if _, domain, ok := strings.Cut(id, "@"); ok {
		d := s.domains[strings.ToLower(domain)]
		if d.n++; d.n == 1 || id < d.first {
			d.first = id
		}
		s.domains[strings.ToLower(domain)] = d
	}
}

// Len is the number of ids.
func (s *IDSet) Len() int { return len(s.ids) }

// Has says whether the set has the id.
func (s *IDSet) Has(id string) bool {
	_, ok := s.ids[id]
	return ok
}

// OfDomain counts the ids of the form uid@domain, whatever the case of the
// domain, and names the first of them in byte order.
func (s *IDSet) OfDomain(domain string) (n int64, first string) {
	d := s.domains[strings.ToLower(domain)]
	return d.n, d.first
}

// Mark marks an id that is in the set and says whether it is.
func (s *IDSet) Mark(id string) bool {
	if !s.Has(id) {
		return false
	}
	s.ids[id] = true
	return true
}

// All yields the ids in byte order.
func (s *IDSet) All() iter.Seq[string] {
	return slices.Values(slices.Sorted(maps.Keys(s.ids)))
}

// Unmarked yields the ids that are not marked, in byte order.
func (s *IDSet) Unmarked() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, id := range slices.Sorted(maps.Keys(s.ids)) {
			if !s.ids[id] && !yield(id) {
				return
			}
		}
	}
}

// AddStore adds the users of a store tree, whose layout NMS and iMS share. What
// is out of place there is for the conversion to tell.
func (s *IDSet) AddStore(dir string) error {
	list, err := os.ReadDir(filepath.Join(dir, "partition"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, p := range list {
		err := s.addUsers(filepath.Join(dir, "partition", p.Name()), func(id, below string) bool {
			return ims.UserDir(p.Name(), id) == path.Join("partition", p.Name(), below)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// AddPartition adds the users of one partition's directory.
func (s *IDSet) AddPartition(dir string) error {
	return s.addUsers(dir, func(string, string) bool { return true })
}

// addUsers adds the users of a partition whom take says yes to, by id and place
// in the partition. A partition may be a symbolic link to another disk.
func (s *IDSet) addUsers(dir string, take func(id, below string) bool) error {
	users, err := fs.Glob(os.DirFS(dir), "=user/*/*/=*")
	if err != nil {
		return err
	}
	for _, u := range users {
		if id, err := ims.UnescapeName(path.Base(u)[len("="):]); err == nil && ims.CheckUserID(id) == nil && take(id, u) {
			s.Add(id)
		}
	}
	return nil
}

// AddStream adds the users of a backup stream without compression. What is
// damaged in it, up to where it cannot be read on, is for the conversion to
// tell.
func (s *IDSet) AddStream(src io.Reader) {
	r := sims.NewReader(src)
	last := ""
	for {
		m, err := r.Next()
		var damage *sims.Error
		switch {
		case errors.As(err, &damage):
			continue
		case err != nil:
			return
		}
		if m.User != last && ims.CheckUserID(m.User) == nil {
			s.Add(m.User)
		}
		last = m.User
	}
}
