package ims

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRuns(t *testing.T) {
	store := t.TempDir()
	root, err := os.Open(store)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	r := NewReader(root)
	if runs, err := r.Runs(); len(runs) > 0 || err != nil {
		t.Errorf("no work directory: %+v, %v", runs, err)
	}
	for path, text := range map[string]string{
		"lock": "", "finished": "x y\n", "a/command": "storeconv restore -f 'a b'\n", "b/journal": "", "c.done/command": "cmd\n",
	} {
		path = filepath.Join(store, WorkDir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	runs, err := r.Runs()
	if err != nil || len(runs) != 3 {
		t.Fatalf("%+v, %v", runs, err)
	}
	for i, want := range []struct {
		path, text string
		done       bool
	}{
		{".imsconv/a", "storeconv restore -f 'a b' finishes it", false},
		{".imsconv/b", "the same command as then finishes it", false},
		{".imsconv/c.done", "cmd removes it", true},
	} {
		if got := runs[i]; got.Path != want.path || got.Done != want.done || !strings.HasSuffix(got.Text(), want.text) {
			t.Errorf("%+v: %s, want %+v", got, got.Text(), want)
		}
	}
	// A fifo in place of the folder, or a file, is no run, and nothing waits.
	if err := os.RemoveAll(filepath.Join(store, WorkDir)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(store, WorkDir), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Runs(); err == nil {
		t.Error("a file in place of the work directory")
	}
}
