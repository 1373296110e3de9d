// Package tabletest holds the tables of verbs of the four programs against what
// every program promises. Its functions are the bodies of tests in each.
package tabletest

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"imsconv/cmd/internal/cli"
)

// Letters holds that -h is the page of help of every verb, and -V the version.
func Letters(t *testing.T, c cli.Command) {
	run := func(args ...string) string {
		t.Helper()
		var out, talk bytes.Buffer
		argv := append([]string{c.Name}, args...)
		if code := cli.Main(context.WithoutCancel(t.Context()), c, argv, strings.NewReader(""), &out, &talk); code != cli.ExitDone || talk.Len() > 0 {
			t.Errorf("%q: exit %d: %s", argv, code, talk.String())
		}
		return out.String()
	}
	version := run("version")
	for _, verb := range verbsOf(c) {
		if verb == "help" {
			continue
		}
		page := run(verb, "--help")
		if !strings.Contains(page, "EXIT STATUS") || page != run(verb, "-h") {
			t.Errorf("%s -h is not the page of --help", verb)
		}
		for _, flag := range []string{"-V", "--version"} {
			if got := run(verb, flag); got != version {
				t.Errorf("%s %s: %q, want %q", verb, flag, got, version)
			}
		}
	}
	if page := run("--help"); page != run("-h") || page != run("help") {
		t.Error("-h and help are not --help")
	}
	if run("-V") != version || run("--version") != version {
		t.Error("-V and --version are not version")
	}
}
