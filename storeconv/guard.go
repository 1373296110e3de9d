package storeconv

import (
	"context"
	"io"
	"sync"
	"time"
)

// Guard reads from a source that may keep its reader waiting for ever, such as
// a pipe whose other end hangs. A run that is interrupted meanwhile gives it up
// ([Await]). A nil Guard stands for a source that never waits long.
type Guard struct {
	r       io.Reader
	mu      sync.Mutex
	waiting bool
	given   bool // up
}

// NewGuard returns a Guard that reads from r.
func NewGuard(r io.Reader) *Guard { return &Guard{r: r} }

// Read reads from the source. Once the guard has been given up it never
// returns: whoever was waiting in it has no further part in the run.
func (g *Guard) Read(p []byte) (int, error) {
	g.enter(true)
	n, err := g.r.Read(p)
	g.enter(false)
	return n, err
}

func (g *Guard) enter(waiting bool) {
	g.mu.Lock()
	if g.given {
		g.mu.Unlock()
		select {}
	}
	g.waiting = waiting
	g.mu.Unlock()
}

// giveUp gives the source up if somebody is waiting in it, and tells whether
// that was so.
func (g *Guard) giveUp() bool {
	if g == nil {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.given = g.given || g.waiting
	return g.given
}

// patience is how long an interrupted run waits for its source.
const patience = 200 * time.Millisecond

// Await waits for the reader of guarded sources, which sends its end to done.
// When ctx ends while the reader waits in one of them, it is left there:
// abandoned is true then, and err the error of ctx.
func Await(ctx context.Context, done <-chan error, guards ...*Guard) (abandoned bool, err error) {
	select {
	case err := <-done:
		return false, err
	case <-ctx.Done():
	}
	for {
		select {
		case err := <-done:
			return false, err
		case <-time.After(patience):
		}
		for _, g := range guards {
			if g.giveUp() {
				return true, ctx.Err()
			}
		}
	}
}
