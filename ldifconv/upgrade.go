package ldifconv

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"imsconv/ldifconv/internal/index"
	"imsconv/ldifconv/ldif"
)

// Input is one file of an upgrade.
type Input struct {
	// Name is its name in positions.
	Name string
	io.Reader
	// Open, when not nil, opens the input once more from its beginning. An
	// upgrade of SIMS domains reads its input twice; without Open it does
	// so by Seek when the Reader can, and by a copy in a temporary file
	// when not.
	Open func() (io.ReadCloser, error)
}

// Upgrade reads the export src and writes to dst what opt.Format asks for. It
// reports damaged records and goes on; the error is about the options, the
// destination, or the context.
func Upgrade(ctx context.Context, dst io.Writer, src io.Reader, opt Options) (Report, error) {
	name := opt.Name
	if name == "" {
		name = "ldif"
	}
	return UpgradeAll(ctx, dst, []Input{{Name: name, Reader: src}}, opt)
}

// UpgradeAll is Upgrade for an export that lies in several files, read one
// after the other. It does not close them.
func UpgradeAll(ctx context.Context, dst io.Writer, inputs []Input, opt Options) (Report, error) {
	r, err := newRun(dst, inputs, opt)
	if err != nil {
		return Report{}, err
	}
	defer r.close()
	return r.do(ctx)
}

// The amounts of memory a run is made for, in bytes.
const (
	largestChunk = 192 << 10 // more is slower: it lies outside the processor caches
	leastChunk   = 64 << 10
	chunkBudget  = 8 << 20 // input chunks of all batches together
	keepBuffer   = 3 << 20 // larger buffers are not kept for the next batch
	mostJobs     = 64
)

// run is one call of UpgradeAll.
type run struct {
	opt    Options
	inputs []Input
	jobs   int
	sel    *selection
	rules  *ruleSet
	fired  []int64 // how often each rule changed an entry
	pairs  []setting
	state  *state // nil without Restore
	order  *sequencer
	nodes  domainNodes
	mute   mutes
	count  Counter // the Log, when it is one
	met    found
	seen   index.First // the DNs of all entries
	book   addressBook
	survey *survey // nil when no domain is looked for
	again  rereader

	free    chan *batch // batches at rest
	work    chan *batch // to the workers
	ordered chan *batch // to the collector, in order of the input

	full                 *index.Order
	out, undo, save, rej *output
	report               Report
}

func newRun(dst io.Writer, inputs []Input, opt Options) (*run, error) {
	r := &run{opt: opt, inputs: slices.Clone(inputs), order: newSequencer()}
	var err error
	if r.sel, err = newSelection(&opt); err != nil {
		return nil, err
	}
	if r.rules, err = newRuleSet(&opt); err != nil {
		return nil, err
	}
	r.fired = make([]int64, len(r.rules.names))
	if r.pairs, err = settings(opt.Add); err != nil {
		return nil, err
	}
	if opt.AddOnly && len(r.pairs) == 0 && len(opt.Restore) == 0 {
		return nil, errors.New("nothing to do: no rules, no pairs and no state")
	}
	r.report = Report{Rules: map[string]int64{}, Problems: map[string]int64{}, Warnings: map[string]int64{}}
	if len(opt.Restore) > 0 {
		if r.state, err = readState(opt.Restore, opt.TempDir, r.tellState); err != nil {
			return nil, err
		}
	}
	if r.state != nil {
		for _, name := range r.state.empty {
			r.warn("empty-file", name, "the state file holds nothing: nothing is given back from it")
		}
	}
	r.jobs = opt.Jobs
	if r.jobs <= 0 {
		r.jobs = runtime.GOMAXPROCS(0)
	}
	r.jobs = min(r.jobs, mostJobs)
	r.count, _ = opt.Log.(Counter)
	n := r.jobs + 2
	r.free = make(chan *batch, n)
	r.work = make(chan *batch, n)
	r.ordered = make(chan *batch, n)
	for range n {
		r.free <- &batch{order: r.order, done: make(chan struct{}, 1), mute: &r.mute}
	}
	r.out, r.undo = newOutput(dst, true), newOutput(opt.Undo, true)
	r.save, r.rej = newOutput(opt.Save, true), newOutput(opt.Rejects, false)
	if opt.Format == Full {
		r.full = index.NewOrder(r.out, opt.TempDir, &r.seen)
	}
	if opt.From == SIMS && opt.Kinds&Domains != 0 && !opt.AllDomains {
		r.survey = &survey{sel: r.sel, nodes: index.Table{Dir: opt.TempDir}, jobs: r.jobs, chunks: ldif.Options{MaxEntry: r.opt.maxEntry(), ChunkSize: r.chunkSize()}}
	}
	r.met.under = make([]int64, len(r.sel.bases))
	r.seen.Dir, r.book.dir, r.again.dir = opt.TempDir, opt.TempDir, opt.TempDir
	return r, nil
}

