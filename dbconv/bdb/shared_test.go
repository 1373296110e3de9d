package bdb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// Sub-databases that share pages are damage: each page is read once, however
// often it is named, so that what comes out is bounded by the file.
func TestSubdatabasesThatSharePages(t *testing.T) {
	var dst memFile
	w, err := NewWriter(&dst, WriterOptions{Version: 9, PageSize: 512})
	if err != nil {
		t.Fatal(err)
	}
	for db := range 50 {
		if err := w.Sub(fmt.Sprintf("db%02d", db), TreeOptions{}); err != nil {
			t.Fatal(err)
		}
		for i := range 100 {
			if err := w.Put(fmt.Appendf(nil, "key%03d", i), fmt.Appendf(nil, "value of %02d", db)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	// All names lead to the first database's metadata page.
	r, err := NewReader(bytes.NewReader(dst.b), int64(len(dst.b)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	first, err := r.Get([]byte("db00"))
	if err != nil {
		t.Fatal(err)
	}
	for db := 1; db < 50; db++ {
		other, err := r.Get(fmt.Appendf(nil, "db%02d", db))
		if err != nil {
			t.Fatal(err)
		}
		retarget(t, dst.b, fmt.Appendf(nil, "db%02d", db), other, first)
	}
	problems := 0
	got, err := readFile(dst.b, Options{Problem: func(err error) {
		var e *Error
		if errors.As(err, &e) && e.Severity() > 1 {
			problems++
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	records := 0
	for _, all := range got {
		records += len(all)
	}
	if records != 100 || problems == 0 {
		t.Errorf("%d records, %d problems", records, problems)
	}
	rep, err := Verify(context.Background(), bytes.NewReader(dst.b), int64(len(dst.b)), VerifyOptions{})
	if err != nil || rep.Missing == 0 {
		t.Errorf("verify: %d of %d faults, %v", rep.Missing, rep.Faults, err)
	}
	if saved, rep, _ := salvageBytes(t, dst.b, false); rep.Records > 5100 || rep.Lost == 0 {
		t.Errorf("salvage: %d records in %d databases, %d lost", rep.Records, len(saved), rep.Lost)
	}
}

// retarget changes the value of name in the master database of a file.
func retarget(t *testing.T, b, name, from, to []byte) {
	t.Helper()
	for at := 0; ; at++ {
		i := bytes.Index(b[at:], name)
		if i < 0 {
			t.Fatalf("%s: not found", name)
		}
		at += i
		lo, hi := max(at-16, 0), min(at+24, len(b))
		if j := bytes.Index(b[lo:hi], from); j >= 0 {
			copy(b[lo+j:], to)
			return
		}
	}
}

// The keys of duplicates are given again with each of them, but not without
// end.
func TestDuplicatesOfALongKey(t *testing.T) {
	var dst memFile
	w, err := NewWriter(&dst, WriterOptions{Version: 9, TreeOptions: TreeOptions{Duplicates: true, KeepOrder: true}})
	if err != nil {
		t.Fatal(err)
	}
	key := []byte(strings.Repeat("k", 64<<10))
	for i := range 20000 {
		if err := w.Put(key, fmt.Appendf(nil, "%05d", i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	var told error
	r, err := NewReader(bytes.NewReader(dst.b), int64(len(dst.b)), Options{Problem: func(err error) { told = err }})
	if err != nil {
		t.Fatal(err)
	}
	size := int64(0)
	for rec, err := range r.Cursor().All() {
		if err != nil {
			t.Fatal(err)
		}
		size += int64(len(rec.Key) + len(rec.Value))
	}
	if limit := int64(len(dst.b)) * (repeatFactor + 1); size > limit || !errors.Is(told, ErrTooBig) {
		t.Errorf("%d bytes from a file of %d: %v", size, len(dst.b), told)
	}
}
