package shards

import (
	"bytes"
	"io"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"

	"imsconv/storeconv/sims"
)

// TestStreamThatCannotBeRead: a stream of which the end cannot be read is no
// stream of fewer users: the error is told, and nothing is planned.
func TestStreamThatCannotBeRead(t *testing.T) {
	var text bytes.Buffer
	w, err := sims.NewWriter(&text, sims.Header{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ann", "joe"} {
		if err := w.WriteMember(&sims.Member{Kind: sims.User, Name: name}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for _, most := range []int{0, 1024, text.Len() - 1} {
		var s Survey
		src := sims.NewReader(io.MultiReader(bytes.NewReader(text.Bytes()[:most]), iotest.ErrReader(syscall.EIO)))
		_, err := s.AddMembers(t.Context(), src, none{})
		s.Close()
		if err == nil || !strings.Contains(err.Error(), syscall.EIO.Error()) {
			t.Errorf("%d bytes can be read: %v, want the error of reading", most, err)
		}
	}
	var s Survey
	defer s.Close()
	if damaged, err := s.AddMembers(t.Context(), sims.NewReader(bytes.NewReader(text.Bytes()[:1100])), none{}); err != nil || damaged == 0 {
		t.Errorf("a stream that was cut: %d places, %v", damaged, err)
	}
}
