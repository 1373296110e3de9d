package outdir

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

// StepsName is the file in the output folder that keeps what the steps have
// told, and when, until the report has it.
const StepsName = "report.steps.json"

// Account is what a run says of itself: when each step was done, how much went
// through it, and what became of every message.
type Account struct {
	Run   ledger.Run
	lines []StepLine // of steps that are done or were begun
	name  string     // of the step that is under way
	phase *cli.Phase // of it

	early cli.Report // what this run told before it recalled the steps, and they have not
}

// StepLine is what StepsName keeps of one step.
type StepLine struct {
	ledger.Step
	Done bool `json:"done"`
	// Told is what had been told when it was done, by all steps up to there.
	Told   cli.Report    `json:"told"`
	Sums   ledger.Sums   `json:"sums"`
	Before *ledger.Check `json:"check_before,omitempty"`
	After  *ledger.Check `json:"check_after,omitempty"`
}

// Recall takes up what the steps that are done have left.
func (a *Account) Recall(job *cli.Job, out string, done []string) error {
	path := filepath.Join(out, StepsName)
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
	a.early = job.Recall(last.Told)
	a.Run.Sums, a.Run.Before, a.Run.After = last.Sums, last.Before, last.After
	return nil
}

// LogEarly gives the lines of the step that begins what this run has told
// before the steps were recalled: the run that goes on with the step tells it
// again.
func (a *Account) LogEarly(job *cli.Job) {
	job.LogAgain(a.early)
	a.early = cli.Report{}
}

// line is what is kept of the step called name; nil: nothing.
func (a *Account) line(name string) *StepLine {
	i := slices.IndexFunc(a.lines, func(l StepLine) bool { return l.Name == name })
	if i < 0 {
		return nil
	}
	return &a.lines[i]
}

// Begin notes that a step begins, step k of n, or goes on after an
// interruption.
func (a *Account) Begin(job *cli.Job, out, name string, k, n int) error {
	a.name, a.phase = name, job.Phase(k, n, name)
	if l := a.line(name); l != nil {
		l.Pieces = max(l.Pieces, 1) + 1
	} else {
		a.lines = append(a.lines, StepLine{Step: ledger.Step{Name: name, Start: time.Now().UTC()}})
	}
	return a.write(job, out)
}

// End notes what the step that is under way has done and told. The time of a
// piece that was killed nobody knows.
func (a *Account) End(job *cli.Job, out string) error {
	job.TellChanged()
	l, m := a.line(a.name), a.phase.End()
	l.Unit, l.Items, l.Bytes, l.Samples = m.Unit, m.Items, m.Bytes, m.Samples
	l.Seconds += m.Seconds
	l.Done, l.Told = true, job.Snapshot()
	l.Sums, l.Before, l.After = a.Run.Sums, a.Run.Before, a.Run.After
	return a.write(job, out)
}

func (a *Account) write(job *cli.Job, out string) error {
	data, err := json.Marshal(a.lines)
	if err != nil {
		return err
	}
	return WriteFile(job, filepath.Join(out, StepsName), func(w *cli.OutputFile) error {
		_, err := w.Write(append(data, '\n'))
		return err
	})
}

// Close makes the account of the whole run.
func (a *Account) Close() *ledger.Run {
	for i, l := range a.lines {
		a.Run.Steps = append(a.Run.Steps, l.Step)
		if i == 0 || l.Start.Before(a.Run.Start) {
			a.Run.Start = l.Start
		}
	}
	a.Run.End = time.Now().UTC()
	return &a.Run
}

// RemoveSteps removes what the steps have left, once the report has it.
func RemoveSteps(out string) error {
	if err := os.Remove(filepath.Join(out, StepsName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return removeParts(out)
}
