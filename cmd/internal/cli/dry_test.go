package cli

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestCreateDry: a dry run refuses what a run refuses, in the same words, and
// makes nothing.
func TestCreateDry(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, err := range []error{
		os.WriteFile(at("file"), []byte("text"), 0o600), os.WriteFile(at("input"), []byte("in"), 0o600), os.Mkdir(at("folder"), 0o700),
		os.Symlink("file", at("link")), os.Symlink("nothing", at("dangling")), os.Symlink("nowhere/x", at("astray")), os.Symlink("input", at("to-input")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	names := func() (list []string) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			list = append(list, e.Name())
		}
		return list
	}
	before := len(names())
	for _, path := range []string{
		at("fresh"), at("file"), at("input"), at("folder"), at("link"), at("dangling"), at("astray"), at("to-input"),
		at("none/x"), at("file/x"), at("folder/"), at("folder/x"), at("folder/.."), "/dev/null",
	} {
		for _, replace := range []bool{false, true} {
			var errs [2]error
			for i := range errs {
				j := newJob("program", "do", nil, io.Discard, io.Discard)
				if err := j.Reads(at("input")); err != nil {
					t.Fatal(err)
				}
				var out *OutputFile
				if i == 0 {
					out, errs[0] = j.Create(path, replace)
				} else if out, errs[1] = j.CreateDry(path, replace); errs[1] == nil {
					if _, err := io.WriteString(out, "new"); err != nil {
						t.Errorf("%s: %v", path, err)
					}
					if err := out.Commit(); err != nil {
						t.Errorf("%s: %v", path, err)
					}
				}
				if out != nil {
					out.Abort()
				}
			}
			texts := [2]string{}
			for i, err := range errs {
				if err != nil {
					texts[i] = err.Error()
				}
			}
			if texts[0] != texts[1] {
				t.Errorf("%s, replace %v: a dry run says %q, a run %q", path, replace, texts[1], texts[0])
			}
		}
	}
	if after := len(names()); after != before {
		t.Errorf("%d files, and %d before", after, before)
	}
	if text, err := os.ReadFile(at("file")); err != nil || string(text) != "text" {
		t.Errorf("%q, %v", text, err)
	}
}

// TestCreateDryTwice: two outputs of a dry run are two files.
func TestCreateDryTwice(t *testing.T) {
	j := newJob("program", "do", nil, io.Discard, io.Discard)
	path := filepath.Join(t.TempDir(), "x")
	if _, err := j.CreateDry(path, false); err != nil {
		t.Fatal(err)
	}
	if _, err := j.CreateDry(path, false); err == nil {
		t.Error("a file is taken for two outputs")
	}
}

// TestFolderDry: where no folder can be made, a dry run says so.
func TestFolderDry(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("nowhere", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	j := newJob("program", "do", nil, io.Discard, io.Discard)
	for path, ok := range map[string]bool{
		".": true, "": true, "new": true, "a/b/c": true, "file": false, "file/x": false, "file/x/y": false, "link": false, "link/x": false,
	} {
		if err := j.FolderDry(filepath.Join(dir, path)); (err == nil) != ok {
			t.Errorf("%s: %v", path, err)
		}
	}
	if err := j.FolderDry("/proc/none/x"); err == nil && unix.Access("/proc", unix.W_OK) != nil {
		t.Error("a folder that cannot be made is taken")
	}
	if list, err := os.ReadDir(dir); err != nil || len(list) != 2 {
		t.Errorf("%v, %v", list, err)
	}
}
