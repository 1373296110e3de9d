package carry_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"imsconv/storeconv"
	"imsconv/storeconv/carry"
	"imsconv/storeconv/durable"
)

// unit is a tree of the tests: a user's, with one message.
type unit struct {
	carry.Tree
	src string
}

// yard is a store that trees are placed in.
type yard struct {
	store  *durable.Store
	run    *durable.Run
	placer carry.Placer[*unit]
	told   []string // of the settled trees, in order
}

func newYard(t *testing.T, jobs int) *yard {
	t.Helper()
	y := new(yard)
	var err error
	if y.store, err = durable.OpenStore(t.TempDir(), durable.Options{Sync: storeconv.SyncNone}); err != nil {
		t.Fatal(err)
	}
	if y.run, err = y.store.BeginAnew("test"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(y.run.End(true), y.store.Close()); err != nil {
			t.Error(err)
		}
	})
	y.placer = carry.Placer[*unit]{
		Run: y.run, Jobs: jobs,
		Worker: func() func(*unit) carry.Result { return y.worker(t) },
		Clash:  func(u *unit, _ carry.Result) carry.Result { return u.Refuse("already-there", "taken") },
		Settle: func(u *unit, res carry.Result) error {
			y.told = append(y.told, fmt.Sprintf("%s %d %d", u.Where, res.State, res.Counts.Messages))
			return nil
		},
	}
	return y
}

