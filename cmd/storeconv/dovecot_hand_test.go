package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"imsconv/cmd/internal/peer"
)

// handConf is a configuration for a Maildir++ made by hand.
const handConf = `
mail_location = maildir:~/Maildir
mail_plugins = acl quota listescape
namespace inbox {
  inbox = yes
  separator = /
}
plugin {
  acl = vfile
  quota = maildir:User quota
}
protocol imap {
  mail_plugins = acl quota listescape imap_acl imap_quota
}
`

// byHand writes the Maildir++ of a user as Dovecot's documents have it, with
// nothing of the converter's code.
func byHand(t testing.TB, u *servedUser) {
	t.Helper()
	root := filepath.Join(u.home, "Maildir")
	subscriptions, used, count := "V\t2\n\n", int64(0), 0
	for i := range u.boxes {
		b := &u.boxes[i]
		boxByHand(t, handDir(root, b.name), i, u.id, b)
		if b.subscribed {
			subscriptions += strings.ReplaceAll(handName(b.name), "/", "\t") + "\n"
		}
		for k := range b.messages {
			used, count = used+b.messages[k].plain, count+1
		}
	}
	put(t, filepath.Join(root, "subscriptions"), subscriptions)
	put(t, filepath.Join(root, "maildirsize"), fmt.Sprintf("%dS\n%d %d\n", max(u.limit, 0), used, count))
}

