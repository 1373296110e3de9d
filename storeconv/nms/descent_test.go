package nms

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// opened counts the directories that a Descent has open, and the most at once.
type opened struct{ now, most int }

func (o *opened) descent() Descent {
	return Descent{
		Open: func(dir int, name string) (int, error) {
			fd, err := OpenDir(dir, name)
			if err == nil {
				o.now++
				o.most = max(o.most, o.now)
			}
			return fd, err
		},
		Close: func(fd int) error {
			o.now--
			return unix.Close(fd)
		},
	}
}

func startAt(t *testing.T, path string, d *Descent) {
	t.Helper()
	top, err := OpenPath(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(top) })
	d.Start(top)
}

// Down and up again, a few directories are open, and each is the right one.
func TestDescent(t *testing.T) {
	dir := t.TempDir()
	const depth = 100
	for at := range depth + 1 {
		path := filepath.Join(dir, strings.Repeat("=d/", at))
		if err := os.MkdirAll(filepath.Join(path, "=e"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	var o opened
	d := o.descent()
	startAt(t, dir, &d)
	var inodes []uint64
	for range depth {
		fd, err := d.Enter("=d")
		if err != nil {
			t.Fatal(err)
		}
		var st unix.Stat_t
		if err := unix.Fstat(fd, &st); err != nil {
			t.Fatal(err)
		}
		inodes = append(inodes, st.Ino)
	}
	for at := depth - 1; at >= 0; at-- {
		fd, err := d.FD()
		if err != nil {
			t.Fatal(err)
		}
		var st unix.Stat_t
		if err := unix.Fstat(fd, &st); err != nil || st.Ino != inodes[at] {
			t.Fatalf("at %d: inode %d, want %d; %v", at, st.Ino, inodes[at], err)
		}
		if _, err := d.Enter("=e"); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(d.Leave(), d.Leave()); err != nil {
			t.Fatal(err)
		}
	}
	if o.now != 0 || o.most > heldDirs+2 {
		t.Errorf("%d are open, there were %d at once", o.now, o.most)
	}
}

// A directory that was replaced meanwhile is not taken for the one before, and
// a symbolic link is not followed.
func TestDescentMoved(t *testing.T) {
	for _, what := range []string{"another", "link"} {
		dir := t.TempDir()
		if err := os.MkdirAll(filepath.Join(dir, "a/b/c/d"), 0o700); err != nil {
			t.Fatal(err)
		}
		var o opened
		d := o.descent()
		startAt(t, dir, &d)
		for _, name := range []string{"a", "b", "c", "d"} {
			if _, err := d.Enter(name); err != nil {
				t.Fatal(err)
			}
		}
		err := os.Rename(filepath.Join(dir, "a"), filepath.Join(dir, "z"))
		if what == "link" {
			err = errors.Join(err, os.Symlink("z", filepath.Join(dir, "a")))
		} else {
			err = errors.Join(err, os.Mkdir(filepath.Join(dir, "a"), 0o700))
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(d.Leave(), d.Leave(), d.Leave()); err != nil {
			t.Fatal(err)
		}
		_, err = d.FD()
		if what == "another" && !errors.Is(err, ErrMoved) || err == nil {
			t.Errorf("%s: %v", what, err)
		}
		d.End()
		if o.now != 0 {
			t.Errorf("%s: %d are open still", what, o.now)
		}
	}
}
