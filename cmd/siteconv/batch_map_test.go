package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/siteconv/internal/batches"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/testsite"
)

// mappedSite is a site whose first user has another uid in the directory than
// in the stream, which map tells of.
func mappedSite(t *testing.T) (site, moved string) {
	t.Helper()
	site, moved = batchedSite(t), filepath.Join(t.TempDir(), "moved")
	export := readFile(t, filepath.Join(site, "export.ldif"))
	export = regexp.MustCompile(`(?m)^(dn: uid=|uid: )`+regexp.QuoteMeta(testsite.UserID(0))+`(,|$)`).ReplaceAllString(export, "${1}newcomer$2")
	write(t, site, "export.ldif", []byte(export))
	write(t, site, "ids", []byte(testsite.UserID(0)+" newcomer\n"+testsite.UserID(siteUsers-1)+" nobody\n"))
	write(t, site, "site.toml", []byte("[restore]\nmap = 'ids'\n"))
	return site, moved
}

// TestBatchOfNewIDs: mail that gets another id by map goes over with the user
// whose entry has that id, and no pass takes it for mail of nobody. An id that
// no entry has is a problem.
func TestBatchOfNewIDs(t *testing.T) {
	site, moved := mappedSite(t)
	first, stray := testsite.UserID(0), testsite.UserID(siteUsers-1)
	pilot := write(t, site, "pilot", []byte("newcomer\n"+stray+"\n"))
	finished(t, incremental(site, moved)...)
	code, _, said := siteconv(t, append([]string{"run"}, incremental(site, moved, "--batch", "pilot", "--users", pilot)...)...)
	if code != cli.ExitLost || strings.Contains(said, "no mail in the stream") || strings.Contains(said, first+": the user gets the id") {
		t.Errorf("exit %d\n%s", code, said)
	}
	if text := stray + ": the user gets the id nobody in the new store, which no entry of the upgraded directory has"; !strings.Contains(said, text) {
		t.Errorf("%q is not told: %s", text, said)
	}
	if _, err := os.Stat(filepath.Join(moved, "store/partition/primary/=user", ims.Hash("newcomer"), ims.Component("newcomer"))); err != nil {
		t.Error(err)
	}
	today := write(t, t.TempDir(), "today.ldif", unlockedExport(t, filepath.Join(site, "export.ldif")))
	_, _, said = siteconv(t, append([]string{"run"}, incremental(site, moved, "--closing", "--ldif", today, "--force")...)...)
	if !strings.Contains(said, "[mail-of-no-batch]") || strings.Contains(said, first+": the stream has mail") {
		t.Errorf("closing: %s", said)
	}
}

// TestBatchOfNewIDsInOtherCase: mail whose new id is that of an entry but for
// the case goes over with it, as mail that keeps its id does.
func TestBatchOfNewIDsInOtherCase(t *testing.T) {
	site, moved := mappedSite(t)
	write(t, site, "ids", []byte(testsite.UserID(0)+" NewComer\n"))
	pilot := write(t, site, "pilot", []byte("newcomer\n"+testsite.UserID(1)+"\n"))
	finished(t, incremental(site, moved)...)
	code, _, said := siteconv(t, append([]string{"run"}, incremental(site, moved, "--batch", "pilot", "--users", pilot)...)...)
	if code != cli.ExitDone || !strings.Contains(said, `the stream has "NewComer", the directory "newcomer"`) || strings.Contains(said, "no mail in the stream") {
		t.Errorf("exit %d\n%s", code, said)
	}
	if _, err := os.Stat(filepath.Join(moved, "store/partition/primary/=user", ims.Hash("NewComer"), ims.Component("NewComer"))); err != nil {
		t.Error(err)
	}
}

// TestBatchWithIDsAhead: a batch whose user would be moved to a mailbox that
// the mail is not in is refused before anything is written, and uids that the
// closing pass would change are refused at once.
func TestBatchWithIDsAhead(t *testing.T) {
	site, moved := mappedSite(t)
	second := testsite.UserID(1)
	write(t, site, "ids", []byte(second+" renamed\n"))
	pilot := write(t, site, "pilot", []byte(second+"\n"))
	other := write(t, site, "other", []byte(testsite.UserID(2)+"\n"))
	finished(t, incremental(site, moved)...)
	stream := filepath.Join(site, "backup.sims")
	for _, there := range []bool{true, false} {
		code, _, said := siteconv(t, append([]string{"run"}, incremental(site, moved, "--batch", "pilot", "--users", pilot)...)...)
		if code != cli.ExitFailed || !strings.Contains(said, "map gives the mail of "+second+", a user of the batch, the id renamed") || !missing(filepath.Join(batches.Dir(moved, "pilot"), batches.LockName)) {
			t.Errorf("stream there: %v: exit %d\n%s", there, code, said)
		}
		if there {
			must(t, os.Rename(stream, stream+".later"))
		}
	}
	if code, _, said := siteconv(t, append([]string{"run"}, incremental(site, moved, "--batch", "other", "--users", other)...)...); code != cli.ExitDone {
		t.Errorf("a batch of others: exit %d\n%s", code, said)
	}
	write(t, site, "site.toml", []byte("[upgrade]\nuid-map = 'ids'\n[restore]\nmap = 'ids'\n"))
	if code, _, said := siteconv(t, append([]string{"run"}, incremental(site, moved+"2")...)...); code != cli.ExitUsage || !strings.Contains(said, "upgrade.uid-map: the upgrade comes after all batches") {
		t.Errorf("uid-map: exit %d\n%s", code, said)
	}
}
