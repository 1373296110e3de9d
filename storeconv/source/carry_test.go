package source

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"imsconv/storeconv/ims"
	"imsconv/storeconv/maildir"
	"imsconv/storeconv/mbox"
	"imsconv/storeconv/sims"
)

// carried is one mailbox, and one without messages, in whichever format.
type carried struct {
	members map[string]*sims.Member
	bodies  map[string]string
}

func keywordNames(n int) (names []string) {
	for i := range n {
		names = append(names, fmt.Sprintf("k%d", i))
	}
	return names
}

const flagged = `\Deleted \Seen \Answered \Flagged \Draft`

// original has everything that a stream can say.
func original() carried {
	c := carried{map[string]*sims.Member{}, map[string]string{}}
	add := func(m sims.Member) { c.members[m.Name] = &m }
	add(sims.Member{Kind: sims.User, Name: "joe", User: "joe", Quota: 4096, HasQuota: true})
	box := sims.Member{Kind: sims.Mailbox, User: "joe", UIDValidity: 100, UIDNext: 50, Subscribed: 1}
	box.Name, box.Mailbox, box.ACL = "joe/INBOX", "INBOX", "joe\tlrswipcda\nann\tlr"
	box.Keywords = strings.Join(keywordNames(30), " ")
	add(box)
	box.Name, box.Mailbox, box.ACL, box.UIDValidity, box.Keywords = "joe/empty", "empty", "ann\tlr5", 7, ""
	add(box)
	msg := func(uid uint32, flags, body string) {
		name := fmt.Sprintf("joe/INBOX/%d", uid)
		add(sims.Member{Kind: sims.Message, Name: name, User: "joe", Mailbox: "INBOX", UID: uid, Time: june + int64(uid), Size: int64(len(body)), Flags: flags})
		c.bodies[name] = body
	}
	msg(3, flagged, "Status: RO\r\nSubject: a\r\n\r\nFrom here\r\n")
	msg(5, `\Recent`, "Subject: b\n\n>From there\nno end")
	msg(7, `\Archived`, "")
	msg(9, strings.Join(keywordNames(26), " "), "Subject: d\n\n")
	msg(11, "k28 k29", "\n\n")
	add(sims.Member{Kind: sims.Link, Name: "joe/INBOX/12", User: "joe", Mailbox: "INBOX", UID: 12, Time: june + 3, Link: "joe/INBOX/3"})
	c.bodies["joe/INBOX/12"] = c.bodies["joe/INBOX/3"]
	return c
}

// flagsOf takes the flags of a member apart.
func flagsOf(m *sims.Member) (flags ims.Flags, words []string) {
	for w := range strings.FieldsSeq(m.Flags) {
		if f := ims.ParseFlag(w); f != 0 {
			flags |= f
		} else {
			words = append(words, w)
		}
	}
	return flags, words
}

var uids = []uint32{3, 5, 7, 9, 11, 12}

func writeFile(t *testing.T, path string, write func(w io.Writer) error) {
	t.Helper()
	var b bytes.Buffer
	err := write(&b)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(path), 0o700)
	}
	if err == nil {
		err = os.WriteFile(path, b.Bytes(), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// asMaildir writes c as a Maildir.
func (c carried) asMaildir(t *testing.T) string {
	root := t.TempDir()
	dir := filepath.Join(root, "joe", "Maildir")
	user := c.members["joe"]
	writeFile(t, filepath.Join(dir, maildir.SizeName), func(w io.Writer) error { return maildir.WriteSize(w, maildir.Size{MaxBytes: user.Quota}) })
	writeFile(t, filepath.Join(dir, maildir.SubscriptionsName), func(w io.Writer) error { return maildir.WriteSubscriptions(w, []string{"INBOX", "empty"}) })
	c.boxAsMaildir(t, dir, c.members["joe/INBOX"], uids)
	c.boxAsMaildir(t, filepath.Join(dir, ".empty"), c.members["joe/empty"], nil)
	return root
}

func (c carried) boxAsMaildir(t *testing.T, dir string, box *sims.Member, uids []uint32) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(dir, "cur"), 0o700); err != nil {
		t.Fatal(err)
	}
	names := strings.Fields(box.Keywords)
	names = names[:min(len(names), maildir.MaxKeywords)]
	writeFile(t, filepath.Join(dir, maildir.KeywordsName), func(w io.Writer) error { return maildir.WriteKeywords(w, names) })
	rights, _ := maildir.RightsOf("joe", box.ACL)
	writeFile(t, filepath.Join(dir, maildir.ACLName), func(w io.Writer) error { return maildir.WriteACL(w, rights) })
	writeFile(t, filepath.Join(dir, maildir.UidlistName), func(w io.Writer) error {
		list := maildir.NewUidlistWriter(w, maildir.UidlistHeader{Validity: box.UIDValidity, Next: box.UIDNext})
		for _, uid := range uids {
			m := c.members[fmt.Sprintf("joe/INBOX/%d", uid)]
			body := c.bodies[m.Name]
			name := maildir.FileName(m.Time, uid, int64(len(body)), int64(len(body)))
			if err := list.Write(&maildir.UidlistEntry{UID: uid, Name: name}); err != nil {
				return err
			}
			c.messageFile(t, dir, name+maildir.Info(lettersOf(m, names)), m)
		}
		return list.Flush()
	})
}

