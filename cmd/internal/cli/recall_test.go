package cli

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestRecall: a run that takes an earlier report over keeps what it has told
// itself and the other has not, and what it tells after that changes its own
// report alone: the other is written again, as of the part that told it.
func TestRecall(t *testing.T) {
	lines := func(list ...Line) (ls Lines) {
		for _, l := range list {
			ls.add(l)
		}
		return ls
	}
	both, own, later := Line{"odd", "a", "both"}, Line{"odd", "b", "own"}, Line{"odd", "c", "later"}
	made := func() Report {
		return Report{Counts: Counts{{"users", 3}}, Problems: lines(both), Warnings: lines(Line{"few", "", "x"})}
	}
	earlier := made()
	run(t, func(_ context.Context, j *Job, _ []string) error {
		j.Problem(both.Kind, both.Where, both.Text)
		j.Problem(own.Kind, own.Where, own.Text)
		if d := cmp.Diff(Report{Problems: lines(own)}, j.Recall(earlier)); d != "" {
			t.Errorf("of its own it has %s", d)
		}
		j.Problem(later.Kind, later.Where, later.Text)
		j.Count("users", 2)
		want := Report{Counts: Counts{{"users", 5}}, Problems: lines(both, own, later), Warnings: lines(Line{"few", "", "x"})}
		got := j.Snapshot()
		got.Exit, got.Result = 0, ""
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
		return nil
	}, "tool", "do")
	if d := cmp.Diff(made(), earlier); d != "" {
		t.Errorf("the earlier report has changed: %s", d)
	}
}
