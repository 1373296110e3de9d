package restore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"imsconv/storeconv"
	"imsconv/storeconv/durable"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/testsite"
	"imsconv/storeconv/verify"
)

// faultCase is a restore that is to survive a failure at any operation.
type faultCase struct {
	name   string
	before [][]byte // restored first, undisturbed
	tapes  [][]byte
	opt    Options
	piped  bool
}

func faultCases(t testing.TB) []faultCase {
	var site bytes.Buffer
	if _, err := testsite.WriteStream(&site, testsite.StreamOptions{Seed: 5, Users: 6, Messages: 60, Links: 40, Expired: 20, MedianSize: 700, Odd: true}, nil); err != nil {
		t.Fatal(err)
	}
	first := tape(t, may20, firstTape...)
	later := tape(t, may20+9, "user joe 4096", "box joe/INBOX 77 f2,f1", `msg joe/INBOX/1 \Deleted one`, `msg joe/INBOX/9 f2 nine`, "link joe/INBOX/10 - joe/INBOX/5",
		"box bob/INBOX 4", "link bob/INBOX/3 - joe/INBOX/9", "box joe/Mail 88", "msg joe/Mail/1 - uno")
	return []faultCase{
		{name: "new", tapes: [][]byte{site.Bytes()}},
		{name: "pipe", tapes: [][]byte{site.Bytes()}, piped: true, opt: Options{Sync: storeconv.SyncUser}},
		{name: "append", before: [][]byte{first}, tapes: [][]byte{later}},
		{name: "several", tapes: [][]byte{first, later}, opt: Options{Sync: storeconv.SyncUser}},
		{name: "new-name", before: [][]byte{first}, tapes: [][]byte{first}, opt: Options{Existing: NewName, Sync: storeconv.SyncUser}},
		{name: "without-looking", before: [][]byte{first}, tapes: [][]byte{later}, opt: Options{Existing: AppendAll}},
	}
}

func (c *faultCase) run(t testing.TB, store string, fault durable.Fault) error {
	var streams []*Stream
	for _, b := range c.tapes {
		var in io.Reader = bytes.NewReader(b)
		if c.piped {
			in = pipe{in}
		}
		streams = append(streams, stream(t, "tape", in))
	}
	opt := c.opt
	opt.fault, opt.Jobs = fault, 2
	_, err := Restore(context.Background(), store, streams, opt)
	return err
}

func (c *faultCase) prepare(t testing.TB, dir string) string {
	store := filepath.Join(dir, "store")
	if len(c.before) > 0 {
		before := faultCase{tapes: c.before}
		if err := before.run(t, store, nil); err != nil {
			t.Fatal(err)
		}
	}
	return store
}

// The disk fails at the Nth operation, for every N (in the short run, for
// some): the run ends with an error, and the same run again brings the store to
// the same bytes as one that was never disturbed.
func TestFailureAtEveryOperation(t *testing.T) {
	base := shmDir(t)
	for _, c := range faultCases(t) {
		t.Run(c.name, func(t *testing.T) {
			steps := int64(12)
			if os.Getenv("IMSCONV_FULL") == "1" {
				steps = 1 << 40
			}
			checkFaults(t, &c, filepath.Join(base, c.name), steps)
		})
	}
}

