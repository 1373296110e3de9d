package trees_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pierrec/lz4/v4"

	"imsconv/storeconv/restore"
	"imsconv/storeconv/sims"
	"imsconv/storeconv/source"
	"imsconv/storeconv/verify"
	"imsconv/storeconv/verify/trees"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// recorder keeps what is told, a line each.
type recorder struct {
	mu    sync.Mutex
	lines []string
}

func (r *recorder) Problem(kind, where, text string) { r.add(kind, where, text) }
func (r *recorder) Warning(kind, where, text string) { r.add(kind, where, text) }

func (r *recorder) add(kind, where, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, kind+" "+where+": "+text)
}

// maildirFiles and mboxFiles are a user's mail with one of everything.
var maildirFiles = map[string]string{
	"joe/Maildir/cur/961579934.M3P0.h:2,FSab": "Subject: a\n\none\n", "joe/Maildir/cur/961579934.M7P0.h:2,": "Subject: b\n\ntwo\n", "joe/Maildir/new/961579935.x": "Subject: c\n\nthree\n",
	"joe/Maildir/dovecot-uidlist": "3 V100 N20 Gx\n3 :961579934.M3P0.h\n7 :961579934.M7P0.h\n", "joe/Maildir/dovecot-keywords": "0 $Junk\n1 work\n",
	"joe/Maildir/maildirsize": "4096000S\n3 1\n", "joe/Maildir/subscriptions": "V\t2\n\nSent\t2001\n", "joe/Maildir/.Sent.2001/cur/961579934.M3P0.h:2,S": "=> joe/Maildir/cur/961579934.M3P0.h:2,FSab",
	"joe/Maildir/.Sent.2001/dovecot-uidlist": "3 V7 N9\n3 :961579934.M3P0.h\n", "joe/Maildir/.Sent.2001/dovecot-acl": "owner lrwstipekxa\nuser=bob lrs\n",
}

var mboxFiles = map[string]string{
	"joe/INBOX": "From ann Wed Jun 21 09:32:14 2000\nX-IMAPbase: 100 19 $Junk work\nX-UID: 3\nStatus: RO\nX-Status: F\nX-Keywords: $Junk work\nSubject: a\n\none\n\n" +
		"From ann Wed Jun 21 09:32:15 2000\nX-UID: 7\nStatus: O\nSubject: b\n\ntwo\n\nFrom ann Wed Jun 21 09:32:16 2000\nSubject: c\n\n>From three\n",
	"joe/Sent/2001/folder.msg": "From ann Wed Jun 21 09:32:14 2000\nX-IMAPbase: 7 8\nX-UID: 3\nStatus: RO\nSubject: a\n\none\n",
	"joe/.subscriptions":       "V\t2\n\nSent\t2001\n",
}

func plant(t testing.TB, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for _, links := range []bool{false, true} {
		for path, text := range files {
			to, isLink := strings.CutPrefix(text, "=> ")
			if isLink != links {
				continue
			}
			full := filepath.Join(root, path)
			must(t, os.MkdirAll(filepath.Dir(full), 0o700))
			if isLink {
				must(t, os.Link(filepath.Join(root, to), full))
				continue
			}
			must(t, os.WriteFile(full, []byte(text), 0o600))
			must(t, os.Chtimes(full, time.Time{}, time.Unix(961579934, 0)))
		}
	}
	return root
}

// mutation is a fault of the reading that makes a store: what it makes of a
// member, and how that is told. want is "" where it must not be told.
type mutation struct {
	name  string
	spoil func(m *sims.Member, body *string)
	want  string // kind of the line
	links bool   // Maildirs only
	limit bool   // likewise
}

func isMessage(m *sims.Member, uid uint32) bool {
	return m.Kind == sims.Message && m.UID == uid && m.Mailbox == "INBOX"
}

func box(name string, fn func(m *sims.Member)) func(*sims.Member, *string) {
	return func(m *sims.Member, _ *string) {
		if m.Kind == sims.Mailbox && m.Mailbox == name {
			fn(m)
		}
	}
}

func message(uid uint32, fn func(m *sims.Member, body *string)) func(*sims.Member, *string) {
	return func(m *sims.Member, body *string) {
		if isMessage(m, uid) {
			fn(m, body)
		}
	}
}

// gone marks a member that is left out.
const gone = "gone"

