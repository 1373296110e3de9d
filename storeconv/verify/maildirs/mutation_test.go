package maildirs_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"imsconv/storeconv"
	"imsconv/storeconv/export"
	"imsconv/storeconv/maildir"
	"imsconv/storeconv/restore"
	"imsconv/storeconv/testsite"
	mem "imsconv/storeconv/testsite/scratch"
	"imsconv/storeconv/verify"
	"imsconv/storeconv/verify/maildirs"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// scratch is a directory in memory where the machine has a place for that: a
// tree is copied for every mutation.
func scratch(t testing.TB) string {
	t.Helper()
	return mem.Dir(t)
}

// recorder keeps what is told, a line each: kind, where, text.
type recorder struct {
	mu    sync.Mutex
	lines []string
	lost  int
}

func (r *recorder) Problem(kind, where, text string) {
	r.add(kind, where, text)
	r.lost++
}
func (r *recorder) Warning(kind, where, text string) { r.add(kind, where, text) }

func (r *recorder) add(kind, where, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, kind+" "+where+": "+text)
}

// site is a stream, the store made of it, and its export.
type site struct {
	stream, store, out string
	want               testsite.Expect
}

// exportSite makes all three. UIDLs are written, to have every field.
func exportSite(t testing.TB, opts testsite.StreamOptions, how export.Options) *site {
	t.Helper()
	dir := scratch(t)
	s := &site{stream: filepath.Join(dir, "site.sims"), store: filepath.Join(dir, "store"), out: filepath.Join(dir, "out")}
	f, err := os.Create(s.stream)
	must(t, err)
	_, err = testsite.WriteStream(f, opts, s.want.Add)
	must(t, err)
	must(t, f.Close())
	f, err = os.Open(s.stream)
	must(t, err)
	defer f.Close()
	in, err := restore.NewStream("site.sims", f)
	must(t, err)
	_, err = restore.Restore(context.Background(), s.store, []*restore.Stream{in}, restore.Options{})
	must(t, err)
	_, err = export.Export(context.Background(), s.out, export.FromStore(s.store), how)
	must(t, err)
	return s
}

// hold verifies a tree against the store or the stream.
func (s *site) hold(t testing.TB, out string, fromStream bool, opts maildirs.Options) (maildirs.Report, *recorder) {
	t.Helper()
	log := new(recorder)
	opts.Log = log
	if fromStream {
		f, err := os.Open(s.stream)
		must(t, err)
		defer f.Close()
		opts.Streams = []verify.Stream{{Name: "site.sims", R: f}}
	} else {
		opts.Store = s.store
	}
	rep, err := maildirs.Verify(context.Background(), out, opts)
	must(t, err)
	return rep, log
}

// victim is the export to spoil and what in it.
type victim struct {
	out, user string
	box       string           // directory of a mailbox, with keywords, rights and a subscription
	want      testsite.Mailbox // what it is
	file      string           // of a message in it that is seen and has a keyword
	uid       uint32
}

func (v *victim) root(name string) string { return filepath.Join(v.out, v.user, "Maildir", name) }
func (v *victim) in(name string) string   { return filepath.Join(v.box, name) }

// edit changes a file and keeps its time.
func edit(t testing.TB, path string, change func(string) string) {
	t.Helper()
	info, err := os.Stat(path)
	must(t, err)
	text, err := os.ReadFile(path)
	must(t, err)
	changed := change(string(text))
	if changed == string(text) {
		t.Fatalf("%s: nothing to change in %.200q", path, text)
	}
	must(t, os.WriteFile(path, []byte(changed), 0o600))
	must(t, os.Chtimes(path, info.ModTime(), info.ModTime()))
}

// rename gives the message's file another name, in the list too.
func (v *victim) rename(t testing.TB, change func(string) string) {
	t.Helper()
	old := filepath.Base(v.file)
	name := change(old)
	if name == old {
		t.Fatalf("nothing to change in %s", old)
	}
	must(t, os.Rename(v.file, filepath.Join(filepath.Dir(v.file), name)))
	edit(t, v.in("dovecot-uidlist"), func(s string) string { return strings.Replace(s, ":"+old+"\n", ":"+name+"\n", 1) })
}

