package durable

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/testsite/reference"
)

func openStore(t *testing.T, path string) *Store {
	t.Helper()
	s, err := OpenStore(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func begin(t *testing.T, s *Store, name string) *Run {
	t.Helper()
	r, err := s.Begin(name)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func exists(path ...string) bool {
	_, err := os.Lstat(filepath.Join(path...))
	return err == nil
}

// The last run that ends takes .imsconv along; one that is interrupted leaves
// its folder.
func TestRunsComeAndGo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "store")
	s := openStore(t, path)
	r1, r2 := begin(t, s, "one"), begin(t, s, "two")
	if _, err := s.Begin("one"); !errors.Is(err, ErrBusy) {
		t.Errorf("the same run twice: %v", err)
	}
	if err := r1.Stage.WriteFile("x", 5, []byte("left")); err != nil {
		t.Fatal(err)
	}
	if err := r1.End(false); err != nil {
		t.Fatal(err)
	}
	if err := r2.End(true); err != nil {
		t.Fatal(err)
	}
	if !exists(path, ".imsconv/one/stage/x") || exists(path, ".imsconv/two") {
		t.Error("the interrupted run is gone, or the finished one is not")
	}
	r1 = begin(t, s, "one")
	if !r1.Resumed() || exists(path, ".imsconv/one/stage/x") {
		t.Error("what was staged is still there")
	}
	if err := r1.End(true); err != nil {
		t.Fatal(err)
	}
	if exists(path, ".imsconv") {
		t.Error(".imsconv is still there")
	}
}

func TestFinishedRunIsKnown(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store")
	fail := false
	s, err := OpenStore(path, Options{Fault: func(op, name string) error {
		if fail && op == "rmdir" {
			return os.ErrPermission
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	r := begin(t, s, "one")
	fail = true
	if err := r.End(true); err != nil {
		t.Fatal(err)
	}
	fail = false
	if r = begin(t, s, "one"); !r.Finished() {
		t.Error("the run does not know that it had finished")
	}
	if err := r.End(true); err != nil || exists(path, ".imsconv") {
		t.Errorf(".imsconv is still there: %v", err)
	}
}

// TestFinishedFolderComesBack: a run goes on where a power cut has brought back
// the folder of a finished one of its name, which had gone when it began.
func TestFinishedFolderComesBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store")
	s := openStore(t, path)
	if err := begin(t, s, "one").End(false); err != nil {
		t.Fatal(err)
	}
	if err := s.MkdirAll(".imsconv/one.done/stage"); err != nil {
		t.Fatal(err)
	}
	r := begin(t, s, "one")
	if r.Finished() || !r.Resumed() || exists(path, ".imsconv/one.done") {
		t.Errorf("finished %v, resumed %v, and the finished folder is there: %v", r.Finished(), r.Resumed(), exists(path, ".imsconv/one.done"))
	}
	if err := r.End(true); err != nil || exists(path, ".imsconv") {
		t.Errorf(".imsconv is still there: %v", err)
	}
}

func TestUserLocks(t *testing.T) {
	s := openStore(t, filepath.Join(t.TempDir(), "store"))
	r1, r2 := begin(t, s, "one"), begin(t, s, "two")
	defer r1.End(true)
	defer r2.End(true)
	take := func(r *Run, id string, want bool) {
		t.Helper()
		if got, err := r.TryLockUser(id); err != nil || got != want {
			t.Errorf("user %s: %v, %v", id, got, err)
		}
	}
	take(r1, "joe", true)
	take(r2, "joe", false)
	take(r2, "ann", true)
	if err := r1.UnlockUser("joe"); err != nil {
		t.Fatal(err)
	}
	take(r2, "joe", true)
	take(r1, "joe", false)
}

// told is a log that hands its lines on.
type told chan string

func (l told) Problem(kind, where, text string) { l <- "problem: " + kind }
func (l told) Warning(kind, where, text string) { l <- "warning: " + kind }

// TestWaitForLock: who waits for a process that holds a lock, as a stopped one
// does, says so after a while, gets the lock once it is free, and waits no
// longer when the run is to end.
func TestWaitForLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store")
	holder := begin(t, openStore(t, path), "one")
	defer holder.End(true)
	log, done := make(told, 1), make(chan struct{})
	s, err := OpenStore(path, Options{Log: log, Patience: time.Millisecond, Done: done})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r := begin(t, s, "two")
	defer r.End(true)
	for name, lock := range map[string]struct {
		hold, free func(*Run) error
	}{
		"lists":   {(*Run).LockLists, (*Run).UnlockLists},
		"user":    {func(r *Run) error { return r.LockUser("joe") }, func(r *Run) error { return r.UnlockUser("joe") }},
		"recover": {func(r *Run) error { return r.waitLock(recoverRange, "it") }, func(r *Run) error { return r.unlock(recoverRange) }},
	} {
		if err := lock.hold(holder); err != nil {
			t.Fatal(err)
		}
		got := make(chan error)
		go func() { got <- lock.hold(r) }()
		if line := <-log; line != "warning: waiting" {
			t.Errorf("%s: the log is told %q", name, line)
		}
		if err := lock.free(holder); err != nil {
			t.Fatal(err)
		}
		if err := <-got; err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if ok, err := holder.TryLockUser("joe"); name == "user" && (ok || err != nil) {
			t.Errorf("the lock was not had: %v", err)
		}
		if err := lock.free(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := holder.LockLists(); err != nil {
		t.Fatal(err)
	}
	close(done)
	if err := r.LockLists(); !errors.Is(err, context.Canceled) {
		t.Errorf("a run that is to end waits: %v", err)
	}
}

// TestWaitForEnd: a run that finds another one at the very end of its work,
// where it has the store to itself, says after a while that it waits, goes on
// once that one has ended, and waits no longer when it is to end itself.
func TestWaitForEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store")
	other, err := openStore(t, path).openLock()
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := other.try(useRange, unix.F_WRLCK); err != nil {
		t.Fatal(err)
	}
	log, done := make(told, 2), make(chan struct{})
	s, err := OpenStore(path, Options{Log: log, Patience: time.Millisecond, Done: done})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	got := make(chan error)
	open := func() {
		l, err := s.openLock()
		if err == nil {
			err = l.Close()
		}
		got <- err
	}
	go open()
	if line := <-log; line != "warning: waiting" {
		t.Errorf("the log is told %q", line)
	}
	if err := other.try(useRange, unix.F_UNLCK); err != nil {
		t.Fatal(err)
	}
	if err := <-got; err != nil {
		t.Error(err)
	}
	if err := other.try(useRange, unix.F_WRLCK); err != nil {
		t.Fatal(err)
	}
	close(done)
	go open()
	if err := <-got; !errors.Is(err, context.Canceled) {
		t.Errorf("a run that is to end waits: %v", err)
	}
}

func TestCommit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store")
	s := openStore(t, path)
	r := begin(t, s, "one")
	for name, text := range map[string]string{"1/f": "new", "2/f": "newer"} {
		if err := r.Stage.MkdirAll(filepath.Dir(name)); err != nil {
			t.Fatal(err)
		}
		if err := r.Stage.WriteFile(name, 7, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	commit := func(m Move) error {
		return r.Commit([]Move{m}, func(inodes []uint64) error {
			if len(inodes) != 1 || inodes[0] == 0 {
				t.Errorf("inodes %v", inodes)
			}
			return nil
		})
	}
	if err := commit(Move{From: "1", To: "a/b/c"}); err != nil {
		t.Fatal(err)
	}
	if err := commit(Move{From: "2", To: "a/b/c"}); !errors.Is(err, os.ErrExist) {
		t.Errorf("over a tree that exists: %v", err)
	}
	if err := commit(Move{From: "2", To: "a/b/c", Exchange: true}); err != nil {
		t.Fatal(err)
	}
	if b, err := s.ReadFile("a/b/c/f", 10); err != nil || string(b) != "newer" || !exists(path, ".imsconv/one/stage/2/f") {
		t.Errorf("after the exchange: %q, %v", b, err)
	}
	if _, err := s.ReadFile("a/b/c/f", 4); err == nil {
		t.Error("a file above the limit is read")
	}
	if err := r.Stage.Mkdir("3"); err != nil {
		t.Fatal(err)
	}
	// The next batch begins with a sync, and then what was replaced goes.
	if err := commit(Move{From: "3", To: "d"}); err != nil || exists(path, ".imsconv/one/stage/2") {
		t.Errorf("the replaced tree is still there: %v", err)
	}
	if err := r.End(true); err != nil {
		t.Fatal(err)
	}
}

// No name leads out of a directory.
func TestNamesStayInside(t *testing.T) {
	s := openStore(t, filepath.Join(t.TempDir(), "store"))
	for _, name := range []string{"../x", "/tmp/x", "a/../../x", "", "a\x00b"} {
		if s.Mkdir(name) == nil || s.WriteFile(name, 0, nil) == nil || s.Link("a", s.Dir, name) == nil || s.RemoveAll(name) == nil {
			t.Errorf("%q is taken", name)
		}
	}
}

func TestOpenFollowsNoLink(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store")
	s := openStore(t, path)
	if err := os.Symlink("/etc/passwd", filepath.Join(path, "x")); err != nil {
		t.Fatal(err)
	}
	if f, err := s.Open("x"); err == nil {
		f.Close()
		t.Error("a symbolic link is followed")
	}
	if err := s.WriteFile("x", 0, []byte("no")); err == nil {
		t.Error("a symbolic link is written through")
	}
}

// tellsSpace is a file system that says how much it holds.
type tellsSpace struct {
	FS
	statfs unix.Statfs_t
}

func (s tellsSpace) Fstatfs(int) (unix.Statfs_t, error) { return s.statfs, nil }

// TestSpace: a file system that counts nothing is not taken for a full one.
func TestSpace(t *testing.T) {
	for _, tt := range []struct {
		statfs        unix.Statfs_t
		bytes, inodes uint64
	}{
		{unix.Statfs_t{Bsize: 512, Blocks: 9, Bavail: 2, Files: 8, Ffree: 3}, 1024, 3},
		{unix.Statfs_t{Bsize: 512, Blocks: 9, Files: 8}, 0, 0},
		{unix.Statfs_t{Bsize: 512, Blocks: 9, Bavail: 2}, 1024, math.MaxUint64},
		{unix.Statfs_t{Bsize: 512}, math.MaxUint64, math.MaxUint64},
	} {
		s, err := OpenStore(t.TempDir(), Options{FS: tellsSpace{OS, tt.statfs}})
		if err != nil {
			t.Fatal(err)
		}
		if bytes, inodes, err := s.Space(); bytes != tt.bytes || inodes != tt.inodes || err != nil {
			t.Errorf("%+v: %d bytes, %d inodes, %v", tt.statfs, bytes, inodes, err)
		}
		s.Close()
	}
}

// TestFinishedFolderThatStays: where the folder of a run that has done its work
// cannot be removed, that is told, and the next run of another name removes it.
func TestFinishedFolderThatStays(t *testing.T) {
	path, log, fails := t.TempDir(), new(reference.Recorder), false
	s, err := OpenStore(path, Options{Log: log, Fault: func(op, name string) error {
		if fails && op == "remove" && strings.HasSuffix(name, "/links") {
			return unix.EIO
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	r := begin(t, s, "one")
	if err := errors.Join(r.Dir.Mkdir("links"), r.Dir.WriteFile("links/1", 0, []byte("mail"))); err != nil {
		t.Fatal(err)
	}
	fails = true
	if err := r.End(true); err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(path, workDir, "one.done")
	if len(log.Warnings) != 1 || !strings.HasPrefix(log.Warnings[0], "run-folder "+left+": ") || !strings.Contains(log.Warnings[0], "input/output error") {
		t.Errorf("told %q", log.Warnings)
	}
	r = begin(t, s, "two")
	if list := r.Others(); len(list) != 1 || list[0].Name != "one" || !list[0].Finished {
		t.Errorf("others %+v", list)
	}
	if err := r.End(true); err != nil || !exists(left, "links/1") {
		t.Errorf("%v", err)
	}
	fails = false
	r = begin(t, s, "three")
	if exists(left) || len(r.Others()) > 0 {
		t.Errorf("%s is there, others %+v", left, r.Others())
	}
	if err := r.End(true); err != nil || exists(path, workDir) || len(log.Warnings) != 1 {
		t.Errorf("%v, told %q", err, log.Warnings)
	}
}
