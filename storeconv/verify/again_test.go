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
	"imsconv/storeconv/backup"
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
					return strings.HasPrefix(l, kind) || kind == "acl" && strings.HasPrefix(l, "folder-record ") || kind == "subscribed" && strings.HasPrefix(l, "subscription ")
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

// TestDateOfAnotherCopy: a backup of the store, of some users or since some
// day, begins with other first copies than the stream had. The files have the
// dates of those, which is a warning; a date that no copy has is a problem.
func TestDateOfAnotherCopy(t *testing.T) {
	full := makeStream(t, 77,
		made{name: "ann/INBOX/1", body: mail(1), date: 900000001},
		made{name: "joe/INBOX/1", link: "ann/INBOX/1", date: 900000005},
		made{name: "joe/Mail/2", body: mail(2), date: 900000002},
		made{name: "joe/Sent/3", link: "joe/Mail/2", date: 900000003},
		made{name: "joe/Sent/4", body: mail(4), date: 900000004})
	store := filepath.Join(scratch.Dir(t), "store")
	restoreStream(t, store, restore.Options{}, full)
	since := int64(900000003)
	for what, row := range map[string]struct {
		opts backup.Options
		want int // files that are dated by a copy which it does not have
	}{
		"all": {backup.Options{}, 0}, "user": {backup.Options{Users: []string{"joe"}}, 1}, "since": {backup.Options{Since: &since}, 2}, "path": {backup.Options{Paths: []string{"joe/Sent"}}, 1},
	} {
		var own bytes.Buffer
		_, err := backup.Backup(t.Context(), &own, store, row.opts)
		must(t, err)
		log := verifyStreams(t, store, verify.StoreOptions{}, own.Bytes())
		if len(log.problems) > 0 || len(log.warnings) != row.want {
			t.Errorf("%s: %q", what, log.all())
		}
		for _, line := range log.warnings {
			if !strings.HasPrefix(line, "file-date ") || !strings.Contains(line, "another copy of it has that date") {
				t.Errorf("%s: %s", what, line)
			}
		}
	}
	path := filepath.Join(store, ims.MailboxDir("primary", "joe", "Sent"), "00", "3.msg")
	setTime(t, path, 900000099)
	if log := verifyStreams(t, store, verify.StoreOptions{}, full); len(log.problems) != 1 || !strings.HasPrefix(log.problems[0], "file-date ") {
		t.Errorf("a date of none: %q", log.all())
	}
	// A part of the users has not looked at the copies of the others.
	shard := storeconv.Shard{Count: 2}
	if !shard.Has("joe") {
		shard.Index = 1
	}
	part := filepath.Join(scratch.Dir(t), "store")
	own := storeconv.Selection{Shard: shard}
	restoreStream(t, part, restore.Options{Selection: own}, full)
	setTime(t, filepath.Join(part, ims.MailboxDir("primary", "joe", "Sent"), "00", "3.msg"), 900000099)
	log := verifyStreams(t, part, verify.StoreOptions{Selection: own}, full)
	if !slices.ContainsFunc(log.warnings, func(l string) bool {
		return strings.HasPrefix(l, "file-date ") && strings.HasSuffix(l, "; another part may have the copy of that date")
	}) || strings.Contains(strings.Join(log.warnings, "\n"), "another copy of it has that date") {
		t.Errorf("a date of none, in a part: %q", log.all())
	}
}