func sub(old, with string) func(string) string {
	return func(s string) string { return strings.Replace(s, old, with, 1) }
}

// line changes the message's line of the list.
func (v *victim) line(t testing.TB, change func(string) string) {
	edit(t, v.in("dovecot-uidlist"), func(s string) string {
		lines := strings.SplitAfter(s, "\n")
		for i := range lines {
			if strings.HasPrefix(lines[i], fmt.Sprintf("%d ", v.uid)) {
				lines[i] = change(lines[i])
			}
		}
		return strings.Join(lines, "")
	})
}

// mutation writes one field of an export wrong.
type mutation struct {
	field string
	spoil func(t testing.TB, v *victim)
	kind  string // of the line that must come
	where string // part of the line
}

func list(field, kind, where string, change func(string) string) mutation {
	return mutation{field, func(t testing.TB, v *victim) { edit(t, v.in("dovecot-uidlist"), change) }, kind, where}
}

func name(field, kind, where string, change func(string) string) mutation {
	return mutation{field, func(t testing.TB, v *victim) { v.rename(t, change) }, kind, where}
}

func inFile(field, path, kind, where string, change func(string) string) mutation {
	return mutation{field, func(t testing.TB, v *victim) { edit(t, v.in(path), change) }, kind, where}
}

func inRoot(field, path, kind, where string, change func(string) string) mutation {
	return mutation{field, func(t testing.TB, v *victim) { edit(t, v.root(path), change) }, kind, where}
}

// swap exchanges two lines.
func swap(i, k int) func(string) string {
	return func(s string) string {
		lines := strings.SplitAfter(s, "\n")
		lines[i], lines[k] = lines[k], lines[i]
		return strings.Join(lines, "")
	}
}

