package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"imsconv/cmd/internal/cli"
	"imsconv/dbconv/bdb"
	"imsconv/storeconv/ims"
)

const sample = "../../testdata/site"

// siteconv runs the command in this process.
func siteconv(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, talk bytes.Buffer
	code = cli.Main(t.Context(), command(), append([]string{"siteconv"}, args...), strings.NewReader(""), &out, &talk)
	return code, out.String(), talk.String()
}

// convert runs a scenario and insists on its exit status.
func convert(t *testing.T, want int, args ...string) string {
	t.Helper()
	code, stdout, stderr := siteconv(t, append([]string{"run"}, args...)...)
	if code != want {
		t.Fatalf("%q: exit %d, want %d\n%s%s", args, code, want, stdout, stderr)
	}
	return stdout + stderr
}

// file is what a tree listing knows of one file.
type file struct {
	Mode  fs.FileMode
	Mtime int64
	Sum   string
	Inode uint64
}

func list(t *testing.T, root string) map[string]file {
	t.Helper()
	files := map[string]file{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		st, err := d.Info()
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		f := file{Mode: st.Mode()}
		if st.Mode().IsRegular() {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			sum := sha256.Sum256(data)
			f.Sum, f.Mtime, f.Inode = hex.EncodeToString(sum[:]), st.ModTime().UnixNano(), st.Sys().(*syscall.Stat_t).Ino
		}
		files[rel] = f
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// treeHash is one hash of a whole tree: names, modes and bytes.
func treeHash(t *testing.T, root string) string {
	t.Helper()
	files := plainList(t, root)
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintln(h, name, files[name])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// expectation is testdata/site/expect.json.
type expectation struct {
	Users     []string
	Mailboxes []struct {
		User, Name, Dir string
		UIDValidity     uint32
		Subscribed      int
		Messages        []struct {
			UID    uint32
			Path   string
			Size   int64
			SHA256 string
			Date   int64
			Flags  []string
			Linked bool
		}
		Expired int
	}
}

func readExpectation(t *testing.T) (e expectation) {
	t.Helper()
	data, err := os.ReadFile(sample + "/expect.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &e); err != nil {
		t.Fatal(err)
	}
	return e
}

func TestSIMSSite(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	before := list(t, sample)
	text := convert(t, cli.ExitDone, "--scenario", "sims-offline", "--site", sample+"/sims", "--out", out)
	if !strings.Contains(text, "default domain is siroe.com") {
		t.Errorf("the default domain is not told:\n%s", text)
	}
	if d := cmp.Diff(before, list(t, sample)); d != "" {
		t.Errorf("the source has changed: %s", d)
	}
	checkExpectation(t, filepath.Join(out, "store"))
	checkReport(t, out)
	for _, name := range []string{domainChanges, userChanges, upgraded, undo} {
		if data, err := os.ReadFile(filepath.Join(out, name)); err != nil || !bytes.HasPrefix(data, []byte("version: 1\n")) {
			t.Errorf("%s: %v, %.20q", name, err, data)
		}
	}
}

// checkExpectation holds a store against expect.json: every path, size, hash,
// date, flag, link and count, and no message more.
func checkExpectation(t *testing.T, store string) {
	t.Helper()
	want := readExpectation(t)
	files := list(t, store)
	inodes := map[string]uint64{} // by content, of first copies
	seen := map[string]bool{}
	folders := map[string]string{}
	for _, mb := range want.Mailboxes {
		folders[ims.MailboxName(mb.User, mb.Name)] = "primary"
		index := readIndex(t, filepath.Join(store, mb.Dir, ims.IndexName))
		if index.UIDValidity != mb.UIDValidity || index.Subscribed != (mb.Subscribed == 1) || len(index.Messages) != len(mb.Messages) {
			t.Errorf("%s: uidvalidity %d, subscribed %v, %d messages", mb.Dir, index.UIDValidity, index.Subscribed, len(index.Messages))
			continue
		}
		for i, m := range mb.Messages {
			f, ok := files[m.Path]
			if !ok {
				t.Errorf("%s is missing", m.Path)
				continue
			}
			seen[m.Path] = true
			r := index.Messages[i]
			if f.Sum != m.SHA256 || f.Mode != 0o600 || r.UID != m.UID || r.InternalDate != m.Date || hex.EncodeToString(r.SHA256[:]) != m.SHA256 || r.Size != m.Size {
				t.Errorf("%s: %+v, index %+v, want %+v", m.Path, f, r, m)
			}
			if d := cmp.Diff(m.Flags, flagNames(index, &r)); d != "" {
				t.Errorf("%s: flags: %s", m.Path, d)
			}
			if !m.Linked {
				if f.Mtime != m.Date*1e9 {
					t.Errorf("%s: mtime %d, want %d", m.Path, f.Mtime/1e9, m.Date)
				}
				inodes[m.SHA256] = f.Inode
			} else if inodes[m.SHA256] != f.Inode {
				t.Errorf("%s is no hard link to the first copy", m.Path)
			}
		}
	}
	for name := range files {
		if strings.HasSuffix(name, ".msg") && !seen[name] {
			t.Errorf("%s is not expected", name)
		}
	}
	for key, value := range records(t, filepath.Join(store, "mboxlist/folder.db")) {
		partition, _, _ := strings.Cut(value, "\t")
		if folders[key] != partition {
			t.Errorf("folder.db has %q -> %q", key, value)
		}
		delete(folders, key)
	}
	if len(folders) > 0 {
		t.Errorf("folder.db lacks %v", folders)
	}
}

func readIndex(t *testing.T, path string) *ims.Index {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	index, err := ims.ReadIndex(f)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return index
}

func flagNames(x *ims.Index, r *ims.Record) []string {
	names := append([]string{}, r.Flags.Names()...)
	for i, k := range x.Userflags {
		if r.HasKeyword(i) {
			names = append(names, k)
		}
	}
	slices.Sort(names)
	return names
}

// records reads a database.
func records(t *testing.T, path string) map[string]string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := bdb.NewReader(bytes.NewReader(data), int64(len(data)), bdb.Options{Problem: func(err error) { t.Errorf("%s: %v", path, err) }})
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	out := map[string]string{}
	for c := r.Cursor(); ; {
		key, value, err := c.Next()
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		out[string(key)] = string(value)
	}
}

func readReport(t *testing.T, out string) (rep cli.Report) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(out, "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &rep); err != nil {
		t.Fatal(err)
	}
	return rep
}

func checkReport(t *testing.T, out string) {
	t.Helper()
	want := readExpectation(t)
	rep := readReport(t, out)
	var messages, links, expired, size int64
	for _, mb := range want.Mailboxes {
		expired += int64(mb.Expired)
		for _, m := range mb.Messages {
			messages++
			size += m.Size
			if m.Linked {
				links++
			}
		}
	}
	for name, n := range map[string]int64{"users": int64(len(want.Users)), "mailboxes": int64(len(want.Mailboxes)), "messages": messages, "links": links, "bytes": size, "expired, left out by rule": expired} {
		if got := rep.Counts.Get(name); got != n {
			t.Errorf("report has %s %d, want %d", name, got, n)
		}
	}
	if rep.Exit != 0 || rep.Problems.Total != 0 {
		t.Errorf("report has exit %d and problems %+v", rep.Exit, rep.Problems.Items)
	}
}

// nmsSite makes a copy of the NMS side with modes and times that a checkout
// does not keep.
func nmsSite(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "nms")
	if err := os.CopyFS(dir, os.DirFS(sample+"/nms")); err != nil {
		t.Fatal(err)
	}
	stamp := time.Unix(946684800, 0)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		stamp = stamp.Add(3601 * time.Second)
		if err := os.Chmod(path, 0o640); err != nil {
			return err
		}
		return os.Chtimes(path, stamp, stamp)
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestNMSSite(t *testing.T) {
	site, out := nmsSite(t), filepath.Join(t.TempDir(), "out")
	before := list(t, site)
	convert(t, cli.ExitDone, "--scenario", "nms-single", "--site", site, "--out", out)
	after := list(t, site)
	if d := cmp.Diff(before, after); d != "" {
		t.Errorf("the source has changed: %s", d)
	}
	store := list(t, filepath.Join(out, "store"))
	for name, f := range list(t, filepath.Join(site, "store")) {
		if strings.HasSuffix(name, ".db2") || f.Mode.IsDir() {
			continue
		}
		got := store[name]
		got.Inode, f.Inode = 0, 0
		if d := cmp.Diff(f, got); d != "" {
			t.Errorf("%s: %s", name, d)
		}
		delete(store, name)
	}
	for name, f := range store {
		if !f.Mode.IsDir() && !strings.HasPrefix(name, "mboxlist/") {
			t.Errorf("%s is not in the source", name)
		}
	}
	for oldName, newName := range map[string]string{"mboxlist/data.db2": "folder.db", "quota.db2": "quota.db"} {
		want := records(t, filepath.Join(site, "store", oldName))
		if len(want) == 0 {
			t.Errorf("%s is empty", oldName)
		}
		if d := cmp.Diff(want, records(t, filepath.Join(out, "store/mboxlist", newName))); d != "" {
			t.Errorf("%s: %s", newName, d)
		}
	}
	var size int64
	for name := range before {
		if strings.HasSuffix(name, ".msg") {
			st, err := os.Stat(filepath.Join(site, name))
			if err != nil {
				t.Fatal(err)
			}
			size += st.Size()
		}
	}
	if rep := readReport(t, out); rep.Counts.Get("bytes") != size || rep.Counts.Get("users") != 8 || rep.Counts.Get("mailboxes") != 19 {
		t.Errorf("the report counts %v, want %d bytes", rep.Counts, size)
	}
	subscribed := records(t, filepath.Join(out, "store/mboxlist/subscr.db"))
	if got := subscribed["wallyc"]; got != "user/wallyc\nuser/wallyc/Mail/deep/er/est" {
		t.Errorf("subscriptions of wallyc are %q", got)
	}
}

func scenarioArgs(t *testing.T) map[string][]string {
	return map[string][]string{
		"sims-offline": {"--scenario", "sims-offline", "--site", sample + "/sims"},
		"nms-single":   {"--scenario", "nms-single", "--site", nmsSite(t)},
	}
}

func TestSameInputSameOutput(t *testing.T) {
	for name, args := range scenarioArgs(t) {
		var first string
		for _, jobs := range []string{"1", "2", "7"} {
			out := filepath.Join(t.TempDir(), "out")
			convert(t, cli.ExitDone, append(args, "--jobs", jobs, "--out", out)...)
			hash := treeHash(t, out)
			if first == "" {
				first = hash
			}
			if hash != first {
				t.Errorf("%s: --jobs %s gives another tree", name, jobs)
			}
		}
	}
}

func TestSecondRunChangesNothing(t *testing.T) {
	for name, args := range scenarioArgs(t) {
		out := filepath.Join(t.TempDir(), "out")
		args = append(args, "--out", out)
		convert(t, cli.ExitDone, args...)
		before := list(t, out)
		text := convert(t, cli.ExitDone, args...)
		if made := !missing(filepath.Join(out, "store")) || !missing(filepath.Join(out, "mail")); strings.Contains(text, "siteconv report "+cli.Quote(out)+" looks") != made {
			t.Errorf("%s: whether mail was looked at: %s", name, text)
		}
		if !strings.Contains(text, "nothing to do") {
			t.Errorf("%s: the second run says\n%s", name, text)
		}
		if d := cmp.Diff(before, list(t, out)); d != "" {
			t.Errorf("%s: the second run changed %s", name, d)
		}
	}
}

func TestOtherInputsAreRefused(t *testing.T) {
	args := scenarioArgs(t)
	out := filepath.Join(t.TempDir(), "out")
	convert(t, cli.ExitDone, append(args["sims-offline"], "--out", out)...)
	before := list(t, out)
	for _, other := range []struct {
		args []string
		hint string
	}{
		{append(args["nms-single"], "--out", out), "--force"},
		{append(args["sims-offline"], "--bdb", "9", "--out", out), "--force"},
		{append(args["sims-offline"], "--ldif", sample+"/nms/export.ldif", "--out", out), "its scenario is nms-single"},
		{append(args["nms-single"], "--ldif", sample+"/sims/export.ldif", "--out", out), "its scenario is sims-offline"},
		{append(args["sims-offline"], "--ldif", sample+"/sims/backup.sims", "--out", out), ""},
	} {
		text := convert(t, cli.ExitFailed, other.args...)
		if other.hint != "" && !strings.Contains(text, other.hint) {
			t.Errorf("%q: no hint:\n%s", other.args, text)
		}
	}
	if d := cmp.Diff(before, list(t, out)); d != "" {
		t.Errorf("a refused run changed %s", d)
	}
	convert(t, cli.ExitDone, append(args["nms-single"], "--force", "--out", out)...)
	fresh := filepath.Join(t.TempDir(), "fresh")
	convert(t, cli.ExitDone, append(args["nms-single"], "--out", fresh)...)
	if treeHash(t, out) != treeHash(t, fresh) {
		t.Error("--force does not start afresh")
	}
	foreign := t.TempDir()
	if err := os.WriteFile(filepath.Join(foreign, "letter.txt"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	convert(t, cli.ExitFailed, append(args["sims-offline"], "--force", "--out", foreign)...)
}

func TestDryRunWritesNothing(t *testing.T) {
	for _, args := range scenarioArgs(t) {
		out := filepath.Join(t.TempDir(), "out")
		convert(t, cli.ExitDone, append(args, "--dry-run", "--out", out)...)
		if _, err := os.Stat(out); err == nil {
			t.Errorf("%q wrote %s", args, out)
		}
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{
		{}, {"--scenario", "nms-double", "--site", "x", "--out", "y"}, {"--scenario", "sims-offline", "--out", "y"},
		{"--scenario", "sims-offline", "--site", "x", "--out", "y", "extra"}, {"--scenario", "sims-offline", "--site", "x", "--out", "y", "--bdb", "5"},
	} {
		convert(t, cli.ExitUsage, args...)
	}
	convert(t, cli.ExitFailed, "--scenario", "sims-offline", "--site", t.TempDir(), "--out", filepath.Join(t.TempDir(), "out"))
}

// TestDamage plants one fault of each kind: one line with its position, exit
// status 3, and everything else converted.
func TestDamage(t *testing.T) {
	read := func(path string) []byte {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	write := func(path string, data []byte) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("ldif line without colon", func(t *testing.T) {
		dir := t.TempDir()
		data := bytes.Replace(read(sample+"/sims/export.ldif"), []byte("givenname: Keiko\n"), []byte("givenname Keiko\n"), 1)
		write(dir+"/export.ldif", data)
		write(dir+"/backup.sims", read(sample+"/sims/backup.sims"))
		out := filepath.Join(t.TempDir(), "out")
		text := convert(t, cli.ExitLost, "--scenario", "sims-offline", "--site", dir, "--out", out)
		line := 1 + bytes.Count(data[:bytes.Index(data, []byte("givenname Keiko"))], []byte("\n"))
		if want := fmt.Sprintf("siteconv: problem: %s/export.ldif:%d: ", dir, line); strings.Count(text, "siteconv: problem: ") != 1 || !strings.Contains(text, want) {
			t.Errorf("want one line with %q:\n%s", want, text)
		}
		checkExpectation(t, filepath.Join(out, "store"))
		if n := bytes.Count(read(filepath.Join(out, upgraded)), []byte("\ndn: ")); n != 17 {
			t.Errorf("%d entries upgraded, want 17", n)
		}
	})
	t.Run("truncated stream", func(t *testing.T) {
		dir := t.TempDir()
		data := read(sample + "/sims/backup.sims")
		write(dir+"/export.ldif", read(sample+"/sims/export.ldif"))
		write(dir+"/backup.sims", data[:len(data)/2+100])
		out := filepath.Join(t.TempDir(), "out")
		text := convert(t, cli.ExitLost, "--scenario", "sims-offline", "--site", dir, "--out", out)
		if strings.Count(text, "siteconv: problem: ") != 1 || !strings.Contains(text, "offset ") {
			t.Errorf("want one line with an offset:\n%s", text)
		}
		whole := list(t, filepath.Join(out, "store"))
		if len(whole) < 50 {
			t.Errorf("only %d names in the store", len(whole))
		}
	})
	t.Run("database with a wrong page number", func(t *testing.T) {
		site := nmsSite(t)
		path := site + "/store/mboxlist/data.db2"
		data := read(path)
		data[8192+11]++ // the page's own number
		write(path, data)
		out := filepath.Join(t.TempDir(), "out")
		text := convert(t, cli.ExitLost, "--scenario", "nms-single", "--site", site, "--out", out)
		if !strings.Contains(text, "page 1") {
			t.Errorf("no page is named:\n%s", text)
		}
		if d := cmp.Diff(records(t, site+"/store/quota.db2"), records(t, filepath.Join(out, "store/mboxlist/quota.db"))); d != "" {
			t.Error(d)
		}
		if _, err := os.Stat(filepath.Join(out, "store/partition/primary/=user/45/c2/=wallyc/00/1.msg")); err != nil {
			t.Error(err)
		}
	})
}