// close removes temporary files.
func (r *run) close() {
	if r.state != nil {
		r.state.close()
	}
	if r.full != nil {
		r.full.Close()
	}
	r.seen.Close()
	if r.survey != nil {
		r.survey.close()
	}
	if f := r.rules.options.fates; f != nil {
		f.table.Close() // files that are gone already
	}
	r.again.close()
	r.book.close()
}

// do runs the pipeline: one reader that cuts chunks, workers that upgrade them,
// and the collector, which is this goroutine.
func (r *run) do(ctx context.Context) (Report, error) {
	if r.survey != nil {
		if err := r.survey.take(ctx, r.inputs, &r.again); err != nil {
			return r.report, err
		}
	}
	if len(r.opt.Rules.UIDMap) > 0 && !r.opt.AddOnly {
		if err := r.checkUIDs(ctx); err != nil {
			return r.report, err
		}
	}
	r.warnPairs()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(r.work)
		defer close(r.ordered)
		return r.read(ctx)
	})
	for range r.jobs {
		group.Go(func() error {
			w := newWorker(r)
			for b := range r.work {
				w.upgrade(b)
				r.order.finish(b.seq)
				b.done <- struct{}{}
			}
			r.met.join(&w.met)
			return nil
		})
	}
	group.Go(func() error { return r.collect(ctx) })
	err := group.Wait()
	for rule, n := range r.fired {
		if n > 0 {
			r.report.Rules[r.rules.names[rule]] = n
		}
	}
	if err != nil {
		return r.report, err
	}
	return r.report, r.finish()
}

// read cuts the inputs into batches.
func (r *run) read(ctx context.Context) error {
	size, seq := r.chunkSize(), int64(0)
	for i, in := range r.inputs {
		chunks := ldif.NewChunker(&cancelReader{ctx, in.Reader, make(chan readResult, 1)}, ldif.Options{MaxEntry: r.opt.MaxEntry, ChunkSize: size})
		for end := false; !end; {
			var b *batch
			select {
			case b = <-r.free:
			case <-ctx.Done():
				return ctx.Err()
			}
			b.reset(seq, i, in.Name)
			err := chunks.Next(&b.chunk)
			if err == io.EOF {
				r.free <- b
				break
			}
			if err != nil {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				if b.chunk.Offset == 0 && seq == 0 {
					return fmt.Errorf("%s: %w", in.Name, err)
				}
				b.problem(restUnreadable, b.chunk.Line, "", fmt.Sprintf("%v: the rest of the input is lost", err))
				end = true
			}
			seq++
			large := cap(b.chunk.Data) > keepBuffer
			r.work <- b
			r.ordered <- b
			if large && !r.settle(ctx) {
				return ctx.Err()
			}
		}
	}
	return nil
}

func (r *run) chunkSize() int {
	if r.opt.chunk > 0 {
		return r.opt.chunk
	}
	return min(max(chunkBudget/(r.jobs+2), leastChunk), largestChunk)
}

// settle waits until every batch is at rest, so that no two large ones are in
// memory together.
func (r *run) settle(ctx context.Context) bool {
	rest := make([]*batch, 0, cap(r.free))
	for range cap(r.free) {
		select {
		case b := <-r.free:
			rest = append(rest, b)
		case <-ctx.Done():
			return false
		}
	}
	for _, b := range rest {
		r.free <- b
	}
	return true
}

// cancelReader stops reading when its context is done, even when the reader
// below waits for input that does not come. Then that one read stays behind,
// and its buffer with it.
type cancelReader struct {
	ctx  context.Context
	r    io.Reader
	done chan readResult
}

type readResult struct {
	n   int
	err error
}

// Read implements io.Reader.
func (c *cancelReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	go func() {
		n, err := c.r.Read(p)
		c.done <- readResult{n, err}
	}()
	select {
	case r := <-c.done:
		return r.n, r.err
	case <-c.ctx.Done():
		return 0, c.ctx.Err()
	}
}

// collect writes the batches in order.
func (r *run) collect(ctx context.Context) error {
	defer r.order.stop()
	for b := range r.ordered {
		select {
		case <-b.done:
		case <-ctx.Done():
			return ctx.Err()
		}
		if b.err != nil {
			return b.err
		}
		if err := r.take(b); err != nil {
			return err
		}
		r.order.take()
		b.rest()
		r.free <- b
	}
	return nil
}

