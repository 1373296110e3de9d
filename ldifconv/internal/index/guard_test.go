package index

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// fault makes one call on files fail, or all from it on.
type fault struct {
	n    atomic.Int64
	at   int64 // 0: none
	once bool
	what atomic.Value // the first that failed
}

func (f *fault) String() string { return "fault" }

func (f *fault) MaybeError(op errorfs.Op) error {
	n := f.n.Add(1)
	if f.at == 0 || n < f.at || f.once && n > f.at {
		return nil
	}
	f.what.CompareAndSwap(nil, fmt.Sprintf("%v %s", op.Kind, op.Path))
	return syscall.ENOSPC
}

const pairs = 40

// sortPairs puts pairs that are too many for memory, and reads them again.
func sortPairs(f *fault, dir string) (seen int, err error) {
	s, err := openStore(errorfs.Wrap(vfs.Default, f), dir, 64<<10)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	value := bytes.Repeat([]byte("v"), 300<<10)
	for i := range pairs {
		if err := s.Put([]byte(fmt.Sprintf("k%04d", i)), value); err != nil {
			return 0, err
		}
	}
	if err := s.Flush(); err != nil {
		return 0, err
	}
	if _, ok, err := s.Get(nil, []byte("k0000")); err != nil || !ok {
		return 0, cmp.Or(err, errors.New("a pair is missing"))
	}
	err = s.Scan([]byte("k"), func(_, v []byte) error {
		if bytes.Equal(v, value) {
			seen++
		}
		return nil
	})
	return seen, err
}

// Whatever call on a file fails, for good or once: one line, at once, and no
// folder stays. Where nothing is said all is there.
func TestEveryFailingCall(t *testing.T) {
	none := &fault{}
	if n, err := sortPairs(none, t.TempDir()); n != pairs || err != nil {
		t.Fatalf("%d pairs, %v", n, err)
	}
	total := none.n.Load()
	if total < 30 {
		t.Fatalf("%d calls only", total)
	}
	step := int64(1)
	if testing.Short() {
		step = 7
	}
	told := 0
	for at := int64(1); at <= total; at += step {
		for _, once := range []bool{false, true} {
			f, dir := &fault{at: at, once: once}, t.TempDir()
			n, err := bounded(t, f, dir)
			if err != nil {
				told++
				if text := err.Error(); !errors.Is(err, syscall.ENOSPC) || strings.Contains(text, "\n") || strings.Contains(text, "goroutine") {
					t.Errorf("call %d, %v, once %t: %q", at, f.what.Load(), once, text)
				}
			} else if n != pairs {
				t.Errorf("call %d, %v, once %t: %d pairs, and no word", at, f.what.Load(), once, n)
			}
			if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
				t.Errorf("call %d, %v, once %t: %v is left, %v", at, f.what.Load(), once, left, err)
			}
		}
	}
	if told == 0 {
		t.Error("no failure was told")
	}
	t.Logf("%d calls, %d failures told", total, told)
}

// bounded is sortPairs that must end.
func bounded(t *testing.T, f *fault, dir string) (n int, err error) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		n, err = sortPairs(f, dir)
	}()
	select {
	case <-done:
		return n, err
	case <-time.After(time.Minute):
		t.Fatalf("call %d, %v: no end", f.at, f.what.Load())
		return 0, nil
	}
}
