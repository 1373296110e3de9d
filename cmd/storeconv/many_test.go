package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"imsconv/cmd/internal/peer"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/sims"
)

// openFiles is how many open files are enough for every verb.
const openFiles = 256

// runFew runs the program in a process that may open few files.
func runFew(t testing.TB, exit int, args ...string) outcome {
	t.Helper()
	o := runLimited(t, openFiles, args...)
	if o.exit != exit {
		t.Fatalf("storeconv %s: exit status %d, want %d\n%s", strings.Join(args, " "), o.exit, exit, o.stderr)
	}
	return o
}

// runLimited runs the program in a process that may open so many files.
func runLimited(t testing.TB, most int, args ...string) outcome {
	t.Helper()
	path, err := builtProgram()
	if err != nil {
		t.Fatal(err)
	}
	line := append([]string{"-c", fmt.Sprintf(`ulimit -n %d && exec "$0" "$@"`, most), path}, args...)
	cmd := peer.Command(t, "sh", line...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	forgetPeak()
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	o := outcome{exit: cmd.ProcessState.ExitCode(), stdout: stdout.String(), stderr: stderr.String()}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		o.rss = usage.Maxrss << 10
	}
	return o
}

// manyMailboxes writes a stream of one user with so many mailboxes, half of
// them below another, each with some messages that come in turns. The
// Message-IDs are long, which makes much of the indexes.
func manyMailboxes(t testing.TB, path string, mailboxes, messages int) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w, err := sims.NewWriter(f, sims.Header{Date: 981538200}, 0)
	if err != nil {
		t.Fatal(err)
	}
	put := func(m *sims.Member, body string) {
		m.Size = int64(len(body))
		if err := w.WriteMember(m); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, body); err != nil {
			t.Fatal(err)
		}
	}
	put(&sims.Member{Kind: sims.User, Name: "joe"}, "")
	long := strings.Repeat("x", 900)
	for uid := 1; uid <= messages; uid++ {
		for i := range mailboxes {
			name := fmt.Sprintf("joe/F%06d", i)
			if i%2 == 1 {
				name = fmt.Sprintf("joe/Deep/F%06d", i)
			}
			if uid == 1 {
				put(&sims.Member{Kind: sims.Mailbox, Name: name, UIDValidity: uint32(i + 1), Subscribed: 1}, "")
			}
			put(&sims.Member{Kind: sims.Message, Name: fmt.Sprintf("%s/%d", name, uid), Time: 957764210},
				fmt.Sprintf("Message-ID: <%d.%d.%s@siroe.com>\r\n\r\n%d\r\n", i, uid, long, i))
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestManyMailboxesOfOneUser: a few open files are enough for any number of
// mailboxes, and memory stays below what is promised. A normal run has three
// and ten times as many mailboxes as there may be open files, with several
// messages and with one; the full run has up to 100,000.
func TestManyMailboxesOfOneUser(t *testing.T) {
	if testing.Short() {
		t.Skip("writes many thousand files")
	}
	sizes := [][2]int{{800, 5}, {2600, 1}}
	if full {
		sizes = [][2]int{{2000, 14}, {20_000, 1}, {100_000, 1}}
	}
	for _, size := range sizes {
		t.Run(fmt.Sprint(size[0]), func(t *testing.T) {
			dir := scratch(t)
			at := func(name string) string { return filepath.Join(dir, name) }
			manyMailboxes(t, at("s.sims"), size[0], size[1])
			for _, step := range [][]string{
				{"restore", "-f", at("s.sims"), "--store", at("store"), "--quiet"},
				{"restore", "-f", at("s.sims"), "--store", at("store"), "--quiet"},
				{"verify", "--store", at("store"), "-f", at("s.sims"), "--quiet"},
				{"backup", "--store", at("store"), "-f", at("b.sims"), "--quiet"},
				{"restore", "-f", at("b.sims"), "--store", at("store"), "--quiet", "-i"},
				{"verify", "--store", at("store"), "--quiet"},
			} {
				o := runFew(t, 0, step...)
				t.Logf("%s: %d MiB", step[0], o.rss>>20)
				if o.rss > 256<<20 {
					t.Errorf("%s took %d MiB", step[0], o.rss>>20)
				}
			}
			a, b := run(t, nil, "list", "-f", at("s.sims"), "--quiet"), run(t, nil, "list", "-f", at("b.sims"), "--quiet")
			if n := strings.Count(a.stdout, "\n"); n != strings.Count(b.stdout, "\n") || n != 1+size[0]*(1+size[1]) {
				t.Errorf("%d members, %d come back", n, strings.Count(b.stdout, "\n"))
			}
		})
	}
}

// TestManyFoldersRelocated: the same for the store of NMS.
func TestManyFoldersRelocated(t *testing.T) {
	dir := scratch(t)
	user := filepath.Join(dir, "nms", ims.UserDir("primary", "joe"))
	for i := range 2000 {
		box := filepath.Join(user, fmt.Sprintf("=f%04d", i), "00")
		if i%2 == 1 {
			box = filepath.Join(user, "=deep", fmt.Sprintf("=f%04d", i), "00")
		}
		if err := os.MkdirAll(box, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(box, "1.msg"), []byte("Subject: a\r\n\r\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	// 3: the store has no mboxlist.
	for _, via := range []string{"hardlink", "copy"} {
		o := runFew(t, 3, "relocate", "--from", at("nms"), "--store", at(via), "--via", via)
		if len(o.problems()) > 2 || !strings.Contains(o.stderr, "messages 2000") {
			t.Errorf("%s: %s", via, o.stderr)
		}
		runFew(t, 0, "verify", "--store", at(via), "--from", at("nms"), "--quiet")
		runFew(t, 0, "backup", "--store", at(via), "-f", at(via+".sims"), "--quiet")
	}
}

// TestDeeplyNestedFolders: a name of 490 bytes may be 245 folders, one in the
// other.
func TestDeeplyNestedFolders(t *testing.T) {
	dir := scratch(t)
	at := func(name string) string { return filepath.Join(dir, name) }
	f, err := os.Create(at("s.sims"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w, err := sims.NewWriter(f, sims.Header{Date: 981538200}, 0)
	if err != nil {
		t.Fatal(err)
	}
	for depth := 1; depth <= 245; depth++ {
		for _, user := range []string{"all", "last"} {
			if user == "last" && depth < 245 {
				continue
			}
			name := user + strings.Repeat("/d", depth) + "/1"
			if err := w.WriteMember(&sims.Member{Kind: sims.Message, Name: name, Time: 957764210}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	runFew(t, 0, "restore", "-f", at("s.sims"), "--store", at("store"), "--quiet")
	runFew(t, 0, "verify", "--store", at("store"), "-f", at("s.sims"), "--quiet")
	o := runFew(t, 0, "backup", "--store", at("store"), "-f", at("b.sims"))
	if !strings.Contains(o.stderr, "mailboxes 246, messages 246,") {
		t.Error(o.stderr)
	}
}