// handName escapes a name as the plugin listescape does.
func handName(name string) string {
	return strings.NewReplacer(".", `\2e`, `\`, `\5c`).Replace(name)
}

func handDir(root, name string) string {
	if name == "INBOX" {
		return root
	}
	return filepath.Join(root, "."+strings.ReplaceAll(handName(name), "/", "."))
}

func boxByHand(t testing.TB, dir string, number int, owner string, b *servedBox) {
	t.Helper()
	for _, sub := range []string{"cur", "new", "tmp"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	uidlist := fmt.Sprintf("3 V%d N%d G3085f01b7f11094c501100008c4a%04x\n", b.validity, b.next, number)
	for i := range b.messages {
		m := &b.messages[i]
		name := handFile(b, m)
		path := filepath.Join(dir, "cur", name)
		put(t, path, string(m.body))
		at := time.Unix(m.date, 0)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
		uidlist += fmt.Sprintf("%d :%s\n", m.uid, name)
	}
	put(t, filepath.Join(dir, "dovecot-uidlist"), uidlist)
	var keywords, acl strings.Builder
	for i, word := range b.keywords {
		fmt.Fprintf(&keywords, "%d %s\n", i, word)
	}
	if keywords.Len() > 0 {
		put(t, filepath.Join(dir, "dovecot-keywords"), keywords.String())
	}
	for id, rights := range b.acl {
		switch {
		case id == owner:
			id = "owner"
		case id != "anyone":
			id = "user=" + id
		}
		fmt.Fprintf(&acl, "%s %s\n", id, rights)
	}
	if acl.Len() > 0 {
		put(t, filepath.Join(dir, "dovecot-acl"), acl.String())
	}
	if filepath.Base(dir) != "Maildir" {
		put(t, filepath.Join(dir, "maildirfolder"), "")
	}
}

// handFile is the name of a message's file.
func handFile(b *servedBox, m *served) string {
	var letters []byte
	for _, flag := range m.flags {
		switch flag {
		case `\Draft`:
			letters = append(letters, 'D')
		case `\Flagged`:
			letters = append(letters, 'F')
		case `\Answered`:
			letters = append(letters, 'R')
		case `\Seen`:
			letters = append(letters, 'S')
		case `\Deleted`:
			letters = append(letters, 'T')
		default:
			letters = append(letters, 'a'+byte(slices.Index(b.keywords, flag)))
		}
	}
	slices.Sort(letters)
	return fmt.Sprintf("%d.M%dP0.hand,S=%d,W=%d:2,%s", m.date, m.uid, m.plain, m.size, letters)
}

func put(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// handUser is a user with a bit of everything.
func handUser(home string) servedUser {
	const date = 961579934
	body := func(n int) []byte { return fmt.Appendf(nil, "From: a@x\r\nSubject: %d\r\n\r\nbody\r\n", n) }
	return servedUser{
		id: "u", home: home, limit: 10 << 20,
		boxes: []servedBox{
			{
				name: "INBOX", validity: 1008099930, next: 1008276528, subscribed: true, keywords: []string{"$Junk", "work"},
				messages: []served{
					newServed(2, []string{`\Seen`}, date, body(2)),
					newServed(3, []string{`\Flagged`, `\Answered`, `\Seen`, "$Junk", "work"}, date, body(3)),
					newServed(7, nil, date+5, []byte("From: a@x\n\nbare LF\n")),
					newServed(1008276527, []string{`\Deleted`, `\Draft`, "work"}, date+9, []byte("From: a\r\n\r\na\x00b\xff\rc\nd\r\n")),
				},
			},
			{
				name: "Sent", validity: 12345, next: 10, subscribed: true, acl: map[string]string{"u": "lrwstipekxa", "v": "lrs", "anyone": "l"},
				messages: []served{newServed(5, []string{`\Seen`}, date, body(5))},
			},
			{name: "Sent/2001", validity: 12346, next: 10, messages: []served{newServed(5, nil, 0, body(6))}},
			{name: "v1.2/.x", validity: 4294967295, next: 1, subscribed: true},
			{name: "Entw&APw-rfe", validity: 1, next: 4294967294, messages: []served{newServed(4294967293, nil, date, nil)}},
		},
	}
}

// handSite prepares a user and its Dovecot.
func handSite(t testing.TB) (dir string, d *peer.Dovecot, u servedUser) {
	t.Helper()
	dir = scratch(t)
	d = peer.NewDovecot(t, filepath.Join(dir, "dovecot"), []byte(handConf))
	u = handUser(filepath.Join(dir, "out", "u"))
	byHand(t, &u)
	return dir, d, u
}

// TestJudgeIsContent: the judge of exports finds no fault with a Maildir++ that
// was made by hand, nor with what doveadm makes of it.
func TestJudgeIsContent(t *testing.T) {
	dir, d, u := handSite(t)
	judge(t, d, filepath.Join(dir, "out"), []servedUser{u}).fail(t)
	keptBy(t, "mdbox", dir, []byte(handConf), d, []servedUser{u}).fail(t)
}

// rewrite changes a file of a Maildir.
func rewrite(t testing.TB, path string, change func(string) string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	changed := change(string(text))
	if changed == string(text) {
		t.Fatalf("%s: nothing to change in %q", path, text)
	}
	put(t, path, changed)
}

// messageOf finds the file of a message made by hand.
func messageOf(t testing.TB, box string, uid uint32) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(box, "cur", fmt.Sprintf("*.M%dP0.*", uid)))
	if err != nil || len(found) != 1 {
		t.Fatalf("%s: %d: %q, %v", box, uid, found, err)
	}
	return found[0]
}

func move(t testing.TB, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

func replace(old, with string) func(string) string {
	return func(s string) string { return strings.Replace(s, old, with, 1) }
}

// traps are the faults of a Maildir that an export could make, and what the
// judge has to say of each.
var traps = []struct {
	name  string
	plant func(t testing.TB, root string)
	says  string
}{
	{"uids do not ascend", func(t testing.TB, root string) {
		rewrite(t, root+"/dovecot-uidlist", func(s string) string {
			lines := strings.SplitAfter(s, "\n")
			lines[1], lines[2] = lines[2], lines[1]
			return strings.Join(lines, "")
		})
	}, "Broken file"},
	{"UIDVALIDITY 0", func(t testing.TB, root string) {
		rewrite(t, root+"/dovecot-uidlist", replace(" V1008099930 ", " V0 "))
	}, "u: INBOX: UIDVALIDITY is"},
	{"another UIDVALIDITY", func(t testing.TB, root string) {
		rewrite(t, root+"/.Sent/dovecot-uidlist", replace(" V12345 ", " V12344 "))
	}, "u: Sent: UIDVALIDITY is 12344"},
	{"another UIDNEXT", func(t testing.TB, root string) {
		rewrite(t, root+"/.Sent/dovecot-uidlist", replace(" N10 ", " N11 "))
	}, "u: Sent: UIDNEXT is 11"},
	{"UID 2^32-1", func(t testing.TB, root string) {
		rewrite(t, root+"/dovecot-uidlist", replace("\n1008276527 ", "\n4294967295 "))
	}, "Broken file"},
	{"another UID", func(t testing.TB, root string) {
		rewrite(t, root+"/dovecot-uidlist", replace("\n7 ", "\n8 "))
	}, "u: INBOX: message 7 is missing"},
	{"bad header", func(t testing.TB, root string) {
		rewrite(t, root+"/dovecot-uidlist", replace("3 V", "4 V"))
	}, "u: INBOX: UIDVALIDITY is"},
	{"no uidlist", func(t testing.TB, root string) {
		if err := os.Remove(root + "/dovecot-uidlist"); err != nil {
			t.Fatal(err)
		}
	}, "u: INBOX: UIDVALIDITY is"},
	{"no GUID", func(t testing.TB, root string) {
		rewrite(t, root+"/dovecot-uidlist", replace(" G3085f01b7f11094c501100008c4a0000", ""))
	}, "dovecot-uidlist was"},
	{"a file that no line names", func(t testing.TB, root string) {
		put(t, root+"/cur/5.M5P0.x,S=2,W=2:2,S", "\r\n")
	}, "u: INBOX: message 1008276528 is too much"},
	{"a line without a file", func(t testing.TB, root string) {
		if err := os.Remove(messageOf(t, root, 3)); err != nil {
			t.Fatal(err)
		}
	}, "u: INBOX: message 3 is missing"},
	{"wrong W", func(t testing.TB, root string) {
		rewrite(t, root+"/dovecot-uidlist", replace("W=31", "W=99"))
		file := messageOf(t, root, 2)
		move(t, file, strings.Replace(file, "W=31", "W=99", 1))
	}, "Maildir filename has wrong W value"},
	{"wrong S", func(t testing.TB, root string) {
		rewrite(t, root+"/dovecot-uidlist", replace("S=31", "S=99"))
		file := messageOf(t, root, 2)
		move(t, file, strings.Replace(file, "S=31", "S=99", 1))
	}, "the name says 99 bytes"},
	{"one base name for two messages", func(t testing.TB, root string) {
		two, three := messageOf(t, root, 2), messageOf(t, root, 3)
		twin := strings.Replace(two, ":2,S", ":2,F", 1)
		move(t, three, twin)
		rewrite(t, root+"/dovecot-uidlist", replace(filepath.Base(three), filepath.Base(twin)))
	}, "u: INBOX: message"},
	{"hard links of two dates", func(t testing.TB, root string) {
		five := messageOf(t, root+"/.Sent", 5)
		two := messageOf(t, root, 2)
		put(t, five, "From: a@x\r\nSubject: 2\r\n\r\nbody\r\n")
		if err := os.Remove(two); err != nil {
			t.Fatal(err)
		}
		if err := os.Link(five, two); err != nil {
			t.Fatal(err)
		}
		later := time.Unix(1000000000, 0)
		if err := os.Chtimes(two, later, later); err != nil {
			t.Fatal(err)
		}
	}, "u: Sent: message 5 is of 1000000000"},
	{"date", func(t testing.TB, root string) {
		later := time.Unix(961579935, 0)
		if err := os.Chtimes(messageOf(t, root, 2), later, later); err != nil {
			t.Fatal(err)
		}
	}, "u: INBOX: message 2 is of 961579935"},
	{"a file in new", func(t testing.TB, root string) {
		file := messageOf(t, root, 2)
		move(t, file, filepath.Join(root, "new", filepath.Base(file)))
	}, ":2,S is new"},
	{"flags", func(t testing.TB, root string) {
		file := messageOf(t, root, 2)
		move(t, file, strings.Replace(file, ":2,S", ":2,FS", 1))
	}, `u: INBOX: message 2 has the flags ["\\Flagged" "\\Seen"]`},
	{"keywords in another order", func(t testing.TB, root string) {
		put(t, root+"/dovecot-keywords", "0 work\n1 $Junk\n")
	}, "u: INBOX: message 1008276527 has the flags"},
	{"content", func(t testing.TB, root string) {
		rewrite(t, messageOf(t, root, 2), replace("body", "Body"))
	}, "u: INBOX: message 2 has 31 bytes"},
	{"escape in subscriptions", func(t testing.TB, root string) {
		rewrite(t, root+"/subscriptions", replace(`v1\2e2`, "v1.2"))
	}, "u: LSUB shows"},
	{"a folder too much", func(t testing.TB, root string) {
		for _, sub := range []string{"cur", "new", "tmp"} {
			if err := os.MkdirAll(root+"/.More/"+sub, 0o700); err != nil {
				t.Fatal(err)
			}
		}
	}, "u: LIST shows"},
	{"rights", func(t testing.TB, root string) {
		rewrite(t, root+"/.Sent/dovecot-acl", replace("user=v lrs", "user=v lr"))
	}, `u: Sent: v has the rights "lr"`},
	{"usage", func(t testing.TB, root string) {
		rewrite(t, root+"/maildirsize", func(s string) string { return s + "4096 1\n" })
	}, "u: the quota is"},
	{"limit", func(t testing.TB, root string) {
		rewrite(t, root+"/maildirsize", replace("10485760S", "20971520S"))
	}, "u: the quota is"},
}

// TestJudgeSeesTraps plants every fault and hears what the judge says: a judge
// that passes everything is none.
func TestJudgeSeesTraps(t *testing.T) {
	t.Parallel()
	for _, trap := range traps {
		t.Run(trap.name, func(t *testing.T) {
			dir, d, u := handSite(t)
			trap.plant(t, filepath.Join(u.home, "Maildir"))
			j := judge(t, d, filepath.Join(dir, "out"), []servedUser{u})
			if !strings.Contains(strings.Join(j.lines, "\n"), trap.says) {
				t.Errorf("the judge says %q, not %q", j.lines, trap.says)
			}
		})
	}
}
