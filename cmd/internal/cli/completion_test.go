package cli_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/flags"
	"imsconv/cmd/internal/peer"
	"imsconv/cmd/internal/tabletest"
)

// completedTool is a command with a flag of every kind.
func completedTool() cli.Command {
	var mode flags.Choice
	return cli.Command{Name: "tool", Summary: "is a test", Verbs: []cli.Verb{{
		Name: "do", Args: "IN", Summary: "does: it's [all]",
		New: func(fs *pflag.FlagSet) cli.Action {
			mode.Add(fs, "mode", "M", "`HOW` it is [done]: it's ++ or slow", "slow", "++", "slow")
			fs.StringArrayP("file", "f", nil, "a `FILE`; may be given again")
			fs.String("dir", "", "a `DIR`")
			fs.BoolP("all", "a", false, "all: of it")
			fs.String("free", "", "any `TEXT`")
			fs.String("kinds", "", "`KINDS` by commas")
			cli.Offer(fs, "kinds", "users", "groups")
			fs.String("check", "", "`yes or no`")
			cli.Offer(fs, "check", "yes", "no")
			fs.Lookup("check").NoOptDefVal = "yes"
			return nil
		},
	}}, OldNames: []cli.OldName{{Name: "old", Verb: "do"}, {Name: "older", Verb: "do", Options: []string{"-m"}}}}
}

func TestBashCompletion(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a b", "a:c", "it's", "-x"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "a d"), 0o700); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ words, want []string }{
		{[]string{"tool", "d"}, []string{"do"}},
		{[]string{"tool", "-"}, []string{"--help", "--version", "-V", "-h"}},
		{[]string{"/opt/x/tool", "do", "-M", ""}, []string{"++", "slow"}},
		{[]string{"tool", "do", "-aM", "s"}, []string{"slow"}},
		{[]string{"tool", "do", "-Ms"}, []string{"-Mslow"}},
		{[]string{"tool", "do", "--mode", "=", "s"}, []string{"slow"}},
		{[]string{"tool", "do", "--mo"}, []string{"--mode"}},
		{[]string{"tool", "do", "--check", "="}, []string{"no", "yes"}},
		{[]string{"tool", "do", "--check", "a:"}, []string{"a:c"}},
		{[]string{"tool", "do", "--kinds", "users,g"}, []string{"users,groups"}},
		{[]string{"tool", "do", "--free", ""}, nil},
		{[]string{"tool", "do", "--dir", "a"}, []string{"a d"}},
		{[]string{"tool", "do", "--file", "=", "a"}, []string{"a b", "a d", "a:c"}},
		{[]string{"tool", "do", "-fa"}, []string{"-fa b", "-fa d", "-fa:c"}},
		{[]string{"tool", "do", "-f", `a\ `}, []string{"a b", "a d"}},
		{[]string{"tool", "do", "-f", `"a `}, []string{"a b", "a d"}},
		{[]string{"tool", "do", "a", ":", "c"}, []string{"c"}},
		{[]string{"tool", "do", "it"}, []string{"it's"}},
		{[]string{"tool", "do", "--", "--mode", "s"}, nil},
		{[]string{"tool", "do", "--", "-"}, []string{"-x"}},
		{[]string{"tool", "undo", ""}, nil},
		{[]string{"tool", "help", "d"}, []string{"do"}},
		{[]string{"tool", "help", "do", ""}, nil},
		{[]string{"tool", "manual", "c"}, []string{"completion"}},
		{[]string{"tool", "completion", ""}, []string{"bash", "fish", "zsh"}},
		{[]string{"tool", "version", ""}, nil},
		{[]string{"old", "--mode", ""}, []string{"++", "slow"}},
		{[]string{"old", "it"}, []string{"it's"}},
		{[]string{"older", "-"}, []string{"-m"}},
	}
	var lines [][]string
	for _, tt := range tests {
		lines = append(lines, tt.words)
	}
	for i, got := range peer.Bash(t, tabletest.Script(t, completedTool(), "bash"), dir, lines...) {
		slices.Sort(got)
		if !slices.Equal(got, tests[i].want) {
			t.Errorf("%q: %q, want %q", lines[i], got, tests[i].want)
		}
	}
}

// zshStub takes the place of zsh's own functions, which are there at a prompt
// only, and tells what they were asked.
const zshStub = `
compdef() { print -r -- "compdef $*" }
_arguments() { print -rl -- "$@" }
_describe() { print -rl -- "${(@P)4}" }
compadd() { print -r -- "compadd $*" }
`

func TestZshCompletion(t *testing.T) {
	script := tabletest.Script(t, completedTool(), "zsh")
	for line, says := range map[string][]string{
		"tool ": {"do:does: it's [all]", "version:", "help:"},
		"tool do ": {
			"-S", `(--mode -M)--mode=[HOW it is \[done\]\: it's ++ or slow]:HOW:(++ slow)`, `(--mode -M)-M+[HOW it is`, "*--file=[a FILE]:FILE:_files",
			"(--dir)--dir=[a DIR]:DIR:_files -/", `(--all -a)-a[all\: of it]`, "(--check)--check=-[yes or no]::yes or no:(yes no)", "*:argument:_files",
		},
		"tool completion ": {"1:argument:(bash zsh fish)"},
		"old ":             {"(--mode -M)-M+["},
		"older ":           {"\n-m\n"},
	} {
		words := strings.Fields(line)
		in := zshStub + script + "\nPREFIX=\nwords=(" + strings.Join(words, " ") + " '')\nCURRENT=$#words\n_tool\n"
		cmd := peer.Command(t, peer.Need(t, "zsh"), "-f", "/dev/stdin")
		cmd.Stdin = strings.NewReader(in)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%q: %v: %s", line, err, out)
		}
		for _, text := range append(says, "compdef _tool tool old older\n") {
			if !strings.Contains(string(out), text) {
				t.Errorf("%q: %q is not in\n%s", line, text, out)
			}
		}
	}
}

// TestCompletionTellsValues holds the one line that a shell shows of an option:
// what explains a value does not cut off the others.
func TestCompletionTellsValues(t *testing.T) {
	tool := cli.Command{Name: "tool", Verbs: []cli.Verb{{Name: "do", New: func(fs *pflag.FlagSet) cli.Action {
		fs.String("form", "", "the `FORM`: few (names (all), sorted), many (all of them) or none; nothing else")
		fs.String("open", "", "to `FILE` (never closed")
		return nil
	}}}}
	for _, shell := range []string{"zsh", "fish"} {
		var out strings.Builder
		if code := cli.Main(t.Context(), tool, []string{"tool", "completion", shell}, nil, &out, new(strings.Builder)); code != cli.ExitDone {
			t.Fatalf("%s: exit %d", shell, code)
		}
		for _, want := range []string{"few, many or none", "to FILE"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s has nothing of %q:\n%s", shell, want, out.String())
			}
		}
		if strings.Contains(out.String(), "never") || strings.Contains(out.String(), "nothing else") {
			t.Errorf("%s has more than a clause:\n%s", shell, out.String())
		}
	}
}

func TestCompletionOfNoShell(t *testing.T) {
	for _, args := range [][]string{nil, {"tcsh"}, {"bash", "zsh"}} {
		if code := cli.Main(context.Background(), completedTool(), append([]string{"tool", "completion"}, args...), nil, new(strings.Builder), new(strings.Builder)); code != cli.ExitUsage {
			t.Errorf("%q: exit %d", args, code)
		}
	}
}
