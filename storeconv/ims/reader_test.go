package ims

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// makeStore makes the files named, each holding its own name, and returns the
// open store.
func makeStore(t *testing.T, files ...string) (*Reader, string) {
	t.Helper()
	root := t.TempDir()
	for _, name := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "/") {
			if err := os.MkdirAll(path, 0o700); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.WriteFile(path, []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	dir, err := os.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dir.Close() })
	return NewReader(dir), root
}

// walk gives every mailbox, every message and every stray thing as a line.
func walk(t *testing.T, r *Reader) []string {
	t.Helper()
	var lines []string
	stray := func(e *Error) { lines = append(lines, "stray "+e.Path) }
	partitions, err := r.Partitions(stray)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range partitions {
		err := r.Users(p, stray, func(u User) error {
			return r.Mailboxes(u, stray, func(m *Mailbox) error {
				defer m.Close()
				line := m.Partition + " " + m.FullName()
				if m.HasIndex {
					line += " indexed"
				}
				lines = append(lines, line)
				return m.Messages(stray, func(uid uint32) error {
					f, err := m.Open(uid)
					if err != nil {
						return err
					}
					defer f.Close()
					text, err := io.ReadAll(f)
					lines = append(lines, string(text))
					return err
				})
			})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return lines
}

func TestReaderWalk(t *testing.T) {
	const mack = "partition/primary/=user/53/53/=mack1"
	r, root := makeStore(t,
		mack+"/store.idx", mack+"/00/1.msg", mack+"/01/100.msg",
		mack+"/=+mail/", mack+"/=mail/=a%db/00/7.msg", mack+"/=mail/=+Z/store.idx", mack+"/=mail/=a/store.idx",
		// What has no place.
		mack+"/notes.txt", mack+"/00/2.msg.bak", mack+"/00/100.msg", mack+"/00/07.msg", mack+"/=%zz/00/1.msg", mack+"/100/1.msg",
		"partition/primary/=user/53/53/=mack2/00/1.msg",  // wrong hash
		"partition/primary/=user/53/53/=anyone/00/1.msg", // no user
		"partition/primary/=user/53/59/=mack1/00/1.msg",  // no hash directory
		"partition/primary/=user/53/53/stranger",
		"partition/backup2/=user/53/53/=mack1/store.idx",
		"partition/note",
	)
	if err := os.Symlink("1.msg", filepath.Join(root, mack, "00", "3.txt")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/tmp", filepath.Join(root, mack, "=away")); err != nil {
		t.Fatal(err)
	}
	got := walk(t, r)
	slices.Sort(got)
	want := []string{
		"backup2 user/mack1 indexed",
		mack + "/00/1.msg", mack + "/01/100.msg", mack + "/=mail/=a%db/00/7.msg",
		"primary user/mack1 indexed",
		"primary user/mack1/mail/Z indexed", "primary user/mack1/mail/a indexed", "primary user/mack1/mail/a.b",
		"stray partition/note",
		"stray partition/primary/=user/53/53/=anyone", "stray partition/primary/=user/53/53/=mack2",
		"stray partition/primary/=user/53/53/stranger", "stray partition/primary/=user/53/59",
		"stray " + mack + "/=%zz", "stray " + mack + "/=away", "stray " + mack + "/=+mail",
		"stray " + mack + "/00/07.msg", "stray " + mack + "/00/100.msg", "stray " + mack + "/00/2.msg.bak", "stray " + mack + "/00/3.txt",
		"stray " + mack + "/100", "stray " + mack + "/notes.txt",
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestReaderOrder(t *testing.T) {
	dir := UserDir("primary", "joe")
	r, _ := makeStore(t, dir+"/store.idx", dir+"/=b/store.idx", dir+"/=+A/store.idx", dir+"/=a/=x%dy/store.idx", dir+"/=a/=x/store.idx", dir+"/=a/store.idx")
	var names []string
	err := r.Mailboxes(User{Partition: "primary", ID: "joe", Path: dir}, func(e *Error) { t.Errorf("stray %v", e) }, func(m *Mailbox) error {
		names = append(names, m.Name)
		return m.Close()
	})
	if want := []string{"INBOX", "A", "a", "a/x", "a/x.y", "b"}; err != nil || !slices.Equal(names, want) {
		t.Errorf("%v, %v; want %v", names, err, want)
	}
}

func TestReaderMailbox(t *testing.T) {
	dir := MailboxDir("primary", "joe", "Mail/flying")
	r, root := makeStore(t, dir+"/store.idx", dir+"/00/5.msg")
	box, err := r.Mailbox("primary", "joe", "Mail/flying")
	if err != nil {
		t.Fatal(err)
	}
	defer box.Close()
	if !box.HasIndex || box.FullName() != "user/joe/Mail/flying" || box.Path != dir {
		t.Errorf("%+v", box)
	}
	path := filepath.Join(root, dir, "00", "5.msg")
	if err := os.Link(path, path+"x"); err != nil {
		t.Fatal(err)
	}
	info, err := box.Stat(5)
	if err != nil || info.Links != 2 || info.Size != int64(len(dir)+len("/00/5.msg")) || info.Mode != 0o600 {
		t.Errorf("%+v, %v", info, err)
	}
	if _, err := box.Stat(6); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a message that is not there: %v", err)
	}
	if _, err := r.Mailbox("primary", "joe", "Mail/nothing"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a mailbox that is not there: %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := box.Open(5); !errors.Is(err, ErrNotRegular) {
		t.Errorf("a directory as a message: %v", err)
	}
	if _, err := box.Stat(5); !errors.Is(err, ErrNotRegular) {
		t.Errorf("a directory as a message: %v", err)
	}
}

func TestReaderEmptyStore(t *testing.T) {
	r, _ := makeStore(t)
	if lines := walk(t, r); len(lines) != 0 {
		t.Errorf("%q", lines)
	}
}

// A folder of the name INBOX is not the INBOX: it may hold others, and no
// messages of its own.
func TestFolderOfTheNameInbox(t *testing.T) {
	user := UserDir("primary", "joe") + "/"
	r, _ := makeStore(t, user+"00/1.msg", user+"=sub/00/2.msg", user+"=+I+N+B+O+X/=sub/00/3.msg", user+"=inbox/=sub/00/4.msg", user+"=inbox/00/5.msg")
	want := []string{
		"primary user/joe", user + "00/1.msg",
		"primary user/joe/INBOX/sub", user + "=+I+N+B+O+X/=sub/00/3.msg",
		"stray " + user + "=inbox",
		"primary user/joe/inbox/sub", user + "=inbox/=sub/00/4.msg",
		"primary user/joe/sub", user + "=sub/00/2.msg",
	}
	if got := walk(t, r); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestOpenBelow: one call and the way step by step open the same, and refuse
// the same with the same error.
func TestOpenBelow(t *testing.T) {
	_, root := makeStore(t, "a/b/c/file", "a/other")
	for name, target := range map[string]string{"a/link": "b", "a/b/last": "c", "a/loop": "loop"} {
		if err := os.Symlink(target, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	dir, err := os.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	for name, want := range map[string]error{
		"a/b/c": nil, "a": nil, "a/link/c": unix.ENOTDIR, "a/b/last": unix.ENOTDIR, "a/loop/x": unix.ENOTDIR,
		"a/none/c": unix.ENOENT, "a/b/none": unix.ENOENT, "a/other/x": unix.ENOTDIR, "a/b/c/file": unix.ENOTDIR,
	} {
		for way, open := range map[string]func(int, string, int) (int, error){"OpenBelow": OpenBelow, "openSteps": openSteps} {
			fd, err := open(int(dir.Fd()), name, unix.O_DIRECTORY)
			if err != want {
				t.Errorf("%s %s: %v, want %v", way, name, err, want)
			}
			if err == nil {
				unix.Close(fd)
			}
		}
	}
}
