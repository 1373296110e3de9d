package restore

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"imsconv/storeconv/sims"
)

// TestKeywordsWithoutRoom: a mailbox with more keywords than a line of its
// index may have keeps those that came first, and the rest is told once; the
// index can be read.
func TestKeywordsWithoutRoom(t *testing.T) {
	const words, messages = 2000, 6 // of 120 bytes
	members := []sims.Member{{Kind: sims.User, Name: "joe", User: "joe"}}
	keyword := func(m, k int) string { return fmt.Sprintf("%0119d", m*words+k) }
	for m := range messages {
		var flags []string
		for k := range words {
			flags = append(flags, keyword(m, k))
		}
		members = append(members, sims.Member{Kind: sims.Message, Name: fmt.Sprintf("joe/INBOX/%d", m+1), User: "joe", Mailbox: "INBOX", UID: uint32(m + 1), Time: 981538200, Flags: strings.Join(flags, " ")})
	}
	data := streamOf(t, members...)
	store := filepath.Join(t.TempDir(), "store")
	for range 2 { // the second finds all there
		_, log, err := restoreTo(t, store, Options{}, bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		if len(log.lines) != 1 || !strings.HasPrefix(log.lines[0], "problem: keyword: ") || !strings.Contains(log.lines[0], "joe/INBOX/5") {
			t.Fatalf("%q", log.lines)
		}
		x := readIndexOf(t, store, "joe", "INBOX")
		room := maxWords / 120
		if n := len(x.Userflags); n != room {
			t.Errorf("%d keywords, want %d", n, room)
		}
		for i, rec := range x.Messages {
			var has []int
			for bit := range 8 * len(rec.Keywords) {
				if rec.Keywords[bit/8]>>(bit%8)&1 != 0 {
					has = append(has, bit)
				}
			}
			var want []int
			for k := range words {
				if n := i*words + k; n < room {
					want = append(want, n)
				}
			}
			if !slices.Equal(has, want) {
				t.Errorf("message %d has %d keywords, want %d", i+1, len(has), len(want))
			}
		}
	}
}
