package restore

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"
)

// guard is the source of a stream that may keep a reader waiting for ever, such
// as a pipe whose other end hangs. A run that is interrupted meanwhile gives it
// up.
type guard struct {
	r       io.Reader
	mu      sync.Mutex
	waiting bool
	given   bool // up
}

// Read reads from the source. Once the guard has been given up it never
// returns: whoever was waiting in it has no further part in the run.
func (g *guard) Read(p []byte) (int, error) {
	g.enter(true)
	n, err := g.r.Read(p)
	g.enter(false)
	return n, err
}

func (g *guard) enter(waiting bool) {
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
func (g *guard) giveUp() bool {
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

// planUntil runs the planner. When ctx ends while the planner waits for its
// source, it is left there, and what it has planned so far is all there is.
func (r *run) planUntil(ctx, work context.Context, p *planner) error {
	done := make(chan error, 1)
	go func() { done <- p.plan(work) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	for {
		select {
		case err := <-done:
			return err
		case <-time.After(patience):
		}
		for _, s := range r.streams {
			if s.guard.giveUp() {
				p.abandon()
				return ctx.Err()
			}
		}
	}
}

// errInterrupted ends a long body that the planner was left in.
var errInterrupted = errors.New("interrupted")

// abandon takes over from a planner that is left waiting for its source,
// perhaps in the middle of a body.
func (p *planner) abandon() {
	if p.feeding != nil {
		p.feeding <- chunk{err: errInterrupted}
		close(p.feeding)
	}
}
