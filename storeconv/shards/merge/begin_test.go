package merge_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"imsconv/storeconv/shards/merge"
)

// begin begins a part and ends it at once.
func begin(t *testing.T, store string, part merge.Mark) error {
	t.Helper()
	c, err := merge.BeginPart(t.Context(), store, part, nil)
	if err != nil {
		return err
	}
	return c.Close()
}

// mark marks a store as merged.
func mark(t *testing.T, store, text string) {
	t.Helper()
	if left, err := merge.MarkMerged(store, []byte(text)); !left || err != nil {
		t.Fatalf("no mark: %v", err)
	}
}

func TestBeginPart(t *testing.T) {
	store := filepath.Join(t.TempDir(), "store")
	must(t, begin(t, store, merge.Mark{Index: 1, Count: 3})) // there is no store yet
	if _, err := os.Lstat(store); !os.IsNotExist(err) {
		t.Errorf("a run that made nothing has left a store: %v", err)
	}
	writeRecord(t, store, 1, 3)
	writeRecord(t, store, 2, 3)
	mark(t, store, "text")
	if got := merge.Merged(store); string(got) != "text" {
		t.Errorf("the mark of a merge: %q", got)
	}
	must(t, begin(t, store, merge.Mark{Index: 1, Count: 3}))
	records, err := merge.ReadRecords(store)
	if err != nil || len(records) != 1 || records[0].Shard.Index != 2 {
		t.Errorf("%+v %v", records, err)
	}
	if got := merge.Merged(store); got != nil {
		t.Errorf("the mark of an earlier merge is there: %q", got)
	}
	if err := begin(t, store, merge.Mark{Index: 1, Count: 10_000}); err == nil || !strings.Contains(err.Error(), "at most 9999 parts") {
		t.Errorf("part 1 of 10000: %v", err)
	}
	for _, n := range [][2]int{{2, 4}, {1, 1}, {1, 13}, {3, 300}} {
		if err := begin(t, store, merge.Mark{Index: n[0], Count: n[1]}); err == nil || !strings.Contains(err.Error(), "has the record 02-of-03.json") {
			t.Errorf("part %d of %d: %v", n[0], n[1], err)
		}
	}
	if err := begin(t, store, merge.Mark{Index: 1, Count: 3, Plan: "other"}); err == nil || !strings.Contains(err.Error(), "of another plan") {
		t.Errorf("a part of another plan: %v", err)
	}
	// The only one that is there may be made by another plan: it goes.
	must(t, begin(t, store, merge.Mark{Index: 2, Count: 3, Plan: "other"}))
	if records, err := merge.ReadRecords(store); err != nil || len(records) != 0 {
		t.Errorf("%+v %v", records, err)
	}
}

// TestBeginTwoDivisions: while a part is being made, none of another division
// is begun in the store, and others of the same are.
func TestBeginTwoDivisions(t *testing.T) {
	store := filepath.Join(t.TempDir(), "store")
	claim := func(part merge.Mark) *merge.Claim {
		t.Helper()
		c, err := merge.BeginPart(t.Context(), store, part, nil)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	one, two := claim(merge.Mark{Index: 1, Count: 3, Plan: "long-name"}), claim(merge.Mark{Index: 2, Count: 3, Plan: "long-name"})
	for _, other := range []merge.Mark{{Index: 1, Count: 3, Plan: "p"}, {Index: 3, Count: 3}, {Index: 1, Count: 4, Plan: "long-name"}} {
		if err := begin(t, store, other); err == nil || !strings.Contains(err.Error(), "another process makes a part of another division of the site there (3 parts of the plan long-nam)") {
			t.Errorf("%+v: %v", other, err)
		}
	}
	must(t, one.Close())
	if err := begin(t, store, merge.Mark{Index: 1, Count: 4}); err == nil {
		t.Error("another division is begun while one part is being made still")
	}
	must(t, two.Close())
	// Nobody is at work: what they have said counts no more.
	must(t, claim(merge.Mark{Index: 1, Count: 4}).Close())
	if list, err := os.ReadDir(store); err != nil || len(list) > 0 {
		t.Errorf("left of runs that made nothing: %v, %v", list, err)
	}
}

// TestBeginAtOnce: of many that begin at the same moment, those of one division
// alone go on.
func TestBeginAtOnce(t *testing.T) {
	store := filepath.Join(t.TempDir(), "store")
	const n = 16
	claims, errs := make([]*merge.Claim, n), make([]error, n)
	done := make(chan struct{}, n)
	for i := range n {
		go func() {
			claims[i], errs[i] = merge.BeginPart(context.Background(), store, merge.Mark{Index: i/2 + 1, Count: n, Plan: fmt.Sprint(i % 2)}, nil)
			done <- struct{}{}
		}()
	}
	for range n {
		<-done
	}
	went := [2]int{}
	for i, c := range claims {
		if c != nil {
			went[i%2]++
			defer c.Close()
		} else if !strings.Contains(errs[i].Error(), "another division") {
			t.Error(errs[i])
		}
	}
	if went != [2]int{n / 2, 0} && went != [2]int{0, n / 2} {
		t.Errorf("%v of the two divisions went on", went)
	}
}

// TestEarlier: what runs of a part have counted is kept for the next one,
// though one between them was killed.
func TestEarlier(t *testing.T) {
	store := t.TempDir()
	part := merge.Mark{Index: 1, Count: 2}
	write := func(text string) {
		t.Helper()
		path := merge.RecordPath(store, 1, 2)
		must(t, errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)))
	}
	next := func(part merge.Mark) merge.Earlier {
		t.Helper()
		c, err := merge.BeginPart(t.Context(), store, part, nil)
		must(t, err)
		must(t, c.Close())
		return c.Earlier
	}
	if e := next(part); e.Runs != 0 {
		t.Errorf("before the first: %+v", e)
	}
	write(`{"exit": 0, "shard": {"index": 1, "count": 2}, "counts": {"messages": 5, "users": 2}}`)
	for range 2 { // the first of them is killed
		if e := next(part); e.Runs != 1 || e.Counts["messages"] != 5 {
			t.Errorf("after one: %+v", e)
		}
	}
	write(`{"exit": 3, "shard": {"index": 1, "count": 2}, "counts": {"messages": 1}, "earlier": {"runs": 1, "counts": {"messages": 5}}}`)
	if e := next(part); e.Runs != 2 || e.Counts["messages"] != 6 {
		t.Errorf("after two: %+v", e)
	}
	part.Source = "other"
	if e := next(part); e.Runs != 0 {
		t.Errorf("of another source: %+v", e)
	}
}
