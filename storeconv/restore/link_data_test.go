package restore

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"imsconv/storeconv/sims"
	"imsconv/storeconv/verify"
)

// linkWithData makes the message of a member name in a tape a link to another
// one, which keeps its body.
func linkWithData(t *testing.T, tape []byte, name, first string) {
	t.Helper()
	for at := 0; at+512 <= len(tape); at += 512 {
		b := tape[at : at+512]
		if string(b[257:262]) != "ustar" || string(b[:len(name)+1]) != name+"\x00" {
			continue
		}
		b[156] = '1'
		copy(b[157:257], first)
		copy(b[148:156], "        ")
		sum := 0
		for _, c := range b {
			sum += int(c)
		}
		copy(b[148:156], fmt.Sprintf("%06o\x00 ", sum))
		return
	}
	t.Fatalf("no member %s", name)
}

// A link that brings data along which is not its first copy's is told, by the
// run, its dry run and by verify, wherever the first copy is.
func TestLinkWithOtherData(t *testing.T) {
	var b bytes.Buffer
	w, err := sims.NewWriter(&b, sims.Header{Date: 981538200}, 0)
	if err != nil {
		t.Fatal(err)
	}
	put := func(m *sims.Member, body string) {
		m.Size = int64(len(body))
		if err := w.WriteMember(m); err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, body)
	}
	long := strings.Repeat("0123456789abcde\n", sims.MaxInline/16+1)
	put(&sims.Member{Kind: sims.Mailbox, Name: "anna/INBOX", UIDValidity: 7}, "")
	put(&sims.Member{Kind: sims.Message, Name: "anna/INBOX/1", Time: 9e8}, "first\n")
	put(&sims.Member{Kind: sims.Message, Name: "anna/INBOX/2", Time: 9e8}, "first\n")
	put(&sims.Member{Kind: sims.Message, Name: "anna/INBOX/3", Time: 9e8}, "other\n")
	put(&sims.Member{Kind: sims.Message, Name: "anna/INBOX/4", Time: 9e8}, long)
	put(&sims.Member{Kind: sims.Message, Name: "anna/INBOX/5", Time: 9e8}, "before\n")
	put(&sims.Member{Kind: sims.Message, Name: "anna/INBOX/6", Time: 9e8}, "later\n")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	tape := b.Bytes()
	want := []string{"anna/INBOX/3", "anna/INBOX/4", "anna/INBOX/5"}
	linkWithData(t, tape, "anna/INBOX/2", "anna/INBOX/1")
	linkWithData(t, tape, "anna/INBOX/3", "anna/INBOX/1")
	linkWithData(t, tape, "anna/INBOX/4", "anna/INBOX/1")
	linkWithData(t, tape, "anna/INBOX/5", "anna/INBOX/6") // put off until that has come
	for _, crlf := range []bool{false, true} {
		store := filepath.Join(shmDir(t), "store")
		for _, dry := range []bool{true, false} {
			rep, log, err := restoreTo(t, store, Options{DryRun: dry, CRLF: crlf}, bytes.NewReader(tape))
			if err != nil || rep.Messages != 6 || rep.Links != 4 {
				t.Fatalf("%v, %+v", err, rep)
			}
			if got := namesOf(log.lines, "link-data"); !slices.Equal(got, want) || len(log.lines) != len(want) {
				t.Errorf("dry run %t: %q", dry, log.lines)
			}
		}
		log := checkStreams(t, store, verify.StoreOptions{CRLF: crlf}, tape)
		if got := namesOf(log.Problems, "link-data"); !slices.Equal(got, want) || len(log.Problems) != len(want) {
			t.Errorf("verify: %q", log.Problems)
		}
	}
}

// namesOf are the names of members in the lines of a kind, sorted.
func namesOf(lines []string, kind string) (names []string) {
	for _, l := range lines {
		if i := strings.Index(l, "anna/INBOX/"); i >= 0 && strings.Contains(l, kind) {
			names = append(names, l[i:i+len("anna/INBOX/1")])
		}
	}
	slices.Sort(names)
	return names
}
