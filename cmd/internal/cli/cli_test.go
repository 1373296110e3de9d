package cli

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pierrec/lz4/v4"
	"github.com/spf13/pflag"
)

// tool is a command whose one verb does what action says.
func tool(action Action) Command {
	return Command{Name: "tool", Summary: "is a test", Verbs: []Verb{{
		Name: "do", Args: "IN", Summary: "does it", Doc: "Does it.", Example: "tool do x",
		New: func(fs *pflag.FlagSet) Action {
			fs.Int("level", 0, "how `FAR` to go")
			return action
		},
	}}, OldNames: []OldName{{Name: "old", Verb: "do", Translate: func(args []string, note func(string)) ([]string, error) {
		note("-x is not used")
		return append([]string{"--level=3"}, args...), nil
	}}}}
}

func run(t *testing.T, action Action, argv ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, talk bytes.Buffer
	code = Main(t.Context(), tool(action), argv, strings.NewReader("data"), &out, &talk)
	return code, out.String(), talk.String()
}

// TestHintsOfTheSystem: where the place of an output takes no more, the error
// says what to do, and that the same command can be given then. So it does
// where the system refuses a path; a verb's own hint stays.
func TestHintsOfTheSystem(t *testing.T) {
	for want, err := range map[string]error{
		"df tells of bytes, df -i of files; nothing is left half done": &fs.PathError{Op: "write", Path: "f", Err: syscall.ENOSPC},
		"quota of the user or group":                                   fmt.Errorf("f: %w", syscall.EDQUOT),
		"ulimit -f":                                                    errors.Join(errors.New("first"), &fs.PathError{Op: "write", Path: "f", Err: syscall.EFBIG}),
		"hint: of its own\n":                                           WithHint(syscall.ENOSPC, "of its own"),
		"whoever runs this needs the right":                            &fs.PathError{Op: "mkdir", Path: "d", Err: syscall.EACCES},
		"is read-only":                                                 fmt.Errorf("d: %w", syscall.EROFS),
		"dmesg":                                                        syscall.EIO,
		"ulimit -n":                                                    &fs.PathError{Op: "open", Path: "f", Err: syscall.EMFILE},
		"":                                                             syscall.EBADF,
	} {
		code, _, talk := run(t, func(context.Context, *Job, []string) error { return err }, "tool", "do")
		hints := strings.Count(talk, "hint: ")
		if code != ExitFailed || !strings.Contains(talk, want) || hints != min(len(want), 1) {
			t.Errorf("%v: %d\n%s", err, code, talk)
		}
	}
}

func TestExitStatus(t *testing.T) {
	ok := func(context.Context, *Job, []string) error { return nil }
	lost := func(_ context.Context, j *Job, _ []string) error {
		j.Problem("bad-line", "f:3", "no colon")
		return nil
	}
	warned := func(_ context.Context, j *Job, _ []string) error {
		j.Warning("odd", "f:3", "no final newline")
		return nil
	}
	failed := func(context.Context, *Job, []string) error { return errors.New("disk full") }
	misused := func(context.Context, *Job, []string) error { return Usagef("two of them") }
	for _, tt := range []struct {
		name   string
		action Action
		argv   []string
		want   int
		says   string
	}{
		{"done", ok, []string{"tool", "do"}, ExitDone, ""},
		{"lost", lost, []string{"tool", "do"}, ExitLost, "tool: problem: f:3: no colon [bad-line]\n"},
		{"warned", warned, []string{"tool", "do"}, ExitDone, "tool: warning: f:3: no final newline [odd]\n"},
		{"failed", failed, []string{"tool", "do"}, ExitFailed, "tool: error: disk full\n"},
		{"misused", misused, []string{"tool", "do"}, ExitUsage, "tool: error: two of them\ntool: hint: tool do --help"},
		{"bad flag", ok, []string{"tool", "do", "--nope"}, ExitUsage, "unknown flag: --nope"},
		{"bad value", ok, []string{"tool", "do", "--level=x"}, ExitUsage, `--level: "x" is not a valid value`},
		{"no verb", ok, []string{"tool"}, ExitUsage, "SYNOPSIS"},
		{"unknown verb", ok, []string{"tool", "undo"}, ExitUsage, `no verb "undo"`},
		{"option before the verb", ok, []string{"tool", "--quiet", "do"}, ExitUsage, "hint: options stand behind the verb: tool VERB --quiet; tool --help lists"},
		{"old name", ok, []string{"/bin/old", "-"}, ExitDone, "old: note: -x is not used\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			code, stdout, stderr := run(t, tt.action, tt.argv...)
			if code != tt.want || !strings.Contains(stderr, tt.says) {
				t.Errorf("exit %d, stderr %q, want %d, %q", code, stderr, tt.want, tt.says)
			}
			if stdout != "" {
				t.Errorf("standard output has %q", stdout)
			}
		})
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	code := Main(ctx, tool(func(ctx context.Context, _ *Job, _ []string) error { return ctx.Err() }), []string{"tool", "do"}, nil, io.Discard, io.Discard)
	if code != ExitInterrupted {
		t.Errorf("exit %d", code)
	}
}