var mutations = []mutation{
	list("UidlistHeader.Validity", "uidvalidity", "UIDVALIDITY is", sub(" V", " V1")),
	list("UidlistHeader.Validity", "uidlist", "no UIDVALIDITY", func(s string) string { return "3 V0" + s[strings.Index(s, " N"):] }),
	list("UidlistHeader.Next", "uidnext", "the next UID is", sub(" N", " N1")),
	list("UidlistHeader.GUID", "guid", "the GUID is", sub(" G", " Gf")),
	list("UidlistHeader.GUID", "guid", `the GUID is ""`, func(s string) string {
		head, rest, _ := strings.Cut(s, "\n")
		return head[:strings.Index(head, " G")] + "\n" + rest
	}),
	list("version", "uidlist", "the version is", sub("3 ", "2 ")),
	list("order", "uidlist", "comes after", swap(1, 2)),
	list("line end", "uidlist", "ends without a line end", func(s string) string { return strings.TrimSuffix(s, "\n") }),
	{"UidlistEntry.UID", func(t testing.TB, v *victim) {
		v.line(t, func(s string) string { return strings.Replace(s, fmt.Sprint(v.uid), fmt.Sprint(v.uid+1), 1) })
	}, "other-uid", "of the source is there as"},
	{"UidlistEntry.UID", func(t testing.TB, v *victim) {
		edit(t, v.in("dovecot-uidlist"), func(s string) string {
			lines := strings.SplitAfter(s, "\n")
			last := len(lines) - 2
			_, rest, _ := strings.Cut(lines[last], " ")
			lines[last] = "4294967295 " + rest
			return strings.Join(lines, "")
		})
	}, "uidlist", "no server has the UID"},
	{"UidlistEntry.Fields", func(t testing.TB, v *victim) { v.line(t, sub(" P", " X1 P")) }, "", ""}, // harmless: others may stand there
	{"UidlistEntry.Name", func(t testing.TB, v *victim) { v.line(t, sub(".imsconv", ".other")) }, "missing-file", "which is not there"},
	{"Field.Key", func(t testing.TB, v *victim) { v.line(t, sub(" P", " Q")) }, "pop3-uidl", `the UIDL ""`},
	{"Field.Value", func(t testing.TB, v *victim) { v.line(t, sub(" P", " P1")) }, "pop3-uidl", "should have"},
	name("File.Base", "", "", sub("P0.imsconv", "P0.other")), // any name will do
	name("File.Flags", "flags", "the flags are", func(s string) string { return strings.Replace(s, "S", "", 1)[:0] + flagged(s, 'S', 0) }),
	name("File.Flags", "flags", "the flags are", func(s string) string { return flagged(s, 0, 'T') }),
	name("File.Flags", "keywords", "the keywords are", func(s string) string { return flagged(s, 'a', 0) }),
	name("File.Flags", "flags", "nothing says what", func(s string) string { return flagged(s, 0, 'z') }),
	name("File.Flags", "file-name", "do not rise", func(s string) string { return strings.Replace(s, ":2,", ":2,z", 1) }),
	name("File.HasInfo", "file-name", "no flags behind", func(s string) string { return s[:strings.Index(s, ":")] }),
	name("File.Date", "date", "the name begins with", func(s string) string { return "1" + s }),
	name("File.Size", "wrong-size", "S=", sub(",S=", ",S=1")),
	name("File.Size", "wrong-size", "does not say S=", sub(",S=", ",T=")),
	name("File.VSize", "wrong-size", "W=", sub(",W=", ",W=1")),
	{"time", func(t testing.TB, v *victim) {
		at := time.Unix(1000000001, 0)
		must(t, os.Chtimes(v.file, at, at))
	}, "date", "the file is of 1000000001"},
	{"content", func(t testing.TB, v *victim) { edit(t, v.file, sub("message", "Message")) }, "wrong-content", "of the source has"},
	{"line ends", func(t testing.TB, v *victim) { edit(t, v.file, sub("\r\n", "\n")) }, "wrong-content", "of the source has"},
	{"file", func(t testing.TB, v *victim) { must(t, os.Remove(v.file)) }, "missing-file", "which is not there"},
	{"file", func(t testing.TB, v *victim) {
		must(t, os.Remove(v.file))
		v.line(t, func(string) string { return "" })
	}, "missing-message", "of the source is not there"},
	{"file", func(t testing.TB, v *victim) {
		must(t, os.WriteFile(v.in("cur/1.M1P1.other:2,"), []byte("\r\n"), 0o600))
	}, "no-uid", "no line of dovecot-uidlist names it"},
	{"file", func(t testing.TB, v *victim) {
		must(t, os.WriteFile(v.in("new/1.M1P1.other"), []byte("\r\n"), 0o600))
	}, "extra-message", "new/1.M1P1.other"},
	{"file", func(t testing.TB, v *victim) {
		must(t, os.WriteFile(v.in("tmp/1.M1P1.other"), []byte("\r\n"), 0o600))
	}, "stray-file", "tmp/1.M1P1.other"},
	{"file", func(t testing.TB, v *victim) {
		must(t, os.WriteFile(v.in("cur/1.M1P1.other:2,"), []byte("\r\n"), 0o600))
		edit(t, v.in("dovecot-uidlist"), func(s string) string { return s + "4294967290 :1.M1P1.other:2,\n" })
	}, "extra-message", "message 4294967290 is not in the source"},
	{"one name", func(t testing.TB, v *victim) {
		twin := flagged(filepath.Base(v.file), 0, 'T')
		must(t, os.Link(v.file, v.in("cur/"+twin)))
	}, "same-name", "2 files are of one name"},
	{"link", func(t testing.TB, v *victim) { must(t, os.Link(v.file, filepath.Join(v.out, "..", "elsewhere"))) }, "links", "somebody else has a link"},
	{"link", func(t testing.TB, v *victim) {
		must(t, os.Rename(v.file, filepath.Join(v.out, "..", "moved")))
		must(t, os.Symlink(filepath.Join(v.out, "..", "moved"), v.file))
	}, "unreadable", "too many levels of symbolic links"},
	{"file.mode", func(t testing.TB, v *victim) { must(t, os.Chmod(v.file, 0o644)) }, "mode", "mode 0644"},
	{"file.owner", func(t testing.TB, v *victim) { must(t, os.Lchown(v.file, 1234, 1234)) }, "owner", "owner 1234:1234"},
	{"list.mode", func(t testing.TB, v *victim) { must(t, os.Chmod(v.in("dovecot-uidlist"), 0o644)) }, "mode", "dovecot-uidlist: mode 0644"},
	{"dir.mode", func(t testing.TB, v *victim) { must(t, os.Chmod(v.in("cur"), 0o755)) }, "mode", "cur: mode 0755"},
	{"dir.mode", func(t testing.TB, v *victim) { must(t, os.Chmod(v.box, 0o755)) }, "mode", "mode 0755"},
	{"dir.mode", func(t testing.TB, v *victim) { must(t, os.Chmod(v.root(""), 0o755)) }, "mode", "Maildir: mode 0755"},
	{"dir", func(t testing.TB, v *victim) { must(t, os.Remove(v.in("tmp"))) }, "missing-directory", "tmp"},
	{"dir", func(t testing.TB, v *victim) { must(t, os.RemoveAll(v.box)) }, "missing-mailbox", "is not there"},
	{"dir", func(t testing.TB, v *victim) { must(t, os.MkdirAll(v.root(".More/cur"), 0o700)) }, "extra-mailbox", ".More"},
	{"dir", func(t testing.TB, v *victim) { must(t, os.RemoveAll(v.root(""))) }, "missing-user", "and no Maildir"},
	{"dir", func(t testing.TB, v *victim) { must(t, os.MkdirAll(filepath.Join(v.out, "nobody/Maildir/cur"), 0o700)) }, "extra-user", "nobody/Maildir"},
	{"list", func(t testing.TB, v *victim) { must(t, os.Remove(v.in("dovecot-uidlist"))) }, "uidlist", "no such file"},
	{"lock", func(t testing.TB, v *victim) { must(t, os.WriteFile(v.in("dovecot-uidlist.lock"), nil, 0o600)) }, "locked", "dovecot-uidlist.lock"},
	{"maildirfolder", func(t testing.TB, v *victim) { must(t, os.Remove(v.in("maildirfolder"))) }, "maildirfolder", "not there"},
	{"stray", func(t testing.TB, v *victim) { must(t, os.WriteFile(v.in("odd"), nil, 0o600)) }, "stray-file", "/odd"},
	inFile("keywords", "dovecot-keywords", "keywords", "which the source does not have", sub("0 ", "0 x")),
	inFile("keywords", "dovecot-keywords", "keywords", "is none of a keyword", sub("0 ", "26 ")),
	inFile("keywords", "dovecot-keywords", "keywords", "is there twice", func(s string) string { return s + s }),
	inFile("Right.Identifier", "dovecot-acl", "acl", "user=stranger has the rights", sub("anyone", "user=stranger")),
	inFile("Right.Letters", "dovecot-acl", "acl", "owner has the rights", sub("owner lr", "owner r")),
	inFile("Right.Letters", "dovecot-acl", "acl", "gives no rights", sub("owner lr", "owner Z")),
	{"acl", func(t testing.TB, v *victim) { must(t, os.Remove(v.in("dovecot-acl"))) }, "acl", "anyone has the rights"},
	inRoot("subscriptions", "subscriptions", "subscribed", "is not there", func(s string) string {
		lines := strings.SplitAfter(s, "\n")
		return strings.Join(lines[:len(lines)-2], "")
	}),
	inRoot("subscriptions", "subscriptions", "subscribed", "the source does not have it", func(s string) string { return s + "More\n" }),
	inRoot("subscriptions", "subscriptions", "subscriptions", "head of version 2", sub("V\t2", "V\t1")),
	inRoot("Size.MaxBytes", "maildirsize", "quota", "a limit of", func(s string) string { return "1" + s }),
	inRoot("Size.MaxCount", "maildirsize", "quota", "and 7 messages", sub("S\n", "S,7C\n")),
	inRoot("Size.Bytes", "maildirsize", "usage", "bytes in", func(s string) string { return s + "1 0\n" }),
	inRoot("Size.Count", "maildirsize", "usage", "bytes in", func(s string) string { return s + "0 1\n" }),
	inRoot("Size", "maildirsize", "quota", "is no sum", func(s string) string { return s + "x\n" }),
	{"configuration", func(t testing.TB, v *victim) {
		edit(t, filepath.Join(v.out, "dovecot.conf.example"), func(s string) string { return strings.ReplaceAll(s, "listescape", "") })
	}, "configuration", "does not switch on listescape"},
	{"configuration", func(t testing.TB, v *victim) {
		edit(t, filepath.Join(v.out, "dovecot.conf.example"), sub("/Maildir\n", "/Maildir:LAYOUT=fs\n"))
	}, "missing-mailbox", "is not there"},
}

