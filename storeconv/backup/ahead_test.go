package backup

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"imsconv/storeconv/restore"
	"imsconv/storeconv/testsite"
)

// restored is a store made of a backup stream.
func restored(t *testing.T, stream []byte) string {
	t.Helper()
	s, err := restore.NewStream("stream", bytes.NewReader(stream))
	if err != nil {
		t.Fatal(err)
	}
	store := t.TempDir()
	if _, err := restore.Restore(t.Context(), store, []*restore.Stream{s}, restore.Options{}); err != nil {
		t.Fatal(err)
	}
	return store
}

// smallStore makes a store of several users with many small mailboxes.
func smallStore(t *testing.T) string {
	t.Helper()
	var stream bytes.Buffer
	if _, err := testsite.WriteStream(&stream, testsite.StreamOptions{Seed: 4, Users: 6, Mailboxes: 30, Messages: 600, MedianSize: 3000, MaxSize: 400 << 10}, nil); err != nil {
		t.Fatal(err)
	}
	return restored(t, stream.Bytes())
}

var errFull = errors.New("full")

// shortWriter takes so many bytes.
type shortWriter int

func (w *shortWriter) Write(p []byte) (int, error) {
	if *w -= shortWriter(len(p)); *w < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func openFiles(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip(err)
	}
	return len(list)
}

// TestBackupEndsInTheMiddle: wherever the stream cannot be written on, or the
// context ends, what was read ahead is let go, and no file stays open.
func TestBackupEndsInTheMiddle(t *testing.T) {
	store := smallStore(t)
	before := openFiles(t)
	for size := shortWriter(0); size < 2<<20; size += 300 << 10 {
		w := size
		if _, err := Backup(t.Context(), &w, store, Options{Jobs: 3}); !errors.Is(err, errFull) {
			t.Fatalf("%d bytes: %v", size, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	_, err := Backup(ctx, new(bytes.Buffer), store, Options{Jobs: 3, Trace: func(string) {
		if n++; n == 40 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if after := openFiles(t); after > before {
		t.Errorf("%d files open before, %d after", before, after)
	}
}

// TestSizeOfTheIndexIsNoPromise: a file that is longer or shorter than its
// index says is written as it stands, and told, in its place among the others.
func TestSizeOfTheIndexIsNoPromise(t *testing.T) {
	store := smallStore(t)
	files, err := filepath.Glob(filepath.Join(store, "partition/primary/=user/*/*/=*/*/*.msg"))
	if err != nil || len(files) < 9 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	sizes := []int{0, 10, 1 << 20, 300 << 10}
	for i, size := range sizes {
		if err := os.Remove(files[2*i]); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(files[2*i], bytes.Repeat([]byte{byte(1 + i)}, size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	stream, rep, log := backupOf(t, store, Options{})
	told := 0
	for _, n := range log.Problems {
		if strings.HasPrefix(n, "size ") {
			told++
		}
	}
	if told != len(sizes) {
		t.Errorf("%d files told of: %v", told, log.Problems)
	}
	if got := len(members(t, bytes.NewReader(stream))); got != int(rep.Users+rep.Mailboxes+rep.Messages+rep.Links) {
		t.Errorf("%d members, report %+v", got, rep)
	}
	// Bytes that no mail has: the race detector looks at each comparison.
	if !bytes.Contains(stream, bytes.Repeat([]byte{3}, 1<<20)) {
		t.Error("the long file is not in the stream")
	}
}