var mutations = []mutation{
	{"nothing", func(*sims.Member, *string) {}, "", false, false},
	{"a body", message(3, func(_ *sims.Member, body *string) { *body += "x" }), "wrong-content", false, false},
	{"a quoted line, or a byte", message(20, func(_ *sims.Member, body *string) { *body = ">" + *body }), "wrong-content", false, false},
	{"a message left out", message(7, func(m *sims.Member, _ *string) { m.Name = gone }), "missing-message", false, false},
	{"a UID", message(7, func(m *sims.Member, _ *string) { m.Name, m.UID = "joe/INBOX/5", 5 }), "missing-message", false, false},
	{"a date", message(7, func(m *sims.Member, _ *string) { m.Time++ }), "date", false, false},
	{"a flag too few", message(3, func(m *sims.Member, _ *string) { m.Flags = strings.Replace(m.Flags, `\Flagged`, "", 1) }), "flags", false, false},
	{"a flag too many", message(7, func(m *sims.Member, _ *string) { m.Flags += ` \Answered` }), "flags", false, false},
	{"recent", message(20, func(m *sims.Member, _ *string) { m.Flags += ` \Recent` }), "flags", false, false},
	{"a keyword", message(3, func(m *sims.Member, _ *string) { m.Flags = strings.Replace(m.Flags, "work", "play", 1) }), "flags", false, false},
	{"the announced keywords", box("INBOX", func(m *sims.Member) { m.Keywords = "other" }), "keywords", false, false},
	{"UIDVALIDITY", box("INBOX", func(m *sims.Member) { m.UIDValidity++ }), "uidvalidity", false, false},
	{"the next UID", box("Sent/2001", func(m *sims.Member) { m.UIDNext += 5 }), "uidnext", false, false},
	{"a subscription", box("Sent/2001", func(m *sims.Member) { m.Subscribed = 0 }), "subscribed", false, false},
	{"rights", box("Sent/2001", func(m *sims.Member) { m.ACL = "joe\tlrswipcda\nbob\tlrsw" }), "acl", false, false},
	{"a mailbox under another name", func(m *sims.Member, _ *string) {
		if m.Mailbox == "Sent/2001" {
			m.Mailbox, m.Name = "Sent/2002", strings.Replace(m.Name, "2001", "2002", 1)
		}
	}, "missing-mailbox", false, false},
	{"another user", func(m *sims.Member, _ *string) {
		m.User, m.Name, m.Link = "jim", "jim"+strings.TrimPrefix(m.Name, "joe"), strings.Replace(m.Link, "joe", "jim", 1)
	}, "missing-mailbox", false, false},
	{"a link that is a message", func(m *sims.Member, body *string) {
		if m.Kind == sims.Link {
			m.Kind, m.Link, *body, m.Size = sims.Message, "", "Subject: a\n\none\n", 16
		}
	}, "link", true, false},
	{"the limit", func(m *sims.Member, _ *string) {
		if m.Kind == sims.User {
			m.Quota++
			m.Quota *= 2
		}
	}, "quota-limit", false, true},
}

// spoiled is the tree as a stream, with the fault in it.
func spoiled(t testing.TB, root string, spoil func(*sims.Member, *string)) []byte {
	t.Helper()
	s, err := source.Open(root, source.Options{})
	must(t, err)
	defer s.Close()
	var out bytes.Buffer
	w, err := sims.NewWriter(&out, sims.Header{}, 0)
	must(t, err)
	for {
		m, err := s.Next()
		if err == io.EOF {
			break
		}
		if sims.ErrorOf(err) != nil {
			continue
		}
		must(t, err)
		text, err := io.ReadAll(s)
		must(t, err)
		c, body := m.Clone(), string(text)
		spoil(c, &body)
		if c.Name == gone {
			continue
		}
		if c.Kind == sims.Message {
			c.Size = int64(len(body))
		}
		must(t, w.WriteMember(c))
		if c.Kind == sims.Message {
			_, err = io.WriteString(w, body)
			must(t, err)
		}
	}
	must(t, w.Close())
	return out.Bytes()
}

// held restores a stream, and holds the store against the tree.
func held(t testing.TB, root string, stream []byte) []string {
	t.Helper()
	store := filepath.Join(t.TempDir(), "store")
	in, err := restore.NewStream("spoiled", bytes.NewReader(stream))
	must(t, err)
	_, err = restore.Restore(context.Background(), store, []*restore.Stream{in}, restore.Options{})
	must(t, err)
	var again bytes.Buffer
	log := new(recorder)
	must(t, trees.Write(context.Background(), &again, root, trees.Options{Log: log}))
	_, err = verify.Store(context.Background(), store, verify.StoreOptions{Log: log, Streams: []verify.Stream{{Name: "tree", R: &again, Tree: true}}})
	must(t, err)
	return log.lines
}

