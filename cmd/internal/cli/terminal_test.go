package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// terminal is a pseudo terminal of so many columns: what is written to the
// file comes out of the function, which ends the terminal.
func terminal(t *testing.T, columns uint16) (*os.File, func() string) {
	t.Helper()
	file, out, end := watched(t, columns)
	return file, func() string { end(); return out.String() }
}

// watched is a terminal whose output can be read before its end.
func watched(t *testing.T, columns uint16) (file *os.File, out *talk, end func()) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	fd := int(master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: columns}); err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	out = new(talk)
	read := make(chan struct{})
	go func() {
		defer close(read)
		io.Copy(out, master) // ends with EIO when the other side is closed
	}()
	return slave, out, func() {
		slave.Close()
		<-read
		master.Close()
	}
}

func TestProgressStaysOnItsLine(t *testing.T) {
	for _, columns := range []uint16{15, 40, 80, 200} {
		tty, out, end := watched(t, columns)
		parts := map[string]uint16{`\d0% .`: 15, `phase 2 of 5`: 40, `store: \d00 messages`: 60, `/s \d+\.\d MB/s, `: 80, ` left`: 80}
		Main(t.Context(), tool(func(_ context.Context, j *Job, _ []string) error {
			j.Phase(2, 5, "store")
			m := j.Meter("messages", 1000, 50<<20)
			for range 6 {
				m.Add(100, 5<<20)
				time.Sleep(60 * time.Millisecond)
			}
			// It is drawn when the clock says so, and somebody has to let it.
			for part, from := range parts {
				if columns >= from {
					out.await(t, regexp.MustCompile(part))
				}
			}
			return nil
		}), []string{"tool", "do"}, nil, io.Discard, tty)
		end()
		text := out.String()
		for _, line := range strings.FieldsFunc(text, func(r rune) bool { return r == '\r' || r == '\n' }) {
			if n := utf8.RuneCountInString(line); n >= int(columns) {
				t.Errorf("%d columns: a line of %d: %q", columns, n, line)
			}
		}
	}
}

func TestTerminalGroupsWarnings(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	tty, end := terminal(t, 80)
	Main(t.Context(), tool(func(_ context.Context, j *Job, _ []string) error {
		j.Recall(Report{Warnings: Lines{Total: 1, Kinds: Counts{{"odd", 1}}}}) // of an interrupted run
		for n := range 40 {
			j.Warning("odd", fmt.Sprintf("f:%d", n), "tab")
		}
		j.Warning("rare", "f:9", "once")
		j.Warning("even", "f:1", "space")
		j.Warning("even", "f:2", "space")
		j.Problem("bad", "f:50", "cut")
		return nil
	}), []string{"tool", "do", "--log", log}, nil, io.Discard, tty)
	text := strings.ReplaceAll(end(), "\r", "")
	want := `tool: warning: f:0: tab [odd]
tool: warning: f:9: once [rare]
tool: warning: f:1: space [even]
tool: problem: f:50: cut [bad]
tool: note: more warnings, like those above: 39 of kind odd, 1 of kind even; ` + log + ` has them all
tool: done, with losses: problems 1 (bad 1), warnings 44 (odd 41, rare 1, even 2)
`
	// The order of kinds in the summary is that of their names.
	if sorted := strings.Replace(want, "(odd 41, rare 1, even 2)", "(even 2, odd 41, rare 1)", 1); text != sorted {
		t.Errorf("%s", text)
	}
	data, err := os.ReadFile(log)
	if err != nil || bytes.Count(data, []byte("warning\todd\tf:")) != 40 {
		t.Errorf("log: %q, %v", data, err)
	}
}

// TestLogTo: a verb's own file has every line of its part of the run, and is
// not there when it is not committed.
func TestLogTo(t *testing.T) {
	dir := t.TempDir()
	one, two := filepath.Join(dir, "one"), filepath.Join(dir, "two")
	run(t, func(_ context.Context, j *Job, _ []string) error {
		j.Warning("before", "", "x")
		commit, err := j.LogTo(one, "one")
		if err != nil {
			return err
		}
		for range MaxLines + 5 {
			if j.Counting(true, "bad") {
				t.Fatal("only counting")
			}
			j.Problem("bad", "f", "cut")
		}
		if err := commit(); err != nil {
			return err
		}
		j.Warning("after", "", "x")
		_, err = j.LogTo(two, "two")
		return err
	}, "tool", "do", "--quiet")
	data, err := os.ReadFile(one)
	if want := strings.Repeat("problem\tbad\tf\tcut\n", MaxLines+5); err != nil || string(data) != want {
		t.Errorf("%v, %d bytes", err, len(data))
	}
	if _, err := os.Stat(two); err == nil {
		t.Error("a file that was not committed is there")
	}
}

