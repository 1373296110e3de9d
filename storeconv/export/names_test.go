package export

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"imsconv/storeconv/ims"
	"imsconv/storeconv/maildir"
	"imsconv/storeconv/sims"
	"imsconv/storeconv/source"
)

func TestPlaces(t *testing.T) {
	for _, tt := range []struct{ template, domain, id, want string }{
		{"%u/Maildir", "", "joe", "joe/Maildir"},
		{"%u/Maildir", "", "joe@x.org", "joe@x.org/Maildir"},
		{"%d/%n/Maildir", "y.org", "joe", "y.org/joe/Maildir"},
		{"%d/%n/Maildir", "y.org", "joe@x.org", "x.org/joe/Maildir"},
		{"a%%b/%n", "", "joe@x.org", "a%b/joe"},
		{"%d/%n", "", "joe", ""},
		{"%u", "", ".imsconv", ""},
		{"mail/%u", "", ".imsconv", ""},
		{"%d/%n/Maildir", "", ".imsconv@x.org", ""},
		{"mail/%u", "", ".imsconv2", "mail/.imsconv2"},
		{"%u", "", "dovecot.conf.example", ""},
		{"%n", "", "..@x.org", ""},
		{"%n/x", "", "@x.org", ""},
	} {
		tm, err := parseTemplate(tt.template, tt.domain)
		if err != nil {
			t.Fatal(err)
		}
		got, err := tm.place(tt.id)
		if got != tt.want || (err != nil) != (tt.want == "") {
			t.Errorf("%s of %s: %q, %v", tt.template, tt.id, got, err)
		}
	}
	for _, bad := range []string{"", "Maildir", "/%u", "%u/..", "./%u", "%u//x", "%x/%u", "%u%", "%d", "a\n%u", "a/.imsconv/%u"} {
		if CheckPath(bad) == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestLogin(t *testing.T) {
	for _, tt := range []struct{ template, domain, id, want string }{
		{"%u/Maildir", "y.org", "joe", "joe"}, {"%d/%n", "y.org", "joe", "joe@y.org"}, {"%d/%n", "y.org", "joe@x.org", "joe@x.org"}, {"%%d/%n", "y.org", "joe", "joe"}, {"%d/%n", "", "joe", "joe"},
	} {
		if got := (template{tt.template, tt.domain}).login(tt.id); got != tt.want {
			t.Errorf("%+v: %s", tt, got)
		}
	}
}

func TestClaims(t *testing.T) {
	c := newClaims()
	for _, tt := range []struct {
		place, id string
		ok        bool
	}{
		{"a/joe", "joe@a", true}, {"a/joe", "joe@a", true}, {"a/joe", "joe", false}, {"a", "a", false}, {"a/joe/x", "x", false}, {"a/ann", "ann", true}, {"b", "b", true},
	} {
		if err := c.take(tt.place, "", tt.id); (err == nil) != tt.ok {
			t.Errorf("%s for %s: %v", tt.place, tt.id, err)
		}
	}
}

func TestUIDL(t *testing.T) {
	for format, want := range map[string]string{
		"": "", "%v-%u": "255-16", "%08Xu%08Xv": "00000010000000ff", "%Xv.%05u": "ff.00016", "%%%u": "%16",
	} {
		u, err := parseUIDL(format)
		if got := u.of(255, 16); err != nil || got != want {
			t.Errorf("%q: %q, %v", format, got, err)
		}
	}
	for _, bad := range []string{"%v", "%m", "%", "a %u", "%u\n", "%99u%u"} {
		if CheckUIDL(bad) == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

// TestFolderNames: names that can be kept are, all others are different, and
// can be.
func TestFolderNames(t *testing.T) {
	long := strings.Repeat("x", 300)
	all := []string{"a.b", "a_b", "Inbox", "inbox", "INBOX/x", "inbox/x", "inbox_/x", "cur", "cur_", "a/cur", "~x", `b\c`, "a&b", long, long + "y", long + "/z", strings.Repeat("d/", 120) + "d", "tmp/new", "dovecot-uidlist", "a..b", "...", ".", "x/.."}
	all = append(all, ".imap", ".imap/x", "Drafts.lock", "a/folder.msg", "Old.mbox", "X.sbd/y", "Old.mbx", "X.fol/y", strings.Repeat("z", 245))
	for _, n := range []naming{{}, {Naming: maildir.Naming{Escape: true}}, {Naming: maildir.Naming{Layout: maildir.FS}},
		{Naming: maildir.Naming{Layout: maildir.FS, Escape: true}}, {maildir.Naming{Layout: maildir.FS}, true}} {
		f := newFolderNames(n)
		dirs := make(map[string]string)
		var rest []string
		for _, name := range all {
			p, ok := f.own(name)
			if dir, err := n.Dir(name); ok != (err == nil) || ok && (p.target != name || p.dir != dir) {
				t.Errorf("%v: %q: %+v", n, name, p)
			}
			if ok {
				dirs[p.dir] = name
			} else {
				rest = append(rest, name)
			}
		}
		for _, name := range rest {
			p := f.place(name)
			if dir, err := n.Dir(p.target); err != nil || dir != p.dir || p.why == "" || dirs[dir] != "" {
				t.Errorf("%v: %q becomes %+v, which is that of %q: %v", n, name, p, dirs[dir], err)
			}
			dirs[p.dir] = name
		}
	}
}

// TestKeywordsOfWhatIsLeftOut: a keyword that only a message has which does not
// go over takes nobody's letter.
func TestKeywordsOfWhatIsLeftOut(t *testing.T) {
	var all []string
	for i := range maildir.MaxKeywords {
		all = append(all, fmt.Sprintf("k%02d", i))
	}
	path := write(t, boxed("joe/INBOX", 7), msg("joe/INBOX/1", 1001, "expired gone", "a\n"),
		msg("joe/INBOX/2", 1002, strings.Join(all, " "), "b\n"), msg("joe/INBOX/2", 1003, "twice", "c\n"))
	out := t.TempDir()
	rep, log := exportTo(t, out, streamOf(t, path), Options{})
	if rep.KeywordsLost > 0 || len(log.Warnings) > 0 || len(log.Problems) != 1 {
		t.Errorf("%+v, %q, %q", rep, log.Warnings, log.Problems)
	}
	if got := content(t, out+"/joe/Maildir/dovecot-keywords"); strings.Count(got, "\n") != len(all) || strings.Contains(got, "gone") || strings.Contains(got, "twice") {
		t.Errorf("%s", got)
	}
	out = t.TempDir()
	exportTo(t, out, streamOf(t, path), Options{To: Mbox})
	if got := content(t, out+"/joe/INBOX"); strings.Contains(got, "gone") || strings.Contains(got, "twice") {
		t.Errorf("%s", got)
	}
}

// TestOddities: what a Maildir cannot have is told, and nothing else changes.
func TestOddities(t *testing.T) {
	members := []member{
		{sims.Member{Kind: sims.User, Name: "joe", Quota: 0, HasQuota: true}, ""},
		{sims.Member{Kind: sims.Mailbox, Name: "joe/INBOX", UIDValidity: 7, ACL: "joe\tlrswipcda\nann\tlrs\nanyone\tl\n-bob\tw\nx\tl0", Subscribed: 1}, ""},
		msg("joe/INBOX/1", -86400, `\Archived \Seen`, "old\n"), msg("joe/INBOX/4294967295", 5, "", "high\n"),
		boxed("joe/Many", 8),
	}
	for i := range 30 {
		members = append(members, msg(fmt.Sprintf("joe/Many/%d", i+1), int64(i), fmt.Sprintf("k%02d all pending", i%28), "x\n"))
	}
	dir := t.TempDir()
	rep, log := exportTo(t, dir, streamOf(t, write(t, members...)), Options{})
	if len(log.Problems) > 0 || rep.Archived != 1 || rep.NoDate != 1 || rep.OtherUID != 1 || rep.KeywordsLost != 3 || rep.Pending != 30 {
		t.Errorf("%+v %q", rep, log.Problems)
	}
	joe := dir + "/joe/Maildir/"
	if got := content(t, joe+"dovecot-acl"); got != "owner lrwstipekxa\nuser=ann lrs\nanyone l\n-user=bob w\n" {
		t.Errorf("rights %q", got)
	}
	info, err := os.Stat(joe + "cur/0.M1P0.imsconv,S=4,W=5:2,S")
	if err != nil || info.ModTime().Unix() != -86400 {
		t.Errorf("%v %v", info, err)
	}
	if got := content(t, joe+"dovecot-uidlist"); !strings.HasSuffix(got, "\n1 :0.M1P0.imsconv,S=4,W=5:2,S\n2 :5.M4294967295P0.imsconv,S=5,W=6:2,\n") || !strings.HasPrefix(got, "3 V7 N3 ") {
		t.Errorf("uidlist %q", got)
	}
	keywords := strings.Split(content(t, joe+".Many/dovecot-keywords"), "\n")
	if len(keywords) != 27 || !slices.Equal(keywords[:4], []string{"0 all", "1 k00", "2 k01", "3 k02"}) {
		t.Errorf("keywords %q", keywords)
	}
	if _, err := os.Stat(joe + "maildirsize"); err == nil {
		t.Error("a limit of 0 bytes is written")
	}
	rep, _ = exportTo(t, dir, streamOf(t, write(t, members...)), Options{})
	if rep.Messages != 0 || rep.There != 32 {
		t.Errorf("the second time: %+v", rep)
	}
}

// TestForeignStore: of a store whose indexes are a server's the tree and the
// files tell, and what they do not tell is said.
func TestForeignStore(t *testing.T) {
	site := testSite(t, 44)
	err := filepath.WalkDir(site.Store, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Name() == "store.idx" {
			err = os.WriteFile(path, []byte("\x00\x01opaque"), 0o600)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	rep, log := exportTo(t, dir, FromStore(site.Store), Options{})
	var n int64
	for _, box := range site.Want.Mailboxes {
		n += int64(len(box.Messages))
		if len(box.Messages) == 0 {
			continue
		}
		got := readMailbox(t, filepath.Join(dir, box.User, "Maildir", dirName(box.Name)))
		for i, m := range box.Messages {
			date := m.Date
			if m.Linked || m.FileDate != 0 {
				date = m.FileDate
			}
			want := fmt.Sprintf("%d %d %d %s []", m.UID, date, m.Size, m.SHA256)
			if i+1 >= len(got) || got[i+1] != want {
				t.Errorf("%s/%s: %q, want %q", box.User, box.Name, got, want)
				break
			}
		}
	}
	if rep.Messages != n || len(log.Problems) > 0 || rep.Foreign == 0 || int64(len(log.Warnings)) < rep.Foreign {
		t.Errorf("%d messages are wanted: %+v %q", n, rep, log.Problems)
	}
	if !slices.ContainsFunc(log.Warnings, func(s string) bool {
		return strings.Contains(s, "flags are not known") && strings.Contains(s, "UIDVALIDITY")
	}) {
		t.Errorf("%q", log.Warnings)
	}
	again, _ := exportTo(t, dir, FromStore(site.Store), Options{})
	if again.Messages != 0 || again.There != n {
		t.Errorf("the second time: %+v", again)
	}
}

// TestUnreadable: a message that cannot be read costs that message.
func TestUnreadable(t *testing.T) {
	site := testSite(t, 42)
	box := site.Want.Mailboxes[0]
	if err := os.Remove(filepath.Join(site.Store, box.Messages[0].Path)); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir() + "/out"
	rep, log := exportTo(t, dir, FromStore(site.Store), Options{})
	if rep.Refused != 1 || len(log.Problems) != 1 || !strings.Contains(log.Problems[0], box.User+"/"+box.Name) {
		t.Errorf("%+v %q", rep, log.Problems)
	}
	box.Messages = box.Messages[1:]
	site.Want.Mailboxes[0] = box
	checkSite(t, dir, site.Want)
}

// TestListLines: what is written is read back; what is not of that form is
// refused.
func TestListLines(t *testing.T) {
	e := entry{record: record{uid: 7, date: -5, size: 10, bare: 3, sum: [32]byte{1}}, sign: '+', keywords: []string{"a", "b"}, base: "x"}
	var back entry
	if line := string(e.append(nil)); !back.parse(strings.TrimSuffix(line, "\n")) || string(back.append(nil)) != line {
		t.Errorf("%+v", back)
	}
	for _, bad := range []string{"", "x", "0\t1\t1\t1\t\t\t", "1\t1\t2\t1\t\t\t", "1\t1\t1\t1\tzz\t\t", "1\t1\t1\t1\t\t\t\ta/b", "1\t1\t-1\t1\t\t\t"} {
		if back.parse(bad) {
			t.Errorf("%q is taken", bad)
		}
	}
	for _, text := range []string{"", "imsconv-exported 2\n\n", "imsconv-exported 1\nuser x", "imsconv-exported 1\nmailbox a\tb\t../x\t1\n\n", "imsconv-exported 1\nwhat\n\n"} {
		if _, err := newListReader(strings.NewReader(text), exportedMagic); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
	if _, err := newListReader(strings.NewReader(""), exportedMagic); !errors.Is(err, errBadList) {
		t.Error(err)
	}
}

// FuzzList holds that no list makes its reader crash, and that what is read is
// written as it was.
func FuzzList(f *testing.F) {
	f.Add("imsconv-exported 1\nuser joe\nplace joe/Maildir\nsource joe@siroe.com\nneeds acl quota\nmailbox INBOX\tINBOX\t\t7\nmailbox a/b\ta/b\t.a.b\t-\n\n@ 0\n1\t5\t3\t4\t\tFS\tJunk Work\n@ 1\n")
	f.Add("imsconv-exported 1\n\n@ 0\n")
	f.Fuzz(func(t *testing.T, text string) {
		l, err := newListReader(strings.NewReader(text), exportedMagic)
		if err != nil {
			return
		}
		again, err := newListReader(strings.NewReader(string(appendHead(nil, &l.head))), exportedMagic)
		if err != nil || fmt.Sprint(again.head) != fmt.Sprint(l.head) {
			t.Errorf("%+v, %+v: %v", l.head, again, err)
		}
		var e, back entry
		for {
			if _, err := l.message(&e); err != nil {
				return
			}
			if line := string(e.append(nil)); !back.parse(strings.TrimSuffix(line, "\n")) || string(back.append(nil)) != line {
				t.Errorf("%q becomes %+v", line, back)
			}
		}
	})
}

// TestUnreadableUser: a user whose directory or index cannot be read is not
// made, so that a later run can give his mail its own UIDs and flags.
func TestUnreadableUser(t *testing.T) {
	for _, name := range []string{"", ims.IndexName} {
		t.Run("unread "+name, func(t *testing.T) { unreadableUser(t, name) })
	}
}

func unreadableUser(t *testing.T, name string) {
	site := testSite(t, 42)
	id := site.Want.Mailboxes[0].User
	home := filepath.Join(site.Store, ims.UserDir("primary", id), name)
	info, err := os.Stat(home)
	if err != nil {
		t.Fatal(err)
	}
	top := t.TempDir()
	dir := filepath.Join(top, "out")
	if err := os.Chmod(home, 0); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() == 0 { // who may read everything
		err := filepath.WalkDir(site.Store, func(path string, _ fs.DirEntry, err error) error {
			return errors.Join(err, os.Chown(path, 65534, 65534))
		})
		if err := errors.Join(err, os.Chown(top, 65534, 65534), os.Chmod(filepath.Dir(site.Store), 0o755), os.Chmod(filepath.Dir(filepath.Dir(site.Store)), 0o755), os.Chmod(filepath.Dir(top), 0o755)); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Seteuid(65534); err != nil {
			t.Fatal(err)
		}
		defer syscall.Seteuid(0)
	}
	rep, log := exportTo(t, dir, FromStore(site.Store), Options{Path: "%u/Maildir"})
	if rep.Refused != 1 || len(log.Problems) != 2 {
		t.Errorf("%+v %q", rep, log.Problems)
	}
	if err := os.Chmod(home, info.Mode().Perm()); err != nil {
		t.Fatal(err)
	}
	exportTo(t, dir, FromStore(site.Store), Options{Path: "%u/Maildir"})
	checkSite(t, dir, site.Want)
}

// TestPartsOfMaildirs: under fs no mailbox has a name that readers of Maildirs
// take for a part of one: what is exported is read back whole, also where many
// names begin with a dot and the layout could be taken for the other.
func TestPartsOfMaildirs(t *testing.T) {
	odd := []string{
		"a/maildirsize", "a/subscriptions", "a/dovecot-uidlist", "a/courierimapkeywords", "a/courierimapuiddb", "a/courierimapsubscribed",
		"a/courierimapacl", "a/.uidvalidity", "..maildir++", "courierimaphieracl", "a/.imsconv", ".imsconv", "a/maildirfolder", "a/cur",
	}
	for _, names := range [][]string{append([]string{"INBOX", "a"}, odd...), {"INBOX", ".a", ".b", "c"}, {"INBOX", `x\2ey`, ".a"}} {
		var members []member
		want := make(map[string]bool)
		for i, name := range names {
			body := "Subject: " + name + "\r\n\r\n"
			members = append(members, boxed("joe/"+name, uint32(100+i)), msg(fmt.Sprintf("joe/%s/%d", name, 5+i), 1001, "", body))
			want[fmt.Sprintf("%d %d %s", 100+i, 5+i, body)] = true
		}
		for _, escape := range []Escape{EscapeAuto, EscapeNone} {
			dir := t.TempDir()
			rep, log := exportTo(t, dir, streamOf(t, write(t, members...)), Options{Layout: maildir.FS, Escape: escape})
			if rep.Mailboxes != int64(len(names)) || int64(len(log.Warnings)) != rep.Renamed {
				t.Errorf("%+v, told %q", rep, log.Warnings)
			}
			got := readBack(t, dir)
			for _, line := range slices.Sorted(maps.Keys(want)) {
				if got[line] == "" {
					t.Errorf("escape %d: not read back: %q", escape, line)
				}
			}
			if len(got) != len(want) {
				t.Errorf("escape %d: %d messages are read back, want %d: %q", escape, len(got), len(want), got)
			}
			for line, name := range got {
				if uid := strings.Fields(line)[0]; slices.Contains(names, name) && uid != fmt.Sprint(100+slices.Index(names, name)) {
					t.Errorf("escape %d: %q is read back under the name %s", escape, line, name)
				}
				if rep.Renamed == 0 && !slices.Contains(names, name) {
					t.Errorf("escape %d: a mailbox %s comes back", escape, name)
				}
			}
		}
	}
}

// readBack reads an export of Maildirs: UIDVALIDITY, UID and text of each
// message, with its mailbox.
func readBack(t *testing.T, dir string) map[string]string {
	t.Helper()
	s, err := source.Open(dir, source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	out, validity := make(map[string]string), make(map[string]uint32)
	for {
		m, err := s.Next()
		if err == io.EOF {
			return out
		}
		if e := sims.ErrorOf(err); e != nil && e.Tolerated {
			continue // that it goes by its folder
		}
		if err != nil {
			t.Errorf("read back: %v", err)
			continue
		}
		switch m.Kind {
		case sims.Mailbox:
			validity[m.Mailbox] = m.UIDValidity
		case sims.Message:
			body, err := io.ReadAll(s)
			if err != nil {
				t.Fatal(err)
			}
			out[fmt.Sprintf("%d %d %s", validity[m.Mailbox], m.UID, body)] = m.Mailbox
		}
	}
}

// TestPartsOfExports: a user's Maildir, or those of a domain, are read alone as
// the export that has made them says, also through a link; what lies in the
// export's folder, and is not of its making, as it looks.
func TestPartsOfExports(t *testing.T) {
	names := []string{"INBOX", ".a", ".b", ".b/below", `x\2ey`}
	var members []member
	want := make(map[string]string)
	for i, name := range names {
		members = append(members, boxed("joe@siroe.com/"+name, uint32(100+i)), msg(fmt.Sprintf("joe@siroe.com/%s/%d", name, 5+i), 1001, "", name))
		want[fmt.Sprintf("%d %d %s", 100+i, 5+i, name)] = name
	}
	for _, template := range []string{"%u/Maildir", "%u", "%d/%n/Maildir", "mail/%d/Maildirs/%n"} {
		for _, layout := range []maildir.Layout{maildir.FS, maildir.PlusPlus} {
			dir := t.TempDir()
			exportTo(t, dir, streamOf(t, write(t, members...)), Options{Path: template, Layout: layout})
			place := strings.NewReplacer("%u", "joe@siroe.com", "%d", "siroe.com", "%n", "joe").Replace(template)
			link := filepath.Join(t.TempDir(), "joe")
			if err := os.Symlink(filepath.Join(dir, place), link); err != nil {
				t.Fatal(err)
			}
			paths := []string{filepath.Join(dir, place), link}
			if strings.HasSuffix(place, "/Maildir") {
				paths = append(paths, filepath.Join(dir, filepath.Dir(place)))
			}
			for _, path := range paths {
				if got := readBack(t, path); !maps.Equal(got, want) {
					t.Errorf("%s, layout %v: %s is read back as %q, want %q", template, layout, path, got, want)
				}
			}
		}
	}

	dir := t.TempDir()
	exportTo(t, dir, streamOf(t, write(t, members...)), Options{Layout: maildir.FS})
	for _, other := range []string{"joe@siroe.com/old", "joe@siroe.com/Maildir/.a/old"} { // no place of a user, and deeper than one
		for name, text := range map[string]string{
			"dovecot-uidlist":       "3 V7 N2 G00112233445566778899aabbccddeeff\n1 :0.x:2,\n",
			"cur/0.x:2,":            "x",
			".Sent/dovecot-uidlist": "3 V8 N2 G00112233445566778899aabbccddeeff\n1 :1.x:2,\n",
			".Sent/cur/1.x:2,":      "x",
		} {
			file := filepath.Join(dir, other, name)
			if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got := slices.Sorted(maps.Values(readBack(t, filepath.Join(dir, other)))); !slices.Equal(got, []string{"INBOX", "Sent"}) {
			t.Errorf("%s is read as %q", other, got)
		}
	}
}
