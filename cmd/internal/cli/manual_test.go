package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
)

// TestHelpHasEightyColumns: whatever the length of an option, its argument and
// its text.
func TestHelpHasEightyColumns(t *testing.T) {
	long := strings.Repeat("long-", 20) + "option"
	cmd := tool(idle)
	cmd.Summary = strings.Repeat("does all of it ", 10)
	cmd.Verbs[0].Summary, cmd.Verbs[0].Args = cmd.Summary, strings.Repeat("[-f FILE ...] ", 12)
	cmd.Verbs[0].Example = "tool do " + strings.Repeat("--option value ", 9)
	cmd.Verbs[0].New = func(fs *pflag.FlagSet) Action {
		fs.String(long, "", "text of `"+strings.ToUpper(long)+"`")
		fs.String("short", strings.Repeat("default", 20), "größer "+strings.Repeat("und größer ", 20))
		fs.StringP("letter", "l", "", "plain")
		fs.Int("level", 0, "what the old name sets")
		fs.Lookup("letter").NoOptDefVal = "yes"
		return idle
	}
	for _, argv := range [][]string{{"tool", "do", "--help"}, {"tool", "--help"}, {"tool", "help", "do"}, {"old", "--help"}} {
		var out, talk strings.Builder
		if code := Main(t.Context(), cmd, argv, nil, &out, &talk); code != ExitDone {
			t.Fatalf("%q: exit %d: %s", argv, code, talk.String())
		}
		for line := range strings.Lines(out.String()) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 {
				t.Errorf("%q: %d columns: %s", argv, n, line)
			}
		}
	}
}

func TestOptionItems(t *testing.T) {
	fs := pflag.NewFlagSet("", pflag.ContinueOnError)
	fs.SortFlags = false
	fs.StringP("file", "f", "-", "read `FILE`")
	fs.String("word", "", "a word")
	fs.Int("number", 7, "a number")
	fs.Bool("yes", false, "do it")
	fs.Bool("no", true, "do it not")
	fs.String("maybe", "", "now or `WHEN`")
	fs.Lookup("maybe").NoOptDefVal = "now"
	fs.Bool("hidden", false, "")
	fs.MarkHidden("hidden")
	var got []string
	for _, it := range optionList(fs).Items {
		got = append(got, strings.Repeat(" ", it.Inset)+it.Term.String())
	}
	want := []string{"-f, --file FILE", "    --word TEXT", "    --number N", "    --yes", "    --no", "    --maybe[=WHEN]"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestManualPrintsPages(t *testing.T) {
	page := func(argv ...string) string {
		t.Helper()
		code, stdout, stderr := run(t, idle, argv...)
		if code != ExitDone || stderr != "" {
			t.Errorf("%q: exit %d, %s", argv, code, stderr)
		}
		return stdout
	}
	do := page("tool", "manual", "do")
	if !strings.Contains(do, `.TH "TOOL\-DO" 1 "`+Date+`" "imsconv `+Version+`"`) || !strings.Contains(do, "tool\\-do, old \\- does it\n") {
		t.Errorf("the page of a verb is\n%s", do)
	}
	if old := page("tool", "manual", "old"); old != do {
		t.Error("an old name has another page")
	}
	if all := page("tool", "manual"); !strings.Contains(all, `.TH "TOOL" 1`) || !strings.Contains(all, `\fBold\fR`) {
		t.Errorf("the page of the program is\n%s", all)
	}
	for _, argv := range [][]string{{"undo"}, {"do", "do"}, {"--out", t.TempDir(), "do"}, {"--force"}} {
		if code, stdout, _ := run(t, idle, append([]string{"tool", "manual"}, argv...)...); code != ExitUsage || stdout != "" {
			t.Errorf("%q: exit %d, %q", argv, code, stdout)
		}
	}
}

func TestManualWritesAllPages(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "share", "man1")
	files := func() map[string]string {
		t.Helper()
		got := map[string]string{}
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			text, err := os.ReadFile(filepath.Join(dir, e.Name()))
			if err != nil {
				t.Fatal(err)
			}
			got[e.Name()] = string(text)
		}
		return got
	}
	write := func(want int, more ...string) {
		t.Helper()
		if code, _, stderr := run(t, idle, append([]string{"tool", "manual", "--out", dir}, more...)...); code != want {
			t.Errorf("exit %d, want %d: %s", code, want, stderr)
		}
	}
	write(ExitDone)
	first := files()
	var names []string
	for name := range first {
		names = append(names, name)
	}
	slices.Sort(names)
	want := []string{"old.1", "tool-completion.1", "tool-do.1", "tool-manual.1", "tool-version.1", "tool.1"}
	if d := cmp.Diff(want, names); d != "" {
		t.Error(d)
	}
	if first["old.1"] != ".so man1/tool-do.1\n" {
		t.Errorf("old.1 is %q", first["old.1"])
	}
	write(ExitDone) // what is there already is no conflict
	if d := cmp.Diff(first, files()); d != "" {
		t.Error(d)
	}
	if err := os.WriteFile(filepath.Join(dir, "tool.1"), []byte("mine"), 0o666); err != nil {
		t.Fatal(err)
	}
	write(ExitFailed)
	if files()["tool.1"] != "mine" {
		t.Error("a page was written over")
	}
	write(ExitDone, "--force")
	if d := cmp.Diff(first, files()); d != "" {
		t.Error(d)
	}
}