func TestHelpIsAManualPage(t *testing.T) {
	code, stdout, _ := run(t, nil, "tool", "do", "--help")
	if code != ExitDone {
		t.Errorf("exit %d", code)
	}
	at := 0
	for _, part := range []string{"NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "--level FAR", "EXIT STATUS", "130", "EXAMPLE"} {
		i := strings.Index(stdout[at:], part)
		if i < 0 {
			t.Fatalf("help lacks %q or has it too early:\n%s", part, stdout)
		}
		at += i
	}
}

func TestReportHasNoOrderOfArrival(t *testing.T) {
	write := func(order ...string) string {
		path := filepath.Join(t.TempDir(), "report.json")
		run(t, func(_ context.Context, j *Job, _ []string) error {
			for _, where := range order {
				j.Problem("bad", where, "x")
			}
			j.Count("entries", 7)
			return nil
		}, "tool", "do", "--report", path)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return withoutAbout(t, data)
	}
	a, b := write("f:2", "f:10", "f:1"), write("f:10", "f:1", "f:2")
	if d := cmp.Diff(a, b); d != "" {
		t.Error(d)
	}
	var r Report
	if err := json.Unmarshal([]byte(a), &r); err != nil {
		t.Fatal(err)
	}
	if r.Exit != ExitLost || r.Counts.Get("entries") != 7 || r.Problems.Items[2].Where != "f:10" {
		t.Errorf("report is %+v", r)
	}
}

// TestReportData: a verb's own results stand beside those of the run, whatever
// they hold.
func TestReportData(t *testing.T) {
	path := filepath.Join(t.TempDir(), "report.json")
	run(t, func(_ context.Context, j *Job, _ []string) error {
		j.Data(map[string]any{"rows": []any{"{}", 1.5}})
		return nil
	}, "tool", "do", "--report", path)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if got["command"] != "tool do" || got["exit"] != 0.0 || !cmp.Equal(got["rows"], []any{"{}", 1.5}) || data[len(data)-1] != '\n' {
		t.Errorf("%s", data)
	}
}

func TestLinesAreCapped(t *testing.T) {
	_, _, stderr := run(t, func(_ context.Context, j *Job, _ []string) error {
		for range MaxLines + 50 {
			j.Problem("bad", "", "x")
		}
		if n := len(j.Snapshot().Problems.Items); n != MaxLines {
			t.Errorf("%d lines kept", n)
		}
		return nil
	}, "tool", "do")
	if n := strings.Count(stderr, "problem: x"); n != MaxLines {
		t.Errorf("%d lines printed", n)
	}
	if !strings.Contains(stderr, "problems 1050 (bad 1050)") {
		t.Error("the full count is missing")
	}
}

