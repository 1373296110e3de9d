package verify

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// ordered does tasks in parallel and takes their results in order. produce
// makes the tasks and sends them; jobs workers, each made by worker, do them;
// take gets every task that was done, in the order of sending. After an error
// of any of them, or the end of the context, tasks that were sent and not done
// go to drop. No more than three tasks a worker are on the way.
func ordered[T any](ctx context.Context, jobs int, produce func(ctx context.Context, send func(T) error) error,
	worker func() func(context.Context, T), take func(T) error, drop func(T)) error {
	type slot struct {
		t    T
		done chan bool // capacity 1: true when the task was done
	}
	work := make(chan slot)
	order := make(chan slot, 2*jobs)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(work)
		defer close(order)
		return produce(ctx, func(t T) error {
			s := slot{t, make(chan bool, 1)}
			select {
			case order <- s:
			case <-ctx.Done():
				drop(t)
				return context.Cause(ctx)
			}
			select {
			case work <- s:
				return nil
			case <-ctx.Done():
				drop(t)
				s.done <- false
				return context.Cause(ctx)
			}
		})
	})
	for range jobs {
		g.Go(func() error {
			do := worker()
			for s := range work {
				do(ctx, s.t)
				s.done <- true
			}
			return nil
		})
	}
	g.Go(func() error {
		var failed error
		for s := range order {
			if ok := <-s.done; ok && failed == nil && ctx.Err() == nil {
				failed = take(s.t)
			}
			if failed != nil {
				break
			}
		}
		return failed
	})
	return g.Wait()
}
