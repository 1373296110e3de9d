package relocate

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"imsconv/storeconv"
	"imsconv/storeconv/testsite"
)

var errPlanted = errors.New("planted fault")

// TestRelocateResume fails every single change of the new store in turn, as a
// kill at that moment would, and expects the next run to make the store that an
// undisturbed run makes.
func TestRelocateResume(t *testing.T) {
	from, _ := site(t, testsite.NMSOptions{Seed: 7, Users: 8, Messages: 40, Links: 30})
	opts := Options{Via: ViaCopy, Sync: storeconv.SyncUser, Jobs: 2}
	undisturbed := filepath.Join(memoryDir(t), "store")
	relocate(t, undisturbed, from, opts)
	want := contents(tree(t, undisturbed))
	for n := 1; ; n++ {
		broken := opts
		store := filepath.Join(memoryDir(t), "store")
		var mu sync.Mutex
		ops := 0
		broken.fault = func(_, _ string) error {
			mu.Lock()
			defer mu.Unlock()
			if ops++; ops >= n {
				return errPlanted
			}
			return nil
		}
		_, err := Relocate(context.Background(), store, from, broken)
		if err == nil {
			t.Logf("%d changes", n-1)
			return
		}
		if !errors.Is(err, errPlanted) {
			t.Fatalf("fault %d: %v", n, err)
		}
		broken.fault = nil
		_, h := relocate(t, store, from, broken)
		h.none(t)
		if d := cmp.Diff(want, contents(tree(t, store))); d != "" {
			t.Fatalf("fault %d: %s", n, d)
		}
		if n > 500 {
			t.Fatal("no end of changes")
		}
	}
}

// TestRelocateCompletes adds what the source had not before.
func TestRelocateCompletes(t *testing.T) {
	for _, via := range []Via{ViaCopy, ViaHardlink} {
		from := copySample(t)
		store := filepath.Join(memoryDir(t), "store")
		late := filepath.Join(from, annaDir, "01/131.msg")
		aside := filepath.Join(memoryDir(t), "131.msg")
		if via == ViaHardlink {
			aside = filepath.Join(filepath.Dir(from), "131.msg")
		}
		must(t, keepTime(late, func(string) error { return os.Rename(late, aside) }))
		relocate(t, store, from, Options{Via: via})
		must(t, keepTime(late, func(string) error { return os.Rename(aside, late) }))
		rep, h := relocate(t, store, from, Options{Via: via})
		h.none(t)
		if rep.Completed != 1 || rep.Unchanged != 7 {
			t.Errorf("%s: %+v", via, rep)
		}
		sameTrees(t, from, store)

		// What is not the source's stays.
		foreign := filepath.Join(store, annaDir, "01/199.msg")
		must(t, os.WriteFile(foreign, []byte("new mail"), 0o600))
		_, h = relocate(t, store, from, Options{Via: via})
		wantProblems(t, h, []string{"already-there: " + annaDir})
		if got := string(readFile(t, foreign)); got != "new mail" {
			t.Errorf("%s: new mail has become %q", via, got)
		}
	}
}

// TestRelocateCancel ends a run by its context and goes on.
func TestRelocateCancel(t *testing.T) {
	from := copySample(t)
	store := filepath.Join(memoryDir(t), "store")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := Relocate(ctx, store, from, Options{Via: ViaCopy, Sync: storeconv.SyncNone})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v", err)
	}
	relocate(t, store, from, Options{Via: ViaCopy})
	sameTrees(t, from, store)
}

// keepTime changes a file and leaves times of file and directory as they were.
func keepTime(path string, change func(string) error) error {
	dir, err := os.Stat(filepath.Dir(path))
	if err != nil {
		return err
	}
	file, fileErr := os.Stat(path)
	if err := change(path); err != nil {
		return err
	}
	if fileErr == nil {
		if err := os.Chtimes(path, file.ModTime(), file.ModTime()); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return os.Chtimes(filepath.Dir(path), dir.ModTime(), dir.ModTime())
}
