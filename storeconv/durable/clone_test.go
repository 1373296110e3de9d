package durable

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// cloneDirs opens a source, a destination and a link pool.
func cloneDirs(t *testing.T) (src, dst, pool *Dir) {
	t.Helper()
	base := t.TempDir()
	var dirs [3]*Dir
	for i, name := range []string{"src", "dst", "pool"} {
		path := filepath.Join(base, name)
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
		d, err := OpenDir(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { d.Close() })
		dirs[i] = d
	}
	return dirs[0], dirs[1], dirs[2]
}

func TestCopyKeepsAttributes(t *testing.T) {
	src, dst, _ := cloneDirs(t)
	at := time.Unix(947000000, 123456789)
	var c Cloner
	for i, size := range []int{0, 1, 4096, cloneBuf - 1, cloneBuf, cloneBuf + 1, 3*cloneBuf + 7} {
		for _, mode := range []os.FileMode{0o600, 0o444, 0o777, 0o000, 0o640} {
			if mode == 0 && os.Geteuid() != 0 {
				continue
			}
			name := strconv.Itoa(i) + "-" + strconv.FormatUint(uint64(mode), 8)
			data := bytes.Repeat([]byte("x"), size)
			path := filepath.Join(src.Name(), name)
			if err := errors.Join(os.WriteFile(path, data, 0o600), os.Chmod(path, mode), os.Chtimes(path, at, at)); err != nil {
				t.Fatal(err)
			}
			got, err := c.Copy(src.FD(), name, dst.FD(), name)
			if err != nil || got.Size != int64(size) || got.Linked {
				t.Fatalf("%s: %+v, %v", name, got, err)
			}
			info, err := os.Stat(filepath.Join(dst.Name(), name))
			if err != nil || info.Mode() != mode || !info.ModTime().Equal(at) {
				t.Errorf("%s: %v %v, %v", name, info.Mode(), info.ModTime(), err)
			}
			if copied, err := os.ReadFile(filepath.Join(dst.Name(), name)); os.Geteuid() == 0 && (err != nil || !bytes.Equal(copied, data)) {
				t.Errorf("%s: other bytes, %v", name, err)
			}
		}
	}
}

// TestCopySide tells trouble with the source from trouble with the destination.
func TestCopySide(t *testing.T) {
	src, dst, _ := cloneDirs(t)
	if err := errors.Join(
		os.WriteFile(filepath.Join(src.Name(), "a"), []byte("a"), 0o600),
		os.Symlink("a", filepath.Join(src.Name(), "link")),
		unix.Mkfifo(filepath.Join(src.Name(), "pipe"), 0o600),
		os.WriteFile(filepath.Join(dst.Name(), "there"), nil, 0o600),
	); err != nil {
		t.Fatal(err)
	}
	var c Cloner
	var source *SourceError
	for _, name := range []string{"missing", "link", "pipe"} {
		if _, err := c.Copy(src.FD(), name, dst.FD(), name); !errors.As(err, &source) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Lstat(filepath.Join(dst.Name(), name)); err == nil {
			t.Errorf("%s was left", name)
		}
	}
	if _, err := c.Copy(src.FD(), "a", dst.FD(), "there"); err == nil || errors.As(err, &source) {
		t.Errorf("over a file that is there: %v", err)
	}
}

// TestLinkPool copies the names of one file from many goroutines and expects
// one file.
func TestLinkPool(t *testing.T) {
	src, dst, pool := cloneDirs(t)
	const names = 60
	first := filepath.Join(src.Name(), "0")
	if err := os.WriteFile(first, []byte("one message"), 0o600); err != nil {
		t.Fatal(err)
	}
	for i := 1; i < names; i++ {
		if err := os.Link(first, filepath.Join(src.Name(), strconv.Itoa(i))); err != nil {
			t.Fatal(err)
		}
	}
	var wg sync.WaitGroup
	p := NewLinkPool(pool.FD())
	for w := range 4 {
		wg.Go(func() {
			c := Cloner{Pool: p}
			for i := w; i < names; i += 4 {
				if _, err := c.Copy(src.FD(), strconv.Itoa(i), dst.FD(), strconv.Itoa(i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	want, err := dst.Stat("0")
	if err != nil || want.Nlink != names+1 {
		t.Errorf("%+v, %v", want, err)
	}
	for i := range names {
		if got, err := dst.Stat(strconv.Itoa(i)); err != nil || got.Ino != want.Ino {
			t.Errorf("%d: %+v, %v", i, got, err)
		}
	}
}

// TestLinkPoolStale does not take a pooled copy for a file that has changed
// since.
func TestLinkPoolStale(t *testing.T) {
	src, dst, pool := cloneDirs(t)
	path := filepath.Join(src.Name(), "a")
	if err := errors.Join(os.WriteFile(path, []byte("old"), 0o600), os.Link(path, filepath.Join(src.Name(), "b"))); err != nil {
		t.Fatal(err)
	}
	c := Cloner{Pool: NewLinkPool(pool.FD())}
	if _, err := c.Copy(src.FD(), "a", dst.FD(), "a"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("newer"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := c.Copy(src.FD(), "b", dst.FD(), "b"); err != nil || got.Linked {
		t.Errorf("%+v, %v", got, err)
	}
	if data, err := os.ReadFile(filepath.Join(dst.Name(), "b")); err != nil || string(data) != "newer" {
		t.Errorf("%q, %v", data, err)
	}
}

// TestLinkPoolOfAnEarlierRun takes a copy that an earlier run has pooled,
// unless a power cut has left other bytes in it.
func TestLinkPoolOfAnEarlierRun(t *testing.T) {
	for _, damage := range []string{"", "bytes", "mode", "size"} {
		t.Run("damage "+damage, func(t *testing.T) {
			src, dst, pool := cloneDirs(t)
			path := filepath.Join(src.Name(), "a")
			if err := errors.Join(os.WriteFile(path, []byte("a message"), 0o600), os.Link(path, filepath.Join(src.Name(), "b")),
				os.Link(path, filepath.Join(src.Name(), "c"))); err != nil {
				t.Fatal(err)
			}
			first := Cloner{Pool: NewLinkPool(pool.FD())}
			if _, err := first.Copy(src.FD(), "a", dst.FD(), "a"); err != nil {
				t.Fatal(err)
			}
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			copied := filepath.Join(dst.Name(), "a")
			switch damage {
			case "bytes":
				err = os.WriteFile(copied, make([]byte, info.Size()), 0o600)
			case "mode":
				err = os.Chmod(copied, 0o640)
			case "size":
				err = os.Truncate(copied, 3)
			}
			if err := errors.Join(err, os.Chtimes(copied, info.ModTime(), info.ModTime())); err != nil {
				t.Fatal(err)
			}
			second := Cloner{Pool: NewLinkPool(pool.FD())}
			b, errB := second.Copy(src.FD(), "b", dst.FD(), "b")
			c, errC := second.Copy(src.FD(), "c", dst.FD(), "c")
			if errB != nil || errC != nil || b.Linked != (damage == "") || !c.Linked {
				t.Errorf("%+v, %v, %+v, %v", b, errB, c, errC)
			}
			for _, name := range []string{"b", "c"} {
				at := filepath.Join(dst.Name(), name)
				data, err := os.ReadFile(at)
				now, statErr := os.Stat(at)
				if err != nil || statErr != nil || string(data) != "a message" || now.Mode() != info.Mode() {
					t.Errorf("%s: %q, %v, %v", name, data, err, statErr)
				}
			}
		})
	}
}
