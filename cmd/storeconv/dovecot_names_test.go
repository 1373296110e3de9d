package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"imsconv/cmd/internal/peer"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/maildir"
)

// namings are the ways to keep names, with Dovecot's words for them.
var namings = []struct {
	name   string
	naming maildir.Naming
	conf   string
}{
	{"plain", maildir.Naming{}, "mail_location = maildir:~/Maildir\n"},
	{"escape", maildir.Naming{Escape: true}, "mail_location = maildir:~/Maildir\nmail_plugins = listescape\n"},
	{"fs", maildir.Naming{Layout: maildir.FS}, "mail_location = maildir:~/Maildir:LAYOUT=fs\n"},
	{"fs escape", maildir.Naming{Layout: maildir.FS, Escape: true}, "mail_location = maildir:~/Maildir:LAYOUT=fs\nmail_plugins = listescape\n"},
}

// oddNames are what mailboxes of a store may be called, and trouble.
var oddNames = []string{
	"Sent", "Sent/2001", "deep/er/and/er", "v1.2", "a/v1.2", ".dot", "a/.dot", "end.", "a./b", "..x", "...",
	"x\\y", "x\\2ey", "\\", "a b", " lead", "trail ", "50% off", "a~b", "~", "~x", "~x/y", "a/~x", "a/~",
	"Entw&APw-rfe", "&ZeVnLIqe-", "a&-b", "cur", "a/new", "tmp/x", "Cur", "dovecot-uidlist", "subscriptions", "dovecot.index", "maildirsize",
	"INBOX/x", "Sent.2001", "sent", "SENT", "#news", "#shared/x", "(a)", "{3}", `"q"`, "'q'", "[Gmail]/All", "a,b;c=d",
	"-", "--", "=", "+", "!", "@", "`", "|", "<x>", "a:b", "S=1", "new/cur/tmp",
	strings.Repeat("x", 200), strings.Repeat("y", 254), strings.Repeat("z", 255), strings.Repeat("d/", 100) + "d", strings.Repeat("long level/", 22) + "end",
}

// TestNamesAsDovecot: a mailbox that Dovecot makes lies where we say, and is
// subscribed to as we say. Where we keep a name, Dovecot does.
func TestNamesAsDovecot(t *testing.T) {
	t.Parallel()
	for _, n := range namings {
		t.Run(n.name, func(t *testing.T) {
			dir := scratch(t)
			d := peer.NewDovecot(t, filepath.Join(dir, "dovecot"), []byte(n.conf+"namespace inbox {\n  inbox = yes\n  separator = /\n}\n"))
			for i, name := range oddNames {
				home := filepath.Join(dir, "out", "u"+string(rune('A'+i/26))+string(rune('a'+i%26)))
				if err := os.MkdirAll(filepath.Join(home, "Maildir"), 0o700); err != nil {
					t.Fatal(err)
				}
				d.Own(home)
				madeByDovecot(t, d, home, n.naming, name)
			}
			for _, line := range d.Complaints() {
				t.Log(line)
			}
		})
	}
}

// madeByDovecot has Dovecot make one mailbox and compares.
func madeByDovecot(t *testing.T, d *peer.Dovecot, home string, naming maildir.Naming, name string) {
	t.Helper()
	want, refused := naming.Dir(name)
	line, err := naming.Subscription(name)
	if (err == nil) != (refused == nil) {
		t.Errorf("%q: Dir says %v, Subscription %v", name, refused, err)
	}
	c, err := d.IMAP("u", home)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close() // what it warns of a name that we refuse is its own matter
	_, err = c.Do("CREATE %s", peer.Quote(name))
	if err == nil {
		_, err = c.Do("SUBSCRIBE %s", peer.Quote(name))
	}
	if err != nil {
		if refused == nil {
			t.Errorf("%q: Dovecot refuses what we keep as %q: %v", name, want, err)
		}
		return
	}
	got := mailboxDirs(t, filepath.Join(home, "Maildir"))
	subs, err := os.ReadFile(filepath.Join(home, "Maildir", "subscriptions"))
	if err != nil {
		t.Fatal(err)
	}
	_, subscribed, _ := strings.Cut(string(subs), "\n\n")
	subscribed = strings.TrimSuffix(subscribed, "\n")
	if refused != nil {
		t.Logf("%q: we refuse (%v) what Dovecot keeps as %q, %q", name, refused, got, subscribed)
		return
	}
	if !slices.Contains(got, want) || subscribed != line {
		t.Errorf("%q: Dovecot has %q and subscribes to %q; we say %q and %q", name, got, subscribed, want, line)
	}
}

