package sims

import (
	"bytes"
	"io"
	"strings"
	"syscall"
	"testing"

	"imsconv/storeconv/testsite"
)

// TestSeekFails: where one seek of a file fails all of it is read, or the error
// is told: it is never taken for a file that holds less.
func TestSeekFails(t *testing.T) {
	var text bytes.Buffer
	w, err := NewWriter(&text, Header{Date: 981538200}, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []*Member{{Kind: User, Name: "joe"}, {Kind: Mailbox, Name: "joe/INBOX"}, {Kind: Message, Name: "joe/INBOX/1", UID: 1, Size: 9000}, {Kind: Mailbox, Name: "joe/Sent"}} {
		if err := w.WriteMember(m); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(make([]byte, m.Size)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	const want = "joe joe/INBOX joe/INBOX/1 joe/Sent"
	told := 0
	for n := range 8 {
		r := newReader(testsite.NewFailingSeek(text.Bytes(), n), 2, minBuf)
		var names []string
		var first error
		for {
			m, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				first = err
				break
			}
			names = append(names, m.Name)
		}
		switch got := strings.Join(names, " "); {
		case first == nil && got == want:
		case first != nil && ErrorOf(first) != nil && ErrorOf(first).Class == ReadError && strings.Contains(first.Error(), syscall.EIO.Error()):
			told++
		default:
			t.Errorf("seek %d fails: %q, error %v", n+1, got, first)
		}
	}
	if told == 0 {
		t.Error("no seek that fails was told")
	}
}
