package export

import (
	"bytes"
	"errors"
	"io"
	"syscall"
	"testing"

	"imsconv/storeconv/sims"
	"imsconv/storeconv/testsite"
)

// TestStreamWhoseSeekFails: a stream of which a seek fails is read whole, or
// its error is told: it does not become an empty one.
func TestStreamWhoseSeekFails(t *testing.T) {
	var text bytes.Buffer
	w, err := sims.NewWriter(&text, sims.Header{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.WriteMember(&sims.Member{Kind: sims.User, Name: "joe"}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	told := 0
	for n := range 6 {
		s, err := newStream("tape", testsite.NewFailingSeek(text.Bytes(), n))
		if errors.Is(err, syscall.EIO) {
			told++
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		m, err := s.source.Next()
		var damage *sims.Error
		switch {
		case errors.As(err, &damage) && damage.Class == sims.ReadError:
			told++
		case err != nil || m.Name != "joe":
			t.Errorf("seek %d fails: %+v, %v", n+1, m, err)
		default:
			if _, err := s.source.Next(); err != io.EOF {
				t.Errorf("seek %d fails: %v at the end", n+1, err)
			}
		}
	}
	if told == 0 {
		t.Error("no seek that fails was told")
	}
}
