package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"imsconv/storeconv/durable"
)

// TestOutputsAreNoInputs guards inputs that --log, --report and others wrote
// over.
func TestOutputsAreNoInputs(t *testing.T) {
	read := func(_ context.Context, j *Job, args []string) error {
		in, err := j.Open(args[0])
		if err != nil {
			return err
		}
		defer in.Close()
		_, err = io.Copy(io.Discard, in)
		return err
	}
	byName := func(_ context.Context, j *Job, args []string) error { return j.Reads(args[0]) }
	tree := func(_ context.Context, j *Job, args []string) error { return j.Reads(filepath.Dir(args[0])) }
	into := func(_ context.Context, j *Job, args []string) error {
		if err := j.SourceTree(filepath.Dir(args[0])); err != nil {
			return err
		}
		_, err := j.Create(args[0]+".new", false)
		return err
	}
	late := func(ctx context.Context, j *Job, args []string) error {
		if err := read(ctx, j, args); err != nil {
			return err
		}
		_, err := j.Create(args[0], true)
		return err
	}
	twice := func(_ context.Context, j *Job, args []string) error {
		for range 2 {
			if _, err := j.Create(filepath.Dir(args[0])+"/./new", false); err != nil {
				return err
			}
		}
		return nil
	}
	for name, tt := range map[string]struct {
		action Action
		flags  []string
	}{
		"log":     {read, []string{"--log", "IN"}},
		"report":  {read, []string{"--report", "IN"}},
		"link":    {read, []string{"--report", "LINK"}},
		"by name": {byName, []string{"--log", "IN"}},
		"tree":    {tree, []string{"--log", "IN"}},
		"in tree": {tree, []string{"--report", "OUT"}},
		"into":    {into, nil},
		"late":    {late, nil},
		"twice":   {twice, nil},
		"both":    {read, []string{"--log", "OUT", "--report", "OUT"}},
	} {
		dir := t.TempDir()
		in := filepath.Join(dir, "in")
		if err := os.WriteFile(in, []byte("mail"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(in, filepath.Join(dir, "link")); err != nil {
			t.Fatal(err)
		}
		argv := []string{"tool", "do", in}
		for _, f := range tt.flags {
			argv = append(argv, strings.NewReplacer("IN", in, "LINK", filepath.Join(dir, "link"), "OUT", filepath.Join(dir, "out")).Replace(f))
		}
		code, _, stderr := run(t, tt.action, argv...)
		if code != ExitUsage {
			t.Errorf("%s: exit %d, %q", name, code, stderr)
		}
		if data, err := os.ReadFile(in); string(data) != "mail" || err != nil {
			t.Errorf("%s: the input is %q now, %v", name, data, err)
		}
	}
}

// TestInPlaceOutlivesTheRun: what was written is there at once and stays, an
// empty file goes.
func TestInPlaceOutlivesTheRun(t *testing.T) {
	path := filepath.Join(t.TempDir(), "undo")
	for _, text := range []string{"", "record"} {
		run(t, func(_ context.Context, j *Job, _ []string) error {
			out, err := j.CreateInPlace(path, false)
			if err != nil {
				return err
			}
			if text != "" {
				if _, err := io.WriteString(out, text); err != nil {
					return err
				}
				if data, err := os.ReadFile(path); string(data) != text || err != nil {
					t.Errorf("%q is there, %v", data, err)
				}
			}
			return io.ErrClosedPipe
		}, "tool", "do")
		data, err := os.ReadFile(path)
		if string(data) != text || (err == nil) != (text != "") {
			t.Errorf("%q is left, %v", data, err)
		}
	}
}

// TestInPlaceGoesOn: what a killed run left is taken up when the next one
// writes the same, and kept as it is when it does not.
func TestInPlaceGoesOn(t *testing.T) {
	const left = "record"
	for _, tt := range []struct {
		writes []string
		exit   int
		want   string
	}{
		{[]string{"rec", "ord", " two"}, ExitDone, "record two"},
		{[]string{"record two"}, ExitDone, "record two"},
		{[]string{"record"}, ExitDone, left},
		{[]string{"rec"}, ExitFailed, left}, // it goes on
		{nil, ExitFailed, left},
		{[]string{"rec", "all"}, ExitFailed, left},
		{[]string{"another"}, ExitFailed, left},
	} {
		path := filepath.Join(t.TempDir(), "undo")
		if err := os.WriteFile(path, []byte(left), 0o600); err != nil {
			t.Fatal(err)
		}
		code, _, talk := run(t, func(_ context.Context, j *Job, _ []string) error {
			out, err := j.CreateInPlace(path, false)
			if err != nil {
				return err
			}
			for _, text := range tt.writes {
				if _, err := io.WriteString(out, text); err != nil {
					return err
				}
			}
			return out.Commit()
		}, "tool", "do")
		if data, err := os.ReadFile(path); string(data) != tt.want || err != nil || code != tt.exit {
			t.Errorf("%q: exit %d, %q is left, %v", tt.writes, code, data, err)
		}
		if tt.exit != ExitDone && !strings.Contains(talk, "exists already") {
			t.Errorf("%q: %s", tt.writes, talk)
		}
	}
}

// TestMadeMeanwhile: what another run has made since this one began is not
// replaced by it without --force, and the same bytes are no conflict.
func TestMadeMeanwhile(t *testing.T) {
	for _, tt := range []struct {
		theirs  string
		replace bool
		want    string
		exit    int
	}{
		{"precious", false, "precious", ExitFailed},
		{"ours", false, "ours", ExitDone},
		{"precious", true, "ours", ExitDone},
	} {
		path := filepath.Join(t.TempDir(), "out")
		code, _, talk := run(t, func(_ context.Context, j *Job, _ []string) error {
			out, err := j.Create(path, tt.replace)
			if err != nil {
				return err
			}
			if _, err := io.WriteString(out, "ours"); err != nil {
				return err
			}
			if err := os.WriteFile(path, []byte(tt.theirs), 0o600); err != nil {
				return err
			}
			return out.Commit()
		}, "tool", "do")
		if data, err := os.ReadFile(path); string(data) != tt.want || err != nil || code != tt.exit {
			t.Errorf("%q, replace %v: exit %d, the file holds %q, %v", tt.theirs, tt.replace, code, data, err)
		}
		if tt.exit != ExitDone && !strings.Contains(talk, path+": exists already: another run has made it since this one began") {
			t.Errorf("%q: %s", tt.theirs, talk)
		}
	}
}

// TestDanglingLink: a link to nothing under the name of an output is refused
// before the work, not behind it, and replaced where that is allowed.
func TestDanglingLink(t *testing.T) {
	for _, replace := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "out")
		if err := os.Symlink("nowhere", path); err != nil {
			t.Fatal(err)
		}
		worked := false
		code, _, talk := run(t, func(_ context.Context, j *Job, _ []string) error {
			out, err := j.Create(path, replace)
			if err != nil {
				return err
			}
			worked = true
			if _, err := io.WriteString(out, "ours"); err != nil {
				return err
			}
			return out.Commit()
		}, "tool", "do")
		data, _ := os.ReadFile(path)
		switch {
		case replace && (code != ExitDone || string(data) != "ours"):
			t.Errorf("exit %d, the file holds %q: %s", code, data, talk)
		case !replace && (code != ExitFailed || worked || !strings.Contains(talk, path+": exists already\n")):
			t.Errorf("exit %d, worked %v: %s", code, worked, talk)
		}
	}
}

