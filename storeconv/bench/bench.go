package bench

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"imsconv/storeconv"
)

// Options say what is measured, and by whom.
type Options struct {
	Jobs   []int                // numbers of workers, a row each; none: one a processor
	Sync   []storeconv.SyncMode // a row each; none: batch
	Rounds int                  // 0: 3
	For    Goal                 // the migration whose duration is asked for; zero: none

	Progress storeconv.Progress // nil: none
	// Step takes a step, in a process of its own where peak memory is to be that
	// of the step alone; nil: [Step.Run].
	Step func(ctx context.Context, s Step, progress storeconv.Progress) (Sample, error)
}

// Goal is the migration that an estimate is about.
type Goal struct {
	Messages int64 `json:"messages"`
	Bytes    int64 `json:"bytes"` // 0: as large as those that are measured
}

// rowOps are the steps of a row, in their order. Each handles all messages.
var rowOps = []Op{BareWrite, Restore, Verify, BareRead, Backup}

// Work is how many messages all steps together will handle.
func (o Options) Work(s Shape) int64 {
	o = o.withDefaults()
	return int64(len(o.Jobs)*len(o.Sync)*o.Rounds*len(rowOps)) * s.Messages
}

func (o Options) withDefaults() Options {
	if len(o.Jobs) == 0 {
		o.Jobs = []int{0}
	}
	if len(o.Sync) == 0 {
		o.Sync = []storeconv.SyncMode{storeconv.SyncBatch}
	}
	if o.Rounds < 1 {
		o.Rounds = 3
	}
	if o.Step == nil {
		o.Step = func(ctx context.Context, s Step, progress storeconv.Progress) (Sample, error) {
			return s.Run(ctx, progress)
		}
	}
	return o
}

// Bench measures in the directory dir, which is the caller's: it should be
// empty, and what an interrupt leaves there is for the caller to remove. The
// stream is of the given shape.
//
// The error is of the options, of the destination or of the context, or says
// that a conversion came out wrong: a time is believed only when all messages
// are where they should be.
func Bench(ctx context.Context, dir string, shape Shape, opts Options) (Report, error) {
	opts = opts.withDefaults()
	if err := shape.Check(); err != nil {
		return Report{}, err
	}
	totals := shape.Totals()
	if err := checkSpace(dir, totals); err != nil {
		return Report{}, err
	}
	b := &bench{dir: dir, shape: shape, opts: opts}
	for _, mode := range opts.Sync {
		for _, jobs := range opts.Jobs {
			b.rows = append(b.rows, &rowSamples{jobs: workers(jobs), sync: mode.String(), samples: make(map[Op][]Sample)})
		}
	}
	machine := ThisMachine(dir)
	for range opts.Rounds {
		if err := b.round(ctx); err != nil {
			return Report{}, err
		}
	}
	return b.report(machine, totals), nil
}

// bench is one call of Bench.
type bench struct {
	dir   string
	shape Shape
	opts  Options
	disk  [2][]Sample // of Sequential and Fsync, one a round
	rows  []*rowSamples
}

// rowSamples are the measurements of a row.
type rowSamples struct {
	jobs    int
	sync    string
	samples map[Op][]Sample // one a round
}

func (b *bench) round(ctx context.Context) error {
	for i, op := range [...]Op{Sequential, Fsync} {
		s, err := b.step(ctx, op, &rowSamples{jobs: 1, sync: storeconv.SyncBatch.String()})
		if err != nil {
			return err
		}
		b.disk[i] = append(b.disk[i], s)
	}
	for _, row := range b.rows {
		if err := b.row(ctx, row); err != nil {
			return err
		}
	}
	return nil
}

// row takes the steps of a row once, and removes what they have made.
func (b *bench) row(ctx context.Context, row *rowSamples) error {
	for _, op := range rowOps {
		s, err := b.step(ctx, op, row)
		if err != nil {
			return err
		}
		row.samples[op] = append(row.samples[op], s)
		if op == BareWrite {
			if err := os.RemoveAll(filepath.Join(b.dir, bareName)); err != nil {
				return err
			}
		}
	}
	return errors.Join(os.RemoveAll(filepath.Join(b.dir, storeName)), os.RemoveAll(filepath.Join(b.dir, streamName)))
}

// step takes one step. What earlier ones have left to be written is written
// first: it is not this one's.
func (b *bench) step(ctx context.Context, op Op, row *rowSamples) (Sample, error) {
	if err := ctx.Err(); err != nil {
		return Sample{}, err
	}
	if err := settle(b.dir); err != nil {
		return Sample{}, err
	}
	step := Step{Op: op, Dir: b.dir, Jobs: row.jobs, Sync: row.sync, Shape: b.shape}
	var progress storeconv.Progress
	if op != Sequential && op != Fsync {
		progress = b.opts.Progress
	}
	return b.opts.Step(ctx, step, progress)
}

// settle writes out what a file system has not written yet.
func settle(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.Syncfs(int(f.Fd())); err != nil {
		return fmt.Errorf("sync %s: %w", dir, err)
	}
	return nil
}

// Need is the room that the measurement of a stream takes at a time: the store
// with its indexes, the stream that the backup writes beside it, and a tenth
// more.
func (t Totals) Need() (bytes, inodes uint64) {
	const indexLine, member, large = 256, 2048, largeBytes
	store := t.Blocks + t.Folders*4096 + t.Messages*indexLine
	stream := t.Unique + t.Messages*member
	return uint64(max(store+stream, large) / 10 * 11), uint64(t.Files+t.Folders+64) / 10 * 11
}

// checkSpace refuses a file system that is too small. One that counts no
// inodes, or no blocks, says that it has none at all.
func checkSpace(dir string, t Totals) error {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return &os.PathError{Op: "statfs", Path: dir, Err: err}
	}
	bytes, inodes := t.Need()
	free := st.Bavail * uint64(st.Bsize)
	if st.Blocks == 0 {
		free = math.MaxUint64
	}
	return enough(dir, bytes, inodes, free, st.Files, st.Ffree)
}

// enough compares what is needed with what is free, of files inodes in all.
func enough(dir string, bytes, inodes, freeBytes, files, freeFiles uint64) error {
	switch {
	case bytes > freeBytes:
		return fmt.Errorf("%s: this takes %d MB, the file system has %d MB free", dir, bytes/1e6, freeBytes/1e6)
	case files > 0 && inodes > freeFiles:
		return fmt.Errorf("%s: this takes %d files, the file system has room for %d", dir, inodes, freeFiles)
	}
	return nil
}
