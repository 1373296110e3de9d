package batches

import (
	"maps"
	"slices"
	"strings"
)

// Set is a set of store ids. Ids that differ in case only are one user.
type Set map[string]string // the id by its lower-case form

// Add adds an id.
func (s Set) Add(id string) { s[strings.ToLower(id)] = id }

// Has says whether the user is in it.
func (s Set) Has(id string) bool {
	_, ok := s[strings.ToLower(id)]
	return ok
}

// Get is the id as it was added.
func (s Set) Get(id string) string { return s[strings.ToLower(id)] }

// Sorted are the ids in byte order.
func (s Set) Sorted() []string { return slices.Sorted(maps.Values(s)) }
