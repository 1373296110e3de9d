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
	for _, changes := range []bool{false, true} {
		out := writerFunc(func() {
			if !changes {
				return
			}
			if err := os.Chtimes(path, time.Time{}, time.Now().Add(time.Minute)); err != nil {
				t.Error(err)
			}
		})
		var talk bytes.Buffer
		status := cli.Main(t.Context(), command(), []string{"dbconv", "dump", path}, strings.NewReader(""), out, &talk)
		told := strings.Contains(talk.String(), "problem: "+path+": the file has changed since the run began")
		if told != changes || (status == cli.ExitLost) != changes {
			t.Errorf("changes %v: status %d\n%s", changes, status, &talk)
		}
	}
}

// writerFunc is called for every write.
type writerFunc func()

func (f writerFunc) Write(p []byte) (int, error) {
	f()
	return io.Discard.Write(p)
}
