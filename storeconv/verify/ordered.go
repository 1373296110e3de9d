package verify

import (
	"cmp"
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"imsconv/storeconv"
	"imsconv/storeconv/sims"
)

// ordered does tasks in parallel and takes their results in order. produce
// makes the tasks and sends them; jobs workers, each made by worker, do them;
// take gets every task that was done, in the order of sending. After an error
// of any of them, or the end of the context, tasks that were sent and not done
// go to drop. No more than five tasks a worker are on the way, of which two
// wait for a worker: one who has to wait for the next task leaves its processor
// idle, and waking that up takes as long as a small task.
func ordered[T any](ctx context.Context, jobs int, produce func(ctx context.Context, send func(T) error) error,
	worker func() func(context.Context, T), take func(T) error, drop func(T)) error {
	type slot struct {
		t    T
		done chan bool // capacity 1: true when the task was done
	}
	work := make(chan slot, 2*jobs)
	order := make(chan slot, 4*jobs)
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

// A stream may go from user to user and back, message by message, and to open a
// mailbox is to read its index. So members wait until there are many, and are
// held against the store a mailbox of the store at a time: several of the
// stream may have become one, and what is said of it last holds. What there is
// to say of them is said in the order of the stream.

// What waits is bounded, in bytes of memory: by queueFirst as long as the
// stream takes one mailbox after the other, as most do, by queueMost once it
// has gone back to one.
const (
	queueFirst = 2 << 20
	queueMost  = 32 << 20
)

// queueWeight is what a member takes beside its texts, in bytes, about.
const queueWeight = 400

// queued is a member that waits.
type queued struct {
	m         *sims.Member
	body      body
	at        int // number in the queue
	user, box int // numbers of the first members of its user and of its mailbox, of the store
}

// queuedNote is something to say about a member, or about what comes before it.
type queuedNote struct {
	at   int
	note storeconv.Note
}

// queue is what waits.
type queue struct {
	members []queued
	slabs   [][]sims.Member // what members points to: used again
	bytes   int
	back    bool           // the stream has gone back to a mailbox, in this queue or one before
	first   map[string]int // numbers of the first members, by user and by mailbox
	turns   bool           // it has in this queue
	at      int            // number of the member at work
	notes   []queuedNote
}

// add adds a copy of a member, of that user and mailbox of the store, and tells
// whether the queue is full.
func (q *queue) add(m *sims.Member, b body, user, mailbox string) bool {
	if q.first == nil {
		q.first = make(map[string]int)
	}
	w := queued{m: q.slot(len(q.members)), body: b, at: len(q.members)}
	c := w.m
	*c = *m
	c.Unknown = nil
	w.user = q.number(user, w.at)
	w.box = q.number(mailbox, w.at)
	if last := len(q.members) - 1; last >= 0 && q.members[last].compare(w) > 0 {
		q.turns, q.back = true, true
	}
	q.members = append(q.members, w)
	q.bytes += queueWeight + len(c.Name) + len(c.Link) + len(c.Flags) + len(c.Keywords) + len(c.ACL)
	if q.back {
		return q.bytes >= queueMost
	}
	return q.bytes >= queueFirst
}

// slabSize is how many members are made room for at a time.
const slabSize = 1024

// slot is where member number n of the queue is kept.
func (q *queue) slot(n int) *sims.Member {
	if n/slabSize == len(q.slabs) {
		q.slabs = append(q.slabs, make([]sims.Member, slabSize))
	}
	return &q.slabs[n/slabSize][n%slabSize]
}

// number returns the number of the first member under a key.
func (q *queue) number(key string, at int) int {
	if n, ok := q.first[key]; ok {
		return n
	}
	q.first[key] = at
	return at
}

func (w queued) compare(o queued) int {
	return cmp.Or(cmp.Compare(w.user, o.user), cmp.Compare(w.box, o.box), cmp.Compare(w.at, o.at))
}

// tell says something about the member at work: at once, unless something that
// comes before it in the stream is still to come.
func (c *streamCheck) tell(n storeconv.Note) {
	if !c.queue.turns && len(c.queue.notes) == 0 {
		c.v.tell(n)
		return
	}
	c.queue.notes = append(c.queue.notes, queuedNote{c.queue.at, n})
}

// tellRead says something about what has been read last.
func (c *streamCheck) tellRead(n storeconv.Note) {
	c.queue.notes = append(c.queue.notes, queuedNote{len(c.queue.members), n})
}

// work holds what waits against the store.
func (c *streamCheck) work() {
	q := &c.queue
	if q.turns {
		slices.SortFunc(q.members, queued.compare)
	}
	for i := range q.members {
		if c.ctx.Err() != nil {
			return
		}
		q.at = q.members[i].at
		c.compare(&q.members[i])
	}
	slices.SortStableFunc(q.notes, func(a, b queuedNote) int { return cmp.Compare(a.at, b.at) })
	for _, n := range q.notes {
		c.v.tell(n.note)
	}
	clear(q.members)
	for _, slab := range q.slabs {
		clear(slab)
	}
	*q = queue{members: q.members[:0], slabs: q.slabs, back: q.back}
}
