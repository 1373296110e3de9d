package durable

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// keepsOut refuses what the modes of directories do not allow their owner, as
// they do for everybody but root.
type keepsOut struct{ FS }

func (k keepsOut) check(dir int, name string, need uint32) error {
	st, err := k.FS.Fstatat(dir, name, unix.AT_SYMLINK_NOFOLLOW)
	if err == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR && st.Mode&need != need {
		return unix.EACCES
	}
	return nil
}

func (k keepsOut) Unlinkat(dir int, name string, flags int) error {
	if err := k.check(dir, filepath.Dir(name), 0o300); err != nil {
		return err
	}
	return k.FS.Unlinkat(dir, name, flags)
}

func (k keepsOut) Openat(dir int, name string, flags int, mode uint32) (int, error) {
	if flags&unix.O_DIRECTORY != 0 {
		if err := k.check(dir, name, 0o400); err != nil {
			return -1, err
		}
	}
	return k.FS.Openat(dir, name, flags, mode)
}

func (k keepsOut) Renameat2(oldDir int, oldName string, newDir int, newName string, flags uint) error {
	for _, at := range []struct {
		dir  int
		name string
	}{{oldDir, oldName}, {newDir, newName}} {
		if err := k.check(at.dir, at.name, 0o200); err != nil {
			return err
		}
		if err := k.check(at.dir, filepath.Dir(at.name), 0o300); err != nil {
			return err
		}
	}
	return k.FS.Renameat2(oldDir, oldName, newDir, newName, flags)
}

// TestTreesWithoutPermission: the modes of directories in a tree that another
// one replaces keep nobody from replacing it and from removing it, neither this
// run nor one that comes after a kill.
func TestTreesWithoutPermission(t *testing.T) {
	for _, mode := range []fs.FileMode{0o500, 0o300, 0o600, 0} {
		for _, below := range []string{"tree", "tree/a", "tree/a/b"} {
			for _, killed := range []bool{false, true} {
				path := t.TempDir()
				if err := os.MkdirAll(filepath.Join(path, "tree/a/b"), 0o700); err != nil {
					t.Fatal(err)
				}
				for _, name := range []string{"tree/a/b/1.msg", "tree/a/2.msg"} {
					if err := os.WriteFile(filepath.Join(path, name), nil, 0o600); err != nil {
						t.Fatal(err)
					}
				}
				t.Cleanup(func() { os.Chmod(filepath.Join(path, below), 0o700) }) // else who is not root cannot remove it
				if err := os.Chmod(filepath.Join(path, below), mode); err != nil {
					t.Fatal(err)
				}
				s, err := OpenStore(path, Options{FS: keepsOut{OS}, Sync: SyncNone})
				if err != nil {
					t.Fatal(err)
				}
				r := begin(t, s, "one")
				if err := r.Stage.MkdirAll("new/c"); err != nil {
					t.Fatal(err)
				}
				if err := r.Commit([]Move{{From: "new", To: "tree", Exchange: true}}, nil); err != nil {
					t.Fatalf("mode %o of %s: %v", mode, below, err)
				}
				if killed {
					if err := r.End(false); err != nil {
						t.Fatal(err)
					}
					r = begin(t, s, "one")
				}
				if err := r.End(true); err != nil {
					t.Errorf("mode %o of %s: %v", mode, below, err)
				}
				if !exists(path, "tree/c") || exists(path, "tree/a") || exists(path, ".imsconv") {
					t.Errorf("mode %o of %s, killed %v: the tree is not the new one, or the old one is still there", mode, below, killed)
				}
			}
		}
	}
}
