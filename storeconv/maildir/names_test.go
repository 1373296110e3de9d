package maildir

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/emersion/go-imap/utf7"
)

var namings = []Naming{{PlusPlus, false}, {PlusPlus, true}, {FS, false}, {FS, true}}

// TestNames: the directories are those that Dovecot 2.3.19 made when a client
// created the mailbox; "" where it refused, or where the name became another's.
func TestNames(t *testing.T) {
	long := func(c string, n int) string { return strings.Repeat(c, n) }
	for _, row := range []struct{ name, plain, escaped, fs, fsEscaped string }{
		{"Sent", ".Sent", ".Sent", "Sent", "Sent"},
		{"Sent/2001", ".Sent.2001", ".Sent.2001", "Sent/2001", "Sent/2001"},
		{"v1.2", "", `.v1\2e2`, "v1.2", "v1.2"},
		{"a/v1.2", "", `.a.v1\2e2`, "a/v1.2", "a/v1.2"},
		{".dot", "", `.\2edot`, ".dot", ".dot"},
		{"a/.", "", `.a.\2e`, "", `a/\2e`},
		{"a/..", "", `.a.\2e\2e`, "", `a/\2e.`},
		{"..", "", `.\2e\2e`, "", `\2e.`},
		{"...", "", `.\2e\2e\2e`, "...", "..."},
		{"end.", "", `.end\2e`, "end.", "end."},
		{"50% off", ".50% off", ".50% off", "50% off", "50% off"},
		{"~x", "", `.\7ex`, "", `\7ex`},
		{"~/x", "", `.\7e.x`, "", `\7e/x`},
		{"a/~x", ".a.~x", `.a.\7ex`, "a/~x", `a/\7ex`},
		{"a~b", ".a~b", ".a~b", "a~b", "a~b"},
		{`x\y`, `.x\y`, `.x\5cy`, `x\y`, `x\5cy`},
		{`\2e`, `.\2e`, `.\5c2e`, `\2e`, `\5c2e`},
		{"cur", ".cur", ".cur", "", ""},
		{"a/tmp", ".a.tmp", ".a.tmp", "", ""},
		{"new/x", ".new.x", ".new.x", "", ""},
		{"curx", ".curx", ".curx", "curx", "curx"},
		{"INBOX/x", ".INBOX.x", ".INBOX.x", "INBOX/x", "INBOX/x"},
		{"Inbox/y", "", "", "", ""},
		{"inbox", "", "", "", ""},
		{"a/INBOX", ".a.INBOX", ".a.INBOX", "a/INBOX", "a/INBOX"},
		{"a//b", "", "", "", ""},
		{"/lead", "", "", "", ""},
		{"trail/", "", "", "", ""},
		{"", "", "", "", ""},
		{"dovecot-uidlist", ".dovecot-uidlist", ".dovecot-uidlist", "", ""},
		{"subscriptions", ".subscriptions", ".subscriptions", "", ""},
		{"a/subscriptions", ".a.subscriptions", ".a.subscriptions", "a/subscriptions", "a/subscriptions"},
		{`q"q`, `.q"q`, `.q"q`, `q"q`, `q"q`},
		{" sp ", ". sp ", ". sp ", " sp ", " sp "},
		{"x:y", ".x:y", ".x:y", "x:y", "x:y"},
		{"a*b", ".a*b", ".a*b", "a*b", "a*b"},
		{long("L", 254), "." + long("L", 254), "." + long("L", 254), long("L", 254), long("L", 254)},
		{long("M", 255), "", "", long("M", 255), long("M", 255)},
		{long("N", 256), "", "", "", ""},
		{long(".", 85), "", "", long(".", 85), long(".", 85)},
		{long("n", 200) + "/" + long("n", 200), "", "", long("n", 200) + "/" + long("n", 200), long("n", 200) + "/" + long("n", 200)},
		{"a&b", "", "", "", ""},
		{"a&-b", ".a&-b", ".a&-b", "a&-b", "a&-b"},
		{"&AOQ-", ".&AOQ-", ".&AOQ-", "&AOQ-", "&AOQ-"},
		{"&AOR-", "", "", "", ""},
		{"&AOQ-&AOQ-", "", "", "", ""},
		{"&AGE-", "", "", "", ""},
		{"&AAk-", "", "", "", ""},
		{"&2ADcAA-", ".&2ADcAA-", ".&2ADcAA-", "&2ADcAA-", "&2ADcAA-"},
		{"&2AA-", "", "", "", ""},
		{"\xe4", "", "", "", ""},
		{"ä", "", "", "", ""},
		{"a\tb", "", "", "", ""},
		{"a\x00b", "", "", "", ""},
	} {
		for i, want := range []string{row.plain, row.escaped, row.fs, row.fsEscaped} {
			got, err := namings[i].Dir(row.name)
			if got != want || (err != nil) != (want == "") {
				t.Errorf("%v: %.40q is in %.40q (%v), want %.40q", namings[i], row.name, got, err, want)
			}
		}
	}
}

