package journal

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/durable/crashfs"
)

func TestJournal(t *testing.T) {
	dir := t.TempDir()
	j, err := Open(dir, true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, true); err == nil {
		t.Error("a journal that is open is opened again")
	}
	mark(t, j, "d/joe", "d/ann")
	for i := range 300 {
		if err := j.Put(fmt.Sprintf("l/%03d", i), []byte{byte(i)}); err != nil {
			t.Fatal(err)
		}
	}
	b := j.Batch()
	b.Put("x", []byte("y"))
	b.Delete("d/ann")
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if j, err = Open(dir, false); err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	for key, want := range map[string]bool{"d/joe": true, "d/ann": false, "d/": false, "x": true} {
		if _, got, err := j.Get(key); err != nil || got != want {
			t.Errorf("%s: %v, %v", key, got, err)
		}
	}
	var keys []string
	n := 0
	err = j.Range("l/", func(key, value []byte) error {
		if string(key) != fmt.Sprintf("l/%03d", n) || value[0] != byte(n) {
			t.Errorf("key %q", key)
		}
		keys = append(keys, string(key))
		n++
		return nil
	})
	if err != nil || n != 300 || !slices.IsSorted(keys) {
		t.Errorf("%d keys, %v", n, err)
	}
	if err := j.Drop("l/"); err != nil {
		t.Fatal(err)
	}
	if err := j.Range("", func(key, _ []byte) error {
		if key[0] == 'l' {
			t.Errorf("key %q is still there", key)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if got := after("a\xff\xff"); string(got) != "b" {
		t.Errorf("after a: %q", got)
	}
}

// mark puts keys without values, all at once.
func mark(t *testing.T, j *Journal, keys ...string) {
	t.Helper()
	b := j.Batch()
	for _, key := range keys {
		b.Put(key, nil)
	}
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
}

// What Commit has returned for is there after every power cut.
func TestJournalSurvivesPowerCuts(t *testing.T) {
	f := crashfs.New()
	if err := f.Mkdirat(unix.AT_FDCWD, "/run", 0o700); err != nil {
		t.Fatal(err)
	}
	f.Sync()
	from := f.Ops()
	j, err := OpenIn(f, "/run/journal", true)
	if err != nil {
		t.Fatal(err)
	}
	var done []int // operations when a mark had been made
	for i := range 8 {
		mark(t, j, fmt.Sprint(i))
		done = append(done, f.Ops())
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if f.Open() != 0 {
		t.Errorf("%d files are open", f.Open())
	}
	states := 0
	for n := from; n <= f.Ops(); n++ {
		for what, cut := range f.PowerCuts(n, 1) {
			if states++; states%5 != 0 && testing.Short() {
				continue
			}
			j, err := OpenIn(cut, "/run/journal", true)
			if err != nil {
				t.Fatalf("operation %d, %s: %v", n, what, err)
			}
			for i, at := range done {
				if _, ok, err := j.Get(fmt.Sprint(i)); err != nil || !ok && at <= n {
					t.Fatalf("operation %d, %s: mark %d: %v, %v", n, what, i, ok, err)
				}
			}
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Logf("%d operations, %d states", f.Ops()-from, states)
}

// What a Writer gathers waits for as much as it gathers, or to be flushed, and
// comes in its order; a Writer of a dry run, which has no journal, has nothing
// to flush.
func TestWriter(t *testing.T) {
	j, err := Open(t.TempDir(), false)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	const size = 1000
	value := func(i int) []byte { return bytes.Repeat([]byte{byte(i)}, size) }
	last := func() int {
		n := -1
		err := j.Range("w/", func(key, got []byte) error {
			if n++; string(key) != fmt.Sprintf("w/%03d", n) || !bytes.Equal(got, value(n)) {
				t.Errorf("key %q of %x, not %d", key, got[0], n)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	w := j.Writer()
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	const together = gatheredBytes/(size+5) + 1
	for i := range together + 3 {
		if i == together-1 && last() != -1 {
			t.Errorf("%d are written one by one", last())
		}
		if i >= together {
			if err := w.Put(fmt.Sprintf("w/%03d", i), nil); err != nil { // written over
				t.Fatal(err)
			}
		}
		if err := w.Put(fmt.Sprintf("w/%03d", i), value(i)); err != nil {
			t.Fatal(err)
		}
	}
	if got := last(); got != together-1 {
		t.Errorf("the last that is written is %d, not %d", got, together-1)
	}
	for range 2 {
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	if got := last(); got != together+2 {
		t.Errorf("the last is %d", got)
	}
	none := (*Journal)(nil).Writer()
	if err := none.Flush(); err != nil {
		t.Error(err)
	}
}
