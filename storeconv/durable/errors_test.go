package durable

import (
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestErrorsNameThePlace: whatever fails in a directory, the error has a path
// that a user can find.
func TestErrorsNameThePlace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store")
	s, err := OpenStore(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.WriteFile("file", 0, nil); err != nil {
		t.Fatal(err)
	}
	const bad = "none/name"
	for name, do := range map[string]func() error{
		"OpenDir":    func() error { _, err := s.OpenDir(bad); return err },
		"Mkdir":      func() error { return s.Mkdir(bad) },
		"MkdirAll":   func() error { return s.MkdirAll("file/below/it") },
		"Create":     func() error { _, err := s.Create(bad); return err },
		"Recreate":   func() error { _, err := s.Recreate(bad); return err },
		"WriteFile":  func() error { return s.WriteFile(bad, 0, nil) },
		"Open":       func() error { _, err := s.Open(bad); return err },
		"ReadFile":   func() error { _, err := s.ReadFile(bad, 1); return err },
		"Stat":       func() error { _, err := s.Stat(bad); return err },
		"ReadNames":  func() error { _, err := s.ReadNames(bad); return err },
		"Link":       func() error { return s.Link("file", s.Dir, bad) },
		"LinkOrCopy": func() error { _, err := s.LinkOrCopy("file", s.Dir, bad); return err },
		"Rename":     func() error { return s.Rename("file", s.Dir, bad) },
		"Replace":    func() error { return s.Replace("file", s.Dir, bad) },
		"Exchange":   func() error { return s.Exchange("file", s.Dir, bad) },
		"Remove":     func() error { return s.Remove(bad) },
		"RemoveDir":  func() error { return s.RemoveDir(bad) },
		"RemoveAll":  func() error { return s.RemoveAll("file/below/it") },
		"SyncNames":  func() error { return s.SyncNames(bad) },
		"a way out":  func() error { return s.Mkdir("../" + bad) },
	} {
		if err := do(); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
	}
	f, err := s.Create("other")
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	for name, do := range map[string]func() error{
		"Read":     func() error { _, err := f.Read(make([]byte, 1)); return err },
		"ReadAt":   func() error { _, err := f.ReadAt(make([]byte, 1), 0); return err },
		"Write":    func() error { _, err := f.Write([]byte("x")); return err },
		"WriteAt":  func() error { _, err := f.WriteAt([]byte("x"), 0); return err },
		"Seek":     func() error { _, err := f.Seek(0, 0); return err },
		"Truncate": func() error { return f.Truncate(0) },
		"SetTime":  func() error { return f.SetTime(0) },
		"Chmod":    func() error { return f.Chmod(0o600) },
		"Chown":    func() error { return f.Chown(-1, -1) },
		"Stat":     func() error { _, err := f.Stat(); return err },
		"Sync":     f.Sync,
		"Close":    f.Close,
	} {
		if err := do(); err == nil || !strings.Contains(err.Error(), filepath.Join(path, "other")) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestFaultsNameThePlace: so do the errors of a run's folder and its lock.
func TestFaultsNameThePlace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store")
	refuse := false
	s, err := OpenStore(path, Options{Fault: func(op, name string) error {
		if refuse {
			return unix.EACCES
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	refuse = true
	if _, err := s.Begin("run"); err == nil || !strings.Contains(err.Error(), filepath.Join(path, workDir)) {
		t.Errorf("%v", err)
	}
}
