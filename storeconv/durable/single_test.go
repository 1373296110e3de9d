package durable_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/durable"
	"imsconv/storeconv/durable/crashfs"
)

// writeSingle writes text to path in pieces.
func writeSingle(f durable.FS, path, text string) error {
	o, err := durable.CreateFile(path, durable.FileOptions{FS: f})
	if err != nil {
		return err
	}
	defer o.Abort()
	for part := range slices.Chunk([]byte(text), 5) {
		if _, err := o.Write(part); err != nil {
			return err
		}
	}
	return o.Commit()
}

func readAll(f durable.FS, path string) (string, error) {
	fd, err := f.Openat(unix.AT_FDCWD, path, unix.O_RDONLY, 0)
	if err != nil {
		return "", err
	}
	defer f.Close(fd)
	b := make([]byte, 1000)
	n, err := f.Pread(fd, b, 0)
	return string(b[:n]), err
}

// The machine is stopped after every operation of writing a file: there is the
// old file or all of the new one, and the same command makes the new one and
// leaves nothing else.
func TestSingleFileCrash(t *testing.T) {
	const path, old, text = "/out/file.ldif", "the old text", "the new text, which is longer"
	for _, before := range []string{"", old} {
		f := crashfs.New()
		if err := f.Mkdirat(unix.AT_FDCWD, "/out", 0o755); err != nil {
			t.Fatal(err)
		}
		if before != "" {
			if err := writeSingle(f, path, before); err != nil {
				t.Fatal(err)
			}
		}
		f.Sync()
		from := f.Ops()
		if err := writeSingle(f, path, text); err != nil {
			t.Fatal(err)
		}
		states := 0
		crashes(f, from, 1, func(when string, state *crashfs.FS) {
			states++
			got, err := readAll(state, path)
			if got != text && (got != before || before == "" && err != unix.ENOENT) {
				t.Fatalf("%s: %q, %v", when, got, err)
			}
			if err := writeSingle(state, path, text); err != nil {
				t.Fatalf("%s: %v", when, err)
			}
			if got, err := readAll(state, path); got != text || err != nil {
				t.Fatalf("%s: then %q, %v", when, got, err)
			}
			if list := state.Tree("/out", nil); len(list) != 1 {
				t.Fatalf("%s: then %s", when, strings.Join(list, "\n"))
			}
			if state.Open() != 0 {
				t.Fatalf("%s: %d descriptors are open", when, state.Open())
			}
		})
		if states < 20 {
			t.Errorf("only %d states", states)
		}
		// What was written once is durable.
		for what, cut := range f.PowerCuts(f.Ops(), 1) {
			if got, err := readAll(cut, path); got != text {
				t.Errorf("after the end, %s: %q, %v", what, got, err)
			}
		}
	}
}

// The disk fails at every operation: the error names the file that was asked
// for, and nothing is left beside it.
func TestSingleFileFails(t *testing.T) {
	const path = "/out/file.ldif"
	for n := 0; ; n++ {
		f := crashfs.New()
		if err := f.Mkdirat(unix.AT_FDCWD, "/out", 0o755); err != nil {
			t.Fatal(err)
		}
		at := 0
		f.Fail(func(call, name string) error {
			if at++; at == n+1 {
				return unix.ENOSPC
			}
			return nil
		})
		err := writeSingle(f, path, "some text")
		if at <= n {
			return
		}
		if err == nil {
			t.Fatalf("operation %d fails, and nobody says so", n)
		}
		var named *os.PathError
		if !errors.As(err, &named) || named.Path != path || !errors.Is(err, unix.ENOSPC) {
			t.Errorf("operation %d: %v", n, err)
		}
		if list := f.Tree("/out", func(name string) bool { return name == "file.ldif" }); len(list) != 0 || f.Open() != 0 {
			t.Errorf("operation %d: %v are left, %d descriptors", n, list, f.Open())
		}
	}
}

