package restore

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"imsconv/storeconv"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/sims"
	"imsconv/storeconv/testsite/reference"
	"imsconv/storeconv/testsite/scratch"
)

// tape makes streams by short lines:
//
//	user joe 2048                 a user with a quota in bytes ("-" for none said)
//	box joe/Mail 77 f1,f2         a mailbox with UIDVALIDITY and keywords
//	msg joe/Mail/1 \Seen text     a message
//	link joe/Mail/2 \Seen joe/Mail/1
func tape(t testing.TB, date int64, lines ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := sims.NewWriter(&out, sims.Header{Product: "SIMS 4.0", Date: date}, 0)
	if err != nil {
		t.Fatal(err)
	}
	when := int64(900000000)
	for _, line := range lines {
		f := strings.SplitN(line, " ", 4)
		for len(f) < 4 {
			f = append(f, "")
		}
		when += 1000
		m := sims.Member{Name: f[1], Time: when, Subscribed: -1}
		body := ""
		switch f[0] {
		case "user":
			m.Kind = sims.User
			if f[2] != "-" {
				fmt.Sscan(f[2], &m.Quota)
				m.HasQuota = true
			}
		case "box":
			m.Kind, m.Keywords = sims.Mailbox, strings.ReplaceAll(f[3], ",", " ")
			fmt.Sscan(f[2], &m.UIDValidity)
		case "msg":
			body = "Subject: " + f[3] + "\r\nMessage-ID: <" + f[3] + "@x>\r\nDate: Tue, 12 Oct 1999 13:29:56 +0200\r\n\r\n" + f[3] + "\r\n"
			m.Kind, m.Flags, m.Size = sims.Message, flagWords(f[2]), int64(len(body))
		case "link":
			m.Kind, m.Flags, m.Link = sims.Link, flagWords(f[2]), f[3]
		}
		if err := w.WriteMember(&m); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, body); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// shmDir is a folder of the test on a memory file system, where there is one.
func shmDir(t testing.TB) string {
	t.Helper()
	return scratch.Dir(t)
}

// boxLines gives a mailbox as lines: its header in short, then UID, flags,
// keywords, origin and subject of each message.
func boxLines(t testing.TB, store, id, mailbox string) []string {
	t.Helper()
	dir := filepath.Join(store, ims.MailboxDir("primary", id, mailbox))
	f, err := os.Open(filepath.Join(dir, "store.idx"))
	if err != nil {
		return []string{"none"}
	}
	defer f.Close()
	x, err := ims.ReadIndex(f)
	if err != nil {
		t.Fatal(err)
	}
	out := []string{fmt.Sprintf("%s exists=%d last=%d validity=%d %s", x.Name, x.Exists, x.LastUID, x.UIDValidity, x.Userflags)}
	for i := range x.Messages {
		r := &x.Messages[i]
		b, err := os.ReadFile(filepath.Join(dir, ims.MessagePath(r.UID)))
		if err != nil {
			t.Fatal(err)
		}
		subject, _, _ := strings.Cut(strings.TrimPrefix(string(b), "Subject: "), "\r\n")
		out = append(out, fmt.Sprintf("%d %v %x %d-%d %s", r.UID, r.Flags.Names(), r.Keywords, r.OrigValidity, r.OrigUID, subject))
	}
	return out
}

func checkBox(t *testing.T, store, id, mailbox string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, boxLines(t, store, id, mailbox)); diff != "" {
		t.Errorf("%s %s (-want +got):\n%s", id, mailbox, diff)
	}
}

const may20 = 864126000 // 20 May 1997 11:00:00

var firstTape = []string{
	"user joe 2048",
	"box joe/INBOX 77 f1",
	`msg joe/INBOX/1 \Seen,f1 one`,
	`msg joe/INBOX/5 - five`,
	"box joe/Mail 88",
	`link joe/Mail/1 \Flagged joe/INBOX/1`,
	"user ann -1",
	"box ann/INBOX 5",
	`link ann/INBOX/3 - joe/INBOX/5`,
}

