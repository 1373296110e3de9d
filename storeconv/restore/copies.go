package restore

import (
	"encoding/binary"
	"hash/maphash"

	"imsconv/storeconv/selection"
)

// storedCopy is a message that a link may point to.
type storedCopy struct {
	content
	at selection.Place
}

// copiesKept is the number of messages that the collector remembers. Of older
// ones the place follows from the member name, and the rest is read again from
// the file: a link costs at most one reading, and the table needs no entry for
// each message of the site.
const copiesKept = 1 << 15

// copyTable remembers the last messages by member name.
type copyTable struct {
	m    map[string]storedCopy
	ring []string
	next int
}

func (t *copyTable) init() {
	t.m = make(map[string]storedCopy)
	t.ring = make([]string, copiesKept)
}

func (t *copyTable) add(name string, info storedCopy) {
	if _, ok := t.m[name]; !ok {
		if old := t.ring[t.next]; old != "" {
			delete(t.m, old)
		}
		t.ring[t.next] = name
		t.next = (t.next + 1) % len(t.ring)
	}
	t.m[name] = info
}

// nameSet is a set of names by 64 bits of hash, for dry runs. It stops taking
// in names at its limit, and then says yes to all.
type nameSet struct {
	seed maphash.Seed
	m    map[uint64]nameInfo
	full bool
}

// nameInfo is what a dry run knows of a message that a link may point to.
type nameInfo struct {
	size  int64
	sum   uint64 // of its content, as shortSum gives it; 0: not known
	spare bool   // it is left out itself
}

// shortSum is the start of a SHA-256: enough for figures.
func shortSum(sum [32]byte) uint64 { return binary.BigEndian.Uint64(sum[:8]) }

const namesKept = 1 << 20

func (s *nameSet) add(name string, info nameInfo) {
	if s.m == nil {
		s.m, s.seed = make(map[uint64]nameInfo), maphash.MakeSeed()
	}
	key := maphash.String(s.seed, name)
	_, known := s.m[key]
	if s.full = s.full || len(s.m) >= namesKept && !known; !s.full || known {
		s.m[key] = info
	}
}

func (s *nameSet) get(name string) (nameInfo, bool) {
	if s.m == nil {
		return nameInfo{}, false
	}
	info, ok := s.m[maphash.String(s.seed, name)]
	return info, ok || s.full
}
