package ledger

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"imsconv/cmd/internal/cli"
	"imsconv/storeconv/export"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/relocate"
	"imsconv/storeconv/restore"
)

var sample = filepath.Join("..", "..", "..", "testdata", "site")

// emptyReport makes a folder an output.
func emptyReport(t *testing.T, out string) {
	t.Helper()
	writeReport(t, filepath.Join(out, ReportName), cli.Report{Result: "done"}, Run{})
}

// list reads an output and returns the lines of its mailboxes.
func list(t *testing.T, out string) (*Ledger, []string) {
	t.Helper()
	var b bytes.Buffer
	l := reading(t, out, &b)
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	if lines[0]+"\n" != tsvHeader {
		t.Fatalf("the first line is %q", lines[0])
	}
	lines = lines[1:]
	slices.Sort(lines)
	return l, lines
}

// exported are the lines that the results of an export say the mailboxes should
// have.
func exported(t *testing.T, results string) []string {
	t.Helper()
	var want []string
	for line := range strings.Lines(results) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if f[0] == "user" {
			continue
		}
		// Of the expired the results count the bytes, the list does not: it says what
		// is there.
		want = append(want, strings.Join([]string{f[0], folderText(f[1]), f[4], f[8], f[9]}, "\t"))
	}
	slices.Sort(want)
	return want
}

// withoutBytes leaves out the fields that the results of an export do not have.
func withoutBytes(lines []string) []string {
	var out []string
	for _, line := range lines {
		f := strings.Split(line, "\t")
		out = append(out, strings.Join([]string{f[0], f[1], f[2], f[4], f[5]}, "\t"))
	}
	slices.Sort(out)
	return out
}