// TestMutations makes stores with one fault each of the reading of mailbox
// files and Maildirs, and wants each named.
func TestMutations(t *testing.T) {
	for kind, files := range map[string]map[string]string{"maildir": maildirFiles, "mbox": mboxFiles} {
		root := plant(t, files)
		for _, m := range mutations {
			if kind == "mbox" && (m.links || m.limit || m.name == "rights") {
				continue
			}
			if kind == "maildir" && m.name == "recent" { // it has that anyhow
				continue
			}
			t.Run(kind+" "+m.name, func(t *testing.T) {
				stream := spoiled(t, root, m.spoil)
				if same := bytes.Equal(stream, spoiled(t, root, func(*sims.Member, *string) {})); same != (m.want == "") {
					t.Fatalf("the fault is not there: %v", same)
				}
				lines := held(t, root, stream)
				named := slices.ContainsFunc(lines, func(line string) bool {
					k, _, _ := strings.Cut(line, " ")
					return strings.Contains(k, m.want)
				})
				if m.want != "" && !named || m.want == "" && len(lines) > 0 {
					t.Errorf("no line of the kind %q:\n%s", m.want, strings.Join(lines, "\n"))
				}
			})
		}
	}
}

// TestUnread: what cannot be read of a tree is told.
func TestUnread(t *testing.T) {
	for name, text := range map[string]string{
		"joe/Maildir/cur/961579936.z": "\xfd7zXZ\x00", "joe/Maildir/.Sent.2001/dovecot-acl": "owner q\n", "joe/Maildir/dovecot-keywords": "x\n", "joe/Maildir/maildirsize": "x\n",
		"joe/Maildir/dir/sub/cur/1.x": "x", "joe/Maildir/cur/961579936.a,S=9:2,": "short", "joe/Maildir/.Sent.2001/dovecot-keywords": "0 \\x\n", "joe/Maildir/.Sent.2001/courierimapkeywords/.1.961579934.M3P0.h": "work\n", "joe/Maildir/dovecot-acl": "owner lrwstipekxa\nuser=ann lrk\n",
		"joe/Maildir/cur/961579936.a-2,Sa": "x", "joe/Maildir/cur/961579936.a:b:2,S": "x",
	} {
		files := make(map[string]string)
		for path, text := range maildirFiles {
			files[path] = text
		}
		files[name] = text
		log := new(recorder)
		must(t, trees.Write(context.Background(), io.Discard, plant(t, files), trees.Options{Log: log}))
		if len(log.lines) != 1 {
			t.Errorf("%s: %q", name, log.lines)
		}
	}
	log := new(recorder)
	root := plant(t, map[string]string{"joe/INBOX": "lost\n\n" + mboxFiles["joe/INBOX"], "joe/a.xz": "\xfd7zXZ\x00", "joe/text": "x\n",
		"joe/words": "From ann Wed Jun 21 09:32:14 2000\nX-Keywords: a \\b\n\nx\n"})
	must(t, trees.Write(context.Background(), io.Discard, root, trees.Options{Log: log}))
	if len(log.lines) != 4 {
		t.Errorf("%q", log.lines)
	}
	for _, path := range []string{filepath.Join(root, "none"), t.TempDir()} {
		if err := trees.Write(context.Background(), io.Discard, path, trees.Options{}); err == nil {
			t.Errorf("%s: no error", path)
		}
	}
	if err := trees.Write(context.Background(), failing{}, root, trees.Options{}); err == nil {
		t.Error("a destination that fails, and no error")
	}
}

// failing is a destination that fails.
type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, fmt.Errorf("no room") }

