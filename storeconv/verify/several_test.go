package verify_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"imsconv/storeconv"
	"imsconv/storeconv/backup"
	"imsconv/storeconv/restore"
	"imsconv/storeconv/sims"
	"imsconv/storeconv/verify"
)

// TestUsersPutTogether: two users become one. Their messages share UIDVALIDITY
// and UIDs, so that a message is known by its content besides.
func TestUsersPutTogether(t *testing.T) {
	full := makeStream(t, 77,
		made{name: "joe/INBOX/1", body: mail(1), date: 900000001, flags: `\Seen`},
		made{name: "joe/INBOX/2", body: mail(2), date: 900000002},
		made{name: "joe/INBOX/3", link: "joe/INBOX/1", date: 900000003},
		made{name: "joe/INBOX/4", body: mail(4), date: 900000004},
		made{name: "ann/INBOX/1", body: mail(11), date: 900000011},
		made{name: "ann/INBOX/2", link: "joe/INBOX/2", date: 900000012, flags: `\Deleted`}, // the same
		made{name: "ann/INBOX/3", link: "ann/INBOX/1", date: 900000013, flags: `\Flagged`})
	sel := storeconv.Selection{Map: map[string]string{"joe": "x", "ann": "x"}}
	for _, opt := range []restore.Options{{}, {NoIndex: true}} {
		store := filepath.Join(t.TempDir(), "store")
		opt.Selection = sel
		restoreStream(t, store, opt, full)
		opts := verify.StoreOptions{Selection: sel, NoIndex: opt.NoIndex}
		if log := verifyStreams(t, store, opts, full); len(log.problems) > 0 && !opt.NoIndex {
			t.Errorf("%q", log.problems)
		} else if slices.ContainsFunc(log.problems, func(l string) bool { return strings.HasPrefix(l, "wrong-content") }) {
			t.Errorf("without index: %q", log.problems)
		}
		other := makeStream(t, 77, made{name: "ann/INBOX/1", body: mail(99), date: 900000011})
		if log := verifyStreams(t, store, opts, other); len(log.problems) == 0 {
			t.Error("a message that the store does not have is not missed")
		}
	}
}

// TestUIDGivenOutAgain: a later stream has another message under a UID, or a
// link to one. The store has both.
func TestUIDGivenOutAgain(t *testing.T) {
	full := makeStream(t, 77,
		made{name: "joe/INBOX/1", body: mail(1), date: 900000001},
		made{name: "joe/INBOX/2", body: mail(2), date: 900000002, flags: `\Seen`},
		made{name: "joe/INBOX/3", body: mail(3), date: 900000003})
	diff := makeStream(t, 77,
		made{name: "joe/INBOX/2", body: mail(12), date: 900000012, flags: `\Deleted`},
		made{name: "joe/INBOX/3", link: "joe/INBOX/1", date: 900000013, flags: `\Flagged`},
		made{name: "ann/INBOX/1", link: "joe/INBOX/3", date: 900000014})
	store := filepath.Join(t.TempDir(), "store")
	restoreStream(t, store, restore.Options{}, full, diff)
	for _, streams := range [][][]byte{{full, diff}, {full}, {diff}} {
		if log := verifyStreams(t, store, verify.StoreOptions{}, streams...); len(log.problems) > 0 {
			t.Errorf("%q", log.problems)
		}
	}
	third := makeStream(t, 77, made{name: "joe/INBOX/2", body: mail(22), date: 900000012})
	if log := verifyStreams(t, store, verify.StoreOptions{}, full, third); len(log.problems) == 0 || !strings.HasPrefix(log.problems[0], "wrong-content ") {
		t.Errorf("%q", log.problems)
	}
}

// turns is a stream that goes from user to user, with so many messages each.
func turns(t testing.TB, users, messages int) []byte {
	var all []made
	for n := range messages {
		for u := range users {
			all = append(all, made{name: fmt.Sprintf("u%d/INBOX/%d", u, n+1), body: mail(1000*u + n), date: 900000000})
		}
	}
	return makeStream(t, 7, all...)
}

// TestTurns: what there is to say of users in turns is said in the order of the
// stream.
func TestTurns(t *testing.T) {
	store := filepath.Join(t.TempDir(), "store")
	restoreStream(t, store, restore.Options{}, turns(t, 5, 4))
	log := verifyStreams(t, store, verify.StoreOptions{}, turns(t, 5, 6))
	var want []string
	for n := 5; n <= 6; n++ {
		for u := range 5 {
			want = append(want, fmt.Sprintf("u%d/INBOX/%d: ", u, n))
		}
	}
	for i, name := range want {
		if len(log.problems) != len(want) || !strings.Contains(log.problems[i], name) {
			t.Fatalf("%q, want %q", log.problems, want)
		}
	}
}