// checkFaults lets one operation fail at a time, some of so many.
func checkFaults(t *testing.T, c *faultCase, base string, steps int64) {
	t.Helper()
	if testing.Short() {
		steps = min(steps, 5)
	}
	var ops atomic.Int64
	whole := c.prepare(t, filepath.Join(base, "whole"))
	err := c.run(t, whole, func(string, string) error {
		ops.Add(1)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want, wantLines := treeHash(t, whole)
	step := max(1, ops.Load()/steps)
	for n := int64(1); n <= ops.Load(); n += step {
		dir := filepath.Join(base, fmt.Sprint(n))
		store := c.prepare(t, dir)
		var at atomic.Int64
		err := c.run(t, store, func(op, name string) error {
			if at.Add(1) == n {
				return syscall.ENOSPC
			}
			return nil
		})
		if at.Load() >= n && err != nil && !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("operation %d fails, the run says %v", n, err)
		}
		if err == nil { // then all was done but the removal of the run's folder
			_, lines := treeHash(t, store)
			if missing := lineDiff(wantLines, lines); strings.Contains(missing, "- ") {
				t.Errorf("operation %d fails, the run says nothing:\n%s", n, missing)
			}
			os.RemoveAll(dir)
			continue
		}
		if err := c.run(t, store, nil); err != nil {
			t.Fatalf("after operation %d: %v", n, err)
		}
		if got, lines := treeHash(t, store); got != want {
			t.Fatalf("after operation %d:\n%s", n, lineDiff(wantLines, lines))
		}
		os.RemoveAll(dir)
	}
	t.Logf("%d operations", ops.Load())
}

func lineDiff(want, got []string) (out string) {
	in := func(list []string, line string) bool {
		for _, l := range list {
			if l == line {
				return true
			}
		}
		return false
	}
	for _, l := range want {
		if !in(got, l) {
			out += "- " + l + "\n"
		}
	}
	for _, l := range got {
		if !in(want, l) {
			out += "+ " + l + "\n"
		}
	}
	return out
}

// A run that goes on after an interruption reports what an undisturbed one
// does, and has the same exit status.
func TestReportAfterInterruption(t *testing.T) {
	b := tape(t, may20, "user joe 5", "box joe/INBOX 7", "msg joe/INBOX/1 - a", "msg joe/INBOX/1 - again", "link joe/INBOX/2 - nobody/INBOX/1", "msg joe/INBOX/3 expired x",
		"user ann 6", "box ann/INBOX 8", "link ann/INBOX/1 pending joe/INBOX/1", "link ann/INBOX/2 - joe/INBOX/3", "msg ann/../x - b", "box bob/INBOX 1", "msg bob/INBOX/1 - z")
	base := shmDir(t)
	whole, log, err := restoreTo(t, filepath.Join(base, "whole"), Options{Sync: storeconv.SyncUser}, bytes.NewReader(b))
	if err != nil || log.lost != 3 {
		t.Fatalf("%v, said %q", err, log.lines)
	}
	resumed := false
	for n := int64(1); n < 90; n += 3 {
		store := filepath.Join(base, fmt.Sprint(n))
		var at atomic.Int64
		opt := Options{Sync: storeconv.SyncUser, Jobs: 1, fault: func(string, string) error {
			if at.Add(1) >= n {
				return syscall.EIO
			}
			return nil
		}}
		if _, _, err := restoreTo(t, store, opt, bytes.NewReader(b)); err == nil {
			break
		}
		rep, log, err := restoreTo(t, store, Options{Sync: storeconv.SyncUser}, bytes.NewReader(b))
		if err != nil || log.lost != 3 {
			t.Fatalf("after operation %d: %v, said %q", n, err, log.lines)
		}
		if rep.Finished {
			continue // stopped while its folder went: nothing is left to count
		}
		resumed = resumed || rep.Resumed > 0
		rep.Resumed = 0
		if diff := cmp.Diff(whole, rep); diff != "" {
			t.Errorf("after operation %d (-undisturbed +resumed):\n%s", n, diff)
		}
	}
	if !resumed {
		t.Error("no run was taken up again")
	}
}

// A run is known by the beginnings of its streams. Where another stream begins
// alike and takes up an interrupted run, what the users that were done have
// besides is told, and a run of its own adds it.
func TestOtherStreamTakesUp(t *testing.T) {
	lines := []string{"box joe/INBOX 7"}
	for uid := range 5 {
		lines = append(lines, fmt.Sprintf("msg joe/INBOX/%d - %d%s", uid+1, uid, strings.Repeat("x", 60<<10)))
	}
	rest := []string{"box ann/INBOX 8", "msg ann/INBOX/1 - a", "box bob/INBOX 1", "msg bob/INBOX/1 - z"}
	a := tape(t, may20, append(append(slices.Clone(lines), "msg joe/INBOX/6 expired new"), rest...)...)
	b := tape(t, may20, append(append(slices.Clone(lines), "msg joe/INBOX/6 - new"), rest...)...)
	base := shmDir(t)
	resumed := false
	for n := int64(10); n < 120; n += 3 {
		store := filepath.Join(base, fmt.Sprint(n))
		var at atomic.Int64
		opt := Options{Sync: storeconv.SyncUser, Jobs: 1, fault: func(string, string) error {
			if at.Add(1) >= n {
				return syscall.EIO
			}
			return nil
		}}
		if _, _, err := restoreTo(t, store, opt, bytes.NewReader(a)); err == nil {
			break
		}
		rep, log, err := restoreTo(t, store, Options{}, bytes.NewReader(b))
		if err != nil || rep.Resumed > 0 != (log.lost == 1) {
			t.Fatalf("after operation %d: %v, %d users were done, said %q", n, err, rep.Resumed, log.lines)
		}
		resumed = resumed || rep.Resumed > 0
		again(t, store, Options{}, b)
		if log := checkStreams(t, store, verify.StoreOptions{}, b); len(log.Problems) > 0 {
			t.Errorf("after operation %d, and again: %q", n, log.Problems)
		}
	}
	if !resumed {
		t.Error("no run was taken up")
	}
}

// A power cut loses what is not synced: a tree must be on disk before it is
// renamed into place, and the rename before the run forgets about it.
func TestSyncOrder(t *testing.T) {
	for mode, syncs := range map[storeconv.SyncMode]bool{storeconv.SyncBatch: true, storeconv.SyncUser: true, storeconv.SyncNone: false} {
		var ops []string
		var mu sync.Mutex
		store := filepath.Join(shmDir(t), "store")
		opt := Options{Sync: mode, fault: func(op, name string) error {
			mu.Lock()
			defer mu.Unlock()
			ops = append(ops, op+" "+name)
			return nil
		}}
		if _, _, err := restoreTo(t, store, opt, bytes.NewReader(tape(t, may20, "box joe/INBOX 7", "msg joe/INBOX/1 - a", "link joe/INBOX/2 - joe/INBOX/1"))); err != nil {
			t.Fatal(err)
		}
		last := func(before int, match func(string) bool) int {
			for i := before - 1; i >= 0; i-- {
				if match(ops[i]) {
					return i
				}
			}
			return -1
		}
		placed := slices.IndexFunc(ops, func(op string) bool { return strings.HasPrefix(op, "rename partition/") })
		ended := slices.IndexFunc(ops, func(op string) bool { return strings.HasPrefix(op, "rename .imsconv/") })
		if placed < 0 || ended < placed {
			t.Fatalf("%s: %q", mode, ops)
		}
		sync := func(op string) bool { return strings.HasPrefix(op, "syncfs ") }
		written := last(placed, func(op string) bool {
			what, name, _ := strings.Cut(op, " ")
			return (what == "create" || what == "write" || what == "link" || what == "mkdir") && !strings.HasPrefix(name, "partition")
		})
		if got := last(placed, sync) > written; got != syncs {
			t.Errorf("%s: synced before it is in place: %v, in %q", mode, got, ops)
		}
		if got := last(ended, sync) > placed; got != syncs {
			t.Errorf("%s: synced before the run forgets about it: %v, in %q", mode, got, ops)
		}
	}
}

// silent is a pipe whose other end falls silent after some bytes.
type silent struct {
	r      io.Reader
	left   int
	cancel func()
}

func (s *silent) Read(p []byte) (int, error) {
	if s.left == 0 {
		s.cancel()
		select {}
	}
	n, err := s.r.Read(p[:min(len(p), s.left)])
	s.left -= n
	return n, err
}

// An interrupt while the source is silent ends the run, wherever in the stream
// that is, and the next run goes on.
func TestInterruptWhileWaiting(t *testing.T) {
	var site bytes.Buffer
	opts := testsite.StreamOptions{Seed: 8, Users: 4, Messages: 24, MedianSize: 300000, MaxSize: 1 << 20, Expired: 20, Links: 20}
	if _, err := testsite.WriteStream(&site, opts, nil); err != nil {
		t.Fatal(err)
	}
	base := shmDir(t)
	whole := filepath.Join(base, "whole")
	again(t, whole, Options{}, site.Bytes())
	want, _ := treeHash(t, whole)
	for _, part := range []int{30, 55, 72, 90, 99} {
		ctx, cancel := context.WithCancel(context.Background())
		in := &silent{r: bytes.NewReader(site.Bytes()), left: max(site.Len()*part/100, idBytes+1), cancel: cancel}
		store := filepath.Join(base, fmt.Sprint(part))
		log := &lineLog{}
		_, err := Restore(ctx, store, []*Stream{stream(t, "silent", in)}, Options{Sync: storeconv.SyncUser, Log: log})
		if !errors.Is(err, context.Canceled) || log.lost > 0 {
			t.Fatalf("silent after %d%%: %v, said %q", part, err, log.lines)
		}
		again(t, store, Options{Sync: storeconv.SyncUser}, site.Bytes())
		if got, _ := treeHash(t, store); got != want {
			t.Errorf("silent after %d%%: the next run does not complete it", part)
		}
	}
}

// bounded is a file system that has room for so many bytes of files below dir.
type bounded struct {
	durable.FS
	dir  string
	room int64
}

func (b bounded) Fstatfs(int) (st unix.Statfs_t, err error) {
	left := b.room
	err = filepath.Walk(b.dir, func(_ string, info fs.FileInfo, err error) error {
		if err == nil && info.Mode().IsRegular() && info.Name() != "lock" {
			left -= info.Size()
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil // the database removes files meanwhile
		}
		return err
	})
	st.Bsize, st.Blocks, st.Bavail, st.Files, st.Ffree = 1, uint64(b.room), uint64(max(left, 0)), 1000, 1000
	return st, err
}

// TestFullDiskResumes: what a run staged before the disk was full is removed
// before the next one asks for room, so that what has room for the streams is
// enough for both.
func TestFullDiskResumes(t *testing.T) {
	lines := []string{"box joe/INBOX 7"}
	for i := range 20 {
		lines = append(lines, fmt.Sprintf("msg joe/INBOX/%d \\Seen %s", i+1, strings.Repeat("x", 3000)))
	}
	b := tape(t, may20, lines...)
	store := filepath.Join(shmDir(t), "store")
	disk := bounded{durable.OS, store, int64(len(b)) + 40<<10} // the journal has its share
	writes := 0
	full := func(op, _ string) error {
		if op == "write" {
			writes++
		}
		if writes > 15 {
			return unix.ENOSPC
		}
		return nil
	}
	if _, _, err := restoreTo(t, store, Options{FS: disk, fault: full, Jobs: 1}, bytes.NewReader(b)); !errors.Is(err, unix.ENOSPC) {
		t.Fatal(err)
	}
	if st, err := disk.Fstatfs(0); err != nil || st.Bavail >= uint64(len(b)) {
		t.Fatalf("%d of %d bytes are free after the failed run, the stream has %d: %v", st.Bavail, disk.room, len(b), err)
	}
	if _, log, err := restoreTo(t, store, Options{FS: disk}, bytes.NewReader(b)); err != nil || len(log.lines) > 0 {
		t.Fatalf("%v, said %q", err, log.lines)
	}
	want := restored(t, Options{}, b)
	got, gotLines := treeHash(t, store)
	if hash, lines := treeHash(t, want); got != hash {
		t.Errorf("the store is another one:\n%s", lineDiff(lines, gotLines))
	}
	// Without room for all a new run is refused, before it writes anything.
	fresh := filepath.Join(shmDir(t), "store")
	disk = bounded{durable.OS, fresh, int64(len(b)) - 1}
	if _, _, err := restoreTo(t, fresh, Options{FS: disk}, bytes.NewReader(b)); err == nil || !strings.Contains(err.Error(), "the file system has") {
		t.Errorf("without room: %v", err)
	}
	if _, err := os.Stat(filepath.Join(fresh, ims.WorkDir)); err == nil {
		t.Error("a refused run leaves a folder")
	}
}
