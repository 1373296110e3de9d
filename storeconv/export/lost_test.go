package export

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"imsconv/storeconv/ims"
	"imsconv/storeconv/restore"
	"imsconv/storeconv/sims"
)

// restored is a store made of a backup stream.
func restored(t *testing.T, stream []byte) string {
	t.Helper()
	s, err := restore.NewStream("stream", bytes.NewReader(stream))
	if err != nil {
		t.Fatal(err)
	}
	store := t.TempDir()
	if _, err := restore.Restore(t.Context(), store, []*restore.Stream{s}, restore.Options{}); err != nil {
		t.Fatal(err)
	}
	return store
}

// TestBareLFOfIndex: the index is believed that a message has no bare LF where
// its bytes have the SHA-256 of the index, and of no other bytes.
func TestBareLFOfIndex(t *testing.T) {
	bodies := []string{"one\r\n", "t\nwo\r\n", "thr\r\nee\r\n", "four\r\n"}
	members := []member{boxed("joe/INBOX", 7)}
	for i, body := range bodies {
		members = append(members, msg(fmt.Sprintf("joe/INBOX/%d", i+1), int64(1001+i), "", body))
	}
	text, err := os.ReadFile(write(t, members...))
	if err != nil {
		t.Fatal(err)
	}
	store := restored(t, text)
	box := filepath.Join(store, ims.MailboxDir("primary", "joe", ims.Inbox))
	// The third has other bytes now, as many, with two bare LFs.
	if err := os.WriteFile(filepath.Join(box, ims.MessagePath(3)), []byte("thr\nee\n\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	exported := func() []string {
		out := t.TempDir()
		_, log := exportTo(t, out, FromStore(store), Options{})
		if len(log.Problems) != 1 || !strings.HasPrefix(log.Problems[0], "wrong-sum joe/INBOX/3: ") {
			t.Errorf("told %q", log.Problems)
		}
		return names(t, filepath.Join(out, "joe/Maildir/cur"))
	}
	want := []string{"1001.M1P0.imsconv,S=5,W=5:2,", "1002.M2P0.imsconv,S=6,W=7:2,", "1003.M3P0.imsconv,S=9,W=11:2,", "1004.M4P0.imsconv,S=6,W=6:2,"}
	if got := exported(); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}

	// With an index that says of all that they have none, the second is believed.
	index := filepath.Join(box, "store.idx")
	was := content(t, index)
	line := regexp.MustCompile(`(?m)^Bare LF: 1 (\d+) .*$`)
	if !line.MatchString(was) {
		t.Fatalf("the index says nothing of line ends:\n%s", was)
	}
	if err := os.WriteFile(index, []byte(line.ReplaceAllString(was, "Bare LF: 0 $1")), 0o600); err != nil {
		t.Fatal(err)
	}
	want[1] = "1002.M2P0.imsconv,S=6,W=6:2,"
	if got := exported(); !slices.Equal(got, want) {
		t.Errorf("an index that says of none: %q, want %q", got, want)
	}
}

