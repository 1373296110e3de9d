package restore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"imsconv/storeconv"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/verify"
)

// Restoring into new mailboxes is done once for each stream and selection.
func TestNewMailboxesOnce(t *testing.T) {
	first := tape(t, may20, firstTape...)
	for name, in := range map[string]func() *Stream{
		"file": func() *Stream { return stream(t, "s", bytes.NewReader(first)) },
		"pipe": func() *Stream { return stream(t, "s", pipe{bytes.NewReader(first)}) },
	} {
		store := restored(t, Options{}, first)
		run := func() Report {
			t.Helper()
			rep, err := Restore(context.Background(), store, []*Stream{in()}, Options{Existing: NewName})
			if err != nil {
				t.Fatal(err)
			}
			return rep
		}
		if rep := run(); rep.Messages != 4 {
			t.Errorf("%s: %+v", name, rep)
		}
		hash, lines := treeHash(t, store)
		if rep := run(); rep.Messages != 0 || !rep.Finished {
			t.Errorf("%s again: %+v", name, rep)
		}
		if now, got := treeHash(t, store); now != hash {
			t.Errorf("%s again changed the store:\n%s", name, cmp.Diff(lines, got))
		}
		if log := checkStreams(t, store, verify.StoreOptions{}); len(log.Problems)+len(log.Warnings) > 0 {
			t.Errorf("verify: %q %q", log.Problems, log.Warnings)
		}
	}
}

// A run that has nothing to do does not end better than the one that did it,
// and not worse once its line is gone.
func TestNewMailboxesOfALossyStream(t *testing.T) {
	b := tape(t, may20, firstTape...)
	opt := Options{Existing: NewName, Selection: storeconv.Selection{Users: map[string]bool{"ann": true}}}
	store := filepath.Join(shmDir(t), "store")
	if _, log, err := restoreTo(t, store, opt, pipe{bytes.NewReader(b)}); err != nil || log.lost != 1 {
		t.Fatalf("%v, said %q", err, log.lines)
	}
	hash, _ := treeHash(t, store)
	for range 2 {
		rep, log, err := restoreTo(t, store, opt, pipe{bytes.NewReader(b)})
		if err != nil || !rep.Finished || log.lost != 1 || !strings.Contains(log.lines[0], "not told again: 1;") {
			t.Errorf("again: %v, %+v, said %q", err, rep, log.lines)
		}
	}
	if now, _ := treeHash(t, store); now != hash {
		t.Error("the same stream changed the store")
	}
	if err := os.Remove(filepath.Join(store, finishedFile)); err != nil {
		t.Fatal(err)
	}
	opt.Reference = []*Stream{stream(t, "ref", bytes.NewReader(b))}
	if rep, log, err := restoreTo(t, store, opt, pipe{bytes.NewReader(b)}); err != nil || rep.Finished || log.lost > 0 {
		t.Errorf("without its line: %v, %+v, said %q", err, rep, log.lines)
	}
}

// bigTape is a stream of more than what a stream is known by at its start.
func bigTape(t testing.TB, last string) []byte {
	lines := []string{"box joe/INBOX 77"}
	for uid := range 3000 {
		lines = append(lines, fmt.Sprintf("msg joe/INBOX/%d - %d", uid+1, uid+1))
	}
	return tape(t, may20, append(lines, "box zoe/INBOX 5", "msg zoe/INBOX/1 - "+last)...)
}

