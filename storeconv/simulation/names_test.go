package simulation

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"imsconv/storeconv/backup"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/restore"
	"imsconv/storeconv/sims"
	"imsconv/storeconv/testsite/reference"
	"imsconv/storeconv/verify"
)

// Components that names are made of: spellings of INBOX, bytes with a form of
// their own on disk, forms on disk that are bytes of a name here, and what
// message directories and files of a server are called.
var components = []string{"INBOX", "inbox", "Inbox", "a", "A", "+A", "=a", "=+A", "%d", ".x", "x.", "&AOk-", "&-", "00", "1.msg", "store.idx", "Sub", "sub", "user", " b ", "~", "\\", "\"", "{3}", "#x", "@"}

// randomNames makes mailbox names of one user, none twice.
func randomNames(random *rand.Rand, n int) []string {
	names := map[string]bool{"INBOX": true}
	for len(names) < n {
		name := ""
		for depth := 1 + random.IntN(3); depth > 0; depth-- {
			name += "/" + components[random.IntN(len(components))]
		}
		name = name[1:]
		if ims.CheckMailbox(name) == nil {
			names[ims.Canonical(name)] = true
		}
	}
	var out []string
	for name := range names {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// TestNamesGoAround takes mailbox names through every program that reads or
// writes them: what is restored is found by verify, by the reader of a store
// and in a backup, each mailbox with its own message, and the backup restored
// is the same store.
func TestNamesGoAround(t *testing.T) {
	for seed := range uint64(12) {
		names := randomNames(rand.New(rand.NewPCG(seed, 1)), 12)
		goAround(t, names, namedTape(t, names))
	}
}

// namedTape makes a stream with one message in each mailbox: UID and text tell
// which one.
func namedTape(t *testing.T, names []string) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := sims.NewWriter(&out, sims.Header{Product: "SIMS 4.0", Date: 958780800}, 0)
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range names {
		body := fmt.Sprintf("Subject: %q\r\n\r\n", name)
		box := sims.Member{Kind: sims.Mailbox, Name: "joe/" + name, Time: 958780800, UIDValidity: uint32(i + 10), Subscribed: int8(i % 2)}
		m := sims.Member{Kind: sims.Message, Name: fmt.Sprintf("joe/%s/%d", name, i+1), Time: int64(900000000 + i), Subscribed: -1, Size: int64(len(body))}
		if err := w.WriteMember(&box); err != nil {
			t.Fatal(err)
		}
		if err := w.WriteMember(&m); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func goAround(t *testing.T, names []string, stream []byte) {
	t.Helper()
	dir := t.TempDir()
	first, second := filepath.Join(dir, "first"), filepath.Join(dir, "second")
	restoreNamed(t, first, stream)
	log := new(reference.Recorder)
	if _, err := verify.Store(context.Background(), first, verify.StoreOptions{Log: log, Streams: []verify.Stream{{Name: "s", R: bytes.NewReader(stream)}}}); err != nil {
		t.Fatal(err)
	}
	if len(log.Problems) > 0 {
		t.Fatalf("%q: verify: %q", names, log.Problems)
	}
	want := subjects(t, first)
	if len(want) != len(names) {
		t.Fatalf("%q: the reader of the store has %q", names, want)
	}
	var saved bytes.Buffer
	log = new(reference.Recorder)
	if _, err := backup.Backup(context.Background(), &saved, first, backup.Options{Log: log, TempDir: dir}); err != nil || len(log.Problems)+len(log.Warnings) > 0 {
		t.Fatalf("%q: backup: %v, said %q %q", names, err, log.Problems, log.Warnings)
	}
	restoreNamed(t, second, saved.Bytes())
	if diff := cmp.Diff(want, subjects(t, second)); diff != "" {
		t.Fatalf("%q: after a backup (-want +got):\n%s", names, diff)
	}
}

func restoreNamed(t *testing.T, store string, stream []byte) {
	t.Helper()
	s, err := restore.NewStream("s", bytes.NewReader(stream))
	if err != nil {
		t.Fatal(err)
	}
	log := new(reference.Recorder)
	if _, err := restore.Restore(context.Background(), store, []*restore.Stream{s}, restore.Options{Log: log}); err != nil || len(log.Problems) > 0 {
		t.Fatalf("restore: %v, said %q", err, log.Problems)
	}
}

// subjects lists the mailboxes as the reader of a store has them: name, UID,
// UIDVALIDITY, subscription and text of the messages.
func subjects(t *testing.T, store string) []string {
	t.Helper()
	root, err := os.Open(store)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	var out []string
	for box, err := range ims.NewReader(root).All() {
		if err != nil {
			t.Fatal(err)
		}
		f, err := box.Index()
		if err != nil {
			t.Fatal(err)
		}
		x, err := ims.ReadIndex(f)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range x.Messages {
			b, err := os.ReadFile(filepath.Join(store, box.Path, ims.MessagePath(m.UID)))
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, fmt.Sprintf("%q %d %d %v %q", box.Name, m.UID, x.UIDValidity, x.Subscribed, b))
		}
	}
	return out
}
