package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"imsconv/cmd/internal/cli"
	"imsconv/dbconv/bdb/fixtures"
)

// TestInputChanges: a database that its server writes while it is read is a
// problem, whatever the reader made of it.
func TestInputChanges(t *testing.T) {
	files, err := fixtures.Files()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "folder.db")
	if err := os.WriteFile(path, files["5.3.28/bt-le-basic-p1024.db"], 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, "-"} {
		for _, changes := range []bool{false, true} {
			out := writerFunc(func() {
				if !changes {
					return
				}
				if err := os.Chtimes(path, time.Time{}, time.Now().Add(time.Minute)); err != nil {
					t.Error(err)
				}
			})
			stdin, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer stdin.Close()
			var talk bytes.Buffer
			status := cli.Main(t.Context(), command(), []string{"dbconv", "dump", name}, stdin, out, &talk)
			told := strings.Contains(talk.String(), "problem: "+cli.InputName(name)+": the file has changed since the run began")
			if told != changes || (status == cli.ExitLost) != changes {
				t.Errorf("%s, changes %v: status %d\n%s", name, changes, status, &talk)
			}
		}
	}
}

// TestLoadOfAPlainFile: text in a file, as standard input too, is read twice
// where it lies: no copy of it is made. One on a pipe needs a copy.
func TestLoadOfAPlainFile(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte("VERSION=3\nformat=print\ntype=btree\nHEADER=END\n a\n 1\n b\n 2\nDATA=END\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var want []byte
	for _, tt := range []struct {
		name      string
		plain     bool
		copied    bool
		arguments []string
	}{
		{"named", false, false, []string{"-f", text}},
		{"standard input", true, false, nil},
		{"pipe", false, true, nil},
	} {
		file, err := os.Open(text)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		stdin := io.Reader(struct{ io.Reader }{file})
		if tt.plain {
			stdin = file
		}
		out := filepath.Join(t.TempDir(), "out.db")
		var talk bytes.Buffer
		arguments := append([]string{"dbconv", "load", "--temp-dir", filepath.Join(dir, "none"), out}, tt.arguments...)
		status := cli.Main(t.Context(), command(), arguments, stdin, io.Discard, &talk)
		got, _ := os.ReadFile(out)
		switch {
		case tt.copied:
			if status != cli.ExitFailed || !strings.Contains(talk.String(), "none") {
				t.Errorf("%s: status %d without a folder for the copy\n%s", tt.name, status, &talk)
			}
		case status != cli.ExitDone || len(got) == 0:
			t.Errorf("%s: status %d, %d bytes\n%s", tt.name, status, len(got), &talk)
		case want == nil:
			want = got
		case !bytes.Equal(got, want):
			t.Errorf("%s: another database", tt.name)
		}
	}
}

// writerFunc is called for every write.
type writerFunc func()

func (f writerFunc) Write(p []byte) (int, error) {
	f()
	return io.Discard.Write(p)
}
