package verify_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"imsconv/storeconv"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/restore"
	"imsconv/storeconv/sims"
	"imsconv/storeconv/testsite/scratch"
	"imsconv/storeconv/verify"
)

// announced is a stream of mailboxes: each with what is said of it, and with so
// many messages as its UIDNext says, less one.
func announced(t testing.TB, boxes ...sims.Member) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := sims.NewWriter(&out, sims.Header{Date: 981538200}, 0)
	must(t, err)
	uid := uint32(0)
	for _, m := range boxes {
		messages := max(m.UIDNext, 1) - 1
		m.Kind, m.UIDNext = sims.Mailbox, 0
		must(t, w.WriteMember(&m))
		for range messages {
			uid++
			body := mail(int(uid))
			must(t, w.WriteMember(&sims.Member{Kind: sims.Message, Name: fmt.Sprintf("%s/%d", m.Name, uid), Time: 900000000 + int64(uid), Size: int64(len(body))}))
			_, err := w.Write([]byte(body))
			must(t, err)
		}
	}
	must(t, w.Close())
	return out.Bytes()
}

// TestMailboxThatComesAgain: several mailboxes of a stream become one, or one
// is announced again. What holds is no problem: the first UIDVALIDITY, or of a
// mailbox without mail the next; the last that is said of everything else. What
// none of them has said is one.
func TestMailboxThatComesAgain(t *testing.T) {
	const rights = "joe\tlrswipcda\nanyone\tlr"
	for _, row := range []struct {
		what  string
		one   bool // its messages came from one UIDVALIDITY: it is known which holds
		boxes []sims.Member
		sel   storeconv.Selection
	}{
		{"INBOX beside inbox", false, []sims.Member{
			{Name: "joe/inbox", UIDValidity: 8, UIDNext: 3, Subscribed: 1},
			{Name: "joe/INBOX", UIDValidity: 7, UIDNext: 2, ACL: rights},
		}, storeconv.Selection{}},
		{"in turns", false, []sims.Member{
			{Name: "joe/inbox", UIDNext: 2, Subscribed: -1},
			{Name: "joe/INBOX", UIDValidity: 7, UIDNext: 2, ACL: rights},
			{Name: "joe/inbox", UIDValidity: 8, UIDNext: 2, Subscribed: 1},
		}, storeconv.Selection{}},
		{"announced again", true, []sims.Member{
			{Name: "joe/Sent", UIDValidity: 8, Subscribed: 1, ACL: rights},
			{Name: "joe/Sent", UIDValidity: 7, UIDNext: 2},
		}, storeconv.Selection{}},
		{"empty both times", true, []sims.Member{
			{Name: "joe/Sent", UIDValidity: 8},
			{Name: "joe/Sent", UIDValidity: 7, Subscribed: 1},
		}, storeconv.Selection{}},
		{"two users, both without mail", false, []sims.Member{
			{Name: "joe/Sent", UIDValidity: 8},
			{Name: "ann/Sent", UIDValidity: 7, Subscribed: 1},
		}, storeconv.Selection{Map: map[string]string{"joe": "x", "ann": "x"}}},
		{"two users", false, []sims.Member{
			{Name: "joe/INBOX", UIDValidity: 8, UIDNext: 2},
			{Name: "ann/INBOX", UIDValidity: 7, UIDNext: 3, ACL: rights, Subscribed: 1},
			{Name: "joe/Sent", UIDNext: 2},
		}, storeconv.Selection{Map: map[string]string{"joe": "x", "ann": "x"}}},
		{"a user without INBOX", true, []sims.Member{{Name: "joe/Mail/Old", UIDValidity: 8, UIDNext: 2}, {Name: "ann/Sent"}}, storeconv.Selection{}},
	} {
		t.Run(row.what, func(t *testing.T) {
			stream := announced(t, row.boxes...)
			store := filepath.Join(scratch.Dir(t), "store")
			restoreStream(t, store, restore.Options{Selection: row.sel}, stream)
			opts := verify.StoreOptions{Selection: row.sel}
			if log := verifyStreams(t, store, opts, stream); len(log.problems) > 0 || slices.ContainsFunc(log.warnings, func(l string) bool { return !strings.HasPrefix(l, "uidvalidity ") }) {
				t.Errorf("%q", log.all())
			}
			name := row.boxes[0].Name
			user, box, _ := strings.Cut(name, "/")
			if to, ok := row.sel.Map[user]; ok {
				user = to
			}
			if strings.EqualFold(box, "INBOX") {
				box = "INBOX"
			}
			index := filepath.Join(store, ims.MailboxDir("primary", user, box), "store.idx")
			for kind, change := range map[string]func(*ims.Index){
				"uidvalidity": func(x *ims.Index) { x.UIDValidity = 99 },
				"subscribed":  func(x *ims.Index) { x.Subscribed = !x.Subscribed },
				"acl":         func(x *ims.Index) { x.ACL = user + "\tl" },
			} {
				was, err := os.ReadFile(index)
				must(t, err)
				editIndex(t, index, change)
				log := verifyStreams(t, store, opts, stream)
				all := log.problems
				if kind == "uidvalidity" && !row.one { // the mail of others may have brought it
					all = log.warnings
				}
				if !slices.ContainsFunc(all, func(l string) bool {
					return strings.HasPrefix(l, kind) || kind == "acl" && strings.HasPrefix(l, "folder-record ")
				}) {
					t.Errorf("another %s: %q", kind, log.all())
				}
				must(t, os.WriteFile(index, was, 0o600))
				setTime(t, index, lastDate(t, was))
			}
		})
	}
}

// lastDate is the time that the file of an index has.
func lastDate(t testing.TB, text []byte) int64 {
	t.Helper()
	x, err := ims.ReadIndex(bytes.NewReader(text))
	must(t, err)
	return max(x.LastAppend, 0)
}
