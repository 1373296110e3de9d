package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"imsconv/cmd/internal/peer"
	"imsconv/storeconv/maildir"
	"imsconv/storeconv/sims"
)

// oddMailboxes are mailboxes at the edges of what a server can show.
func oddMailboxes() ([]sentBox, acls) {
	words := make([]string, 40)
	var many []served
	for i := range words {
		words[i] = fmt.Sprintf("word%d", i)
	}
	for i := range 40 { // word39 is on all messages, word0 on one
		many = append(many, mail(uint32(i+1), words[39-i:]...))
	}
	const day = 86400
	dated := func(uid uint32, date int64) served {
		m := mail(uid)
		m.date = date
		return m
	}
	lines := bytes.Repeat([]byte("a line without its CR\nand one with it\r\n"), 60000)
	return []sentBox{
			{"joe", servedBox{name: "INBOX", validity: 4294967295, next: 1, subscribed: true}},
			{"joe", servedBox{name: "words", validity: 2, next: 41, keywords: words, messages: many}},
			{"joe", servedBox{name: "dates", validity: 3, next: 7, messages: []served{
				dated(1, -day), dated(2, 0), dated(3, 1), dated(4, 1<<31-1), dated(5, 1<<31), dated(6, 1<<32-2),
			}}},
			{"joe", servedBox{name: "large", validity: 4, next: 4, messages: []served{
				newServed(1, nil, day, lines), newServed(2, nil, day, bytes.Repeat([]byte("\n"), 1<<20+1)), newServed(3, nil, day, bytes.Repeat([]byte("x"), 3<<20)),
			}}},
			{"joe", servedBox{name: "bytes", validity: 5, next: 12, messages: []served{
				newServed(1, nil, day, nil), newServed(2, nil, day, []byte("\n")), newServed(3, nil, day, []byte("\r")), newServed(4, nil, day, []byte("\r\n")),
				newServed(5, nil, day, []byte("\n\r\n\r")), newServed(6, nil, day, []byte("no line end")), newServed(7, nil, day, []byte("a\x00b\n\x00")),
				newServed(8, nil, day, []byte("\xff\xfe\xf8\n")), newServed(9, nil, day, []byte("From x\nFrom y\n>From z\n")),
				newServed(10, nil, day, bytes.Repeat([]byte("\r"), 70000)), newServed(11, nil, day, append(bytes.Repeat([]byte("a"), 1<<16-1), "\r\nb"...)),
			}}},
			{"joe", servedBox{name: "high", validity: 6, next: 4294967294, messages: []served{mail(1), mail(4294967293)}}},
			{"joe", servedBox{name: "shared", validity: 7, next: 2, messages: []served{mail(1)}, acl: map[string]string{
				"joe": "lrwstipekxa", "sam": "lrs", "anyone": "l", "#staff": "lrwst", "-sam": "w",
			}}},
			{"joe", servedBox{name: "mine not", validity: 8, next: 2, messages: []served{mail(1)}, acl: map[string]string{"joe": "lrs"}}},
		}, acls{
			"joe/shared":   "joe\tlrswipcda\nsam\tlrs\nanyone\tl\n-sam\tw",
			"joe/mine not": "joe\tlrs",
		}
}

