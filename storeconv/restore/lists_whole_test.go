package restore

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"imsconv/storeconv/verify"
)

// TestListsOfTheStore: a database of the store that cannot be read whole, or
// that another lies in the place of, ends a run before it has done anything,
// and one that is missing is told: a dry run says what the run says.
func TestListsOfTheStore(t *testing.T) {
	b := tape(t, may20, indexTape...)
	for name, tt := range map[string]struct {
		spoil func(t *testing.T, path string, folders []byte)
		err   string // in that of Restore
		said  string
	}{
		"zeroed page": {func(t *testing.T, path string, _ []byte) {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			clear(data[8192:])
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
		}, "mboxlist/quota.db: page 1 ", ""},
		"another": {func(t *testing.T, path string, folders []byte) {
			if err := os.WriteFile(path, folders, 0o600); err != nil {
				t.Fatal(err)
			}
		}, "mboxlist/quota.db: another database ", ""},
		"missing": {func(t *testing.T, path string, _ []byte) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}, "", "problem: missing-database: "},
	} {
		t.Run(name, func(t *testing.T) {
			store := restored(t, Options{}, b)
			folders, err := os.ReadFile(filepath.Join(store, "mboxlist/folder.db"))
			if err != nil {
				t.Fatal(err)
			}
			tt.spoil(t, filepath.Join(store, "mboxlist/quota.db"), folders)
			want, _ := treeHash(t, store)
			for _, dry := range []bool{true, false} {
				_, log, err := restoreTo(t, store, Options{DryRun: dry}, bytes.NewReader(b))
				if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
					t.Errorf("dry run %t: %v, want %q", dry, err, tt.err)
				}
				told := slices.ContainsFunc(log.lines, func(s string) bool {
					return strings.HasPrefix(s, tt.said) && strings.Contains(s, "mboxlist/quota.db")
				})
				if told != (tt.said != "") {
					t.Errorf("dry run %t: said %q, want %q", dry, log.lines, tt.said)
				}
				if got, _ := treeHash(t, store); (dry || err != nil) && got != want {
					t.Errorf("dry run %t: the store is another one", dry)
				}
			}
		})
	}
}

// TestSameMailboxDry: a mailbox that another partition has is told by a dry run
// as by the run.
func TestSameMailboxDry(t *testing.T) {
	b := tape(t, may20, indexTape...)
	store := restored(t, Options{}, b)
	var said [][]string
	for _, dry := range []bool{true, false} {
		_, log, err := restoreTo(t, store, Options{DryRun: dry, Partition: "second"}, bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		if len(log.lines) == 0 || !strings.HasPrefix(log.lines[0], "problem: same-mailbox: ") {
			t.Errorf("dry run %t: said %q", dry, log.lines)
		}
		said = append(said, log.lines)
	}
	if !slices.Equal(said[0], said[1]) {
		t.Errorf("a dry run says %q, the run %q", said[0], said[1])
	}
}

// TestUsageWithoutIndexes: what a user has in mailboxes without an index, and
// of which a later stream says nothing, counts among what quota.db says.
func TestUsageWithoutIndexes(t *testing.T) {
	full := tape(t, may20, "user joe 90000", "box joe/INBOX 7", "msg joe/INBOX/1 - one", "box joe/Sent 8", "msg joe/Sent/1 - sent", "msg joe/Sent/2 - again")
	later := tape(t, may20+10, "box joe/INBOX 7", "msg joe/INBOX/2 - two")
	nothing := tape(t, may20+20, "box joe/INBOX 7", "msg joe/INBOX/2 - two")
	for _, runs := range [][][][]byte{{{full, later}}, {{full}, {later}}, {{full}, {later}, {nothing}}} {
		store := filepath.Join(shmDir(t), "store")
		var all [][]byte
		for _, streams := range runs {
			again(t, store, Options{NoIndex: true}, streams...)
			all = append(all, streams...)
		}
		if log := checkStreams(t, store, verify.StoreOptions{NoIndex: true}, all...); len(log.Problems) > 0 {
			t.Errorf("%d runs: verify: %q", len(runs), log.Problems)
		}
	}
}
