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
)

// Outside holds that no verb writes its log, its report or its page over what a
// folder holds that it reads or writes, whatever option or argument names the
// folder. places are the options and, under the name of the verb alone, the
// arguments that name a folder where other things may lie too, "VERB --OPTION".
func Outside(t *testing.T, c cli.Command, places ...string) {
	met := map[string]bool{}
	for i := range c.Verbs {
		v := &c.Verbs[i]
		fs := pflag.NewFlagSet("", pflag.ContinueOnError)
		v.New(fs)
		telling := []string{"--log", "--report"}
		if fs.Lookup("html") != nil {
			telling = append(telling, "--html")
		}
		ask := func(name string, words ...string) {
			met[name] = true
			if slices.Contains(places, name) {
				return // what the run itself reads and writes there is for the verb's own tests
			}
			for _, option := range telling {
				outside(t, c, slices.Concat([]string{v.Name}, words, []string{option}))
			}
		}
		fs.VisitAll(func(f *pflag.Flag) {
			if cli.TakesFolder(f) {
				ask(v.Name+" --"+f.Name, "--"+f.Name, "FOLDER")
			}
		})
		if c.TakesPaths(v) {
			ask(v.Name, "FOLDER")
		}
	}
	for _, name := range places {
		if !met[name] {
			t.Errorf("%s %s names no folder", c.Name, name)
		}
	}
}

// outside runs a command line that ends with an option for a file of the run
// itself: one inside of the folder, under its own name and through a link.
func outside(t *testing.T, c cli.Command, words []string) {
	dir := t.TempDir()
	folder, link := filepath.Join(dir, "folder"), filepath.Join(dir, "link")
	held := filepath.Join(folder, "below", "held")
	for _, err := range []error{
		os.MkdirAll(filepath.Dir(held), 0o700), os.WriteFile(held, []byte("mail"), 0o600), os.Symlink(filepath.Dir(held), link),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{held, filepath.Join(link, "held"), filepath.Join(folder, "new")} {
		argv := []string{c.Name}
		for _, word := range append(slices.Clone(words), path) {
			if word == "FOLDER" {
				word = folder
			}
			argv = append(argv, word)
		}
		var out, talk bytes.Buffer
		code := cli.Main(context.WithoutCancel(t.Context()), c, argv, strings.NewReader(""), &out, &talk)
		if want := path + " lies in " + folder; code == cli.ExitDone || !strings.Contains(talk.String(), want) {
			t.Errorf("%q: exit %d, %q is not said: %s", argv, code, want, talk.String())
		}
		if text, err := os.ReadFile(held); string(text) != "mail" || err != nil {
			t.Errorf("%q: the folder holds %q, %v", argv, text, err)
		}
		if _, err := os.Lstat(filepath.Join(folder, "new")); err == nil {
			t.Errorf("%q: it has written into the folder", argv)
		}
	}
}
