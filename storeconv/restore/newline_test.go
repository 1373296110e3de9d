package restore

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"imsconv/storeconv"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/sims"
	"imsconv/storeconv/testsite/reference"
	"imsconv/storeconv/verify"
)

// bareLines is a stream of messages with line ends of both kinds, long ones
// too, and links, one of them to a user of its own.
func bareLines(t testing.TB) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := sims.NewWriter(&out, sims.Header{Date: may20}, 0)
	if err != nil {
		t.Fatal(err)
	}
	put := func(m sims.Member, body string) {
		m.Size, m.Time, m.Subscribed = int64(len(body)), may20, -1
		if err := w.WriteMember(&m); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	long := strings.Repeat("a line\nanother\r\n", sims.MaxInline/8)
	for i, user := range []string{"ann", "joe"} {
		put(sims.Member{Kind: sims.Mailbox, Name: user + "/INBOX", UIDValidity: uint32(i + 7)}, "")
		put(sims.Member{Kind: sims.Message, Name: user + "/INBOX/1"}, "Subject: one\n\n"+user+"\r\n")
		put(sims.Member{Kind: sims.Message, Name: user + "/INBOX/2"}, "Subject: two\r\n\r\n"+user+"\r\n")
		put(sims.Member{Kind: sims.Message, Name: user + "/INBOX/3"}, "Subject: long\n\n"+user+long)
	}
	put(sims.Member{Kind: sims.Link, Name: "joe/INBOX/4", Link: "joe/INBOX/1"}, "")
	put(sims.Member{Kind: sims.Link, Name: "joe/INBOX/5", Link: "ann/INBOX/1"}, "")
	put(sims.Member{Kind: sims.Link, Name: "joe/INBOX/6", Link: "ann/INBOX/3"}, "")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestOtherLineEnds: messages that a run has stored with other line ends than
// this one would are there, whatever is known of them.
func TestOtherLineEnds(t *testing.T) {
	b := bareLines(t)
	for _, noIndex := range []bool{false, true} {
		for _, first := range []bool{false, true} {
			for _, users := range []map[string]bool{nil, {"joe": true}} {
				name := fmt.Sprintf("CR LF %v, no index %v, users %v", first, noIndex, users)
				opt := Options{CRLF: first, NoIndex: noIndex, Selection: storeconv.Selection{Users: users}}
				store := restored(t, opt, b)
				hash, lines := treeHash(t, store)
				opt.CRLF = !first
				opt.DryRun = true
				dry, _, err := restoreTo(t, store, opt, bytes.NewReader(b))
				// Of a body that is left out a dry run knows the size alone.
				if left := noIndex && users != nil; err != nil || dry.Messages != 0 && !left {
					t.Errorf("%s, dry: %v, %+v", name, err, dry)
				}
				opt.DryRun = false
				if rep := again(t, store, opt, b); rep.Messages != 0 || rep.Duplicates == 0 {
					t.Errorf("%s: %+v", name, rep)
				}
				if now, got := treeHash(t, store); now != hash {
					t.Errorf("%s:\n%s", name, lineDiff(lines, got))
				}
			}
		}
	}
}

// TestOtherLineEndsPutBack: a message that is gone comes back as it was.
func TestOtherLineEndsPutBack(t *testing.T) {
	b := bareLines(t)
	for _, first := range []bool{false, true} {
		store := restored(t, Options{CRLF: first}, b)
		want := texts(t, store)
		for uid := uint32(1); uid <= 3; uid++ {
			if err := os.Remove(filepath.Join(store, ims.MailboxDir("primary", "ann", "INBOX"), ims.MessagePath(uid))); err != nil {
				t.Fatal(err)
			}
		}
		if rep := again(t, store, Options{CRLF: !first}, b); rep.PutBack != 3 || rep.Messages != 0 {
			t.Errorf("%v: %+v", first, rep)
		}
		reference.DiffLines(t, fmt.Sprint("CR LF ", first), texts(t, store), want)
		if log := checkStreams(t, store, verify.StoreOptions{CRLF: first}); len(log.Problems) > 0 {
			t.Errorf("%q", log.Problems)
		}
	}
}