func TestQuietKeepsProblems(t *testing.T) {
	_, _, stderr := run(t, func(_ context.Context, j *Job, _ []string) error {
		j.Warning("odd", "f:1", "tab")
		j.Problem("bad", "f:2", "cut")
		j.Note("a note")
		return nil
	}, "tool", "do", "--quiet")
	want := "tool: problem: f:2: cut [bad]\ntool: note: warnings silenced by --quiet: 1 (odd 1)\n"
	if stderr != want {
		t.Errorf("stderr %q", stderr)
	}
}

func TestErrorComesBeforeSummary(t *testing.T) {
	_, _, stderr := run(t, func(_ context.Context, j *Job, _ []string) error {
		j.Count("users", 2)
		return errors.New("disk full")
	}, "tool", "do")
	if want := "tool: error: disk full\ntool: failed: users 2\n"; stderr != want {
		t.Errorf("stderr %q", stderr)
	}
}

// TestInterruptEndsAnyWait guards verbs that hung on an input that did not
// come: standard input, a pipe without a writer, a terminal.
func TestInterruptEndsAnyWait(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var talk bytes.Buffer
	out := filepath.Join(t.TempDir(), "out")
	var start time.Time
	silent := readerFunc(func([]byte) (int, error) {
		start = time.Now()
		cancel() // once the verb waits
		select {}
	})
	code := Main(ctx, tool(func(_ context.Context, j *Job, _ []string) error {
		if _, err := j.Create(out, false); err != nil {
			return err
		}
		in, err := j.Open("-")
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, in)
		return err
	}), []string{"tool", "do"}, silent, io.Discard, &talk)
	// grace is a second at most; the rest is for a busy machine.
	if took := time.Since(start); code != ExitInterrupted || grace > time.Second || took > grace+10*time.Second {
		t.Errorf("exit %d after %v", code, took)
	}
	if want := "tool: error: interrupted\ntool: hint: nothing is left half done"; !strings.HasPrefix(talk.String(), want) {
		t.Errorf("stderr %q", talk.String())
	}
	if left, _ := filepath.Glob(filepath.Dir(out) + "/.*"); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// readerFunc is a reader that is a function.
type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// TestTwoInterruptsAtOnce: timeout(1) sends the signal to the process and to
// its group. The second one must not kill before the first has been told of.
func TestTwoInterruptsAtOnce(t *testing.T) {
	own := oneInterrupt
	oneInterrupt = time.Hour // the machine may be so busy that 200 ms have gone
	defer func() { oneInterrupt = own }()
	var talk bytes.Buffer
	code := Main(t.Context(), tool(func(ctx context.Context, _ *Job, _ []string) error {
		for range 2 {
			if err := syscall.Kill(os.Getpid(), syscall.SIGINT); err != nil {
				t.Error(err)
			}
			<-ctx.Done() // the first one has come; two that wait are one
		}
		return ctx.Err()
	}), []string{"tool", "do"}, nil, io.Discard, &talk)
	if code != ExitInterrupted || !strings.HasPrefix(talk.String(), "tool: error: interrupted\n") {
		t.Errorf("exit %d, %q", code, talk.String())
	}
}

func TestReportPathIsTriedFirst(t *testing.T) {
	for _, flag := range []string{"--report", "--log"} {
		worked := false
		code, _, stderr := run(t, func(context.Context, *Job, []string) error { worked = true; return nil },
			"tool", "do", flag, filepath.Join(t.TempDir(), "missing", "file"))
		if code != ExitFailed || worked || !strings.Contains(stderr, flag+": ") {
			t.Errorf("%s: exit %d, worked %v, %q", flag, code, worked, stderr)
		}
	}
}

func TestNearestName(t *testing.T) {
	for _, tt := range []struct {
		argv []string
		says string
	}{
		{[]string{"tool", "do", "--levle", "3"}, "hint: is it --level?\n"},
		{[]string{"tool", "do", "--repor=x"}, "hint: is it --report?\n"},
		{[]string{"tool", "doo"}, "hint: is it do? tool --help"},
		{[]string{"tool", "do", "--json", "--levle"}, `{"type":"hint","text":"is it --level?"}`},
		{[]string{"tool", "do", "--levle", "--json"}, `{"type":"hint","text":"is it --level?"}`},
		{[]string{"tool", "wander", "--json"}, `{"type":"error","text":"no verb \"wander\""}`},
	} {
		code, _, stderr := run(t, nil, tt.argv...)
		if code != ExitUsage || !strings.Contains(stderr, tt.says) {
			t.Errorf("%q: exit %d, %q", tt.argv, code, stderr)
		}
	}
}
