package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"imsconv/cmd/internal/cli"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/testsite"
)

// TestBatchOfNewIDs: mail that gets another id by map goes over with the user
// whose entry has that id, and no pass takes it for mail of nobody. An id that
// no entry has is a problem.
func TestBatchOfNewIDs(t *testing.T) {
	site := batchedSite(t)
	first, second, third := testsite.UserID(0), testsite.UserID(1), testsite.UserID(2)
	export := readFile(t, filepath.Join(site, "export.ldif"))
	export = regexp.MustCompile(`(?m)^(dn: uid=|uid: )`+regexp.QuoteMeta(first)+`(,|$)`).ReplaceAllString(export, "${1}newcomer$2")
	write(t, site, "export.ldif", []byte(export))
	write(t, site, "ids", []byte(first+" newcomer\n"+second+" renamed\n"+third+" nobody\n"))
	write(t, site, "uids", []byte(second+" renamed\n"))
	write(t, site, "site.toml", []byte("[upgrade]\nuid-map = 'uids'\n[restore]\nmap = 'ids'\n"))
	pilot := write(t, site, "pilot", []byte("newcomer\n"+second+"\n"+third+"\n"))
	moved := filepath.Join(t.TempDir(), "moved")
	finished(t, incremental(site, moved)...)
	code, _, said := siteconv(t, append([]string{"run"}, incremental(site, moved, "--batch", "pilot", "--users", pilot)...)...)
	if code != cli.ExitLost || strings.Contains(said, "no mail in the stream") {
		t.Errorf("exit %d\n%s", code, said)
	}
	if text := third + ": the user gets the id nobody in the new store, which no entry of the upgraded directory has"; !strings.Contains(said, text) {
		t.Errorf("%q is not told: %s", text, said)
	}
	if strings.Contains(said, first+": the user gets the id") || strings.Contains(said, second+": the user gets the id") {
		t.Errorf("an entry has the id: %s", said)
	}
	for _, id := range []string{"newcomer", "renamed"} {
		if _, err := os.Stat(filepath.Join(moved, "store/partition/primary/=user", ims.Hash(id), ims.Component(id))); err != nil {
			t.Error(err)
		}
	}
	today := write(t, t.TempDir(), "today.ldif", unlockedExport(t, filepath.Join(site, "export.ldif")))
	_, _, said = siteconv(t, append([]string{"run"}, incremental(site, moved, "--closing", "--ldif", today, "--force")...)...)
	if !strings.Contains(said, "[mail-of-no-batch]") || strings.Contains(said, first+": the stream has mail") {
		t.Errorf("closing: %s", said)
	}
}
