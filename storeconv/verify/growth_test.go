package verify_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
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

// smallMailboxes restores a stream of so many mailboxes of one message each,
// ten a user.
func smallMailboxes(t *testing.T, n int) *restored {
	t.Helper()
	var text bytes.Buffer
	w, err := sims.NewWriter(&text, sims.Header{Date: 981538200}, 0)
	must(t, err)
	for i := range n {
		user := fmt.Sprintf("user%06d", i/10)
		box := fmt.Sprintf("%s/F%05d", user, i)
		if i%10 == 0 {
			must(t, w.WriteMember(&sims.Member{Kind: sims.User, Name: user}))
		}
		must(t, w.WriteMember(&sims.Member{Kind: sims.Mailbox, Name: box, UIDValidity: 7, UIDNext: 2}))
		body := fmt.Sprintf("Subject: %d\n\ntext\n", i)
		must(t, w.WriteMember(&sims.Member{Kind: sims.Message, Name: box + "/1", UID: 1, Size: int64(len(body)), Time: 981538000}))
		_, err := w.Write([]byte(body))
		must(t, err)
	}
	must(t, w.Close())
	dir := t.TempDir()
	s := &restored{stream: filepath.Join(dir, "site.sims"), store: filepath.Join(dir, "store")}
	must(t, os.WriteFile(s.stream, text.Bytes(), 0o600))
	s.run(t, restore.Options{})
	return s
}

// heldAt is a Progress that measures the heap when so many messages have come.
type heldAt struct {
	at, come atomic.Int64
	heap     int64
}

func (h *heldAt) Add(items, _ int64) {
	if items > 0 && h.come.Add(items) == h.at.Load() {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		h.heap = int64(m.HeapAlloc)
	}
}

// TestManyMailboxesAreHeldShort: of a mailbox of a stream that has been
// compared little more than a hash stays, and no number of members waits that
// come in order. The records of small databases are held too, about 300 bytes a
// mailbox.
func TestManyMailboxesAreHeldShort(t *testing.T) {
	if testing.Short() {
		t.Skip("memory is not what the race detector is asked about")
	}
	const few, many, most = 3000, 9000, 800
	var held [2]int64
	for i, n := range [...]int{few, many} {
		s := smallMailboxes(t, n)
		var progress heldAt
		progress.at.Store(int64(2*n - 1)) // one of the store's own, one of the stream
		_, log := verifyStore(t, s.store, verify.StoreOptions{Progress: &progress}, s.stream)
		log.none(t)
		if held[i] = progress.heap; held[i] == 0 {
			t.Fatalf("%d of %d messages came", progress.come.Load(), 2*n)
		}
	}
	if each := (held[1] - held[0]) / (many - few); each > most {
		t.Errorf("%d bytes a mailbox are held, at most %d", each, most)
	} else {
		t.Logf("%d bytes a mailbox are held", each)
	}
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
