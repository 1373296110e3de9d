package storeconv

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// Shard is one of N parts of the users, by a hash of the id in the source or,
// with a plan, by lists. The zero value is all users.
type Shard struct {
	Index, Count int
	Plan         *ShardPlan // nil: by the hash
}

// ShardPlan is how a plan shares the users out, as far as one part needs to
// know it.
type ShardPlan struct {
	Dir string                 // the folder of the plan
	ID  string                 // stands for its content
	Has func(user string) bool // tells whether a user belongs to the part
}

// ParseShard parses i/n. i counts from 0 or from 1: 0/n and n/n name the same
// part, so both 0..n-1 and 1..n are the whole.
func ParseShard(s string) (Shard, error) {
	a, b, ok := strings.Cut(s, "/")
	i, err1 := strconv.Atoi(a)
	n, err2 := strconv.Atoi(b)
	if !ok || err1 != nil || err2 != nil || n < 1 || i < 0 || i > n {
		return Shard{}, fmt.Errorf("shard %q is not of the form i/n with i from 0 to n", s)
	}
	return Shard{Index: i % n, Count: n}, nil
}

// Has tells whether a user, as the source calls him, belongs to the part.
func (s Shard) Has(user string) bool {
	if s.Plan != nil {
		return s.Plan.Has(user)
	}
	if s.Count <= 1 {
		return true
	}
	sum := sha256.Sum256([]byte(user))
	return binary.BigEndian.Uint64(sum[:])%uint64(s.Count) == uint64(s.Index)
}

// Whole tells that the part is all there is.
func (s Shard) Whole() bool { return s.Count <= 1 && s.Plan == nil }

// First tells that the part is the one that gets what is no user's.
func (s Shard) First() bool { return s.Count <= 1 || s.Index == 1 }

// Number is the number of the part, from 1 to Count; 0 of the zero value.
func (s Shard) Number() int {
	if s.Index == 0 {
		return s.Count
	}
	return s.Index
}

// Name names the part among all that there may be of one source.
func (s Shard) Name() string {
	name := fmt.Sprintf("{%d %d}", s.Index, s.Count)
	if s.Plan != nil {
		name += " of plan " + s.Plan.ID
	}
	return name
}
