package nms

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func TestParseSubscriptions(t *testing.T) {
	long := "user/" + strings.Repeat("x", maxMailboxName-len("user/"))
	for _, tt := range []struct {
		name, data string
		want       []string
		ok         bool
	}{
		{"empty", "", nil, true},
		{"with tabs", "user/anna\t\nuser/anna/Mail/deep\t\n", []string{"user/anna", "user/anna/Mail/deep"}, true},
		{"without tabs", "user/anna\nuser/joe/a b\n", []string{"user/anna", "user/joe/a b"}, true},
		{"no final newline", "user/anna", []string{"user/anna"}, true},
		{"carriage returns", "user/anna\t\r\nuser/joe\r\n", []string{"user/anna", "user/joe"}, true},
		{"longest name", long + "\n", []string{long}, true},
		{"too long a name", long + "x\n", nil, false},
		{"empty line", "user/anna\n\nuser/joe\n", nil, false},
		{"tab inside", "user/anna\tp\n", nil, false},
		{"8-bit", "user/ann\xe1\n", nil, false},
		{"binary", "\x00\x01\x02", nil, false},
	} {
		got, err := ParseSubscriptions([]byte(tt.data))
		if (err == nil) != tt.ok || !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, %v", tt.name, got, err)
		}
	}
}

func FuzzParseSubscriptions(f *testing.F) {
	f.Add([]byte("user/anna\t\nuser/anna/Mail/deep/er/est\t\n"))
	f.Add([]byte("user/a\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := ParseSubscriptions(data)
		if err != nil {
			return
		}
		again, err := ParseSubscriptions(FormatSubscriptions(list))
		if err != nil || !slices.Equal(list, again) {
			t.Errorf("%q became %q", list, again)
		}
	})
}

// mkdirs makes directories below dir.
func mkdirs(t testing.TB, dir string, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(dir); !errors.Is(err, ErrNotStore) {
		t.Errorf("an empty directory: %v", err)
	}
	mkdirs(t, dir, "partition/primary/=user", "partition/b/=user", "mboxlist", "away/=user", "nothing")
	if err := os.WriteFile(filepath.Join(dir, "mboxlist/quota.db2"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Open(dir, Partition{"a", filepath.Join(dir, "away")})
	if err != nil {
		t.Fatal(err)
	}
	want := &Store{
		Dir: dir, QuotaDB: filepath.Join(dir, "mboxlist/quota.db2"),
		Partitions: []Partition{{"a", filepath.Join(dir, "away")}, {"b", filepath.Join(dir, "partition/b")}, {"primary", filepath.Join(dir, "partition/primary")}},
	}
	if d := cmp.Diff(want, s); d != "" {
		t.Error(d)
	}
	if _, err := Open(dir, Partition{"c", filepath.Join(dir, "nothing")}); err == nil || !strings.Contains(err.Error(), "not a partition") {
		t.Errorf("a partition without =user: %v", err)
	}
	if _, err := Open(filepath.Join(dir, "mboxlist/quota.db2")); !errors.Is(err, ErrNotStore) {
		t.Errorf("a file: %v", err)
	}
	// quota.db2 in the store goes before the one in mboxlist.
	if err := os.WriteFile(filepath.Join(dir, "quota.db2"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := Open(dir); err != nil || s.SecondDB != filepath.Join(dir, "mboxlist/quota.db2") || s.QuotaDB != filepath.Join(dir, "quota.db2") {
		t.Errorf("%+v, %v", s, err)
	}
}

// TestList reads a directory that takes several calls, twice, and all types of
// entry.
func TestList(t *testing.T) {
	dir := t.TempDir()
	want := make(map[string]Type)
	for i := range 3000 {
		name := fmt.Sprintf("%d.msg", i)
		want[name] = File
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	mkdirs(t, dir, "00")
	if err := os.Symlink("00", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	want["00"], want["link"], want["pipe"] = Directory, Symlink, Other
	fd, err := OpenPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	var l Lister
	for range 2 {
		entries, err := l.List(fd, nil)
		if err != nil {
			t.Fatal(err)
		}
		got := make(map[string]Type)
		for _, e := range entries {
			got[e.Name] = e.Type
		}
		if d := cmp.Diff(want, got); d != "" || len(entries) != len(want) {
			t.Errorf("%d entries: %s", len(entries), d)
		}
	}
	if _, err := OpenDir(fd, "link"); err == nil {
		t.Error("a symbolic link was followed")
	}
	for name, want := range want {
		var st unix.Stat_t
		if err := unix.Fstatat(fd, name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil || TypeOfMode(st.Mode) != want {
			t.Fatalf("%s: mode %o, %v", name, st.Mode, err)
		}
	}
}

// TestListMalformed gives the parser what no kernel should: every cut of a good
// buffer, and lengths that lie.
func TestListMalformed(t *testing.T) {
	entry := func(length uint16, name string) []byte {
		b := make([]byte, length)
		b[16], b[17], b[18] = byte(length), byte(length>>8), unix.DT_REG
		copy(b[19:], name)
		return b
	}
	good := append(entry(24, "a.msg"[:4]), entry(32, "store.idx")...)
	if entries, err := parseDirents(-1, good, nil); err != nil || len(entries) != 2 || entries[1].Name != "store.idx" {
		t.Errorf("%v, %v", entries, err)
	}
	for n := 1; n < len(good); n++ {
		if entries, err := parseDirents(-1, good[:n], nil); err == nil && n != 24 {
			t.Errorf("cut at %d: %v", n, entries)
		}
	}
	if _, err := parseDirents(-1, make([]byte, 24), nil); err == nil {
		t.Error("an entry of length 0 is taken")
	}
}

func TestNames(t *testing.T) {
	for name, want := range map[string]bool{"1.msg": true, "x.msg": true, ".msg": false, "1.msg.gz": false, "msg": false} {
		if IsMessage(name) != want {
			t.Errorf("message %q", name)
		}
	}
}
