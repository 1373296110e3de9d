package cli

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// TestOfTemporary: an error of a temporary file is one of the machine, also
// where the inputs lie in the same folder.
func TestOfTemporary(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	for _, tt := range []struct {
		op, path string
		err      error
		want     bool
	}{
		{"open", temp + "/storeconv-body-3127", syscall.ENOENT, true},
		{"write", temp + "/imsconv-3127", syscall.ENOSPC, true},
		{"open", temp + "/ldifconv-3127.tmp/000002.log", syscall.EACCES, true},
		{"stat", temp, syscall.ENOENT, true},
		{"read", temp, syscall.EISDIR, false},
		{"open", temp + "/export.ldif", syscall.ENOENT, false},
		{"open", temp + "/storeconv-report.json", syscall.ENOSPC, false},
		{"open", temp + "/site/storeconv-3127", syscall.ENOENT, false},
		{"open", "/other/storeconv-3127", syscall.ENOENT, false},
	} {
		err := fmt.Errorf("mail: %w", &fs.PathError{Op: tt.op, Path: tt.path, Err: tt.err})
		if got := OfTemporary(err); got != tt.want {
			t.Errorf("%v: %v", err, got)
		}
	}
	if OfTemporary(nil) || OfTemporary(syscall.ENOSPC) {
		t.Error("an error of no file is taken for one of a temporary file")
	}
}

// TestTemporaryNames holds the names of the programs' temporary files to what
// OfTemporary knows.
func TestTemporaryNames(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	made := regexp.MustCompile(`os\.(?:Create|Mkdir)Temp\([^,]*, "([^"]+)"\)`)
	seen := 0
	root := filepath.Join("..", "..", "..")
	for _, folder := range []string{"cmd", "storeconv", "dbconv", "ldifconv"} {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && d.Name() == "peer": // of tests alone
				return fs.SkipDir
			case filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go"):
				return nil
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, m := range made.FindAllSubmatch(text, -1) {
				dir, err := os.MkdirTemp("", string(m[1]))
				if err != nil {
					return err
				}
				seen++
				if !OfTemporary(&fs.PathError{Op: "open", Path: dir, Err: syscall.ENOSPC}) {
					t.Errorf("%s: a temporary file of the pattern %s is not known as one", path, m[1])
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if seen < 10 {
		t.Errorf("%d places that make temporary files", seen)
	}
}