func TestSingleFileLeftovers(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "out")
	open := func() *durable.Output {
		t.Helper()
		o, err := durable.CreateFile(path, durable.FileOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	list := func() string {
		t.Helper()
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, e := range entries {
			out = append(out, e.Name())
		}
		return strings.Join(out, " ")
	}
	// Two at once do not disturb each other.
	a, b := open(), open()
	if got := list(); got != ".out.1.imsconv.tmp .out.imsconv.tmp" {
		t.Errorf("two writers have %s", got)
	}
	for o, text := range map[*durable.Output]string{a: "from a", b: "from b"} {
		if _, err := io.WriteString(o, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Commit(); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(path); string(text) != "from a" {
		t.Errorf("%q, %v", text, err)
	}
	if err := b.Abort(); err != nil || list() != "out" {
		t.Errorf("%s, %v", list(), err)
	}
	// What a killed process left goes; what is none of ours stays.
	for _, name := range []string{".out.imsconv.tmp", ".out.1.imsconv.tmp", ".out.tmp", ".outer.imsconv.tmp"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("left"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("out", filepath.Join(dir, ".out.2.imsconv.tmp")); err != nil {
		t.Fatal(err)
	}
	c := open()
	if err := c.Commit(); err != nil || list() != ".out.2.imsconv.tmp .out.tmp .outer.imsconv.tmp out" {
		t.Errorf("%s, %v", list(), err)
	}
	if text, err := os.ReadFile(path); len(text) != 0 || err != nil {
		t.Errorf("%q, %v", text, err)
	}
}

func TestSingleFileNames(t *testing.T) {
	dir := t.TempDir()
	for name, want := range map[string]error{
		filepath.Join(dir, "none", "out"): unix.ENOENT,
		dir + "/":                         unix.EISDIR,
		filepath.Join(dir, strings.Repeat("n", 256)): unix.ENAMETOOLONG,
		filepath.Join(dir, strings.Repeat("n", 255)): nil,
		filepath.Join(dir, ".out"):                   nil,
	} {
		err := writeSingle(durable.OS, name, "text")
		if !errors.Is(err, want) || want == nil && err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && !strings.Contains(err.Error(), name) {
			t.Errorf("%s: the error names another file: %v", name, err)
		}
	}
}

// A file that was in the way and has gone before it was looked at costs nothing
// of what was written.
func TestSingleFileGoneMeanwhile(t *testing.T) {
	const path, text = "/out/file.ldif", "what this run writes"
	f := crashfs.New()
	if err := f.Mkdirat(unix.AT_FDCWD, "/out", 0o755); err != nil {
		t.Fatal(err)
	}
	o, err := durable.CreateFile(path, durable.FileOptions{FS: f, Fresh: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(o, text); err != nil {
		t.Fatal(err)
	}
	times := 0
	f.Fail(func(call, _ string) error {
		if call == "noreplace" {
			if times++; times < 3 {
				return unix.EEXIST
			}
		}
		return nil
	})
	if err := o.Commit(); err != nil {
		t.Error(err)
	}
	if got, err := readAll(f, path); got != text || times != 3 {
		t.Errorf("the file holds %q, %v after %d renames", got, err, times)
	}
}

// A file that did not exist when the writing began is not replaced by one that
// may not: whoever made it meanwhile keeps it. The same bytes are no conflict.
func TestSingleFileMadeMeanwhile(t *testing.T) {
	const path, text = "/out/file.ldif", "what this run writes"
	for _, test := range []struct {
		name, theirs string
		fresh        bool
		missing      bool // no RENAME_NOREPLACE
		want         string
		err          error
	}{
		{name: "nobody", fresh: true, want: text},
		{name: "nobody, no flag", fresh: true, missing: true, want: text},
		{name: "another", theirs: "precious", fresh: true, want: "precious", err: durable.ErrMade},
		{name: "another, no flag", theirs: "precious", fresh: true, missing: true, want: "precious", err: durable.ErrMade},
		{name: "another of the same size", theirs: "what that run writes", fresh: true, want: "what that run writes", err: durable.ErrMade},
		{name: "the same", theirs: text, fresh: true, want: text},
		{name: "forced", theirs: "precious", want: text},
	} {
		f := crashfs.New()
		if err := f.Mkdirat(unix.AT_FDCWD, "/out", 0o755); err != nil {
			t.Fatal(err)
		}
		if test.missing {
			f.Fail(missing(unix.EINVAL, "noreplace"))
		}
		o, err := durable.CreateFile(path, durable.FileOptions{FS: f, Fresh: test.fresh})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(o, text); err != nil {
			t.Fatal(err)
		}
		if test.theirs != "" {
			if err := writeSingle(f, path, test.theirs); err != nil {
				t.Fatal(err)
			}
		}
		if err := o.Free(); !errors.Is(err, test.err) {
			t.Errorf("%s: Free: %v, want %v", test.name, err, test.err)
		}
		err = o.Commit()
		if !errors.Is(err, test.err) || test.err == nil && err != nil {
			t.Errorf("%s: Commit: %v, want %v", test.name, err, test.err)
		}
		if got, err := readAll(f, path); got != test.want {
			t.Errorf("%s: the file holds %q, %v, want %q", test.name, got, err, test.want)
		}
		if list := f.Tree("/out", func(name string) bool { return name == "file.ldif" }); len(list) != 0 || f.Open() != 0 {
			t.Errorf("%s: %v are left, %d descriptors", test.name, list, f.Open())
		}
	}
}
