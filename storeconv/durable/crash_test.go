package durable_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/durable"
	"imsconv/storeconv/durable/crashfs"
)

const (
	storePath = "/site/store"
	userRoot  = "partition/primary/=user/"
)

// oldUsers have a tree before the run, with one message; the run adds one.
var oldUsers = []string{"ann", "bob"}

// batches are what the run puts into place together.
var batches = [][]string{{"ann", "bob", "cid"}, {"dan"}}

// miniature is a conversion in small: it adds the message "new" to the tree of
// every user, in batches, and is done twice without harm.
func miniature(f durable.FS, name string) error {
	s, err := durable.OpenStore(storePath, durable.Options{FS: f})
	if err != nil {
		return err
	}
	defer s.Close()
	r, err := s.Begin(name)
	if err != nil {
		return err
	}
	if r.Finished() {
		return r.End(true)
	}
	stage := 0
	for _, batch := range batches {
		var moves []durable.Move
		for _, user := range batch {
			m := durable.Move{From: fmt.Sprint(stage), To: userRoot + user}
			stage++
			made, err := stageUser(s, r, &m)
			if err != nil {
				return errors.Join(err, r.End(false))
			}
			if made {
				moves = append(moves, m)
			}
		}
		if err := r.Commit(moves, nil); err != nil {
			return errors.Join(err, r.End(false))
		}
	}
	return r.End(true)
}

// stageUser makes the user's new tree; made is false when it is in place.
func stageUser(s *durable.Store, r *durable.Run, m *durable.Move) (made bool, err error) {
	if _, err := s.Stat(m.To + "/new"); err == nil {
		return false, nil
	}
	_, err = s.Stat(m.To)
	m.Exchange = err == nil
	if err := r.Stage.Mkdir(m.From); err != nil {
		return false, err
	}
	if m.Exchange {
		if err := s.Link(m.To+"/old", r.Stage, m.From+"/old"); err != nil {
			text, err := s.ReadFile(m.To+"/old", 100)
			if err != nil {
				return false, err
			}
			if err := r.Stage.WriteFile(m.From+"/old", 7, text); err != nil {
				return false, err
			}
		}
	}
	return true, r.Stage.WriteFile(m.From+"/new", 8, []byte("a new message of "+m.To))
}

