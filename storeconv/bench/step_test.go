package bench

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
)

// smallShape is a stream of every kind of thing: several mailboxes, more than a
// hundred messages in one, links, messages smaller than their header.
var smallShape = Shape{Seed: 1, Messages: 700, Users: 3, Mailboxes: 2, Links: 0.1, Sizes: Sizes{Median: 500}}

// TestSteps takes every step once on a small stream; the conversions check what
// comes out against the shape.
func TestSteps(t *testing.T) {
	dir := t.TempDir()
	want := smallShape.Totals()
	for _, op := range []Op{Sequential, Fsync, BareWrite, Restore, Verify, BareRead, Backup} {
		for _, mode := range []string{"none", "user"} {
			if mode == "user" && (op == Restore || op == BareWrite) {
				for _, name := range []string{storeName, bareName} {
					if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
						t.Fatal(err)
					}
				}
			}
			var told counter
			got, err := Step{Op: op, Dir: dir, Jobs: 2, Sync: mode, Shape: smallShape}.Run(context.Background(), &told)
			if err != nil {
				t.Fatal(err)
			}
			if got.Seconds <= 0 || got.Peak <= 0 {
				t.Errorf("%s: %+v", op, got)
			}
			if op == Sequential || op == Fsync {
				continue
			}
			if got.Items != want.Messages || got.Bytes != want.Bytes {
				t.Errorf("%s: %d messages of %d bytes, want %d of %d", op, got.Items, got.Bytes, want.Messages, want.Bytes)
			}
			if op == Restore {
				checkRestore(t, mode, got, want)
			}
		}
	}
}

func checkRestore(t *testing.T, mode string, got Sample, want Totals) {
	t.Helper()
	if n := got.Message.Count(); n != want.Files {
		t.Errorf("%s: %d messages were timed, of %d files", mode, n, want.Files)
	}
	commits := map[string]int64{"none": 1, "user": smallShape.Users}[mode]
	if n := got.Commit.Count(); n != commits {
		t.Errorf("%s: %d commits, want %d", mode, n, commits)
	}
	if len(got.Curve) != curvePoints {
		t.Errorf("%s: a curve of %d points", mode, len(got.Curve))
	}
	if mode == "user" && got.Syncing <= 0 {
		t.Error("no sync was seen")
	}
}

type counter struct{ items atomic.Int64 }

func (c *counter) Add(items, _ int64) { c.items.Add(items) }

// TestStepsFindFaults: a store that is not what the stream says is no result.
func TestStepsFindFaults(t *testing.T) {
	dir := t.TempDir()
	step := Step{Op: Restore, Dir: dir, Jobs: 1, Sync: "none", Shape: smallShape}
	if _, err := step.Run(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, storeName, "partition/primary/=user/*/*/*/00/1.msg"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%v: %v", files, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.ToUpper(text)
	if err := os.WriteFile(files[0], text, 0o600); err != nil {
		t.Fatal(err)
	}
	step.Op = Verify
	if got, err := step.Run(context.Background(), nil); err == nil {
		t.Errorf("a changed message is verified: %+v", got)
	}
	step.Op, step.Shape.Messages = BareRead, smallShape.Messages
	if got, err := step.Run(context.Background(), nil); err != nil || got.Items != smallShape.Messages {
		t.Errorf("the bare loop read %d messages: %v", got.Items, err)
	}
	step.Op, step.Shape.Messages = Backup, smallShape.Messages-1
	if got, err := step.Run(context.Background(), nil); err == nil {
		t.Errorf("a backup of another number of messages passes: %+v", got)
	}
}

func TestStepRefuses(t *testing.T) {
	for _, s := range []Step{
		{Op: "nothing", Shape: smallShape},
		{Op: Restore, Dir: t.TempDir(), Sync: "often", Shape: smallShape},
		{Op: Restore, Dir: t.TempDir(), Shape: Shape{}},
		{Op: BareRead, Dir: t.TempDir(), Shape: smallShape},
	} {
		if got, err := s.Run(context.Background(), nil); err == nil {
			t.Errorf("%+v: %+v", s, got)
		}
	}
}