// worker stages each tree.
func (y *yard) worker(t *testing.T) func(*unit) carry.Result {
	w := carry.NewWalk(nil, new(plainNames))
	c := carry.Cloner{Files: durable.Cloner{FS: durable.OS}}
	return func(u *unit) carry.Result {
		top := carry.Top{Where: u.Where, Dst: -1}
		var err error
		if top.Src, err = unix.Open(u.src, unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err != nil {
			return u.Refuse("unreadable", err.Error())
		}
		defer unix.Close(top.Src)
		if err := unix.Fstat(top.Src, &top.Stat); err != nil {
			t.Error(err)
		}
		return y.placer.Stage(w, &c, top)
	}
}

// place places units.
func (y *yard) place(units ...*unit) error {
	return y.placer.Place(context.Background(), func(yield func(*unit) error) error {
		for _, u := range units {
			if err := yield(u); err != nil {
				return err
			}
		}
		return nil
	})
}

func newUnit(name, src string) *unit {
	return &unit{carry.NewTree(name, name, "users/"+name), src}
}

// TestPlace tells the trees in their order, whatever the workers make of them
// first, and whatever is told besides.
func TestPlace(t *testing.T) {
	src := makeTree(t, "00/1.msg")
	if err := os.Chmod(src, 0o551); err != nil {
		t.Fatal(err)
	}
	for _, jobs := range []int{1, 3} {
		for _, sync := range []storeconv.SyncMode{storeconv.SyncBatch, storeconv.SyncNone, storeconv.SyncUser} {
			y := newYard(t, jobs)
			y.placer.Sync = sync
			var units []*unit
			var want []string
			for i := range 140 {
				u := newUnit(fmt.Sprint(i), src)
				state := carry.Staged
				switch {
				case i%7 == 1:
					u.Tell(carry.Result{State: carry.Note})
					state = carry.Note
				case i%7 == 2:
					u.src, state = src+"/none", carry.Refused
				}
				messages := 0
				if state == carry.Staged {
					messages = 1
				}
				units, want = append(units, u), append(want, fmt.Sprintf("%d %d %d", i, state, messages))
			}
			if err := y.place(units...); err != nil {
				t.Fatal(err)
			}
			if sync != storeconv.SyncUser { // what is not staged need not wait for a batch
				slices.Sort(y.told)
				slices.Sort(want)
			}
			if !slices.Equal(y.told, want) {
				t.Errorf("%d jobs, sync %v: told %q", jobs, sync, y.told)
			}
			if got, want := listing(t, y.store.Path()+"/users/0"), listing(t, src); !slices.Equal(got, want) {
				t.Errorf("%d jobs: the tree is\n%s\nnot\n%s", jobs, strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		}
	}
}

// TestPlaceTaken gives up trees whose place is taken: before, and by one of the
// same batch.
func TestPlaceTaken(t *testing.T) {
	src := makeTree(t, "00/1.msg")
	y := newYard(t, 2)
	if err := y.store.MkdirAll("users/b"); err != nil {
		t.Fatal(err)
	}
	twin := newUnit("a", makeTree(t, "00/1.msg", "00/2.msg"))
	twin.Where = "twin"
	if err := y.place(newUnit("a", src), twin, newUnit("b", src)); err != nil {
		t.Fatal(err)
	}
	slices.Sort(y.told)
	want := []string{fmt.Sprintf("a %d 1", carry.Staged), fmt.Sprintf("b %d 0", carry.Refused), fmt.Sprintf("twin %d 0", carry.Refused)}
	if !slices.Equal(y.told, want) {
		t.Errorf("told %q, not %q", y.told, want)
	}
	if list, err := y.run.Stage.ReadNames("."); err != nil || len(list) > 0 {
		t.Errorf("the stage has %v, %v", list, err)
	}
}

// TestPlaceEnds ends with the first error, whoever has it, and keeps nobody
// waiting.
func TestPlaceEnds(t *testing.T) {
	src := makeTree(t, "00/1.msg")
	broken := errors.New("broken")
	many := func() (units []*unit) {
		for i := range 1000 {
			units = append(units, newUnit(fmt.Sprint(i), src))
		}
		return units
	}
	t.Run("of a tree", func(t *testing.T) {
		y := newYard(t, 2)
		worker := y.placer.Worker
		y.placer.Worker = func() func(*unit) carry.Result {
			tree := worker()
			return func(u *unit) carry.Result {
				if u.User == "5" {
					return carry.Result{Err: broken}
				}
				return tree(u)
			}
		}
		if err := y.place(many()...); !errors.Is(err, broken) || len(y.told) > 0 {
			t.Errorf("told %q, %v", y.told, err)
		}
	})
	t.Run("of who is told", func(t *testing.T) {
		y := newYard(t, 2)
		y.placer.Sync = storeconv.SyncUser
		settle := y.placer.Settle
		y.placer.Settle = func(u *unit, res carry.Result) error {
			if u.User == "5" {
				return broken
			}
			return settle(u, res)
		}
		if err := y.place(many()...); !errors.Is(err, broken) || len(y.told) != 5 {
			t.Errorf("told %q, %v", y.told, err)
		}
	})
	t.Run("of who finds the trees", func(t *testing.T) {
		y := newYard(t, 2)
		err := y.placer.Place(context.Background(), func(yield func(*unit) error) error {
			return errors.Join(yield(newUnit("1", src)), broken)
		})
		if !errors.Is(err, broken) || len(y.told) != 1 {
			t.Errorf("told %q, %v", y.told, err)
		}
	})
	t.Run("of who ends it", func(t *testing.T) {
		y := newYard(t, 2)
		ctx, cancel := context.WithCancelCause(context.Background())
		err := y.placer.Place(ctx, func(yield func(*unit) error) error {
			for i, u := range many() {
				if i == 5 {
					cancel(broken)
				}
				if err := yield(u); err != nil {
					return err
				}
			}
			return nil
		})
		if !errors.Is(err, broken) {
			t.Error(err)
		}
	})
}

// TestFinishDirectories gives directories at several depths what their models
// have.
func TestFinishDirectories(t *testing.T) {
	src := makeTree(t, "a/b/c/", "a/b/d/", "a/e/", "model/")
	y := newYard(t, 2)
	for _, dir := range []string{"a/b/c", "a/b/d", "a/e", "a/new"} {
		if err := y.store.MkdirAll(dir); err != nil {
			t.Fatal(err)
		}
	}
	then := unix.NsecToTimespec(1_000_000_000_123_456_789)
	for _, dir := range []string{"a/b/c", "a/b/d", "a/b", "a/e", "a", "model"} {
		if err := unix.UtimesNanoAt(unix.AT_FDCWD, src+"/"+dir, []unix.Timespec{then, then}, 0); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(src+"/"+dir, 0o750); err != nil {
			t.Fatal(err)
		}
	}
	dirs := []string{"a", "a/b", "a/b/c", "a/b/d", "a/e", "a/new", "a/gone"}
	err := carry.FinishDirectories(y.store, nil, 3, slices.Values(dirs), func(dir string) string {
		if dir == "a/new" {
			return src + "/model"
		}
		return src + "/" + dir
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range dirs[:6] {
		var st unix.Stat_t
		if err := unix.Stat(y.store.Path()+"/"+dir, &st); err != nil || st.Mode&0o777 != 0o750 || st.Mtim != then {
			t.Errorf("%s: mode %o, time %v, %v", dir, st.Mode, st.Mtim, err)
		}
	}
}

// TestModelThatCannotBeLookedAt fails on a model that is there and cannot be
// looked at: what it would have given the directory is lost otherwise.
func TestModelThatCannotBeLookedAt(t *testing.T) {
	y := newYard(t, 2)
	if err := y.store.MkdirAll("a"); err != nil {
		t.Fatal(err)
	}
	loop := t.TempDir() + "/loop"
	if err := os.Symlink("loop", loop); err != nil {
		t.Fatal(err)
	}
	err := carry.FinishDirectories(y.store, nil, 1, slices.Values([]string{"a"}), func(string) string { return loop })
	if !errors.Is(err, unix.ELOOP) || !strings.Contains(err.Error(), loop) {
		t.Errorf("the model is a loop: %v", err)
	}
}

// small is a file system that tells of little space.
type small struct {
	durable.FS
	free unix.Statfs_t
}

func (s small) Fstatfs(int) (unix.Statfs_t, error) { return s.free, nil }

// TestCheckSpace measures only where the sources hold more than is free, and
// only what the store does not have.
func TestCheckSpace(t *testing.T) {
	src := makeTree(t, "00/1.msg", "00/2.msg")
	if err := os.Link(src+"/00/1.msg", src+"/00/3.msg"); err != nil {
		t.Fatal(err)
	}
	held := func(blocks, files uint64) *carry.Holds {
		h := new(carry.Holds)
		for range 2 { // the same device
			h.Add(1, &unix.Statfs_t{Bsize: 4096, Blocks: blocks, Files: files})
		}
		return h
	}
	// Two trees, each of a directory, a file, and a file of two names, of which
	// each tells half a block and half an inode.
	const blocks, inodes = 6, 6
	tests := []struct {
		name          string
		held          *carry.Holds
		blocks, files uint64
		measured, ok  bool
	}{
		{"the sources hold less", held(9, 9), 10, 10, false, true},
		{"it fits", held(10, 9), blocks, inodes, true, true},
		{"it is not known what the sources hold", nil, blocks, inodes, true, true},
		{"no blocks", nil, blocks - 1, inodes, true, false},
		{"no inodes", nil, blocks, inodes - 1, true, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := small{durable.OS, unix.Statfs_t{Bsize: 4096, Frsize: 4096, Blocks: 100, Bavail: tt.blocks, Bfree: tt.blocks, Files: 100, Ffree: tt.files}}
			store, err := durable.OpenStore(t.TempDir(), durable.Options{FS: f})
			if err != nil {
				t.Fatal(err)
			}
			defer store.Close()
			if err := store.MkdirAll("users/there"); err != nil {
				t.Fatal(err)
			}
			measured := false
			err = carry.CheckSpace(store, tt.held, func() (carry.Size, error) {
				measured = true
				each := func(yield func(*unit) error) error {
					told := newUnit("told", src)
					told.Tell(carry.Result{State: carry.Note})
					return errors.Join(yield(newUnit("a", src)), yield(newUnit("b", src)), yield(told), yield(newUnit("there", src)), yield(newUnit("gone", src+"/gone")))
				}
				return carry.Measure(context.Background(), store, 2, each, func(u *unit) (int, error) {
					return unix.Open(u.src, unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
				})
			})
			if measured != tt.measured || (err == nil) != tt.ok || err != nil && !errors.Is(err, carry.ErrNoSpace) {
				t.Errorf("measured %v, %v", measured, err)
			}
		})
	}
}

// full is a file system without room for bytes.
type full struct{ durable.FS }

func (full) Write(int, []byte) (int, error) { return 0, unix.ENOSPC }

// TestErrorNamesTheStage: an error of the store says where in the store, and
// not only what was to be copied there.
func TestErrorNamesTheStage(t *testing.T) {
	y := newYard(t, 1)
	c := carry.Cloner{Files: durable.Cloner{FS: full{durable.OS}}}
	res := y.placer.Stage(carry.NewWalk(nil, new(plainNames)), &c, *topOf(t, makeTree(t, "00/1.msg"), ""))
	if want := y.run.Path("stage/1") + ": copy of u/00/1.msg: write: no space left on device"; res.Err == nil || res.Err.Error() != want || !errors.Is(res.Err, unix.ENOSPC) {
		t.Errorf("%v, want %s", res.Err, want)
	}
}

// closes is a file system on which a directory that is closed tells an error.
type closes struct{ durable.FS }

func (c closes) Close(fd int) error { return errors.Join(c.FS.Close(fd), unix.EIO) }

// TestCloseErrorNamesTheStage: an error of closing is none of copying.
func TestCloseErrorNamesTheStage(t *testing.T) {
	store, err := durable.OpenStore(t.TempDir(), durable.Options{FS: closes{durable.OS}, Sync: storeconv.SyncNone})
	if err != nil {
		t.Fatal(err)
	}
	run, err := store.BeginAnew("test")
	if err != nil {
		t.Fatal(err)
	}
	placer := carry.Placer[*unit]{Run: run}
	c := carry.Cloner{Files: durable.Cloner{FS: durable.OS}}
	res := placer.Stage(carry.NewWalk(nil, new(plainNames)), &c, *topOf(t, makeTree(t, "00/1.msg"), ""))
	if want := run.Path("stage/1") + ": close: " + unix.EIO.Error(); res.Err == nil || res.Err.Error() != want {
		t.Errorf("%v, want %s", res.Err, want)
	}
}
