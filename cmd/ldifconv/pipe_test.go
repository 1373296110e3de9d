package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"imsconv/cmd/internal/cli"
)

// brokenPipe takes so many bytes, then has no reader any more.
type brokenPipe struct {
	taken bytes.Buffer
	left  int
}

func (p *brokenPipe) Write(b []byte) (int, error) {
	n, _ := p.taken.Write(b[:min(len(b), p.left)])
	p.left -= n
	if n < len(b) {
		return n, syscall.EPIPE
	}
	return n, nil
}

// TestUndoOfHalfAPipe guards an undo that was lost when ldapmodify stopped:
// what takes a change back is on disk before the change is sent, and stays.
func TestUndoOfHalfAPipe(t *testing.T) {
	dir := t.TempDir()
	undo, state, input := filepath.Join(dir, "undo"), filepath.Join(dir, "state"), filepath.Join(dir, "in.ldif")
	var export bytes.Buffer
	manyEntries(&export, 20_000)
	if err := os.WriteFile(input, export.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	out, talk := &brokenPipe{left: 1 << 20}, new(bytes.Buffer)
	code := cli.Main(context.Background(), command(), []string{"ldifconv", "upgrade", "-M", "sims", "-b", "o=x", "-A", "mailhost:new",
		"--undo", undo, "--save", state, input}, strings.NewReader(""), out, talk)
	if code != cli.ExitFailed || !strings.Contains(talk.String(), "the reader of the output has gone") {
		t.Errorf("exit %d, %q", code, talk)
	}
	sent := dns(t, out.taken.Bytes())
	if len(sent) == 0 {
		t.Fatal("nothing was sent")
	}
	for name, path := range map[string]string{"undo": undo, "state": state} {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		kept := dns(t, data)
		for dn := range sent {
			if !kept[dn] {
				t.Fatalf("%s was sent and is not in the %s of %d records", dn, name, len(kept))
			}
		}
	}
	if left, _ := filepath.Glob(dir + "/.*"); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func dns(t *testing.T, data []byte) map[string]bool {
	t.Helper()
	found := make(map[string]bool)
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, "dn: ") {
			found[strings.TrimSpace(line)] = true
		}
	}
	return found
}
