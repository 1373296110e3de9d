package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/ledger"
	"imsconv/cmd/siteconv/internal/batches"
	"imsconv/storeconv/testsite"
)

// TestReportOfLessMail: mail that is taken out of a finished output is told
// with its mailbox, and the exit status is 3; told once more, it is still
// missed.
func TestReportOfLessMail(t *testing.T) {
	nms := nmsSite(t)
	for name, tt := range map[string]struct {
		args []string
		take string
	}{
		"a user's folder":   {[]string{"--scenario", "sims-offline", "--site", sample + "/sims"}, "store/partition/primary/=user/02/50/=anna/=+Mail"},
		"a message":         {[]string{"--scenario", "sims-offline", "--site", sample + "/sims"}, "store/partition/primary/=user/02/50/=anna/00/60.msg"},
		"a user of Maildir": {[]string{"--scenario", "sims-offline", "--site", sample + "/sims", "--destination", "maildir"}, "mail/anna"},
		"a user of NMS":     {[]string{"--scenario", "nms-single", "--site", nms, "--via", "copy"}, "store/partition/primary/=user/02/50/=anna"},
		"all of it":         {[]string{"--scenario", "sims-offline", "--site", sample + "/sims"}, "store"},
	} {
		out := filepath.Join(t.TempDir(), "out")
		convert(t, cli.ExitDone, append(tt.args, "--out", out)...)
		if code, stdout, stderr := siteconv(t, "report", out); code != cli.ExitDone {
			t.Errorf("%s: nothing is gone, exit %d\n%s%s", name, code, stdout, stderr)
		}
		if _, err := os.Stat(filepath.Join(out, tt.take)); err != nil {
			t.Fatal(err)
		}
		must(t, os.RemoveAll(filepath.Join(out, tt.take)))
		code, stdout, stderr := siteconv(t, "report", out)
		if code != cli.ExitLost || !strings.Contains(stderr, "problem: user/anna/") || !strings.Contains(stderr, "[mail-gone]") || !strings.Contains(stdout, "gone since") {
			t.Errorf("%s: exit %d\n%s%s", name, code, stdout, stderr)
		}
		if code, _, again := siteconv(t, "report", out); code != cli.ExitLost || again != stderr {
			t.Errorf("%s, once more: exit %d\n%s, and before\n%s", name, code, again, stderr)
		}
	}
}

// TestReportOfOutputsThatAreGone: what a run has made beside the mail is missed
// too.
func TestReportOfOutputsThatAreGone(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	convert(t, cli.ExitDone, "--scenario", "sims-offline", "--site", sample+"/sims", "--out", out)
	must(t, os.Remove(filepath.Join(out, ledger.HTMLName("ja"))))
	if code, _, stderr := siteconv(t, "report", out); code != cli.ExitDone {
		t.Errorf("nothing but a page is gone: exit %d\n%s", code, stderr)
	}
	for _, name := range []string{"store/mboxlist/folder.db", "store/mboxlist/quota.db", "ldif/undo.ldif", "ldif/users.changes.ldif", "schema"} {
		path := filepath.Join(out, name)
		must(t, os.Rename(path, out+".aside"))
		code, _, stderr := siteconv(t, "report", out)
		if code != cli.ExitLost || !strings.Contains(stderr, "problem: "+name+": ") || strings.Count(stderr, "[output-gone]") != 1 {
			t.Errorf("%s is gone: exit %d\n%s", name, code, stderr)
		}
		must(t, os.Rename(out+".aside", path))
	}
}

// TestReportOfMailThatIsBack: what is missed is named until it is there again.
func TestReportOfMailThatIsBack(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	convert(t, cli.ExitDone, "--scenario", "sims-offline", "--site", sample+"/sims", "--out", out)
	message, aside := filepath.Join(out, "store/partition/primary/=user/02/50/=anna/00/60.msg"), filepath.Join(t.TempDir(), "60.msg")
	must(t, os.Rename(message, aside))
	for range 2 {
		if code, _, stderr := siteconv(t, "report", out, "--out", t.TempDir()); code != cli.ExitLost || !strings.Contains(stderr, "problem: user/anna/") {
			t.Errorf("a report elsewhere: exit %d\n%s", code, stderr)
		}
	}
	if !missing(filepath.Join(out, ledger.WholeListName)) {
		t.Error("a report elsewhere leaves a list here")
	}
	siteconv(t, "report", out)
	if missing(filepath.Join(out, ledger.WholeListName)) {
		t.Error("the list of before is not kept")
	}
	must(t, os.Rename(aside, message))
	if code, _, stderr := siteconv(t, "report", out); code != cli.ExitDone || !missing(filepath.Join(out, ledger.WholeListName)) {
		t.Errorf("nothing is gone: exit %d\n%s", code, stderr)
	}
}