func TestJSONTalk(t *testing.T) {
	_, _, stderr := run(t, func(_ context.Context, j *Job, _ []string) error {
		j.Warning("odd", "f:1", "tab")
		return nil
	}, "tool", "do", "--json")
	var types []string
	for line := range strings.Lines(stderr) {
		var v struct{ Type string }
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		types = append(types, v.Type)
	}
	if d := cmp.Diff([]string{"warning", "summary"}, types); d != "" {
		t.Error(d)
	}
}

func TestOpenUndoesCompression(t *testing.T) {
	dir := t.TempDir()
	var gz, l4 bytes.Buffer
	zw := gzip.NewWriter(&gz)
	io.WriteString(zw, "hello")
	zw.Close()
	lw := lz4.NewWriter(&l4)
	io.WriteString(lw, "hello")
	lw.Close()
	for name, data := range map[string][]byte{"plain": []byte("hello"), "gzip": gz.Bytes(), "lz4": l4.Bytes()} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		j := newJob("tool", "do", nil, nil, io.Discard)
		in, err := j.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(in)
		if string(got) != "hello" || err != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		if (in.File != nil) != (name == "plain") {
			t.Errorf("%s: File is %v", name, in.File)
		}
		in.Close()
	}
}

func TestCreate(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "out")
	j := newJob("tool", "do", nil, nil, io.Discard)
	out, err := j.Create(path, false)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(out, "one")
	if _, err := os.Stat(path); err == nil {
		t.Error("the name is there before the commit")
	}
	if err := out.Commit(); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Create(path, false); !errors.Is(err, ErrExists) {
		t.Errorf("second create: %v", err)
	}
	if _, err := j.Create(path, true); err != nil { // never committed
		t.Fatal(err)
	}
	j.finish(t.Context(), nil)
	names, _ := filepath.Glob(dir + "/*")
	hidden, _ := filepath.Glob(dir + "/.*")
	if d := cmp.Diff([]string{path}, append(names, hidden...)); d != "" {
		t.Error(d)
	}
	if data, _ := os.ReadFile(path); string(data) != "one" {
		t.Errorf("file has %q", data)
	}
	if out, err := j.Create(os.DevNull, false); err != nil || out.Regular() {
		t.Errorf("/dev/null: %v", err)
	}
}

// TestCreateReplacesWhole guards a file below /dev/shm, which is regular: it
// was written in place as devices are, and a shorter text kept a longer one's
// end.
func TestCreateReplacesWhole(t *testing.T) {
	for _, parent := range []string{"", "/dev/shm"} {
		if _, err := os.Stat(parent); parent != "" && err != nil {
			continue
		}
		dir, err := os.MkdirTemp(parent, "cli-test-")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.RemoveAll(dir) })
		path := filepath.Join(dir, "out")
		j := newJob("tool", "do", nil, nil, io.Discard)
		for _, text := range []string{"a long text", "short"} {
			out, err := j.Create(path, true)
			if err != nil {
				t.Fatal(err)
			}
			io.WriteString(out, text)
			if !out.Regular() {
				t.Errorf("%s is taken for a device", path)
			}
			if err := out.Commit(); err != nil {
				t.Fatal(err)
			}
			if data, _ := os.ReadFile(path); string(data) != text {
				t.Errorf("%s has %q", path, data)
			}
		}
	}
}

// A file that cannot be written is found when it is opened, and every error
// names the file that was asked for.
func TestCreateNamesTheFile(t *testing.T) {
	j := newJob("toolconv", "make", nil, io.Discard, io.Discard)
	dir := t.TempDir()
	for _, path := range []string{filepath.Join(dir, "none", "out"), filepath.Join(dir, strings.Repeat("n", 256))} {
		_, err := j.Create(path, true)
		if err == nil || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), ".tmp") {
			t.Errorf("%v", err)
		}
	}
	// A folder takes the place while the file is written.
	path := filepath.Join(dir, "out")
	out, err := j.Create(path, true)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := out.Commit(); err == nil || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), ".tmp") {
		t.Errorf("%v", err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, ".*")); err != nil || len(left) != 0 {
		t.Errorf("%v are left, %v", left, err)
	}
}
