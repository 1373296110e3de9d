package maildir

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// tree makes files below a new directory: paths to text; a path that ends in a
// slash is a directory, a text that begins with "-> " a link.
func tree(t *testing.T, files map[string]string) *Dir {
	t.Helper()
	root := t.TempDir()
	for path, text := range files {
		full := filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
			t.Fatal(err)
		}
		var err error
		switch target, link := strings.CutPrefix(text, "-> "); {
		case strings.HasSuffix(path, "/"):
			err = os.MkdirAll(full, 0o700)
		case link:
			err = os.Symlink(target, full)
		default:
			err = os.WriteFile(full, []byte(text), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	d, err := OpenDir(root)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func TestFolders(t *testing.T) {
	files := map[string]string{
		"cur/": "", "new/": "", "tmp/": "", ".Sent/cur/": "", ".Sent.2001/new/": "", ".empty/": "", ".Sent/cur/1.x": "m",
		"plain/": "", ".link": "-> .Sent", "courierimapkeywords/cur/": "", "dovecot-uidlist": "x",
	}
	for _, row := range []struct {
		name   string
		more   map[string]string
		layout Layout
		want   []string
		told   string
	}{
		{"++", nil, PlusPlus, []string{".Sent", ".Sent.2001"}, ".link: a link or a device: not read"},
		{"a folder without a dot", map[string]string{"old/cur/": ""}, PlusPlus, []string{".Sent", ".Sent.2001"},
			".link: a link or a device: not read|old: messages below it, and no mailbox of this layout: not read"},
		{"more folders without a dot", map[string]string{".Sent/cur/1.x": "m", "old/cur/": "", "a/b/cur/": "", "c/new/": ""}, FS,
			[]string{".Sent", ".Sent.2001", "a/b", "c", "old"}, ".link: a link or a device: not read"},
	} {
		all := map[string]string{}
		for k, v := range files {
			all[k] = v
		}
		for k, v := range row.more {
			all[k] = v
		}
		d := tree(t, all)
		var told teller
		if got := Folders(d, LayoutOf(d), told.tell); LayoutOf(d) != row.layout || !slices.Equal(got, row.want) || strings.Join(told, "|") != row.told {
			t.Errorf("%s: %v %q, told %q", row.name, LayoutOf(d), got, told)
		}
	}
	d := tree(t, map[string]string{"cur/": "", "a/cur/": "", "a/b/c/new/": "", "a/loop": "-> ..", "x/": "", "a/.dot/cur/": "", "a/cur/no/cur/": ""})
	var told teller
	if got := Folders(d, LayoutOf(d), told.tell); LayoutOf(d) != FS || !slices.Equal(got, []string{"a", "a/.dot", "a/b/c"}) || strings.Join(told, "|") != "a/loop: a link or a device: not read" {
		t.Errorf("%v %q, told %q", LayoutOf(d), got, told)
	}
}

func TestEscaped(t *testing.T) {
	for _, row := range []struct {
		dirs []string
		want bool
	}{
		{nil, false}, {[]string{".a"}, false}, {[]string{`.v1\2e2`, ".b"}, true}, {[]string{`.v1\2E2`}, true},
		{[]string{`.v1\2e2`, `.x\y`}, false}, {[]string{`.x\`}, false}, {[]string{`.a\5cb\7e`}, true},
	} {
		if got := Escaped(row.dirs); got != row.want {
			t.Errorf("%q: %v", row.dirs, got)
		}
	}
}

func TestReadBox(t *testing.T) {
	cur := map[string]string{
		"cur/1000.a:2,S": "1", "cur/999.b": "2", "cur/1000.c:2,": "3", "new/5.d": "4", "cur/.hidden": "", "tmp/1.x": "",
	}
	for _, row := range []struct {
		name, uidlist, courier string
		listed                 bool
		header                 string
		last                   uint32
		want, told             string
	}{
		{"no uidlist", "", "", false, "{0 0 }", 4, "1 new/5.d|2 cur/999.b|3 cur/1000.a:2,S|4 cur/1000.c:2,", "cur/.hidden: begins with a dot, which no message does: not read"},
		{"all listed", "3 V7 N20 Gx\n3 :1000.c\n5 :5.d\n8 :gone\n9 :999.b:2,S\n12 :1000.a\n", "", true, "{7 20 x}", 19,
			"3 cur/1000.c:2,|5 new/5.d|9 cur/999.b|12 cur/1000.a:2,S", ""},
		{"some listed", "3 V7 N20\n3 :1000.c\nx\n", "1 9 9\n", true, "{7 20 }", 22, "3 cur/1000.c:2,|20 new/5.d|21 cur/999.b|22 cur/1000.a:2,S", `dovecot-uidlist, line 3: no UID: "x"`},
		{"Courier", "", "1 7 6\n2 999.b\n5 1000.a\n", true, "{7 6 }", 7, "2 cur/999.b|5 cur/1000.a:2,S|6 new/5.d|7 cur/1000.c:2,", ""},
		{"Dovecot's is broken", "3 V0 N1\n", "1 7 6\n2 999.b\n", true, "{7 6 }", 8, "2 cur/999.b|6 new/5.d|7 cur/1000.a:2,S|8 cur/1000.c:2,", `dovecot-uidlist, line 1: the first line "3 V0 N1": UIDVALIDITY "0" is not from 1 to 4294967295`},
		{"no UID left", "3 V7 N4294967294\n3 :1000.c\n", "", true, "{7 4294967294 }", 4, "1 cur/1000.c:2,|2 new/5.d|3 cur/999.b|4 cur/1000.a:2,S", ""},
	} {
		files := map[string]string{}
		for k, v := range cur {
			files[k] = v
		}
		if row.uidlist != "" {
			files["dovecot-uidlist"] = row.uidlist
		}
		if row.courier != "" {
			files["courierimapuiddb"] = row.courier
		}
		var told teller
		d := tree(t, files)
		b := ReadBox(d, told.tell)
		var got []string
		for i := range b.Len() {
			got = append(got, fmt.Sprintf("%d %v", b.At(i).UID, b.At(i)))
		}
		if !strings.Contains(strings.Join(told, "|"), row.told) || strings.Join(got, "|") != row.want || b.Listed != row.listed || b.Last != row.last || fmt.Sprint(b.Header) != row.header {
			t.Errorf("%s: %q %+v listed %v last %d, told %q", row.name, got, b.Header, b.Listed, b.Last, told)
		}
		if d.Leftovers() != 1 || b.Anew != (row.name == "no UID left") {
			t.Errorf("%s: %d leftovers, anew %v", row.name, d.Leftovers(), b.Anew)
		}
	}
}

// TestOnlyFilesAreOpened: links, pipes and directories among the messages are
// told, and nothing waits for them.
func TestOnlyFilesAreOpened(t *testing.T) {
	d := tree(t, map[string]string{"cur/1.a": "text", "cur/2.b": "-> 1.a", "cur/3.c/": "", "outside": "-> /etc"})
	if err := syscall.Mkfifo(filepath.Join(d.f.Name(), "cur/4.d"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"1.a": "", "2.b": "cur/2.b: not a regular file: not read", "3.c": "cur/3.c: not a regular file: not read",
		"4.d": "cur/4.d: not a regular file: not read", "5.e": "cur/5.e: no such file or directory",
	} {
		m, err := d.OpenMessage(Message{Dir: "cur", Name: name})
		switch {
		case err != nil && err.Error() != want, err == nil && want != "":
			t.Errorf("%s: %v", name, err)
		case err == nil:
			text, _ := io.ReadAll(m)
			m.Close()
			if string(text) != "text" || m.Info.Size != 4 || m.Info.Links != 1 {
				t.Errorf("%s: %q %+v", name, text, m.Info)
			}
		}
	}
	if _, err := d.Open("outside"); err == nil {
		t.Error("a link out of the tree was followed")
	}
}
