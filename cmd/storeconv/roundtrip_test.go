package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"imsconv/cmd/internal/peer"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/sims"
	"imsconv/storeconv/testsite"
)

// facts are what a store says, each by what it is about, such as a message,
// and under the row of docs/formats.md that tells which formats carry it.
type facts map[string]map[string]string

// Rows of which one has a thing or the other.
const (
	keywords26, moreKeywords = "26 keywords in a mailbox", "more keywords"
	rfcRights, digitRights   = "rights of RFC 2086", "rights 0 to 9"
)

func (f facts) say(row, of, value string) {
	if f[row] == nil {
		f[row] = make(map[string]string)
	}
	f[row][of] = value
}

// factsOf reads a store by the pages that define it: indexes as text, databases
// with the real library.
func factsOf(t *testing.T, store string) facts {
	t.Helper()
	f, files := make(facts), readTree(t, store)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if filepath.Base(name) == "store.idx" {
			f.mailbox(t, store, filepath.Dir(name), files)
		}
	}
	f.links()
	for id, value := range records(t, store, "quota.db") {
		q := strings.Fields(value) // limits of KB and messages, usage of both, last warning
		f.say("limit of bytes", id, q[0])
		if q[1] != "-1" {
			f.say("limit of messages", id, q[1])
		}
	}
	for key, value := range records(t, store, "peruser.db") {
		at, _, _ := strings.Cut(value, "\t")
		f.say("last access", key, at)
	}
	return f
}

func records(t *testing.T, store, name string) map[string]string {
	t.Helper()
	out, err := peer.Command(t, peer.Need(t, "db5.3_dump"), filepath.Join(store, "mboxlist", name)).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", name, err, out)
	}
	return dumped(t, out)
}

// mailbox takes what an index says, and the files that it names.
func (f facts) mailbox(t *testing.T, store, dir string, files tree) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(store, dir, "store.idx"))
	if err != nil {
		t.Fatal(err)
	}
	_, lines, _ := strings.Cut(string(text), "\n\n")
	h := indexFields(t, filepath.Join(store, dir, "store.idx"))
	box := h["Name"]
	f.say("partition", box, h["Partition"])
	f.say("subscription", box, h["Subscribed"])
	validity, next := "UIDVALIDITY", "next UID"
	if lines == "" {
		validity, next = validity+" of a mailbox without messages", next+" of a mailbox without messages"
	}
	f.say(validity, box, h["UID Validity"])
	f.say(next, box, h["Last UID"])
	rights := rfcRights
	if acl := strings.Split(h["ACL"], "\t"); len(acl) > 1 && strings.ContainsAny(acl[len(acl)-1], "0123456789") {
		rights = digitRights
	}
	f.say(rights, box, h["ACL"])
	for line := range strings.Lines(lines) {
		f.message(t, box, dir, strings.Split(strings.TrimSuffix(line, "\n"), "\t"), strings.Fields(h["Userflags"]), files)
	}
}

// message takes the ten fields of a message, and its file.
func (f facts) message(t *testing.T, box, dir string, col, keywords []string, files tree) {
	t.Helper()
	of := box + " " + col[0]
	uid, err := strconv.Atoi(col[0])
	if err != nil {
		t.Fatal(err)
	}
	path := fmt.Sprintf("%s/%02d/%d.msg", dir, uid/100%100, uid)
	f.say("UID", of, col[0])
	f.say("bytes of a message", of, files[path].sum)
	f.say("receive date", of, col[1])
	f.say("Original-Uid", of, col[7])
	flags, err := indexFlags(col[5], col[6], keywords)
	if err != nil {
		t.Fatal(err)
	}
	var words, system []string
	for _, flag := range flags {
		switch {
		case flag == `\Recent` || flag == `\Archived`:
			f.say("`"+flag+"`", of, "set")
		case flag[0] == '\\':
			system = append(system, flag)
		default:
			words = append(words, flag)
		}
	}
	f.say("`\\Seen \\Answered \\Flagged \\Deleted \\Draft`", of, strings.Join(system, " "))
	row := keywords26
	if len(keywords) > 26 {
		row = moreKeywords
	}
	f.say(row, of, strings.Join(words, " "))
	if first := files[path].first; files[path].links > 1 {
		f.say("file of", of, first+" "+col[1])
	}
}

