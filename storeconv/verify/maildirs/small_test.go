package maildirs_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"imsconv/storeconv"
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

// boxesStream is a stream of mailboxes of two messages each.
func boxesStream(t testing.TB, names ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := sims.NewWriter(&out, sims.Header{}, 0)
	must(t, err)
	for i, name := range names {
		must(t, w.WriteMember(&sims.Member{Kind: sims.Mailbox, Name: name, UIDValidity: uint32(7 + i), UIDNext: 4}))
		for uid := 2; uid < 4; uid++ {
			must(t, w.WriteMember(&sims.Member{Kind: sims.Message, Name: fmt.Sprintf("%s/%d", name, uid), Time: 961579934 + int64(uid), Size: 2, Flags: `\Seen`}))
			_, err := w.Write([]byte{byte('a' + i), byte('0' + uid)})
			must(t, err)
		}
	}
	must(t, w.Close())
	return out.Bytes()
}

// TestTwoOfOnePlace: of two users of a source who have one place, the export
// has the mail of one. The other is told, and is not compared with it.
func TestTwoOfOnePlace(t *testing.T) {
	stream := boxesStream(t, "ann/INBOX", "bob/INBOX", "bob/Sent", "cid/INBOX")
	store := filepath.Join(scratch(t), "store")
	in, err := restore.NewStream("site.sims", bytes.NewReader(stream))
	must(t, err)
	_, err = restore.Restore(context.Background(), store, []*restore.Stream{in}, restore.Options{})
	must(t, err)
	joined := storeconv.Selection{Map: map[string]string{"ann": "x", "bob": "x"}}
	onlyBob := joined
	onlyBob.Users = map[string]bool{"bob": true}
	for _, of := range []string{"store", "stream"} {
		for _, first := range []*storeconv.Selection{nil, &onlyBob} { // whose mail is there by an earlier run
			out := filepath.Join(scratch(t), "out")
			exported := func(sel storeconv.Selection) (told []string) {
				src := export.FromStore(store)
				if of == "stream" {
					var err error
					src, err = export.FromStream("site.sims", bytes.NewReader(stream))
					must(t, err)
				}
				log := new(recorder)
				_, err := export.Export(context.Background(), out, src, export.Options{Selection: sel, Log: log})
				must(t, err)
				return log.lines
			}
			refused := "bob"
			if first != nil {
				exported(*first)
				refused = "ann"
			}
			if told := exported(joined); len(told) != 1 || !strings.HasPrefix(told[0], "no-place user "+refused+": ") {
				t.Fatalf("%s: the export tells %q", of, told)
			}
			for _, sel := range []storeconv.Selection{joined, {Map: joined.Map, Shard: storeconv.Shard{Index: 0, Count: 2}}, {Map: joined.Map, Shard: storeconv.Shard{Index: 1, Count: 2}}} {
				log := new(recorder)
				opt := maildirs.Options{Log: log, Selection: sel}
				if of == "store" {
					opt.Store = store
				} else {
					opt.Streams = []verify.Stream{{Name: "site.sims", R: bytes.NewReader(stream)}}
				}
				_, err := maildirs.Verify(context.Background(), out, opt)
				must(t, err)
				var want []string
				if sel.Shard.Count == 0 || sel.Shard.Has(refused) {
					want = []string{"no-place user " + refused}
				}
				var got []string
				for _, line := range log.lines {
					got = append(got, line[:strings.IndexByte(line, ':')])
				}
				if !slices.Equal(got, want) {
					t.Errorf("%s, %s refused, shard %v: %q", of, refused, sel.Shard, log.lines)
				}
			}
		}
	}
}

// TestDamagedIndexOfStore: what the index of an exported store has lost is
// compared with what its files tell, as it was exported, and that is told once.
func TestDamagedIndexOfStore(t *testing.T) {
	dir := scratch(t)
	store, out := filepath.Join(dir, "store"), filepath.Join(dir, "out")
	in, err := restore.NewStream("site.sims", bytes.NewReader(boxesStream(t, "ann/INBOX", "ann/Sent")))
	must(t, err)
	_, err = restore.Restore(context.Background(), store, []*restore.Stream{in}, restore.Options{})
	must(t, err)
	edit(t, filepath.Join(store, ims.UserDir("primary", "ann"), "store.idx"), sub("\n2\t", "\nx\t"))
	_, err = export.Export(context.Background(), out, export.FromStore(store), export.Options{})
	must(t, err)
	verified := func() []string {
		log := new(recorder)
		rep, err := maildirs.Verify(context.Background(), out, maildirs.Options{Log: log, Store: store})
		must(t, err)
		if rep.Messages != 4 {
			t.Errorf("%+v", rep)
		}
		return log.lines
	}
	if lines := verified(); len(lines) != 1 || !strings.HasPrefix(lines[0], "bad-index partition/") {
		t.Errorf("told %q", lines)
	}
	// The line behind the bad one counts, and so does the file.
	cur := filepath.Join(out, "ann", "Maildir", "cur")
	names, err := os.ReadDir(cur)
	must(t, err)
	for _, e := range names {
		name, flags, _ := strings.Cut(e.Name(), ":2,")
		must(t, os.Rename(filepath.Join(cur, e.Name()), filepath.Join(cur, name+":2,"+map[string]string{"": "F", "S": ""}[flags])))
	}
	if lines := verified(); len(lines) != 3 || !strings.HasPrefix(lines[0], "flags ") || !strings.HasPrefix(lines[1], "flags ") {
		t.Errorf("other flags: told %q", lines)
	}
}
