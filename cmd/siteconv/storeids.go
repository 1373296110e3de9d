package main

import (
	"errors"
	"io"
	"os"
	"strings"

	"imsconv/cmd/internal/cli"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/sims"
)

// storeIDs are the user ids of the store side of a site.
type storeIDs struct {
	ids     map[string]bool // true once an entry of the directory has the id
	domains map[string]bool // the domains of ids of the form uid@domain, in lower case
}

func newStoreIDs() *storeIDs {
	return &storeIDs{ids: map[string]bool{}, domains: map[string]bool{}}
}

func (s *storeIDs) add(id string) {
	if _, ok := s.ids[id]; ok {
		return
	}
	s.ids[id] = false
	if _, domain, ok := strings.Cut(id, "@"); ok {
		s.domains[strings.ToLower(domain)] = true
	}
}

func (s *storeIDs) has(id string) bool {
	_, ok := s.ids[id]
	return ok
}

// addTree adds the users of a store tree, whose layout NMS and iMS share. What
// is out of place there is for the conversion to tell.
func (s *storeIDs) addTree(dir string) error {
	root, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	stray := func(kind, path, text string) {}
	r := ims.NewReader(root)
	partitions, err := r.Partitions(stray)
	if err != nil {
		return err
	}
	for _, p := range partitions {
		err := r.Users(p, stray, func(u ims.User) error {
			s.add(u.ID)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// addStream adds the users of a backup stream who have a mailbox there. What is
// damaged in it is for the conversion to tell.
func (s *storeIDs) addStream(src io.Reader) error {
	plain, _, err := cli.Decompress(src)
	if err != nil {
		return nil // the conversion meets it again, and tells
	}
	r := sims.NewReader(plain)
	last := ""
	for {
		m, err := r.Next()
		var damage *sims.Problem
		switch {
		case err == io.EOF:
			return nil
		case errors.As(err, &damage):
			continue
		case err != nil:
			return nil // likewise
		}
		if m.User != last && ims.CheckUserID(m.User) == nil {
			s.add(m.User)
		}
		last = m.User
	}
}