// TestServedOdd: keywords beyond the letters, dates beyond 31 bits, line ends
// of all kinds, UIDs and UIDVALIDITY at their ends, rights.
func TestServedOdd(t *testing.T) {
	t.Parallel()
	boxes, rights := oddMailboxes()
	dir := scratch(t)
	x := &exported{dir: dir, store: filepath.Join(dir, "store"), out: filepath.Join(dir, "out"), stream: filepath.Join(dir, "s.sims")}
	writeBoxesWith(t, x.stream, rights, boxes...)
	for _, source := range []string{"stream", "store"} {
		t.Run(source, func(t *testing.T) {
			x.out = filepath.Join(dir, "out-"+source)
			if source == "store" {
				mustRun(t, 0, "restore", "-f", x.stream, "--store", x.store, "--quiet")
			}
			o := x.exportFrom(t, source, 0)
			if !strings.Contains(o.stderr, "word0") || strings.Contains(o.stderr, "word39") {
				t.Errorf("14 keywords are lost, those that are used least:\n%s", o.stderr)
			}
			mustRun(t, 0, "verify", "--maildir", x.out, "-f", x.stream)
			if source == "store" {
				mustRun(t, 0, "verify", "--maildir", x.out, "--store", x.store)
			}
			x.users = []servedUser{{id: "joe", home: filepath.Join(x.out, "joe"), limit: 5 << 20}}
			for _, b := range boxes {
				b.messages = slices.Clone(b.messages)
				if b.name == "words" {
					for i := range b.messages { // the 14 rarest have no letter
						m := &b.messages[i]
						m.flags = slices.DeleteFunc(slices.Clone(m.flags), func(word string) bool {
							var n int
							_, err := fmt.Sscanf(word, "word%d", &n)
							return err == nil && n < 14
						})
					}
				}
				if b.acl != nil {
					delete(b.acl, "#staff")
				}
				x.users[0].boxes = append(x.users[0].boxes, b.servedBox)
			}
			judge(t, x.dovecot(t), x.out, x.users).fail(t)
		})
	}
}

// TestServedUIDs: UIDs that no server has. The messages arrive all the same,
// under others.
func TestServedUIDs(t *testing.T) {
	t.Parallel()
	dir := scratch(t)
	x := &exported{dir: dir, out: filepath.Join(dir, "out"), stream: filepath.Join(dir, "s.sims")}
	box := servedBox{name: "INBOX", validity: 9, messages: []served{mail(1), mail(4294967294), mail(4294967295)}}
	writeBoxes(t, x.stream, sentBox{"joe", box})
	o := run(t, nil, "export", "-f", x.stream, "--to", "maildir", "--out", x.out)
	if o.exit != 0 && o.exit != 3 {
		t.Fatal(o.stderr)
	}
	var err error
	if x.conf, err = os.ReadFile(filepath.Join(x.out, "dovecot.conf.example")); err != nil {
		t.Fatal(err)
	}
	d := x.dovecot(t)
	d.Own(x.out)
	u := &servedUser{id: "joe", home: filepath.Join(x.out, "joe")}
	mailboxesOf(t, d, u)
	found := uidsBySum(t, d, u, "INBOX")
	for _, m := range box.messages {
		if got, ok := found[m.sum]; !ok && !strings.Contains(o.stderr, fmt.Sprint(m.uid)) {
			t.Errorf("message %d is lost, and nobody said so:\n%s", m.uid, o.stderr)
		} else if ok && got.uid != m.uid {
			t.Logf("message %d is there as %d", m.uid, got.uid)
		}
	}
	for _, line := range d.Complaints() {
		t.Error(line)
	}
}

