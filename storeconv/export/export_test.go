package export

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"imsconv/storeconv"
	"imsconv/storeconv/testsite"
	"imsconv/storeconv/testsite/reference"
)

// exportTo exports into a directory and returns what was said.
func exportTo(t testing.TB, dst string, src *Source, opt Options) (Report, *reference.Recorder) {
	t.Helper()
	log := new(reference.Recorder)
	opt.Log, opt.Sync = log, storeconv.SyncNone
	rep, err := Export(context.Background(), dst, src, opt)
	if err != nil {
		t.Fatal(err)
	}
	return rep, log
}

func streamOf(t testing.TB, path string) *Source {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	src, err := FromStream(path, f)
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// pipeOf is a stream that can be read once.
func pipeOf(t testing.TB, path string) *Source {
	t.Helper()
	src, err := FromStream(path, struct{ io.Reader }{must(t)(os.Open(path))})
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func must(t testing.TB) func(f *os.File, err error) *os.File {
	return func(f *os.File, err error) *os.File {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
}

// dirName is the directory of a mailbox by the plainest means.
func dirName(name string) string {
	if name == "INBOX" {
		return ""
	}
	name = strings.NewReplacer(`\`, `\5c`, ".", `\2e`, "/", ".").Replace(name)
	return "." + name
}

// mailboxLines are what a mailbox has to be: one line for its head, one for
// each message in the order of UIDs.
func mailboxLines(box *testsite.Mailbox) []string {
	next := box.UIDNext
	var lines []string
	used := make(map[string]int)
	for _, m := range box.Messages {
		next = max(next, m.UID+1)
		for _, f := range m.Flags {
			if f[0] != '\\' {
				used[f]++
			}
		}
	}
	sum := sha256.Sum256([]byte(box.User + "\x00" + box.Name + "\x00" + strconv.FormatUint(uint64(box.UIDValidity), 10)))
	lines = append(lines, fmt.Sprintf("3 V%d N%d G%x", box.UIDValidity, next, sum[:16]))
	for _, m := range box.Messages {
		flags := slices.DeleteFunc(slices.Clone(m.Flags), func(f string) bool { return f == `\Recent` || f == `\Archived` || f == "pending" })
		slices.Sort(flags)
		lines = append(lines, fmt.Sprintf("%d %d %d %s %q", m.UID, m.Date, m.Size, m.SHA256, flags))
	}
	return lines
}

var letterFlags = map[rune]string{'D': `\Draft`, 'F': `\Flagged`, 'R': `\Answered`, 'S': `\Seen`, 'T': `\Deleted`}

// readMailbox reads a mailbox of the destination into lines of the same form.
func readMailbox(t testing.TB, dir string) []string {
	t.Helper()
	text, err := os.ReadFile(dir + "/dovecot-uidlist")
	if err != nil {
		return []string{err.Error()}
	}
	keywords := make(map[rune]string)
	if b, err := os.ReadFile(dir + "/dovecot-keywords"); err == nil {
		for line := range strings.Lines(string(b)) {
			n, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
			i, err := strconv.Atoi(n)
			if err != nil || i > 25 {
				t.Errorf("%s: keyword line %q", dir, line)
			}
			keywords['a'+rune(i)] = name
		}
	}
	rows := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	out := rows[:1]
	files := make(map[string]bool)
	for _, row := range rows[1:] {
		head, name, ok := strings.Cut(row, " :")
		if !ok {
			t.Errorf("%s: line %q", dir, row)
			continue
		}
		files[name] = true
		uid, _, _ := strings.Cut(head, " ")
		out = append(out, readMessage(t, dir, uid, name, keywords))
	}
	list, err := os.ReadDir(dir + "/cur")
	if err != nil {
		t.Error(err)
	}
	for _, e := range list {
		if !files[e.Name()] {
			t.Errorf("%s/cur/%s: no line names it", dir, e.Name())
		}
	}
	return out
}

func readMessage(t testing.TB, dir, uid, name string, keywords map[rune]string) string {
	t.Helper()
	path := dir + "/cur/" + name
	body, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	base, letters, _ := strings.Cut(name, ":2,")
	crlf := bytes.ReplaceAll(bytes.ReplaceAll(body, []byte("\r\n"), []byte("\n")), []byte("\n"), []byte("\r\n"))
	if want := fmt.Sprintf("%d.M%sP0.imsconv,S=%d,W=%d", max(st.ModTime().Unix(), 0), uid, len(body), len(crlf)); base != want {
		t.Errorf("%s: the name should be %s", path, want)
	}
	if st.Mode().Perm() != 0o600 {
		t.Errorf("%s: mode %o", path, st.Mode())
	}
	flags := []string{}
	for i, c := range letters {
		if i > 0 && letters[i-1] >= byte(c) {
			t.Errorf("%s: the letters are not in order", path)
		}
		if f, ok := letterFlags[c]; ok {
			flags = append(flags, f)
		} else {
			flags = append(flags, keywords[c])
		}
	}
	slices.Sort(flags)
	sum := sha256.Sum256(body)
	return fmt.Sprintf("%s %d %d %s %q", uid, st.ModTime().Unix(), len(body), hex.EncodeToString(sum[:]), flags)
}

// checkSite holds the destination against what a site is to be.
func checkSite(t *testing.T, dst string, want *testsite.Expect) {
	t.Helper()
	dirs := make(map[string]bool)
	for i := range want.Mailboxes {
		box := &want.Mailboxes[i]
		dir := filepath.Join(dst, box.User, "Maildir", dirName(box.Name))
		dirs[dir] = true
		if got, want := readMailbox(t, dir), mailboxLines(box); !slices.Equal(got, want) {
			reference.DiffLines(t, box.User+"/"+box.Name, got, want)
		}
	}
	err := filepath.WalkDir(dst, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			if info, err := d.Info(); err != nil || info.Mode().Perm() != 0o700 {
				t.Errorf("%s: mode %v", path, info.Mode())
			}
			if d.Name() == "cur" && !dirs[filepath.Dir(path)] && filepath.Base(filepath.Dir(path)) != "Maildir" {
				t.Errorf("%s is a mailbox that is not wanted", path)
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// tree lists all of a directory: path, mode, time and content of files, and
// which of them are one file.
func tree(t testing.TB, dir string) []string {
	t.Helper()
	var out []string
	first := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		info, err := d.Info()
		if err != nil {
			return err
		}
		if d.IsDir() {
			out = append(out, name+"/")
			return nil
		}
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		when := info.ModTime().Unix()
		if !strings.Contains(path, "/cur/") {
			when = 0
			body = bytes.ReplaceAll(body, []byte(dir), []byte("OUT"))
		}
		id := fmt.Sprint(inode(info))
		if first[id] == "" {
			first[id] = name
		}
		out = append(out, fmt.Sprintf("%s %o %d %x =%s", name, info.Mode(), when, sha256.Sum256(body), first[id]))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func testSite(t testing.TB, seed uint64) *reference.Site {
	return reference.Make(t, testsite.StreamOptions{Seed: seed, Users: 12, Messages: 400, MedianSize: 1500, Links: 30, Odd: seed%2 == 1})
}

// TestLongMessages: long messages of a store are not written where their files
// are shared, nor where they are there already, and are the same in each way.
func TestLongMessages(t *testing.T) {
	site := reference.Make(t, testsite.StreamOptions{Seed: 50, Users: 2, Messages: 16, MedianSize: 2 << 20, MaxSize: 3 << 20, Links: -1})
	dir := t.TempDir()
	var made atomic.Int64
	count := func(op, name string) error {
		if op == "create" && (strings.Contains(name, "long-") || strings.Contains(name, ".imsconv,S=")) {
			made.Add(1)
		}
		return nil
	}
	for _, row := range []struct {
		to   string
		opt  Options
		some bool // are written
	}{
		{"copy", Options{}, true}, {"copy", Options{}, false}, {"shared", Options{Via: Hardlink}, false}, {"shared", Options{}, false},
	} {
		made.Store(0)
		row.opt.fault = count
		exportTo(t, dir+"/"+row.to, FromStore(site.Store), row.opt)
		if (made.Load() > 0) != row.some {
			t.Errorf("%s, %+v: %d files were written", row.to, row.opt.Via, made.Load())
		}
		checkSite(t, dir+"/"+row.to, site.Want)
	}
}

// TestMaildir: all that a store holds is there, whatever the number of workers,
// and so it is from the stream that the store was made of.
func TestMaildir(t *testing.T) {
	for seed := range uint64(4) {
		site := testSite(t, 40+seed)
		dir, before := t.TempDir(), tree(t, site.Store)
		rep, log := exportTo(t, dir+"/store", FromStore(site.Store), Options{})
		if len(log.Problems) > 0 {
			t.Errorf("%q", log.Problems)
		}
		checkSite(t, dir+"/store", site.Want)
		if rep.Users != int64(len(site.Want.Users)) || rep.Mailboxes < int64(len(site.Want.Mailboxes)) {
			t.Errorf("%+v", rep)
		}
		want := tree(t, dir+"/store")
		for _, jobs := range []int{1, 7} {
			out := fmt.Sprintf("%s/jobs%d", dir, jobs)
			exportTo(t, out, FromStore(site.Store), Options{Jobs: jobs})
			reference.DiffLines(t, fmt.Sprintf("%d jobs", jobs), tree(t, out), want)
		}
		exportTo(t, dir+"/stream", streamOf(t, site.Stream), Options{})
		checkSite(t, dir+"/stream", site.Want)
		exportTo(t, dir+"/pipe", pipeOf(t, site.Stream), Options{Jobs: 1})
		reference.DiffLines(t, "pipe", tree(t, dir+"/pipe"), tree(t, dir+"/stream"))

		again, _ := exportTo(t, dir+"/store", FromStore(site.Store), Options{})
		if again.Messages != 0 || again.There != rep.Messages {
			t.Errorf("the second time: %+v", again)
		}
		reference.DiffLines(t, "the second time", tree(t, dir+"/store"), want)
		again, _ = exportTo(t, dir+"/store", pipeOf(t, site.Stream), Options{})
		if again.Messages != 0 || again.There != rep.Messages {
			t.Errorf("the third time, of the stream: %+v", again)
		}
		reference.DiffLines(t, "the third time", tree(t, dir+"/store"), want)

		shared, _ := exportTo(t, dir+"/shared", FromStore(site.Store), Options{Via: Hardlink})
		checkSite(t, dir+"/shared", site.Want)
		if shared.Shared == 0 {
			t.Errorf("nothing is shared: %+v", shared)
		}
		reference.DiffLines(t, "the store", tree(t, site.Store), before)
	}
}