func TestInbox(t *testing.T) {
	for _, n := range namings {
		dir, err := n.Dir("INBOX")
		sub, errSub := n.Subscription("INBOX")
		name, ok := n.Mailbox("")
		if dir != "" || err != nil || sub != "INBOX" || errSub != nil || name != "INBOX" || !ok {
			t.Errorf("%v: %q %v, %q %v, %q %v", n, dir, err, sub, errSub, name, ok)
		}
	}
}

// TestSubscriptionLines: the lines are those that Dovecot wrote.
func TestSubscriptionLines(t *testing.T) {
	for _, row := range []struct {
		n          Naming
		name, line string
	}{
		{Naming{}, "a/~x", "a\t~x"},
		{Naming{}, `x\y`, `x\y`},
		{Naming{PlusPlus, true}, "a/v1.2", `a` + "\t" + `v1\2e2`},
		{Naming{PlusPlus, true}, "~/x", `\7e` + "\tx"},
		{Naming{FS, true}, "a/..", "a\t" + `\2e.`},
		{Naming{FS, false}, "a/v1.2", "a\tv1.2"},
		{Naming{}, "v1.2", ""},
	} {
		if got, _ := row.n.Subscription(row.name); got != row.line {
			t.Errorf("%v: %q is %q, want %q", row.n, row.name, got, row.line)
		}
	}
}

// TestMailboxRefuses: directories that Dir never returns are nobody's.
func TestMailboxRefuses(t *testing.T) {
	for _, row := range []struct {
		n   Naming
		dir string
	}{
		{Naming{}, "Sent"}, {Naming{}, "."}, {Naming{}, ".."}, {Naming{}, ".a..b"}, {Naming{}, ".end."},
		{Naming{}, ".Inbox"}, {Naming{}, ".INBOX"}, {Naming{}, ".a/b"}, {Naming{}, ".a&b"},
		{Naming{PlusPlus, true}, `.a\5Cb`}, {Naming{PlusPlus, true}, `.a\b`}, {Naming{PlusPlus, true}, `.a\41`},
		{Naming{PlusPlus, true}, ".~x"}, {Naming{PlusPlus, true}, `.x\7e`},
		{Naming{FS, false}, "../x"}, {Naming{FS, false}, "a/../b"}, {Naming{FS, false}, "/a"}, {Naming{FS, false}, "cur"},
		{Naming{FS, true}, `a\2eb`}, {Naming{FS, true}, ".."}, {Naming{FS, false}, "INBOX"},
	} {
		if name, ok := row.n.Mailbox(row.dir); ok {
			t.Errorf("%v: %q is mailbox %q", row.n, row.dir, name)
		}
	}
}

// holdsNames is what must be true of any two names.
func holdsNames(t *testing.T, n Naming, a, b string) {
	t.Helper()
	dir, err := n.Dir(a)
	if err != nil {
		if dir != "" {
			t.Errorf("%v: %q has an error and the directory %q", n, a, dir)
		}
		return
	}
	if back, ok := n.Mailbox(dir); !ok || back != a {
		t.Errorf("%v: %q is in %q, which is %q, %v", n, a, dir, back, ok)
	}
	for level := range strings.SplitSeq(dir, "/") {
		if level == "." || level == ".." || level == "" && a != "INBOX" || len(level) > 255 || strings.ContainsRune(level, 0) {
			t.Errorf("%v: %q leads to %q", n, a, dir)
		}
	}
	if other, err := n.Dir(b); err == nil && a != b && strings.EqualFold(other, dir) && !strings.EqualFold(a, b) {
		t.Errorf("%v: %q and %q are both in %q", n, a, b, dir)
	}
	line, err := n.Subscription(a)
	if err != nil {
		t.Errorf("%v: %q has a directory and no subscription: %v", n, a, err)
	}
	var out strings.Builder
	if err := WriteSubscriptions(&out, []string{line}); err != nil {
		t.Fatal(err)
	}
	back, err := ReadSubscriptions(strings.NewReader(out.String()), n, func(e *Error) { t.Error(e) })
	if err != nil || len(back) != 1 || back[0] != a {
		t.Errorf("%v: the subscription of %q reads as %q, %v", n, a, back, err)
	}
}

