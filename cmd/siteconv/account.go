package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/ledger"
)

// stepsName is the file in the output folder that keeps what the steps have
// told, and when, until the report has it.
const stepsName = "report.steps.json"

// account is what a run says of itself: when each step was done, how much went
// through it, and what became of every message.
type account struct {
	run   ledger.Run
	lines []stepLine // of steps that are done or were begun
	name  string     // of the step that is under way
	now   *progress  // of it; nil: none
	began time.Time  // its last piece
}

// stepLine is what is kept of one step.
type stepLine struct {
	ledger.Step
	Done bool `json:"done"`
	// Told is what had been told when it was done, by all steps up to there.
	Told   cli.Report    `json:"told"`
	Sums   ledger.Sums   `json:"sums"`
	Before *ledger.Check `json:"check_before,omitempty"`
	After  *ledger.Check `json:"check_after,omitempty"`
}

// recall takes up what the steps that are done have left.
func (a *account) recall(job *cli.Job, out string, done []string) error {
	path := filepath.Join(out, stepsName)
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err == nil {
		if err := json.Unmarshal(data, &a.lines); err != nil {
			return cli.WithHint(fmt.Errorf("%s: %w", path, err), "--force starts afresh")
		}
	}
	for i := range a.lines {
		// Killed between the two files: the step is done once more.
		a.lines[i].Done = slices.Contains(done, a.lines[i].Name)
	}
	if len(done) == 0 {
		return nil
	}
	last := a.line(done[len(done)-1])
	if last == nil {
		return cli.WithHint(fmt.Errorf("%s: what the step %s has told is not there any more", path, done[len(done)-1]), "--force starts afresh")
	}
	job.Recall(last.Told)
	a.run.Sums, a.run.Before, a.run.After = last.Sums, last.Before, last.After
	return nil
}

// line is what is kept of the step called name; nil: nothing.
func (a *account) line(name string) *stepLine {
	i := slices.IndexFunc(a.lines, func(l stepLine) bool { return l.Name == name })
	if i < 0 {
		return nil
	}
	return &a.lines[i]
}

// begin notes that a step begins, or goes on after an interruption.
func (a *account) begin(job *cli.Job, out, name string) error {
	a.name, a.began, a.now = name, time.Now().UTC(), &progress{}
	l := a.line(name)
	if l == nil {
		a.lines = append(a.lines, stepLine{Step: ledger.Step{Name: name, Start: a.began}})
		return a.write(job, out)
	}
	l.Pieces = max(l.Pieces, 1) + 1
	return a.write(job, out)
}

// end notes what the step that is under way has done and told.
func (a *account) end(job *cli.Job, out string) error {
	l := a.line(a.name)
	a.now.fill(&l.Step)
	l.Seconds += time.Since(a.began).Seconds()
	l.Done, l.Told = true, job.Snapshot()
	l.Sums, l.Before, l.After = a.run.Sums, a.run.Before, a.run.After
	return a.write(job, out)
}

func (a *account) write(job *cli.Job, out string) error {
	data, err := json.Marshal(a.lines)
	if err != nil {
		return err
	}
	return writeFile(job, filepath.Join(out, stepsName), func(w *cli.OutputFile) error {
		_, err := w.Write(append(data, '\n'))
		return err
	})
}

// close makes the account of the whole run.
func (a *account) close() *ledger.Run {
	for i, l := range a.lines {
		a.run.Steps = append(a.run.Steps, l.Step)
		if i == 0 || l.Start.Before(a.run.Start) {
			a.run.Start = l.Start
		}
	}
	a.run.End = time.Now().UTC()
	return &a.run
}

// progress counts what goes through a step, beside what is shown of it.
type progress struct {
	items, bytes atomic.Int64
	unit         string
	meter        *cli.Meter
}

// Add implements the Progress of the conversions.
func (p *progress) Add(items, bytes int64) {
	p.items.Add(items)
	p.bytes.Add(bytes)
	p.meter.Add(items, bytes)
}

func (p *progress) fill(s *ledger.Step) {
	s.Unit, s.Items, s.Bytes = p.unit, s.Items+p.items.Load(), s.Bytes+p.bytes.Load()
}

// meter starts to show and count what a part of the step does; bytes is how
// much there is, 0 when that is not known.
func (c *conversion) meter(job *cli.Job, unit string, bytes int64) *progress {
	p := c.account.now
	if p == nil {
		p = &progress{}
	}
	p.unit, p.meter = unit, job.Meter(unit, 0, bytes)
	return p
}
