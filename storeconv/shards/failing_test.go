package shards

import (
	"bytes"
	"io"
	"slices"
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
		err := s.AddMembers(t.Context(), src, nobody(t), none{})
		s.Close()
		if err == nil || !strings.Contains(err.Error(), syscall.EIO.Error()) {
			t.Errorf("%d bytes can be read: %v, want the error of reading", most, err)
		}
	}
	var s Survey
	defer s.Close()
	var told []string
	tell := func(e *sims.Error) { told = append(told, e.Error()) }
	err = s.AddMembers(t.Context(), sims.NewReader(bytes.NewReader(text.Bytes()[:1100])), tell, none{})
	if want := []string{"offset 1024: the stream ends inside a header"}; err != nil || !slices.Equal(told, want) {
		t.Errorf("a stream that was cut: %q, %v, want %q", told, err, want)
	}
}