func restored(t *testing.T, opt Options, tapes ...[]byte) string {
	t.Helper()
	store := filepath.Join(shmDir(t), "store")
	again(t, store, opt, tapes...)
	return store
}

// again restores tapes into a store and wants nothing said but that dates stay:
// in tape a date is of the line, and the same message may come with another.
func again(t *testing.T, store string, opt Options, tapes ...[]byte) Report {
	t.Helper()
	var in []io.Reader
	for _, b := range tapes {
		in = append(in, bytes.NewReader(b))
	}
	rep, log, err := restoreTo(t, store, opt, in...)
	said := slices.DeleteFunc(log.lines, func(l string) bool { return strings.HasPrefix(l, "problem: kept-date: ") })
	if err != nil || len(said) > 0 {
		t.Fatalf("%v, said %q", err, said)
	}
	return rep
}

func TestAppendToExisting(t *testing.T) {
	first := tape(t, may20, firstTape...)
	store := restored(t, Options{}, first)

	// The same mailbox later: what is there gets the later flags, what is new
	// keeps its UID.
	later := tape(t, may20+9, "user joe 4096", "box joe/INBOX 77 f2,f1", `msg joe/INBOX/1 \Deleted one`, `msg joe/INBOX/9 f2 nine`, `link joe/INBOX/10 - joe/INBOX/5`)
	rep := again(t, store, Options{}, later)
	if rep.Messages != 2 || rep.Duplicates != 1 || rep.Links != 1 {
		t.Errorf("report %+v", rep)
	}
	inbox := []string{"user/joe exists=4 last=10 validity=77 [f1 f2]", `1 [\Deleted]  77-1 one`, "5 []  77-5 five", "9 [] 02 77-9 nine", "10 []  77-10 five"}
	checkBox(t, store, "joe", "INBOX", inbox...)
	checkBox(t, store, "joe", "Mail", "user/joe/Mail exists=1 last=1 validity=88 []", `1 [\Flagged]  88-1 one`)

	// Another mailbox of the same name: new UIDs, and a second time nothing.
	other := tape(t, may20, "box joe/INBOX 99", `msg joe/INBOX/1 - uno`, `msg joe/INBOX/20 - veinte`, `link joe/Mail/7 - joe/INBOX/20`)
	again(t, store, Options{}, other)
	inbox[0] = "user/joe exists=6 last=12 validity=77 [f1 f2]"
	inbox = append(inbox, "11 []  99-1 uno", "12 []  99-20 veinte")
	checkBox(t, store, "joe", "INBOX", inbox...)
	// The mailbox Mail was not announced: its UIDVALIDITY is the date of the
	// backup, so the link got a UID of the store's.
	checkBox(t, store, "joe", "Mail", "user/joe/Mail exists=2 last=2 validity=88 []", `1 [\Flagged]  88-1 one`, fmt.Sprintf("2 []  %d-7 veinte", may20))
	hash, _ := treeHash(t, store)
	if rep := again(t, store, Options{}, other); rep.Duplicates != 3 {
		t.Errorf("report %+v", rep)
	}
	if now, _ := treeHash(t, store); now != hash {
		t.Error("restoring the same again changed the store")
	}
	a, _ := os.Stat(filepath.Join(store, ims.MailboxDir("primary", "joe", "INBOX"), "00/12.msg"))
	b, _ := os.Stat(filepath.Join(store, ims.MailboxDir("primary", "joe", "Mail"), "00/2.msg"))
	if !os.SameFile(a, b) {
		t.Error("the link to a message with a new UID is not a link")
	}
	// Without looking: everything again.
	again(t, store, Options{Existing: AppendAll}, other)
	if got := boxLines(t, store, "joe", "INBOX"); len(got) != 9 {
		t.Errorf("with -i: %q", got)
	}
}

