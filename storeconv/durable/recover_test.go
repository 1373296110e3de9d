package durable_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/durable"
	"imsconv/storeconv/durable/crashfs"
	"imsconv/storeconv/ims"
)

// mailbox makes the tree of a user with an index that says whose it is.
func mailbox(t *testing.T, s *durable.Store, dir, id string, messages ...string) {
	t.Helper()
	header := ims.Header{Name: "user/" + id, Partition: "primary", UIDValidity: 1}
	err := errors.Join(s.MkdirAll(dir+"/00"), s.WriteFile(dir+"/"+ims.IndexName, 5, header.Append(nil)))
	for i, text := range messages {
		err = errors.Join(err, s.WriteFile(fmt.Sprintf("%s/00/%d.msg", dir, i+1), 5, []byte(text)))
	}
	if err != nil {
		t.Fatal(err)
	}
}

func simulated(t *testing.T) (*crashfs.FS, *durable.Store) {
	t.Helper()
	f := crashfs.New()
	s, err := durable.OpenStore(storePath, durable.Options{FS: f})
	if err != nil {
		t.Fatal(err)
	}
	return f, s
}

// What the first version left half done goes back where its index says, or is
// refused; nothing of it is cleared, whichever run comes next.
func TestFirstVersionHalfDone(t *testing.T) {
	const old = ".imsconv/restore-1/stage/0.old"
	joe := ims.UserDir("primary", "joe")
	tests := []struct {
		name    string
		make    func(t *testing.T, s *durable.Store)
		refused string // what the error says
	}{
		{"between the renames", func(t *testing.T, s *durable.Store) {
			mailbox(t, s, old, "joe", "one", "two")
			mailbox(t, s, ".imsconv/restore-1/stage/0", "joe", "one", "two", "three")
		}, ""},
		{"new tree in place", func(t *testing.T, s *durable.Store) {
			mailbox(t, s, old, "joe", "one")
			mailbox(t, s, joe, "joe", "one", "two")
		}, ""},
		{"another tree in place", func(t *testing.T, s *durable.Store) {
			mailbox(t, s, old, "joe", "one", "two")
			mailbox(t, s, joe, "joe", "eins", "two")
		}, "does not hold all"},
		{"shorter tree in place", func(t *testing.T, s *durable.Store) {
			mailbox(t, s, old, "joe", "one", "two")
			mailbox(t, s, joe, "joe", "one")
		}, "does not hold all"},
		{"nobody's", func(t *testing.T, s *durable.Store) {
			if err := errors.Join(s.MkdirAll(old+"/00"), s.WriteFile(old+"/00/1.msg", 5, []byte("one"))); err != nil {
				t.Fatal(err)
			}
		}, "nothing in it says"},
	}
	for _, tt := range tests {
		for _, run := range []string{"restore-1", "restore-2"} {
			t.Run(tt.name+"/"+run, func(t *testing.T) {
				f, s := simulated(t)
				tt.make(t, s)
				before := f.Tree(storePath, func(path string) bool { return path == ".imsconv/lock" })
				list, err := durable.Leftovers(f, storePath)
				if err != nil || len(list) != 1 || len(list[0].Away) != 1 || !strings.HasSuffix(list[0].Away[0].Tree, old) {
					t.Errorf("leftovers %+v, %v", list, err)
				}
				r, err := s.Begin(run)
				if tt.refused != "" {
					var half *durable.HalfDoneError
					if !errors.As(err, &half) || !strings.Contains(err.Error(), tt.refused) || half.Tree != filepath.Join(storePath, old) {
						t.Fatalf("%v", err)
					}
					if after := f.Tree(storePath, func(path string) bool { return path == ".imsconv/lock" }); !slices.Equal(before, after) {
						t.Errorf("something was changed:\n%s", strings.Join(after, "\n"))
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				if b, err := s.ReadFile(joe+"/00/1.msg", 10); err != nil || string(b) != "one" {
					t.Errorf("%q, %v", b, err)
				}
				if _, err := s.Stat(old); err == nil {
					t.Error("the old tree is still in the stage")
				}
				if err := r.End(true); err != nil {
					t.Fatal(err)
				}
			})
		}
	}
}

// A tree that was put in the place of a kept one by somebody else is not
// touched, and neither is the kept one.
func TestKeptTreeIsNeverCleared(t *testing.T) {
	f := site(t)
	from := f.Ops()
	f.Fail(missing(unix.EINVAL, "exchange"))
	if err := miniature(f, "one"); err != nil {
		t.Fatal(err)
	}
	kept := 0
	for n := from; n <= f.Ops(); n++ {
		state := f.Killed(n)
		list, err := durable.Leftovers(state, storePath)
		if err != nil {
			t.Fatal(err)
		}
		if len(list) == 0 || len(list[0].Away) == 0 {
			continue
		}
		kept++
		away := list[0].Away[0]
		if !strings.HasPrefix(away.Place, filepath.Join(storePath, userRoot)) || list[0].Busy || list[0].Name != "one" {
			t.Errorf("%+v", list)
		}
		s, err := durable.OpenStore(storePath, durable.Options{FS: state})
		if err != nil {
			t.Fatal(err)
		}
		place, err := filepath.Rel(storePath, away.Place)
		if err != nil {
			t.Fatal(err)
		}
		mailbox(t, s, place, "somebody", "else")
		both := func() []string { return append(state.Tree(away.Tree, nil), state.Tree(away.Place, nil)...) }
		before := both()
		var half *durable.HalfDoneError
		for _, run := range []string{"one", "two"} {
			if _, err := s.Begin(run); !errors.As(err, &half) || half.Tree != away.Tree || half.Place != away.Place {
				t.Errorf("run %s: %v", run, err)
			}
		}
		if after := both(); !slices.Equal(before, after) {
			t.Errorf("something was changed:\n%s", strings.Join(after, "\n"))
		}
	}
	if kept == 0 {
		t.Error("no state has a kept tree")
	}
}

// A run tells what others have left and with which command they go on.
func TestOthersAreTold(t *testing.T) {
	f, s := simulated(t)
	with, err := durable.OpenStore(storePath, durable.Options{FS: f, Command: "storeconv restore -f a.sims"})
	if err != nil {
		t.Fatal(err)
	}
	begin := func(s *durable.Store, name string) *durable.Run {
		t.Helper()
		r, err := s.Begin(name)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	interrupted := begin(with, "restore-a")
	if err := interrupted.End(false); err != nil {
		t.Fatal(err)
	}
	living := begin(s, "restore-b")
	r := begin(s, "restore-c")
	got := r.Others()
	if len(got) != 2 {
		t.Fatalf("%+v", got)
	}
	a, b := got[0], got[1]
	if a.Name != "restore-a" || a.Command != "storeconv restore -f a.sims" || a.Busy || a.Finished || a.Path != storePath+"/.imsconv/restore-a" {
		t.Errorf("%+v", a)
	}
	if text := a.Advice(); !strings.Contains(text, "storeconv restore -f a.sims goes on") {
		t.Error(text)
	}
	if b.Name != "restore-b" || !b.Busy {
		t.Errorf("%+v", b)
	}
	if err := errors.Join(living.End(true), r.End(true)); err != nil {
		t.Fatal(err)
	}
	if list, err := durable.Leftovers(f, storePath); err != nil || len(list) != 1 || list[0].Busy {
		t.Errorf("%+v, %v", list, err)
	}
	again := begin(with, "restore-a")
	if !again.Resumed() || len(again.Others()) != 0 {
		t.Errorf("resumed %v, others %+v", again.Resumed(), again.Others())
	}
	if err := again.End(true); err != nil {
		t.Fatal(err)
	}
	if list, err := durable.Leftovers(f, storePath); err != nil || len(list) != 0 {
		t.Errorf("%+v, %v", list, err)
	}
}
