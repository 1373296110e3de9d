package restore

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"imsconv/dbconv/mboxlist"
	"imsconv/storeconv"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/sims"
	"imsconv/storeconv/verify"
)

// TestRunsAtOnceOfOneUser: a run adds to a user who another run has put into
// place and has not yet put into the mailbox lists. Whichever of them writes
// last, the lists are of the tree that is there.
func TestRunsAtOnceOfOneUser(t *testing.T) {
	b := tape(t, may20,
		"user joe 9000", "box joe/INBOX 7 f1", `msg joe/INBOX/1 \Seen one`, "box joe/Mail 8", "msg joe/Mail/1 - mail",
		"user joe@x.test 9000", "box joe@x.test/INBOX 7", `msg joe@x.test/INBOX/1 \Seen eins`, `msg joe@x.test/INBOX/2 - zwei`, "box joe@x.test/New 5", `msg joe@x.test/New/3 \Deleted neu`)
	of := func(user string) Options {
		return Options{Selection: storeconv.Selection{Domain: "x.test", Users: map[string]bool{user: true}}}
	}
	for _, order := range [][2]string{{"joe", "joe@x.test"}, {"joe@x.test", "joe"}} {
		store := filepath.Join(shmDir(t), "store")
		opt := of(order[0])
		between := false
		opt.Committed = func(int, time.Duration) {
			if !between {
				between = true
				if _, err := Restore(context.Background(), store, []*Stream{stream(t, "s0", bytes.NewReader(b))}, of(order[1])); err != nil {
					t.Error(err)
				}
			}
		}
		if _, _, err := restoreTo(t, store, opt, bytes.NewReader(b)); err != nil || !between {
			t.Fatal(err, between)
		}
		if log := checkStreams(t, store, verify.StoreOptions{Selection: storeconv.Selection{Domain: "x.test"}}, b); len(log.Problems) > 0 {
			t.Errorf("%s first: verify: %q", order[0], log.Problems)
		}
	}
}

// TestRunsOfOneUserEach: of users who are one in the store, each of which comes
// with a run of its own, the mailbox has the rights, the subscription and the
// limit that one run over both gives it, whichever comes last.
func TestRunsOfOneUserEach(t *testing.T) {
	var out bytes.Buffer
	w, err := sims.NewWriter(&out, sims.Header{Product: "SIMS 4.0", Date: may20}, 0)
	for _, m := range []sims.Member{
		{Kind: sims.User, Name: "joe", Quota: 90000, HasQuota: true},
		{Kind: sims.Mailbox, Name: "joe/INBOX", UIDValidity: 7, Subscribed: 1, ACL: "joe\tlrswipcda\nann\tlr"},
		{Kind: sims.Message, Name: "joe/INBOX/1", Time: may20},
		{Kind: sims.User, Name: "joe@x.test", Quota: 50000, HasQuota: true},
		{Kind: sims.Mailbox, Name: "joe@x.test/INBOX", UIDValidity: 7, Subscribed: 0, ACL: "joe@x.test\tlrswipcda\nann\tlrs\nanyone\tlrs"},
		{Kind: sims.Message, Name: "joe@x.test/INBOX/2", Time: may20 + 1},
		{Kind: sims.Mailbox, Name: "joe@x.test/New", UIDValidity: 8, Subscribed: 1},
	} {
		if err == nil {
			err = w.WriteMember(&m)
		}
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	domain := storeconv.Selection{Domain: "x.test"}
	for _, order := range [][]string{nil, {"joe", "joe@x.test"}, {"joe@x.test", "joe"}} {
		store := filepath.Join(shmDir(t), "store")
		opt := Options{Selection: domain}
		if order == nil {
			if _, log, err := restoreTo(t, store, opt, bytes.NewReader(out.Bytes())); err != nil || log.lost > 0 {
				t.Fatal(err, log.lines)
			}
		}
		for i, user := range order {
			opt.Users = map[string]bool{user: true}
			rep, log, err := restoreTo(t, store, opt, bytes.NewReader(out.Bytes()))
			if said := strings.Join(log.lines, "\n"); err != nil || log.lost > 0 || !strings.Contains(said, "same-user") || !strings.Contains(said, "joined-rights") {
				t.Errorf("%v: %v, said %q", order, err, log.lines)
			}
			if rep.Mailboxes != int64(1+len(user)/8) || rep.Messages != 1 {
				t.Errorf("%v: %+v", order, rep)
			}
			part := verify.StoreOptions{Selection: opt.Selection}
			if log := checkStreams(t, store, part, out.Bytes()); len(log.Problems) > 0 {
				t.Errorf("%v, run %d: verify: %q", order, i, log.Problems)
			}
		}
		var h ims.Header
		text, err := os.ReadFile(filepath.Join(store, ims.UserDir("primary", "joe"), ims.IndexName))
		if err == nil {
			ir, indexErr := ims.NewIndexReader(bytes.NewReader(text))
			h, err = ir.Header, indexErr
		}
		if want := "joe\tlrswipcda\tann\tlr"; err != nil || h.ACL != want || !h.Subscribed {
			t.Errorf("%v: %v, rights %q, subscribed %v", order, err, h.ACL, h.Subscribed)
		}
		if q := listRecord(t, store, mboxlist.QuotaDB, "joe"); !strings.HasPrefix(q, "87 ") {
			t.Errorf("%v: quota record %q", order, q)
		}
		if log := checkStreams(t, store, verify.StoreOptions{Selection: domain}, out.Bytes()); len(log.Problems) > 0 {
			t.Errorf("%v: verify: %q", order, log.Problems)
		}
	}
}
