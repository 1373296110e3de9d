package roster

import (
	"fmt"
	"strconv"

	"imsconv/ldifconv"
)

// By is what lists are made even by.
type By string

// The measures. Auto is Quota when the first user has one, else Count.
const (
	Auto  By = ""
	Sizes By = "sizes"
	Quota By = "quota"
	Count By = "count"
)

// MostLists is how many lists a split makes at most.
const MostLists = 9999

// What a user counts at most, and what a list does: sums do not overflow,
// whatever sizes and quotas are given.
const (
	mostBytes  = 1 << 50
	mostWeight = 1 << 61
)

// Balance spreads users over lists. It holds nothing of a user.
type Balance struct {
	by      By
	sizes   *ldifconv.Sums
	weights []int64 // of each list so far
	count   []int64
	unsized int64

	quotas, quotaSum int64 // how many users had one, and their sum in KiB
}

// NewBalance makes one of n lists, 1 to MostLists. sizes are the bytes of users
// by id, needed for Sizes alone; the caller closes them.
func NewBalance(n int, by By, sizes *ldifconv.Sums) *Balance {
	return &Balance{by: by, sizes: sizes, weights: make([]int64, n), count: make([]int64, n)}
}

// Place returns the list of a user, counted from 0. The error is one of the
// temporary files of the sizes.
func (b *Balance) Place(m *Member) (int, error) {
	if b.by == Auto {
		b.by = Count
		if m.HasQuota {
			b.by = Quota
		}
	}
	weight, err := b.weight(m)
	if err != nil {
		return 0, err
	}
	return b.PlaceGroup(weight, 1), nil
}

// PlaceGroup returns the list of users who go together, counted from 0. weight
// is what they count in all.
func (b *Balance) PlaceGroup(weight, users int64) int {
	best := 0
	for i := range b.weights {
		if b.weights[i] < b.weights[best] || b.weights[i] == b.weights[best] && b.count[i] < b.count[best] {
			best = i
		}
	}
	b.Put(best, weight, users)
	return best
}

// Put puts users into a list that is settled.
func (b *Balance) Put(list int, weight, users int64) {
	b.weights[list] = min(b.weights[list]+min(weight, mostWeight), mostWeight)
	b.count[list] += users
}

// weight is what a user counts.
func (b *Balance) weight(m *Member) (int64, error) {
	switch b.by {
	case Sizes:
		size, ok, err := b.sizes.Get([]byte(m.ID))
		if !ok && err == nil {
			b.unsized++
		}
		return int64(min(size, mostBytes)), err
	case Quota:
		if m.HasQuota && m.Quota > 0 {
			quota := min(m.Quota, mostBytes)
			b.quotas++
			b.quotaSum = min(b.quotaSum+quota>>10, mostWeight>>10)
			return quota, nil
		}
		if b.quotas > 0 {
			return b.quotaSum / b.quotas << 10, nil
		}
	}
	return 1, nil
}

// Counts are the users of each list.
func (b *Balance) Counts() []int64 { return b.count }

// Unsized is how many users had no size and counted as empty.
func (b *Balance) Unsized() int64 { return b.unsized }

// FileName is the name of list i, counted from 0, of n.
func FileName(i, n int, ext string) string {
	width := max(2, len(strconv.Itoa(n)))
	return fmt.Sprintf("users%0*d.%s", width, i+1, ext)
}

// Line is a user's line of a list.
func Line(id string) string { return id + "\n" }