// TestServedLinks: what a store has once, an export has once where dates are
// the same, and else as often as there are dates.
func TestServedLinks(t *testing.T) {
	t.Parallel()
	dir := scratch(t)
	x := &exported{dir: dir, store: filepath.Join(dir, "store"), out: filepath.Join(dir, "out"), stream: filepath.Join(dir, "s.sims")}
	f, err := os.Create(x.stream)
	if err != nil {
		t.Fatal(err)
	}
	w, err := sims.NewWriter(f, sims.Header{Date: 981538200}, 0)
	if err != nil {
		t.Fatal(err)
	}
	m := mail(1, `\Seen`)
	writeMember(t, w, &sims.Member{Kind: sims.Message, Name: "u0/INBOX/1", Time: m.date, Flags: `\Seen`}, m.body)
	x.users = []servedUser{linked("u0", m.date)}
	for i := 1; i < 6; i++ {
		id, date := fmt.Sprintf("u%d", i), m.date+int64(i/3)
		writeMember(t, w, &sims.Member{Kind: sims.Link, Name: id + "/INBOX/1", Link: "u0/INBOX/1", Time: date, Flags: `\Seen`}, nil)
		x.users = append(x.users, linked(id, date))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	mustRun(t, 0, "restore", "-f", x.stream, "--store", x.store, "--quiet")
	for _, source := range []string{"stream", "store", "store hardlink"} {
		t.Run(source, func(t *testing.T) {
			x.out = filepath.Join(dir, "out-"+strings.ReplaceAll(source, " ", "-"))
			from, via, _ := strings.Cut(source, " ")
			var args []string
			if via != "" {
				args = []string{"--via", via}
			}
			x.exportFrom(t, from, 0, args...)
			mustRun(t, 0, "verify", "--maildir", x.out, "-f", x.stream)
			files := make(map[string]int)
			for path, n := range readTree(t, x.out) {
				if filepath.Base(filepath.Dir(path)) == "cur" {
					files[n.first]++
				}
			}
			if len(files) != 2 {
				t.Errorf("%d files for two dates: %v", len(files), files)
			}
			if via == "hardlink" {
				return // the store's files would change hands
			}
			for i := range x.users {
				x.users[i].home = filepath.Join(x.out, x.users[i].id)
			}
			judge(t, x.dovecot(t), x.out, x.users).fail(t)
		})
	}
}

func linked(id string, date int64) servedUser {
	m := mail(1, `\Seen`)
	m.date = date
	return servedUser{id: id, boxes: []servedBox{{name: "INBOX", validity: 981538200, next: 2, messages: []served{m}}}}
}

// TestServedForeign: a store whose indexes are the vendor's has its messages,
// dates and folders served, and nothing to complain of.
func TestServedForeign(t *testing.T) {
	t.Parallel()
	dir := scratch(t)
	x := &exported{dir: dir, store: filepath.Join(dir, "store"), out: filepath.Join(dir, "out")}
	o := run(t, nil, "relocate", "--from", sampleSite+"nms/store", "--store", x.store)
	if o.exit != 0 && o.exit != 3 {
		t.Fatal(o.stderr)
	}
	x.exportFrom(t, "store", 0)
	mustRun(t, 0, "verify", "--maildir", x.out, "--store", x.store)
	d := x.dovecot(t)
	d.Own(x.out)
	messages := make(map[string]bool)
	for path, n := range readTree(t, x.store) {
		if strings.HasSuffix(path, ".msg") {
			body, err := os.ReadFile(filepath.Join(x.store, path))
			if err != nil {
				t.Fatal(err)
			}
			messages[fmt.Sprint(n.mtime, " ", hashHex(shown(body)))] = true
		}
	}
	found := 0
	users, err := os.ReadDir(x.out)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range users {
		if !e.IsDir() || e.Name() == ".imsconv" {
			continue
		}
		u := &servedUser{id: e.Name(), home: filepath.Join(x.out, e.Name())}
		for _, name := range mailboxesOf(t, d, u) {
			for sum, m := range uidsBySum(t, d, u, name) {
				found++
				if !messages[fmt.Sprint(m.date, " ", sum)] {
					t.Errorf("%s: %s: message %d is none of the store", u.id, name, m.uid)
				}
			}
		}
	}
	if found < len(messages) {
		t.Errorf("%d messages of %d", found, len(messages))
	}
	for _, line := range d.Complaints() {
		t.Error(line)
	}
}

func mailboxesOf(t testing.TB, d *peer.Dovecot, u *servedUser) []string {
	t.Helper()
	c, err := d.IMAP(u.id, u.home)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}()
	return namesListed(t, c, "LIST")
}

