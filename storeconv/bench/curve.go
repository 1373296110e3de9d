package bench

import (
	"sync"
	"time"
)

// curve notes when each of curvePoints equal parts of something was done.
type curve struct {
	mu   sync.Mutex
	done int64
	at   []float64 // seconds
}

// add counts items that are done, of total.
func (c *curve) add(items, total int64, now func() time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done += items
	for len(c.at) < curvePoints && c.done*curvePoints >= total*int64(len(c.at)+1) {
		c.at = append(c.at, now().Seconds())
	}
}
