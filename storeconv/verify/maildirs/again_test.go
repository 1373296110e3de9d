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
