package backup

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"imsconv/storeconv/ims"
)

// makeUser puts an INBOX of one message without an index into a partition.
func makeUser(t *testing.T, store, partition, id, body string) {
	t.Helper()
	dir := filepath.Join(store, ims.UserDir(partition, id), "00")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "1.msg"), []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
}

// The partition of a path counts: it was dropped, and a path of a partition was
// the whole store.
func TestPathsOfPartitions(t *testing.T) {
	store := t.TempDir()
	makeUser(t, store, "one", "anna", "first")
	makeUser(t, store, "two", "anna", "second, and longer")
	makeUser(t, store, "two", "bob", "x")
	for _, tt := range []struct {
		paths, users []string
		messages     string // with their sizes
		problems     string // their kinds
	}{
		{[]string{"/one"}, nil, "anna/INBOX/1 5", ""},
		{[]string{"/two"}, nil, "anna/INBOX/1 18,bob/INBOX/1 1", ""},
		{[]string{"/two/user/anna"}, nil, "anna/INBOX/1 18", ""},
		{[]string{"/two/user/anna/INBOX"}, nil, "anna/INBOX/1 18", ""},
		{[]string{"/one", "bob"}, nil, "anna/INBOX/1 5,bob/INBOX/1 1", ""},
		{[]string{"/one"}, []string{"anna"}, "anna/INBOX/1 5", ""},
		{[]string{"/one"}, []string{"bob"}, "", "no-user"},
		{[]string{"/three"}, nil, "", "no-partition"},
		{[]string{"/three/user/anna"}, nil, "", "no-partition"},
		{[]string{"/one/user/bob"}, nil, "", "no-user"},
		{[]string{"/two/user/bob/Mail"}, nil, "", "no-mailbox"},
		{nil, nil, "anna/INBOX/1 5,bob/INBOX/1 1", "same-mailbox"},
		{[]string{"/"}, nil, "anna/INBOX/1 5,bob/INBOX/1 1", "same-mailbox"},
		{[]string{"anna"}, nil, "anna/INBOX/1 5", "same-mailbox"},
		{[]string{"/two/user/anna/INBOX", "bob"}, nil, "anna/INBOX/1 18,bob/INBOX/1 1", ""},
	} {
		stream, _, log := backupOf(t, store, Options{Paths: tt.paths, Users: tt.users})
		var got []string
		for _, line := range members(t, bytes.NewReader(stream)) {
			if f := strings.Fields(line); f[1] == "0" {
				got = append(got, f[0]+" "+f[4])
			}
		}
		if text := strings.Join(got, ","); text != tt.messages {
			t.Errorf("%q of %q: %s, want %s", tt.paths, tt.users, text, tt.messages)
		}
		if len(log.Problems) > 1 || len(log.Problems) == 1 != (tt.problems != "") ||
			!slices.ContainsFunc(append(log.Problems, ""), func(p string) bool { return strings.Contains(p, tt.problems) }) {
			t.Errorf("%q of %q: %q, want %s", tt.paths, tt.users, log.Problems, tt.problems)
		}
	}
}

// Mail where the store does not look for it is in no backup, which is told.
func TestMisplacedUserIsTold(t *testing.T) {
	store := t.TempDir()
	makeUser(t, store, "one", "anna", "first")
	right := filepath.Join(store, ims.UserDir("one", "anna"))
	wrong := filepath.Join(store, "partition/one/=user/00/00/=anna")
	if err := os.MkdirAll(filepath.Dir(wrong), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(right, wrong); err != nil {
		t.Fatal(err)
	}
	if _, _, log := backupOf(t, store, Options{}); len(log.Problems) != 1 || !strings.Contains(log.Problems[0], "not in the backup") {
		t.Errorf("told: %q", log.Problems)
	}
}

// What is left out of a backup because the store does not know it is told: it
// was passed over without a word.
func TestWhatIsLeftOutIsTold(t *testing.T) {
	for name, tt := range map[string]struct {
		spoil func(t *testing.T, store string)
		want  string // problem, or warning
	}{
		"a partition by a link": {func(t *testing.T, store string) {
			if err := os.Symlink(t.TempDir(), filepath.Join(store, "partition", "two")); err != nil {
				t.Fatal(err)
			}
		}, "stray-file partition/two: not a directory: it is not in the backup"},
		"a file without a record": {func(t *testing.T, store string) {
			box := filepath.Join(store, ims.UserDir("one", "anna"))
			index := ims.Header{Name: "user/anna", UIDValidity: 1}
			if err := os.WriteFile(filepath.Join(box, ims.IndexName), index.Append(nil), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "not-indexed partition/one/=user/02/50/=anna/00/1.msg: a message file that the index does not name"},
		"a folder without a name": {func(t *testing.T, store string) {
			if err := os.MkdirAll(filepath.Join(store, ims.UserDir("one", "anna"), "=bad name", "00"), 0o700); err != nil {
				t.Fatal(err)
			}
		}, "stray-file partition/one/=user/02/50/=anna/=bad name: "},
		"mail in a folder INBOX": {func(t *testing.T, store string) {
			dir := filepath.Join(store, ims.UserDir("one", "anna"), "=+I+N+B+O+X", "00")
			if err := os.MkdirAll(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "1.msg"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}, "misplaced partition/one/=user/02/50/=anna/=+I+N+B+O+X: messages in a folder"},
	} {
		store := t.TempDir()
		makeUser(t, store, "one", "anna", "first")
		tt.spoil(t, store)
		_, _, log := backupOf(t, store, Options{})
		told := strings.Join(append(log.Problems, log.Warnings...), "\n")
		if !strings.Contains(told, tt.want) || strings.HasPrefix(tt.want, "stray-file partition/one") == (len(log.Problems) > 0) {
			t.Errorf("%s: told %q, want %q", name, told, tt.want)
		}
	}
}
