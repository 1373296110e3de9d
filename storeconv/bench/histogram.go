package bench

import (
	"encoding/json"
	"fmt"
	"math"
	"math/bits"
	"sync/atomic"
	"time"
)

// Histogram counts durations in buckets that are at most one sixty-fourth as
// wide as what they hold; the largest is kept as it is. Add is safe for
// concurrent use, the other methods are not.
type Histogram struct {
	counts [histogramSize]atomic.Int64
	max    atomic.Int64
}

// Below subBuckets every value has its own bucket, above it every power of two
// has subBuckets.
const (
	subBits       = 6
	subBuckets    = 1 << subBits
	histogramSize = subBuckets * (64 - subBits)
)

// bucketOf is the bucket of a value that is not negative.
func bucketOf(v int64) int {
	if v < subBuckets {
		return int(v)
	}
	shift := bits.Len64(uint64(v)) - subBits - 1
	return subBuckets*shift + int(v>>shift)
}

// bucketRange is the lowest and the highest value of a bucket.
func bucketRange(i int) (low, high int64) {
	if i < 2*subBuckets {
		return int64(i), int64(i)
	}
	shift := i/subBuckets - 1
	low = int64(i-subBuckets*shift) << shift
	return low, low + 1<<shift - 1
}

// Add counts a duration; one below zero counts as zero.
func (h *Histogram) Add(d time.Duration) { h.addValue(max(int64(d), 0)) }

func (h *Histogram) addValue(v int64) {
	h.counts[bucketOf(v)].Add(1)
	for {
		old := h.max.Load()
		if v <= old || h.max.CompareAndSwap(old, v) {
			return
		}
	}
}

// Merge adds what another has counted.
func (h *Histogram) Merge(o *Histogram) {
	for i := range o.counts {
		h.counts[i].Add(o.counts[i].Load())
	}
	h.max.Store(max(h.max.Load(), o.max.Load()))
}

// Count is how many durations there are.
func (h *Histogram) Count() int64 {
	var n int64
	for i := range h.counts {
		n += h.counts[i].Load()
	}
	return n
}

// Max is the longest duration, 0 when there is none.
func (h *Histogram) Max() time.Duration { return time.Duration(h.max.Load()) }

// Quantile is the smallest duration that at least the part q of all are not
// longer than, to the width of a bucket upwards; 0 when there is none.
func (h *Histogram) Quantile(q float64) time.Duration {
	rank := int64(math.Ceil(q * float64(h.Count())))
	var n int64
	for i := range h.counts {
		n += h.counts[i].Load()
		if n >= rank && n > 0 {
			_, high := bucketRange(i)
			return time.Duration(min(high, h.max.Load()))
		}
	}
	return 0
}

// histogramJSON is the form in which a histogram goes from one process to
// another: pairs of bucket and count.
type histogramJSON struct {
	Max    int64      `json:"max"`
	Counts [][2]int64 `json:"counts"`
}

// MarshalJSON writes the buckets that are not empty.
func (h *Histogram) MarshalJSON() ([]byte, error) {
	out := histogramJSON{Max: h.max.Load()}
	for i := range h.counts {
		if n := h.counts[i].Load(); n > 0 {
			out.Counts = append(out.Counts, [2]int64{int64(i), n})
		}
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (h *Histogram) UnmarshalJSON(data []byte) error {
	var in histogramJSON
	if err := json.Unmarshal(data, &in); err != nil {
		return err
	}
	for _, c := range in.Counts {
		if c[0] < 0 || c[0] >= histogramSize || c[1] < 0 {
			return fmt.Errorf("histogram: bucket %d, count %d", c[0], c[1])
		}
		h.counts[c[0]].Store(c[1])
	}
	h.max.Store(in.Max)
	return nil
}

// ranges are the buckets as a table of sizes.
func (h *Histogram) ranges() []SizeRange {
	var out []SizeRange
	for i := range h.counts {
		if n := h.counts[i].Load(); n > 0 {
			low, high := bucketRange(i)
			out = append(out, SizeRange{low, min(high, h.max.Load()), n})
		}
	}
	return out
}
