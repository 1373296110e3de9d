package export

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"imsconv/storeconv/sims"
)

// A link of a stream that brings data along which is not its first copy's is
// told, also by a dry run, and whatever becomes of line ends.
func TestLinkWithOtherData(t *testing.T) {
	var text bytes.Buffer
	w, err := sims.NewWriter(&text, sims.Header{Date: 981538200}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.WriteMember(&sims.Member{Kind: sims.Mailbox, Name: "anna/INBOX", UIDValidity: 7}); err != nil {
		t.Fatal(err)
	}
	for i, body := range []string{"first\n", "first\n", "other\n"} {
		if err := w.WriteMember(&sims.Member{Kind: sims.Message, Name: fmt.Sprintf("anna/INBOX/%d", i+1), Time: 9e8, Size: int64(len(body))}); err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, body)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	tape := text.Bytes()
	for at := 0; at+512 <= len(tape); at += 512 {
		b := tape[at : at+512]
		if name := string(b[:12]); string(b[257:262]) != "ustar" || name != "anna/INBOX/2" && name != "anna/INBOX/3" {
			continue
		}
		b[156] = '1'
		copy(b[157:257], "anna/INBOX/1")
		copy(b[148:156], "        ")
		sum := 0
		for _, c := range b {
			sum += int(c)
		}
		copy(b[148:156], fmt.Sprintf("%06o\x00 ", sum))
	}
	for _, opt := range []Options{{To: Maildir}, {To: Mbox}, {To: Maildir, Newline: CRLF}, {To: Maildir, DryRun: true}} {
		src, err := FromStream("stream", bytes.NewReader(tape))
		if err != nil {
			t.Fatal(err)
		}
		_, log := exportTo(t, t.TempDir(), src, opt)
		ok := func(p string) bool {
			return strings.HasPrefix(p, "link-data ") && strings.Contains(p, "anna/INBOX/3: ")
		}
		if len(log.Problems) != 1 || !slices.ContainsFunc(log.Problems, ok) {
			t.Errorf("%+v: %q", opt, log.Problems)
		}
	}
}