// site makes a file system with the trees of oldUsers, all durable.
func site(t testing.TB) *crashfs.FS {
	f := crashfs.New()
	s, err := durable.OpenStore(storePath, durable.Options{FS: f})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, user := range oldUsers {
		if err := errors.Join(s.MkdirAll(userRoot+user), s.WriteFile(userRoot+user+"/old", 7, []byte("the mail of "+user))); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Sync(); err != nil {
		t.Fatal(err)
	}
	return f
}

// missing makes calls fail.
func missing(err error, calls ...string) func(call, name string) error {
	return func(call, _ string) error {
		if slices.Contains(calls, call) {
			return err
		}
		return nil
	}
}

var kernels = []struct {
	name string
	fail func(call, name string) error
}{
	{"all", nil},
	{"no exchange", missing(unix.EINVAL, "exchange")},
	{"no renameat2", missing(unix.ENOSYS, "exchange", "noreplace")},
	{"renameat2 forbidden", missing(unix.EPERM, "exchange", "noreplace")},
	{"no links", missing(unix.EPERM, "linkat")},
	{"no more links", missing(unix.EMLINK, "linkat")},
	{"links across devices", missing(unix.EXDEV, "linkat")},
	{"no syncfs", missing(unix.ENOSYS, "syncfs")},
	{"syncfs forbidden", missing(unix.EPERM, "syncfs", "exchange")},
}

// whole tells what is wrong with the trees of the old users right after a run
// has begun: each is the old one or the new one.
func whole(f *crashfs.FS) string {
	lines := f.Tree(storePath, func(path string) bool { return path == ".imsconv" })
	text := strings.Join(lines, "\n")
	for _, user := range oldUsers {
		if !strings.Contains(text, userRoot+user+"/old 100600") || !strings.Contains(text, fmt.Sprintf(" %d ", len("the mail of "+user))) {
			return "the mail of " + user + " is gone:\n" + text
		}
	}
	return ""
}

// crashes calls fn with every state that a kill or a power cut leaves during
// what f has recorded since operation from, each once.
func crashes(f *crashfs.FS, from, step int, fn func(when string, state *crashfs.FS)) {
	seen := make(map[string]bool)
	try := func(when string, state *crashfs.FS) {
		if id := state.State(); !seen[id] {
			seen[id] = true
			fn(when, state)
		}
	}
	for n := from; n <= f.Ops(); n += step {
		try(fmt.Sprintf("killed after operation %d", n), f.Killed(n))
		for what, state := range f.PowerCuts(n, 1) {
			try(fmt.Sprintf("power cut after operation %d (%s)", n, what), state)
		}
	}
}

func full() bool { return os.Getenv("IMSCONV_FULL") == "1" }

// The machine is stopped after every operation of a run, on file systems that
// have everything and on those that lack something: no mail is ever gone, and
// the same run again, or another one first, comes to the same tree as one that
// was never disturbed.
func TestCrashAnywhere(t *testing.T) {
	for _, k := range kernels {
		t.Run(k.name, func(t *testing.T) {
			f := site(t)
			from := f.Ops()
			f.Fail(k.fail)
			if err := miniature(f, "one"); err != nil {
				t.Fatal(err)
			}
			want := f.Tree("/", nil)
			step, states := 1, 0
			if testing.Short() { // the race detector has seen enough by then
				step = 5
			}
			crashes(f, from, step, func(when string, state *crashfs.FS) {
				states++
				state.Fail(k.fail)
				checkRecovery(t, when, state, want, states%2 == 0)
			})
			t.Logf("%d operations, %d states", f.Ops()-from, states)
			if f.Open() != 0 {
				t.Errorf("%d descriptors are still open", f.Open())
			}
		})
	}
}

// checkRecovery runs the same command, or another one before it, on what a
// crash has left.
func checkRecovery(t *testing.T, when string, state *crashfs.FS, want []string, otherFirst bool) {
	t.Helper()
	before := state.State()
	if _, err := durable.Leftovers(state, storePath); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("%s: leftovers: %v", when, err)
	}
	if state.State() != before {
		t.Fatalf("%s: looking at the leftovers has changed something", when)
	}
	if otherFirst {
		s, err := durable.OpenStore(storePath, durable.Options{FS: state})
		if err != nil {
			t.Fatalf("%s: %v", when, err)
		}
		r, err := s.Begin("two")
		if err != nil {
			t.Fatalf("%s: another run: %v", when, err)
		}
		if why := whole(state); why != "" {
			t.Fatalf("%s: another run has begun: %s", when, why)
		}
		if err := errors.Join(r.End(true), s.Close()); err != nil {
			t.Fatalf("%s: another run: %v", when, err)
		}
	}
	if err := miniature(state, "one"); err != nil {
		t.Fatalf("%s: %v\n%s", when, err, strings.Join(state.Tree("/", nil), "\n"))
	}
	if got := state.Tree("/", nil); !slices.Equal(got, want) {
		t.Fatalf("%s:\n%s\nwant:\n%s", when, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// The machine is stopped again while it recovers from a first stop.
func TestCrashDuringRecovery(t *testing.T) {
	for _, k := range kernels[:4] {
		t.Run(k.name, func(t *testing.T) {
			f := site(t)
			from := f.Ops()
			f.Fail(k.fail)
			if err := miniature(f, "one"); err != nil {
				t.Fatal(err)
			}
			want := f.Tree("/", nil)
			step, states := 7, 0
			switch {
			case full():
				step = 1
			case testing.Short():
				step = 23
			}
			for n := from; n <= f.Ops(); n += step {
				first := f.Killed(n)
				first.Fail(k.fail)
				start := first.Ops()
				if err := miniature(first, "one"); err != nil {
					t.Fatal(err)
				}
				crashes(first, start, step, func(when string, state *crashfs.FS) {
					states++
					state.Fail(k.fail)
					checkRecovery(t, fmt.Sprintf("killed after operation %d, then %s", n, when), state, want, states%2 == 0)
				})
			}
			t.Logf("%d states", states)
		})
	}
}
