package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/siteconv/internal/batches"
)

// TestFinishedBatchWithAnotherExport gives the command of a finished batch with
// an export in which an entry has another name: that is not what was done, and
// --force makes the records for it. The same stream under another name is said
// to be that.
func TestFinishedBatchWithAnotherExport(t *testing.T) {
	site := batchedSite(t)
	dir, run := lockedPilot(t, site)
	stream := filepath.Join(site, "backup.sims.later")
	if code, said := run("--stream", stream); code == cli.ExitFailed {
		t.Fatalf("exit %d\n%s", code, said)
	}
	copied := write(t, site, "copy.sims", bytesOf(t, stream))
	if code, said := run("--stream", copied); code == cli.ExitFailed || !strings.Contains(said, copied+" has the content of "+stream) {
		t.Errorf("the same stream under another name: exit %d\n%s", code, said)
	}
	_, rest, _ := strings.Cut(string(bytesOf(t, filepath.Join(dir, batches.EntriesName))), "dn: ")
	dn, _, _ := strings.Cut(rest, "\n")
	renamed := strings.Replace(dn, ",ou=People,", ",ou=Staff,", 1)
	export := strings.Replace(readFile(t, filepath.Join(site, "export.ldif")), "dn: "+dn+"\n", "dn: "+renamed+"\n", 1)
	path := filepath.Join(site, "new.ldif")
	must(t, os.WriteFile(path, []byte(export), 0o600))
	if code, said := run("--stream", stream, "--ldif", path); code != cli.ExitFailed || !strings.Contains(said, "another export than "+path) || strings.Contains(said, "nothing to do") {
		t.Errorf("another export: exit %d\n%s", code, said)
	}
	if code, said := run("--stream", stream, "--ldif", path, "--force"); code == cli.ExitFailed {
		t.Errorf("forced: exit %d\n%s", code, said)
	}
	unlock := string(bytesOf(t, filepath.Join(dir, batches.UnlockName)))
	if strings.Contains(unlock, "dn: "+dn+"\n") || !strings.Contains(unlock, "dn: "+renamed+"\n") {
		t.Errorf("the records do not name the entry as it is now:\n%s", unlock)
	}
}
