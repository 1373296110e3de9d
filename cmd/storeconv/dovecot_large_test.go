package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"imsconv/cmd/internal/peer"
	"imsconv/storeconv/sims"
)

// writeLarge writes a stream of one user with so many messages in INBOX.
func writeLarge(t testing.TB, path string, messages int) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w, err := sims.NewWriter(f, sims.Header{Date: 981538200}, 0)
	if err != nil {
		t.Fatal(err)
	}
	writeMember(t, w, &sims.Member{Kind: sims.User, Name: "large"}, nil)
	writeMember(t, w, &sims.Member{Kind: sims.Mailbox, Name: "large/INBOX", UIDValidity: 77, UIDNext: uint32(messages) + 1, Keywords: "work"}, nil)
	var body []byte
	for uid := 1; uid <= messages; uid++ {
		body = fmt.Appendf(body[:0], "From: a@siroe.com\r\nSubject: %d\r\n\r\n%d\r\n", uid, uid)
		flags := ""
		if uid%3 == 0 {
			flags = `\Seen work`
		}
		writeMember(t, w, &sims.Member{Kind: sims.Message, Name: fmt.Sprintf("large/INBOX/%d", uid), Time: 961579934 + int64(uid), Flags: flags}, body)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestServedLarge: a mailbox of any size is exported and verified in bounded
// memory, and Dovecot opens it.
func TestServedLarge(t *testing.T) {
	messages := 20000
	if full {
		messages = 1000000
	}
	dir := scratch(t)
	x := &exported{dir: dir, out: filepath.Join(dir, "out"), stream: filepath.Join(dir, "s.sims")}
	writeLarge(t, x.stream, messages)
	runs := []outcome{x.exportFrom(t, "stream", 0, "--sync", "none"), mustRun(t, 0, "verify", "--maildir", x.out, "-f", x.stream)}
	for i, o := range runs {
		t.Logf("%s: %d MiB", []string{"export", "verify"}[i], o.rss>>20)
		if o.rss > 256<<20 {
			t.Errorf("%d MiB", o.rss>>20)
		}
	}
	d := x.dovecot(t)
	d.Own(x.out)
	u := &servedUser{id: "large", home: filepath.Join(x.out, "large")}
	c, err := d.IMAP(u.id, u.home)
	if err != nil {
		t.Fatal(err)
	}
	answers, err := c.Do("SELECT INBOX")
	if err != nil {
		t.Fatal(err)
	}
	if codes := statusCodes(answers); codes["UIDVALIDITY"] != "77" || codes["UIDNEXT"] != fmt.Sprint(messages+1) {
		t.Errorf("%q", codes)
	}
	answers, err = c.Do("UID FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE)")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	checkLarge(t, answers, messages)
	for _, line := range d.Complaints() {
		t.Error(line)
	}
}

func checkLarge(t *testing.T, answers []peer.Answer, messages int) {
	t.Helper()
	next := uint32(1)
	for _, a := range answers {
		if a.Name != "FETCH" {
			continue
		}
		m, err := fetched(a.Items[0].List)
		if err != nil {
			t.Fatal(err)
		}
		flags := ""
		if m.uid%3 == 0 {
			flags = `\Seen work`
		}
		size := int64(len(fmt.Sprintf("From: a@siroe.com\r\nSubject: %d\r\n\r\n%d\r\n", m.uid, m.uid)))
		if m.uid != next || m.date != 961579934+int64(m.uid) || m.size != size || strings.Join(m.flags, " ") != flags {
			t.Fatalf("message %d: %+v", next, m)
		}
		next++
	}
	if int(next) != messages+1 {
		t.Errorf("%d messages, should be %d", next-1, messages)
	}
}

// firstOpen is how long Dovecot takes to open a mailbox that it has not seen
// yet and to tell sizes and flags.
func firstOpen(t testing.TB, d *peer.Dovecot, home string) time.Duration {
	t.Helper()
	at := time.Now()
	c, err := d.IMAP("large", home)
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"SELECT INBOX", "UID FETCH 1:* (FLAGS RFC822.SIZE)"} {
		if _, err := c.Do("%s", command); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	return time.Since(at)
}

// TestFirstOpen: Dovecot opens an export as fast as a Maildir that it wrote
// itself.
func TestFirstOpen(t *testing.T) {
	if !full {
		t.Skip("measures time")
	}
	dir := scratch(t)
	x := &exported{dir: dir, out: filepath.Join(dir, "out"), stream: filepath.Join(dir, "s.sims")}
	writeLarge(t, x.stream, 20000)
	x.exportFrom(t, "stream", 0)
	d := x.dovecot(t)
	own := filepath.Join(dir, "own", "large")
	if err := os.MkdirAll(own, 0o700); err != nil {
		t.Fatal(err)
	}
	other := peer.NewDovecot(t, filepath.Join(dir, "other"), append(x.conf, "\nmail_location = maildir:~/Maildir\n"...))
	d.Own(x.out)
	d.Own(filepath.Join(dir, "own"))
	if _, err := other.Doveadm("large", own, "backup", "-R", "maildir:"+x.out+"/large/Maildir"); err != nil {
		t.Fatal(err)
	}
	best := func(home string, d *peer.Dovecot) time.Duration {
		least := time.Hour
		for range 5 {
			indexes, err := filepath.Glob(home + "/Maildir/dovecot.*")
			if err != nil {
				t.Fatal(err)
			}
			for _, path := range indexes {
				if err := os.Remove(path); err != nil {
					t.Fatal(err)
				}
			}
			least = min(least, firstOpen(t, d, home))
		}
		return least
	}
	ours, theirs := best(filepath.Join(x.out, "large"), d), best(own, other)
	t.Logf("first open: %v, a Maildir of Dovecot's own %v", ours, theirs)
	if ours > theirs+theirs/4 {
		t.Errorf("first open takes %v, with a Maildir of Dovecot's own %v", ours, theirs)
	}
}
