package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/siteconv/internal/batches"
	"imsconv/storeconv/testsite"
)

// lockedExport is the export of the site with the entries of a batch as the
// records have locked them, by store id.
func lockedExport(t *testing.T, site, dir string, changed func(id, entry string) string) string {
	t.Helper()
	attrs := regexp.MustCompile(`(?mi)^(maildeliveryoption|mailfoldermap): .*\n`)
	entries := strings.Split(readFile(t, filepath.Join(site, "export.ldif")), "\n\n")
	for i, entry := range entries {
		for _, id := range mustUsers(t, filepath.Join(dir, batches.UsersName)) {
			if !strings.Contains(entry, "\nuid: "+id+"\n") || !strings.Contains(entry, ",dc=siroe,") {
				continue
			}
			locked := strings.TrimRight(attrs.ReplaceAllString(entry+"\n", ""), "\n") + "\nmaildeliveryoption: hold\nmailfoldermap: LOCK"
			if changed != nil {
				locked = changed(id, locked)
			}
			entries[i] = locked
		}
	}
	return strings.Join(entries, "\n\n")
}

// TestUnlockOverwrites goes on with a batch while one of its users has a
// forward since the lock, and another one is not locked any more.
func TestUnlockOverwrites(t *testing.T) {
	site := batchedSite(t)
	dir, run := lockedPilot(t, site)
	stream := filepath.Join(site, "backup.sims.later")
	ids := [3]string{testsite.UserID(0), testsite.UserID(1), testsite.UserID(2)}
	goOn := func(changed func(id, entry string) string) (int, string) {
		path := filepath.Join(site, "today.ldif")
		must(t, os.WriteFile(path, []byte(lockedExport(t, site, dir, changed)), 0o600))
		return run("--stream", stream, "--ldif", path, "--dry-run")
	}
	if code, said := goOn(nil); code == cli.ExitFailed || strings.Contains(said, "changed-since-lock") || strings.Contains(said, "lock-gone") {
		t.Errorf("all are locked: exit %d\n%s", code, said)
	}
	code, said := goOn(func(id, entry string) string {
		switch id {
		case ids[0]:
			return strings.Replace(entry, "\nmaildeliveryoption: hold\n", "\nmaildeliveryoption: hold\nmaildeliveryoption: forward\n", 1)
		case ids[1]:
			return strings.Replace(strings.Replace(entry, "maildeliveryoption: hold", "maildeliveryoption: mailbox", 1), "LOCK", "SUN-MS", 1)
		}
		return entry
	})
	for _, want := range []string{
		"problem: " + ids[0] + `: the export has mailDeliveryOption "forward", "hold"`,
		`overwrites it with "mailbox"`,
		"problem: " + ids[1] + ": ", "[lock-gone]",
	} {
		if code != cli.ExitLost || !strings.Contains(said, want) {
			t.Errorf("exit %d, want %q:\n%s", code, want, said)
		}
	}
	code, said = goOn(func(_, entry string) string { return strings.ReplaceAll(entry, "LOCK", "SUN-MS") })
	if code != cli.ExitLost || !strings.Contains(said, "problem: "+ids[0]) || !strings.Contains(said, "lock-gone") {
		t.Errorf("nobody's folders are locked: exit %d\n%s", code, said)
	}
}