// TestRowsAgree: a restored store, and Maildirs of the same stream in each
// layout, have the mailboxes, messages, UIDVALIDITY and digests that the export
// itself tells.
func TestRowsAgree(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(sample, "sims", "backup.sims"))
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	store := t.TempDir()
	emptyReport(t, store)
	tape, err := restore.NewStream("backup.sims", bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	var opt restore.Options
	opt.Domain = "siroe.com"
	rep, err := restore.Restore(ctx, filepath.Join(store, storeDir), []*restore.Stream{tape}, opt)
	if err != nil {
		t.Fatal(err)
	}
	l, rows := list(t, store)
	if l.Messages != rep.Messages || l.Bytes != rep.Bytes || l.Mailboxes != rep.Mailboxes || l.Users != rep.Users || l.NoDigest != 0 {
		t.Errorf("%d messages, %d bytes, %d mailboxes, %d users; restored were %+v", l.Messages, l.Bytes, l.Mailboxes, l.Users, rep)
	}
	for _, how := range []export.Options{{}, {Path: "%d/%n/mail"}, {Layout: 1}, {Escape: export.EscapeNone}} {
		mail := t.TempDir()
		emptyReport(t, mail)
		src, err := export.FromStream("backup.sims", bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		var results bytes.Buffer
		how.Results, how.Domain = &results, "siroe.com"
		rep, err := export.Export(ctx, filepath.Join(mail, mailDir), src, how)
		if err != nil {
			t.Fatal(err)
		}
		m, lines := list(t, mail)
		if how.Escape != export.EscapeNone { // which gives mailboxes other names
			if got, want := withoutBytes(lines), exported(t, results.String()); !slices.Equal(got, want) {
				t.Errorf("the list has\n%s\nnot\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			if !slices.Equal(lines, rows) {
				t.Errorf("Maildirs\n%s\nstore\n%s", strings.Join(lines, "\n"), strings.Join(rows, "\n"))
			}
		}
		if m.Messages != rep.Messages || m.Bytes != rep.Bytes || m.Users != rep.Users || m.UnreadTotal != 0 {
			t.Errorf("%d messages, %d bytes; exported were %+v", m.Messages, m.Bytes, rep)
		}
		// The dates are those of the store: the file names have them.
		if m.Oldest != l.Oldest || m.Newest != l.Newest || fmt.Sprint(m.Years) != fmt.Sprint(l.Years) {
			t.Errorf("from %d to %d, not from %d to %d", m.Oldest, m.Newest, l.Oldest, l.Newest)
		}
	}
}

// TestRowsOfNMS: the tree of a server, whose indexes tell us nothing, gives the
// same rows by whatever way its messages came.
func TestRowsOfNMS(t *testing.T) {
	var first []string
	for _, via := range []relocate.Via{relocate.ViaCopy, relocate.ViaHardlink, relocate.ViaSymlink} {
		out := t.TempDir()
		emptyReport(t, out)
		src, err := filepath.Abs(filepath.Join(sample, "nms", "store"))
		if err != nil {
			t.Fatal(err)
		}
		from := filepath.Join(t.TempDir(), "nms")
		if err := os.CopyFS(from, os.DirFS(src)); err != nil {
			t.Fatal(err)
		}
		rep, err := relocate.Relocate(t.Context(), filepath.Join(out, storeDir), from, relocate.Options{Via: via})
		if err != nil {
			t.Fatal(err)
		}
		l, rows := list(t, out)
		if l.Messages != rep.Messages || l.Bytes != rep.Bytes || l.NoDigest != 0 || l.UnreadTotal != 0 {
			t.Errorf("%s: %d messages, %d bytes, %v; relocated were %+v", via, l.Messages, l.Bytes, l.Unread, rep)
		}
		if first == nil {
			first = rows
		}
		if !slices.Equal(rows, first) {
			t.Errorf("%s has other rows", via)
		}
		// Without reading the messages only the digests are missing.
		l, err = Open(out)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Read(t.Context(), Reading{}); err != nil {
			t.Fatal(err)
		}
		if l.Messages != rep.Messages || l.NoDigest != l.Mailboxes-l.Empty {
			t.Errorf("%d of %d mailboxes have no digest, %d are empty", l.NoDigest, l.Mailboxes, l.Empty)
		}
	}
}

// TestDigestIsOfContent: a changed byte, another UID and a missing message are
// seen.
func TestDigestIsOfContent(t *testing.T) {
	sum := func(pairs ...uint32) string {
		d := newDigest()
		for i := 0; i < len(pairs); i += 2 {
			d.add(pairs[i], [32]byte{byte(pairs[i+1])})
		}
		return d.text()
	}
	seen := map[string]bool{}
	for _, s := range []string{sum(), sum(1, 1), sum(1, 2), sum(2, 1), sum(1, 1, 2, 1), sum(12, 1)} {
		if seen[s] || len(s) != 64 {
			t.Errorf("%q", s)
		}
		seen[s] = true
	}
}

func TestUnreadableMailbox(t *testing.T) {
	out := site(t, 8, false)
	path := ""
	err := filepath.WalkDir(filepath.Join(out, storeDir), func(p string, d os.DirEntry, err error) error {
		if err == nil && d.Name() == ims.IndexName && path == "" {
			path = p
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	all := reading(t, out, nil)
	write(t, path, append(data, "nonsense\n"...))
	l := reading(t, out, nil)
	if l.UnreadTotal != 1 || l.Mailboxes != all.Mailboxes {
		t.Errorf("%d mailboxes of %d, %v", l.Mailboxes, all.Mailboxes, l.Unread)
	}
}

// TestBadIndexLine: a line of an index that cannot be read loses no message of
// the report, and nothing else that the index says.
func TestBadIndexLine(t *testing.T) {
	out := site(t, 8, false)
	all := reading(t, out, nil).Messages
	path := filepath.Join(out, storeDir, ims.MailboxDir("primary", "user2", "Sent"), ims.IndexName)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	i := bytes.Index(data, []byte("\n3\t"))
	if i < 0 {
		t.Fatalf("no message 3 in\n%s", data)
	}
	data[i+1] = 'x'
	write(t, path, data)
	l, lines := list(t, out)
	if l.Messages != all || l.UnreadTotal != 1 || l.Unread[0].Kind != "unreadable" {
		t.Errorf("%d messages of %d, %+v", l.Messages, all, l.Unread)
	}
	if text := strings.Join(lines, "\n"); !regexp.MustCompile(`user2\tSent\t18\t\d+\t900000002\t`).MatchString(text) {
		t.Error(text)
	}
}

// TestMessageOfAnIndexThatIsGone: an index is believed of a message while the
// file is there.
func TestMessageOfAnIndexThatIsGone(t *testing.T) {
	out := site(t, 8, false)
	all := reading(t, out, nil).Messages
	path := filepath.Join(storeDir, ims.MailboxDir("primary", "user2", "Sent"), ims.MessagePath(3))
	if err := os.Remove(filepath.Join(out, path)); err != nil {
		t.Fatal(err)
	}
	l := reading(t, out, nil)
	if l.Messages != all-1 || len(l.Unread) != 1 || l.Unread[0].Kind != "missing-file" || l.Unread[0].Where != path {
		t.Errorf("%d messages of %d, %+v", l.Messages, all, l.Unread)
	}
}

func TestMailboxOf(t *testing.T) {
	for _, tt := range []struct {
		where        string
		user, folder string
		ok           bool
	}{
		{"backup.sims: offset 10240: joe/INBOX/3", "joe", "INBOX", true},
		{"backup.sims: offset 10240: joe/Mail/a b/17", "joe", "Mail/a b", true},
		{"backup.sims: offset 10240: joe/Mail/2001", "joe", "Mail", true}, // as good as can be told
		{"backup.sims: offset 10240: joe", "joe", "", true},
		{"backup.sims: offset 10240", "", "", false},
		{"backup.sims: offset 10240: joe/INBOX/3: a", "joe", "INBOX/3: a", true},
		{`backup.sims: offset 10240: "joe/caf\xe9: x/3"`, "joe", "caf\xe9: x", true},
		{`backup.sims: offset 10240: "joe/caf\xe9/aaa"...`, "joe", "caf\xe9/aaa", true},
		{"mboxlist/data.db2: user/hiro-t", "hiro-t", "INBOX", true},
		{"partition/primary: user/hiro-t", "hiro-t", "INBOX", true},
		{"mboxlist/data.db2: user/hiro-t/Drafts", "hiro-t", "Drafts", true},
		{"partition/primary/=user/56/a3/=hiro-t", "hiro-t", "", true},
		{"partition/primary/=user/56/a3/=hiro-t/00/3.msg", "hiro-t", "INBOX", true},
		{"store/partition/primary/=user/56/a3/=hiro-t/=+Mail/=+Old%d1999/01/103.msg", "hiro-t", "Mail/Old.1999", true},
		{"partition/primary/=user/56/a3/=Bad%zz", "Bad%zz", "", false},
		{"export.ldif:12: uid=joe,ou=People/x", "", "", false},
		{"", "", "", false},
	} {
		m, ok := mailboxOf(tt.where)
		if tt.where == "partition/primary/=user/56/a3/=Bad%zz" {
			if !ok || m.user != "=Bad%zz" {
				t.Errorf("%q: %+v", tt.where, m)
			}
			continue
		}
		if ok != tt.ok || ok && (m.user != tt.user || m.folder != tt.folder) {
			t.Errorf("%q: %+v, %v", tt.where, m, ok)
		}
	}
}

// TestStates: a problem that names a mailbox makes it incomplete, one that
// names what is not there adds a line.
func TestStates(t *testing.T) {
	out := site(t, 8, false)
	for _, file := range []bool{false, true} {
		if file { // which has more than the report has kept
			write(t, filepath.Join(out, LinesName), []byte("problem\tduplicate-uid\ta: offset 1: user4/Sent/3\tx\nproblem\tbad-name\ta: offset 2: user4/Sent/5\ty\nwarning\todd\ta: offset 1: user5/Sent/3\tx\n"))
		}
		l, lines := list(t, out)
		text := strings.Join(lines, "\n")
		want := []string{"user2\tINBOX\t14\t", "\tincomplete\tduplicate-uid: a message of UID 3 is there already\n", "gone\tSent\t0\t0\t-\t-\tmissing\tmissing-mailbox: "}
		states := map[string]int64{Unsure: l.Mailboxes - 2, Incomplete: 2, Missing: 1} // a header that is lost names none
		if file {
			want = []string{"\tincomplete\tduplicate-uid: x (and more)"}
			states = map[string]int64{Whole: l.Mailboxes - 1, Incomplete: 1}
		}
		for _, w := range want {
			if !strings.Contains(text+"\n", w) {
				t.Errorf("no %q in\n%s", w, text)
			}
		}
		if fmt.Sprint(l.States) != fmt.Sprint(states) {
			t.Errorf("%v, not %v", l.States, states)
		}
	}
}

// TestUnplaced: while a loss names no mailbox, none is called whole; one whose
// name cannot be read is of any mailbox of the user.
func TestUnplaced(t *testing.T) {
	out := site(t, 8, false)
	for _, tt := range []struct {
		line  string
		state map[string]string
	}{
		{"bad-header\ta: offset 1\tthis block is not a header", map[string]string{"user2": Unsure, "user4": Unsure}},
		{"bad-name\ta: offset 1: \"us\\x01r4/INBOX/3\"\tx", map[string]string{"user2": Unsure, "user4": Unsure}},
		{"bad-name\ta: offset 1: ../user4/INBOX/3\tx", map[string]string{"user2": Unsure, "user4": Unsure}},
		{"bad-name\ta: offset 1: \"user4/IN\\x01OX/3\"\tx", map[string]string{"user2": Whole, "user4": Incomplete}},
		{"bad-name\ta: offset 1: user4/INBOX/3: a\tx", map[string]string{"user2": Whole, "user4": Incomplete}},
		{"bad-value\ta: offset 1\tx", map[string]string{"user2": Whole, "user4": Whole}},
		{"bad-id\ta.ldif:1: uid=x\tx", map[string]string{"user2": Whole, "user4": Whole}},
	} {
		write(t, filepath.Join(out, LinesName), []byte("problem\t"+tt.line+"\n"))
		l, lines := list(t, out)
		for _, line := range lines {
			f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
			if want := tt.state[f[0]]; want != "" && f[6] != want {
				t.Errorf("%s: %s", tt.line, line)
			}
		}
		if n := l.States[Unsure]; n > 0 != (tt.state["user2"] == Unsure) || n > 0 && n != l.Mailboxes || n > 0 && len(l.Faulty) > 0 {
			t.Errorf("%s: %v, %v", tt.line, l.States, l.Faulty)
		}
	}
	if err := os.Remove(filepath.Join(out, LinesName)); err != nil {
		t.Fatal(err)
	}
	n := newNamed()
	n.addKept(&cli.Lines{Total: 7, Kinds: cli.Counts{{Name: "lost-link", N: 3}, {Name: "bad-id", N: 4}}, Items: []cli.Line{
		{Kind: "lost-link", Where: "a: offset 1: joe/INBOX/3"}, {Kind: "bad-id", Where: "a.ldif:1: uid=x"}}})
	r := Row{User: "ann", Name: "INBOX", State: Whole}
	if n.judge(&r); r.State != Unsure || !strings.Contains(r.Reason, "lost-link") || n.anywhere[0].more != 1 {
		t.Errorf("%+v", r)
	}
}

// TestReasonOnThePage: why a mailbox is not whole is said in the language of
// the page, with the line of the log behind it.
func TestReasonOnThePage(t *testing.T) {
	out := site(t, 8, false)
	write(t, filepath.Join(out, LinesName), []byte("problem\tduplicate-uid\ta: offset 1: user4/Sent/3\tx\n"))
	l := reading(t, out, nil)
	ja, _ := AdviceFor("duplicate-uid", "ja")
	for lang, want := range map[string]string{"en": `<td class="text">duplicate-uid: x</td>`, "ja": `<td class="text">` + ja.What + " (duplicate-uid: x)</td>"} {
		var b bytes.Buffer
		if err := l.HTML(&b, lang); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), want) {
			t.Errorf("%s: no %q", lang, want)
		}
	}
	var b bytes.Buffer
	if err := l.HTML(&b, "ja"); err != nil || !strings.Contains(b.String(), "各行の文は、ログと同じ英語です") || !strings.Contains(b.String(), `<dd lang="en">`) {
		t.Errorf("%v: the page does not say in what language its lines are", err)
	}
}

// TestUnplacedInABatch: what a batch has lost is of one of its users.
func TestUnplacedInABatch(t *testing.T) {
	out := site(t, 8, false)
	write(t, filepath.Join(out, LinesName), nil)
	for batch, user := range map[string]string{"one": "User2", "two": "user4", "three": "user5"} {
		dir := filepath.Join(out, batchesDir, batch)
		writeReport(t, filepath.Join(dir, ReportName), cli.Report{Command: "siteconv run"}, Run{Batch: batch})
		write(t, filepath.Join(dir, usersName), []byte(user+"\n"))
		if batch != "three" {
			write(t, filepath.Join(dir, LinesName), []byte("problem\tbad-header\ta: offset 1\tof "+batch+"\n"))
		}
	}
	_, lines := list(t, out)
	for _, line := range lines {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		want, reason := Whole, "-"
		switch f[0] {
		case "user":
			continue
		case "user2":
			want, reason = Unsure, "bad-header: of one, and no mailbox is named"
		case "user4":
			want, reason = Unsure, "bad-header: of two, and no mailbox is named"
		}
		if f[6] != want || f[7] != reason {
			t.Errorf("%q", line)
		}
	}
}

func TestOneLine(t *testing.T) {
	for in, want := range map[string]string{
		"plain text": "plain text", "a\tb": `a\tb`, "a\nb": `a\nb`, `a\b`: `a\\b`, "日本語": "日本語", "\x1b[31m": `\x1b[31m`, "a\xffb": `a\xffb`, "\u202e": `\xe2\x80\xae`, "\ufffd": `\xef\xbf\xbd`,
	} {
		if got := oneLine(in); got != want {
			t.Errorf("%q: %q, not %q", in, got, want)
		}
	}
}

func TestPathPattern(t *testing.T) {
	for _, tt := range []struct{ path, domain, maildir, user string }{
		{"%u/Maildir", "", "joe/Maildir", "joe"}, {"%u/Maildir", "", "joe@a.org/Maildir", "joe@a.org"},
		{"%d/%n/mail", "siroe.com", "siroe.com/joe/mail", "joe"}, {"%d/%n/mail", "siroe.com", "a.org/joe/mail", "joe@a.org"},
		{"%d/%n", "", "a.org/joe", "joe@a.org"}, {"x.y+/%u", "", "x.y+/joe", "joe"}, {"%n/%n", "", "joe/joe", "joe"},
		{"%u/Maildir", "", "elsewhere", "elsewhere"}, {"100%%/%u", "", "100%/joe", "joe"}, {"%", "", "%", "%"},
	} {
		m := readMade("path " + tt.path + "\ndomain " + tt.domain + "\n")
		if got := m.user(tt.maildir); got != tt.user {
			t.Errorf("%s in %s: %q, not %q", tt.maildir, tt.path, got, tt.user)
		}
	}
}

func TestOverQuota(t *testing.T) {
	for _, tt := range []struct {
		bytes, messages int64
		quota           Quota
		over            bool
	}{
		{10, 1, Quota{10, -1}, false}, {11, 1, Quota{10, -1}, true}, {11, 1, Quota{-1, -1}, false}, {11, 2, Quota{-1, 1}, true},
		{11, 2, Quota{-2, -2}, false}, {1, 1, Quota{0, -1}, true}, {0, 0, Quota{0, 0}, false},
	} {
		u := User{Bytes: tt.bytes, Messages: tt.messages, Quota: tt.quota}
		if u.Over() != tt.over {
			t.Errorf("%+v: %v", u, u.Over())
		}
	}
}

// TestMemoryIsBounded: the sums of 500,000 mailboxes of half as many users in
// as many domains need no more memory than those of a tenth of them.
func TestMemoryIsBounded(t *testing.T) {
	heap := func(n int) int64 {
		sums := newTotals()
		sums.limit = func(string) (Quota, bool) { return Quota{1, -1}, true }
		for i := range n {
			r := &Row{User: fmt.Sprintf("user%d@d%d.org", i/2, i/2), Folder: "INBOX", Messages: 3, Bytes: int64(i), State: Incomplete, Years: map[int]int64{1999: 3}}
			sums.add(r, "")
		}
		sums.end("")
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		if sums.Users != int64(n+1)/2 || len(sums.Domains)+1 > keptDomains+1 || sums.OverTotal == 0 || len(sums.Over) != keptOver {
			t.Errorf("%d users, %d domains, %d over", sums.Users, len(sums.Domains), len(sums.Over))
		}
		return int64(m.HeapAlloc)
	}
	small, large := heap(50_000), heap(500_000)
	if large > small+4<<20 {
		t.Errorf("%d bytes for 500,000 mailboxes, %d for a tenth", large, small)
	}
}
