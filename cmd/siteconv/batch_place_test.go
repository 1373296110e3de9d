package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"imsconv/cmd/internal/cli"
	"imsconv/storeconv/testsite"
)

// TestWhereMailOfBatchesGoes: OUT/store may lead to the store of the new host,
// whose room is counted, and to nothing that is not one.
func TestWhereMailOfBatchesGoes(t *testing.T) {
	site := batchedSite(t)
	moved, elsewhere := filepath.Join(t.TempDir(), "moved"), t.TempDir()
	finished(t, incremental(site, moved)...)
	pilot := write(t, elsewhere, "pilot", []byte(testsite.UserID(0)+"\n"))
	args := append([]string{"run"}, incremental(site, moved, "--batch", "pilot", "--users", pilot)...)
	at := func(name string) string { return filepath.Join(elsewhere, name) }
	must(t, os.Mkdir(at("other"), 0o755))
	write(t, at("other"), "keep", nil)
	place := filepath.Join(moved, "store")
	for _, tt := range []struct{ to, want string }{
		{site, "lie inside each other"},
		{at("nowhere"), "no such file"},
		{pilot, "it is no folder"},
		{at("other"), "holds other things than a store"},
	} {
		must(t, os.Symlink(tt.to, place))
		before, _ := os.ReadDir(tt.to) // none of a file
		for _, more := range [][]string{{"--preflight"}, nil} {
			code, stdout, stderr := siteconv(t, append(args, more...)...)
			if code != cli.ExitFailed || !strings.Contains(stdout+stderr, tt.want) {
				t.Errorf("a link to %s %v: exit %d\n%s%s", tt.to, more, code, stdout, stderr)
			}
		}
		if after, _ := os.ReadDir(tt.to); len(after) != len(before) {
			t.Errorf("something was made in %s", tt.to)
		}
		must(t, os.Remove(place))
	}
	must(t, os.MkdirAll(at("store/lost+found"), 0o755)) // a file system of its own
	must(t, os.Symlink(at("store"), place))
	code, stdout, stderr := siteconv(t, append(args, "--preflight")...)
	if code != cli.ExitDone || !strings.Contains(strings.Join(strings.Fields(stdout), " "), "free in "+place) {
		t.Errorf("an empty file system: exit %d\n%s%s", code, stdout, stderr)
	}
	for range 2 { // what is there then is a store
		if code, _, stderr := siteconv(t, append(args, "--force")...); code == cli.ExitFailed {
			t.Errorf("into a store: %s", stderr)
		}
	}
	if missing(filepath.Join(at("store"), "partition")) {
		t.Error("the mail is not there")
	}
}