// TestReportOfTwoStreams: mail that two streams of a batch have is there once,
// and nothing of it is missed.
func TestReportOfTwoStreams(t *testing.T) {
	for _, destination := range []string{"ims", "maildir"} {
		site := batchedSite(t)
		moved := filepath.Join(t.TempDir(), "moved")
		pilot := write(t, t.TempDir(), "pilot.txt", []byte(testsite.UserID(0)+"\n"+testsite.UserID(1)+"\n"))
		args := incremental(site, moved, "--destination", destination)
		finished(t, args...)
		args = append(args, "--batch", "pilot", "--users", pilot)
		finished(t, args...)
		stream := bytesOf(t, filepath.Join(site, "backup.sims"))
		second := write(t, t.TempDir(), "second.sims", append(stream, make([]byte, 10240)...))
		finished(t, append(args, "--stream", second)...)
		_, stdout, stderr := siteconv(t, "report", moved)
		if strings.Contains(stderr, "mail-gone") || strings.Contains(stdout, "gone since") {
			t.Errorf("%s: nothing is gone\n%s%s", destination, stdout, stderr)
		}
		list := mustUsers(t, filepath.Join(moved, batches.Folder, "pilot", batches.UsersName))
		if destination == "maildir" {
			must(t, os.RemoveAll(filepath.Join(moved, "mail", list[0])))
			if code, _, stderr := siteconv(t, "report", moved); code != cli.ExitLost || !strings.Contains(stderr, "mail-gone") {
				t.Errorf("%s is gone: exit %d\n%s", list[0], code, stderr)
			}
		}
	}
}

// TestReportOfOddPlaces: messages that came over from NMS as they lay there, in
// no mailbox, and Maildirs however deep they lie, are not missed.
func TestReportOfOddPlaces(t *testing.T) {
	nms := nmsSite(t)
	users := filepath.Join(nms, "store/partition/primary/=user")
	letter := bytesOf(t, messageIn(t, filepath.Join(nms, "store/partition/primary")))
	for _, path := range []string{
		"02/50/=anna/junk/5.msg", "02/50/=anna/00/abc.msg", "02/50/=anna/00/073.msg", "02/50/=anna/=Bad%zz/00/1.msg", "02/50/=anna/07/61.msg", "02/50/=anna/12.msg",
		"02/50/=anna/=inbox/00/3.msg", "02/50/=anna/=+Mail/05/503.msg", "56/a3/=anna/00/99.msg", "06/a6/stray/7.msg",
	} {
		must(t, os.MkdirAll(filepath.Dir(filepath.Join(users, path)), 0o700))
		must(t, os.WriteFile(filepath.Join(users, path), letter, 0o600))
	}
	deep := t.TempDir()
	args := described("destination = 'maildir'\n[export]\npath = 'a/b/c/d/e/f/%u/Maildir'\n")
	sims := args(t, deep)
	write(t, deep, "site.toml", []byte("destination = 'maildir'\n"+strings.Replace(readFile(t, filepath.Join(deep, "site.toml")), "destination = 'maildir'\n", "", 1)))
	for name, args := range map[string][]string{
		"strays": {"--scenario", "nms-single", "--site", nms, "--via", "copy"},
		"deep":   sims,
	} {
		out := filepath.Join(t.TempDir(), "out")
		finished(t, append(args, "--out", out)...)
		code, stdout, stderr := siteconv(t, "report", out)
		if code != cli.ExitDone || !strings.Contains(stdout, "holds these ") || strings.Contains(stdout, "lie where no mailbox has them") != (name == "strays") {
			t.Errorf("%s: exit %d\n%s%s", name, code, stdout, stderr)
		}
	}
}
