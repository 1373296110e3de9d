package restore

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"imsconv/storeconv/sims"
)

// heldBy restores a user with so many mailboxes and returns the bytes of memory
// that are in use when all have been read and none has been written.
func heldBy(t *testing.T, mailboxes int) int64 {
	t.Helper()
	var members []sims.Member
	for i := range mailboxes {
		box := fmt.Sprintf("joe/Folder%d/A name that is not short %06d", i%7, i)
		members = append(members, sims.Member{Kind: sims.Mailbox, Name: box, UIDValidity: uint32(i + 1), Subscribed: 1, Keywords: "work later"},
			sims.Member{Kind: sims.Message, Name: box + "/1", Time: 900000000, Flags: `\Seen work`})
	}
	dir := shmDir(t)
	name := filepath.Join(dir, "stream")
	if err := os.WriteFile(name, streamOf(t, members...), 0o600); err != nil {
		t.Fatal(err)
	}
	members = nil
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var held int64
	opt := Options{boxesKept: 200, NoIndex: true}
	opt.Trace = func(level int, _ string) {
		if level != 1 || held > 0 {
			return
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		held = int64(m.HeapAlloc)
	}
	if _, _, err := restoreTo(t, filepath.Join(dir, "store"), opt, f); err != nil {
		t.Fatal(err)
	}
	return held
}

// TestMemoryOfMailboxes: what a mailbox of a user takes in memory until the
// user is in place, which with a million of them must stay far below 256 MiB.
// Held in memory, 40,000 mailboxes took 100 MB. The journal's own memory comes
// and goes by some 12 MiB, and so does what earlier tests have left.
func TestMemoryOfMailboxes(t *testing.T) {
	if testing.Short() {
		t.Skip("memory is not what the race detector is asked about")
	}
	const few, many, most = 20_000, 60_000, 32 << 20
	a, b := heldBy(t, few), heldBy(t, many)
	t.Logf("%d and %d bytes", a, b)
	if b-a > most {
		t.Errorf("%d more mailboxes take %d bytes", many-few, b-a)
	}
}
