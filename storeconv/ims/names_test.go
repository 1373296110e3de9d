package ims

import (
	"strings"
	"testing"
)

// The first two rows are the manuals' own, the others were computed with the
// rule that those confirm.
func TestHash(t *testing.T) {
	for id, want := range map[string]string{
		"mack1": "53/53", "user1": "64/b1", "crowe": "e2/13", "joe": "04/73", "smith1": "e0/91", "jdoe": "01/96", "daphne": "c2/70",
		"delilah": "51/64", "druscilla": "f0/16", "desdemona": "86/a1", "dimitria": "77/05", "admin": "f4/60", "public": "96/46", "neo3": "b1/31",
		"wallyc": "45/c2", "wallyc@varrius.org": "64/16", "ofanning": "87/d2", "ofanning@siroe.com": "d7/b1", "joe@siroe.com": "54/17",
		"mailboxpurgeuser202@mailboxpurge.com": "85/01",
	} {
		if got := Hash(id); got != want {
			t.Errorf("Hash(%q) = %q, want %q", id, got, want)
		}
	}
}

func TestNames(t *testing.T) {
	for name, want := range map[string]string{
		"john.smith@siroe.com": "john%dsmith@siroe%dcom", "Old": "+Old", "a b": "a%x20b", "a+b": "a%x2bb", "&ZeVnLIqe-": "&+Ze+Vn+L+Iqe-",
		"x%y": "x%x25y", "~a,b=c_d-e": "~a,b=c_d-e", "\xff": "%xff",
	} {
		if got := EscapeName(name); got != want {
			t.Errorf("EscapeName(%q) = %q, want %q", name, got, want)
		}
		if back, err := UnescapeName(want); err != nil || back != name {
			t.Errorf("UnescapeName(%q) = %q, %v", want, back, err)
		}
	}
	for _, bad := range []string{"A", "+a", "+", "%", "%x", "%x2", "%x2B", "%x61", "%x2e", "a.b", "a b", "%D", "a/b"} {
		if got, err := UnescapeName(bad); err == nil {
			t.Errorf("UnescapeName(%q) = %q, want an error", bad, got)
		}
	}
}

func TestPaths(t *testing.T) {
	for _, c := range []struct{ id, mailbox, dir, name string }{
		{"mack1", "INBOX", "partition/primary/=user/53/53/=mack1", "user/mack1"},
		{"wallyc@varrius.org", "Mail/Old.1999", "partition/primary/=user/64/16/=wallyc@varrius%dorg/=+Mail/=+Old%d1999", "user/wallyc@varrius.org/Mail/Old.1999"},
	} {
		if got := MailboxDir("primary", c.id, c.mailbox); got != c.dir {
			t.Errorf("MailboxDir(%q, %q) = %q, want %q", c.id, c.mailbox, got, c.dir)
		}
		if got := MailboxName(c.id, c.mailbox); got != c.name {
			t.Errorf("MailboxName(%q, %q) = %q, want %q", c.id, c.mailbox, got, c.name)
		}
		back, err := MailboxFromPath(MailboxPath(c.mailbox))
		if err != nil || back != c.mailbox {
			t.Errorf("MailboxFromPath: %q, %v, want %q", back, err, c.mailbox)
		}
	}
	for _, path := range []string{"=+I+N+B+O+X", "=inbox", "=+Inbox"} {
		if name, err := MailboxFromPath(path); err == nil {
			t.Errorf("MailboxFromPath(%q) = %q, want an error: a folder is not the INBOX", path, name)
		}
	}
	if name, err := MailboxFromPath("=+I+N+B+O+X/=sub"); err != nil || name != "INBOX/sub" {
		t.Errorf("MailboxFromPath of a folder of a folder INBOX = %q, %v", name, err)
	}
	for uid, want := range map[uint32]string{1: "00/1.msg", 99: "00/99.msg", 100: "01/100.msg", 9999: "99/9999.msg", 10000: "00/10000.msg", 4294967295: "72/4294967295.msg"} {
		if got := MessagePath(uid); got != want {
			t.Errorf("MessagePath(%d) = %q, want %q", uid, got, want)
		}
		if got, ok := ParseMessageName(want[3:]); !ok || got != uid {
			t.Errorf("ParseMessageName(%q) = %d, %v", want[3:], got, ok)
		}
	}
	for _, bad := range []string{"0.msg", "01.msg", "+1.msg", "4294967296.msg", ".msg", "1", "1.msg.tmp", "99999999999.msg"} {
		if uid, ok := ParseMessageName(bad); ok {
			t.Errorf("ParseMessageName(%q) = %d", bad, uid)
		}
	}
}

func TestForbiddenNames(t *testing.T) {
	for _, id := range []string{"", "-joe", "group=x", "a/b", "a:b", "a\\b", "a%b", "a*b", "a?b", "a&b", "a\x1fb", "a\x7fb", "jos\xe9", "anyone", "anonymous", "anybody",
		"anyone@siroe.com", strings.Repeat("x", 128), ".", ".."} {
		if CheckUserID(id) == nil {
			t.Errorf("CheckUserID(%q) = nil", id)
		}
	}
	for _, id := range []string{"joe", "joe@siroe.com", "John.Smith", "a b", strings.Repeat("x", 127), "x-y", "o'brien"} {
		if err := CheckUserID(id); err != nil {
			t.Errorf("CheckUserID(%q) = %v", id, err)
		}
	}
	for _, name := range []string{"", "/a", "a/", "a//b", "a/../b", ".", "a%", "a*", "a?", "a\tb", "caf\xc3\xa9", strings.Repeat("x", 491), strings.Repeat("X", 128)} {
		if CheckMailbox(name) == nil {
			t.Errorf("CheckMailbox(%q) = nil", name)
		}
	}
	for _, name := range []string{"INBOX", "Mail/flying", "Mail/a b", "&ZeVnLIqe-", "a+b/c:d", strings.Repeat("x", 254), "...", "{|}~"} {
		if err := CheckMailbox(name); err != nil {
			t.Errorf("CheckMailbox(%q) = %v", name, err)
		}
	}
}

// FuzzName holds both directions: every name survives its escaping, and every
// escaped name that is accepted is the one that escaping writes.
func FuzzName(f *testing.F) {
	for _, s := range []string{"john.smith@siroe.com", "+Old", "a%x20b", "%d", "%x2b", "\x00\xff", "&+Ze-"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if back, err := UnescapeName(EscapeName(s)); err != nil || back != s {
			t.Fatalf("round trip of %q: %q, %v", s, back, err)
		}
		if name, err := UnescapeName(s); err == nil && EscapeName(name) != s {
			t.Fatalf("%q stands for %q, which is written %q", s, name, EscapeName(name))
		}
		if CheckMailbox(s) == nil {
			for _, part := range strings.Split(s, "/") {
				if len(Component(part)) > MaxComponent {
					t.Fatalf("%q passes with a component too long", s)
				}
			}
		}
	})
}

// TestMessageDirs: two digits are the name of a directory of messages.
func TestMessageDirs(t *testing.T) {
	for name, want := range map[string]bool{"00": true, "99": true, "0": false, "000": false, "0a": false, "=0": false} {
		if IsMessageDir(name) != want {
			t.Errorf("message directory %q", name)
		}
	}
}
