package restore

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"imsconv/dbconv/bdb"
	"imsconv/dbconv/mboxlist"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/sims"
)

// listRecord reads a record of a database of the store.
func listRecord(t *testing.T, store string, k mboxlist.Kind, key string) string {
	t.Helper()
	f, err := os.Open(filepath.Join(store, "mboxlist", k.FileName()))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	db, err := bdb.NewReader(f, info.Size(), bdb.Options{})
	if err != nil {
		t.Fatal(err)
	}
	value, err := db.Get([]byte(key))
	if err != nil {
		t.Fatal(err)
	}
	return string(value)
}

// TestNotSaidStays: what a later stream does not say leaves in the lists what
// was there: the last access, and, where there is no index to tell, the rights
// and what has been seen.
func TestNotSaidStays(t *testing.T) {
	full := tape(t, may20, "box joe/INBOX 77", `msg joe/INBOX/1 \Seen one`, `msg joe/INBOX/2 \Deleted two`)
	plain := tape(t, 0, "box joe/INBOX 77", "msg joe/INBOX/3 - three", `msg joe/INBOX/4 \Seen four`)
	older := tape(t, may20-500, "box joe/INBOX 77", "msg joe/INBOX/5 - five")
	perUser := mboxlist.PerUserKey("joe", "user/joe")
	for _, opt := range []Options{{}, {NoIndex: true}} {
		for _, together := range []bool{false, true} {
			store := filepath.Join(shmDir(t), "store")
			if together {
				again(t, store, opt, full, plain, older)
			} else {
				for _, b := range [][]byte{full, plain, older} {
					again(t, store, opt, b)
				}
			}
			if got, want := listRecord(t, store, mboxlist.PeruserDB, perUser), "864126000\t1,4\t2"; got != want {
				t.Errorf("no index %v, together %v: %q, want %q", opt.NoIndex, together, got, want)
			}
		}
	}
}

// TestRightsStay: of a mailbox with an index in a foreign form the list has the
// rights.
func TestRightsStay(t *testing.T) {
	saying := func(acl, name string) []byte {
		return streamOf(t, sims.Member{Kind: sims.Mailbox, Name: "joe/INBOX", UIDValidity: 77, Subscribed: -1, ACL: acl},
			sims.Member{Kind: sims.Message, Name: name, Time: 900000000})
	}
	one, two, three := saying("tom\tlr", "joe/INBOX/1"), saying("", "joe/INBOX/2"), saying("ann\tlrs", "joe/INBOX/3")
	store := filepath.Join(shmDir(t), "store")
	again(t, store, Options{}, one)
	if err := os.WriteFile(filepath.Join(store, ims.UserDir("primary", "joe"), ims.IndexName), []byte("the vendor's\x00"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		stream []byte
		want   string
	}{{two, "primary\ttom\tlr"}, {three, "primary\tann\tlrs"}} {
		restoreClean(t, store, Options{}, step.stream)
		if diff := cmp.Diff(step.want, listRecord(t, store, mboxlist.FolderDB, "user/joe")); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	}
}
