package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/peer"
	"imsconv/cmd/siteconv/internal/batches"
	"imsconv/storeconv/testsite"
)

// The records that unlock a batch, made with an export that is newer than the
// lock, are taken whole by the directory as it is then: one entry lies
// elsewhere, and one is gone.
func TestUnlockOfEntriesThatAreGone(t *testing.T) {
	site, moved := batchedSite(t), filepath.Join(t.TempDir(), "moved")
	d := peer.NewSlapd(t, directorySchema(t), "o=internet", filepath.Join(site, "export.ldif"))
	finished(t, incremental(site, moved)...)
	pilot := filepath.Join(t.TempDir(), "pilot.txt")
	must(t, os.WriteFile(pilot, []byte(testsite.UserID(0)+"\n"+testsite.UserID(1)+"\n"+testsite.UserID(2)+"\n"), 0o600))
	dir := filepath.Join(moved, batches.Folder, "pilot")
	stream := filepath.Join(site, "backup.sims")
	must(t, os.Rename(stream, stream+".later"))
	run := func(more ...string) (int, string) {
		code, stdout, stderr := siteconv(t, append([]string{"run"}, incremental(site, moved, append([]string{"--batch", "pilot", "--users", pilot}, more...)...)...)...)
		return code, stdout + stderr
	}
	if code, said := run(); code != cli.ExitDone {
		t.Fatalf("exit %d\n%s", code, said)
	}
	d.Apply(bytesOf(t, filepath.Join(dir, batches.LockName)))
	var dns []string
	for line := range strings.Lines(string(bytesOf(t, filepath.Join(dir, batches.EntriesName)))) {
		if dn, ok := strings.CutPrefix(line, "dn: "); ok {
			dns = append(dns, strings.TrimSpace(dn))
		}
	}
	rdn, above, _ := strings.Cut(dns[1], ",")
	_, above, _ = strings.Cut(above, ",")
	d.Apply(fmt.Appendf(nil, "dn: %s\nchangetype: modify\nadd: uid\nuid: another\n-\n\n", dns[2]))
	d.Apply(fmt.Appendf(nil, "dn: %s\nchangetype: delete\n\ndn: %s\nchangetype: moddn\nnewrdn: %s\ndeleteoldrdn: 0\nnewsuperior: %s\n", dns[0], dns[1], rdn, above))
	fresh := filepath.Join(site, "fresh.ldif")
	must(t, os.WriteFile(fresh, d.Dump(), 0o600))
	code, said := run("--stream", stream+".later", "--ldif", fresh)
	if code == cli.ExitFailed || !strings.Contains(said, "[entry-gone]") || !strings.Contains(said, "[entry-renamed]") {
		t.Errorf("exit %d\n%s", code, said)
	}
	if strings.Contains(said, "[uid-changed]") {
		t.Errorf("the uid of the lock is there:\n%s", said)
	}
	text := strings.Replace(readFile(t, fresh), "\nuid: "+testsite.UserID(2)+"\n", "\n", 1)
	renamed := write(t, site, "renamed.ldif", []byte(text))
	if code, said := run("--stream", stream+".later", "--ldif", renamed, "--force"); code != cli.ExitLost || !strings.Contains(said, testsite.UserID(2)+": the export has the entry") || !strings.Contains(said, "[uid-changed]") {
		t.Errorf("another uid: exit %d\n%s", code, said)
	}
	before := directoryOf(t, d.Dump())
	d.Apply(bytesOf(t, filepath.Join(dir, batches.UnlockName)))
	after := directoryOf(t, d.Dump())
	if locked := strings.Count(strings.ToLower(string(d.Dump())), "\nmailfoldermap: lock"); locked > 0 || len(after) != len(before) {
		t.Errorf("%d entries are locked, %d entries were %d", locked, len(after), len(before))
	}
	d.Apply(bytesOf(t, filepath.Join(dir, batches.UndoName)))
}
