package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"imsconv/cmd/internal/peer"
	"imsconv/storeconv/sims"
)

// sentBox is a mailbox of a stream made for a test.
type sentBox struct {
	user string
	servedBox
}

// acls are the rights of some mailboxes of streams made for tests, by user and
// name.
type acls map[string]string

// writeBoxes writes a stream of mailboxes. The messages' flags and bodies are
// those that have to be served.
func writeBoxes(t testing.TB, path string, boxes ...sentBox) {
	t.Helper()
	writeBoxesWith(t, path, nil, boxes...)
}

func writeBoxesWith(t testing.TB, path string, rights acls, boxes ...sentBox) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w, err := sims.NewWriter(f, sims.Header{Date: 981538200}, 0)
	if err != nil {
		t.Fatal(err)
	}
	user := ""
	for _, b := range boxes {
		if b.user != user {
			user = b.user
			writeMember(t, w, &sims.Member{Kind: sims.User, Name: user, HasQuota: true, Quota: 5 << 20}, nil)
		}
		name, subscribed := b.user+"/"+b.name, int8(0)
		if b.subscribed {
			subscribed = 1
		}
		writeMember(t, w, &sims.Member{
			Kind: sims.Mailbox, Name: name, UIDValidity: b.validity, UIDNext: b.next, Subscribed: subscribed, Keywords: strings.Join(b.keywords, " "), ACL: rights[name],
		}, nil)
		for _, m := range b.messages {
			writeMember(t, w, &sims.Member{Kind: sims.Message, Name: fmt.Sprintf("%s/%d", name, m.uid), Time: m.date, Flags: strings.Join(m.flags, " ")}, m.body)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func writeMember(t testing.TB, w *sims.Writer, m *sims.Member, body []byte) {
	t.Helper()
	m.Size = int64(len(body))
	if err := w.WriteMember(m); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(body); err != nil {
		t.Fatal(err)
	}
}

// mail is a message of a test: its body says which.
func mail(uid uint32, flags ...string) served {
	return newServed(uid, flags, 961579934+int64(uid), fmt.Appendf(nil, "From: a@siroe.com\r\nSubject: %d\r\n\r\nbody of %d\r\n", uid, uid))
}

// change gives commands as a client would.
func change(t testing.TB, d *peer.Dovecot, u *servedUser, commands ...string) {
	t.Helper()
	c, err := d.IMAP(u.id, u.home)
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range commands {
		if _, err := c.Do("%s", command); err != nil {
			t.Error(err)
		}
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// clientAppend adds a message as a client would.
func clientAppend(t testing.TB, d *peer.Dovecot, u *servedUser, mailbox string, m served) {
	t.Helper()
	c, err := d.IMAP(u.id, u.home)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Append(mailbox, strings.Join(m.flags, " "), m.body); err != nil {
		t.Error(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// uidsBySum asks for the UIDs and dates of the messages of a mailbox by their
// content.
func uidsBySum(t testing.TB, d *peer.Dovecot, u *servedUser, mailbox string) map[string]served {
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
	bySum := make(map[string]served)
	if _, err := c.Do("EXAMINE %s", peer.Quote(mailbox)); err != nil {
		t.Error(err)
		return bySum
	}
	answers, err := c.Do("UID FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])")
	if err != nil {
		t.Error(err)
	}
	for _, a := range answers {
		if a.Name != "FETCH" || len(a.Items) != 1 {
			continue
		}
		m, err := fetched(a.Items[0].List)
		if err != nil {
			t.Error(err)
		}
		bySum[m.sum] = m
	}
	return bySum
}

// secondSite is a user whom clients have changed after a first export.
func secondSite(t testing.TB, source string, args ...string) (*exported, *peer.Dovecot, *servedUser) {
	t.Helper()
	dir := scratch(t)
	x := &exported{dir: dir, store: filepath.Join(dir, "store"), out: filepath.Join(dir, "out"), stream: filepath.Join(dir, "first.sims")}
	inbox := servedBox{
		name: "INBOX", validity: 1000, next: 6, subscribed: true, keywords: []string{"Junk", "work"},
		messages: []served{mail(1), mail(2, `\Seen`), mail(3, `\Seen`, "Junk"), mail(4), mail(5, "work")},
	}
	old := servedBox{name: "Old", validity: 2000, next: 3, messages: []served{mail(2)}}
	writeBoxes(t, x.stream, sentBox{"joe", inbox}, sentBox{"joe", old})
	if source == "store" {
		mustRun(t, 0, "restore", "-f", x.stream, "--store", x.store, "--quiet")
	}
	x.exportFrom(t, source, 0, args...)
	x.users = []servedUser{{id: "joe", home: filepath.Join(x.out, "joe"), limit: 5 << 20, boxes: []servedBox{inbox, old}}}
	d := x.dovecot(t)
	judge(t, d, x.out, x.users).fail(t)
	u := &x.users[0]
	change(t, d, u, "SELECT INBOX", `UID STORE 2 +FLAGS (\Flagged)`, `UID STORE 3 -FLAGS (\Seen)`, `UID STORE 4 +FLAGS (\Deleted)`, "UID EXPUNGE 4", "UNSELECT",
		"CREATE New", "SUBSCRIBE New", `SUBSCRIBE "Old"`)
	client := newServed(6, []string{`\Seen`, "client"}, 0, []byte("From: me@siroe.com\r\n\r\nby a client\r\n"))
	clientAppend(t, d, u, "INBOX", client)
	change(t, d, u, "SELECT INBOX") // after that it is not recent
	b := u.box("INBOX")
	b.messages[1].flags = []string{`\Flagged`, `\Seen`}
	b.messages[2].flags = []string{"Junk"}
	b.messages = append(slices.Delete(b.messages, 3, 4), client)
	u.box("Old").subscribed = true
	u.boxes = append(u.boxes, servedBox{name: "New", subscribed: true, next: 1})
	return x, d, u
}

// exportFrom exports from the store or from the stream.
func (x *exported) exportFrom(t testing.TB, source string, exit int, args ...string) outcome {
	t.Helper()
	return x.exportAs(t, "maildir", source, exit, args...)
}

func (x *exported) exportAs(t testing.TB, format, source string, exit int, args ...string) outcome {
	t.Helper()
	from := []string{"--store", x.store}
	if source == "stream" {
		from = []string{"-f", x.stream}
	}
	o := mustRun(t, exit, slices.Concat([]string{"export"}, from, []string{"--to", format, "--out", x.out}, args)...)
	x.conf = conf(t, x.out)
	return o
}

// conf is the example configuration of an export.
func conf(t testing.TB, out string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(out, "dovecot.conf.example"))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// learn takes over what only the server could know: UIDs and dates of messages
// that it took itself, or that got another UID, and UIDVALIDITY of its own
// mailboxes.
func learn(t testing.TB, d *peer.Dovecot, u *servedUser, mailbox string, least uint32) {
	t.Helper()
	b := u.box(mailbox)
	found := uidsBySum(t, d, u, mailbox)
	for i := range b.messages {
		m := &b.messages[i]
		got, ok := found[m.sum]
		if !ok {
			t.Errorf("%s: the message that was %d is not there", mailbox, m.uid)
			continue
		}
		if m.date == 0 { // the client's
			m.date = got.date
		}
		if m.uid != got.uid && got.uid >= least {
			t.Logf("%s: message %d is there as %d", mailbox, m.uid, got.uid)
			m.uid = got.uid
		}
		b.next = max(b.next, m.uid+1)
	}
}

// TestSecondPass: after clients have changed, expunged and appended, another
// export adds what is new and leaves the rest as it is.
func TestSecondPass(t *testing.T) {
	t.Parallel()
	for _, source := range []string{"store", "stream"} {
		t.Run(source, func(t *testing.T) {
			x, d, u := secondSite(t, source)
			more := filepath.Join(x.dir, "second.sims")
			inbox := servedBox{name: "INBOX", validity: 1000, next: 10, messages: []served{
				mail(1), mail(2, `\Seen`), mail(3, `\Seen`, "Junk"), mail(4), mail(5, "work"), mail(6, `\Answered`, "fresh"), mail(9),
			}}
			later := servedBox{name: "Later", validity: 3000, next: 2, subscribed: true, messages: []served{mail(1)}}
			writeBoxes(t, more, sentBox{"joe", inbox}, sentBox{"joe", later}, sentBox{"new", inbox})
			if source == "store" {
				mustRun(t, 0, "restore", "-f", more, "--store", x.store, "--quiet")
			}
			x.stream = more
			x.exportFrom(t, source, 0)
			b := u.box("INBOX")
			b.messages = append(b.messages, inbox.messages[5], inbox.messages[6])
			b.next = 10
			u.boxes = append(u.boxes, later)
			x.users = append(x.users, servedUser{id: "new", home: filepath.Join(x.out, "new"), limit: 5 << 20, boxes: []servedBox{inbox}})
			d.Own(x.out)
			learn(t, d, u, "INBOX", 7)
			made := u.box("New")
			made.validity = selectedValidity(t, d, u, "New")
			judge(t, d, x.out, x.users).fail(t)

			before := mailFiles(t, x.out)
			x.exportFrom(t, source, 0)
			j := new(judgement)
			j.untouched(withoutLists(before), withoutLists(mailFiles(t, x.out)))
			j.fail(t)
		})
	}
}

// withoutLists leaves out what an export notes for itself.
func withoutLists(files map[string]string) map[string]string {
	kept := make(map[string]string)
	for path, text := range files {
		if !strings.Contains(path, "/.imsconv/") {
			kept[path] = text
		}
	}
	return kept
}

func selectedValidity(t testing.TB, d *peer.Dovecot, u *servedUser, mailbox string) uint32 {
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
	answers, err := c.Do("EXAMINE %s", peer.Quote(mailbox))
	if err != nil {
		t.Error(err)
	}
	var validity uint32
	if _, err := fmt.Sscan(statusCodes(answers)["UIDVALIDITY"], &validity); err != nil {
		t.Error(err)
	}
	return validity
}

// TestSecondPassFlags: with --keep-target none the source's flags are set where
// the source has changed, and nowhere else.
func TestSecondPassFlags(t *testing.T) {
	t.Parallel()
	for _, keep := range []string{"flags", "none"} {
		t.Run(keep, func(t *testing.T) {
			x, d, u := secondSite(t, "stream")
			inbox := servedBox{name: "INBOX", validity: 1000, next: 6, messages: []served{
				mail(1, `\Answered`, "Junk"), mail(2, `\Seen`), mail(3), mail(4, `\Seen`), mail(5, "other"),
			}}
			x.stream = filepath.Join(x.dir, "second.sims")
			writeBoxes(t, x.stream, sentBox{"joe", inbox})
			x.exportFrom(t, "stream", 0, "--keep-target", keep)
			if keep == "none" {
				b := u.box("INBOX")
				b.messages[0].flags = []string{"Junk", `\Answered`}
				b.messages[2].flags = []string{}
				b.messages[3].flags = []string{"other"}
			}
			d.Own(x.out)
			learn(t, d, u, "INBOX", 7)
			u.box("New").validity = selectedValidity(t, d, u, "New")
			judge(t, d, x.out, x.users).fail(t)
		})
	}
}

// TestSecondPassLocked: a mailbox whose list of UIDs somebody has locked is
// left alone, and the exit status says that something is left to do.
func TestSecondPassLocked(t *testing.T) {
	t.Parallel()
	x, d, u := secondSite(t, "stream")
	lock := filepath.Join(u.home, "Maildir", "dovecot-uidlist.lock")
	put(t, lock, "")
	inbox := servedBox{name: "INBOX", validity: 1000, next: 10, messages: []served{mail(9)}}
	x.stream = filepath.Join(x.dir, "second.sims")
	writeBoxes(t, x.stream, sentBox{"joe", inbox})
	before := mailFiles(t, filepath.Join(u.home, "Maildir"))
	o := run(t, nil, "export", "-f", x.stream, "--to", "maildir", "--out", x.out)
	if o.exit != 1 || !strings.Contains(o.stderr, "lock") {
		t.Errorf("exit status %d\n%s", o.exit, o.stderr)
	}
	j := new(judgement)
	j.untouched(before, mailFiles(t, filepath.Join(u.home, "Maildir")))
	j.fail(t)
	if err := os.Remove(lock); err != nil {
		t.Fatal(err)
	}
	x.exportFrom(t, "stream", 0)
	b := u.box("INBOX")
	b.messages, b.next = append(b.messages, mail(9)), 10
	d.Own(x.out)
	learn(t, d, u, "INBOX", 7)
	u.box("New").validity = selectedValidity(t, d, u, "New")
	judge(t, d, x.out, x.users).fail(t)
}

// TestVerifyAfterClients: what clients have changed since is told, by kind, and
// nothing else is.
func TestVerifyAfterClients(t *testing.T) {
	t.Parallel()
	x, _, _ := secondSite(t, "store")
	for _, source := range [][]string{{"--store", x.store}, {"-f", x.stream}} {
		o := mustRun(t, 3, append([]string{"verify", "--maildir", x.out, "--owner", owned()}, source...)...)
		kinds := make(map[string]int)
		for _, line := range o.problems() {
			at := strings.LastIndexByte(line, '[')
			kinds[strings.Trim(line[at:], "[]")]++
		}
		want := map[string]int{
			"flags": 2, "missing-file": 1, "extra-message": 1, "extra-mailbox": 1, "subscribed": 2, "uidnext": 1, "keywords": 1,
		}
		if !maps.Equal(kinds, want) {
			t.Errorf("%v, should be %v\n%s", kinds, want, o.stderr)
		}
	}
}

// TestSecondPassDeleted: a mailbox that a client has deleted comes back for new
// mail only; one that a client has renamed stays, and so does what it holds.
func TestSecondPassDeleted(t *testing.T) {
	t.Parallel()
	for _, source := range []string{"store", "stream"} {
		t.Run(source, func(t *testing.T) {
			x, d, u := secondSite(t, source)
			change(t, d, u, "DELETE Old", "RENAME New Renamed", "SUBSCRIBE Renamed", "UNSUBSCRIBE New", "UNSUBSCRIBE Old")
			x.exportFrom(t, source, 0)
			d.Own(x.out)
			u.box("New").name = "Renamed"
			u.boxes = slices.DeleteFunc(u.boxes, func(b servedBox) bool { return b.name == "Old" })
			learn(t, d, u, "INBOX", 7)
			u.box("Renamed").validity = selectedValidity(t, d, u, "Renamed")
			judge(t, d, x.out, x.users).fail(t)

			old := servedBox{name: "Old", validity: 2000, next: 6, messages: []served{mail(2), mail(5)}}
			more := filepath.Join(x.dir, "second.sims")
			writeBoxes(t, more, sentBox{"joe", old})
			if source == "store" {
				mustRun(t, 0, "restore", "-f", more, "--store", x.store, "--quiet")
			}
			x.stream = more
			x.exportFrom(t, source, 0)
			d.Own(x.out)
			u.boxes = append(u.boxes, servedBox{name: "Old", messages: []served{mail(5)}})
			learn(t, d, u, "Old", 1)
			u.box("Old").next = 0 // its own matter, as UIDVALIDITY is
			judge(t, d, x.out, x.users).fail(t)
		})
	}
}
