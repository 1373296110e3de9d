package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/siteconv/internal/batches"
	"imsconv/cmd/siteconv/internal/outdir"
	"imsconv/storeconv/testsite"
)

// TestLostBatch: a batch whose list of users or whose state is gone is a
// problem of status, keeps its users by the entries that it has, and no other
// batch is made before the file is back.
func TestLostBatch(t *testing.T) {
	site := batchedSite(t)
	moved := filepath.Join(t.TempDir(), "moved")
	finished(t, incremental(site, moved)...)
	pilot := write(t, t.TempDir(), "pilot.txt", []byte(testsite.UserID(0)+"\n"+testsite.UserID(1)+"\n"+testsite.UserID(2)+"\n"))
	finished(t, incremental(site, moved, "--batch", "pilot", "--users", pilot)...)
	dir := batches.Dir(moved, "pilot")
	for _, name := range []string{batches.UsersName, outdir.StateName} {
		path := filepath.Join(dir, name)
		kept := bytesOf(t, path)
		must(t, os.Remove(path))
		code, stdout, stderr := siteconv(t, "status", moved)
		if code != cli.ExitLost || !strings.Contains(stderr, "[batch-lost]") || !strings.Contains(stderr, path) || !strings.Contains(strings.Join(strings.Fields(stdout), " "), "pilot lost 3") {
			t.Errorf("without %s: exit %d\n%s%s", name, code, stdout, stderr)
		}
		if strings.Contains(stdout, "users of no batch") && strings.Contains(stdout, testsite.UserID(0)+",") {
			t.Errorf("without %s, its users are in no batch:\n%s", name, stdout)
		}
		for batch, more := range map[string][]string{
			"second": {"--filter", "(uid=*)"}, "third": {"--split", "2", "--part", "1"}, "fourth": {"--users", pilot}, "pilot": {"--users", pilot, "--force"},
		} {
			said := convert(t, cli.ExitFailed, incremental(site, moved, append([]string{"--batch", batch}, more...)...)...)
			if !strings.Contains(said, "of the batch pilot is gone") || !strings.Contains(said, "hint: put the file back") {
				t.Errorf("without %s, the batch %s: %s", name, batch, said)
			}
			if batch != "pilot" && !missing(batches.Dir(moved, batch)) {
				t.Errorf("without %s there is a batch %s", name, batch)
			}
		}
		if said := convert(t, cli.ExitFailed, incremental(site, moved, "--closing")...); !strings.Contains(said, "pilot (lost)") {
			t.Errorf("without %s: %s", name, said)
		}
		must(t, os.WriteFile(path, kept, 0o600))
	}
	if code, stdout, stderr := siteconv(t, "status", moved); code == cli.ExitFailed || strings.Contains(stderr, "batch-lost") {
		t.Errorf("all is back: exit %d\n%s%s", code, stdout, stderr)
	}
	finished(t, incremental(site, moved, "--batch", "second", "--filter", "(uid=*)")...)
}

// TestListCutShort: a list from which somebody is gone is no list.
func TestListCutShort(t *testing.T) {
	site := batchedSite(t)
	moved := filepath.Join(t.TempDir(), "moved")
	finished(t, incremental(site, moved)...)
	pilot := write(t, t.TempDir(), "pilot.txt", []byte(testsite.UserID(0)+"\n"+testsite.UserID(1)+"\n"+testsite.UserID(2)+"\n"))
	finished(t, incremental(site, moved, "--batch", "pilot", "--users", pilot)...)
	path := filepath.Join(batches.Dir(moved, "pilot"), batches.UsersName)
	whole := readFile(t, path)
	_, rest, _ := strings.Cut(whole, "\n")
	for _, text := range []string{"", rest} {
		must(t, os.WriteFile(path, []byte(text), 0o600))
		code, stdout, stderr := siteconv(t, "status", moved)
		if code != cli.ExitLost || !strings.Contains(stderr, "[batch-lost]") || !strings.Contains(strings.Join(strings.Fields(stdout), " "), "pilot lost 3") {
			t.Errorf("%q: exit %d\n%s%s", text, code, stdout, stderr)
		}
		for batch, more := range map[string][]string{"second": {"--filter", "(uid=*)"}, "third": {"--users", pilot}, "pilot": {"--users", pilot}} {
			said := convert(t, cli.ExitFailed, incremental(site, moved, append([]string{"--batch", batch}, more...)...)...)
			if !strings.Contains(said, "the list of the batch pilot is not whole") {
				t.Errorf("%q: the batch %s: %s", text, batch, said)
			}
		}
	}
	must(t, os.WriteFile(path, []byte(whole), 0o600))
	if code, _, stderr := siteconv(t, "status", moved); code == cli.ExitFailed || strings.Contains(stderr, "batch-lost") {
		t.Errorf("it is back: exit %d\n%s", code, stderr)
	}
}

// TestForceRenewsSplits: a run that starts afresh leaves no lists of a split of
// what was there before: they have the users of another export.
func TestForceRenewsSplits(t *testing.T) {
	site := batchedSite(t)
	moved := filepath.Join(t.TempDir(), "moved")
	finished(t, incremental(site, moved)...)
	part := incremental(site, moved, "--batch", "b1", "--split", "2", "--part", "1")
	finished(t, part...)
	said := convert(t, cli.ExitFailed, incremental(site, moved, "--force")...)
	if missing(batches.SplitDir(moved, 2)) {
		t.Errorf("the lists are gone although the run was refused: %s", said)
	}
	must(t, os.RemoveAll(batches.Dir(moved, "b1")))
	kept := batches.SplitDir(moved, 2) + ".away"
	must(t, os.CopyFS(kept, os.DirFS(batches.SplitDir(moved, 2))))
	finished(t, incremental(site, moved, "--force")...)
	if !missing(batches.SplitDir(moved, 2)) {
		t.Error("the lists are there still")
	}
	if missing(kept) {
		t.Error("a copy of them is gone")
	}
	finished(t, part...)
	checkLists(t, batches.SplitDir(moved, 2), siteUsers-2)
}

// TestLostSplit: lists of a split are not made anew beside a batch of one of
// them: a user could be in the part that is taken, and in no other.
func TestLostSplit(t *testing.T) {
	site := batchedSite(t)
	moved := filepath.Join(t.TempDir(), "moved")
	finished(t, incremental(site, moved)...)
	part := func(k int) []string {
		return incremental(site, moved, "--batch", fmt.Sprintf("b%d", k), "--split", "3", "--part", fmt.Sprint(k))
	}
	finished(t, part(1)...)
	lists := batches.SplitDir(moved, 3)
	list := filepath.Join(lists, "users02.txt")
	kept := bytesOf(t, list)
	must(t, os.Remove(list))
	if said := convert(t, cli.ExitFailed, part(2)...); !strings.Contains(said, "the list of the part is gone") {
		t.Error(said)
	}
	must(t, os.WriteFile(list, kept, 0o600))
	must(t, os.Rename(lists, lists+".away"))
	if said := convert(t, cli.ExitFailed, part(2)...); !strings.Contains(said, "the lists of the split are gone, and the batch b1 was made of one") {
		t.Error(said)
	}
	must(t, os.Rename(lists+".away", lists))
	finished(t, part(2)...)
}