// flagged takes a letter from the flags of a name and adds another.
func flagged(file string, take, add byte) string {
	base, letters, _ := strings.Cut(file, ":2,")
	all := []byte(letters)
	all = slices.DeleteFunc(all, func(c byte) bool { return c == take })
	if add != 0 && !slices.Contains(all, add) {
		all = append(all, add)
	}
	slices.Sort(all)
	return base + ":2," + string(all)
}

// TestMutations writes each field of an export wrong, one at a time, and wants
// it named, whatever the export is held against.
func TestMutations(t *testing.T) {
	const format = "%v.%08Xu"
	s := exportSite(t, testsite.StreamOptions{Seed: 19, Users: 4, Messages: 120, Mailboxes: 3, MedianSize: 900, Links: 12, Expired: -1}, export.Options{UIDL: format})
	opts := maildirs.Options{UIDL: format}
	for _, fromStream := range []bool{false, true} {
		if _, log := s.hold(t, s.out, fromStream, opts); len(log.lines) > 0 {
			t.Fatalf("lines about what has no fault:\n%s", strings.Join(log.lines[:min(20, len(log.lines))], "\n"))
		}
	}
	whole := findVictim(t, s)
	covered := make(map[string]bool)
	for _, m := range mutations {
		covered[m.field] = true
		t.Run(m.field+" "+m.kind, func(t *testing.T) {
			if strings.HasSuffix(m.field, ".owner") && os.Geteuid() != 0 {
				t.Skip("needs root")
			}
			v := *whole
			v.out = filepath.Join(scratch(t), "out")
			copyTree(t, s.out, v.out)
			v.box, v.file = filepath.Join(v.out, whole.box), filepath.Join(v.out, whole.file)
			m.spoil(t, &v)
			for _, fromStream := range []bool{false, true} {
				_, log := s.hold(t, v.out, fromStream, opts)
				named(t, log, m)
			}
		})
	}
	for _, field := range fieldsOf(maildir.UidlistHeader{}, maildir.UidlistEntry{}, maildir.Field{}, maildir.File{}, maildir.Right{}, maildir.Size{}) {
		if !covered[field] {
			t.Errorf("no mutation of %s: verify may overlook it", field)
		}
	}
}

