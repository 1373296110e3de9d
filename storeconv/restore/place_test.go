package restore

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/durable"
	"imsconv/storeconv/ims"
)

// notMine is a file system on which this user may not write in a directory of
// somebody else's.
type notMine struct {
	durable.FS
	name string // the end of its path
}

func (n notMine) Faccessat(dir int, name string, mode uint32, flags int) error {
	if strings.HasSuffix(name, n.name) && mode&unix.W_OK != 0 {
		return unix.EACCES
	}
	return n.FS.Faccessat(dir, name, mode, flags)
}

func (n notMine) Fstatat(dir int, name string, flags int) (unix.Stat_t, error) {
	st, err := n.FS.Fstatat(dir, name, flags)
	if err == nil && strings.HasSuffix(name, n.name) {
		st.Uid++
	}
	return st, err
}

// notRead is a file system on which this user may not read one file.
type notRead struct {
	durable.FS
	name string // the end of its path
}

func (n notRead) Faccessat(dir int, name string, mode uint32, flags int) error {
	if strings.HasSuffix(name, n.name) && mode&unix.R_OK != 0 {
		return unix.EACCES
	}
	return n.FS.Faccessat(dir, name, mode, flags)
}

func (n notRead) Openat(dir int, name string, flags int, mode uint32) (int, error) {
	if strings.HasSuffix(name, n.name) {
		return -1, unix.EACCES
	}
	return n.FS.Openat(dir, name, flags, mode)
}

// closed is a file system on which this user may not look into a directory.
type closed struct {
	durable.FS
	name string // the end of its path
}

func (c closed) refuses(name string) bool { return strings.Contains(name+"/", c.name+"/") }

func (c closed) Openat(dir int, name string, flags int, mode uint32) (int, error) {
	if c.refuses(name) {
		return -1, unix.EACCES
	}
	return c.FS.Openat(dir, name, flags, mode)
}

func (c closed) Fstatat(dir int, name string, flags int) (unix.Stat_t, error) {
	if c.refuses(filepath.Dir(name)) {
		return unix.Stat_t{}, unix.EACCES
	}
	return c.FS.Fstatat(dir, name, flags)
}

func (c closed) Linkat(dir int, name string, newDir int, newName string) error {
	if c.refuses(filepath.Dir(name)) {
		return unix.EACCES
	}
	return c.FS.Linkat(dir, name, newDir, newName)
}

// deepTree makes directories in dir until a path has more bytes than the
// system takes.
func deepTree(t *testing.T, dir string) {
	t.Helper()
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		t.Fatal(err)
	}
	name := "=" + strings.Repeat("d", 250)
	for range 20 {
		if err := unix.Mkdirat(fd, name, 0o700); err != nil {
			t.Fatal(err)
		}
		next, err := unix.Openat(fd, name, unix.O_PATH|unix.O_DIRECTORY, 0)
		if err != nil {
			t.Fatal(err)
		}
		unix.Close(fd)
		fd = next
	}
	unix.Close(fd)
}

