package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// runVerb runs action as a verb and returns its exit status.
func runVerb(t *testing.T, action Action, args ...string) int {
	t.Helper()
	c := Command{Name: "tool", Verbs: []Verb{{Name: "do", New: func(*pflag.FlagSet) Action { return action }}}}
	return Main(t.Context(), c, append([]string{"tool", "do"}, args...), strings.NewReader(""), io.Discard, io.Discard)
}

// A kept report is that of --report, and there is one of a run that has done
// its work, with losses or without, and of no other.
func TestKeepReport(t *testing.T) {
	for _, c := range []struct {
		name   string
		action func(j *Job) error
		exit   int
		kept   bool
	}{
		{"done", func(*Job) error { return nil }, ExitDone, true},
		{"with losses", func(j *Job) error { j.Problem("bad", "here", "lost"); return nil }, ExitLost, true},
		{"failed", func(*Job) error { return errors.New("no") }, ExitFailed, false},
		{"usage", func(*Job) error { return Usagef("no") }, ExitUsage, false},
		{"refused at the end", func(j *Job) error { j.AtEnd(func() error { return errors.New("no") }); return nil }, ExitFailed, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			kept, report := filepath.Join(dir, "a", "b", "kept.json"), filepath.Join(dir, "report.json")
			exit := runVerb(t, func(_ context.Context, j *Job, _ []string) error {
				j.KeepReport(kept)
				j.Count("things", 7)
				return c.action(j)
			}, "--report", report)
			if exit != c.exit {
				t.Errorf("exit status %d, want %d", exit, c.exit)
			}
			text, err := os.ReadFile(kept)
			if (err == nil) != c.kept {
				t.Fatalf("the kept report: %v", err)
			}
			if !c.kept {
				return
			}
			told, err := os.ReadFile(report)
			if err != nil {
				t.Fatal(err)
			}
			if a, b := withoutAbout(t, text), withoutAbout(t, told); a != b {
				t.Errorf("kept\n%s\n--report\n%s", a, b)
			}
			r, about, err := ParseReport(text)
			if err != nil || r.Counts.Get("things") != 7 || about.Options["report"] != report || about.End.IsZero() {
				t.Errorf("%+v %+v %v", r, about, err)
			}
		})
	}
}

// A place that cannot be written is a failure of the run, not silence.
func TestKeepReportCannotBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	exit := runVerb(t, func(_ context.Context, j *Job, _ []string) error {
		j.KeepReport(filepath.Join(file, "kept"))
		return nil
	})
	if exit != ExitFailed {
		t.Errorf("exit status %d", exit)
	}
}

// What another run has told is counted whole and kept up to the bound, and in
// the file of --log.
func TestAdopt(t *testing.T) {
	other := newJob("tool", "do", nil, nil, io.Discard)
	for i := range MaxLines + 5 {
		other.Problem("bad", fmt.Sprint(i), "lost")
	}
	other.Warning("odd", "there", "well")
	var told strings.Builder
	j := newJob("tool", "do", nil, nil, &told)
	j.Problem("bad", "own", "lost")
	j.Problem("worse", "own", "lost")
	j.Adopt(other.Snapshot())
	r := j.Snapshot()
	if r.Problems.Total != MaxLines+7 || r.Problems.Kinds.Get("bad") != MaxLines+6 || r.Warnings.Kinds.Get("odd") != 1 || r.Exit != ExitLost {
		t.Errorf("%d problems, %v, warnings %v, exit %d", r.Problems.Total, r.Problems.Kinds, r.Warnings.Kinds, r.Exit)
	}
	if n := len(r.Problems.Items); n != MaxLines+1 {
		t.Errorf("%d problems are kept", n)
	}
	// Each problem that was kept has its line, and the others their number.
	for _, want := range []string{"problem: 0: lost [bad]\n", fmt.Sprintf("problem: %d: lost [bad]\n", MaxLines-2), "note: 5 more problems of kind bad"} {
		if !strings.Contains(told.String(), want) {
			t.Errorf("told %.300q, without %q", told.String(), want)
		}
	}
	// Both have met the same thing, once each; of what neither has kept nobody
	// knows.
	again := newJob("tool", "do", nil, nil, io.Discard)
	again.Warning("odd", "there", "well")
	again.Warning("odd", "there", "well")
	again.Problem("odd", "there", "well")
	j.Adopt(again.Snapshot())
	if r := j.Snapshot(); r.Warnings.Total != 1 || r.Problems.Total != MaxLines+8 {
		t.Errorf("%d warnings, %d problems", r.Warnings.Total, r.Problems.Total)
	}
	log := filepath.Join(t.TempDir(), "log")
	exit := runVerb(t, func(_ context.Context, j *Job, _ []string) error { j.Adopt(other.Snapshot()); return nil }, "--log", log)
	text, err := os.ReadFile(log)
	if exit != ExitLost || err != nil || strings.Count(string(text), "\n") != MaxLines+1 {
		t.Errorf("exit status %d, %v, %d lines", exit, err, strings.Count(string(text), "\n"))
	}
}
