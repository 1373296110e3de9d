package maildirs_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"imsconv/storeconv/export"
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
