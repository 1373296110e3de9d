package ims

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// TestEachMessage: a mailbox gives what its index names and, where that is
// damaged in any way, what it has lost, each message once.
func TestEachMessage(t *testing.T) {
	dir := UserDir("primary", "joe")
	r, store := makeStore(t, dir+"/00/2.msg", dir+"/00/3.msg", dir+"/01/105.msg", dir+"/00/odd", dir+"/store.idx")
	x := Index{Header: Header{Name: "user/joe", UIDValidity: 7}}
	for _, uid := range []uint32{2, 3, 105} {
		x.Messages = append(x.Messages, Record{UID: uid, InternalDate: NoTime, SentDate: NoTime, Size: 4})
	}
	x.Count()
	var whole strings.Builder
	if err := x.WriteIndex(&whole); err != nil {
		t.Fatal(err)
	}
	const told = "store.idx: it has lines of 2 messages, and says 3"
	for _, tt := range []struct {
		old, new string
		want     []string
		any      []string // in any order
	}{
		{"", "", []string{"2", "3", "105", "stray"}, []string{"2", "3", "105"}},
		{"\n3\t", "\nx\t", []string{"2", "store.idx, line 18: UID \"x\"", "lost 3", "105", "stray"}, []string{"2", "store.idx, line 18: UID \"x\"", "105", "stray", "lost 3"}},
		{"LINE 2", "", []string{told, "lost 2", "3", "105", "stray"}, []string{"3", "105", told, "stray", "lost 2"}},
		{"LINE 3", "", []string{"2", told, "lost 3", "105", "stray"}, []string{"2", "105", told, "stray", "lost 3"}},
		{"LINE 105", "", []string{"2", "3", told, "lost 105", "stray"}, []string{"2", "3", told, "stray", "lost 105"}},
		{"Exists: 3", "Exists: 4", []string{"2", "3", "105", strings.Replace(strings.Replace(told, "3", "4", 1), "2", "3", 1), "stray"}, []string{"2", "3", "105", strings.Replace(strings.Replace(told, "3", "4", 1), "2", "3", 1), "stray"}},
		{"DROP 3", "", []string{"2", "105", "stray", "unnamed 3"}, []string{"2", "105"}},
	} {
		text := whole.String()
		drop := func(uid string) {
			at := strings.Index(text, "\n"+uid+"\t") + 1
			text = text[:at] + text[at+strings.IndexByte(text[at:], '\n')+1:]
		}
		if uid, ok := strings.CutPrefix(tt.old, "LINE "); ok {
			drop(uid)
		} else if uid, ok := strings.CutPrefix(tt.old, "DROP "); ok {
			drop(uid)
			text = strings.Replace(text, "Exists: 3", "Exists: 2", 1)
		} else {
			text = strings.Replace(text, tt.old, tt.new, 1)
		}
		if err := os.WriteFile(store+"/"+dir+"/store.idx", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		box, err := r.Mailbox("primary", "joe", Inbox)
		if err != nil {
			t.Fatal(err)
		}
		defer box.Close()
		for _, each := range []struct {
			all  func(*IndexReader, Found) error
			want []string
		}{{box.EachMessage, tt.want}, {box.EachInAnyOrder, tt.any}} {
			ir, err := NewIndexReader(strings.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			to := recording(&got)
			if err := each.all(ir, to); err != nil || !slices.Equal(got, each.want) {
				t.Errorf("%q: %q, want %q, %v", tt.old, got, each.want, err)
			}
		}
	}
	// An error of what the index is read from ends the index and not the mailbox.
	box, err := r.Mailbox("primary", "joe", Inbox)
	if err != nil {
		t.Fatal(err)
	}
	defer box.Close()
	head, _, _ := strings.Cut(whole.String(), "\n3\t")
	ir, err := NewIndexReader(io.MultiReader(strings.NewReader(head+"\n"), iotest.ErrReader(errors.New("no more"))))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	if err := box.EachInAnyOrder(ir, recording(&got)); err != nil || !slices.Equal(got, []string{"2", "no more", "stray", "lost 3", "lost 105"}) {
		t.Errorf("%q, %v", got, err)
	}
}

// recording writes down what is found.
func recording(got *[]string) Found {
	add := func(format string, a ...any) error {
		*got = append(*got, fmt.Sprintf(format, a...))
		return nil
	}
	return Found{
		Record: func(rec *Record) error { return add("%d", rec.UID) },
		Unnamed: func(uid uint32, lost bool) error {
			if lost {
				return add("lost %d", uid)
			}
			return add("unnamed %d", uid)
		},
		Damage: func(err error) { add("%v", err) },
		Stray:  func(*Error) { add("stray") },
	}
}
