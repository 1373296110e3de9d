package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/ledger"
	"imsconv/storeconv/testsite/edits"
)

// TestLinkedPartitionIsCounted: a partition may be a symbolic link to another
// disk, whose messages are of the source as those of any other.
func TestLinkedPartitionIsCounted(t *testing.T) {
	for _, destination := range []string{"ims", "maildir"} {
		nms := nmsSite(t)
		at, away := filepath.Join(nms, "store/partition/primary"), filepath.Join(t.TempDir(), "disk2")
		if err := os.Rename(at, away); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(away, at); err != nil {
			t.Fatal(err)
		}
		said := convert(t, cli.ExitDone, "--scenario", "nms-single", "--site", nms, "--out", filepath.Join(t.TempDir(), "out"), "--destination", destination)
		for _, wrong := range []string{"sums-differ", "empty-mail", "entry-without-mail"} {
			if strings.Contains(said, wrong) {
				t.Errorf("%s: %s:\n%s", destination, wrong, said)
			}
		}
	}
}

// TestPartitionElsewhereIsCounted: so are those of a partition at another path,
// and of one whose folder of users is a link, in the sums as in the plan.
func TestPartitionElsewhereIsCounted(t *testing.T) {
	for name, lay := range map[string]func(t *testing.T, site, away string) (more string){
		"by name": func(t *testing.T, site, away string) string {
			must(t, os.Rename(filepath.Join(site, "store/partition/primary"), away))
			return "[relocate]\npartition = [\"" + away + "=primary\"]\n"
		},
		"in the place of another": func(t *testing.T, site, away string) string {
			at := filepath.Join(site, "store/partition/primary")
			must(t, os.CopyFS(away, os.DirFS(at)))
			must(t, os.Remove(messageIn(t, at)))
			return "[relocate]\npartition = [\"primary=" + away + "\"]\n"
		},
		"users by a link": func(t *testing.T, site, away string) string {
			at := filepath.Join(site, "store/partition/primary/=user")
			must(t, os.Rename(at, away))
			must(t, os.Symlink(away, at))
			return ""
		},
	} {
		t.Run(name, func(t *testing.T) {
			site := nmsSite(t)
			more := lay(t, site, filepath.Join(t.TempDir(), "disk2"))
			if text := planOf(t, site, more); !strings.Contains(text, "| Messages | 96 |") {
				t.Errorf("the runbook counts other messages than 96")
			}
			said := convert(t, cli.ExitDone, "--site", site, "--out", filepath.Join(t.TempDir(), "out"))
			for _, wrong := range []string{"sums-differ", "empty-mail", "entry-without-mail"} {
				if strings.Contains(said, wrong) {
					t.Errorf("%s:\n%s", wrong, said)
				}
			}
		})
	}
}

// TestLossElsewhereIsCounted: a message that is left out there is a loss of the
// source as well.
func TestLossElsewhereIsCounted(t *testing.T) {
	site, away := nmsSite(t), filepath.Join(t.TempDir(), "disk2")
	must(t, os.Rename(filepath.Join(site, "store/partition/primary"), away))
	must(t, os.Rename(filepath.Join(away, "=user/06/a6/=+John%d+Smith"), filepath.Join(away, "=user/06/a6/=+John%x")))
	must(t, os.WriteFile(filepath.Join(site, "site.toml"), []byte("scenario = \"nms-single\"\n[relocate]\npartition = [\""+away+"=primary\"]\n"), 0o666))
	said := convert(t, cli.ExitLost, "--site", site, "--out", filepath.Join(t.TempDir(), "out"))
	if !strings.Contains(said, "left out") || strings.Contains(said, "sums-differ") {
		t.Error(said)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// messageIn is a message of a partition.
func messageIn(t *testing.T, partition string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(partition, "=user/*/*/=*/00/*.msg"))
	if err != nil || len(files) == 0 {
		t.Fatal(err, files)
	}
	return files[0]
}

// TestCarriedOverIsNotLost: a message that nobody may read is told, and goes
// over all the same: it is counted once.
func TestCarriedOverIsNotLost(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root reads such a file")
	}
	for _, destination := range []string{"ims", "maildir"} {
		nms := nmsSite(t)
		must(t, os.Chmod(messageIn(t, filepath.Join(nms, "store/partition/primary")), 0))
		said := convert(t, cli.ExitLost, "--scenario", "nms-single", "--site", nms, "--out", filepath.Join(t.TempDir(), "out"), "--destination", destination)
		if !strings.Contains(said, "carried over as it is [unreadable]") || strings.Contains(said, "sums-differ") {
			t.Errorf("%s:\n%s", destination, said)
		}
	}
}

