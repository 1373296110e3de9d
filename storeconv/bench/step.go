package bench

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"imsconv/storeconv"
)

// Op is the kind of a step.
type Op string

// The steps of a round, in their order. The first two are of the disk alone,
// the others of one row.
const (
	Sequential Op = "sequential" // one large file
	Fsync      Op = "fsync"      // 4 KiB made durable, again and again
	BareWrite  Op = "bare-write" // the limit of restore
	Restore    Op = "restore"
	Verify     Op = "verify"
	BareRead   Op = "bare-read" // the limit of verify
	Backup     Op = "backup"
)

// Step is one thing that is measured, in the directory Dir.
type Step struct {
	Op    Op     `json:"op"`
	Dir   string `json:"dir"`   // the folder of the measurement
	Jobs  int    `json:"jobs"`  // workers
	Sync  string `json:"sync"`  // none, batch or user
	Shape Shape  `json:"shape"` //
}

// Sample is one measurement of one step.
type Sample struct {
	Items   int64      `json:"items"`             // messages; of [Fsync], calls
	Bytes   int64      `json:"bytes"`             // of the messages, each link at full size
	Seconds float64    `json:"seconds"`           //
	CPU     float64    `json:"cpu"`               // seconds of all processors
	Peak    int64      `json:"peak"`              // bytes of memory, of the whole process
	Syncing float64    `json:"syncing"`           // seconds in which something was being made durable
	Message *Histogram `json:"message,omitempty"` // of restore
	Commit  *Histogram `json:"commit,omitempty"`  // of restore
	Curve   []float64  `json:"curve,omitempty"`   // seconds at which each of curvePoints equal parts of the messages was done
}

// curvePoints is how many points the curve of a step has.
const curvePoints = 40

// Run takes one step in this process, which should be one that does nothing
// else: its peak memory is the process's. Progress, which may be nil, is told
// of messages.
func (s Step) Run(ctx context.Context, progress storeconv.Progress) (Sample, error) {
	work := works[s.Op]
	if work == nil {
		return Sample{}, fmt.Errorf("no step %q", s.Op)
	}
	if err := s.Shape.Check(); err != nil {
		return Sample{}, err
	}
	if s.Jobs < 1 {
		s.Jobs = runtime.GOMAXPROCS(0)
	}
	m := &measured{next: progress, total: s.Shape.Messages}
	m.prepared()
	err := work(ctx, s, m)
	m.sample.Seconds = m.now().Seconds()
	m.sample.CPU = (processCPU() - m.cpu).Seconds()
	m.sample.Peak = peakMemory()
	if err != nil {
		return Sample{}, fmt.Errorf("%s: %w", s.Op, err)
	}
	return m.sample, nil
}

// works are the steps by their kinds. Each counts its items and bytes.
var works = map[Op]func(context.Context, Step, *measured) error{
	Sequential: sequential, Fsync: fsyncs, BareWrite: bareWrite, BareRead: bareRead,
	Restore: restoreStep, Verify: verifyStep, Backup: backupStep,
}

// measured is a step that is being taken. Its Add makes the curve.
type measured struct {
	now    func() time.Duration // since the preparations ended
	cpu    time.Duration        // of the process until then
	next   storeconv.Progress   // told too; nil: none
	total  int64                // messages that will come
	curve  curve
	sample Sample
}

// Add counts messages, from any goroutine.
func (m *measured) Add(items, bytes int64) {
	m.curve.add(items, m.total, m.now)
	if m.next != nil {
		m.next.Add(items, bytes)
	}
}

// prepared starts the time: what was done so far was getting ready.
func (m *measured) prepared() { m.now, m.cpu = stopwatch(), processCPU() }

// processCPU is the user and system time of this process so far.
func processCPU() time.Duration {
	var r unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