// A stream that only begins like a finished one is another.
func TestNewMailboxesOfAnotherStream(t *testing.T) {
	a, b := bigTape(t, "aaaa"), bigTape(t, "bbbb")
	opt := Options{Existing: NewName}
	store := restored(t, Options{}, a)
	again(t, store, opt, a)
	if rep := again(t, store, opt, a); !rep.Finished || rep.Messages != 0 {
		t.Errorf("the same: %+v", rep)
	}
	if rep, log, err := restoreTo(t, store, opt, pipe{bytes.NewReader(a)}); err != nil || !rep.Finished || rep.Messages != 0 || log.lost > 0 {
		t.Errorf("the same from a pipe: %v, %+v, said %q", err, rep, log.lines)
	}
	// From a pipe it is kept while it is compared, and then read again.
	rep, log, err := restoreTo(t, store, opt, pipe{bytes.NewReader(b)})
	if err != nil || rep.Finished || rep.Messages != 3001 || log.lost > 0 {
		t.Errorf("another from a pipe: %v, %+v, said %q", err, rep, log.lines)
	}
	hash, _ := treeHash(t, store)
	if rep := again(t, store, opt, b); !rep.Finished || rep.Messages != 0 {
		t.Errorf("that as a file: %+v", rep)
	}
	if now, _ := treeHash(t, store); now != hash {
		t.Error("the same stream changed the store")
	}
	// One that is cut behind the common start keeps its end, a failure too.
	cut := b[:len(b)-20000]
	failure := errors.New("the tape is torn")
	rep, log, err = restoreTo(t, store, opt, pipe{io.MultiReader(bytes.NewReader(cut), &failed{failure})})
	if err != nil || rep.Finished || rep.Messages == 0 || !strings.Contains(strings.Join(log.lines, "\n"), failure.Error()) {
		t.Errorf("one that fails: %v, %+v, said %q", err, rep, log.lines)
	}
	names, err := os.ReadDir(store)
	if err != nil || len(names) != 3 {
		t.Errorf("something is left in the store: %v, %v", names, err)
	}
}

// TestToldIsCut: what is left of the words of a run that was stopped at its
// very end is told again, and that some are lost; the next run begins anew.
func TestToldIsCut(t *testing.T) {
	b := tape(t, may20, firstTape...)
	line := fmt.Sprintf("%q %q %q\n", "duplicate-uid", "s0", "the mailbox has this UID already")
	for _, c := range []struct {
		name, told string
		problems   []string
	}{
		{"whole", line + toldEnd, []string{"duplicate-uid"}},
		{"none", toldEnd, nil},
		{"without its end", line, []string{"duplicate-uid", "interrupted"}},
		{"cut", line + line[:20], []string{"duplicate-uid", "interrupted"}},
		{"nothing", "", []string{"interrupted"}},
		{"zeros", strings.Repeat("\x00", 100), []string{"interrupted"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			store := restored(t, Options{}, b)
			r, err := newRun(store, []*Stream{stream(t, "s0", bytes.NewReader(b))}, Options{})
			if err != nil {
				t.Fatal(err)
			}
			done := filepath.Join(store, ims.WorkDir, r.name()+".done")
			if err := os.MkdirAll(done, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(done, toldFile), []byte(c.told), 0o600); err != nil {
				t.Fatal(err)
			}
			rep, log, err := restoreTo(t, store, Options{}, bytes.NewReader(b))
			if err != nil || !rep.Finished || len(log.lines) != len(c.problems) {
				t.Fatalf("%v, %+v, said %q", err, rep, log.lines)
			}
			for i, kind := range c.problems {
				if !strings.HasPrefix(log.lines[i], "problem: "+kind+": ") {
					t.Errorf("said %q", log.lines[i])
				}
			}
			if rep := again(t, store, Options{}, b); rep.Finished {
				t.Errorf("and again: %+v", rep)
			}
		})
	}
}

// TestToldIsGone: where a run was stopped behind its last file, the same
// command does not end better than that one did.
func TestToldIsGone(t *testing.T) {
	b := tape(t, may20, firstTape...)
	for _, c := range []struct {
		existing Existing
		finished bool
		kind     string
	}{
		{Append, false, "lost-link"},
		{AppendAll, true, "interrupted"},
		{NewName, true, "earlier-run"},
	} {
		opt := Options{Existing: c.existing, Selection: storeconv.Selection{Users: map[string]bool{"ann": true}}}
		store := filepath.Join(shmDir(t), "store")
		if _, log, err := restoreTo(t, store, opt, pipe{bytes.NewReader(b)}); err != nil || log.lost != 1 {
			t.Fatalf("%v, said %q", err, log.lines)
		}
		hash, _ := treeHash(t, store)
		r, err := newRun(store, []*Stream{stream(t, "s0", pipe{bytes.NewReader(b)})}, opt)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Join(store, ims.WorkDir, r.name()+".done"), 0o700); err != nil {
			t.Fatal(err)
		}
		rep, log, err := restoreTo(t, store, opt, pipe{bytes.NewReader(b)})
		if err != nil || rep.Finished != c.finished || log.lost != 1 || !strings.HasPrefix(log.lines[0], "problem: "+c.kind+": ") {
			t.Errorf("%d: %v, %+v, said %q", c.existing, err, rep, log.lines)
		}
		if now, _ := treeHash(t, store); now != hash {
			t.Errorf("%d: the store is changed", c.existing)
		}
	}
}