// TestInPlaceAlone: two runs at once do not write one file in place, which was
// empty for both when they began.
func TestInPlaceAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "undo")
	code, _, talk := run(t, func(_ context.Context, j *Job, _ []string) error {
		out, err := j.CreateInPlace(path, false)
		if err != nil {
			return err
		}
		for _, replace := range []bool{false, true} {
			other := newJob("tool", "do", nil, nil, io.Discard)
			if _, err := other.CreateInPlace(path, replace); !errors.Is(err, durable.ErrWritten) {
				t.Errorf("the second run, replace %v: %v", replace, err)
			}
			other.finish(t.Context(), nil)
		}
		if _, err := io.WriteString(out, "record"); err != nil {
			return err
		}
		return out.Commit()
	}, "tool", "do")
	if data, err := os.ReadFile(path); string(data) != "record" || err != nil || code != ExitDone {
		t.Errorf("exit %d, %q, %v: %s", code, data, err, talk)
	}
}

// TestPrivateOutputs: what is made of a file that is not for everybody is its
// owner's alone, whichever of the two is opened first; a file that is there, or
// has nothing of the inputs in it, is not.
func TestPrivateOutputs(t *testing.T) {
	for _, tt := range []struct {
		input, want os.FileMode
	}{{0o600, 0o600}, {0o640, 0o600}, {0o444, 0o644}, {0o644, 0o644}} {
		dir := t.TempDir()
		at := func(name string) string { return filepath.Join(dir, name) }
		for name, mode := range map[string]os.FileMode{"in": tt.input, "there": 0o644} {
			if err := os.WriteFile(at(name), []byte("userPassword: x"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(at(name), mode); err != nil {
				t.Fatal(err)
			}
		}
		code, _, stderr := run(t, func(_ context.Context, j *Job, _ []string) error {
			early, err := j.Create(at("early"), false)
			if err != nil {
				return err
			}
			open, err := j.CreatePublic(at("public"), false)
			if err != nil {
				return err
			}
			place, err := j.CreateInPlace(at("place"), false)
			if err != nil {
				return err
			}
			if _, err := io.WriteString(place, "x"); err != nil {
				return err
			}
			in, err := j.Open(at("in"))
			if err != nil {
				return err
			}
			defer in.Close()
			late, err := j.Create(at("late"), false)
			if err != nil {
				return err
			}
			there, err := j.Create(at("there"), true)
			if err != nil {
				return err
			}
			return errors.Join(early.Commit(), place.Commit(), open.Commit(), late.Commit(), there.Commit())
		}, "tool", "do")
		if code != ExitDone {
			t.Fatal(stderr)
		}
		for name, want := range map[string]os.FileMode{"early": tt.want, "place": tt.want, "late": tt.want, "public": 0o644, "there": 0o644} {
			if st, err := os.Stat(at(name)); err != nil || st.Mode().Perm() != want {
				t.Errorf("an input of %o: %s is %v, want %o: %v", tt.input, name, st.Mode(), want, err)
			}
		}
	}
}

// TestPrivateOutputsOfFolders is the same of a folder that is read.
func TestPrivateOutputsOfFolders(t *testing.T) {
	for mode, want := range map[os.FileMode]os.FileMode{0o700: 0o600, 0o750: 0o600, 0o755: 0o644} {
		dir := t.TempDir()
		mail, early, late := filepath.Join(dir, "mail"), filepath.Join(dir, "early"), filepath.Join(dir, "late")
		if err := errors.Join(os.Mkdir(mail, 0o700), os.Chmod(mail, mode)); err != nil {
			t.Fatal(err)
		}
		for _, reads := range []func(*Job) error{
			func(j *Job) error { return j.Reads(mail) }, func(j *Job) error { return j.SourceTree(mail) },
		} {
			code, _, stderr := run(t, func(_ context.Context, j *Job, _ []string) error {
				one, err := j.Create(early, false)
				if err != nil {
					return err
				}
				if err := reads(j); err != nil {
					return err
				}
				other, err := j.Create(late, false)
				if err != nil {
					return err
				}
				return errors.Join(one.Commit(), other.Commit())
			}, "tool", "do")
			if code != ExitDone {
				t.Fatal(stderr)
			}
			for _, path := range []string{early, late} {
				if st, err := os.Stat(path); err != nil || st.Mode().Perm() != want {
					t.Errorf("a folder of %o: %s is %v, want %o: %v", mode, path, st.Mode(), want, err)
				}
				if err := os.Remove(path); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}
