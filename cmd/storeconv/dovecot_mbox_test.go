package main

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"imsconv/cmd/internal/peer"
	"imsconv/storeconv/testsite"
)

// exportMbox exports a stream to mailbox files.
func exportMbox(t testing.TB, stream string, want *testsite.Expect, args ...string) *exported {
	t.Helper()
	dir := scratch(t)
	x := &exported{dir: dir, store: filepath.Join(dir, "store"), out: filepath.Join(dir, "out"), stream: stream}
	mustRun(t, 0, "restore", "-f", stream, "--store", x.store, "--quiet")
	x.exportAs(t, "mbox", "store", 0, args...)
	x.users = servedSite(t, x.store, x.out, stream, want)
	for i := range x.users {
		x.users[i].limit = 0
		for k := range x.users[i].boxes {
			b := &x.users[i].boxes[k]
			if b.acl = nil; len(b.messages) == 0 { // nothing tells them
				b.validity, b.next = 0, 0
			}
			for j := range b.messages {
				if b.messages[j].odd {
					b.messages[j].sum = ""
				}
			}
		}
	}
	return x
}

// TestMboxServed: Dovecot shows of mailbox files what it shows of Maildirs, but
// for rights and quotas.
func TestMboxServed(t *testing.T) {
	t.Parallel()
	t.Run("sample", func(t *testing.T) {
		x := exportMbox(t, sampleSite+"sims/backup.sims", readExpect(t, sampleSite+"expect.json"), "--mbox", "mboxcl2")
		judge(t, x.dovecot(t), x.out, x.users).fail(t)
	})
	t.Run("site", func(t *testing.T) {
		dir := scratch(t)
		stream, want := writeStream(t, filepath.Join(dir, "site.sims"), testsite.StreamOptions{Seed: 13, Users: 40, Mailboxes: 6, Messages: 1200, MedianSize: 2048})
		x := exportMbox(t, stream, want, "--mbox", "mboxcl2")
		judge(t, x.dovecot(t), x.out, x.users).fail(t)
	})
	t.Run("folders", func(t *testing.T) { // mailboxes with mail that have others below them
		dir := scratch(t)
		stream, want := writeStream(t, filepath.Join(dir, "site.sims"), testsite.StreamOptions{Seed: 14, Users: 10, Mailboxes: 14, Messages: 600, MedianSize: 2048})
		x := exportMbox(t, stream, want, "--mbox", "mboxcl2", "--names", "folders")
		judge(t, x.dovecot(t), x.out, x.users).fail(t)
	})
}

// TestMboxSubscribed: what a user is subscribed to is among Dovecot's
// subscriptions under the name that it serves the mail by, after a second pass
// too, and comes back from the files.
func TestMboxSubscribed(t *testing.T) {
	t.Parallel()
	shown := map[string]map[string]string{"imsexport": {"Mail": "Mail/folder.msg", "Mail/Old": "Mail/Old/folder.msg", "New": "New/folder.msg"}, "folders": {}}
	for names, other := range shown {
		t.Run(names, func(t *testing.T) {
			dir := scratch(t)
			x := &exported{dir: dir, out: filepath.Join(dir, "out"), stream: filepath.Join(dir, "s.sims")}
			var boxes []sentBox
			for i, name := range []string{"INBOX", "Mail", "Mail/Old", "Mail/Old/deep", "Sent", "New", "New/x"} {
				b := oddBox(name, i)
				b.subscribed = name != "Mail/Old/deep"
				boxes = append(boxes, sentBox{"joe", b})
			}
			for _, n := range []int{5, 7} {
				writeBoxes(t, x.stream, boxes[:n]...)
				x.exportAs(t, "mbox", "stream", 0, "--names", names)
			}
			d := x.dovecot(t)
			d.Own(x.out)
			u := servedUser{id: "joe", home: filepath.Join(x.out, "joe")}
			c, err := d.IMAP(u.id, u.home)
			if err != nil {
				t.Fatal(err)
			}
			subscribed := namesListed(t, c, "LSUB")
			if err := c.Close(); err != nil {
				t.Error(err)
			}
			for _, b := range boxes {
				name := b.name
				if served := other[name]; served != "" {
					name = served
				}
				if slices.Contains(subscribed, name) != b.subscribed {
					t.Errorf("%s, served as %s: subscribed is %v (%q)", b.name, name, !b.subscribed, subscribed)
				}
			}
			back := filepath.Join(dir, "back")
			if o := mustRun(t, 0, "restore", "--kind", "mbox", x.out, "--store", back); strings.Contains(o.stderr, "[subscription]") {
				t.Error(o.stderr)
			}
			for _, b := range boxes {
				if fields := indexFields(t, filepath.Join(back, testsite.MailboxDir("primary", "joe", b.name), "store.idx")); (fields["Subscribed"] == "1") != b.subscribed {
					t.Errorf("%s: subscribed is %q in the store again", b.name, fields["Subscribed"])
				}
			}
			for _, line := range d.Complaints() {
				t.Error(line)
			}
		})
	}
}

