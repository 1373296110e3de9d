package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"imsconv/cmd/internal/peer"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/sims"
	"imsconv/storeconv/testsite"
)

// TestExportKill: kill -9 at any moment of an export, then the same command
// again, and the destination is that of an undisturbed run; every user who is
// there in between is whole. The second pass is killed too.
func TestExportKill(t *testing.T) {
	kills := 6
	if full {
		kills = 120
	}
	dir := scratch(t)
	opts := testsite.StreamOptions{Seed: 6, Users: 40, Mailboxes: 3, Messages: 1600, MedianSize: 2000, Links: 25, Odd: true}
	stream, _ := writeStream(t, filepath.Join(dir, "site.sims"), opts)
	store, out, first := filepath.Join(dir, "store"), filepath.Join(dir, "out"), filepath.Join(dir, "first")
	mustRun(t, 0, "restore", "-f", stream, "--store", store, "--quiet")
	mustRun(t, 0, "export", "--store", store, "--out", out, "--quiet")
	if err := os.RemoveAll(out); err != nil {
		t.Fatal(err)
	}
	k := newKiller(3, 4)
	k.measure(func() { mustRun(t, 0, "export", "--store", store, "--out", out, "--quiet") })
	fresh := readTree(t, out)
	users := wholeUsers(fresh)
	if err := os.RemoveAll(out); err != nil {
		t.Fatal(err)
	}
	half := thinned(t, store, filepath.Join(dir, "half"))
	mustRun(t, 0, "export", "--store", half, "--out", out, "--quiet")
	copyTree(t, out, first)
	mustRun(t, 0, "export", "--store", store, "--out", out, "--quiet")
	second := readTree(t, out)

	landed := 0
	for i := range kills {
		if err := os.RemoveAll(out); err != nil {
			t.Fatal(err)
		}
		want, args := fresh, []string{"export", "--store", store, "--out", out, "--quiet", "--sync", []string{"batch", "user", "none"}[i%3]}
		if i%2 == 1 {
			want = second
			copyTree(t, first, out)
		}
		for range 1 + i%3 {
			if k.anywhere(t, args) {
				landed++
			}
			if _, err := os.Stat(out); err == nil && i%2 == 0 {
				checkWholeUsers(t, readTree(t, out), users)
			}
		}
		if o := run(t, nil, args...); o.exit != 0 {
			t.Fatalf("kill %d: exit status %d\n%s", i, o.exit, o.stderr)
		}
		if diffTrees(t, fmt.Sprintf("after kill %d", i), readTree(t, out), want, i%2 == 0); t.Failed() {
			t.FailNow()
		}
	}
	if landed < kills/3 {
		t.Errorf("only %d of %d kills met a running process", landed, kills)
	}
}

// wholeUsers are the trees of users of a destination.
func wholeUsers(all tree) map[string]tree {
	users := make(map[string]tree)
	for name := range all {
		if user, ok := strings.CutSuffix(name, "/Maildir"); ok && !strings.Contains(user, "/") {
			users[name] = all.under(name)
		}
	}
	return users
}

// thinned is a copy of a store whose odd messages are not there.
func thinned(t *testing.T, store, to string) string {
	t.Helper()
	copyTree(t, store, to)
	err := filepath.WalkDir(to, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.Name() != "store.idx" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		head, lines, _ := strings.Cut(string(text), "\n\n")
		kept, exists := "", 0
		for line := range strings.Lines(lines) {
			uid, _, _ := strings.Cut(line, "\t")
			if uid[len(uid)-1]%2 == 0 {
				kept += line
				exists++
				continue
			}
			n, err := strconv.ParseUint(uid, 10, 32)
			if err != nil {
				return err
			}
			if err := os.Remove(filepath.Join(filepath.Dir(path), ims.MessagePath(uint32(n)))); err != nil {
				return err
			}
		}
		head = regexp.MustCompile(`(?m)^Exists: .*`).ReplaceAllString(head, fmt.Sprintf("Exists: %d", exists))
		return os.WriteFile(path, []byte(head+"\n\n"+kept), 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	return to
}

func copyTree(t *testing.T, from, to string) {
	t.Helper()
	if out, err := peer.Command(t, "cp", "-a", from, to).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// bigUser is a stream of one user with n messages in a mailbox.
func bigUser(n int) io.Reader {
	r, w := io.Pipe()
	go func() {
		out, err := sims.NewWriter(w, sims.Header{Date: 958780800}, 0)
		for i := 0; i <= n && err == nil; i++ {
			m := sims.Member{Kind: sims.Mailbox, Name: "joe/INBOX", UIDValidity: 7, Subscribed: 1}
			body := ""
			if i > 0 {
				body = fmt.Sprintf("Message-ID: <%d@siroe.com>\r\n\r\n%d\r\n", i, i)
				m = sims.Member{Kind: sims.Message, Name: fmt.Sprintf("joe/INBOX/%d", i), Size: int64(len(body)), Time: 950000000 + int64(i), Flags: `\Seen Work`, Subscribed: -1}
			}
			if err = out.WriteMember(&m); err == nil {
				_, err = io.WriteString(out, body)
			}
		}
		if err == nil {
			err = out.Close()
		}
		w.CloseWithError(err)
	}()
	return r
}

// TestExportMemory: a user of a million messages (a dry run of fewer in the
// short test) takes less than 256 MiB, and one more message some hundred bytes.
func TestExportMemory(t *testing.T) {
	sizes := []int{60_000, 240_000}
	args := []string{"--dry-run"}
	if full {
		sizes, args = []int{250_000, 1_000_000}, nil
	}
	var took []int64
	for _, n := range sizes {
		out := filepath.Join(scratch(t), "out")
		o := run(t, bigUser(n), append([]string{"export", "-f", "-", "--out", out, "--sync", "none"}, args...)...)
		if o.exit != 0 || !strings.Contains(o.stderr, fmt.Sprintf("messages %d,", n)) {
			t.Fatalf("exit status %d\n%s", o.exit, o.stderr)
		}
		t.Logf("%d messages: %d MiB", n, o.rss>>20)
		took = append(took, o.rss)
	}
	if took[1] > 256<<20 {
		t.Errorf("took %d MiB", took[1]>>20)
	}
	if slope := (took[1] - took[0]) / int64(sizes[1]-sizes[0]); slope > 250 {
		t.Errorf("one more message takes %d bytes", slope)
	}
}

// TestExportFewFiles: a few open files are enough for any number of mailboxes.
func TestExportFewFiles(t *testing.T) {
	dir := scratch(t)
	at := func(name string) string { return filepath.Join(dir, name) }
	manyMailboxes(t, at("s.sims"), 1500, 3)
	mustRun(t, 0, "restore", "-f", at("s.sims"), "--store", at("store"), "--quiet", "--sync", "none")
	for _, step := range [][]string{
		{"export", "-f", at("s.sims"), "--out", at("a"), "--quiet", "--sync", "none"},
		{"export", "--store", at("store"), "--out", at("a"), "--quiet", "--sync", "none"},
		{"export", "--store", at("store"), "--out", at("b"), "--to", "mbox", "--quiet", "--sync", "none"},
		{"export", "-f", at("s.sims"), "--out", at("b"), "--to", "mbox", "--quiet", "--sync", "none"},
	} {
		o := runFew(t, 0, step...)
		t.Logf("%s: %d MiB", step[1], o.rss>>20)
		if o.rss > 256<<20 {
			t.Errorf("%q took %d MiB", step, o.rss>>20)
		}
	}
}
