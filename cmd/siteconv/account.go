package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
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
	phase *cli.Phase // of it
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

// begin notes that a step begins, step k of n, or goes on after an
// interruption.
func (a *account) begin(job *cli.Job, out, name string, k, n int) error {
	a.name, a.phase = name, job.Phase(k, n, name)
	if l := a.line(name); l != nil {
		l.Pieces = max(l.Pieces, 1) + 1
	} else {
		a.lines = append(a.lines, stepLine{Step: ledger.Step{Name: name, Start: time.Now().UTC()}})
	}
	return a.write(job, out)
}

// end notes what the step that is under way has done and told. The time of a
// piece that was killed nobody knows.
func (a *account) end(job *cli.Job, out string) error {
	job.TellChanged()
	l, m := a.line(a.name), a.phase.End()
	l.Unit, l.Items, l.Bytes, l.Samples = m.Unit, m.Items, m.Bytes, m.Samples
	l.Seconds += m.Seconds
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

// removeSteps removes what the steps have left, once the report has it.
func removeSteps(out string) error {
	if err := os.Remove(filepath.Join(out, stepsName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return removeParts(out)
}