func TestNewMailboxNames(t *testing.T) {
	first := tape(t, may20, firstTape...)
	store := restored(t, Options{}, first)
	again(t, store, Options{Existing: NewName}, first)
	checkBox(t, store, "joe", "INBOX.052097.110000", "user/joe/INBOX.052097.110000 exists=2 last=5 validity=77 [f1]", `1 [\Seen] 01 77-1 one`, "5 []  77-5 five")
	checkBox(t, store, "joe", "Mail.052097.110000", "user/joe/Mail.052097.110000 exists=1 last=1 validity=88 []", `1 [\Flagged]  88-1 one`)
	// Another selection of the same, and so another run.
	again(t, store, Options{Existing: NewName, Selection: storeconv.Selection{Users: map[string]bool{"joe": true, "ann": true}}}, first)
	if got := boxLines(t, store, "ann", "INBOX.052097.110000.001"); len(got) != 2 {
		t.Errorf("third time: %q", got)
	}
	a, _ := os.Stat(filepath.Join(store, ims.MailboxDir("primary", "joe", "INBOX.052097.110000"), "00/5.msg"))
	b, _ := os.Stat(filepath.Join(store, ims.MailboxDir("primary", "ann", "INBOX.052097.110000"), "00/3.msg"))
	if !os.SameFile(a, b) {
		t.Error("a link into a renamed mailbox is not a link to the renamed copy")
	}
}

// Later streams of one run decide about flags, and users who come back keep
// their UIDs.
func TestSeveralStreams(t *testing.T) {
	full := tape(t, may20, firstTape...)
	increment := tape(t, may20+86400, "user joe 2048", "box joe/INBOX 77 f1,f3", `msg joe/INBOX/1 \Answered,f3 one`, `msg joe/INBOX/6 - six`, "box joe/New 3", `link joe/New/1 - joe/INBOX/5`)
	opt := Options{}
	store := restored(t, opt, full, increment)
	want := []string{"user/joe exists=3 last=6 validity=77 [f1 f3]", `1 [\Answered] 02 77-1 one`, "5 []  77-5 five", "6 []  77-6 six"}
	checkBox(t, store, "joe", "INBOX", want...)
	checkBox(t, store, "joe", "New", "user/joe/New exists=1 last=1 validity=3 []", "1 []  3-1 five")
	hash, _ := treeHash(t, store)
	rep := again(t, store, opt, full, increment)
	if now, _ := treeHash(t, store); now != hash || rep.Messages != 0 {
		t.Errorf("restoring the same again changed the store: %+v", rep)
	}
}

func TestComingBack(t *testing.T) {
	b := tape(t, may20, "box joe/INBOX 7", "msg joe/INBOX/1 - a", "box ann/INBOX 8", "msg ann/INBOX/1 - b", "msg joe/INBOX/2 - c", "msg joe/INBOX/1 - again",
		"box joe/Mail 9", "msg ann/INBOX/9 - d", "link joe/Mail/4 - ann/INBOX/9", "msg joe/INBOX/3 - e")
	store := filepath.Join(shmDir(t), "store")
	for n := range 2 {
		rep, log, err := restoreTo(t, store, Options{}, bytes.NewReader(b))
		if err != nil || log.lost != 1 || !strings.Contains(log.lines[0], "joe/INBOX/1") {
			t.Fatalf("time %d: %v, said %q", n, err, log.lines)
		}
		checkBox(t, store, "joe", "INBOX", "user/joe exists=3 last=3 validity=7 []", "1 []  7-1 a", "2 []  7-2 c", "3 []  7-3 e")
		checkBox(t, store, "joe", "Mail", "user/joe/Mail exists=1 last=4 validity=9 []", "4 []  9-4 d")
		if n == 1 && rep.Messages != 0 {
			t.Errorf("report %+v", rep)
		}
	}
}

func TestUnsortedUIDs(t *testing.T) {
	b := tape(t, may20, "box joe/INBOX 7", "msg joe/INBOX/300 - c", `msg joe/INBOX/2 \Seen a`, `msg joe/INBOX/299 \Seen b`)
	store := restored(t, Options{linesKept: 150}, b)
	if other := restored(t, Options{}, b); !cmp.Equal(boxLines(t, other, "joe", "INBOX"), boxLines(t, store, "joe", "INBOX")) {
		t.Error("lines that went through files differ from lines that did not")
	}
	checkBox(t, store, "joe", "INBOX", "user/joe exists=3 last=300 validity=7 []", `2 [\Seen]  7-2 a`, `299 [\Seen]  7-299 b`, "300 []  7-300 c")
}

