package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"imsconv/cmd/internal/cli"
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

// TestCarriedOverIsNotLost: a message that nobody may read is told, and goes
// over all the same: it is counted once.
func TestCarriedOverIsNotLost(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root reads such a file")
	}
	for _, destination := range []string{"ims", "maildir"} {
		nms := nmsSite(t)
		files, err := filepath.Glob(filepath.Join(nms, "store/partition/primary/=user/*/*/=*/00/*.msg"))
		if err != nil || len(files) == 0 {
			t.Fatal(err, files)
		}
		if err := os.Chmod(files[0], 0); err != nil {
			t.Fatal(err)
		}
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
