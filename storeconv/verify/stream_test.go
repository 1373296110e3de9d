package verify_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"imsconv/storeconv"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/restore"
	"imsconv/storeconv/sims"
	"imsconv/storeconv/verify"
)

// made is one message of a stream written by hand.
type made struct {
	name, body, flags, link string
	date                    int64
}

// makeStream writes a stream with the UIDVALIDITY for all its mailboxes.
func makeStream(t testing.TB, validity uint32, messages ...made) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := sims.NewWriter(&out, sims.Header{Product: "SIMS 4.0", Date: 981538200}, 0)
	if err != nil {
		t.Fatal(err)
	}
	announced := make(map[string]bool)
	for _, m := range messages {
		box := m.name[:strings.LastIndexByte(m.name, '/')]
		if !announced[box] {
			announced[box] = true
			head := &sims.Member{Kind: sims.Mailbox, Name: box, UIDValidity: validity, Subscribed: -1}
			if err := w.WriteMember(head); err != nil {
				t.Fatal(err)
			}
		}
		member := &sims.Member{Kind: sims.Message, Name: m.name, Size: int64(len(m.body)), Time: m.date, Flags: m.flags}
		if m.link != "" {
			member.Kind, member.Link, member.Size = sims.Link, m.link, 0
		}
		if err := w.WriteMember(member); err != nil {
			t.Fatal(err)
		}
		if m.link == "" && m.body != "" {
			if _, err := w.Write([]byte(m.body)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func restoreStream(t testing.TB, store string, opt restore.Options, streams ...[]byte) {
	t.Helper()
	var in []*restore.Stream
	for i, data := range streams {
		s, err := restore.NewStream(fmt.Sprintf("stream%d", i), bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		in = append(in, s)
	}
	log := new(recorder)
	opt.Log = log
	if _, err := restore.Restore(context.Background(), store, in, opt); err != nil {
		t.Fatal(err)
	}
	if len(log.problems) > 0 {
		t.Fatalf("restore: %q", log.problems)
	}
}

func verifyStreams(t testing.TB, store string, opts verify.StoreOptions, streams ...[]byte) *recorder {
	t.Helper()
	log := new(recorder)
	opts.Log = log
	for i, data := range streams {
		opts.Streams = append(opts.Streams, verify.Stream{Name: fmt.Sprintf("stream%d", i), R: bytes.NewReader(data)})
	}
	if _, err := verify.Store(context.Background(), store, opts); err != nil {
		t.Fatal(err)
	}
	return log
}

func mail(n int) string { return fmt.Sprintf("Subject: %d\r\n\r\nbody %d\r\n", n, n) }

// TestIncremental: a full backup, then an incremental one with other flags.
func TestIncremental(t *testing.T) {
	full := makeStream(t, 7, made{name: "joe/INBOX/1", body: mail(1), date: 900000000}, made{name: "joe/INBOX/2", body: mail(2), date: 900000001, flags: `\Seen`})
	inc := makeStream(t, 7, made{name: "joe/INBOX/2", body: mail(2), date: 900000001, flags: `\Seen \Deleted`}, made{name: "joe/INBOX/3", body: mail(3), date: 900000002})
	store := filepath.Join(t.TempDir(), "store")
	restoreStream(t, store, restore.Options{}, full, inc)
	if log := verifyStreams(t, store, verify.StoreOptions{}, full, inc); len(log.problems) > 0 {
		t.Errorf("%q", log.problems)
	}
	if log := verifyStreams(t, store, verify.StoreOptions{}, full); len(log.problems) != 1 || !strings.HasPrefix(log.problems[0], "flags ") {
		t.Errorf("the full backup alone: %q", log.problems)
	}
	other := makeStream(t, 7, made{name: "joe/INBOX/9", body: mail(9), date: 900000000})
	if log := verifyStreams(t, store, verify.StoreOptions{}, full, other); len(log.problems) != 2 {
		t.Errorf("flags that no later stream explains, and a message that is missing: %q", log.problems)
	}
}

// TestAheadOfTheStream: a stream that is older than what the store has had says
// less than the store does, which is no fault of it.
func TestAheadOfTheStream(t *testing.T) {
	stream := func(date int64, next uint32, members ...sims.Member) []byte {
		var out bytes.Buffer
		w, err := sims.NewWriter(&out, sims.Header{Date: date}, 0)
		must(t, err)
		must(t, w.WriteMember(&sims.Member{Kind: sims.Mailbox, Name: "joe/INBOX", UIDValidity: 7, UIDNext: next, Subscribed: -1}))
		for i := range members {
			m := &members[i]
			body := mail(i)
			m.Kind, m.Time, m.Size = sims.Message, 900000000+int64(i), int64(len(body))
			must(t, w.WriteMember(m))
			_, err := w.Write([]byte(body))
			must(t, err)
		}
		must(t, w.Close())
		return out.Bytes()
	}
	one, two := sims.Member{Name: "joe/INBOX/1"}, sims.Member{Name: "joe/INBOX/3"}
	old, late := stream(957700000, 9, one), stream(958000000, 10, one, two)
	store := filepath.Join(t.TempDir(), "store")
	restoreStream(t, store, restore.Options{}, old)
	restoreStream(t, store, restore.Options{}, late)
	restoreStream(t, store, restore.Options{}, old)
	for _, row := range []struct {
		streams  [][]byte
		warnings int
	}{{[][]byte{old}, 2}, {[][]byte{late}, 0}, {[][]byte{old, late}, 0}, {[][]byte{late, old}, 0}} {
		log := verifyStreams(t, store, verify.StoreOptions{}, row.streams...)
		if len(log.problems) > 0 || len(log.warnings) != row.warnings {
			t.Errorf("%q, %q", log.problems, log.warnings)
		}
	}
}

// TestFlagsStay: a plain tar says nothing of flags of messages that are there,
// nor of the last access; a stream before or behind it does.
func TestFlagsStay(t *testing.T) {
	full := makeStream(t, 7, made{name: "joe/INBOX/1", body: mail(1), date: 900000000, flags: `\Seen`})
	other := makeStream(t, 7, made{name: "joe/INBOX/1", body: mail(1), date: 900000000, flags: `\Draft`})
	plain := plainTar(t, "joe/INBOX/1", mail(1), 900000000)
	store := filepath.Join(t.TempDir(), "store")
	restoreStream(t, store, restore.Options{}, full, plain)
	for _, row := range []struct {
		streams            [][]byte
		problems, warnings int
	}{
		{[][]byte{full}, 0, 0}, {[][]byte{plain}, 0, 2}, {[][]byte{full, plain}, 0, 1}, {[][]byte{plain, full}, 0, 0},
		{[][]byte{other, plain}, 1, 0}, {[][]byte{plain, other}, 1, 0},
	} {
		log := verifyStreams(t, store, verify.StoreOptions{}, row.streams...)
		if len(log.problems) != row.problems || len(log.warnings) != row.warnings {
			t.Errorf("%q, %q", log.problems, log.warnings)
		}
		for _, line := range append(log.problems, log.warnings...) {
			if !strings.HasPrefix(line, "flags ") && !strings.HasPrefix(line, "last-access ") {
				t.Errorf("%s", line)
			}
		}
	}
}

// plainTar is an archive of one message that no backup program made.
func plainTar(t testing.TB, name, body string, date int64) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	err := w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Size: int64(len(body)), Mode: 0o600, ModTime: time.Unix(date, 0)})
	if err == nil {
		_, err = io.WriteString(w, body)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestAppended: the mailbox had messages of its own before the stream came.
func TestAppended(t *testing.T) {
	before := makeStream(t, 5, made{name: "joe/INBOX/1", body: mail(101), date: 900000000}, made{name: "joe/INBOX/2", body: mail(102), date: 900000000})
	after := makeStream(t, 7,
		made{name: "joe/INBOX/1", body: mail(1), date: 900000001},
		made{name: "joe/INBOX/2", link: "joe/INBOX/1", date: 900000002, flags: `\Seen`},
		made{name: "joe/Mail/4", link: "joe/INBOX/1", date: 900000003},
		made{name: "zoe/INBOX/1", link: "joe/INBOX/1", date: 900000004})
	store := filepath.Join(t.TempDir(), "store")
	restoreStream(t, store, restore.Options{}, before)
	restoreStream(t, store, restore.Options{}, after)
	log := verifyStreams(t, store, verify.StoreOptions{}, after)
	if len(log.problems) != 0 || len(log.warnings) != 1 || !strings.HasPrefix(log.warnings[0], "uidvalidity ") {
		t.Errorf("problems %q, warnings %q", log.problems, log.warnings)
	}
	if log := verifyStreams(t, store, verify.StoreOptions{}, before); len(log.problems) != 0 {
		t.Errorf("what was there before: %q", log.problems)
	}
}

// TestRenamed: users get other names, only some are restored.
func TestRenamed(t *testing.T) {
	stream := makeStream(t, 7,
		made{name: "joe/INBOX/1", body: mail(1), date: 900000001},
		made{name: "zoe/INBOX/1", link: "joe/INBOX/1", date: 900000002},
		made{name: "bob@siroe.com/inbox/1", body: mail(2), date: 900000003},
		made{name: "amy/Mail/1", body: mail(3), date: 900000003})
	sel := map[string]bool{"joe": true, "zoe": true, "bob@siroe.com": true}
	ids := map[string]string{"joe": "joseph"}
	store := filepath.Join(t.TempDir(), "store")
	restoreStream(t, store, restore.Options{Selection: storeconv.Selection{Users: sel, Map: ids, Domain: "siroe.com"}}, stream)
	if log := verifyStreams(t, store, verify.StoreOptions{Selection: storeconv.Selection{Users: sel, Map: ids, Domain: "siroe.com"}}, stream); len(log.problems)+len(log.warnings) > 0 {
		t.Errorf("%q %q", log.problems, log.warnings)
	}
	if log := verifyStreams(t, store, verify.StoreOptions{}, stream); len(log.problems) == 0 {
		t.Error("the users that are not there are not missed")
	}
}

// TestLongHeader: a header beyond what the index measures.
func TestLongHeader(t *testing.T) {
	long := "X: " + strings.Repeat("long\r\n ", 60000) + "\r\n\r\nbody\r\n"
	stream := makeStream(t, 7, made{name: "joe/INBOX/1", body: long, date: 900000001}, made{name: "joe/INBOX/2", body: strings.Repeat("x", 300<<10), date: 900000001})
	store := filepath.Join(t.TempDir(), "store")
	restoreStream(t, store, restore.Options{}, stream)
	if log := verifyStreams(t, store, verify.StoreOptions{}, stream); len(log.problems) > 0 {
		t.Errorf("%q", log.problems)
	}
}

// FuzzIndex holds any bytes as an index against a mailbox: whatever they are,
// Store ends without an error.
func FuzzIndex(f *testing.F) {
	body := []byte(mail(1))
	x := ims.Index{Header: ims.Header{Name: "user/joe", UIDValidity: 7, ACL: "joe\tlr", Partition: "primary", Userflags: []string{"Junk"}}}
	x.Messages = []ims.Record{{UID: 1, InternalDate: 900000000, SentDate: ims.NoTime, Size: int64(len(body)), HSize: 14, OrigValidity: 7, OrigUID: 1, SHA256: sha256.Sum256(body)}}
	x.Count()
	var text bytes.Buffer
	if err := x.WriteIndex(&text); err != nil {
		f.Fatal(err)
	}
	f.Add(text.Bytes())
	for _, cut := range []int{0, 1, 20, text.Len() / 2, text.Len() - 1} {
		f.Add(text.Bytes()[:cut])
	}
	f.Add(bytes.Replace(text.Bytes(), []byte("Exists: 1"), []byte("Exists: 9223372036854775807"), 1))
	store := f.TempDir()
	dir := filepath.Join(store, ims.UserDir("primary", "joe"))
	if err := os.MkdirAll(filepath.Join(dir, "00"), 0o700); err != nil {
		f.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "00", "1.msg"), body, 0o600); err != nil {
		f.Fatal(err)
	}
	stream := makeStream(f, 7, made{name: "joe/INBOX/1", body: string(body), date: 900000000}, made{name: "joe/INBOX/2", link: "joe/INBOX/1"})
	f.Fuzz(func(t *testing.T, index []byte) {
		if err := os.WriteFile(filepath.Join(dir, ims.IndexName), index, 0o600); err != nil {
			t.Fatal(err)
		}
		verifyStreams(t, store, verify.StoreOptions{}, stream)
	})
}

// TestPartitions: a user whose mail lies in two partitions is one user.
func TestPartitions(t *testing.T) {
	one := makeStream(t, 7, made{name: "joe/INBOX/1", body: mail(1), date: 900000001}, made{name: "zoe/INBOX/1", body: mail(2), date: 900000001})
	two := makeStream(t, 7, made{name: "joe/Mail/1", body: mail(3), date: 900000002}, made{name: "amy/INBOX/1", body: mail(4), date: 900000002})
	store := filepath.Join(t.TempDir(), "store")
	restoreStream(t, store, restore.Options{}, one)
	restoreStream(t, store, restore.Options{Partition: "second"}, two)
	for _, stream := range [][]byte{one, two} {
		if log := verifyStreams(t, store, verify.StoreOptions{}, stream); len(log.problems) > 0 {
			t.Errorf("%q", log.problems)
		}
	}
}

// TestKeywordOrder: keywords that a later pass announces in another order, as a
// Maildir does whose letters were given anew, are those that are there. One
// that is missing is a problem.
func TestKeywordOrder(t *testing.T) {
	stream := func(announced string) []byte {
		var out bytes.Buffer
		w, err := sims.NewWriter(&out, sims.Header{Date: 981538200}, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range []*sims.Member{
			{Kind: sims.Mailbox, Name: "joe/INBOX", UIDValidity: 7, Subscribed: -1, Keywords: announced},
			{Kind: sims.Message, Name: "joe/INBOX/1", Time: 900000000, Flags: "two"},
		} {
			if err := w.WriteMember(m); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	store := filepath.Join(t.TempDir(), "store")
	restoreStream(t, store, restore.Options{}, stream("one two"))
	restoreStream(t, store, restore.Options{}, stream("two one"))
	for announced, want := range map[string][2]int{"one two": {}, "one": {}, "two one": {0, 1}, "two": {0, 1}, "one two three": {1, 0}, "three": {1, 0}} {
		log := verifyStreams(t, store, verify.StoreOptions{}, stream(announced))
		if got := [2]int{len(log.problems), len(log.warnings)}; got != want {
			t.Errorf("%s: problems %q, warnings %q", announced, log.problems, log.warnings)
		}
	}
}

// TestCopiesCounted: of a user's links to a first copy that another run has
// made, one is a copy and the others are links to that, as restore counts them.
func TestCopiesCounted(t *testing.T) {
	stream := makeStream(t, 7, made{name: "bob/INBOX/1", body: mail(1), date: 900000001},
		made{name: "joe/INBOX/1", link: "bob/INBOX/1", date: 900000001}, made{name: "joe/Mail/1", link: "bob/INBOX/1", date: 900000001}, made{name: "joe/Mail/2", link: "bob/INBOX/1", date: 900000001})
	store, apart := filepath.Join(t.TempDir(), "store"), filepath.Join(t.TempDir(), "apart")
	sees := func(store, user string) restore.Report {
		in, err := restore.NewStream("stream", bytes.NewReader(stream))
		if err != nil {
			t.Fatal(err)
		}
		report, err := restore.Restore(context.Background(), store, []*restore.Stream{in}, restore.Options{Selection: storeconv.Selection{Users: map[string]bool{user: true}}})
		if err != nil {
			t.Fatal(err)
		}
		return report
	}
	sees(store, "bob")
	joe := sees(apart, "joe") // as a run at the same time, which does not see bob's
	from, err := filepath.Glob(filepath.Join(apart, "partition/primary/=user/*/*/=joe"))
	if err != nil || len(from) != 1 {
		t.Fatal(from, err)
	}
	to := filepath.Join(store, strings.TrimPrefix(from[0], apart))
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(from[0], to); err != nil {
		t.Fatal(err)
	}
	log := new(recorder)
	report, err := verify.Store(context.Background(), store, verify.StoreOptions{Log: log, Streams: []verify.Stream{{Name: "stream", R: bytes.NewReader(stream)}}})
	if err != nil {
		t.Fatal(err)
	}
	copies := slices.DeleteFunc(log.warnings, func(line string) bool { return !strings.HasPrefix(line, "copied-link ") })
	if report.Copies != 1 || report.Links != 2 || len(copies) != 1 || joe.Links != 2 {
		t.Errorf("copies %d, links %d (restored %d), %q", report.Copies, report.Links, joe.Links, copies)
	}
}
