package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"imsconv/cmd/internal/manual"
)

func TestFoldStep(t *testing.T) {
	long := "ldapmodify -x -H ldap://directory.example.com:389 -D 'cn=Directory Manager' -W -c -f ldif/users.changes.ldif"
	path := "/" + strings.Repeat("long", 30)
	for step, want := range map[string]string{
		"short":                     "  short\n",
		long:                        "  " + long + "\n",
		"# to go back: " + long:     "  # to go back:\n  #   " + long + "\n",
		"on the host: new: " + path: "  on the host: new:\n    " + path + "\n",
		"# the store takes the place of the server's own, which is put aside: where that has mail, see the runbook": "" +
			"  # the store takes the place of the server's own, which is put aside: where\n  #   that has mail, see the runbook\n",
		"look at what lies in the folder " + path + " and go on": "  look at what lies in the folder\n    " + path + "\n    and go on\n",
	} {
		if got := foldStep(step); got != want {
			t.Errorf("%s:\n%q\n%q", step, got, want)
		}
	}
}

// TestSummaryFitsATerminal: of what init and run say on standard output, prose
// is no wider than a terminal.
func TestSummaryFitsATerminal(t *testing.T) {
	dir := t.TempDir()
	must(t, os.CopyFS(filepath.Join(dir, "site"), os.DirFS(sample+"/sims")))
	t.Chdir(dir)
	for _, args := range [][]string{{"init", "site"}, {"run", "--site", "site", "--out", "out", "--scenario", "sims-online", "--new-host", "new.siroe.com", "--sync", "none"}} {
		_, stdout, _ := siteconv(t, args...)
		for line := range strings.Lines(stdout) {
			text := strings.TrimSuffix(line, "\n")
			if len(text) > manual.Columns && !isCommand(strings.TrimLeft(text, " #")) {
				t.Errorf("%s: %d columns: %s", args[0], len(text), text)
			}
		}
	}
}
