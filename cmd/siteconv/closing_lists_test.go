package main

import (
	"path/filepath"
	"strings"
	"testing"

	"imsconv/cmd/internal/cli"
)

// TestClosingWithoutLists closes with an export that has every user on the new
// host and ends before the mail lists of the old one: they would stay there.
func TestClosingWithoutLists(t *testing.T) {
	site := batchedSite(t)
	dir, run := lockedPilot(t, site)
	if code, said := run("--stream", filepath.Join(site, "backup.sims.later")); code == cli.ExitFailed {
		t.Fatalf("exit %d\n%s", code, said)
	}
	moved := filepath.Dir(filepath.Dir(dir))
	whole := string(unlockedExport(t, filepath.Join(site, "export.ldif")))
	var kept, lists, renamed []string
	for entry := range strings.SplitSeq(whole, "\n\n") {
		if !strings.Contains(strings.ToLower(entry), "\nobjectclass: inetmailgroup\n") {
			kept = append(kept, entry)
			renamed = append(renamed, entry)
			continue
		}
		_, rest, _ := strings.Cut(entry, "dn: ")
		dn, rest, _ := strings.Cut(rest, "\n")
		lists = append(lists, dn)
		renamed = append(renamed, "dn: "+strings.Replace(dn, ",ou=", ",ou=Renamed,ou=", 1)+"\n"+rest)
	}
	if len(lists) == 0 {
		t.Fatal("the site has no lists")
	}
	closing := func(entries []string, more ...string) (int, string) {
		path := write(t, t.TempDir(), "today.ldif", []byte(strings.Join(entries, "\n\n")+"\n"))
		code, stdout, stderr := siteconv(t, append([]string{"run"}, incremental(site, moved, append([]string{"--closing", "--ldif", path}, more...)...)...)...)
		return code, stdout + stderr
	}
	code, said := closing(kept)
	if code != cli.ExitFailed || !strings.Contains(said, "no entry any more of") || !strings.Contains(said, lists[0]) {
		t.Errorf("exit %d, want the list %s named:\n%s", code, lists[0], said)
	}
	path := write(t, t.TempDir(), "today.ldif", []byte(strings.Join(kept, "\n\n")+"\n"))
	if _, stdout, stderr := siteconv(t, "status", moved, "--ldif", path); !strings.Contains(stdout, lists[0]) {
		t.Errorf("status names no list:\n%s%s", stdout, stderr)
	}
	if code, said := closing(renamed); strings.Contains(said, "no entry any more of") {
		t.Errorf("lists that are elsewhere now: exit %d\n%s", code, said)
	}
	if code, said := closing(kept, "--force"); code != cli.ExitLost || !strings.Contains(said, lists[0]) {
		t.Errorf("forced: exit %d\n%s", code, said)
	}
}
