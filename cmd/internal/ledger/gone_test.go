package ledger

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"imsconv/cmd/internal/cli"
	"imsconv/storeconv/ims"
)

// madeStore makes an output of some users whose report says how many messages
// were written, and leaves the list of mailboxes there.
func madeStore(t *testing.T) (out string, messages int64) {
	t.Helper()
	out = site(t, 8, false)
	if err := os.Remove(filepath.Join(out, ReportName)); err != nil {
		t.Fatal(err)
	}
	emptyReport(t, out)
	messages = reading(t, out, nil).Messages
	writeReport(t, filepath.Join(out, ReportName), cli.Report{Result: "done"}, Run{Sums: Sums{Source: messages, Written: messages}})
	var list bytes.Buffer
	if l := reading(t, out, &list); l.Gone() != 0 || l.UnreadTotal != 0 {
		t.Fatalf("%d messages are gone, %+v", l.Gone(), l.Unread)
	}
	write(t, filepath.Join(out, ListName), list.Bytes())
	return out, messages
}

// TestGone: what is taken out of an output after its run is missed, with the
// user and the mailbox that had it, and the page says so first of all.
func TestGone(t *testing.T) {
	user2 := ims.UserDir("primary", "user2")
	for name, tt := range map[string]struct {
		take   string // below the store
		box    GoneBox
		unread string
	}{
		"a user":     {user2, GoneBox{"user2", "Sent", 18, 0}, ""},
		"a folder":   {user2 + "/=+Sent", GoneBox{"user2", "Sent", 18, 0}, ""},
		"messages":   {user2 + "/=+Sent/00", GoneBox{"user2", "Sent", 18, 0}, "00/1.msg"},
		"one":        {user2 + "/=+Sent/00/3.msg", GoneBox{"user2", "Sent", 18, 17}, "00/3.msg"},
		"everything": {"", GoneBox{"user2", "Sent", 18, 0}, ""},
	} {
		out, all := madeStore(t)
		if err := os.RemoveAll(filepath.Join(out, storeDir, tt.take)); err != nil {
			t.Fatal(err)
		}
		l := reading(t, out, nil)
		if l.Gone() == 0 || l.Gone() != all-l.Messages {
			t.Errorf("%s: %d are gone, %d of %d are there", name, l.Gone(), l.Messages, all)
		}
		var boxes []GoneBox
		found, gone := false, int64(0)
		if err := l.GoneBoxes(t.Context(), []string{filepath.Join(out, "none"), filepath.Join(out, ListName), filepath.Join(out, ListName)}, func(b GoneBox) {
			found = found || b == tt.box
			gone += b.Was - b.Is
			boxes = append(boxes, b)
		}); err != nil {
			t.Fatal(err)
		}
		if !found || gone != l.Gone() {
			t.Errorf("%s: %d of %d are gone from %+v", name, gone, l.Gone(), boxes)
		}
		if tt.unread != "" && (len(l.Unread) == 0 || l.Unread[0].Kind != "missing-file" || !strings.HasSuffix(l.Unread[0].Where, tt.unread)) {
			t.Errorf("%s: %+v", name, l.Unread)
		}
		for _, lang := range Langs {
			var b bytes.Buffer
			if err := l.HTML(&b, lang); err != nil || !strings.Contains(b.String(), texts[lang]["verdict.gone"]) {
				t.Errorf("%s, %s: %v, the page does not say so", name, lang, err)
			}
		}
	}
}
