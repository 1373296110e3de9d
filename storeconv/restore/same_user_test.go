package restore

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"imsconv/storeconv"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/sims"
	"imsconv/storeconv/verify"
)

// joined makes two users of a stream one in the store.
var joined = storeconv.Selection{Map: map[string]string{"joe@x.test": "joe"}}

// A link to a message of a user who is still to come is not one to the mail of
// the user with whom that one is put together, though it has the same name.
func TestLinkAheadOfUsersPutTogether(t *testing.T) {
	b := tape(t, may20, "user joe -", "box joe/INBOX 5", "msg joe/INBOX/1 - one", "user zoe -", "box zoe/INBOX 6", "link zoe/INBOX/1 - joe@x.test/INBOX/1",
		"user joe@x.test -", "box joe@x.test/INBOX 5", "msg joe@x.test/INBOX/1 - other")
	for _, each := range []storeconv.SyncMode{storeconv.SyncBatch, storeconv.SyncUser} {
		store := filepath.Join(shmDir(t), "store")
		rep, log, err := restoreTo(t, store, Options{Selection: joined, Sync: each}, bytes.NewReader(b))
		if err != nil || log.lost > 0 || rep.Links != 1 || rep.Messages != 3 {
			t.Errorf("%v, %+v, %q", err, rep, log.lines)
		}
		checkBox(t, store, "joe", "INBOX", "user/joe exists=2 last=2 validity=5 []", `1 []  5-1 one`, `2 []  5-1 other`)
		checkBox(t, store, "zoe", "INBOX", "user/zoe exists=1 last=1 validity=6 []", `1 []  6-1 other`)
	}
}

