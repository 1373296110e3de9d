package maildirs_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"imsconv/storeconv/export"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/restore"
	"imsconv/storeconv/sims"
	"imsconv/storeconv/verify"
	"imsconv/storeconv/verify/maildirs"
)

// aclStream is a stream of joe's INBOX with rights.
func aclStream(t testing.TB, acl string) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := sims.NewWriter(&out, sims.Header{}, 0)
	must(t, err)
	must(t, w.WriteMember(&sims.Member{Kind: sims.User, Name: "joe"}))
	must(t, w.WriteMember(&sims.Member{Kind: sims.Mailbox, Name: "joe/INBOX", UIDValidity: 7, UIDNext: 1, ACL: acl}))
	must(t, w.Close())
	return out.Bytes()
}

// TestRightsOfOddIdentifiers: an export writes identifiers that hold blanks and
// quotes in quotes; they are found as they are, and any other is a difference.
func TestRightsOfOddIdentifiers(t *testing.T) {
	for _, id := range []string{"john smith", `o'brien`, `a"b\c`, "#1", "tab-less  two", "authenticated", "-john smith", "group=all of us", "group="} {
		stream := aclStream(t, "joe\tlrswipcda\n"+id+"\tlr")
		out := filepath.Join(scratch(t), "out")
		src, err := export.FromStream("joe.sims", bytes.NewReader(stream))
		must(t, err)
		_, err = export.Export(context.Background(), out, src, export.Options{})
		must(t, err)
		told := func() []string {
			log := new(recorder)
			_, err := maildirs.Verify(context.Background(), out, maildirs.Options{Log: log, Streams: []verify.Stream{{Name: "joe.sims", R: bytes.NewReader(stream)}}})
			must(t, err)
			return log.lines
		}
		if lines := told(); len(lines) > 0 {
			t.Errorf("%s: %q", id, lines)
		}
		acl := filepath.Join(out, "joe", "Maildir", "dovecot-acl")
		text, err := os.ReadFile(acl)
		must(t, err)
		for _, spoil := range []func(string) string{
			func(s string) string { return strings.TrimSuffix(s, "lr\n") + "l\n" },
			func(s string) string { return s[:strings.IndexByte(s, '\n')+1] },
			func(s string) string { return strings.Replace(s, " lr\n", " lr\nuser=eve lr\n", 1) },
		} {
			must(t, os.WriteFile(acl, []byte(spoil(string(text))), 0o600))
			if lines := told(); len(lines) != 1 || !strings.HasPrefix(lines[0], "acl ") {
				t.Errorf("%s: other rights: %q", id, lines)
			}
		}
	}
}

// TestLateDates: the time of a file after 2038 is compared as any other, but
// for what a file system makes of one that it cannot keep.
func TestLateDates(t *testing.T) {
	const late = 4_200_000_001 // 2103
	var stream bytes.Buffer
	w, err := sims.NewWriter(&stream, sims.Header{}, 0)
	must(t, err)
	must(t, w.WriteMember(&sims.Member{Kind: sims.Mailbox, Name: "joe/INBOX", UIDValidity: 7, UIDNext: 2}))
	must(t, w.WriteMember(&sims.Member{Kind: sims.Message, Name: "joe/INBOX/1", Time: late, Size: 1}))
	_, err = w.Write([]byte("a"))
	must(t, err)
	must(t, w.Close())
	out := filepath.Join(scratch(t), "out")
	src, err := export.FromStream("joe.sims", bytes.NewReader(stream.Bytes()))
	must(t, err)
	_, err = export.Export(context.Background(), out, src, export.Options{})
	must(t, err)
	files, err := filepath.Glob(filepath.Join(out, "joe", "Maildir", "cur", "*"))
	must(t, err)
	for date, want := range map[int64]string{late: "0 []", late + 1: "1 [date]", 5_000_000_000: "1 [date]", 1<<31 - 1: "0 [date]", 900000000: "1 [date]"} {
		must(t, os.Chtimes(files[0], time.Time{}, time.Unix(date, 0)))
		if info, err := os.Stat(files[0]); err != nil || info.ModTime().Unix() != date {
			t.Skipf("the file system makes %v of %d", info.ModTime(), date)
		}
		log := new(recorder)
		_, err := maildirs.Verify(context.Background(), out, maildirs.Options{Log: log, Streams: []verify.Stream{{Name: "joe.sims", R: bytes.NewReader(stream.Bytes())}}})
		must(t, err)
		var kinds []string
		for _, line := range log.lines {
			kind, _, _ := strings.Cut(line, " ")
			kinds = append(kinds, kind)
		}
		if got := fmt.Sprint(log.lost, kinds); got != want {
			t.Errorf("%d: %s, want %s: %q", date, got, want, log.lines)
		}
	}
}

// TestUserWithoutINBOX: the INBOX that an export makes for a user of a store
// who has none is no mailbox with an index in a foreign form; one that has mail
// and no index of ours is.
func TestUserWithoutINBOX(t *testing.T) {
	var stream bytes.Buffer
	w, err := sims.NewWriter(&stream, sims.Header{}, 0)
	must(t, err)
	must(t, w.WriteMember(&sims.Member{Kind: sims.Mailbox, Name: "joe/Sent", UIDValidity: 7, UIDNext: 2}))
	must(t, w.WriteMember(&sims.Member{Kind: sims.Message, Name: "joe/Sent/1", Time: 961579934, Size: 1}))
	_, err = w.Write([]byte("a"))
	must(t, err)
	must(t, w.Close())
	dir := scratch(t)
	store, out := filepath.Join(dir, "store"), filepath.Join(dir, "out")
	in, err := restore.NewStream("joe.sims", bytes.NewReader(stream.Bytes()))
	must(t, err)
	_, err = restore.Restore(context.Background(), store, []*restore.Stream{in}, restore.Options{})
	must(t, err)
	_, err = export.Export(context.Background(), out, export.FromStore(store), export.Options{})
	must(t, err)
	for _, foreign := range []int64{0, 1} {
		log := new(recorder)
		rep, err := maildirs.Verify(context.Background(), out, maildirs.Options{Log: log, Store: store})
		must(t, err)
		if rep.Foreign != foreign || rep.Messages != 1 || foreign == 0 && len(log.lines) > 0 {
			t.Errorf("%d foreign, want %d, %d messages: %q", rep.Foreign, foreign, rep.Messages, log.lines)
		}
		must(t, os.WriteFile(filepath.Join(store, ims.MailboxDir("primary", "joe", "Sent"), "store.idx"), []byte{0, 1, 2}, 0o600))
	}
}
