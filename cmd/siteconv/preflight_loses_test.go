package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"imsconv/cmd/internal/cli"
)

// TestFindingsThatLose: what site.toml says so that mail cannot be read ends
// with 3. Users who stay on the host that is left are told, and nothing of
// theirs is lost.
func TestFindingsThatLose(t *testing.T) {
	for name, tt := range map[string]struct {
		code, severity string
		exit           int
		args           func(*testing.T, string) []string
	}{
		"new ids in the directory alone": {"uid-map-alone", "problem", cli.ExitLost, described("[upgrade]\nuid-map = 'ids'\n")},
		"nobody is on the old host":      {"old-host-unknown", "warning", 0, simsArgs("--scenario", "sims-online", "--old-host", "old.siroe.com", "--new-host", "n.siroe.com")},
		"one has no host, most another":  {"old-host-unknown", "warning", 0, editedAll("uid: keiko_s\n", "--scenario", "sims-online", "--old-host", "oldmial.siroe.com", "--new-host", "n.siroe.com")},
	} {
		dir := t.TempDir()
		args := append([]string{"run", "--out", filepath.Join(t.TempDir(), "out")}, tt.args(t, dir)...)
		code, stdout, stderr := siteconv(t, args...)
		if code != tt.exit || !strings.Contains(stderr, tt.severity+": ") || !strings.Contains(stderr, "["+tt.code+"]") {
			t.Errorf("%s: exit %d\n%s%s", name, code, stdout, stderr)
		}
	}
}

// TestUserMapsThatDiffer: new ids that the directory gives and the mail does
// not are a loss of each such user, as those are that the mail alone gives.
func TestUserMapsThatDiffer(t *testing.T) {
	dir := t.TempDir()
	args := described("[upgrade]\nuid-map = 'both'\n[restore]\nmap = 'one'\n")(t, dir)
	write(t, dir, "both", []byte("ofanning olga\nkeiko_s keiko1\n"))
	write(t, dir, "one", []byte("ofanning olga\n"))
	said := convert(t, cli.ExitLost, append(args, "--out", filepath.Join(t.TempDir(), "out"))...)
	if !strings.Contains(said, "the entry gets the id keiko1, and the mail of keiko_s keeps that id") || !strings.Contains(said, "[new-id-without-mail]") ||
		strings.Contains(said, "entry-without-mail") || strings.Contains(said, "mail-without-entry") || strings.Contains(said, "olga") {
		t.Error(said)
	}
}

// TestUserMapOfEveryDomain: uid-map renames the users of that uid in each
// domain, and map those of the one id alone.
func TestUserMapOfEveryDomain(t *testing.T) {
	args := described("[upgrade]\nuid-map = 'ids'\n[restore]\nmap = 'ids'\n")(t, t.TempDir())
	said := convert(t, cli.ExitLost, append(args, "--out", filepath.Join(t.TempDir(), "out"))...)
	if !strings.Contains(said, "the entry gets the id wally1@varrius.org, and the mail of wallyc@varrius.org keeps that id") || strings.Count(said, "problem: ") != 1 {
		t.Error(said)
	}
}

// TestNoMailAtAll: a store without a user is not what a site was to become.
func TestNoMailAtAll(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"mboxlist", "partition/primary"} {
		must(t, os.MkdirAll(filepath.Join(dir, "store", name), 0o700))
	}
	said := convert(t, cli.ExitLost, "--scenario", "nms-single", "--ldif", sample+"/nms/export.ldif", "--nms-store", dir+"/store", "--out", filepath.Join(dir, "out"))
	if !strings.Contains(said, "[empty-mail]") {
		t.Error(said)
	}
}

// editedAll is the sample with every user on a mail host but the one of a line.
func editedAll(but string, more ...string) func(*testing.T, string) []string {
	return func(t *testing.T, dir string) []string {
		entries := strings.Split(readFile(t, sample+"/sims/export.ldif"), "\n\n")
		for i, entry := range entries {
			switch {
			case strings.Contains(entry, but):
				entries[i] = strings.ReplaceAll(entry, "mailhost: oldmail.siroe.com\n", "")
			case strings.Contains(strings.ToLower(entry), "objectclass: inetmailuser\n") && !strings.Contains(entry, "\nmailhost: "):
				entries[i] = strings.TrimRight(entry, "\n") + "\nmailhost: oldmail.siroe.com"
			}
		}
		path := write(t, dir, "export.ldif", []byte(strings.Join(entries, "\n\n")))
		return append([]string{"--ldif", path, "--stream", sample + "/sims/backup.sims"}, more...)
	}
}

// TestPreflightSeesPlaces: users who differ in their ids and get one place by
// the template of an export are found, as the run leaves one of them out; and
// so are two partitions that would be one.
func TestPreflightSeesPlaces(t *testing.T) {
	dir := t.TempDir()
	args := described("[export]\npath = '%n/Maildir'\n")(t, dir)
	args = append(args, "--destination", "maildir", "--default-domain", "siroe.com", "--stream", streamWith(t, dir, "ofanning@florizel.com"))
	code, stdout, stderr := siteconv(t, append([]string{"run", "--preflight"}, args...)...)
	if code != cli.ExitDone || !strings.Contains(stdout, "ofanning@florizel.com: the place ofanning/Maildir is another user's") {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
	nms := nmsSite(t)
	must(t, os.CopyFS(filepath.Join(nms, "store/partition/second"), os.DirFS(filepath.Join(nms, "store/partition/primary"))))
	write(t, nms, "site.toml", []byte("scenario = 'nms-single'\n[relocate]\npartition = 'second=primary'\n"))
	out := filepath.Join(t.TempDir(), "out")
	code, stdout, stderr = siteconv(t, "run", "--site", nms, "--out", out)
	if code != cli.ExitFailed || !strings.Contains(stderr, "both become primary") || !missing(out) {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
}

// TestOutputBesideTheSiteFile: a folder that has site.toml alone, its inputs
// elsewhere, may hold the output; one with an input in it may not.
func TestOutputBesideTheSiteFile(t *testing.T) {
	inputs, err := filepath.Abs(sample + "/sims")
	must(t, err)
	dir := t.TempDir()
	write(t, dir, "site.toml", []byte("scenario = 'sims-offline'\n[inputs]\nldif = '"+inputs+"/export.ldif'\nstream = '"+inputs+"/backup.sims'\n"))
	convert(t, cli.ExitDone, "--site", dir, "--out", filepath.Join(dir, "out"))
	code, _, stderr := siteconv(t, "run", "--site", dir, "--out", dir)
	if code != cli.ExitFailed {
		t.Errorf("the folder itself: exit %d\n%s", code, stderr)
	}
	write(t, dir, "export.ldif", bytesOf(t, inputs+"/export.ldif"))
	code, _, stderr = siteconv(t, "run", "--site", dir, "--ldif", dir+"/export.ldif", "--out", filepath.Join(dir, "other"))
	if code != cli.ExitFailed || !strings.Contains(stderr, "lie inside each other") {
		t.Errorf("exit %d\n%s", code, stderr)
	}
}