// TestDamagedPacking: a compressed file that is damaged is told in words that
// are not the library's.
func TestDamagedPacking(t *testing.T) {
	var z, l bytes.Buffer
	w := gzip.NewWriter(&z)
	io.WriteString(w, mboxFiles["joe/INBOX"])
	w.Close()
	lw := lz4.NewWriter(&l)
	io.WriteString(lw, mboxFiles["joe/INBOX"])
	lw.Close()
	cut, broken := z.String()[:z.Len()-9], l.Bytes()
	broken[len(broken)-1] ^= 1
	for file, want := range map[string]string{cut: "it has been cut", string(broken): "a checksum is wrong"} {
		log := new(recorder)
		must(t, trees.Write(context.Background(), io.Discard, plant(t, map[string]string{"joe/INBOX": file}), trees.Options{Log: log}))
		if all := strings.Join(log.lines, "\n"); !strings.Contains(all, want) || strings.Contains(all, "EOF") || strings.Contains(all, "lz4:") {
			t.Errorf("%q, want %q", all, want)
		}
	}
	log := new(recorder)
	must(t, trees.Write(context.Background(), io.Discard, plant(t, map[string]string{"joe/Maildir/cur/961579936.z": cut}), trees.Options{Log: log}))
	if all := strings.Join(log.lines, "\n"); !strings.Contains(all, "it has been cut") || strings.Contains(all, "EOF") {
		t.Errorf("%q", all)
	}
}

// TestLeftOut: what a restore leaves out is not compared, which is told.
func TestLeftOut(t *testing.T) {
	const mh = "Date: today\n\nx\n"
	const one = "From ann Wed Jun 21 09:32:14 2000\n\nx\n"
	for _, row := range []struct {
		name  string
		kind  trees.Kind
		files map[string]string
		want  []string
	}{
		{"Maildir", trees.Mbox, map[string]string{"joe/Maildir/cur/1.x": "x"}, []string{"bad-mailbox joe/Maildir: a Maildir among"}},
		{"beside it", trees.Mbox, map[string]string{"joe/INBOX": one, "joe/.old": one, "joe/x.lock": one, "joe/.text": "x", ".bob": one, "bob.lock": one}, []string{
			"hidden .bob: ", "hidden bob.lock: ", "hidden joe/.old: ", "hidden joe/x.lock: "}},
		{"deep", trees.Mbox, map[string]string{"joe/INBOX": one, "joe/" + strings.Repeat("d/", 66) + "x": one}, []string{"bad-mailbox joe/" + strings.Repeat("d/", 64) + "d: too many levels"}},
		{"hidden folders", trees.Mbox, map[string]string{"joe/INBOX": one, "joe/.old/a/b": one, "joe/.md/sub/cur/1.x": "x", "joe/.imap/INBOX/dovecot.index": "x", ".trash/joe": one}, []string{
			"hidden .trash: ", "hidden joe/.md: ", "hidden joe/.old: "}},
		{"homes", trees.Maildir, map[string]string{"joe/Maildir/cur/1.x": "x", "joe/.maildir/cur/1.x": "x", "joe/mbox": one, "joe/mail/Sent": one, "joe/text": "x", "joe/Maildir2/.Sent/cur/1.x": "x", "joe/Mail/INBOX/cur/1.x": "x", "tom/mail/saved": one, "x.com/ann/Maildir/cur/1.x": "x", "x.com/ann/saved": one}, []string{
			"bad-mailbox joe/.maildir: another", "no-maildir joe/Mail: ", "bad-mailbox joe/Maildir2: Maildirs beside", "no-maildir joe/mail: ", "no-maildir joe/mbox: ", "no-maildir tom/mail: ", "no-maildir x.com/ann/saved: "}},
		{"messages outside", trees.Maildir, map[string]string{"joe/Maildir/cur/1.x": "x", "joe/Maildir/1": mh, "joe/Maildir/2": mh, "joe/Maildir/n": "x", "joe/Maildir/.Sent/cur/1.x": "x", "joe/Maildir/.Sent/3": mh, "joe/Maildir/.Sent/o": one, "joe/Maildir/.Old/4": mh, "joe/5": mh, "joe/Mail/inbox/1": mh, "6": mh}, []string{
			"no-maildir 6: a message among", "no-maildir joe/5: a message beside", "no-maildir joe/Mail: ", "no-maildir joe/Maildir/.Old/4: ", "no-maildir joe/Maildir/.Sent/o: ", "no-maildir joe/Maildir/.Sent/3: ", "no-maildir joe/Maildir/1: a message outside of cur and new, one of 2 "}},
		{"indexes", trees.Mbox, map[string]string{"joe/INBOX": one, "joe/a.index": "x", "joe/.y": mh, "joe/b.json": mh, "joe/c.json": "{}"}, []string{"hidden joe/.y: ", "no-mbox joe/b.json: "}},
		{"copies for a search, and an answer", trees.Mbox, map[string]string{"joe/INBOX": one, "joe/INBOX.mozmsgs/1.wdseml": mh, "joe/INBOX.mozmsgs/2.mozeml": mh, "joe/.vacation.msg": mh}, nil},
		{"the same beside a Maildir", trees.Maildir, map[string]string{"joe/Maildir/cur/1.x": "x", "joe/Maildir/In.mozmsgs/1.wdseml": mh, "joe/.vacation.msg": mh, "joe/mail/In.mozmsgs/1.mozeml": mh}, nil},
		{"KMail", trees.Maildir, map[string]string{"joe/Maildir/inbox/cur/1.x": "x", "joe/Maildir/drafts": one, "joe/Maildir/dovecot-acl": "", "joe/Maildir/courierimapuiddb": "", "joe/Maildir/.inbox.directory/old": one, "joe/Maildir/.inbox.directory/a/cur/1.x": one}, []string{
			"no-maildir joe/Maildir/.inbox.directory/old: ", "no-maildir joe/Maildir/drafts: "}},
		{"no users", trees.Maildir, map[string]string{"joe/Maildir/cur/1.x": "x", "x.com/ann/cur/1.x": "x", "x.com/0/bob/Maildir/cur/1.x": "x", ".old/ann/cur/1.x": "x", "y.com/z/t": "x"}, []string{
			"bad-mailbox .old: ", "bad-mailbox x.com/0: "}},
		{"files", trees.Maildir, map[string]string{"joe/Maildir/cur/1.x": "x", "ann": one, "bob/INBOX": one, "bob/text": "x"}, []string{"no-maildir ann: ", "no-maildir bob/INBOX: "}},
	} {
		root, log := plant(t, row.files), new(recorder)
		must(t, trees.Write(context.Background(), io.Discard, root, trees.Options{Kind: row.kind, Log: log}))
		ok := len(log.lines) == len(row.want)
		for i, line := range log.lines {
			ok = ok && strings.HasPrefix(strings.Replace(line, root+"/", "", 1), row.want[i])
		}
		if !ok {
			t.Errorf("%s: %q, want %q", row.name, log.lines, row.want)
		}
	}
	root := plant(t, map[string]string{"joe/INBOX": one})
	for _, link := range []string{"bob", "joe/a"} {
		must(t, os.Symlink("INBOX", filepath.Join(root, link)))
	}
	log := new(recorder)
	must(t, trees.Write(context.Background(), io.Discard, root, trees.Options{Kind: trees.Mbox, Log: log}))
	if len(log.lines) != 2 || !strings.HasPrefix(log.lines[0], "not-regular ") || !strings.HasPrefix(log.lines[1], "not-regular ") {
		t.Errorf("%q", log.lines)
	}
}

