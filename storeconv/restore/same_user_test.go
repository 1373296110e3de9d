package restore

import (
	"bytes"
	"path/filepath"
	"testing"

	"imsconv/storeconv"
)

// joined makes two users of a stream one in the store.
var joined = storeconv.Selection{Map: map[string]string{"joe@x.test": "joe"}}

// A link to a message of a user who is still to come is not one to the mail of
// the user with whom that one is put together, though it has the same name.
func TestLinkAheadOfUsersPutTogether(t *testing.T) {
	b := tape(t, may20, "user joe -", "box joe/INBOX 5", "msg joe/INBOX/1 - one", "user zoe -", "box zoe/INBOX 6", "link zoe/INBOX/1 - joe@x.test/INBOX/1",
		"user joe@x.test -", "box joe@x.test/INBOX 5", "msg joe@x.test/INBOX/1 - other")
	for _, each := range []storeconv.SyncMode{storeconv.SyncBatch, storeconv.SyncUser} {
		store := filepath.Join(shmDir(t), "store")
		rep, log, err := restoreTo(t, store, Options{Selection: joined, Sync: each}, bytes.NewReader(b))
		if err != nil || log.lost > 0 || rep.Links != 1 || rep.Messages != 3 {
			t.Errorf("%v, %+v, %q", err, rep, log.lines)
		}
		checkBox(t, store, "joe", "INBOX", "user/joe exists=2 last=2 validity=5 []", `1 []  5-1 one`, `2 []  5-1 other`)
		checkBox(t, store, "zoe", "INBOX", "user/zoe exists=1 last=1 validity=6 []", `1 []  6-1 other`)
	}
}