func TestNamesRoundTrip(t *testing.T) {
	parts := []string{"a", "b", "B", ".", "..", "/", "~", `\`, `\2e`, `\5c`, `\7e`, "INBOX", "Inbox", "cur", "new", "&AOQ-", "&-", "&", " ", "%", "dovecot-", "ä", "\t", strings.Repeat("x", 84)}
	r := rand.New(rand.NewPCG(1, 2))
	name := func() string {
		var b strings.Builder
		for range 1 + r.IntN(6) {
			b.WriteString(parts[r.IntN(len(parts))])
		}
		return b.String()
	}
	for _, n := range namings {
		seen := map[string]string{}
		for range 8000 {
			a := name()
			holdsNames(t, n, a, name())
			if dir, err := n.Dir(a); err == nil {
				if other, ok := seen[dir]; ok && other != a {
					t.Fatalf("%v: %q and %q are both in %q", n, a, other, dir)
				}
				seen[dir] = a
			}
		}
		if len(seen) < 300 {
			t.Errorf("%v: only %d names could be kept", n, len(seen))
		}
	}
}

func FuzzNames(f *testing.F) {
	for _, s := range []string{"INBOX", "a/v1.2", `x\2ey`, "~", "&AOQ-", "inbox/x", "cur"} {
		f.Add(s, s+"x", uint8(0))
		f.Add(s, "."+s, uint8(3))
	}
	f.Fuzz(func(t *testing.T, a, b string, k uint8) {
		n := namings[k%4]
		holdsNames(t, n, a, b)
		if name, ok := n.Mailbox(a); ok {
			if dir, err := n.Dir(name); err != nil || dir != a {
				t.Errorf("%v: %q is %q, which is in %q, %v", n, a, name, dir, err)
			}
		}
		if utf8.ValidString(b) {
			if enc, err := utf7.Encoding.NewEncoder().String(b); err == nil {
				holdsNames(t, n, enc, a)
			}
		}
	})
}

func TestNamesInUTF8(t *testing.T) {
	for _, row := range []struct {
		names []string
		utf8  bool
	}{
		{[]string{"Sent", "Entw&APw-rfe"}, false},
		{[]string{"Sent", "Entwürfe", "R&D"}, true},
		{[]string{"Entwürfe", "d\xe9j\xe0"}, false},
		{nil, false},
	} {
		if got := InUTF8(row.names); got != row.utf8 {
			t.Errorf("%q: %v", row.names, got)
		}
	}
	for _, row := range []struct {
		name, want string
		ok         bool
	}{
		{"Sent/2001", "Sent/2001", true},
		{"Entwürfe", "Entw&APw-rfe", true},
		{"a/ä/日本", "a/&AOQ-/&ZeVnLA-", true},
		{"R&D", "R&-D", true},
		{"A & B-C", "A &- B-C", true},
		{"Müller & Söhne", "M&APw-ller &- S&APY-hne", true},
		{"ü & b-c", "&APw- &- b-c", true},
		{"😀", "&2D3eAA-", true},
		{"Entw&APw-rfe", "Entw&APw-rfe", true}, // as servers write it
		{"R&-D", "R&-D", true},
		{"Entw&APw-rfe ä", "Entw&APw-rfe ä", false},
		{"ä&-b", "ä&-b", false},
		{"d\xe9j\xe0", "d\xe9j\xe0", false},
	} {
		if got, ok := FromUTF8(row.name); got != row.want || ok != row.ok {
			t.Errorf("%q: %q, %v", row.name, got, ok)
		}
	}
}

// TestManyAmpersands: each "&" of a name is looked at with what belongs to it.
func TestManyAmpersands(t *testing.T) {
	for _, name := range []string{"ä" + strings.Repeat("&", 2000) + "x-", "ä" + strings.Repeat("&AAE", 2000) + "x-"} {
		n := testing.AllocsPerRun(1, func() {
			if _, ok := FromUTF8(name); !ok {
				t.Errorf("%.20q stays", name)
			}
		})
		if n > 2*2000 {
			t.Errorf("%.20q: %v allocations", name, n)
		}
	}
}