// links turns the files that messages share into facts of their own: with which
// other messages each shares it, of its receive date and of others.
func (f facts) links() {
	files, dated := make(map[string][]string), make(map[string][]string)
	for of, file := range f["file of"] {
		path, _, _ := strings.Cut(file, " ")
		files[path], dated[file] = append(files[path], of), append(dated[file], of)
	}
	for of, file := range f["file of"] {
		path, _, _ := strings.Cut(file, " ")
		same, all := dated[file], files[path]
		slices.Sort(same)
		slices.Sort(all)
		if len(same) > 1 {
			f.say("later copies of one receive date as links", of, strings.Join(same, ", "))
		}
		if len(same) < len(all) {
			f.say("later copies of other dates as links", of, strings.Join(all, ", "))
		}
	}
	delete(f, "file of")
}

// sortAs puts what may stand under one of two rows under the one where it stood
// in the store that this one was made of.
func (f facts) sortAs(was facts) {
	for _, rows := range [][2]string{{keywords26, moreKeywords}, {rfcRights, digitRights}} {
		for i, row := range rows {
			other := rows[1-i]
			for of, value := range f[row] {
				if _, ok := was[other][of]; ok {
					delete(f[row], of)
					f.say(other, of, value)
				}
			}
		}
	}
}

// originSite makes a store with all that a store can say: two generated sites
// with users in two partitions, and a user with one of everything that these
// lack.
func originSite(t *testing.T, dir string) string {
	t.Helper()
	store := filepath.Join(dir, "store")
	first, _ := writeStream(t, filepath.Join(dir, "first.sims"), testsite.StreamOptions{Seed: 41, Users: 30, Mailboxes: 14, Messages: 900, MedianSize: 1500, MaxSize: 1 << 18, Odd: true, Links: 30})
	mustRun(t, 0, "restore", "--bdb", "9", "-f", first, "--store", store, "--quiet")
	writeOwn(t, filepath.Join(dir, "own.sims"))
	put(t, filepath.Join(dir, "limits.ldif"), "dn: uid=ed,o=siroe.com\nobjectClass: person\nobjectClass: inetUser\nobjectClass: inetMailUser\nuid: ed\nmail: ed@siroe.com\nmailQuota: 40960\nmailMsgQuota: 100\n")
	mustRun(t, 0, "restore", "-f", filepath.Join(dir, "own.sims"), "--store", store, "-p", "second", "--limits", filepath.Join(dir, "limits.ldif"), "--default-domain", "siroe.com", "--quiet")
	late, _ := writeStream(t, filepath.Join(dir, "late.sims"), testsite.StreamOptions{Seed: 42, Users: 3, Mailboxes: 4, Messages: 60, MedianSize: 900})
	mustRun(t, 0, "restore", "-f", late, "--store", store, "--quiet") // into mailboxes of another UIDVALIDITY
	return store
}

