package cli

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCreateOrKeep: a file that holds what is written stays, and the run is
// done; one that holds anything else stays too, and the run has failed.
func TestCreateOrKeep(t *testing.T) {
	const want = "what is written"
	inOrder := func(out *OutputFile) error {
		for _, piece := range []string{want[:4], want[4:]} {
			if _, err := io.WriteString(out, piece); err != nil {
				return err
			}
		}
		return nil
	}
	anyOrder := func(out *OutputFile) error {
		if _, err := out.WriteAt([]byte(want[4:]), 4); err != nil {
			return err
		}
		_, err := out.WriteAt([]byte(want[:4]), 0)
		return err
	}
	for _, tt := range []struct {
		name, there string
		code        int
	}{
		{"the same", want, ExitDone},
		{"other", "what is wrítten", ExitFailed},
		{"the beginning", want[:7], ExitFailed},
		{"nothing", "", ExitFailed},
		{"longer", want + "\n", ExitFailed},
	} {
		for how, write := range map[string]func(*OutputFile) error{"in order": inOrder, "in any order": anyOrder} {
			for _, mode := range []string{"alone", "usual", "dry"} {
				if mode == "dry" && how != "in order" {
					continue
				}
				dir := t.TempDir()
				path := filepath.Join(dir, "out")
				if err := os.WriteFile(path, []byte(tt.there), 0o640); err != nil {
					t.Fatal(err)
				}
				before, err := os.Stat(path)
				if err != nil {
					t.Fatal(err)
				}
				code, _, talk := run(t, func(_ context.Context, j *Job, _ []string) error {
					create := map[string]func(string, bool) (*OutputFile, error){"alone": j.CreateOrKeepAlone, "usual": j.CreateOrKeep, "dry": j.CreateOrKeepDry}[mode]
					out, err := create(path, false)
					if err != nil {
						return err
					}
					defer out.Abort()
					if err := write(out); err != nil {
						return err
					}
					return out.Commit()
				}, "tool", "do")
				at := tt.name + " " + how + " " + mode
				said := path + " holds all of this already: it stays as it is"
				refused := path + ": exists already\n"
				if code != tt.code || strings.Contains(talk, said) != (code == ExitDone) || strings.Contains(talk, refused) != (code == ExitFailed) {
					t.Errorf("%s: exit %d, want %d: %s", at, code, tt.code, talk)
				}
				after, err := os.Stat(path)
				if err != nil || !os.SameFile(before, after) || !after.ModTime().Equal(before.ModTime()) {
					t.Errorf("%s: the file was touched: %v", at, err)
				}
				if got, _ := os.ReadFile(path); string(got) != tt.there {
					t.Errorf("%s: the file is %q", at, got)
				}
				if names, _ := os.ReadDir(dir); len(names) != 1 {
					t.Errorf("%s: left: %v", at, names)
				}
			}
		}
	}
}

// TestCreateOrKeepElse: where nothing is there the file is made, with replace
// one that is there is replaced, and an input of the run stays an input.
func TestCreateOrKeepElse(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "out")
	write := func(replace bool, text string, also func(j *Job) error) (int, string) {
		code, _, talk := run(t, func(_ context.Context, j *Job, _ []string) error {
			if err := also(j); err != nil {
				return err
			}
			out, err := j.CreateOrKeep(path, replace)
			if err != nil {
				return err
			}
			defer out.Abort()
			if _, err := io.WriteString(out, text); err != nil {
				return err
			}
			return out.Commit()
		}, "tool", "do")
		return code, talk
	}
	nothing := func(*Job) error { return nil }
	for _, replace := range []bool{false, true} {
		text := map[bool]string{false: "first", true: "second"}[replace]
		code, talk := write(replace, text, nothing)
		if got, _ := os.ReadFile(path); code != ExitDone || string(got) != text || strings.Contains(talk, "already") {
			t.Errorf("replace %v: exit %d, %q: %s", replace, code, got, talk)
		}
	}
	code, talk := write(false, "second", func(j *Job) error { return j.Reads(path) })
	if code != ExitUsage || !strings.Contains(talk, "is an input of this run") {
		t.Errorf("an input: exit %d: %s", code, talk)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("nowhere", path); err != nil {
		t.Fatal(err)
	}
	if code, talk := write(false, "third", nothing); code != ExitFailed || !strings.Contains(talk, "exists already") {
		t.Errorf("a link to nothing: exit %d: %s", code, talk)
	}
}