// TestOwnersRights: restore and this reading agree on what an owner may do in a
// mailbox whose list does not tell of him.
func TestOwnersRights(t *testing.T) {
	for file, want := range map[string]string{
		"dovecot-acl\nuser=bob lrs\n": "joe\tlrswipcda\nbob\tlrs", "dovecot-acl\nuser=joe lr\n": "joe\tlr", "dovecot-acl\n": "", "dovecot-acl\n-owner w\n": "joe\tlrswipcda\n-joe\tw",
		"dovecot-acl\nowner lrw\nuser=joe lr\n": "joe\tlr", "dovecot-acl\nuser=joe lra\nowner w\n": "joe\tlra", "dovecot-acl\nuser=bob l\nuser=ann r\nuser=bob kr\nuser=bob x\n": "joe\tlrswipcda\nbob\tlrc\nann\tr",
		"dovecot-acl\n-owner w\n-user=joe a\nowner lr\n": "-joe\ta\njoe\tlr",
		"courierimapacl\nuser=bob lrs\n":                 "bob\tlrs",
	} {
		name, text, _ := strings.Cut(file, "\n")
		root := plant(t, map[string]string{"joe/Maildir/cur/961579934.x": "x", "joe/Maildir/dovecot-uidlist": "3 V7 N2\n1 :961579934.x\n", "joe/Maildir/" + name: text})
		stream := spoiled(t, root, func(m *sims.Member, _ *string) {
			if m.Kind == sims.Mailbox && m.ACL != want {
				t.Errorf("%q: the restore takes %q, want %q", file, m.ACL, want)
			}
		})
		if lines := held(t, root, stream); len(lines) > 0 {
			t.Errorf("%q: %q", file, lines)
		}
	}
}