// writeOwn writes a stream of one user, ed.
func writeOwn(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w, err := sims.NewWriter(f, sims.Header{Date: 981538200}, 0)
	if err != nil {
		t.Fatal(err)
	}
	words := make([]string, 40)
	for i := range words {
		words[i] = fmt.Sprintf("word%d", i)
	}
	box := func(name string, validity, next uint32, keywords, acl string) {
		writeMember(t, w, &sims.Member{Kind: sims.Mailbox, Name: "ed/" + name, UIDValidity: validity, UIDNext: next, Subscribed: 1, Keywords: keywords, ACL: acl}, nil)
	}
	mail := func(name, flags string, date int64, body string) {
		writeMember(t, w, &sims.Member{Kind: sims.Message, Name: "ed/" + name, Time: date, Flags: flags}, []byte(body))
	}
	writeMember(t, w, &sims.Member{Kind: sims.User, Name: "ed"}, nil)
	box("INBOX", 100, 50, strings.Join(words[:26], " "), "")
	mail("INBOX/3", `\Recent \Seen`, 961579934, "Status: RO\r\nX-UID: 9\r\nSubject: a\r\n\r\nFrom here\r\n>From there\r\n")
	mail("INBOX/5", `\Archived \Recent `+strings.Join(words[:26], " "), -86400, "Subject: b\n\n\n\nno end")
	for i, body := range []string{"", "\n", "\r\n", "\r", "\n\r\n\r", "From x\n", "x\x00\xff\n", ">From joe Wed Jun 21 09:32:14 2000\n\nFrom joe Wed Jun 21 09:32:14 2000\nSubject: no\n\n"} {
		mail(fmt.Sprintf("INBOX/%d", 10+i), `\Flagged`, 4102444800+int64(i), body)
	}
	box("many", 7, 1000, strings.Join(words, " "), "ed\tlrswipcda\nsam\tlr\n-sam\tw\nanyone\tl")
	for i := range words {
		mail(fmt.Sprintf("many/%d", i+1), strings.Join(words[39-i:], " "), 961579934, fmt.Sprintf("Subject: %d\n\nx\n", i))
	}
	for i, uid := range []int{50, 51} { // a copy of one date, and one of another
		writeMember(t, w, &sims.Member{Kind: sims.Link, Name: fmt.Sprintf("ed/many/%d", uid), Link: "ed/many/1", Time: 961579934 + int64(i)}, nil)
	}
	box("digits", 8, 2, "", "ed\tlrswipcda\nsam\tlr5")
	box("none/below", 4294967295, 77, "", "")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// carriers are the ways out of a store and back again, by the columns of the
// table in docs/formats.md.
var carriers = []struct {
	name   string
	column int
	out    []string
	in     []string
}{
	{"stream", 0, []string{"backup", "-f"}, []string{"restore", "--bdb", "9", "-f"}},
	{"Maildir", 1, []string{"export", "--to", "maildir", "--out"}, []string{"restore", "--bdb", "9", "--kind", "maildir", "-f"}},
	{"Maildir of layout fs", 1, []string{"export", "--to", "maildir", "--layout", "fs", "--out"}, []string{"restore", "--bdb", "9", "--kind", "maildir", "-f"}},
	{"mboxrd", 2, []string{"export", "--to", "mbox", "--mbox", "mboxrd", "--out"}, []string{"restore", "--bdb", "9", "--kind", "mbox", "-f"}},
	{"mbox in folders", 2, []string{"export", "--to", "mbox", "--names", "folders", "--out"}, []string{"restore", "--bdb", "9", "--kind", "mbox", "-f"}},
	{"mboxcl2", 2, []string{"export", "--to", "mbox", "--mbox", "mboxcl2", "--out"}, []string{"restore", "--bdb", "9", "--kind", "mbox", "-f"}},
}

// TestRoundTrip takes whole sites out of a store and in again: what a format
// carries is what the table of docs/formats.md says, no less and no more.
func TestRoundTrip(t *testing.T) {
	dir := scratch(t)
	store := originSite(t, dir)
	was := factsOf(t, store)
	rows := slices.Sorted(maps.Keys(was))
	said := tableOf(t)
	for row := range said {
		if _, ok := was[row]; !ok {
			t.Errorf("docs/formats.md has %q, and the site has nothing for it", row)
		}
	}
	for _, c := range carriers {
		t.Run(c.name, func(t *testing.T) {
			between, back := filepath.Join(dir, c.name), filepath.Join(dir, c.name+"-store")
			o := mustRun(t, 0, append(c.out, between, "--store", store)...)
			if c.column == 2 && !strings.Contains(o.stderr, "ed/many: mailbox files have no place for rights") {
				t.Errorf("nobody says that rights are lost:\n%s", o.stderr)
			}
			mustRun(t, 0, append(c.in, between, "--store", back, "--quiet")...)
			if c.column > 0 { // by a reader of its own
				mustRun(t, 0, "verify", "--kind", map[int]string{1: "maildir", 2: "mbox"}[c.column], "-f", between, back)
			}
			now := factsOf(t, back)
			now.sortAs(was)
			for _, row := range rows {
				want := "?"
				if len(said[row]) > c.column {
					want = said[row][c.column]
				}
				if diff := differing(was[row], now[row]); (diff == "") != (want == "yes") || want == "?" {
					t.Errorf("%s: docs/formats.md says %q of %s: %s", row, want, c.name, diff)
				}
			}
			again := filepath.Join(dir, c.name+" again")
			mustRun(t, 0, append(c.out, again, "--store", back)...)
			diffTrees(t, c.name+" a second time", leftBy(t, again), leftBy(t, between), true)
		})
	}
}

// TestPartOfExport: the Maildir of one user of an export is restored alone as
// it is with all of it, and verify, which has its own look, says the same.
func TestPartOfExport(t *testing.T) {
	dir := scratch(t)
	stream := filepath.Join(dir, "joe.sims")
	f, err := os.Create(stream)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w, err := sims.NewWriter(f, sims.Header{Date: 981538200}, 0)
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"INBOX", ".a", ".b", ".b/below", `x\2ey`} {
		for _, m := range []*sims.Member{{Kind: sims.Mailbox, Name: "joe/" + name, UIDValidity: uint32(7 + i)}, {Kind: sims.Message, Name: "joe/" + name + "/1", Time: 1001, Size: int64(len(name))}} {
			if err := w.WriteMember(m); err != nil {
				t.Fatal(err)
			}
		}
		fmt.Fprint(w, name)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for _, layout := range []string{"++", "fs"} {
		out, whole := filepath.Join(dir, "out"+layout), filepath.Join(dir, "whole"+layout)
		mustRun(t, 0, "export", "-f", stream, "--out", out, "--layout", layout)
		mustRun(t, 0, "restore", "--bdb", "9", "--kind", "maildir", "-f", out, "--store", whole)
		alone, store := filepath.Join(out, "joe/Maildir"), filepath.Join(dir, "alone"+layout)
		mustRun(t, 0, "restore", "--bdb", "9", "--kind", "maildir", "-f", alone, "--store", store)
		diffTrees(t, layout, mailTree(t, store), mailTree(t, whole), true)
		mustRun(t, 0, "verify", "--kind", "maildir", "-f", alone, store)
	}
}

// TestUsersCalledAsParts: users whose ids are names of a Maildir's parts, or
// hide a directory, are users of an export, in whatever places they lie there,
// and are no others where one of them is read alone.
func TestUsersCalledAsParts(t *testing.T) {
	dir := scratch(t)
	stream, users := filepath.Join(dir, "site.sims"), []string{".hid", "cur", "joe", "joe@varrius.org", "new", "tmp", "x.lock"}
	f, err := os.Create(stream)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w, err := sims.NewWriter(f, sims.Header{Date: 981538200}, 0)
	if err != nil {
		t.Fatal(err)
	}
	for i, user := range users {
		for _, m := range []*sims.Member{{Kind: sims.Mailbox, Name: user + "/INBOX", UIDValidity: uint32(7 + i)}, {Kind: sims.Message, Name: user + "/INBOX/1", Time: 1001, Size: int64(len(user))}, {Kind: sims.Mailbox, Name: user + "/cur", UIDValidity: 9}} {
			if err := w.WriteMember(m); err != nil {
				t.Fatal(err)
			}
			if m.Size > 0 {
				fmt.Fprint(w, user)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	whole := filepath.Join(dir, "whole")
	mustRun(t, 0, "restore", "-f", stream, "--bdb", "9", "--store", whole)
	want := usersOf(t, whole)
	if !slices.Equal(want, users) {
		t.Fatalf("users %q", want)
	}
	for _, c := range [][]string{
		{"--path", "%u/Maildir"}, {"--path", "%u"}, {"--path", "%u", "--layout", "fs"}, {"--path", "%d/%n/Maildir", "--default-domain", "siroe.com"}, {"--path", "mail/%u"},
		{"--to", "mbox"}, {"--to", "mbox", "--names", "folders"},
	} {
		name := strings.NewReplacer("/", "_", "%", "").Replace(strings.Join(c, " "))
		out, store := filepath.Join(dir, name), filepath.Join(dir, name+" store")
		mustRun(t, 0, append([]string{"export", "-f", stream, "--out", out}, c...)...)
		o := mustRun(t, 0, "restore", "-f", out, "--bdb", "9", "--store", store)
		if got := usersOf(t, store); !slices.Equal(got, users) || strings.Contains(o.stderr, "problem:") || strings.Contains(o.stderr, "warning:") {
			t.Errorf("%s: users %q\n%s", name, got, o.stderr)
		}
		mustRun(t, 0, "verify", "-f", out, "--store", store)
		// Mail that somebody has put beside the users is told.
		stray := filepath.Join(out, "stray")
		if err := os.WriteFile(stray, []byte("From a@siroe.com Wed Jun 21 09:32:14 2000\n\nx\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		want := "/stray: a mailbox file among Maildirs: not read"
		if c[1] == "mbox" {
			want = "/stray: mail beside that of the users of the export: not read"
		}
		if o := run(t, nil, "restore", "-f", out, "--dry-run", "--store", store+" none"); !strings.HasPrefix(c[1], "mail/") && (o.exit != 3 || !strings.Contains(o.stderr, want)) {
			t.Errorf("%s: mail beside the users: exit status %d\n%s", name, o.exit, o.stderr)
		}
		if err := os.Remove(stray); err != nil {
			t.Fatal(err)
		}
		if c[1] == "mbox" {
			continue
		}
		mustRun(t, 0, "verify", "--maildir", out, "-f", stream)
		alone := filepath.Join(out, strings.NewReplacer("%u", "cur", "%n", "cur", "%d", "siroe.com").Replace(c[1]))
		one := filepath.Join(dir, name+" one")
		o = mustRun(t, 0, "restore", "-f", alone, "--bdb", "9", "--store", one)
		if got := usersOf(t, one); !slices.Equal(got, []string{"cur"}) || strings.Contains(o.stderr, "warning:") {
			t.Errorf("%s, one alone: users %q\n%s", name, got, o.stderr)
		}
	}
}

// TestGuessIsTold: where only the look of a folder says whose mail it is, and
// how names lie in it, that is told.
func TestGuessIsTold(t *testing.T) {
	dir := scratch(t)
	home := filepath.Join(dir, "joe")
	for _, name := range []string{"Maildir/cur", `Maildir/.a\2eb/cur`} {
		if err := os.MkdirAll(filepath.Join(home, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for i, from := range []string{home, home + "/Maildir"} {
		store := filepath.Join(dir, fmt.Sprint("store", i))
		o := mustRun(t, 0, "restore", "-f", from, "--bdb", "9", "--store", store)
		for _, want := range []string{"taken for the mail of user joe, as the folder is called that it lies in; --user names another [one-user]", `names have \2e and the like, which are taken for characters; --escape says whether they are [guessed]`} {
			if !strings.Contains(o.stderr, want) {
				t.Errorf("%s: nobody says %q:\n%s", from, want, o.stderr)
			}
		}
		if got := usersOf(t, store); !slices.Equal(got, []string{"joe"}) {
			t.Errorf("%s: users %q", from, got)
		}
		mustRun(t, 0, "verify", "-f", from, "--store", store)
	}
	o := mustRun(t, 0, "restore", "-f", home+"/Maildir", "--user", "joe", "--escape", "listescape", "--bdb", "9", "--store", filepath.Join(dir, "said"))
	if strings.Contains(o.stderr, "one-user") || strings.Contains(o.stderr, "guessed") {
		t.Error(o.stderr)
	}
}

// usersOf are the users of a store.
func usersOf(t *testing.T, store string) (users []string) {
	t.Helper()
	root, err := os.Open(store)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	err = ims.NewReader(root).Users("primary", func(e *ims.Error) { t.Error(e) }, func(u ims.User) error {
		users = append(users, u.ID)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(users)
	return users
}

// mailTree is the partition of a store that holds the mail.
func mailTree(t *testing.T, store string) tree { return readTree(t, filepath.Join(store, "partition")) }

// leftBy is what an export has left of users: what lies beside them names OUT.
func leftBy(t *testing.T, out string) tree {
	if info, err := os.Stat(out); err != nil || !info.IsDir() {
		return nil // a stream
	}
	all := readTree(t, out)
	for name, n := range all {
		if strings.HasPrefix(name, ".imsconv") || !strings.Contains(name, "/") {
			delete(all, name)
		} else if filepath.Base(name) == "folder.msg" { // no message
			n.mtime = 0
			all[name] = n
		} else if filepath.Base(name) == "maildirsize" && strings.HasPrefix(name, "ed/") { // its limit of messages does not come back
			delete(all, name)
		}
	}
	return all
}

// differing names the first thing that two stores say otherwise; "" when there
// is none.
func differing(was, now map[string]string) string {
	var diffs []string
	for of, value := range was {
		if got, ok := now[of]; !ok || got != value {
			diffs = append(diffs, fmt.Sprintf("%s is %q, was %q", of, got, value))
		}
	}
	for of, value := range now {
		if _, ok := was[of]; !ok {
			diffs = append(diffs, fmt.Sprintf("%s is %q, was nothing", of, value))
		}
	}
	if len(diffs) == 0 {
		return ""
	}
	slices.Sort(diffs)
	return fmt.Sprintf("%d differ, such as %s", len(diffs), diffs[0])
}

// tableOf reads the table of docs/formats.md.
func tableOf(t *testing.T) map[string][]string {
	t.Helper()
	doc, err := os.ReadFile(filepath.Join("..", "..", "docs", "formats.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(doc), "| | stream | Maildir | mbox |\n| --- | --- | --- | --- |\n")
	table, _, _ = strings.Cut(table, "\n\n")
	said := make(map[string][]string)
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.Trim(line, "|\n "), " | ")
		said[cells[0]] = cells[1:]
	}
	if !ok || len(said) == 0 {
		t.Fatal("docs/formats.md has no table of what formats carry")
	}
	return said
}
