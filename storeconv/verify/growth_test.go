package verify_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"imsconv/storeconv/restore"
	"imsconv/storeconv/sims"
	"imsconv/storeconv/verify"
)

// emptyMailboxes restores a stream of one user with so many empty mailboxes.
func emptyMailboxes(t *testing.T, n int) *restored {
	t.Helper()
	var text bytes.Buffer
	w, err := sims.NewWriter(&text, sims.Header{Date: 981538200}, 0)
	must(t, err)
	must(t, w.WriteMember(&sims.Member{Kind: sims.User, Name: "joe"}))
	for i := range n {
		must(t, w.WriteMember(&sims.Member{Kind: sims.Mailbox, Name: fmt.Sprintf("joe/F%05d", i), UIDValidity: 7}))
	}
	must(t, w.Close())
	dir := t.TempDir()
	s := &restored{stream: filepath.Join(dir, "site.sims"), store: filepath.Join(dir, "store")}
	must(t, os.WriteFile(s.stream, text.Bytes(), 0o600))
	s.run(t, restore.Options{})
	return s
}

// allocated is what a function allocates, in bytes.
func allocated(fn func()) int64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	fn()
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc - before.TotalAlloc)
}

// TestMailboxIsCheap: a mailbox in which there is nothing costs about its names
// and its records, and no buffer of its own, with the stream and without.
func TestMailboxIsCheap(t *testing.T) {
	if testing.Short() {
		t.Skip("memory is not what the race detector is asked about")
	}
	const few, many, most = 200, 1200, 12 << 10
	var taken [2][2]int64
	for i, n := range [...]int{few, many} {
		s := emptyMailboxes(t, n)
		for j, streams := range [...][]string{nil, {s.stream}} {
			taken[i][j] = allocated(func() {
				_, log := verifyStore(t, s.store, verify.StoreOptions{Jobs: 2}, streams...)
				log.none(t)
			})
		}
	}
	for j, what := range [...]string{"by itself", "with its stream"} {
		if each := (taken[1][j] - taken[0][j]) / (many - few); each > most {
			t.Errorf("%s: %d bytes a mailbox, at most %d", what, each, most)
		} else {
			t.Logf("%s: %d bytes a mailbox", what, each)
		}
	}
}
