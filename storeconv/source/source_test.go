package source

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"imsconv/storeconv/sims"
)

const june = 961579934 // Wed Jun 21 09:32:14 2000

// tree makes files below a new directory: paths to text; a path that ends in a
// slash is a directory, a text "-> x" a link, "=> x" another name of the file
// x. All are of June 2000.
func tree(t testing.TB, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	var paths []string
	for path := range files {
		paths = append(paths, path)
	}
	slices.SortFunc(paths, func(a, b string) int { // other names last
		return strings.Compare(files[a][:min(2, len(files[a]))], files[b][:min(2, len(files[b]))]) + 10*(strings.Count(files[a], "=> ")-strings.Count(files[b], "=> "))
	})
	for _, path := range paths {
		plant(t, root, path, files[path])
	}
	for dir, depth := root, 0; depth == 0; depth++ {
		err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if err == nil && d.Type()&os.ModeSymlink == 0 {
				err = os.Chtimes(path, time.Time{}, time.Unix(june, 0))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func plant(t testing.TB, root, path, text string) {
	t.Helper()
	full := filepath.Join(root, path)
	err := os.MkdirAll(filepath.Dir(full), 0o700)
	link, isLink := strings.CutPrefix(text, "-> ")
	same, isSame := strings.CutPrefix(text, "=> ")
	switch {
	case err != nil:
	case strings.HasSuffix(path, "/"):
		err = os.MkdirAll(full, 0o700)
	case isLink:
		err = os.Symlink(link, full)
	case isSame:
		err = os.Link(filepath.Join(root, same), full)
	default:
		err = os.WriteFile(full, []byte(text), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// dump returns what a source gives, a line each.
func dump(t testing.TB, path string, opt Options) (out []string) {
	t.Helper()
	s, err := Open(path, opt)
	if err != nil {
		return []string{"error: " + strings.ReplaceAll(err.Error(), path, "TREE")}
	}
	defer s.Close()
	for {
		m, err := s.Next()
		if err == io.EOF {
			return out
		}
		if e := sims.ErrorOf(err); e != nil {
			out = append(out, fmt.Sprintf("! %d %s %s: %s", e.Severity(), e.Class, e.Name, e.Text))
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, show(t, s, m))
	}
}

func show(t testing.TB, s *Source, m *sims.Member) string {
	t.Helper()
	switch m.Kind {
	case sims.User:
		if m.HasQuota {
			return fmt.Sprintf("user %s quota %d", m.Name, m.Quota)
		}
		return "user " + m.Name
	case sims.Mailbox:
		return fmt.Sprintf("box %s %d %d sub %d %q %q", m.Name, m.UIDValidity, m.UIDNext, m.Subscribed, m.Keywords, m.ACL)
	case sims.Link:
		return fmt.Sprintf("link %s to %s %q", m.Name, m.Link, m.Flags)
	}
	body, err := io.ReadAll(s)
	if err != nil || int64(len(body)) != m.Size {
		t.Errorf("%s: %d bytes of %d, %v", m.Name, len(body), m.Size, err)
	}
	return fmt.Sprintf("msg %s %d %q %q", m.Name, m.Time-june, body, m.Flags)
}

// row is a tree and what is in it.
type row struct {
	name  string
	opt   Options
	path  string // below the tree
	files map[string]string
	want  string
}

func (r *row) check(t *testing.T) {
	t.Helper()
	root := tree(t, r.files)
	got := strings.Join(dump(t, filepath.Join(root, r.path), r.opt), "\n")
	bothSee(t, r.name, filepath.Join(root, r.path), r.opt)
	got = strings.ReplaceAll(got, root, "TREE")
	if want := strings.TrimSpace(strings.ReplaceAll(r.want, "\n\t\t", "\n")); got != want {
		t.Errorf("%s:\n%s\nwant\n%s", r.name, got, want)
	}
}

func TestTemplates(t *testing.T) {
	for template, ok := range map[string]bool{
		"%u/Maildir": true, "%d/%n/Maildir": true, "%n": true, "mail-%u": true, "100%%/%u": true, "/%u/": true, "*/%u": true, "%d/*x*/%n": true, "*": false,
		"Maildir": false, "%u/%n": false, "%d/Maildir": false, "%u/%u": false, "%x": false, "%": false, "%u/../x": false, "": false, "%u//x": false, "%u%d": false,
	} {
		if err := CheckPath(template); (err == nil) != ok {
			t.Errorf("%q: %v", template, err)
		}
	}
}

// TestBodiesAgain: the body of a file with several names can be read by its
// offset at any time.
func TestBodiesAgain(t *testing.T) {
	root := tree(t, map[string]string{"ann/cur/1.a": "first one", "ann/cur/2.b": "second", "joe/cur/1.c": "=> ann/cur/2.b", "joe/cur/3.d": "other"})
	s, err := Open(root, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	texts := map[int64]string{}
	for {
		m, err := s.Next()
		if err == io.EOF {
			break
		}
		if err == nil && m.Kind == sims.Message && m.UID == 2 && m.User == "ann" {
			texts[m.Data] = "second"
		}
	}
	for off, want := range texts {
		got := make([]byte, 3)
		if n, err := s.ReadAt(got, off+2); err != nil || string(got[:n]) != want[2:5] {
			t.Errorf("%q %v", got, err)
		}
		all, err := io.ReadAll(io.NewSectionReader(s, off, 6))
		if err != nil || string(all) != want {
			t.Errorf("%q %v", all, err)
		}
	}
	if _, err := s.ReadAt(make([]byte, 1), 0); err == nil || len(texts) != 1 {
		t.Errorf("%v %v", texts, err)
	}
}

func TestID(t *testing.T) {
	files := map[string]string{"joe/Maildir/cur/1.a": "x", "joe/Maildir/dovecot-uidlist": "3 V7 N6\n", "joe/Maildir/.b/cur/2.b": "x"}
	id := func() [32]byte {
		s, err := Open(tree(t, files), Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		return s.ID()
	}
	first := id()
	if id() != first {
		t.Error("the same tree elsewhere is another")
	}
	for path, text := range map[string]string{"joe/Maildir/.b/cur/2.b:2,S": "x", "joe/Maildir/dovecot-uidlist": "3 V7 N66\n", "ann/Maildir/cur/": ""} {
		old, had := files[path]
		files[path] = text
		if id() == first {
			t.Errorf("%s: a tree with another is the same", path)
		}
		if delete(files, path); had {
			files[path] = old
		}
	}
}

// TestUnreadable: pipes and files without permission cost themselves only.
func TestUnreadable(t *testing.T) {
	root := tree(t, map[string]string{"joe/cur/1.a": "a", "joe/cur/2.b": "b", "joe/dovecot-uidlist": "3 V7 N9\n1 :1.a\n2 :2.b\n3 :3.c\n", "joe/.Sent/cur/": "", "joe/.Sent/x": "x", "joe/.Sent/sub/y": "y"})
	if err := syscall.Mkfifo(filepath.Join(root, "joe/cur/3.c"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := strings.Join(dump(t, root, Options{}), "\n")
	if !strings.Contains(got, "! 2 not-regular joe/cur/3.c: not a regular file: not read") || !strings.Contains(got, "msg joe/INBOX/2") {
		t.Errorf("%s", got)
	}
	if os.Geteuid() == 0 {
		t.Skip("root reads everything")
	}
	for _, name := range []string{"joe/cur/1.a", "joe/.Sent/x", "joe/.Sent/sub"} {
		if err := os.Chmod(filepath.Join(root, name), 0); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.Chmod(filepath.Join(root, name), 0o700) }) // else nobody can remove it
	}
	got = strings.Join(dump(t, root, Options{}), "\n")
	for _, name := range []string{"joe/.Sent/x", "joe/.Sent/sub"} { // it may be mail
		if !strings.Contains(got, "! 2 unreadable "+name+": permission denied") {
			t.Errorf("%s", got)
		}
	}
	if !strings.Contains(got, "! 2 unreadable joe/cur/1.a: permission denied") || !strings.Contains(got, "msg joe/INBOX/2") {
		t.Errorf("%s", got)
	}
}

// TestFileBecomesShorter: what is cut off while it is read is told by its name.
func TestFileBecomesShorter(t *testing.T) {
	root := tree(t, map[string]string{"joe/cur/1.a": strings.Repeat("x", 100), "joe/dovecot-uidlist": "3 V7 N2\n1 :1.a\n"})
	s, err := Open(root, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for {
		m, err := s.Next()
		if err != nil {
			t.Fatal(err)
		}
		if m.Kind == sims.Message {
			break
		}
	}
	if err := os.Truncate(filepath.Join(root, "joe/cur/1.a"), 40); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(s)
	if e := sims.ErrorOf(err); e == nil || len(text) != 40 || s.Where(e.Offset, e.Name) != filepath.Join(root, "joe/cur/1.a") || !strings.Contains(e.Text, "60 bytes are missing") {
		t.Errorf("%d bytes, %v", len(text), err)
	}
}

// TestSubscribedToNothing: the file that says it is named.
func TestSubscribedToNothing(t *testing.T) {
	for _, r := range []row{
		{name: "courier", files: map[string]string{"joe/cur/": "", "joe/dovecot-uidlist": "3 V7 N1\n", "joe/courierimapsubscribed": "INBOX\nINBOX.gone\n"}, want: `
		user joe
		box joe/INBOX 7 0 sub 1 "" ""
		! 1 subscription joe/courierimapsubscribed: subscribed to gone, which is no mailbox here: left out`},
		{name: "mbox", opt: Options{Kind: Mbox}, files: map[string]string{"joe/INBOX": from1 + "X-IMAPbase: 7 1\nX-UID: 1\n\nx\n", "joe/.mailboxlist": "INBOX\ngone\n"}, want: `
		user joe
		box joe/INBOX 7 2 sub 1 "" ""
		msg joe/INBOX/1 0 "\nx\n" ""
		! 1 subscription joe/.mailboxlist: subscribed to gone, which is no mailbox here: left out`},
	} {
		t.Run(r.name, r.check)
	}
}
