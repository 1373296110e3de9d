package bench

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
)

// Sizes is a distribution of message sizes: a table or, without one, a
// lognormal distribution around a median, as mail has it.
type Sizes struct {
	Median int64       `json:"median,omitempty"` // bytes
	Table  []SizeRange `json:"table,omitempty"`  // rising, without overlaps
}

// SizeRange is Count messages of Low to High bytes, both included.
type SizeRange struct {
	Low   int64 `json:"low"`
	High  int64 `json:"high"`
	Count int64 `json:"count"`
}

// Of the lognormal distribution: the spread of logarithms, and how many times
// the median the largest message has. Half of the bytes are then in messages of
// more than three times the median.
const (
	logSpread = 1.1
	maxTimes  = 256
)

// MeanOverMedian is the mean of the lognormal distribution by its median.
var MeanOverMedian = math.Exp(logSpread * logSpread / 2)

// MaxMessage bounds the size of a synthetic message, in bytes: one is made in
// memory.
const MaxMessage = 32 << 20

// Check refuses a distribution that no message can be drawn from.
func (s *Sizes) Check() error {
	if len(s.Table) == 0 {
		if s.Median < 1 || s.Median > MaxMessage {
			return fmt.Errorf("a median of %d bytes is not from 1 to %d", s.Median, MaxMessage)
		}
		return nil
	}
	last := int64(-1)
	for _, r := range s.Table {
		if r.Low <= last || r.High < r.Low || r.High > MaxMessage || r.Count < 1 {
			return fmt.Errorf("sizes from %d to %d, %d times, cannot be", r.Low, r.High, r.Count)
		}
		last = r.High
	}
	return nil
}

// SizeTable makes a distribution of sizes and how often they occur; larger ones
// than MaxMessage count as that.
func SizeTable(counts map[int64]int64) Sizes {
	bounded := make(map[int64]int64, len(counts))
	for size, n := range counts {
		bounded[min(size, MaxMessage)] += n
	}
	var s Sizes
	for size, n := range bounded {
		s.Table = append(s.Table, SizeRange{size, size, n})
	}
	slices.SortFunc(s.Table, func(a, b SizeRange) int { return int(a.Low - b.Low) })
	return s
}

// drawer draws sizes.
type drawer struct {
	sizes Sizes
	sums  []int64 // of the counts up to each row of the table
	rng   *rand.Rand
}

func newDrawer(s Sizes, seed uint64) *drawer {
	d := &drawer{sizes: s, rng: rand.New(rand.NewPCG(seed, 0x73697a65))}
	var sum int64
	for _, r := range s.Table {
		sum += r.Count
		d.sums = append(d.sums, sum)
	}
	return d
}

// next draws the size of one message.
func (d *drawer) next() int64 {
	if len(d.sums) == 0 {
		size := float64(d.sizes.Median) * math.Exp(logSpread*d.rng.NormFloat64())
		return int64(min(size, float64(d.sizes.Median*maxTimes), MaxMessage))
	}
	at := d.rng.Int64N(d.sums[len(d.sums)-1])
	r := d.sizes.Table[sort.Search(len(d.sums), func(i int) bool { return d.sums[i] > at })]
	return r.Low + d.rng.Int64N(r.High-r.Low+1)
}
