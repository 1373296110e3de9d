package tabletest

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/peer"
)

// Script is what a program prints for a shell.
func Script(t *testing.T, c cli.Command, shell string) string {
	t.Helper()
	var script, talk bytes.Buffer
	argv := []string{c.Name, "completion", shell}
	if code := cli.Main(context.WithoutCancel(t.Context()), c, argv, strings.NewReader(""), &script, &talk); code != cli.ExitDone {
		t.Fatalf("completion %s: exit %d: %s", shell, code, talk.String())
	}
	return script.String()
}

// Completion holds the completion of a program in a real bash against its
// table: every verb, every option, and the value of every option.
func Completion(t *testing.T, c cli.Command) {
	dir := t.TempDir()
	for _, name := range []string{"my mail.ldif", "my file"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "my folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	list := questions(t, c)
	lines := make([][]string, len(list))
	for i := range list {
		lines[i] = list[i].words
	}
	for i, got := range peer.Bash(t, Script(t, c, "bash"), dir, lines...) {
		if want := sorted(list[i].want); !slices.Equal(sorted(got), want) {
			t.Errorf("%q: %q, want %q", lines[i], sorted(got), want)
		}
	}
	testFish(t, c, dir)
}

// question is a command line and what its last word may become.
type question struct {
	words []string
	want  []string
}

// builtIn are the verbs that every program has beside those of its table.
var builtIn = []string{"version", "completion", "manual"}

// verbsOf are all verbs of a program, and help, which stands where they stand.
func verbsOf(c cli.Command) []string {
	verbs := append(slices.Clone(builtIn), "help")
	for i := range c.Verbs {
		verbs = append(verbs, c.Verbs[i].Name)
	}
	return verbs
}

// questions ask for everything that a program's table has.
func questions(t *testing.T, c cli.Command) (list []question) {
	ask := func(want []string, words ...string) {
		list = append(list, question{append([]string{c.Name}, words...), want})
	}
	for i := range c.Verbs {
		askVerb(t, &c.Verbs[i], ask)
	}
	verbs := verbsOf(c)
	ask(verbs, "")
	ask(verbs, "help", "")
	ask([]string{"bash", "zsh", "fish"}, "completion", "")
	ask(keep(verbs, "v"), "v")
	return list
}

// askVerb asks for the options of a verb and for their values.
func askVerb(t *testing.T, v *cli.Verb, ask func(want []string, words ...string)) {
	fs := pflag.NewFlagSet("", pflag.ContinueOnError)
	v.New(fs)
	options := []string{"--quiet", "--json", "--report", "--log", "--help", "-h", "--version", "-V"}
	fs.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		options = append(options, "--"+f.Name)
		if f.Shorthand != "" {
			options = append(options, "-"+f.Shorthand)
		}
		want, ok := valuesOf(t, f)
		switch {
		case !ok:
		case f.NoOptDefVal != "":
			ask(want, v.Name, "--"+f.Name, "=")
		default:
			ask(want, v.Name, "--"+f.Name, "")
			ask(want, v.Name, "--"+f.Name, "=")
			ask(keep(want, "m"), v.Name, "--quiet", "--"+f.Name, "=", "m")
			if f.Shorthand != "" {
				ask(want, v.Name, "-"+f.Shorthand, "")
			}
		}
	})
	ask(keep(options, "-"), v.Name, "-")
	ask(keep(options, "--"), v.Name, "--")
}

// testFish does the same in fish for verbs and words.
func testFish(t *testing.T, c cli.Command, dir string) {
	lines, wants := []string{c.Name + " "}, [][]string{verbsOf(c)}
	for i := range c.Verbs {
		v := &c.Verbs[i]
		fs := pflag.NewFlagSet("", pflag.ContinueOnError)
		v.New(fs)
		var options []string
		fs.VisitAll(func(f *pflag.Flag) {
			options = append(options, "--"+f.Name)
			words := cli.Values(f)
			if f.Hidden || len(words) == 0 {
				return
			}
			start := c.Name + " " + v.Name + " --" + f.Name
			if f.NoOptDefVal == "" {
				lines, wants = append(lines, start+" "), append(wants, words)
			}
			lines, wants = append(lines, start+"="), append(wants, prefixed("--"+f.Name+"=", words))
		})
		options = append(options, "--quiet", "--json", "--report", "--log", "--help", "--version")
		lines, wants = append(lines, c.Name+" "+v.Name+" --re"), append(wants, keep(options, "--re"))
	}
	for i, got := range peer.Fish(t, Script(t, c, "fish"), dir, lines...) {
		var words []string
		for _, w := range got {
			if !strings.HasSuffix(w, "=") { // a flag that may stand alone is there twice
				words = append(words, w)
			}
		}
		if !slices.Equal(sorted(words), sorted(wants[i])) {
			t.Errorf("fish, %q: %q, want %q", lines[i], sorted(words), sorted(wants[i]))
		}
	}
}

func prefixed(prefix string, words []string) (list []string) {
	for _, w := range words {
		list = append(list, prefix+w)
	}
	return list
}

// valuesOf are the completions of a flag's value in the folder of the test;
// false for a flag without one.
func valuesOf(t *testing.T, f *pflag.Flag) (values []string, ok bool) {
	if f.Value.Type() == "bool" {
		return nil, false
	}
	if values = cli.Values(f); len(values) > 0 {
		return values, true
	}
	switch name, _ := pflag.UnquoteUsage(f); name {
	case "string", "strings", "int", "value":
		t.Errorf("--%s: its argument has no name: %s", f.Name, f.Usage)
	case "FILE", "STREAM", "LDIF", "USERFILE", "MAPFILE", "STATE", "PATH":
		return []string{"my file", "my folder", "my mail.ldif"}, true
	case "DIR", "FOLDER", "STORE", "NMSSTORE", "OUT", "PLAN":
		return []string{"my folder"}, true
	}
	return nil, true
}

func keep(list []string, prefix string) (kept []string) {
	for _, word := range list {
		if strings.HasPrefix(word, prefix) && !slices.Contains(kept, word) {
			kept = append(kept, word)
		}
	}
	return kept
}

func sorted(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return slices.Compact(list)
}
