package main

import (
	"math/rand/v2"
	"testing"

	"imsconv/storeconv/sims"
)

// The ranges know every UID that was put in, in whatever order.
func TestUIDRanges(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var s uidRanges
		has := make(map[uint32]bool)
		for range 300 {
			uid := 1 + rnd.Uint32N(200)
			if rnd.Uint32N(20) == 0 {
				uid = 1<<32 - 1 - rnd.Uint32N(3)
			}
			if s.add(uid) == has[uid] {
				t.Fatalf("%d: known %v, ranges %v", uid, has[uid], s)
			}
			has[uid] = true
		}
		for i := 1; i < len(s); i++ {
			if s[i].first <= s[i-1].last+1 {
				t.Fatalf("ranges %v", s)
			}
		}
	}
}

func TestProfileCheck(t *testing.T) {
	var c profileCheck
	for _, row := range []struct {
		m    sims.Member
		kind string
	}{
		{sims.Member{Kind: sims.User, User: "anyone"}, "bad-user"},
		{sims.Member{Kind: sims.Mailbox, User: "jo*", Mailbox: "INBOX"}, "bad-user"},
		{sims.Member{Kind: sims.User, User: "joe"}, ""},
		{sims.Member{Kind: sims.Mailbox, User: "joe", Mailbox: "50%"}, "bad-mailbox"},
		{sims.Member{Kind: sims.Message, User: "joe", Mailbox: "50%", UID: 1}, "bad-mailbox"},
		{sims.Member{Kind: sims.Message, User: "joe", Mailbox: "inbox", UID: 1}, ""},
		{sims.Member{Kind: sims.Message, User: "ann", Mailbox: "INBOX", UID: 1}, ""},
		{sims.Member{Kind: sims.Link, User: "joe", Mailbox: "INBOX", UID: 1, Link: "ann/INBOX/1"}, "duplicate-uid"},
		{sims.Member{Kind: sims.Message, User: "joe", Mailbox: "Mail", UID: 1}, ""},
		{sims.Member{Kind: sims.Link, User: "joe", Mailbox: "Mail", UID: 2, Name: "joe/Mail/2", Link: "joe/Mail/2"}, "lost-link"},
		{sims.Member{Kind: sims.Message, User: "joe", Mailbox: "Mail", UID: 2}, ""},
	} {
		if kind, text := c.fault(&row.m); kind != row.kind {
			t.Errorf("%+v: %q (%s), want %q", row.m, kind, text, row.kind)
		}
	}
}

func TestPlainText(t *testing.T) {
	for in, want := range map[string]string{
		"caf\u00e9 \\Seen":    "caf\u00e9 \\Seen",
		"a\x1b[2J\x7f":        "a\\x1b[2J\\x7f",
		"\u009b2J \x9b2J\xe9": "\\xc2\\x9b2J \\x9b2J\xe9",
	} {
		if got := plainText(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	if got := plainJSON("{\"a\":\"\u009b\x7f\"}\n"); got != `{"a":"\u009b\u007f"}`+"\n" {
		t.Errorf("JSON: %q", got)
	}
}
