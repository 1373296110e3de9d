package backup

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"imsconv/storeconv/ims"
	"imsconv/storeconv/sims"
)

// datedStore makes a store of one user whose INBOX has messages of the dates.
func datedStore(t *testing.T, dates ...int64) string {
	t.Helper()
	store := t.TempDir()
	dir := filepath.Join(store, ims.UserDir("primary", "joe"))
	if err := os.MkdirAll(filepath.Join(dir, "00"), 0o700); err != nil {
		t.Fatal(err)
	}
	x := ims.Index{Header: ims.Header{Name: "user/joe", Partition: "primary", UIDValidity: 7, Exists: int64(len(dates))}}
	for i, date := range dates {
		uid := uint32(i + 1)
		if err := os.WriteFile(filepath.Join(dir, ims.MessagePath(uid)), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		x.Messages = append(x.Messages, ims.Record{UID: uid, InternalDate: date, SentDate: ims.NoTime, Size: 1})
	}
	var out bytes.Buffer
	if err := x.WriteIndex(&out); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, ims.IndexName), out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return store
}

// times lists the dates of a stream's messages.
func times(t *testing.T, stream []byte) (h sims.Header, list []int64) {
	t.Helper()
	r := sims.NewReader(bytes.NewReader(stream))
	h, err := r.Header()
	if err != nil {
		t.Fatal(err)
	}
	for m, err := range r.All() {
		if err != nil {
			t.Fatal(err)
		}
		if m.Kind == sims.Message {
			list = append(list, m.Time)
		}
	}
	return h, list
}

// Zero is a date, and so is what lies before it: messages and the time asked
// for may lie on either side.
func TestDatesBefore1970(t *testing.T) {
	dates := []int64{-1_000_000_000, -1, 0, 1, 957764210}
	store := datedStore(t, dates...)
	for _, c := range []struct {
		since *int64
		first int
	}{{nil, 0}, {new(int64), 2}, {&dates[1], 1}, {&dates[0], 0}, {&dates[4], 4}} {
		stream, rep, log := backupOf(t, store, Options{Since: c.since})
		h, got := times(t, stream)
		want := dates[c.first:]
		if h.HasDate || rep.Date != nil || len(log.Problems) != 0 || rep.Older != int64(c.first) || len(got) != len(want) {
			t.Fatalf("since %v: %v, %+v, %q", c.since, got, rep, log.Problems)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("since %v: date %d, want %d", c.since, got[i], want[i])
			}
		}
	}
	stream, rep, _ := backupOf(t, store, Options{Date: new(int64)})
	if h, _ := times(t, stream); !h.HasDate || h.Date != 0 || rep.Date == nil || *rep.Date != 0 {
		t.Errorf("dated 0: %+v", h)
	}
}

// A message without a date of its own has that of its file.
func TestMessageWithoutADate(t *testing.T) {
	store := datedStore(t, ims.NoTime)
	stream, _, _ := backupOf(t, store, Options{})
	info, err := os.Stat(filepath.Join(store, ims.UserDir("primary", "joe"), "00/1.msg"))
	if err != nil {
		t.Fatal(err)
	}
	if _, got := times(t, stream); len(got) != 1 || got[0] != info.ModTime().Unix() {
		t.Errorf("dates %d, the file has %d", got, info.ModTime().Unix())
	}
}

// A directory that is no store gives no stream.
func TestNoStore(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "partition"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, store := range []string{dir, filepath.Join(dir, "partition")} {
		var out bytes.Buffer
		if _, err := Backup(context.Background(), &out, store, Options{}); !errors.Is(err, ims.ErrNoStore) || out.Len() != 0 {
			t.Errorf("%s: %d bytes, %v", store, out.Len(), err)
		}
	}
	if err := os.Remove(filepath.Join(dir, "partition")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "mboxlist"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Backup(context.Background(), io.Discard, dir, Options{}); err != nil {
		t.Errorf("a store without users: %v", err)
	}
}