// TestMisplacedUserIsReported: a user who lies in another hash directory goes
// over as he lies, and the report counts his mail in the output.
func TestMisplacedUserIsReported(t *testing.T) {
	nms, out := nmsSite(t), filepath.Join(t.TempDir(), "out")
	users := filepath.Join(nms, "store/partition/primary/=user")
	if err := os.Rename(filepath.Join(users, "06/a6/=+John%d+Smith"), filepath.Join(users, "56/a3/=+John%d+Smith")); err != nil {
		t.Fatal(err)
	}
	said := convert(t, cli.ExitLost, "--scenario", "nms-single", "--site", nms, "--out", out)
	if !strings.Contains(said, "[wrong-hash]") || strings.Contains(said, "[unreadable]") {
		t.Errorf("want wrong-hash alone:\n%s", said)
	}
	list, err := os.ReadFile(filepath.Join(out, "report.mailboxes.tsv"))
	if err != nil || !strings.Contains(string(list), "John.Smith\tINBOX\t6\t") || strings.Contains(string(list), "missing") {
		t.Errorf("%v\n%s", err, list)
	}
	page, err := os.ReadFile(filepath.Join(out, "report.en.html"))
	for _, want := range []string{"holds these 96 messages", "Set repair-hash = true"} {
		if err != nil || !strings.Contains(string(page), want) {
			t.Errorf("%v: the page does not say %q", err, want)
		}
	}
}

// TestMisplacedMailIsReported: messages in another directory than their own,
// and those of a folder that is no mailbox for its name, go over as they lie.
// The report counts them, of the user and the folder that they lie with, also
// where the user lies in another place than his own.
func TestMisplacedMailIsReported(t *testing.T) {
	for _, place := range []string{"02/50", "56/a3"} {
		site, out := nmsSite(t), filepath.Join(t.TempDir(), "out")
		users := filepath.Join(site, "store/partition/primary/=user")
		anna := filepath.Join(users, place, "=anna")
		if place != "02/50" {
			must(t, os.Rename(filepath.Join(users, "02/50/=anna"), anna))
		}
		must(t, os.Mkdir(filepath.Join(anna, "07"), 0o777))
		must(t, os.Rename(filepath.Join(anna, "00/60.msg"), filepath.Join(anna, "07/60.msg")))
		must(t, os.CopyFS(filepath.Join(anna, "=inbox/00"), os.DirFS(filepath.Join(anna, "00"))))
		must(t, os.CopyFS(filepath.Join(anna, "=inbox/=below/00"), os.DirFS(filepath.Join(anna, "00"))))
		said := convert(t, cli.ExitLost, "--scenario", "nms-single", "--site", site, "--out", out)
		if strings.Contains(said, "sums-differ") {
			t.Errorf("%s:\n%s", place, said)
		}
		if page := readFile(t, filepath.Join(out, "report.en.html")); !strings.Contains(page, "holds these 102 messages") {
			t.Errorf("%s: the page does not say that it holds the 102 messages", place)
		}
		var rows []string
		for line := range strings.Lines(readFile(t, filepath.Join(out, "report.mailboxes.tsv"))) {
			if f := strings.Split(line, "\t"); f[0] == "anna" || f[0] == "inbox" {
				rows = append(rows, strings.Join(f[:3], " "))
			}
		}
		want := []string{"anna INBOX 7", "anna Mail/日本語 0", "anna Mail/deep/er/est 3", "anna inbox 3", "anna inbox/below 3"}
		slices.Sort(rows)
		slices.Sort(want)
		if d := cmp.Diff(want, rows); d != "" {
			t.Errorf("%s: %s", place, d)
		}
	}
}