// readMbox has Python's module mailbox read files: of each the UIDs and the
// bodies of its messages, with From lines as they were.
const readMbox = `
import hashlib, json, mailbox, re, sys
out = {}
for path in sys.argv[2:]:
    box = mailbox.mbox(path, create=False)
    messages = []
    for key in box.iterkeys():
        text = box.get_bytes(key).replace(b'\r\n', b'\n')
        head, _, body = text.partition(b'\n\n')
        uid = re.search(rb'^X-UID: (\d+)$', head, re.M)
        if sys.argv[1] == 'mboxrd':
            body = re.sub(rb'^>(>*From )', rb'\1', body, flags=re.M)
        if not body.endswith(b'\n'):
            body += b'\n'
        messages.append([int(uid.group(1)) if uid else 0, hashlib.sha256(body).hexdigest()])
    out[path] = messages
json.dump(out, sys.stdout)
`

// TestMboxInPython: Python reads the same messages.
func TestMboxInPython(t *testing.T) {
	python := peer.Need(t, "python3")
	dir := scratch(t)
	x := &exported{dir: dir, out: filepath.Join(dir, "out"), stream: filepath.Join(dir, "s.sims")}
	box := servedBox{name: "Old", validity: 5, next: 6, messages: []served{
		newServed(1, nil, 961579934, []byte("Subject: 1\r\n\r\nFrom here on\r\n>From there\r\n>>From\r\n")),
		newServed(2, nil, 961579934, []byte("Subject: 2\n\nno line end")),
		newServed(3, nil, 961579934, []byte("Subject: 3\r\n\r\n\r\n\r\nempty lines\r\n\r\n\r\n")),
		newServed(4, nil, 961579934, []byte("Subject: 4\r\n\r\nFrom joe@siroe.com Wed Jun 21 09:32:14 2000\r\n\r\nFrom joe@siroe.com Wed Jun 21 09:32:14 2000\r\nSubject: none\r\n\r\nx\r\n")),
		newServed(5, nil, 961579934, []byte("Subject: 5\r\nX-UID: 77\r\nStatus: O\r\nX-IMAPbase: 1 2\r\n\r\nits own headers\r\n")),
	}}
	inbox := box
	inbox.name = "INBOX"
	writeBoxes(t, x.stream, sentBox{"joe", inbox}, sentBox{"joe", box})
	x.exportAs(t, "mbox", "stream", 0, "--mbox", "mboxrd")
	files := []string{filepath.Join(x.out, "joe/INBOX"), filepath.Join(x.out, "joe/Old")}
	cmd := peer.Command(t, python, append([]string{"-c", readMbox, "mboxrd"}, files...)...)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var got map[string][][2]any
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if len(got[file]) != len(box.messages) {
			t.Errorf("%s: %d messages, should be %d", file, len(got[file]), len(box.messages))
			continue
		}
		for i, m := range box.messages {
			_, body, _ := bytes.Cut(bytes.ReplaceAll(m.body, []byte("\r\n"), []byte("\n")), []byte("\n\n"))
			if !bytes.HasSuffix(body, []byte("\n")) {
				body = append(body, '\n')
			}
			if uid, sum := got[file][i][0], got[file][i][1]; uid != float64(m.uid) || sum != hashHex(body) {
				t.Errorf("%s: message %d: Python has UID %v, another body: %v", file, m.uid, uid, sum != hashHex(body))
			}
		}
	}
}

// TestMboxBack: mailbox files become the store that they were made of, as far
// as they can tell.
func TestMboxBack(t *testing.T) {
	t.Parallel()
	for _, how := range [][]string{{"--mbox", "mboxcl2"}, {"--mbox", "mboxrd"}, {"--mbox", "mboxcl2", "--names", "imsexport"}, {"--names", "folders"}} {
		t.Run(strings.Join(how, " "), func(t *testing.T) {
			x := exportMbox(t, sampleSite+"sims/backup.sims", readExpect(t, sampleSite+"expect.json"), how...)
			back := filepath.Join(x.dir, "back")
			mustRun(t, 0, "restore", "--kind", "mbox", "-f", x.out, "--store", back, "--quiet")
			mustRun(t, 0, "verify", "--kind", "mbox", "-f", x.out, back)
			again := filepath.Join(x.dir, "again")
			mustRun(t, 0, "export", "--store", back, "--to", "maildir", "--out", again)
			home := x.out
			x.out = again
			for i := range x.users {
				x.users[i].home = strings.Replace(x.users[i].home, home, again, 1)
			}
			x.conf = conf(t, again)
			judge(t, x.dovecot(t), again, x.users).fail(t)
		})
	}
}