// TestPlaceOfOneUser: something odd in the place of a user in the store keeps
// that user out, with every message accounted for, and nobody else. Once it is
// gone the same command does the rest.
func TestPlaceOfOneUser(t *testing.T) {
	b := tape(t, may20, "user ann -", "box ann/INBOX 5", `msg ann/INBOX/1 \Seen one`, "user joe 2048", "box joe/INBOX 77", `msg joe/INBOX/1 - two`, "box joe/Mail 88", `msg joe/Mail/1 - three`,
		"link joe/Mail/2 - joe/INBOX/1", "user tom -", "box tom/INBOX 6", `link tom/INBOX/1 \Flagged joe/INBOX/1`)
	joe := ims.UserDir("primary", "joe")
	file := func(name string) func(t *testing.T, store string) (undo func()) {
		return func(t *testing.T, store string) func() {
			name := filepath.Join(store, name)
			if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, []byte("odd"), 0o600); err != nil {
				t.Fatal(err)
			}
			return func() { os.Remove(name) }
		}
	}
	nothing := func(*testing.T, string) func() { return func() {} }
	for _, tt := range []struct {
		name   string
		before []byte // what the store has
		odd    func(t *testing.T, store string) (undo func())
		fs     durable.FS
		said   string
	}{
		{name: "a file in place of the tree", odd: file(joe), said: joe + ": not a directory"},
		{name: "a file above it", odd: file(filepath.Dir(joe)), said: filepath.Dir(joe) + ": not a directory"},
		{name: "a file in place of a mailbox", before: tape(t, may20, "box joe/INBOX 77"), odd: file(joe + "/=+mail"), said: joe + "/=+mail: not a directory"},
		{name: "a file in place of messages", before: tape(t, may20, "box joe/INBOX 77"), odd: file(joe + "/00"), said: joe + "/00: not a directory"},
		{name: "a directory in place of an index", odd: func(t *testing.T, store string) func() {
			name := filepath.Join(store, joe, ims.IndexName)
			if err := os.MkdirAll(name, 0o700); err != nil {
				t.Fatal(err)
			}
			return func() { os.Remove(name) }
		}, said: joe + "/store.idx: not a file"},
		{name: "no right to write above it", odd: func(t *testing.T, store string) func() {
			if err := os.MkdirAll(filepath.Join(store, filepath.Dir(joe)), 0o700); err != nil {
				t.Fatal(err)
			}
			return func() {}
		}, fs: notMine{durable.OS, filepath.Dir(joe)}, said: "this user may not write there"},
		{name: "no right to write in it", before: tape(t, may20, "box joe/INBOX 77"), odd: nothing, fs: notMine{durable.OS, joe}, said: "this user may not write there"},
		{name: "no right to read an index", before: tape(t, may20, "box joe/INBOX 77"), odd: nothing, fs: notRead{durable.OS, joe + "/store.idx"}, said: joe + "/store.idx: this user may not read it"},
		{name: "no right to look into it", before: tape(t, may20, "box joe/INBOX 77"), odd: nothing, fs: closed{durable.OS, joe}, said: "permission denied"},
		{name: "paths too long", before: tape(t, may20, "box joe/INBOX 77"), odd: func(t *testing.T, store string) func() {
			deepTree(t, filepath.Join(store, joe))
			return func() { os.RemoveAll(filepath.Join(store, joe, "="+strings.Repeat("d", 250))) }
		}, said: "file name too long"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			store := filepath.Join(shmDir(t), "store")
			if tt.before != nil {
				again(t, store, Options{}, tt.before)
			}
			undo := tt.odd(t, store)
			for _, dry := range []bool{true, false} {
				rep, log, err := restoreTo(t, store, Options{FS: tt.fs, DryRun: dry}, bytes.NewReader(b))
				if err != nil || log.lost != 1 || len(log.lines) != 1 || !strings.HasPrefix(log.lines[0], "problem: bad-place: user joe: ") || !strings.Contains(log.lines[0], tt.said) {
					t.Fatalf("dry run %v: %v, said %q, want %q", dry, err, log.lines, tt.said)
				}
				if rep.Users != 2 || rep.Messages != 2 || rep.Lost["bad-place"] != 3 {
					t.Errorf("dry run %v: report %+v", dry, rep)
				}
			}
			checkBox(t, store, "ann", "INBOX", "user/ann exists=1 last=1 validity=5 []", `1 [\Seen]  5-1 one`)
			checkBox(t, store, "tom", "INBOX", "user/tom exists=1 last=1 validity=6 []", `1 [\Flagged]  6-1 two`)
			if _, err := os.Stat(filepath.Join(store, ims.WorkDir)); err == nil {
				t.Error("the run has not ended")
			}
			undo()
			again(t, store, Options{}, b)
			checkBox(t, store, "joe", "INBOX", "user/joe exists=1 last=1 validity=77 []", "1 []  77-1 two")
			checkBox(t, store, "joe", "Mail", "user/joe/Mail exists=2 last=2 validity=88 []", "1 []  88-1 three", "2 []  88-2 two")
			checkBox(t, store, "tom", "INBOX", "user/tom exists=1 last=1 validity=6 []", `1 [\Flagged]  6-1 two`)
		})
	}
}

