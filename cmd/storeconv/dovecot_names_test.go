package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"imsconv/cmd/internal/peer"
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