// TestTurnsAreCheap: a mailbox is opened about as often as when its messages
// come one after the other.
func TestTurnsAreCheap(t *testing.T) {
	store := filepath.Join(t.TempDir(), "store")
	stream := turns(t, 50, 40)
	restoreStream(t, store, restore.Options{}, stream)
	log := new(recorder)
	opts := verify.StoreOptions{Log: log, Streams: []verify.Stream{{Name: "turns", R: strings.NewReader(string(stream))}}}
	entered, err := verify.Entered(context.Background(), store, opts)
	must(t, err)
	log.none(t)
	if entered > 100 {
		t.Errorf("50 mailboxes are opened %d times", entered)
	}
}

// TestMailboxComesAgain: a stream comes to a mailbox a second time, and says of
// it nothing, or less. What it has said stays.
func TestMailboxComesAgain(t *testing.T) {
	var out bytes.Buffer
	w, err := sims.NewWriter(&out, sims.Header{Date: 981538200}, 0)
	if err != nil {
		t.Fatal(err)
	}
	full := &sims.Member{Kind: sims.Mailbox, Name: "joe/INBOX", UIDValidity: 7, UIDNext: 20, Subscribed: 1, Keywords: "a b", ACL: "joe\tlrswipcda\nann\tlr"}
	bare := &sims.Member{Kind: sims.Mailbox, Name: "joe/INBOX", Subscribed: -1}
	for _, m := range []*sims.Member{full, bare, {Kind: sims.User, Name: "joe", Quota: 1 << 20, HasQuota: true}, {Kind: sims.User, Name: "joe"}, full, bare} {
		if err := w.WriteMember(m); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	store := filepath.Join(t.TempDir(), "store")
	restoreStream(t, store, restore.Options{}, out.Bytes())
	log := verifyStreams(t, store, verify.StoreOptions{}, out.Bytes())
	if len(log.problems)+len(log.warnings) > 0 {
		t.Errorf("%q %q", log.problems, log.warnings)
	}

	// What was said counts: rights that were taken away are missed.
	idx := filepath.Join(store, "partition/primary/=user", "04/73", "=joe/store.idx")
	b, err := os.ReadFile(idx)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(idx, bytes.Replace(b, []byte("\tann\tlr"), nil, 1), 0o600); err != nil {
		t.Fatal(err)
	}
	log = verifyStreams(t, store, verify.StoreOptions{}, out.Bytes())
	if !slices.ContainsFunc(log.problems, func(l string) bool { return strings.HasPrefix(l, "acl ") }) {
		t.Errorf("%q", log.problems)
	}
}

// TestOwnBackup: a backup calls messages by the UIDs that they have in the
// store, also those that came from another stream. They are there, which is a
// warning; one that is not is missed.
func TestOwnBackup(t *testing.T) {
	one := makeStream(t, 7,
		made{name: "joe/INBOX/1", body: mail(1), date: 900000001},
		made{name: "joe/INBOX/2", body: mail(2), date: 900000002})
	two := makeStream(t, 8,
		made{name: "joe/INBOX/1", body: mail(11), date: 900000011, flags: `\Seen`},
		made{name: "joe/INBOX/2", link: "joe/INBOX/1", date: 900000012})
	store := filepath.Join(t.TempDir(), "store")
	restoreStream(t, store, restore.Options{}, one)
	restoreStream(t, store, restore.Options{}, two)
	var own bytes.Buffer
	if _, err := backup.Backup(t.Context(), &own, store, backup.Options{}); err != nil {
		t.Fatal(err)
	}
	log := verifyStreams(t, store, verify.StoreOptions{}, own.Bytes())
	if want := "other-origin stream0: joe/INBOX: 2 messages have these UIDs, and came from another stream: the Original-Uid of 3 is 8-1"; len(log.problems) > 0 || !slices.Equal(log.warnings, []string{want}) {
		t.Errorf("%q %q, want %q", log.problems, log.warnings, want)
	}
	for _, other := range []made{
		{name: "joe/INBOX/3", body: mail(12), date: 900000011, flags: `\Seen`}, // another content
		{name: "joe/INBOX/3", body: mail(11), date: 900000013, flags: `\Seen`}, // another date
		{name: "joe/INBOX/9", body: mail(11), date: 900000011, flags: `\Seen`}, // another UID
	} {
		log := verifyStreams(t, store, verify.StoreOptions{}, makeStream(t, 7, other))
		if len(log.problems) != 1 || !strings.HasPrefix(log.problems[0], "missing-message ") {
			t.Errorf("%+v: %q", other, log.problems)
		}
	}
	log = verifyStreams(t, store, verify.StoreOptions{}, makeStream(t, 7, // a copy of another content
		made{name: "joe/INBOX/1", body: mail(1), date: 900000001},
		made{name: "joe/INBOX/3", link: "joe/INBOX/1", date: 900000011, flags: `\Seen`}))
	if len(log.problems) != 1 || !strings.HasPrefix(log.problems[0], "missing-message ") {
		t.Errorf("another copy: %q %q", log.problems, log.warnings)
	}
	log = verifyStreams(t, store, verify.StoreOptions{}, makeStream(t, 7, made{name: "joe/INBOX/3", body: mail(11), date: 900000011, flags: `\Deleted`}))
	if len(log.problems) != 1 || !strings.HasPrefix(log.problems[0], "flags ") {
		t.Errorf("other flags: %q", log.problems)
	}
}