// named wants the line of a mutation, or, where it has none, no line at all.
func named(t testing.TB, log *recorder, m mutation) {
	t.Helper()
	if m.kind == "" {
		if len(log.lines) > 0 {
			t.Errorf("lines about what has no fault:\n%s", strings.Join(log.lines, "\n"))
		}
		return
	}
	for _, line := range log.lines {
		if strings.HasPrefix(line, m.kind+" ") && strings.Contains(line, m.where) {
			return
		}
	}
	t.Errorf("no line of kind %s with %q:\n%s", m.kind, m.where, strings.Join(log.lines, "\n"))
}

func fieldsOf(types ...any) []string {
	var all []string
	for _, v := range types {
		typ := reflect.TypeOf(v)
		for i := range typ.NumField() {
			all = append(all, typ.Name()+"."+typ.Field(i).Name)
		}
	}
	return all
}

// findVictim chooses a mailbox with everything. Its paths are below the export.
func findVictim(t *testing.T, s *site) *victim {
	t.Helper()
	naming := maildir.Naming{Escape: true}
	for _, b := range s.want.Mailboxes {
		if b.Name == "INBOX" || b.Subscribed != 1 || !strings.Contains(b.ACL, "anyone") || b.Quota <= 0 {
			continue
		}
		dir, err := naming.Dir(b.Name)
		must(t, err)
		box := filepath.Join(b.User, "Maildir", dir)
		for i, m := range b.Messages {
			if i == 0 || i+1 == len(b.Messages) || m.Linked || b.Messages[i+1].UID == m.UID+1 || slices.Contains(m.Flags, `\Deleted`) ||
				!slices.Contains(m.Flags, `\Seen`) || len(m.Flags) == 0 || m.Flags[0][0] == '\\' {
				continue
			}
			found, err := filepath.Glob(filepath.Join(s.out, box, "cur", fmt.Sprintf("*.M%dP0.*", m.UID)))
			if err != nil || len(found) != 1 {
				t.Fatalf("%s %d: %q, %v", b.Name, m.UID, found, err)
			}
			_, letters, _ := strings.Cut(found[0], ":2,")
			if info, err := os.Stat(found[0]); err != nil || !strings.Contains(letters, "a") || info.Size() == 0 {
				continue
			}
			file, err := filepath.Rel(s.out, found[0])
			must(t, err)
			return &victim{user: b.User, box: box, want: b, file: file, uid: m.UID}
		}
	}
	t.Fatal("the site has nothing that suits")
	return nil
}

