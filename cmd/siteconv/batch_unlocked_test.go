package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/siteconv/internal/batches"
	"imsconv/storeconv/testsite"
)

// TestUserMissingAtTheLock locks a batch by an export that lacks one of its
// users. The whole export, given with the stream, shows that no record locks
// the user: mail and user are left out, named, and another batch moves both.
func TestUserMissingAtTheLock(t *testing.T) {
	site := batchedSite(t)
	moved := filepath.Join(t.TempDir(), "moved")
	stream := filepath.Join(site, "backup.sims")
	must(t, os.Rename(stream, stream+".later"))
	finished(t, incremental(site, moved)...)
	first, missed := testsite.UserID(0), testsite.UserID(1)
	entries := strings.Split(readFile(t, filepath.Join(site, "export.ldif")), "\n\n")
	cut := slices.DeleteFunc(slices.Clone(entries), func(entry string) bool { return strings.Contains(entry, "\nuid: "+missed+"\n") })
	if len(cut) != len(entries)-1 {
		t.Fatalf("%d entries of %d are left", len(cut), len(entries))
	}
	run := func(name string, users []string, more ...string) (int, string) {
		list := filepath.Join(site, name+".txt")
		must(t, os.WriteFile(list, []byte(strings.Join(users, "\n")+"\n"), 0o600))
		code, stdout, stderr := siteconv(t, append([]string{"run"}, incremental(site, moved, append([]string{"--batch", name, "--users", list}, more...)...)...)...)
		return code, stdout + stderr
	}
	path := write(t, site, "cut.ldif", []byte(strings.Join(cut, "\n\n")))
	if code, said := run("pilot", []string{first, missed}, "--ldif", path); code != cli.ExitDone {
		t.Fatalf("the lock: exit %d\n%s", code, said)
	}
	for range 2 { // a finished batch says it again
		code, said := run("pilot", []string{first, missed}, "--stream", stream+".later")
		if code != cli.ExitLost || !strings.Contains(said, "left-unlocked") {
			t.Errorf("exit %d\n%s", code, said)
		}
	}
	if users := mustUsers(t, filepath.Join(moved, batches.Folder, "pilot", batches.UsersName)); !slices.Equal(users, []string{first}) {
		t.Errorf("the batch is of %q", users)
	}
	if code, said := run("second", []string{missed}); code != cli.ExitDone {
		t.Errorf("another batch: exit %d\n%s", code, said)
	}
	lock := string(bytesOf(t, filepath.Join(moved, batches.Folder, "second", batches.LockName)))
	if !strings.Contains(lock, "("+missed+")") {
		t.Errorf("it does not lock %s:\n%s", missed, lock)
	}
}
