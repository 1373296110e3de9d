package cli

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestAgain: a file, a redirected file, a pipe and what is compressed are read
// twice, and no copy is left behind.
func TestAgain(t *testing.T) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	io.WriteString(z, "entries")
	z.Close()
	path := filepath.Join(t.TempDir(), "export")
	if err := os.WriteFile(path, zipped.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	redirected, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer redirected.Close()
	for _, tt := range []struct {
		name, path string
		stdin      io.Reader
		copied     bool
	}{
		{"file", path, nil, false}, {"redirected", "-", redirected, false},
		{"pipe", "-", strings.NewReader("entries"), true}, {"compressed", "-", &zipped, true},
	} {
		dir := t.TempDir()
		j := newJob("tool", "do", tt.stdin, nil, io.Discard)
		a, err := j.Again(tt.path, dir)
		if err != nil {
			t.Fatal(err)
		}
		if a.temp != tt.copied {
			t.Errorf("%s: copied is %v", tt.name, a.temp)
		}
		for range 2 {
			in, err := a.Open()
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(in); string(got) != "entries" || err != nil {
				t.Errorf("%s: %q, %v", tt.name, got, err)
			}
			in.Close()
		}
		if left, err := os.ReadDir(dir); len(left) > 0 || err != nil {
			t.Errorf("%s: %v is left, %v", tt.name, left, err)
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
		if tt.path != "-" {
			continue
		}
		var usage *usageError
		if _, err := j.Open("-"); !errors.As(err, &usage) {
			t.Errorf("%s: standard input is had again: %v", tt.name, err)
		}
	}
}