// Where two users become one, and so do their mailboxes, nobody gets rights
// that one of the two did not give, and no subscription and no room is lost.
func TestRightsOfUsersPutTogether(t *testing.T) {
	var b bytes.Buffer
	w, err := sims.NewWriter(&b, sims.Header{Product: "SIMS 4.0", Date: may20}, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []*sims.Member{
		{Kind: sims.User, Name: "joe", Quota: 5 << 20, HasQuota: true},
		{Kind: sims.Mailbox, Name: "joe/INBOX", UIDValidity: 5, Subscribed: 1, ACL: "joe\tlrswipcda\nboss\tlrs\nann\tlr"},
		{Kind: sims.Mailbox, Name: "joe/Mail", UIDValidity: 6, Subscribed: 1, ACL: "joe\tlrswipcda\nann\tlr"},
		{Kind: sims.User, Name: "joe@x.test", Quota: 1 << 20, HasQuota: true},
		{Kind: sims.Mailbox, Name: "joe@x.test/INBOX", UIDValidity: 5, ACL: "joe@x.test\tlr\nanyone\tlr\nboss\tl"},
		{Kind: sims.Mailbox, Name: "joe@x.test/Mail", UIDValidity: 6, Subscribed: -1},
		{Kind: sims.User, Name: "zoe", Quota: -1, HasQuota: true},
		{Kind: sims.Mailbox, Name: "zoe/INBOX", UIDValidity: 7, ACL: "zoe\tlr\nann\tlr"},
		{Kind: sims.Mailbox, Name: "zoe/inbox", UIDValidity: 7, ACL: "zoe\tlr\nboss\tlr"},
	} {
		if err := w.WriteMember(m); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	store := filepath.Join(shmDir(t), "store")
	_, dry, err := restoreTo(t, store, Options{Selection: joined, DryRun: true}, bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	_, log, err := restoreTo(t, store, Options{Selection: joined}, bytes.NewReader(b.Bytes()))
	if err != nil || log.lost > 0 || count(log.lines, "joined-rights") != 3 || count(log.lines, "quota-limit") != 1 {
		t.Errorf("%v, %q", err, log.lines)
	}
	if diff := cmp.Diff(log.lines, dry.lines); diff != "" {
		t.Errorf("of a dry run (-run +dry):\n%s", diff)
	}
	for name, want := range map[string]string{
		"joe":             "joe\tlrswipcda\tboss\tl",
		"joe/" + "=+Mail": "joe\tlrswipcda",
		"zoe":             "zoe\tlr",
	} {
		id, box, _ := strings.Cut(name, "/")
		text, err := os.ReadFile(filepath.Join(store, ims.UserDir("primary", id), box, ims.IndexName))
		if err != nil || !strings.Contains(string(text), "\nACL: "+want+"\n") || id == "joe" && !strings.Contains(string(text), "\nSubscribed: 1\n") {
			t.Errorf("%s: %v, %s", name, err, text)
		}
	}
	if log := checkStreams(t, store, verify.StoreOptions{Selection: joined}, b.Bytes()); len(log.Problems) > 0 {
		t.Errorf("verify: %q", log.Problems)
	}
}

// A message that both of two users have under one UID is one of the store, in a
// dry run too.
func TestSameMessageOfUsersPutTogetherDry(t *testing.T) {
	b := tape(t, may20, "user joe -", "box joe/INBOX 5", "msg joe/INBOX/1 - one", "msg joe/INBOX/2 - two",
		"user joe@x.test -", "box joe@x.test/INBOX 5", "msg joe@x.test/INBOX/1 \\Seen one", "msg joe@x.test/INBOX/2 - other")
	var reports [2]Report
	var lines [2][]string
	for i, dry := range [...]bool{true, false} {
		rep, log, err := restoreTo(t, filepath.Join(shmDir(t), "store"), Options{Selection: joined, DryRun: dry}, bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		reports[i], lines[i] = rep, log.lines
	}
	if rep := reports[1]; rep.Messages != 3 || rep.Duplicates != 0 || rep.Repeated != 1 || rep.Updated != 0 {
		t.Errorf("%+v", rep)
	}
	if diff := cmp.Diff(reports[1], reports[0]); diff != "" {
		t.Errorf("(-run +dry):\n%s", diff)
	}
	if diff := cmp.Diff(lines[1], lines[0]); diff != "" {
		t.Errorf("(-run +dry):\n%s", diff)
	}
}

// A link to a message of a user who is left out, and who would have the id of
// another, is right with that message, though the other has one of its name.
func TestLinkToUserLeftOutOfOnesPutTogether(t *testing.T) {
	left := []string{"user joe@x.test -", "box joe@x.test/INBOX 5", "msg joe@x.test/INBOX/2 - left"}
	own := []string{"user joe -", "box joe/INBOX 5", "msg joe/INBOX/2 - own"}
	link := []string{"box joe/Mail 6", "link joe/Mail/3 - joe@x.test/INBOX/2"}
	for _, lines := range [][]string{slices.Concat(left, own, link), slices.Concat(left, link, own), slices.Concat(own, left, link)} {
		b := tape(t, may20, lines...)
		sel := joined
		sel.Users = map[string]bool{"joe": true}
		store := filepath.Join(shmDir(t), "store")
		if _, log, err := restoreTo(t, store, Options{Selection: sel}, bytes.NewReader(b)); err != nil || log.lost > 0 {
			t.Fatalf("%v, %q", err, log.lines)
		}
		checkBox(t, store, "joe", "INBOX", "user/joe exists=1 last=2 validity=5 []", "2 []  5-2 own")
		checkBox(t, store, "joe", "Mail", "user/joe/Mail exists=1 last=3 validity=6 []", "3 []  6-3 left")
		if log := checkStreams(t, store, verify.StoreOptions{Selection: sel}, b); len(log.Problems) > 0 {
			t.Errorf("%q: %q", lines, log.Problems)
		}
	}
}

// Whether a mailbox comes in one visit of its user or in two, INBOX in another
// spelling opens nothing that the first one kept closed.
func TestRightsOfAnotherSpellingLater(t *testing.T) {
	var b bytes.Buffer
	w, err := sims.NewWriter(&b, sims.Header{Product: "SIMS 4.0", Date: may20}, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []*sims.Member{
		{Kind: sims.Mailbox, Name: "zoe/INBOX", UIDValidity: 7, Subscribed: 1, ACL: "zoe\tlr\nann\tlr"},
		{Kind: sims.Mailbox, Name: "joe/INBOX", UIDValidity: 5, Subscribed: -1},
		{Kind: sims.Mailbox, Name: "zoe/inbox", UIDValidity: 7, ACL: "zoe\tlr\nanyone\tlr"},
	} {
		if err := w.WriteMember(m); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for _, each := range []storeconv.SyncMode{storeconv.SyncBatch, storeconv.SyncUser} {
		store := filepath.Join(shmDir(t), "store")
		_, log, err := restoreTo(t, store, Options{Sync: each}, bytes.NewReader(b.Bytes()))
		if err != nil || count(log.lines, "joined-rights") != 1 {
			t.Errorf("%v: %v, %q", each, err, log.lines)
		}
		text, err := os.ReadFile(filepath.Join(store, ims.UserDir("primary", "zoe"), ims.IndexName))
		if err != nil || !strings.Contains(string(text), "\nACL: zoe\tlr\n") || !strings.Contains(string(text), "\nSubscribed: 1\n") {
			t.Errorf("%v: %v, %s", each, err, text)
		}
	}
}

func count(lines []string, word string) (n int) {
	for _, l := range lines {
		if strings.Contains(l, word) {
			n++
		}
	}
	return n
}

func TestLargerLimit(t *testing.T) {
	for _, tt := range [][3]int64{{1, 2, 2}, {2, 1, 2}, {-1, 5, -1}, {5, -1, -1}, {-2, 5, -2}, {5, -2, 5}, {-2, -1, -1}, {0, 5, 5}} {
		if got := largerLimit(tt[0], tt[1]); got != tt[2] {
			t.Errorf("%d and %d: %d, want %d", tt[0], tt[1], got, tt[2])
		}
	}
}

// A mailbox that can have no new name is left out, and nothing else is; the
// same run again knows that it was there.
func TestNoRoomForANewName(t *testing.T) {
	for _, name := range []string{"Trash/" + strings.Repeat("L", 120), strings.Repeat("abcdefgh/", 53) + "abcdefgh"} {
		lines := func(text string) []byte {
			return tape(t, may20, "user joe -", "box joe/INBOX 5", "msg joe/INBOX/1 - one"+text, "box joe/"+name+" 6", "msg joe/"+name+"/1 - long"+text,
				"msg joe/"+name+"/2 - other"+text, "user zoe -", "box zoe/INBOX 7", "msg zoe/INBOX/1 - zwei"+text)
		}
		store := restored(t, Options{}, lines(""))
		for _, dry := range []bool{true, false} {
			rep, log, err := restoreTo(t, store, Options{Existing: NewName, DryRun: dry}, bytes.NewReader(lines("x")))
			if err != nil || len(log.lines) != 1 || !strings.Contains(log.lines[0], "bad-new-name") || rep.Messages != 2 || rep.Lost["bad-new-name"] != 2 {
				t.Errorf("dry run %t: %v, %+v, %q", dry, err, rep, log.lines)
			}
		}
		if rep, _, err := restoreTo(t, store, Options{Existing: NewName}, bytes.NewReader(lines("x"))); err != nil || !rep.Finished {
			t.Errorf("again: %v, %+v", err, rep)
		}
	}
}