// flush writes what a batch has so far, in its turn: the collector waits for
// this batch meanwhile. It returns false when the run ends.
func (r *run) flush(b *batch) bool {
	if !r.order.waitTaken(b.seq) {
		return false
	}
	b.err = r.take(b)
	b.empty()
	return b.err == nil
}

// take writes what one batch made and says what it has to say.
func (r *run) take(b *batch) error {
	err := r.dropSecond(b)
	if err != nil {
		return err
	}
	// What takes a change back is written before the change, which may be in a
	// server at once.
	err = errors.Join(r.undo.write(b.undo), r.save.write(b.save))
	if err != nil {
		return err
	}
	if r.full != nil {
		err = r.full.Put(b.out, b.marks)
	} else {
		err = r.out.write(b.out)
	}
	err = errors.Join(err, r.rej.write(b.rejects), r.book.put(&b.people))
	if err != nil {
		return err
	}
	r.report.add(&b.report)
	for _, rule := range b.fired {
		r.fired[rule]++
	}
	for _, n := range b.notes {
		if err := r.say(b.name, n); err != nil {
			return err
		}
	}
	if r.opt.Progress != nil {
		r.opt.Progress.Add(b.report.Entries, b.report.Bytes)
	}
	return nil
}

// tellState tells of a damaged record of a state file.
func (r *run) tellState(file string, e *ldif.Error) error {
	text := e.Text
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return r.say(file, note{problem: true, kind: e.Kind(), line: e.Line, where: e.DN, text: text + ": not given back"})
}

func (r *run) say(file string, n note) error {
	if n.counted {
		r.counted(&n)
		return nil
	}
	if r.count != nil {
		defer r.hush(&n)
	}
	where := position(file, n.line, n.where)
	if !n.problem {
		r.report.Warnings[n.kind]++
		r.log().Warning(n.kind, where, n.text)
		return nil
	}
	r.report.Problems[n.kind]++
	r.log().Problem(n.kind, where, n.text)
	if r.opt.Strict {
		return fmt.Errorf("stopped at the first problem: %s: %s", where, printable(n.text))
	}
	return nil
}

// counted counts a message without a text.
func (r *run) counted(n *note) {
	counts := r.report.Warnings
	if n.problem {
		counts = r.report.Problems
	}
	counts[n.kind]++
	r.count.Counted(n.problem, n.kind)
}

// hush has no more texts made of the kind of n when the Log wants none.
func (r *run) hush(n *note) {
	if r.count.Counting(n.problem, n.kind) {
		r.mute.add(n.problem, n.kind)
	}
}

// finish writes what belongs behind the last entry.
func (r *run) finish() error {
	if err := r.addEntries(); err != nil {
		return err
	}
	if r.full != nil {
		reordered, err := r.full.Finish()
		if err != nil {
			return err
		}
		r.report.Reordered = reordered
		if err := r.tellOrphans(); err != nil {
			return err
		}
	}
	if err := r.tellTwice(); err != nil {
		return err
	}
	r.met.report(r)
	if r.survey != nil && !r.opt.AddOnly {
		if err := r.survey.report(r); err != nil {
			return err
		}
	}
	if r.state != nil {
		if err := r.state.report(r); err != nil {
			return err
		}
	}
	r.report.Programs = r.rules.finish(r.log())
	return nil
}

// discard is the Log of a caller without one.
type discard struct{}

// Problem implements Log.
func (discard) Problem(kind, where, text string) {}

// Warning implements Log.
func (discard) Warning(kind, where, text string) {}

func (r *Report) add(b *Report) {
	r.Entries += b.Entries
	r.Bytes += b.Bytes
	r.Damaged += b.Damaged
	r.Selected += b.Selected
	r.Changed += b.Changed
	r.Finished += b.Finished
	r.Users += b.Users
	r.Groups += b.Groups
	r.Domains += b.Domains
	r.Restored += b.Restored
	r.Tombstones += b.Tombstones
	r.Conflicts += b.Conflicts
	r.Twice += b.Twice
}

// output is one file that is written: nothing at all when there is no record,
// else a version line first.
type output struct {
	w      io.Writer
	header bool
}

func newOutput(w io.Writer, header bool) *output { return &output{w, header} }

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	if o.header && len(p) > 0 {
		o.header = false
		if _, err := io.WriteString(o.w, "version: 1\n\n"); err != nil {
			return 0, err
		}
	}
	return o.w.Write(p)
}

func (o *output) write(p []byte) error {
	if len(p) == 0 || o.w == nil {
		return nil
	}
	_, err := o.Write(p)
	return err
}
