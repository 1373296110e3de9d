package maildirs_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"imsconv/storeconv/export"
	"imsconv/storeconv/sims"
	"imsconv/storeconv/verify"
	"imsconv/storeconv/verify/maildirs"
)

// streamOf is a stream of the mailbox Old of joe, with that many messages.
func streamOf(t testing.TB, messages int) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := sims.NewWriter(&out, sims.Header{}, 0)
	must(t, err)
	must(t, w.WriteMember(&sims.Member{Kind: sims.User, Name: "joe"}))
	must(t, w.WriteMember(&sims.Member{Kind: sims.Mailbox, Name: "joe/Old", UIDValidity: 8, UIDNext: 100}))
	for i := range messages {
		must(t, w.WriteMember(&sims.Member{Kind: sims.Message, Name: fmt.Sprintf("joe/Old/%d", i+3), Time: 961579934, Size: 1}))
		_, err := w.Write([]byte{byte('a' + i)})
		must(t, err)
	}
	must(t, w.Close())
	return out.Bytes()
}

// TestMadeAgain: a mailbox that was exported, got another name there, and was
// made again, has the GUID that it must have then, and no other.
func TestMadeAgain(t *testing.T) {
	out := filepath.Join(scratch(t), "out")
	old := filepath.Join(out, "joe", "Maildir", ".Old")
	for _, n := range []int{0, 2, 4} {
		src, err := export.FromStream("joe.sims", bytes.NewReader(streamOf(t, n)))
		must(t, err)
		_, err = export.Export(context.Background(), out, src, export.Options{})
		must(t, err)
		guid := func() string {
			log := new(recorder)
			_, err := maildirs.Verify(context.Background(), out, maildirs.Options{Log: log, Streams: []verify.Stream{{Name: "joe.sims", R: bytes.NewReader(streamOf(t, n))}}})
			must(t, err)
			for _, line := range log.lines {
				if strings.HasPrefix(line, "guid ") {
					return line
				}
			}
			return ""
		}
		if line := guid(); line != "" {
			t.Errorf("%d messages: %s", n, line)
		}
		edit(t, filepath.Join(old, "dovecot-uidlist"), sub(" G", " Gf"))
		if guid() == "" {
			t.Errorf("%d messages: a wrong GUID is overlooked", n)
		}
		must(t, os.Rename(old, fmt.Sprintf("%s.%d", old, n)))
	}
}

// madeStream is a stream of joe's INBOX whose UIDs, from made on, were given in
// the order of the bodies. The messages of one body are of one second.
func madeStream(t testing.TB, validity, made uint32, bodies string) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := sims.NewWriter(&out, sims.Header{}, 0)
	must(t, err)
	must(t, w.WriteMember(&sims.Member{Kind: sims.User, Name: "joe"}))
	must(t, w.WriteMember(&sims.Member{Kind: sims.Mailbox, Name: "joe/INBOX", UIDValidity: validity, UIDNext: uint32(len(bodies) + 1), MadeUIDs: made}))
	for i := range len(bodies) {
		m := &sims.Member{Kind: sims.Message, Name: fmt.Sprintf("joe/INBOX/%d", i+1), Time: 961579934, Size: 1}
		if bodies[i]&1 == 0 {
			m.Flags = `\Seen`
		}
		must(t, w.WriteMember(m))
		_, err := w.Write([]byte{bodies[i]})
		must(t, err)
	}
	must(t, w.Close())
	return out.Bytes()
}

// TestUIDsThatNameNothing: what a second pass makes of a source without UIDs is
// right, though its messages and its UIDVALIDITY have other numbers by then;
// everything else is compared as ever.
func TestUIDsThatNameNothing(t *testing.T) { uidsThatNameNothing(t) }

// TestCrowds: what is too much for memory is found all the same.
func TestCrowds(t *testing.T) {
	defer maildirs.KeepInMemory(0)()
	uidsThatNameNothing(t)
}

func uidsThatNameNothing(t *testing.T) {
	kinds := func(out string, stream []byte) string {
		log := new(recorder)
		report, err := maildirs.Verify(context.Background(), out, maildirs.Options{Log: log, Streams: []verify.Stream{{Name: "joe.sims", R: bytes.NewReader(stream)}}})
		must(t, err)
		var all []string
		for _, line := range log.lines {
			kind, _, _ := strings.Cut(line, " ")
			all = append(all, kind)
		}
		return fmt.Sprint(report.Messages, report.Faults, all)
	}
	for _, row := range []struct {
		made          uint32
		first, second string
		validity      uint32 // of the second
		want          string
	}{
		{1, "abcd", "abcd", 7, "4 0 []"},
		{1, "abcd", "abcde", 8, "5 0 [uidvalidity]"},
		{1, "abcd", "xabcd", 8, "5 0 [uidvalidity other-uid]"},
		{1, "abcd", "bcde", 8, "4 1 [uidvalidity extra-message other-uid]"},
		{1, "aabb", "abbc", 7, "4 1 [extra-message other-uid]"},
		{3, "abcd", "abdce", 7, "5 0 [other-uid]"},
		{0, "abcd", "abcde", 7, "5 0 []"},
	} {
		out := filepath.Join(scratch(t), "out")
		v := uint32(7)
		second := madeStream(t, row.validity, row.made, row.second)
		for _, stream := range [][]byte{madeStream(t, v, row.made, row.first), second} {
			src, err := export.FromStream("joe.sims", bytes.NewReader(stream))
			must(t, err)
			_, err = export.Export(context.Background(), out, src, export.Options{})
			must(t, err)
		}
		if got := kinds(out, second); got != row.want {
			t.Errorf("%s, %s, made %d: %s, want %s", row.first, row.second, row.made, got, row.want)
		}
		if row.second != "xabcd" {
			continue
		}
		cur := filepath.Join(out, "joe", "Maildir", "cur")
		names, err := os.ReadDir(cur)
		must(t, err)
		name := filepath.Join(cur, names[0].Name())
		must(t, os.Rename(name, name+"T"))
		if got := kinds(out, second); got != "5 1 [uidvalidity flags other-uid]" {
			t.Errorf("other flags: %s", got)
		}
		must(t, os.Rename(name+"T", name))
		edit(t, name, func(string) string { return "z" })
		if got := kinds(out, second); !strings.Contains(got, "missing-message") || !strings.Contains(got, "extra-message") {
			t.Errorf("other bytes: %s", got)
		}
	}
}