// TestLimitsOfTheDirectory: where the limits of users are counted anew, those
// of the directory win over what quota.db2 remembers, in the mail as in the
// report.
func TestLimitsOfTheDirectory(t *testing.T) {
	nms := nmsSite(t)
	export := filepath.Join(nms, "export.ldif")
	text, err := os.ReadFile(export)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(export, bytes.ReplaceAll(text, []byte("mailquota: 5000000\n"), []byte("mailquota: 10240\n")), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(nms, "site.toml"), []byte("scenario = \"nms-single\"\n[relocate]\nrequota = true\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "out")
	convert(t, cli.ExitDone, "--site", nms, "--out", out)
	quotas := records(t, filepath.Join(out, "store/mboxlist/quota.db"))
	if got := quotas["anna"]; got != "10 -1 25 10 -1" {
		t.Errorf("quota.db has %q of anna", got)
	}
	if got := quotas["keiko_s"]; got != "-1 -1 16 15 -1" {
		t.Errorf("quota.db has %q of keiko_s, whom the directory sets no limit", got)
	}
	out = filepath.Join(t.TempDir(), "out")
	convert(t, cli.ExitDone, "--scenario", "nms-single", "--site", nms, "--out", out, "--destination", "maildir")
	size, err := os.ReadFile(filepath.Join(out, "mail/anna/Maildir/maildirsize"))
	if err != nil || !strings.HasPrefix(string(size), "10240S\n") {
		t.Errorf("%v: maildirsize of anna is %q", err, size)
	}
}

// TestLimitBelowAKilobyte: a limit that the store cannot count becomes one of
// no space, and that is told.
func TestLimitBelowAKilobyte(t *testing.T) {
	args := edited("uid: keiko_s\n", "uid: keiko_s\nmailquota: 1000\n")(t, t.TempDir())
	out := filepath.Join(t.TempDir(), "out")
	talk := convert(t, cli.ExitDone, append(args, "--out", out)...)
	if got := records(t, filepath.Join(out, "store/mboxlist/quota.db"))["keiko_s"]; got != "0 -1 16 15 -1" {
		t.Errorf("quota.db has %q of keiko_s", got)
	}
	const told = "keiko_s: mailQuota is 1000 bytes, and the store counts whole KB: the limit becomes 0, which is no space in iMS [quota-zero]"
	if strings.Count(talk, told) != 1 {
		t.Error(talk)
	}
}

// TestRefusedIsAccountedFor: the messages of a user or of a mailbox that has no
// place in the new mail are told as refused, and are not missing from the sums.
func TestRefusedIsAccountedFor(t *testing.T) {
	stream := func(old, now string) []string {
		text := strings.ReplaceAll(readFile(t, sample+"/sims/backup.sims"), old, now)
		return []string{"--scenario", "sims-offline", "--ldif", sample + "/sims/export.ldif", "--stream", write(t, t.TempDir(), "backup.sims", edits.MendTar([]byte(text)))}
	}
	for name, test := range map[string]struct {
		args    []string
		refused map[string][]ledger.Reason // by the destination; none: nothing is refused
	}{
		"a user":               {stream("keiko_s", "keiko:s"), map[string][]ledger.Reason{"ims": {{Rule: "bad-user", N: 15}}, "maildir": {{Rule: "no-place", N: 15}}}},
		"a name of the export": {stream("ofanning", ".imsconv"), map[string][]ledger.Reason{"maildir": {{Rule: "no-place", N: 12}}}},
		"a mailbox":            {stream("keiko_s/Drafts", "keiko_s/Dra*ts"), map[string][]ledger.Reason{"ims": {{Rule: "bad-mailbox", N: 7}}, "maildir": {{Rule: "bad-name", N: 7}}}},
	} {
		for _, destination := range []string{"ims", "maildir"} {
			t.Run(name+" "+destination, func(t *testing.T) {
				out, want := filepath.Join(t.TempDir(), "out"), test.refused[destination]
				exit := cli.ExitLost
				if want == nil {
					exit = cli.ExitDone
				}
				code, stdout, stderr := siteconv(t, append([]string{"run", "--out", out, "--destination", destination}, test.args...)...)
				if code != exit || strings.Contains(stdout+stderr, "sums-differ") {
					t.Errorf("exit %d:\n%s%s", code, stdout, stderr)
				}
				var run ledger.Run
				if err := json.Unmarshal([]byte(readFile(t, filepath.Join(out, "report.json"))), &run); err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(want, run.Sums.Refused); d != "" {
					t.Error(d)
				}
			})
		}
	}
}
