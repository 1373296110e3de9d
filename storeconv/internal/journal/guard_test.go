package journal

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"golang.org/x/sys/unix"

	"imsconv/storeconv/durable/crashfs"
)

// faulty makes calls of a crashfs fail from the nth on, all of them or one.
type faulty struct {
	n     atomic.Int64 // calls so far
	at    int64        // 0: none fails
	once  bool
	name  string // of the call that failed
	count atomic.Int64
	off   atomic.Bool
}

func (f *faulty) fail(call, name string) error {
	n := f.n.Add(1)
	if f.off.Load() || f.at == 0 || n < f.at || f.once && n > f.at {
		return nil
	}
	if f.count.Add(1) == 1 {
		f.name = call + " " + name
	}
	return unix.ENOSPC
}

// putDurably writes a key durably.
func putDurably(j *Journal, key string) error {
	b := j.Batch()
	b.Put(key, nil)
	return b.Commit()
}

// work opens a journal and gives it enough to write for flushes in the
// background, and returns the marks that were made durable.
func work(fs *crashfs.FS) (marks []string, err error) {
	j, err := OpenIn(fs, "/run/journal", true)
	if err != nil {
		return nil, err
	}
	big := bytes.Repeat([]byte("x"), 200<<10)
	for i := range 12 {
		if err := j.Put(fmt.Sprintf("b/%d", i), big); err != nil {
			return marks, errors.Join(err, j.Close())
		}
		key := fmt.Sprintf("m/%d", i)
		if err := putDurably(j, key); err != nil {
			return marks, errors.Join(err, j.Close())
		}
		marks = append(marks, key)
	}
	if err := j.Drop("b/"); err != nil {
		return marks, errors.Join(err, j.Close())
	}
	return marks, j.Close()
}

