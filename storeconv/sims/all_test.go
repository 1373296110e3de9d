package sims

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestAll: the loop gives what Next gives, damage in its place, and ends when
// it is left or the stream is of an unknown profile.
func TestAll(t *testing.T) {
	data := bytes.Clone(sample(t))
	copy(data[4096:], "spoilt") // a header or a body; either is told alike
	clear(data[8192 : 8192+512])
	type step struct {
		Member *Member
		Err    string
	}
	var want []step
	for r := NewReader(bytes.NewReader(data)); ; {
		m, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			want = append(want, step{Err: err.Error()})
			continue
		}
		want = append(want, step{Member: m.Clone()})
	}
	list := func(most int) (got []step) {
		for m, err := range NewReader(bytes.NewReader(data)).All() {
			if err != nil {
				got = append(got, step{Err: err.Error()})
			} else {
				got = append(got, step{Member: m.Clone()})
			}
			if len(got) == most {
				break
			}
		}
		return got
	}
	if d := cmp.Diff(want, list(-1)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(want[:3], list(3)); d != "" {
		t.Error(d)
	}
	var other bytes.Buffer
	w, err := NewWriter(&other, Header{}, 0)
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	b := bytes.Replace(other.Bytes(), []byte("SIMS.profile=1\n"), []byte("SIMS.profile=2\n"), 1)
	n := 0
	for _, err := range NewReader(bytes.NewReader(b)).All() {
		if n++; !errors.Is(err, ErrProfile) {
			t.Errorf("%v", err)
		}
	}
	if n != 1 {
		t.Errorf("%d errors", n)
	}
}

func TestError(t *testing.T) {
	for _, tt := range []struct {
		e              Error
		text, position string
		severity       int
	}{
		{Error{Offset: 512, Class: BadHeader, Text: "no header"}, "offset 512: no header", "offset 512", 2},
		{Error{Name: "joe/a\x01/1", Class: BadName, Text: "a control byte"}, `offset 0: "joe/a\x01/1": a control byte`, `offset 0: "joe/a\x01/1"`, 2},
		{Error{Offset: 9, Class: NoEnd, Text: "no end", Tolerated: true}, "offset 9: no end", "offset 9", 1},
	} {
		if tt.e.Error() != tt.text || tt.e.Position() != tt.position || tt.e.Severity() != tt.severity || tt.e.Kind() != tt.e.Class {
			t.Errorf("%q at %q, severity %d", tt.e.Error(), tt.e.Position(), tt.e.Severity())
		}
	}
	for kind, want := range map[Kind]string{User: "user", Mailbox: "mailbox", Message: "message", Link: "link", 0: "kind 0", 9: "kind 9"} {
		if kind.String() != want {
			t.Errorf("%d is %q", uint8(kind), kind)
		}
	}
}
