package main

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAvailableMemory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "meminfo")
	if err := os.WriteFile(path, []byte("MemTotal:       24000000 kB\nMemFree:         1000000 kB\nMemAvailable:   12000000 kB\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if n, err := availableMemory(path); err != nil || n != 12_000_000<<10 {
		t.Errorf("%d bytes, %v", n, err)
	}
	if err := os.WriteFile(path, []byte("MemTotal: 1 kB\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if n, err := availableMemory(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%d bytes, %v", n, err)
	}
}

// TestFill: all of it is written, and an interrupt ends it.
func TestFill(t *testing.T) {
	var b bytes.Buffer
	if err := fill(t.Context(), &b, 3<<20+1); err != nil || b.Len() != 3<<20+1 {
		t.Errorf("%d bytes, %v", b.Len(), err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := fill(ctx, &b, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("after an interrupt: %v", err)
	}
	dir := t.TempDir()
	if err := warm(t.Context(), dir, 1); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}

// TestPoint: a size that has no room is told and not begun, and of one that has
// nothing but the programs is left.
func TestPoint(t *testing.T) {
	s := &suite{dir: t.TempDir(), ours: map[string]string{"ldifconv": ""}}
	var row taskResult
	begun := false
	large := point{size: "9 entries", need: 1 << 60, input: func() error { begun = true; return nil }}
	if err := s.point(t.Context(), &large, &row); err != nil || begun || len(row.Left) != 1 || !strings.HasPrefix(row.Left[0], "9 entries: 1073741824.0 GiB of room, of which ") {
		t.Errorf("begun %t, %q, %v", begun, row.Left, err)
	}
	many := point{size: "8 entries", files: math.MaxInt64 - 1, input: large.input}
	if n, err := freeFiles(s.dir); err != nil || n <= 0 {
		t.Errorf("%d files, %v", n, err)
	} else if n < many.files {
		if err := s.point(t.Context(), &many, &row); err != nil || begun || len(row.Left) != 2 || !strings.HasPrefix(row.Left[1], "8 entries: 9223372036854775806 files and directories, of which ") {
			t.Errorf("begun %t, %q, %v", begun, row.Left, err)
		}
	}
	row.Left = row.Left[:1]
	write := func(name string) error { return os.WriteFile(s.at(name), nil, 0o600) }
	if err := write("ldifconv"); err != nil {
		t.Fatal(err)
	}
	small := point{input: func() error { begun = true; return write("in") }}
	if err := s.point(t.Context(), &small, &row); err != nil || !begun || len(row.Left) != 1 {
		t.Errorf("begun %t, %q, %v", begun, row.Left, err)
	}
	left, err := os.ReadDir(s.dir)
	if err != nil || len(left) != 1 || left[0].Name() != "ldifconv" {
		t.Errorf("%v is left, %v", left, err)
	}
}
