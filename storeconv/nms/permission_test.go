package nms

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestNoPermission: a part of a store that may not be looked at is not one that
// is missing, and the error has its path.
func TestNoPermission(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root may act as two users")
	}
	for _, tt := range []struct{ closed, want string }{
		{"mboxlist", "mboxlist/data.db2"},
		{"mboxlist/data.db2", "mboxlist/data.db2"},
		{"partition", "partition"},
		{"partition/p", "partition/p/=user"},
		{"partition/p/=user", "partition/p/=user"},
		{"user", "user"},
		{"", ""},
	} {
		store := t.TempDir()
		mkdirs(t, store, "mboxlist", "partition/p/=user", "user")
		if err := os.WriteFile(filepath.Join(store, "mboxlist/data.db2"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		err := filepath.WalkDir(store, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				err = os.Chmod(path, 0o755)
			}
			return err
		})
		if err = errors.Join(err, os.Chmod(filepath.Dir(store), 0o755)); err != nil {
			t.Fatal(err)
		}
		if tt.closed != "" {
			if err := os.Chmod(filepath.Join(store, tt.closed), 0); err != nil {
				t.Fatal(err)
			}
		}
		if err = asNobody(func() error {
			s, err := Open(store)
			if err == nil {
				err = s.Readable()
			}
			return err
		}); tt.closed == "" {
			if err != nil {
				t.Error(err)
			}
			continue
		}
		if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), filepath.Join(store, tt.want)+":") {
			t.Errorf("%s closed: %v", tt.closed, err)
		}
	}
}

// asNobody acts as a user who may read what everybody may.
func asNobody(do func() error) (err error) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		runtime.LockOSThread() // which ends with its goroutine, whoever it acts as
		if err = unix.Setfsuid(65534); err == nil {
			err = do()
		}
	}()
	<-ended
	return err
}
