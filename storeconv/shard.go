package storeconv

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// Shard is one of N equal parts of the users, by a hash of the id in the
// stream.
type Shard struct{ Index, Count int }

// ParseShard parses i/n. i counts from 0 or from 1: 0/n and n/n name the same
// part, so both 0..n-1 and 1..n are the whole.
func ParseShard(s string) (Shard, error) {
	a, b, ok := strings.Cut(s, "/")
	i, err1 := strconv.Atoi(a)
	n, err2 := strconv.Atoi(b)
	if !ok || err1 != nil || err2 != nil || n < 1 || i < 0 || i > n {
		return Shard{}, fmt.Errorf("shard %q is not of the form i/n with i from 0 to n", s)
	}
	return Shard{i % n, n}, nil
}

// Has tells whether a user belongs to the part.
func (s Shard) Has(user string) bool {
	if s.Count <= 1 {
		return true
	}
	sum := sha256.Sum256([]byte(user))
	return binary.BigEndian.Uint64(sum[:])%uint64(s.Count) == uint64(s.Index)
}
