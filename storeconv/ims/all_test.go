package ims

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

// TestAll: the loop gives what the walk by callbacks gives, in its order, and
// ends when it is left.
func TestAll(t *testing.T) {
	joe, ann := UserDir("primary", "joe"), UserDir("second", "ann")
	r, _ := makeStore(t, joe+"/store.idx", joe+"/=a/store.idx", joe+"/note", ann+"/00/1.msg", "partition/note", "partition/second/stray")
	var want []string
	for _, line := range walk(t, r) {
		if !strings.HasSuffix(line, ".msg") {
			want = append(want, line)
		}
	}
	list := func(most int) (got []string) {
		for box, err := range r.All() {
			var e *Error
			switch {
			case errors.As(err, &e):
				got = append(got, "stray "+e.Path)
			case err != nil:
				t.Fatal(err)
			default:
				line := box.Partition + " " + box.FullName()
				if box.HasIndex {
					line += " indexed"
				}
				got = append(got, line)
			}
			if len(got) == most {
				break
			}
		}
		return got
	}
	if got := list(-1); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for n := 1; n <= len(want); n++ {
		if got := list(n); !slices.Equal(got, want[:n]) {
			t.Errorf("the first %d: %q, want %q", n, got, want[:n])
		}
	}
}

// TestIndexAll: records come until a line that cannot be read, which is an
// *Error with its number, and a Clone outlives the loop.
func TestIndexAll(t *testing.T) {
	var x Index
	x.Name = "user/joe"
	for uid := uint32(1); uid <= 3; uid++ {
		x.Messages = append(x.Messages, Record{UID: uid, SentDate: NoTime, Keywords: []byte{byte(uid)}})
	}
	x.Count()
	var text strings.Builder
	if err := x.WriteIndex(&text); err != nil {
		t.Fatal(err)
	}
	ir, err := NewIndexReader(strings.NewReader(strings.Replace(text.String(), "\n3\t", "\nx\t", 1)))
	if err != nil {
		t.Fatal(err)
	}
	var kept []*Record
	var last error
	for rec, err := range ir.All() {
		if last = err; err == nil {
			kept = append(kept, rec.Clone())
		}
	}
	if len(kept) != 2 || kept[0].UID != 1 || kept[0].Keywords[0] != 1 || kept[1].UID != 2 || kept[1].Keywords[0] != 2 {
		t.Errorf("%+v", kept)
	}
	lines := strings.Count(text.String(), "\n")
	var e *Error
	if !errors.As(last, &e) || e.Line != lines || e.Kind() != BadIndex || e.Severity() != 2 {
		t.Errorf("%v", last)
	}
	cut := text.String()[:text.Len()-1]
	if ir, err = NewIndexReader(strings.NewReader(cut)); err != nil {
		t.Fatal(err)
	}
	for _, err := range ir.All() {
		last = err
	}
	if !errors.Is(last, io.ErrUnexpectedEOF) {
		t.Errorf("a cut index: %v", last)
	}
}

func TestError(t *testing.T) {
	for _, tt := range []struct {
		e              Error
		text, position string
		severity       int
	}{
		{Error{Path: "partition/x", Class: StrayFile, Text: "no part of a store"}, "partition/x: no part of a store", "partition/x", 1},
		{Error{Path: "a/1.msg", Class: Misplaced, Text: "in the wrong directory"}, "a/1.msg: in the wrong directory", "a/1.msg", 1},
		{Error{Path: "a", Class: Unreadable, Text: "permission denied"}, "a: permission denied", "a", 2},
		{Error{Line: 7, Class: BadIndex, Text: "UID 0", Err: io.EOF}, "store.idx, line 7: EOF", "line 7", 2},
		{Error{Path: "a/store.idx", Line: 7, Class: BadIndex, Text: "UID 0"}, "a/store.idx, line 7: UID 0", "a/store.idx, line 7", 2},
	} {
		if tt.e.Error() != tt.text || tt.e.Position() != tt.position || tt.e.Severity() != tt.severity || tt.e.Kind() != tt.e.Class {
			t.Errorf("%q at %q, severity %d", tt.e.Error(), tt.e.Position(), tt.e.Severity())
		}
	}
}