// Whatever call on a file fails, for good or once, the journal says so in one
// line and ends; nobody waits, no goroutine is dumped, and what was marked is
// there when it is opened again.
func TestEveryFailingCall(t *testing.T) {
	newFS := func() *crashfs.FS {
		fs := crashfs.New()
		if err := fs.Mkdirat(unix.AT_FDCWD, "/run", 0o700); err != nil {
			t.Fatal(err)
		}
		fs.Sync()
		return fs
	}
	clean, counter := newFS(), &faulty{}
	clean.Fail(counter.fail)
	if _, err := work(clean); err != nil {
		t.Fatal(err)
	}
	total := counter.n.Load()
	if total < 60 {
		t.Fatalf("%d calls only", total)
	}
	step := int64(1)
	if testing.Short() {
		step = 5
	}
	told := 0
	for at := int64(1); at <= total+5; at += step {
		for _, once := range []bool{false, true} {
			f := &faulty{at: at, once: once}
			fs := newFS()
			fs.Fail(f.fail)
			marks, err := bounded(t, fs, f)
			if err != nil {
				told++
				if text := err.Error(); !errors.Is(err, unix.ENOSPC) || strings.Contains(text, "\n") || strings.Contains(text, "goroutine") {
					t.Errorf("call %d, %s, once %t: %q", at, f.name, once, text)
				}
			}
			f.off.Store(true)
			j, err := OpenIn(fs, "/run/journal", true)
			if err != nil {
				t.Fatalf("call %d, %s, once %t: opened again: %v", at, f.name, once, err)
			}
			for _, key := range marks {
				if _, ok, err := j.Get(key); !ok || err != nil {
					t.Errorf("call %d, %s, once %t: mark %s: %t, %v", at, f.name, once, key, ok, err)
				}
			}
			if err := j.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	if told < int(total/step) {
		t.Errorf("%d calls, %d failures told", total, told)
	}
	t.Logf("%d calls, %d failures told", total, told)
}

// bounded is work that must end.
func bounded(t *testing.T, fs *crashfs.FS, f *faulty) ([]string, error) {
	t.Helper()
	type result struct {
		marks []string
		err   error
	}
	done := make(chan result, 1)
	go func() {
		marks, err := work(fs)
		done <- result{marks, err}
	}()
	select {
	case r := <-done:
		return r.marks, r.err
	case <-time.After(time.Minute):
		t.Fatalf("call %d, %s: no end", f.at, f.name)
		return nil, nil
	}
}

// readFault makes one call of reading fail.
type readFault struct {
	n  atomic.Int64
	at int64
}

func (f *readFault) String() string { return "read fault" }

func (f *readFault) MaybeError(op errorfs.Op) error {
	if op.Kind.ReadOrWrite() != errorfs.OpIsRead || f.n.Add(1) != f.at {
		return nil
	}
	return unix.EIO
}

// A journal that cannot be read says so in one line, or reads again.
func TestEveryFailingRead(t *testing.T) {
	dir := t.TempDir()
	j, err := Open(dir, true)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 8 {
		if err := j.Put(fmt.Sprintf("b/%d", i), bytes.Repeat([]byte("x"), 300<<10)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(putDurably(j, "m"), j.Close()); err != nil {
		t.Fatal(err)
	}
	read := func(f *readFault) error {
		j, err := openOn(ordered{errorfs.Wrap(vfs.Default, f)}, dir, true)
		if err != nil {
			return err
		}
		n := 0
		_, ok, err := j.Get("m")
		if err == nil {
			err = j.Range("b/", func(_, v []byte) error {
				n++
				return nil
			})
		}
		if err == nil && (!ok || n != 8) {
			t.Errorf("read %d: %d values, mark %t, and no word", f.at, n, ok)
		}
		if closeErr := j.Close(); err == nil {
			err = closeErr
		}
		return err
	}
	count := &readFault{}
	if err := read(count); err != nil {
		t.Fatal(err)
	}
	told := 0
	for at := int64(1); at <= count.n.Load(); at++ {
		if err := read(&readFault{at: at}); err != nil {
			told++
			if text := err.Error(); !errors.Is(err, unix.EIO) || strings.Contains(text, "\n") {
				t.Errorf("read %d: %q", at, text)
			}
		}
	}
	if told == 0 {
		t.Errorf("%d reads, no failure told", count.n.Load())
	}
	t.Logf("%d reads, %d failures told", count.n.Load(), told)
	if err := read(&readFault{}); err != nil {
		t.Error(err)
	}
}

// A call goes to a goroutine that an earlier one has left, calls at the same
// time go to several, and none stays behind a journal that is closed.
func TestHelpersAreKept(t *testing.T) {
	before := runtime.NumGoroutine()
	g := newGuard()
	names := make(map[string]bool)
	name := func() error {
		b := make([]byte, 64)
		id, _, _ := strings.Cut(string(b[:runtime.Stack(b, false)]), " [")
		names[id] = true
		return nil
	}
	for range 100 {
		if err := g.do(name); err != nil {
			t.Fatal(err)
		}
	}
	if len(names) != 1 {
		t.Errorf("100 calls were made by %d goroutines", len(names))
	}
	want := errors.New("of the inner call")
	if err := g.do(func() error { return g.do(func() error { return want }) }); err != want {
		t.Errorf("a call within a call: %v", err)
	}
	if n := len(g.helpers); n != 2 {
		t.Errorf("%d helpers have nothing to do", n)
	}
	// The helper of a call that goes on when something else has failed ends with
	// that call: nobody dismisses it any more.
	begun, goOn := make(chan bool), make(chan bool)
	failure := errors.New("elsewhere")
	go func() {
		<-begun
		g.fail(failure)
	}()
	err := g.do(func() error {
		begun <- true
		<-goOn
		return nil
	})
	if err != failure {
		t.Errorf("a call while something else fails: %v", err)
	}
	close(goOn)
	g.dismiss()
	for end := time.Now().Add(time.Minute); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
	}
}
