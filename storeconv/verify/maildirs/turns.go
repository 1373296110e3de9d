package maildirs

import (
	"context"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"imsconv/storeconv"
)

// maxNotes is how many lines of a kind are kept for one user.
const maxNotes = 1000

// notes are what is told of one user, kept until its turn comes.
type notes struct {
	lines []storeconv.Note
	kinds map[string]int
}

func (n *notes) problem(kind, where, format string, args ...any) {
	n.add(storeconv.Note{Severity: storeconv.Problem, Kind: kind, Where: where, Text: fmt.Sprintf(format, args...)})
}

func (n *notes) warning(kind, where, format string, args ...any) {
	n.add(storeconv.Note{Severity: storeconv.Warning, Kind: kind, Where: where, Text: fmt.Sprintf(format, args...)})
}

func (n *notes) add(note storeconv.Note) {
	if n.kinds == nil {
		n.kinds = make(map[string]int)
	}
	if n.kinds[note.Kind]++; n.kinds[note.Kind] <= maxNotes {
		n.lines = append(n.lines, note)
	}
}

// tell gives the lines to a log.
func (n *notes) tell(log storeconv.Log) {
	for _, note := range n.lines {
		note.Tell(log)
		if n.kinds[note.Kind] > maxNotes {
			rest := n.kinds[note.Kind] - maxNotes
			n.kinds[note.Kind] = 0
			defer storeconv.Note{Severity: note.Severity, Kind: note.Kind, Where: note.Where, Text: fmt.Sprintf("and so %d times more with this user", rest)}.Tell(log)
		}
	}
}

// turns does work in parallel and takes what comes of it in the order in which
// it was handed out.
type turns struct {
	ctx   context.Context
	group *errgroup.Group
	slots chan struct{}
	last  chan struct{} // closed when the work handed out last has been taken
}

func newTurns(ctx context.Context, jobs int) *turns {
	group, ctx := errgroup.WithContext(ctx)
	t := &turns{ctx: ctx, group: group, slots: make(chan struct{}, jobs), last: make(chan struct{})}
	close(t.last)
	return t
}

// do hands out work and waits until somebody has taken it up. take is called
// with the work done, one at a time.
func (t *turns) do(work func(context.Context) error, take func()) error {
	select {
	case t.slots <- struct{}{}:
	case <-t.ctx.Done():
		return context.Cause(t.ctx)
	}
	before, done := t.last, make(chan struct{})
	t.last = done
	t.group.Go(func() error {
		release := sync.OnceFunc(func() { <-t.slots })
		defer release()
		defer close(done)
		if err := work(t.ctx); err != nil {
			return err
		}
		select {
		case <-before:
		case <-t.ctx.Done():
			return context.Cause(t.ctx)
		}
		if t.ctx.Err() == nil {
			take()
		}
		return nil
	})
	return nil
}

// wait waits for all work.
func (t *turns) wait() error { return t.group.Wait() }