// mailboxDirs are the directories that have a cur, but for the root.
func mailboxDirs(t testing.TB, root string) []string {
	t.Helper()
	var dirs []string
	for name, n := range readTree(t, root) {
		if n.mode.IsDir() && filepath.Base(name) == "cur" && name != "cur" {
			dirs = append(dirs, filepath.Dir(name))
		}
	}
	slices.Sort(dirs)
	return dirs
}

// TestServedNames: mailboxes of every name arrive, in every layout, none lost
// and none merged with another; those whose name can be kept under it.
func TestServedNames(t *testing.T) {
	t.Parallel()
	var boxes []sentBox
	for _, name := range oddNames {
		if ims.CheckMailbox(name) == nil {
			boxes = append(boxes, sentBox{"odd", oddBox(name, len(boxes))})
		}
	}
	for _, name := range []string{"inbox/x", "inbox_/x", "a.b", "a_b", "a/cur", "a/cur_", "&AGE-", "v&-", "deep/" + strings.Repeat("0123456789", 24)} {
		boxes = append(boxes, sentBox{"odd", oddBox(name, len(boxes))})
	}
	for _, options := range [][]string{
		{}, {"--escape", "listescape"}, {"--escape", "none"}, {"--layout", "fs"}, {"--layout", "fs", "--escape", "none"},
	} {
		t.Run(strings.Join(options, " "), func(t *testing.T) {
			dir := scratch(t)
			x := &exported{dir: dir, out: filepath.Join(dir, "out"), stream: filepath.Join(dir, "s.sims")}
			writeBoxes(t, x.stream, boxes...)
			o := x.exportFrom(t, "stream", 0, options...)
			naming := maildir.Naming{Escape: !slices.Contains(options, "none")}
			if slices.Contains(options, "fs") {
				naming.Layout = maildir.FS
			}
			d := x.dovecot(t)
			d.Own(x.out)
			arrived(t, d, &servedUser{id: "odd", home: filepath.Join(x.out, "odd")}, naming.Dir, boxes, o.stderr)
			for _, line := range d.Complaints() {
				t.Error(line)
			}
			// Dovecot has been there: the files are its own now.
			mustRun(t, 0, "verify", "--maildir", x.out, "-f", x.stream, "--owner", owned())
		})
	}
}

// owned is who everything belongs to where Dovecot is.
func owned() string {
	if os.Getuid() == 0 {
		return "65534:65534"
	}
	return fmt.Sprintf("%d:%d", os.Getuid(), os.Getgid())
}

func oddBox(name string, n int) servedBox {
	body := fmt.Appendf(nil, "Subject: %d\r\n\r\n%s\r\n", n, name)
	return servedBox{name: name, validity: uint32(n + 1), next: 3, subscribed: n%2 == 0, messages: []served{newServed(2, []string{`\Seen`}, 961579934, body)}}
}

// TestServedDomains: where users log in with their domains, GETACL names them
// so, and the owner's own rights are his.
func TestServedDomains(t *testing.T) {
	t.Parallel()
	dir := scratch(t)
	x := &exported{dir: dir, out: filepath.Join(dir, "out"), stream: filepath.Join(dir, "s.sims")}
	own := oddBox("INBOX", 0)
	other := oddBox("INBOX", 1)
	rights := acls{
		"joe/INBOX":             "joe\tlr\nbob\tlrs\njoe@siroe.com\tlrswipcda\nann@varrius.org\tlr\nsam@siroe.com\tl\nanyone\tl\n-bob\ts",
		"ann@varrius.org/INBOX": "ann@varrius.org\tlrswipcda\njoe\tlr",
	}
	writeBoxesWith(t, x.stream, rights, sentBox{"ann@varrius.org", other}, sentBox{"joe", own})
	where := []string{"--path", "%d/%n/Maildir", "--default-domain", "siroe.com"}
	x.exportFrom(t, "stream", 0, where...)
	mustRun(t, 0, "verify", "--maildir", x.out, "-f", x.stream)
	mustRun(t, 0, append([]string{"verify", "--maildir", x.out, "-f", x.stream}, where...)...)
	const all = "lrwstipekxa"
	own.acl = map[string]string{"joe@siroe.com": all, "bob@siroe.com": "lrs", "ann@varrius.org": "lr", "sam@siroe.com": "l", "anyone": "l", "-bob@siroe.com": "s"}
	other.acl = map[string]string{"ann@varrius.org": all, "joe@siroe.com": "lr"}
	d := x.dovecot(t)
	d.Own(x.out)
	j := &judgement{}
	for _, u := range []servedUser{{id: "joe@siroe.com", home: x.out + "/siroe.com/joe", boxes: []servedBox{own}}, {id: "ann@varrius.org", home: x.out + "/varrius.org/ann", boxes: []servedBox{other}}} {
		c, err := d.IMAP(u.id, u.home)
		if err != nil {
			t.Fatal(err)
		}
		err = j.rights(c, u.id, &u.boxes[0])
		if err := errors.Join(err, c.Close()); err != nil {
			t.Error(err)
		}
	}
	j.fail(t)
}

