package restore

import (
	"bytes"
	"context"
	"path/filepath"
	"testing"
	"time"

	"imsconv/storeconv"
	"imsconv/storeconv/verify"
)

// TestRunsAtOnceOfOneUser: a run adds to a user who another run has put into
// place and has not yet put into the mailbox lists. Whichever of them writes
// last, the lists are of the tree that is there.
func TestRunsAtOnceOfOneUser(t *testing.T) {
	b := tape(t, may20,
		"user joe 9000", "box joe/INBOX 7 f1", `msg joe/INBOX/1 \Seen one`, "box joe/Mail 8", "msg joe/Mail/1 - mail",
		"user joe@x.test 9000", "box joe@x.test/INBOX 7", `msg joe@x.test/INBOX/1 \Seen eins`, `msg joe@x.test/INBOX/2 - zwei`, "box joe@x.test/New 5", `msg joe@x.test/New/3 \Deleted neu`)
	of := func(user string) Options {
		return Options{Selection: storeconv.Selection{Domain: "x.test", Users: map[string]bool{user: true}}}
	}
	for _, order := range [][2]string{{"joe", "joe@x.test"}, {"joe@x.test", "joe"}} {
		store := filepath.Join(shmDir(t), "store")
		opt := of(order[0])
		between := false
		opt.Committed = func(int, time.Duration) {
			if between = !between; between {
				if _, err := Restore(context.Background(), store, []*Stream{stream(t, "s0", bytes.NewReader(b))}, of(order[1])); err != nil {
					t.Error(err)
				}
			}
		}
		if _, _, err := restoreTo(t, store, opt, bytes.NewReader(b)); err != nil || !between {
			t.Fatal(err, between)
		}
		if log := checkStreams(t, store, verify.StoreOptions{Selection: storeconv.Selection{Domain: "x.test"}}, b); len(log.Problems) > 0 {
			t.Errorf("%s first: verify: %q", order[0], log.Problems)
		}
	}
}
