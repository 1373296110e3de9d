package restore

import (
	"bytes"
	"path/filepath"
	"slices"
	"testing"

	"imsconv/dbconv/mboxlist"
	"imsconv/storeconv"
	"imsconv/storeconv/lists"
	"imsconv/storeconv/sims"
	"imsconv/storeconv/testsite/reference"
	"imsconv/storeconv/verify"
)

// streamOf writes members as they stand; a message has its name as body.
func streamOf(t testing.TB, members ...sims.Member) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := sims.NewWriter(&out, sims.Header{Date: 981538200}, 0)
	if err != nil {
		t.Fatal(err)
	}
	for i := range members {
		m := &members[i]
		if m.Kind == sims.Message {
			m.Size = int64(len(m.Name))
		}
		if err := w.WriteMember(m); err != nil {
			t.Fatal(err)
		}
		if m.Kind == sims.Message {
			if _, err := w.Write([]byte(m.Name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestExpiredAloneChangesNothing: a mailbox that comes back, unannounced and
// with nothing but expired messages, keeps what it has, also when the user gets
// something elsewhere.
func TestExpiredAloneChangesNothing(t *testing.T) {
	first := []sims.Member{
		{Kind: sims.Mailbox, Name: "joe/INBOX", UIDValidity: 7, Subscribed: 1, ACL: "joe\tlrswipcda\nanyone\tlr"},
		{Kind: sims.Message, Name: "joe/INBOX/1", Time: 900000000},
		{Kind: sims.Mailbox, Name: "joe/Mail", UIDValidity: 8, Subscribed: 1, ACL: "joe\tlrswipcda\nanyone\tlr"},
		{Kind: sims.Message, Name: "joe/Mail/1", Time: 900000000, Flags: `\Seen`},
		{Kind: sims.Message, Name: "zoe/INBOX/1", Time: 900000000},
	}
	for _, then := range [][]sims.Member{
		{{Kind: sims.Message, Name: "joe/Mail/2", Flags: "expired"}},
		{{Kind: sims.Message, Name: "joe/Mail/2", Flags: "expired"}, {Kind: sims.Message, Name: "joe/INBOX/2", Time: 900000001}},
		{{Kind: sims.Link, Name: "joe/Mail/2", Flags: "expired", Link: "zoe/INBOX/1"}, {Kind: sims.Message, Name: "joe/INBOX/2", Time: 900000001}},
		{{Kind: sims.Link, Name: "joe/Mail/2", Link: "joe/Mail/2"}, {Kind: sims.Message, Name: "joe/INBOX/2", Time: 900000001}},
	} {
		dir := t.TempDir()
		one, two := filepath.Join(dir, "one"), filepath.Join(dir, "two")
		whole := streamOf(t, append(append([]sims.Member{}, first...), then...)...)
		restoreAny(t, one, whole)
		restoreAny(t, two, streamOf(t, first...))
		restoreAny(t, two, streamOf(t, then...))
		for _, store := range []string{one, two} {
			if log := checkStreams(t, store, verify.StoreOptions{}, streamOf(t, first...)); len(log.Problems) > 0 {
				t.Errorf("%s, then %s: %q", filepath.Base(store), then[0].Name, log.Problems)
			}
		}
	}
}

// restoreAny restores a stream whatever it loses.
func restoreAny(t testing.TB, store string, data []byte) {
	t.Helper()
	s, err := NewStream("stream", bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Restore(t.Context(), store, []*Stream{s}, Options{}); err != nil {
		t.Fatal(err)
	}
}

// TestLaterAttributes: what a later stream of one run says about a mailbox
// wins, in the index and in the lists, also when it brings no message.
func TestLaterAttributes(t *testing.T) {
	full := streamOf(t,
		sims.Member{Kind: sims.Mailbox, Name: "joe/INBOX", UIDValidity: 7, Subscribed: 1, ACL: "joe\tlrswipcda"},
		sims.Member{Kind: sims.Message, Name: "joe/INBOX/1", Time: 900000000})
	later := streamOf(t, sims.Member{Kind: sims.Mailbox, Name: "joe/INBOX", UIDValidity: 7, UIDNext: 90, Subscribed: 0, ACL: "joe\tlr"})
	store := filepath.Join(t.TempDir(), "store")
	restoreClean(t, store, Options{}, full, later)
	if log := checkStreams(t, store, verify.StoreOptions{}, full, later); len(log.Problems) > 0 {
		t.Errorf("%q", log.Problems)
	}
	if list := reference.ReadList(t, filepath.Join(store, "mboxlist", "subscr.db")); len(list) != 0 {
		t.Errorf("subscriptions %q", list)
	}
	once := storeLines(t, store)
	restoreClean(t, store, Options{}, full, later)
	reference.DiffLines(t, "the same streams again", storeLines(t, store), once)
}

// A user who comes back keeps the quota that the stream, or an earlier one, has
// said, unless it says another.
func TestReturnKeepsQuota(t *testing.T) {
	first := []sims.Member{
		{Kind: sims.User, Name: "joe", Quota: 4 << 20, HasQuota: true},
		{Kind: sims.Message, Name: "joe/INBOX/1", Time: 900000000},
		{Kind: sims.Message, Name: "zoe/INBOX/1", Time: 900000000},
	}
	for name, tt := range map[string]struct {
		then []sims.Member
		want int64 // KB
	}{
		"a message alone":    {[]sims.Member{{Kind: sims.Message, Name: "joe/Mail/1", Time: 900000000}}, 4096},
		"a user who is bare": {[]sims.Member{{Kind: sims.User, Name: "joe"}, {Kind: sims.Message, Name: "joe/Mail/1", Time: 900000000}}, 4096},
		"another quota":      {[]sims.Member{{Kind: sims.User, Name: "joe", Quota: -1, HasQuota: true}}, -1},
	} {
		for form, streams := range map[string][][]byte{
			"one stream":  {streamOf(t, append(slices.Clone(first), tt.then...)...)},
			"two streams": {streamOf(t, first...), streamOf(t, tt.then...)},
		} {
			store := restored(t, Options{}, streams...)
			if q := quotaOf(t, store, "joe"); q.KB != tt.want {
				t.Errorf("%s, %s: %d KB, want %d", name, form, q.KB, tt.want)
			}
		}
	}
}

// quotaOf is the record of a user in quota.db.
func quotaOf(t *testing.T, store, id string) mboxlist.Quota {
	t.Helper()
	l, err := lists.Open(store, storeconv.Discard)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	value, ok, err := l.Get(mboxlist.QuotaDB, id)
	if !ok || err != nil {
		t.Fatalf("no quota of %s: %v", id, err)
	}
	q, err := mboxlist.ParseQuota(value)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// TestCopiesThatComeApart: copies of one content and date in a mailbox that
// says no UIDVALIDITY are as many as the stream has, although the user's visit
// ends between them; the same stream again adds none.
func TestCopiesThatComeApart(t *testing.T) {
	var b bytes.Buffer
	w, err := sims.NewWriter(&b, sims.Header{Date: 981538200}, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"joe/INBOX/1", "joe/Mail/1", "ann/INBOX/1", "joe/INBOX/2", "ann/INBOX/2", "joe/INBOX/3"} {
		if err := w.WriteMember(&sims.Member{Kind: sims.Message, Name: name, Size: 5, Time: 900000000}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte("same\n")); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for _, open := range []openBounds{{}, {1, 1}} {
		for _, boxes := range []int{0, 1} {
			opt := Options{open: open, boxesKept: boxes, Jobs: 1}
			store := filepath.Join(shmDir(t), "store")
			for n := range 2 {
				rep, _, err := restoreTo(t, store, opt, bytes.NewReader(b.Bytes()))
				if err != nil || n == 0 && rep.Messages != 6 || n == 1 && rep.Duplicates != 6 {
					t.Errorf("%v, time %d: %v, %+v", open, n, err, rep)
				}
			}
		}
	}
}

// TestCopiesInAMailboxPutAside: a mailbox that is put aside during the visit
// knows afterwards which of its messages the stream has named already.
func TestCopiesInAMailboxPutAside(t *testing.T) {
	first := oneDay(t, "joe/INBOX 7", "joe/INBOX/1 a")
	stream := oneDay(t, "joe/INBOX/1 a", "joe/Mail/1 b", "joe/INBOX/2 a", "joe/Mail/2 c", "joe/INBOX/3 a")
	store := restored(t, Options{}, first)
	again(t, store, Options{boxesKept: 1, Jobs: 1}, stream)
	checkBox(t, store, "joe", "INBOX", "user/joe exists=3 last=3 validity=7 []", "1 []  7-1 a", "2 []  864126000-2 a", "3 []  864126000-3 a")
}
