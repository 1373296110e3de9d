package backup

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"testing"

	"imsconv/storeconv/sims"
)

// emptyMailboxes makes a store of one user with so many mailboxes in which
// there is nothing.
func emptyMailboxes(t *testing.T, n int) string {
	t.Helper()
	var text bytes.Buffer
	w, err := sims.NewWriter(&text, sims.Header{Date: 981538200}, 0)
	if err != nil {
		t.Fatal(err)
	}
	members := []*sims.Member{{Kind: sims.User, Name: "joe"}}
	for i := range n {
		members = append(members, &sims.Member{Kind: sims.Mailbox, Name: fmt.Sprintf("joe/F%05d", i), UIDValidity: 7})
	}
	for _, m := range members {
		if err := w.WriteMember(m); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return restored(t, text.Bytes())
}

// TestMailboxIsCheap: a mailbox in which there is nothing costs about its names
// and its records, and no buffer of its own.
func TestMailboxIsCheap(t *testing.T) {
	if testing.Short() {
		t.Skip("memory is not what the race detector is asked about")
	}
	const few, many, most = 200, 1200, 10 << 10
	var taken [2]int64
	for i, n := range [...]int{few, many} {
		store := emptyMailboxes(t, n)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		rep, err := Backup(t.Context(), io.Discard, store, Options{Jobs: 2})
		runtime.ReadMemStats(&after)
		if err != nil || rep.Mailboxes != int64(n) {
			t.Fatalf("%+v, %v", rep, err)
		}
		taken[i] = int64(after.TotalAlloc - before.TotalAlloc)
	}
	if each := (taken[1] - taken[0]) / (many - few); each > most {
		t.Errorf("%d bytes a mailbox, at most %d", each, most)
	} else {
		t.Logf("%d bytes a mailbox", each)
	}
}
