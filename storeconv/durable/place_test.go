package durable

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A partition that is a symbolic link to another file system is noticed before
// the work; one to the same file system is as good as a directory.
func TestCheckPlace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store")
	s := openStore(t, path)
	if err := s.CheckPlace("partition/primary/=user", "mboxlist"); err != nil {
		t.Errorf("a new store: %v", err)
	}
	if err := s.Mkdir("partition"); err != nil {
		t.Fatal(err)
	}
	link := func(name, to string) {
		t.Helper()
		if err := os.Symlink(to, filepath.Join(path, "partition", name)); err != nil {
			t.Fatal(err)
		}
	}
	link("near", t.TempDir())
	if err := s.CheckPlace("partition/near/=user"); err != nil {
		t.Errorf("a link to the same file system: %v", err)
	}
	link("nowhere", filepath.Join(path, "none"))
	if err := s.CheckPlace("partition/nowhere/=user"); err == nil || !strings.Contains(err.Error(), filepath.Join(path, "partition/nowhere")) {
		t.Errorf("a link to nothing: %v", err)
	}
	link("far", "/proc/self") // is on a file system of its own everywhere
	err := s.CheckPlace("partition/near/=user", "partition/far/=user")
	if !errors.Is(err, ErrElsewhere) || !strings.Contains(err.Error(), filepath.Join(path, "partition/far")) {
		t.Errorf("a link to another file system: %v", err)
	}
	if !strings.Contains(err.Error(), filepath.Join(path, "partition/far")+".store") {
		t.Errorf("what to do: %v", err)
	}
	if err := s.CheckPlace("../x"); err == nil {
		t.Error("a place outside of the store")
	}
}