// copyTree copies an export with its links, modes and times.
func copyTree(t testing.TB, from, to string) {
	t.Helper()
	if out, err := exec.Command("cp", "-a", from, to).CombinedOutput(); err != nil {
		t.Fatalf("cp: %v\n%s", err, out)
	}
}

// TestReadsOnly: nothing below the export is changed.
func TestReadsOnly(t *testing.T) {
	s := exportSite(t, testsite.StreamOptions{Seed: 4, Users: 3}, export.Options{})
	state := func() string {
		var b strings.Builder
		must(t, filepath.WalkDir(s.out, func(path string, d fs.DirEntry, err error) error {
			must(t, err)
			info, err := d.Info()
			must(t, err)
			fmt.Fprintln(&b, path, info.Size(), info.Mode(), info.ModTime())
			return nil
		}))
		return b.String()
	}
	before := state()
	s.hold(t, s.out, false, maildirs.Options{})
	s.hold(t, s.out, true, maildirs.Options{})
	if state() != before {
		t.Error("the export has changed")
	}
}

// TestJobs: the same lines for any number of workers.
func TestJobs(t *testing.T) {
	s := exportSite(t, testsite.StreamOptions{Seed: 5, Users: 20, Messages: 600, Odd: true}, export.Options{Newline: export.LF})
	var first *recorder
	for _, jobs := range []int{1, 2, 7} {
		for _, fromStream := range []bool{false, true} {
			opts := maildirs.Options{Jobs: jobs} // all messages differ: they have other line ends
			_, log := s.hold(t, s.out, fromStream, opts)
			if fromStream {
				continue
			}
			if first == nil {
				first = log
			}
			if len(log.lines) < 500 || !slices.Equal(log.lines, first.lines) {
				t.Errorf("%d workers: %d lines, with one %d", jobs, len(log.lines), len(first.lines))
			}
		}
	}
	for _, fromStream := range []bool{false, true} {
		if _, log := s.hold(t, s.out, fromStream, maildirs.Options{Newline: "lf"}); log.lost > 0 {
			t.Errorf("with the right line ends:\n%s", strings.Join(log.lines[:min(20, len(log.lines))], "\n"))
		}
	}
}