// TestServedMboxNames: whatever a mailbox is called, Dovecot serves its file,
// and restore reads it.
func TestServedMboxNames(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("0123456789", 24)
	changed := []string{
		".dot", ".imap", ".imap/x", "a/.b/c", "Drafts.lock", "INBOX/x", "INBOX/x/y", "Inbox/z", "index.html", "Old.mbox", "X.sbd/y", "a/folder.msg", "Old.mbx", "X.fol/y",
		"cur", "dovecot-acl", "subscriptions", "~x", long + "x", "deep/" + long + "/" + long + "y",
	}
	var boxes []sentBox
	for _, name := range append([]string{"INBOX", "v1.2", "a/b", "deep/er/x.y", "end.", long, "import", `b\c`}, changed...) {
		boxes = append(boxes, sentBox{"odd", oddBox(name, len(boxes))})
	}
	dir := scratch(t)
	x := &exported{dir: dir, out: filepath.Join(dir, "out"), stream: filepath.Join(dir, "s.sims")}
	writeBoxes(t, x.stream, boxes...)
	o := x.exportAs(t, "mbox", "stream", 0)
	mustRun(t, 0, "restore", x.out, "--store", filepath.Join(dir, "back"))
	again := x.exportAs(t, "mbox", "stream", 0)
	if !strings.Contains(again.stderr, fmt.Sprintf("already there %d", len(boxes))) {
		t.Error(again.stderr)
	}
	d := x.dovecot(t)
	d.Own(x.out)
	arrived(t, d, &servedUser{id: "odd", home: filepath.Join(x.out, "odd")}, func(name string) (string, error) {
		if slices.Contains(changed, name) {
			return "", errors.New("no name of a file")
		}
		return name, nil
	}, boxes, o.stderr)
	for _, line := range d.Complaints() {
		t.Error(line)
	}
}

// arrived looks for every mailbox, by the message in it.
func arrived(t *testing.T, d *peer.Dovecot, u *servedUser, dir func(name string) (string, error), boxes []sentBox, told string) {
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
	byBody := make(map[string]servedBox)
	for _, name := range namesListed(t, c, "LIST") {
		answers, err := c.Do("EXAMINE %s", peer.Quote(name))
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		b := servedBox{name: name}
		if _, err := fmt.Sscan(statusCodes(answers)["UIDVALIDITY"], &b.validity); err != nil {
			t.Errorf("%q: %v", name, err)
		}
		answers, err = c.Do("UID FETCH 1:* (UID BODY.PEEK[])")
		if err != nil {
			t.Errorf("%q: %v", name, err)
		}
		for _, a := range answers {
			if a.Name == "FETCH" && len(a.Items) == 1 {
				m, err := fetched(a.Items[0].List)
				if err != nil || byBody[m.sum].name != "" {
					t.Errorf("%q: a message of %q, %v", name, byBody[m.sum].name, err)
				}
				byBody[m.sum] = b
			}
		}
	}
	subscribed := namesListed(t, c, "LSUB")
	for _, want := range boxes {
		got, ok := byBody[want.messages[0].sum]
		delete(byBody, want.messages[0].sum)
		_, err := dir(want.name)
		switch {
		case !ok:
			t.Errorf("%q is lost", want.name)
		case got.validity != want.validity:
			t.Errorf("%q: UIDVALIDITY is %d, should be %d", want.name, got.validity, want.validity)
		case err == nil && got.name != want.name:
			t.Errorf("%q is called %q", want.name, got.name)
		case err != nil && !strings.Contains(told, want.name):
			t.Errorf("%q is called %q, and nobody said so", want.name, got.name)
		case slices.Contains(subscribed, got.name) != want.subscribed:
			t.Errorf("%q, called %q: subscribed is %v", want.name, got.name, !want.subscribed)
		}
	}
	for _, b := range byBody {
		t.Errorf("%q is too much", b.name)
	}
}

// namesListed are the mailboxes that a command lists.
func namesListed(t testing.TB, c *peer.IMAP, command string) []string {
	t.Helper()
	names, err := listing(c, command)
	if err != nil {
		t.Error(err)
	}
	return names
}