// What looks like mail of a store, and what its lists name, and is not
// exported, is told: nobody else says that it is missing.
func TestMailThatIsNotExported(t *testing.T) {
	var text bytes.Buffer
	w, err := sims.NewWriter(&text, sims.Header{Date: 981538200}, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"anna/INBOX", "anna/Mail", "anna/Old", "bob/INBOX", "joe/INBOX"} {
		for _, m := range []*sims.Member{{Kind: sims.Mailbox, Name: name, UIDValidity: 7}, {Kind: sims.Message, Name: name + "/1", Size: 1}} {
			if err := w.WriteMember(m); err != nil {
				t.Fatal(err)
			}
		}
		io.WriteString(w, "x")
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	store := restored(t, text.Bytes())
	if _, log := exportTo(t, t.TempDir(), FromStore(store), Options{To: Maildir}); len(log.Problems)+len(log.Warnings) > 0 {
		t.Fatalf("%q %q", log.Problems, log.Warnings)
	}

	at := func(path string) string { return filepath.Join(store, path) }
	bob, anna := ims.UserDir("primary", "bob"), ims.UserDir("primary", "anna")
	for _, err := range []error{
		os.MkdirAll(at("partition/primary/=user/00/00"), 0o700),
		os.Rename(at(bob), at("partition/primary/=user/00/00/=bob")),
		os.WriteFile(at(anna+"/00/9.msg"), []byte("y"), 0o600),
		os.WriteFile(at(anna+"/00/999.msg"), []byte("y"), 0o600),
		os.WriteFile(at(anna+"/00/1.msg.old"), []byte("y"), 0o600),
		os.Rename(at(anna+"/=+Mail"), at(anna+"/Mail")),
		os.RemoveAll(at(anna + "/=+Old")),
		os.Symlink(at("partition/primary"), at("partition/other")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	_, log := exportTo(t, t.TempDir(), FromStore(store), Options{To: Maildir})
	problems := []string{
		"misplaced " + anna + "/00/999.msg: in the wrong directory, belongs in " + ims.MessageDir(999) + ": it is not exported",
		"misplaced partition/primary/=user/00/00/=bob: in the wrong hash directory, user bob belongs in 53/b7: it is not exported",
		"no-tree mboxlist/folder.db: user/anna/Mail: a mailbox without a directory: it is not exported",
		"no-tree mboxlist/folder.db: user/anna/Old: a mailbox without a directory: it is not exported",
		"no-tree mboxlist/folder.db: user/bob: a mailbox without a directory: it is not exported",
		"not-indexed " + anna + "/00/9.msg: a message file that the index does not name: it is not exported",
		"stray-file partition/other: not a directory: it is not exported",
	}
	warnings := []string{
		"stray-file " + anna + "/00/1.msg.old: not a message file: it is not exported",
		"stray-file " + anna + "/Mail: no part of a mailbox: it is not exported",
	}
	slices.Sort(log.Problems)
	slices.Sort(log.Warnings)
	slices.Sort(problems)
	if !slices.Equal(log.Problems, problems) || !slices.Equal(log.Warnings, warnings) {
		t.Errorf("problems\n%q\n%q\nwarnings\n%q\n%q", log.Problems, problems, log.Warnings, warnings)
	}
}

// A message that is not what its index says is exported as it stands, and told,
// whatever way it goes; by a link at least its size is looked at.
func TestMessageUnlikeItsIndex(t *testing.T) {
	long := strings.Repeat("0123456789abcde\n", maxHeld/16+1)
	texts := map[string]string{"1": "changed\n", "2": "shorter\n", "3": long, "4": "as it was\n", "5": "no bare LF\r\n", "6": "short\r\n"}
	var text bytes.Buffer
	w, err := sims.NewWriter(&text, sims.Header{Date: 981538200}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.WriteMember(&sims.Member{Kind: sims.Mailbox, Name: "joe/INBOX", UIDValidity: 7}); err != nil {
		t.Fatal(err)
	}
	for _, uid := range slices.Sorted(maps.Keys(texts)) {
		if err := w.WriteMember(&sims.Member{Kind: sims.Message, Name: "joe/INBOX/" + uid, Size: int64(len(texts[uid])), Time: 981538200}); err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, texts[uid])
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	store := restored(t, text.Bytes())
	for uid, text := range map[string]string{"1": "Changed\n", "2": "short", "3": "X" + long[1:], "5": "No bare LF\r\n", "6": "\r\n"} {
		name := filepath.Join(store, ims.UserDir("primary", "joe"), "00", uid+".msg")
		was, err := os.Stat(name)
		if err == nil {
			err = os.WriteFile(name, []byte(text), 0o600)
		}
		if err == nil {
			err = os.Chtimes(name, was.ModTime(), was.ModTime())
		}
		if err != nil {
			t.Fatal(err)
		}
		texts[uid] = text
	}
	links := []string{"size joe/INBOX/2", "size joe/INBOX/6", "wrong-sum joe/INBOX/1", "wrong-sum joe/INBOX/3"}
	all := append(slices.Clone(links), "wrong-sum joe/INBOX/5")
	for _, c := range []struct {
		name string
		opt  Options
		want []string
	}{
		{"copy", Options{To: Maildir}, all},
		{"mbox", Options{To: Mbox}, all},
		{"CR LF", Options{To: Maildir, Newline: CRLF}, all},
		{"links", Options{To: Maildir, Via: Hardlink}, links}, // the fifth is not read, which has no bare LF
		{"dry run", Options{To: Maildir, DryRun: true}, all},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := t.TempDir()
			rep, log := exportTo(t, out, FromStore(store), c.opt)
			var got []string
			for _, p := range log.Problems {
				p, _, _ = strings.Cut(p, ":")
				got = append(got, p)
			}
			if slices.Sort(got); !slices.Equal(got, c.want) || rep.Messages != 6 {
				t.Errorf("%d messages, %q", rep.Messages, log.Problems)
			}
		})
	}
}

// A keyword that can be none is left out and told; all else is exported.
func TestKeywordThatCannotBe(t *testing.T) {
	var text bytes.Buffer
	w, err := sims.NewWriter(&text, sims.Header{Date: 981538200}, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []*sims.Member{{Kind: sims.Mailbox, Name: "anna/INBOX", UIDValidity: 7}, {Kind: sims.Message, Name: "anna/INBOX/1", Flags: "Bxd Work"}} {
		if err := w.WriteMember(m); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	store := restored(t, text.Bytes())
	dir := ims.UserDir("primary", "anna")
	index := filepath.Join(store, dir, ims.IndexName)
	b, err := os.ReadFile(index)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(index, bytes.Replace(b, []byte("Bxd"), []byte("B\x00d"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	want := []string{"bad-flag " + dir + `: the keyword "B\x00d" cannot be one, and is left out`}
	for _, to := range []Format{Maildir, Mbox} {
		out := t.TempDir()
		rep, log := exportTo(t, out, FromStore(store), Options{To: to})
		if rep.Messages != 1 || !slices.Equal(log.Problems, want) {
			t.Errorf("%d messages, %q, want %q", rep.Messages, log.Problems, want)
		}
	}
}

// TestMailOfDamagedIndex: what a damaged index does not name any more is
// exported by its files, and the flags of all other messages stay.
func TestMailOfDamagedIndex(t *testing.T) {
	var text bytes.Buffer
	w, err := sims.NewWriter(&text, sims.Header{Date: 981538200}, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []*sims.Member{
		{Kind: sims.Mailbox, Name: "joe/INBOX", UIDValidity: 7},
		{Kind: sims.Message, Name: "joe/INBOX/2", Size: 3, Time: 981530002, Flags: `\Seen`},
		{Kind: sims.Message, Name: "joe/INBOX/3", Size: 3, Time: 981530003, Flags: `\Flagged`},
		{Kind: sims.Message, Name: "joe/INBOX/5", Size: 3, Time: 981530005, Flags: `\Answered`},
	} {
		if err := w.WriteMember(m); err != nil {
			t.Fatal(err)
		}
		if m.Size > 0 {
			io.WriteString(w, "m"+m.Name[len(m.Name)-1:]+"\n")
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	dir := ims.UserDir("primary", "joe")
	line := func(index string, uid string) (before, line, after string) {
		at := strings.Index(index, "\n"+uid+"\t") + 1
		end := at + strings.IndexByte(index[at:], '\n') + 1
		return index[:at], index[at:end], index[end:]
	}
	without := func(uids ...string) func(string) string {
		return func(index string) string {
			for _, uid := range uids {
				before, _, after := line(index, uid)
				index = before + after
			}
			return index
		}
	}
	for name, tt := range map[string]struct {
		damage func(string) string
		lost   []string
	}{
		"a line is missing":   {without("3"), []string{"3"}},
		"the last is missing": {without("5"), []string{"5"}},
		"all are missing":     {without("2", "3", "5"), []string{"2", "3", "5"}},
		"a line is damaged": {func(index string) string {
			before, line, after := line(index, "2")
			return before + "x" + line + after
		}, []string{"2"}},
		"two are": {func(index string) string {
			return strings.Replace(strings.Replace(index, "\n2\t", "\nx\t", 1), "\n5\t", "\nx\t", 1)
		}, []string{"2", "5"}},
	} {
		t.Run(name, func(t *testing.T) {
			store := restored(t, text.Bytes())
			whole := t.TempDir()
			exportTo(t, whole, FromStore(store), Options{To: Maildir})
			want := readMailbox(t, filepath.Join(whole, "joe", "Maildir"))
			if len(want) != 4 {
				t.Fatalf("%q", want)
			}
			path := filepath.Join(store, dir, ims.IndexName)
			index, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(tt.damage(string(index))), 0o600); err != nil {
				t.Fatal(err)
			}
			told := []string{"bad-index " + dir}
			for _, uid := range tt.lost {
				told = append(told, "no-index "+dir+"/00/"+uid+".msg")
				for i, row := range want[1:] {
					if row, ok := strings.CutPrefix(row, uid+" "); ok {
						before, _, _ := strings.Cut(row, "[")
						want[i+1] = uid + " " + before + "[]"
					}
				}
			}
			out := t.TempDir()
			rep, log := exportTo(t, out, FromStore(store), Options{To: Maildir})
			got := readMailbox(t, filepath.Join(out, "joe", "Maildir"))
			if !slices.Equal(got[1:], want[1:]) || rep.Messages != 3 {
				t.Errorf("got\n%q, want\n%q, %+v", got, want, rep)
			}
			var said []string
			for _, line := range log.Problems {
				line, _, _ = strings.Cut(line, ": ")
				said = append(said, line)
			}
			if !slices.Equal(said, told) || len(log.Warnings) > 0 {
				t.Errorf("told %q %q, want %q", log.Problems, log.Warnings, told)
			}
		})
	}
}

// TestRightsWithoutOwner: rights that do not name the owner give him all on a
// server, which is told; of a line of his that has no form the rest stays, and
// of one that takes rights away.
func TestRightsWithoutOwner(t *testing.T) {
	for acl, want := range map[string]struct{ file, told string }{
		"ann\tlr":                  {"user=ann lr\n", "rights joe/INBOX: the rights do not name the owner, and a server gives him all then"},
		"joe\tlrs\nann\tlr":        {"owner lrs\nuser=ann lr\n", ""},
		"joe\tlrs5\nann\tlr":       {"owner lrs\nuser=ann lr\n", `rights joe/INBOX: the rights "joe\t5" have no form in a dovecot-acl: they are left out`},
		"joe\tlrswipcda\n-ann\tr0": {"owner lrwstipekxa\n-user=ann r\n", `rights joe/INBOX: the rights "-ann\t0" have no form in a dovecot-acl: they are left out`},
		"":                         {"", ""},
	} {
		box := boxed("joe/INBOX", 7)
		box.ACL = acl
		stream := write(t, box, msg("joe/INBOX/1", 1001, "", "one\r\n"))
		for _, dry := range []bool{true, false} {
			out := filepath.Join(t.TempDir(), "out")
			_, log := exportTo(t, out, streamOf(t, stream), Options{DryRun: dry})
			if got := strings.Join(log.Warnings, "|"); got != want.told || len(log.Problems) > 0 {
				t.Errorf("%q, dry %v: told %q, want %q", acl, dry, got, want.told)
			}
			if dry {
				continue
			}
			file, err := os.ReadFile(filepath.Join(out, "joe/Maildir/dovecot-acl"))
			if err != nil && !os.IsNotExist(err) || string(file) != want.file {
				t.Errorf("%q: %q, want %q, %v", acl, file, want.file, err)
			}
		}
	}
}