// TestServedWays: the same mail, however it was written.
func TestServedWays(t *testing.T) {
	t.Parallel()
	stream := sampleSite + "sims/backup.sims"
	for _, args := range [][]string{
		{"--path", "%d/%n/Maildir", "--default-domain", "siroe.com"},
		{"--path", "mail/%u/Maildir", "--layout", "fs", "--escape", "listescape"},
		{"--newline", "crlf"},
		{"--newline", "lf"},
		{"--owner", owned()},
		{"--pop3-uidl", "%v.%08Xu"},
		{"--sync", "none", "--jobs", "7"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			x := exportSite(t, stream, readExpect(t, sampleSite+"expect.json"), args...)
			x.withoutRights(t)
			for i := range x.users {
				u := &x.users[i]
				switch args[1] {
				case "%d/%n/Maildir":
					name, domain, _ := strings.Cut(u.id, "@")
					if domain == "" {
						domain = "siroe.com"
						u.id = name + "@" + domain // so Dovecot has to call them
					}
					u.home = filepath.Join(x.out, domain, name)
				case "mail/%u/Maildir":
					u.home = filepath.Join(x.out, "mail", u.id)
				}
			}
			if args[0] == "--newline" {
				x.plainSizes(t)
			}
			d := x.dovecot(t)
			judge(t, d, x.out, x.users).fail(t)
			if args[0] == "--pop3-uidl" {
				checkUIDLs(t, d, x.users)
			}
		})
	}
}

// plainSizes takes the sizes that files have now, which quotas count.
func (x *exported) plainSizes(t testing.TB) {
	t.Helper()
	for i := range x.users {
		u := &x.users[i]
		used := make(map[string]int64)
		for path, n := range readTree(t, filepath.Join(u.home, "Maildir")) {
			dir, name := filepath.Split(path)
			if filepath.Base(dir) == "cur" {
				_, uid, _ := strings.Cut(name, ".M")
				uid, _, _ = strings.Cut(uid, "P")
				used[filepath.Dir(filepath.Clean(dir))+" "+uid] = n.size
			}
		}
		naming := maildir.Naming{Escape: true}
		for k := range u.boxes {
			b := &u.boxes[k]
			dir, err := naming.Dir(b.name)
			if err != nil {
				t.Fatal(err)
			}
			for j := range b.messages {
				b.messages[j].plain = used[filepath.Clean(dir)+" "+fmt.Sprint(b.messages[j].uid)]
			}
		}
	}
}

// checkUIDLs asks doveadm for the UIDLs that POP3 would show.
func checkUIDLs(t testing.TB, d *peer.Dovecot, users []servedUser) {
	t.Helper()
	for i := range users {
		u := &users[i]
		b := u.box("INBOX")
		if b == nil {
			continue
		}
		out, err := d.Doveadm(u.id, u.home, "-f", "tab", "fetch", "uid pop3.uidl", "mailbox", "INBOX")
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range b.messages {
			if want := fmt.Sprintf("%d\t%d.%08x\n", m.uid, b.validity, m.uid); !strings.Contains(out, want) {
				t.Errorf("%s: doveadm does not say %q:\n%s", u.id, want, out)
			}
		}
	}
}

// TestServedInterleaved: users and mailboxes that come in turns.
func TestServedInterleaved(t *testing.T) {
	t.Parallel()
	dir := scratch(t)
	x := &exported{dir: dir, out: filepath.Join(dir, "out"), stream: filepath.Join(dir, "s.sims")}
	var boxes []sentBox
	x.users = []servedUser{{id: "a", home: filepath.Join(x.out, "a"), limit: 5 << 20}, {id: "b", home: filepath.Join(x.out, "b"), limit: 5 << 20}}
	for i := range x.users {
		x.users[i].boxes = []servedBox{{name: "INBOX", validity: 5, next: 21, subscribed: true}, {name: "Old", validity: 6, next: 21}}
	}
	for uid := uint32(20); uid >= 1; uid-- { // the last comes first
		for i := range x.users {
			for k := range x.users[i].boxes {
				b := &x.users[i].boxes[k]
				m := mail(uid, `\Seen`)
				boxes = append(boxes, sentBox{x.users[i].id, servedBox{
					name: b.name, validity: b.validity, next: b.next, subscribed: b.subscribed, messages: []served{m},
				}})
				b.messages = append(b.messages, m)
			}
		}
	}
	writeBoxes(t, x.stream, boxes...)
	x.exportFrom(t, "stream", 0)
	mustRun(t, 0, "verify", "--maildir", x.out, "-f", x.stream)
	judge(t, x.dovecot(t), x.out, x.users).fail(t)
}