// TestSelection: what was limited, renamed and laid out otherwise is found.
func TestSelection(t *testing.T) {
	for _, how := range []export.Options{
		{Selection: storeconv.Selection{Users: map[string]bool{"user0": true, "user1": true}, Map: map[string]string{"user0": "zero@siroe.com"}}},
		{Path: "%d/%n/mail", Selection: storeconv.Selection{Domain: "siroe.com"}},
		{Layout: maildir.FS},
		{Escape: export.EscapeNone},
		{Selection: storeconv.Selection{Shard: storeconv.Shard{Index: 1, Count: 3}}},
		{Selection: storeconv.Selection{Paths: []string{"user0/INBOX", "user1/Mail"}}},
		{Via: export.Hardlink},
		{Newline: export.CRLF, UIDL: "%u"},
	} {
		s := exportSite(t, testsite.StreamOptions{Seed: 6, Users: 12, Messages: 300, Mailboxes: 9, Odd: true, Expired: 20}, how)
		opts := maildirs.Options{Selection: how.Selection, Path: how.Path, UIDL: how.UIDL}
		if how.Newline == export.CRLF {
			opts.Newline = "crlf"
		}
		for _, fromStream := range []bool{false, true} {
			if rep, log := s.hold(t, s.out, fromStream, opts); log.lost > 0 || rep.Messages == 0 {
				t.Errorf("%+v: %+v\n%s", how, rep, strings.Join(log.lines[:min(20, len(log.lines))], "\n"))
			}
		}
	}
}

// TestOptionsOfExport: path and domain come from the export when nobody says
// them, and rights name users as they log in.
func TestOptionsOfExport(t *testing.T) {
	how := export.Options{Path: "%d/%n/Maildir", Selection: storeconv.Selection{Domain: "siroe.com"}}
	s := exportSite(t, testsite.StreamOptions{Seed: 19, Users: 4, Messages: 60, Mailboxes: 3, MedianSize: 900, Expired: -1}, how)
	said := maildirs.Options{Path: how.Path, Selection: how.Selection}
	for _, opts := range []maildirs.Options{said, {}} {
		rep, log := s.hold(t, s.out, false, opts)
		if rep.Users != 4 || log.lost > 0 {
			t.Errorf("%q: %+v\n%s", opts.Path, rep, strings.Join(log.lines, "\n"))
		}
	}
}

// TestClientFirst: a client's message has the UID of one of the source, which
// has another for it. That is no damage.
func TestClientFirst(t *testing.T) {
	s := exportSite(t, testsite.StreamOptions{Seed: 19, Users: 4, Messages: 120, Mailboxes: 3, MedianSize: 900, Links: 12, Expired: -1}, export.Options{})
	v := findVictim(t, s)
	const file = "1700000000.M1P1.client,S=2,W=2:2,"
	must(t, os.WriteFile(filepath.Join(s.out, v.in("cur/"+file)), []byte("a\n"), 0o600))
	edit(t, filepath.Join(s.out, v.in("dovecot-uidlist")), func(list string) string {
		lines := strings.SplitAfter(strings.TrimSuffix(list, "\n"), "\n")
		last := lines[len(lines)-1]
		at := strings.IndexByte(last, ' ')
		uid, err := strconv.Atoi(last[:at])
		must(t, err)
		lines[len(lines)-1] = fmt.Sprintf("%d :%s\n%d%s\n", uid, file, uid+1, last[at:])
		return strings.Join(lines, "")
	})
	for _, fromStream := range []bool{false, true} {
		_, log := s.hold(t, s.out, fromStream, maildirs.Options{})
		var kinds []string
		for _, line := range log.lines {
			kind, _, _ := strings.Cut(line, " ")
			kinds = append(kinds, kind)
		}
		slices.Sort(kinds)
		for _, kind := range []string{"wrong-content", "date", "missing-message"} {
			if slices.Contains(kinds, kind) {
				t.Errorf("stream %t: %s told:\n%s", fromStream, kind, strings.Join(log.lines, "\n"))
			}
		}
		if !slices.Contains(kinds, "other-uid") || !slices.Contains(kinds, "extra-message") {
			t.Errorf("stream %t: %q", fromStream, kinds)
		}
	}
}