// A mailbox with an index that is not ours gets its messages, and keeps the
// index. What that would have to say of them is lost: their flags and keywords,
// and UIDs that are taken.
func TestForeignIndexStays(t *testing.T) {
	store := filepath.Join(shmDir(t), "store")
	dir := filepath.Join(store, ims.MailboxDir("primary", "joe", "INBOX"))
	if err := os.MkdirAll(filepath.Join(dir, "00"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"store.idx": "\x00\x01vendor", "00/4.msg": "Subject: old\r\n\r\n", "stray": "kept"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b := tape(t, may20, "box joe/INBOX 7 word", "msg joe/INBOX/1 \\Seen,word a", "msg joe/INBOX/4 \\Flagged b")
	dry, said, err := restoreTo(t, store, Options{DryRun: true}, bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	for again := range 2 {
		rep, log, err := restoreTo(t, store, Options{}, bytes.NewReader(b))
		lost := 1 - again // what is there is not added
		if err != nil || log.lost != lost || len(log.lines) != 1 {
			t.Fatalf("%v, said %q", err, log.lines)
		}
		if int(rep.FlagsLost) != 2*lost || int(rep.KeywordsLost) != lost || int(rep.OtherUID) != lost {
			t.Errorf("%+v", rep)
		}
		if again == 0 && (!slices.Equal(said.lines, log.lines) || !reflect.DeepEqual(dry, rep)) {
			t.Errorf("the dry run said %q, %+v; the run %q, %+v", said.lines, dry, log.lines, rep)
		}
		if again == 0 && !strings.Contains(log.lines[0], "the flags of 2 and the keywords of 1 are lost, and 1 have other UIDs") {
			t.Error(log.lines[0])
		}
		_, lines := treeHash(t, dir)
		if len(lines) != 7 {
			t.Errorf("files: %q", lines)
		}
		for _, name := range []string{"store.idx", "stray", "00/1.msg", "00/4.msg", "00/5.msg"} {
			if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestSelection(t *testing.T) {
	b := tape(t, may20, append(firstTape, "user bob@siroe.com -", "box bob@siroe.com/INBOX 4", "msg bob@siroe.com/INBOX/1 - b", "box bob@siroe.com/Mail/a 4", "box bob@siroe.com/Mailbox 4")...)
	for name, c := range map[string]struct {
		opt  Options
		want []string
		lost int
	}{
		"user":      {Options{Selection: storeconv.Selection{Users: map[string]bool{"joe": true}}}, []string{"joe", "joe/Mail"}, 0},
		"renamed":   {Options{Selection: storeconv.Selection{Users: map[string]bool{"joe": true}, Map: map[string]string{"joe": "jo"}}}, []string{"jo", "jo/Mail"}, 0},
		"domain":    {Options{Selection: storeconv.Selection{Users: map[string]bool{"bob@siroe.com": true}, Domain: "siroe.com"}}, []string{"bob", "bob/Mail/a", "bob/Mailbox"}, 0},
		"path":      {Options{Selection: storeconv.Selection{Paths: []string{"/primary/user/joe/INBOX", "bob@siroe.com/Mail"}}}, []string{"bob@siroe.com/Mail/a", "joe"}, 0},
		"link":      {Options{Selection: storeconv.Selection{Paths: []string{"ann"}}}, []string{"ann"}, 0},
		"all":       {Options{Selection: storeconv.Selection{Paths: []string{"/primary"}}}, []string{"ann", "bob@siroe.com", "bob@siroe.com/Mail/a", "bob@siroe.com/Mailbox", "joe", "joe/Mail"}, 0},
		"forbidden": {Options{Selection: storeconv.Selection{Users: map[string]bool{"joe": true}, Map: map[string]string{"joe": "j%o"}}}, nil, 6},
	} {
		store := filepath.Join(shmDir(t), "store")
		_, log, err := restoreTo(t, store, c.opt, bytes.NewReader(b))
		if err != nil || log.lost != c.lost {
			t.Errorf("%s: %v, said %q", name, err, log.lines)
		}
		var got []string
		for key := range reference.ReadList(t, filepath.Join(store, "mboxlist/folder.db")) {
			got = append(got, strings.TrimPrefix(key, "user/"))
		}
		sortStrings(got)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// A link to what was left out finds the body in a file, in the store, or in the
// reference; else it is one problem.
func TestLinksOutOfTheSelection(t *testing.T) {
	b := tape(t, may20, firstTape...)
	ann := Options{Selection: storeconv.Selection{Users: map[string]bool{"ann": true}}}
	store := filepath.Join(shmDir(t), "store")
	_, log, err := restoreTo(t, store, ann, pipe{bytes.NewReader(b)})
	if err != nil || log.lost != 1 || !strings.Contains(log.lines[0], "ann/INBOX/3") || !strings.Contains(log.lines[0], "restore user joe") {
		t.Errorf("from a pipe: %v, said %q", err, log.lines)
	}
	withRef := ann
	withRef.Reference = []*Stream{stream(t, "ref", bytes.NewReader(b))}
	store = filepath.Join(shmDir(t), "store")
	if _, log, err = restoreTo(t, store, withRef, pipe{bytes.NewReader(b)}); err != nil || log.lost != 0 {
		t.Errorf("with a reference: %v, said %q", err, log.lines)
	}
	checkBox(t, store, "ann", "INBOX", "user/ann exists=1 last=3 validity=5 []", "3 []  5-3 five")

	// An earlier run has the first copy, under another UID.
	store = filepath.Join(shmDir(t), "store")
	again(t, store, Options{}, tape(t, may20, "box joe/INBOX 1", "msg joe/INBOX/5 - other"))
	again(t, store, Options{Selection: storeconv.Selection{Users: map[string]bool{"joe": true}}}, b)
	rep, log, err := restoreTo(t, store, ann, pipe{bytes.NewReader(b)})
	if err != nil || log.lost != 0 || rep.Links != 1 {
		t.Errorf("in the store: %v, %+v, said %q", err, rep, log.lines)
	}
	checkBox(t, store, "ann", "INBOX", "user/ann exists=1 last=3 validity=5 []", "3 []  5-3 five")
}

func sortStrings(s []string) { slices.Sort(s) }

func flagWords(s string) string {
	if s == "-" {
		return ""
	}
	return strings.ReplaceAll(s, ",", " ")
}

// Runs over parts of the users, one after the other in any order: what the
// stream holds once, the store holds once, and so it is with links to links.
func TestSharesAreJoined(t *testing.T) {
	two := tape(t, may20, firstTape...)
	chain := tape(t, may20, "box joe/INBOX 7", "msg joe/INBOX/1 - one", "box ann/INBOX 8", "link ann/INBOX/1 - joe/INBOX/1", "box bob/INBOX 9", "link bob/INBOX/1 - ann/INBOX/1")
	for _, c := range []struct {
		stream []byte
		orders [][]string
	}{
		{two, [][]string{{"ann", "joe"}, {"joe", "ann"}}},
		{chain, [][]string{{"joe", "ann", "bob"}, {"ann", "joe", "bob"}, {"ann", "bob", "joe"}}},
	} {
		whole := restored(t, Options{}, c.stream)
		_, want := treeHash(t, whole)
		for _, order := range c.orders {
			store := filepath.Join(shmDir(t), "store")
			for _, user := range order {
				again(t, store, Options{Selection: storeconv.Selection{Users: map[string]bool{user: true}}}, c.stream)
			}
			if _, got := treeHash(t, store); !cmp.Equal(want, got) {
				t.Errorf("%v: %s", order, cmp.Diff(want, got))
			}
		}
	}
}

// TestEmptyMailboxesAgain: a second restore of a mailbox without messages makes
// nothing anew where its UIDVALIDITY is known. Another one is taken over.
func TestEmptyMailboxesAgain(t *testing.T) {
	b := tape(t, may20, "user joe -", "box joe/INBOX 77 f1", "box joe/Mail 88", "user ann -", "box ann/INBOX 5")
	store := restored(t, Options{}, b)
	tree := filepath.Join(store, ims.UserDir("primary", "joe"))
	index := filepath.Join(tree, ims.IndexName)
	stat := func(name string) os.FileInfo {
		t.Helper()
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		return info
	}
	hash, lines := treeHash(t, store)
	treeBefore, indexBefore := stat(tree), stat(index)
	again(t, store, Options{}, b)
	if !os.SameFile(treeBefore, stat(tree)) || !os.SameFile(indexBefore, stat(index)) {
		t.Error("the tree of the user was made anew")
	}
	if now, after := treeHash(t, store); now != hash {
		t.Errorf("the store is another one:\n%s", lineDiff(lines, after))
	}
	again(t, store, Options{}, tape(t, may20, "box joe/INBOX 78 f1"))
	checkBox(t, store, "joe", "INBOX", "user/joe exists=0 last=0 validity=78 [f1]")
	again(t, store, Options{}, tape(t, may20, "box joe/INBOX 79 f1", `msg joe/INBOX/3 \Seen three`))
	checkBox(t, store, "joe", "INBOX", "user/joe exists=1 last=3 validity=79 [f1]", `3 [\Seen]  79-3 three`)
}

// TestEmptyMailboxKeepsItsUIDValidity: a stream that says none makes no other
// one for a mailbox that has one, with and without messages.
func TestEmptyMailboxKeepsItsUIDValidity(t *testing.T) {
	for _, c := range []struct {
		later []string
		want  []string
	}{
		{[]string{"box joe/INBOX 0 f1"}, []string{"user/joe exists=0 last=0 validity=8 [f1]"}},
		{[]string{"msg joe/INBOX/3 - three"}, []string{"user/joe exists=1 last=3 validity=8 []", "3 []  864126009-3 three"}},
		{[]string{"box joe/INBOX 9", "msg joe/INBOX/3 - three"}, []string{"user/joe exists=1 last=3 validity=9 []", "3 []  9-3 three"}},
	} {
		store := restored(t, Options{}, tape(t, may20, "box joe/INBOX 8"))
		again(t, store, Options{}, tape(t, may20+9, c.later...))
		checkBox(t, store, "joe", "INBOX", c.want...)
	}
}

// TestWithoutLookingSeveralStreams: -i adds what each stream has, in whichever
// it is, and what several have once.
func TestWithoutLookingSeveralStreams(t *testing.T) {
	full := tape(t, may20, "box joe/INBOX 7", "msg joe/INBOX/1 - one", "box joe/Sent 8", "msg joe/Sent/1 - sent")
	later := tape(t, may20+10, "box joe/INBOX 7", "msg joe/INBOX/1 - one", "msg joe/INBOX/2 - two", "link joe/INBOX/3 - joe/INBOX/2", "box joe/New 9", "msg joe/New/1 - new")
	for _, sync := range []storeconv.SyncMode{storeconv.SyncBatch, storeconv.SyncUser} {
		store := filepath.Join(shmDir(t), "store")
		restoreTo(t, store, Options{}, bytes.NewReader(full), bytes.NewReader(later))
		for round := 1; round <= 2; round++ {
			opt := Options{Existing: AppendAll, Sync: sync, DryRun: true}
			dry, _, err := restoreTo(t, store, opt, bytes.NewReader(full), bytes.NewReader(later))
			if err != nil {
				t.Fatal(err)
			}
			opt.DryRun = false
			rep, _, err := restoreTo(t, store, opt, bytes.NewReader(full), bytes.NewReader(later))
			if err != nil || rep.Messages != 5 || rep.Repeated != 1 {
				t.Errorf("round %d: %v, %+v", round, err, rep)
			}
			if diff := cmp.Diff(rep, dry); diff != "" {
				t.Errorf("round %d: -run +dry:\n%s", round, diff)
			}
		}
	}
}

// TestCountsOfSeveralStreams: what an earlier stream of the run has too was not
// there before it, and flags that a later stream gives back are not changed.
func TestCountsOfSeveralStreams(t *testing.T) {
	full := tape(t, may20, "user joe -", "box joe/INBOX 5", "msg joe/INBOX/1 - one", "msg joe/INBOX/2 \\Answered two")
	later := tape(t, may20+86400, "user joe -", "box joe/INBOX 5", "msg joe/INBOX/1 \\Seen one", "msg joe/INBOX/3 - three", "link joe/INBOX/4 - joe/INBOX/1")
	last := tape(t, may20+2*86400, "user joe -", "box joe/INBOX 5", "msg joe/INBOX/1 \\Flagged one", "msg joe/INBOX/2 - two")
	for _, how := range []Options{{Jobs: 1}, {Jobs: 8}, {boxesKept: 1}, {Sync: storeconv.SyncUser}} {
		store := filepath.Join(shmDir(t), "store")
		for round, c := range []struct {
			tapes                        [][]byte
			made, there, repeated, flags int64
		}{
			{[][]byte{full, later}, 4, 0, 1, 0},
			{[][]byte{full, later}, 0, 4, 1, 0},
			{[][]byte{later}, 0, 3, 0, 0},
			{[][]byte{full, later, last}, 0, 4, 3, 2},
			{[][]byte{full, later, last}, 0, 4, 3, 0},
		} {
			var in []io.Reader
			rewind := func() []io.Reader {
				in = nil
				for _, tape := range c.tapes {
					in = append(in, bytes.NewReader(tape))
				}
				return in
			}
			opt := how
			opt.DryRun = true
			dry, _, err := restoreTo(t, store, opt, rewind()...)
			if err != nil {
				t.Fatal(err)
			}
			opt.DryRun = false
			rep, _, err := restoreTo(t, store, opt, rewind()...)
			if err != nil || rep.Messages != c.made || rep.Duplicates != c.there || rep.Repeated != c.repeated || rep.Updated != c.flags {
				t.Errorf("round %d: %v, %+v", round, err, rep)
			}
			if diff := cmp.Diff(rep, dry); diff != "" {
				t.Errorf("round %d (-run +dry):\n%s", round, diff)
			}
		}
		checkBox(t, store, "joe", "INBOX", "user/joe exists=4 last=4 validity=5 []", `1 [\Flagged]  5-1 one`, "2 []  5-2 two", "3 []  5-3 three", "4 []  5-4 one")
	}
}

// TestCountsWithoutIndexes: so counts a dry run too that does not keep what it
// would put into place.
func TestCountsWithoutIndexes(t *testing.T) {
	stream := tape(t, may20, "user joe -", "box joe/INBOX 5", "msg joe/INBOX/1 - one", "msg joe/INBOX/2 - two")
	store := filepath.Join(shmDir(t), "store")
	restoreTo(t, store, Options{}, bytes.NewReader(stream))
	for _, dry := range []bool{true, false} {
		rep, _, err := restoreTo(t, store, Options{NoIndex: true, DryRun: dry}, bytes.NewReader(stream), bytes.NewReader(stream))
		if err != nil || rep.Messages != 0 || rep.Duplicates != 2 || rep.Repeated != 2 {
			t.Errorf("dry run %t: %v, %+v", dry, err, rep)
		}
	}
}

// TestWithoutLookingByContent: -i adds a message that the stream does not name
// beside its like from before the run, also where a later stream is the first
// that has the mailbox.
func TestWithoutLookingByContent(t *testing.T) {
	full := tape(t, may20, "msg joe/INBOX/1 - one")
	later := tape(t, may20, "msg joe/INBOX/1 - one", "msg joe/New/1 - new")
	store := filepath.Join(shmDir(t), "store")
	restoreTo(t, store, Options{}, bytes.NewReader(later))
	for _, dry := range []bool{true, false} {
		rep, _, err := restoreTo(t, store, Options{Existing: AppendAll, DryRun: dry}, bytes.NewReader(full), bytes.NewReader(later))
		if err != nil || rep.Messages != 2 || rep.Repeated != 1 {
			t.Errorf("dry run %t: %v, %+v", dry, err, rep)
		}
	}
}