func lettersOf(m *sims.Member, names []string) string {
	flags, words := flagsOf(m)
	var numbers []int
	for _, w := range words {
		for i, n := range names {
			if n == w {
				numbers = append(numbers, i)
			}
		}
	}
	return maildir.FlagLetters(flags, numbers)
}

func (c carried) messageFile(t *testing.T, dir, name string, m *sims.Member) {
	t.Helper()
	path := filepath.Join(dir, "cur", name)
	if m.Kind == sims.Link {
		first, err := filepath.Glob(filepath.Join(dir, "cur", "*.M3P0*"))
		if err != nil || len(first) != 1 {
			t.Fatalf("%q, %v", first, err)
		}
		if err := os.Link(first[0], path); err != nil {
			t.Fatal(err)
		}
		return
	}
	writeFile(t, path, func(w io.Writer) error { _, err := io.WriteString(w, c.bodies[m.Name]); return err })
	if err := os.Chtimes(path, time.Time{}, time.Unix(m.Time, 0)); err != nil {
		t.Fatal(err)
	}
}

// asMbox writes c as mailbox files.
func (c carried) asMbox(t *testing.T) string {
	root := t.TempDir()
	writeFile(t, filepath.Join(root, "joe", ".subscriptions"), func(w io.Writer) error { return maildir.WriteSubscriptions(w, []string{"INBOX", "empty"}) })
	for _, name := range []string{"INBOX", "empty"} {
		box := c.members["joe/"+name]
		writeFile(t, filepath.Join(root, "joe", name), func(w io.Writer) error {
			out, err := mbox.NewWriter(w, mbox.MboxCL2, mbox.Base{Validity: box.UIDValidity, LastUID: box.UIDNext - 1, Keywords: strings.Fields(box.Keywords)})
			for _, uid := range uids {
				if err != nil || name == "empty" {
					break
				}
				m := c.members[fmt.Sprintf("joe/INBOX/%d", uid)]
				flags, words := flagsOf(m)
				body := c.bodies[m.Name]
				err = out.Write(&mbox.Entry{Date: m.Time, UID: uid, Flags: flags, Keywords: words}, strings.NewReader(body), int64(len(body)))
			}
			if err != nil {
				return err
			}
			return out.Flush()
		})
	}
	return root
}

