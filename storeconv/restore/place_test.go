package restore

import (
	"bytes"
	"os"
	"path/filepath"
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