// TestMessageThatCannotBeRead: a message file that no index names and that this
// user may not read stays, with its UID, and is told; the user's other mail and
// everybody else's come over.
func TestMessageThatCannotBeRead(t *testing.T) {
	b := tape(t, may20, "user ann -", "box ann/INBOX 5", "msg ann/INBOX/1 - one", "user joe 2048", "box joe/INBOX 77", "msg joe/INBOX/1 - two", "msg joe/INBOX/2 - three")
	joe := ims.UserDir("primary", "joe")
	for _, only := range []bool{true, false} {
		store := filepath.Join(shmDir(t), "store")
		before := []string{"user joe 2048", "box joe/INBOX 77", "msg joe/INBOX/1 - two"}
		if !only {
			before = append(before, "msg joe/INBOX/7 - seven")
		}
		again(t, store, Options{}, tape(t, may20, before...))
		if err := os.Remove(filepath.Join(store, joe, ims.IndexName)); err != nil {
			t.Fatal(err)
		}
		path := joe + "/" + ims.MessagePath(1)
		old, err := os.ReadFile(filepath.Join(store, path))
		if err != nil {
			t.Fatal(err)
		}
		_, log, err := restoreTo(t, store, Options{FS: notRead{durable.OS, path}}, bytes.NewReader(b))
		said := slices.DeleteFunc(log.lines, func(l string) bool { return !strings.HasPrefix(l, "problem: unreadable: ") })
		if err != nil || len(said) != 1 || !strings.Contains(said[0], path+": this user may not read it") {
			t.Errorf("%v, said %q", err, said)
		}
		want := []string{"user/joe exists=2 last=3 validity=77 []", "2 []  77-1 two", "3 []  77-2 three"}
		if !only {
			want = []string{"user/joe exists=3 last=8 validity=77 []", "2 []  77-2 three", "7 []  0-0 seven", "8 []  77-1 two"}
		}
		checkBox(t, store, "joe", "INBOX", want...)
		checkBox(t, store, "ann", "INBOX", "user/ann exists=1 last=1 validity=5 []", "1 []  5-1 one")
		if now, err := os.ReadFile(filepath.Join(store, path)); err != nil || !bytes.Equal(now, old) {
			t.Errorf("the file holds %q now, %v", now, err)
		}
	}
}

// TestFirstCopyThatCannotBeRead: a link to a message of the store that this
// user may not read is lost, and nothing else.
func TestFirstCopyThatCannotBeRead(t *testing.T) {
	path := ims.UserDir("primary", "joe")
	file := ims.MessagePath(1)
	b := tape(t, may20, "user tom -", "box tom/INBOX 6", "link tom/INBOX/1 - joe/INBOX/1", "msg tom/INBOX/2 - own")
	for name, system := range map[string]durable.FS{
		"message": notRead{durable.OS, "/" + file}, "index": notRead{durable.OS, path + "/" + ims.IndexName}, "directory": closed{durable.OS, path},
	} {
		store := filepath.Join(shmDir(t), "store")
		again(t, store, Options{}, tape(t, may20, "box joe/INBOX 77", "msg joe/INBOX/1 - two"))
		for _, dry := range []bool{true, false} {
			rep, log, err := restoreTo(t, store, Options{FS: system, DryRun: dry}, bytes.NewReader(b))
			if err != nil || rep.Messages != 1 || rep.Lost["lost-link"] != 1 || len(log.lines) != 1 {
				t.Errorf("%s, dry run %v: %+v, %v, said %q", name, dry, rep, err, log.lines)
			}
		}
		checkBox(t, store, "tom", "INBOX", "user/tom exists=1 last=2 validity=6 []", "2 []  6-2 own")
		if list, err := os.ReadDir(filepath.Join(store, ims.UserDir("primary", "tom"))); err != nil || len(list) > 2 {
			t.Errorf("%s: tom has %v, %v", name, list, err)
		}
		if _, err := os.Stat(filepath.Join(store, ims.UserDir("primary", "tom"), file)); err == nil {
			t.Errorf("%s: the link is there", name)
		}
	}
}