// asStream writes c as a stream and reads that.
func (c carried) asStream(t *testing.T) *sims.Reader {
	var b bytes.Buffer
	w, err := sims.NewWriter(&b, sims.Header{}, 0)
	names := []string{"joe", "joe/INBOX"}
	for _, uid := range uids {
		names = append(names, fmt.Sprintf("joe/INBOX/%d", uid))
	}
	for _, name := range append(names, "joe/empty") {
		if err == nil {
			err = w.WriteMember(c.members[name])
		}
		if err == nil && c.members[name].Kind == sims.Message {
			_, err = io.WriteString(w, c.bodies[name])
		}
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return sims.NewReader(&b)
}

// readBack reads whatever a source gives.
func readBack(t *testing.T, s interface {
	Next() (*sims.Member, error)
	io.Reader
}) carried {
	t.Helper()
	c := carried{map[string]*sims.Member{}, map[string]string{}}
	for {
		m, err := s.Next()
		if err == io.EOF {
			return c
		}
		if sims.ErrorOf(err) != nil {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		c.members[m.Name] = m.Clone()
		body, err := io.ReadAll(s)
		if err != nil {
			t.Fatal(err)
		}
		c.bodies[m.Name] = string(body)
		if m.Kind == sims.Link {
			c.bodies[m.Name] = c.bodies[m.Link]
		}
	}
}

// rows are those of the table, each with a comparison of what it is about.
var rows = []struct {
	name string
	same func(a, b carried) bool
}{
	{"bytes of a message", func(a, b carried) bool {
		for name, body := range a.bodies {
			if b.bodies[name] != body {
				return false
			}
		}
		return true
	}},
	{"receive date", eachMessage(func(a, b *sims.Member) bool { return a.Time == b.Time })},
	{"UIDVALIDITY", func(a, b carried) bool { return a.box("INBOX").UIDValidity == b.box("INBOX").UIDValidity }},
	{"UIDVALIDITY of a mailbox without messages", func(a, b carried) bool { return a.box("empty").UIDValidity == b.box("empty").UIDValidity }},
	{"UID", eachMessage(func(a, b *sims.Member) bool { return a.UID == b.UID })},
	{"next UID", func(a, b carried) bool { return a.box("INBOX").UIDNext == b.box("INBOX").UIDNext }},
	{"`\\Seen \\Answered \\Flagged \\Deleted \\Draft`", flagsOfMessage(3, ims.Seen|ims.Answered|ims.Flagged|ims.Deleted|ims.Draft)},
	{"`\\Recent`", flagsOfMessage(5, ims.Recent)},
	{"`\\Archived`", flagsOfMessage(7, ims.Archived)},
	{"26 keywords in a mailbox", func(a, b carried) bool { return a.words(9) == b.words(9) }},
	{"more keywords", func(a, b carried) bool { return a.words(11) == b.words(11) }},
	{"subscription", func(a, b carried) bool { return a.box("empty").Subscribed == b.box("empty").Subscribed }},
	{"rights of RFC 2086", func(a, b carried) bool { return a.box("INBOX").ACL == b.box("INBOX").ACL }},
	{"rights 0 to 9", func(a, b carried) bool { return a.box("empty").ACL == b.box("empty").ACL }},
	{"next UID of a mailbox without messages", func(a, b carried) bool { return a.box("empty").UIDNext == b.box("empty").UIDNext }},
	{"limit of bytes", func(a, b carried) bool {
		return b.members["joe"].HasQuota && b.members["joe"].Quota == a.members["joe"].Quota
	}},
	{"later copies of one receive date as links", func(a, b carried) bool { return b.members["joe/INBOX/12"].Link == "joe/INBOX/3" }},
}

func (c carried) box(name string) *sims.Member { return c.members["joe/"+name] }

func (c carried) words(uid int) string {
	_, words := flagsOf(c.members[fmt.Sprintf("joe/INBOX/%d", uid)])
	return strings.Join(words, " ")
}

func eachMessage(same func(a, b *sims.Member) bool) func(a, b carried) bool {
	return func(a, b carried) bool {
		for name := range a.bodies {
			if b.members[name] == nil || !same(a.members[name], b.members[name]) {
				return false
			}
		}
		return true
	}
}

func flagsOfMessage(uid int, want ims.Flags) func(a, b carried) bool {
	return func(_, b carried) bool {
		flags, _ := flagsOf(b.members[fmt.Sprintf("joe/INBOX/%d", uid)])
		return flags == want
	}
}

// TestWhatFormatsCarry holds the rows of docs/formats.md that the formats alone
// decide.
func TestWhatFormatsCarry(t *testing.T) {
	c := original()
	open := func(path string) carried {
		s, err := Open(path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		return readBack(t, s)
	}
	formats := []carried{readBack(t, c.asStream(t)), open(c.asMaildir(t)), open(c.asMbox(t))}
	doc, err := os.ReadFile(filepath.Join("..", "..", "docs", "formats.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(doc), "| | stream | Maildir | mbox |\n| --- | --- | --- | --- |\n")
	table, _, _ = strings.Cut(table, "\n\n")
	said := map[string]string{}
	for line := range strings.Lines(table) {
		row, words, _ := strings.Cut(strings.TrimPrefix(line, "| "), " |")
		said[row] = strings.TrimSpace(words)
	}
	for _, row := range rows {
		var is strings.Builder
		for _, f := range formats {
			word := "no"
			if row.same(c, f) {
				word = "yes"
			}
			fmt.Fprintf(&is, " %s |", word)
		}
		if want := strings.TrimSpace(is.String()); said[row.name] != want {
			t.Errorf("%s: docs/formats.md says %q, it is %q", row.name, said[row.name], want)
		}
	}
}
