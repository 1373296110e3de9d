package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/siteconv/internal/batches"
	"imsconv/storeconv/testsite"
)

// lockedPilot makes a folder with a batch of the first three users, whom the
// records lock, and returns what goes on with it.
func lockedPilot(t *testing.T, site string) (dir string, run func(more ...string) (int, string)) {
	t.Helper()
	stream := filepath.Join(site, "backup.sims")
	must(t, os.Rename(stream, stream+".later"))
	moved := filepath.Join(t.TempDir(), "moved")
	finished(t, incremental(site, moved)...)
	pilot := filepath.Join(t.TempDir(), "pilot.txt")
	must(t, os.WriteFile(pilot, []byte(testsite.UserID(0)+"\n"+testsite.UserID(1)+"\n"+testsite.UserID(2)+"\n"), 0o600))
	run = func(more ...string) (int, string) {
		t.Helper()
		code, stdout, stderr := siteconv(t, append([]string{"run"}, incremental(site, moved, append([]string{"--batch", "pilot", "--users", pilot}, more...)...)...)...)
		return code, stdout + stderr
	}
	if code, said := run(); code != cli.ExitDone {
		t.Fatalf("exit %d\n%s", code, said)
	}
	return filepath.Join(moved, batches.Folder, "pilot"), run
}

// TestBatchWithoutItsMail gives a batch streams that are damaged so that they
// show nobody of it: its users stay locked where they are, and the whole stream
// moves them.
func TestBatchWithoutItsMail(t *testing.T) {
	site := batchedSite(t)
	dir, run := lockedPilot(t, site)
	whole := filepath.Join(site, "backup.sims.later")
	data := bytesOf(t, whole)
	if n := bytes.Index(data, []byte(testsite.UserID(0)+"/")); n < 1024 {
		t.Fatalf("the first user comes at %d", n)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err := io.Copy(z, bytes.NewReader(data[:1024]))
	must(t, err)
	must(t, z.Flush()) // the rest is missing
	broken := bytes.Clone(data[:4096])
	for i := 1024; i < len(broken); i++ {
		broken[i] = 'x'
	}
	for name, part := range map[string][]byte{
		"cut in an extended header": data[:1536], "cut before the first user": data[:1024], "a packed one cut": packed.Bytes(), "no header behind the first": broken,
	} {
		path := filepath.Join(site, "part.sims")
		must(t, os.WriteFile(path, part, 0o600))
		code, said := run("--stream", path)
		if code != cli.ExitLost || !strings.Contains(said, "[batch-mail-lost]") {
			t.Errorf("%s: exit %d\n%s", name, code, said)
		}
		if !missing(filepath.Join(dir, batches.UnlockName)) {
			t.Errorf("%s: records unlock and move the users", name)
		}
	}
	if code, said := run("--stream", whole); code == cli.ExitFailed || strings.Contains(said, "batch-mail-lost") {
		t.Errorf("the whole stream: exit %d\n%s", code, said)
	}
	unlock := string(bytesOf(t, filepath.Join(dir, batches.UnlockName)))
	if n := strings.Count(unlock, "mailhost: newmail.siroe.com"); n != 3 {
		t.Errorf("%d users move:\n%s", n, unlock)
	}
}

// TestBatchCutInItsMail gives a batch streams that end in the mail of its
// users: whose mail stands at the end or behind it is named before the unlock.
func TestBatchCutInItsMail(t *testing.T) {
	site := batchedSite(t)
	dir, run := lockedPilot(t, site)
	data := bytesOf(t, filepath.Join(site, "backup.sims.later"))
	at := func(name string) int { return headerOf(t, data, name) }
	first, second, third := testsite.UserID(0), testsite.UserID(1), testsite.UserID(2)
	for _, tt := range []struct {
		name string
		end  int
		held bool
		want string
	}{
		{"behind the header of the first", at(first+"/") + 700, true, "and has mail of nobody of the batch"},
		{"behind the header of the second", at(second+"/") + 700, false, "of the batch 2 users have no mail in it (" + second + ", " + third + "), and what was lost may be theirs;"},
		{"in a message of the third", at(third+"/INBOX/1") + 700, false, "it ends in the mail of " + third + ", of which the rest may be missing;"},
	} {
		path := write(t, t.TempDir(), "cut.sims", data[:tt.end])
		code, said := run("--stream", path, "--force")
		if code != cli.ExitLost || !strings.Contains(said, "[batch-mail-lost]") || !strings.Contains(said, tt.want) {
			t.Errorf("%s: exit %d\n%s", tt.name, code, said)
		}
		said = strings.Join(strings.Fields(said), " ")
		caution := "What to do next cd " + dir + " # before all else: the stream is not whole, and these users # of the batch may lack mail: "
		if tt.held != missing(filepath.Join(dir, batches.UnlockName)) || tt.held == strings.Contains(strings.ReplaceAll(said, " # ", " "), strings.ReplaceAll(caution, " # ", " ")) {
			t.Errorf("%s: the unlock comes first:\n%s", tt.name, said)
		}
	}
}

// headerOf is where the header of a member stands in a stream.
func headerOf(t *testing.T, stream []byte, name string) int {
	t.Helper()
	for at := 0; at+512 <= len(stream); at += 512 {
		if bytes.HasPrefix(stream[at:], []byte(name+"\x00")) {
			return at
		}
	}
	t.Fatalf("the stream has no member %s", name)
	return 0
}
