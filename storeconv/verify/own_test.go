package verify_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"imsconv/storeconv"
	"imsconv/storeconv/backup"
	"imsconv/storeconv/restore"
	"imsconv/storeconv/sims"
	"imsconv/storeconv/testsite/scratch"
	"imsconv/storeconv/verify"
)

// anyStream is a stream of a few users with what is allowed and seldom:
// mailboxes without messages or UIDVALIDITY, without a header or with two,
// INBOX in several spellings, users with folders only, expired first copies.
func anyStream(t testing.TB, r *rand.Rand) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := sims.NewWriter(&out, sims.Header{Product: "SIMS 4.0", Date: []int64{0, 981538200}[r.IntN(2)]}, 0)
	must(t, err)
	var first []string
	for u := range 1 + r.IntN(4) {
		user := fmt.Sprintf("u%d", u)
		if r.IntN(2) == 0 {
			must(t, w.WriteMember(&sims.Member{Kind: sims.User, Name: user, Quota: 1 << 20, HasQuota: r.IntN(2) == 0}))
		}
		uid := uint32(0)
		for range r.IntN(4) {
			box := user + "/" + []string{"INBOX", "inbox", "Inbox", "Sent", "Mail/Old", "Mail"}[r.IntN(6)]
			head := &sims.Member{Kind: sims.Mailbox, Name: box, Subscribed: int8(r.IntN(3) - 1)}
			if r.IntN(3) > 0 {
				head.UIDValidity = 7 + uint32(r.IntN(2))
			}
			if r.IntN(3) == 0 {
				head.UIDNext = uid + 20
			}
			if r.IntN(3) == 0 {
				head.ACL = user + "\tlrswipcda\nanyone\tlr"
			}
			if r.IntN(3) == 0 {
				head.Keywords = []string{"work", "Junk work"}[r.IntN(2)]
			}
			if r.IntN(4) > 0 {
				must(t, w.WriteMember(head))
			}
			for range r.IntN(4) {
				uid++
				m := &sims.Member{Kind: sims.Message, Name: fmt.Sprintf("%s/%d", box, uid), Time: 900000000 + int64(r.IntN(1000))}
				for _, f := range []string{`\Seen`, `\Deleted`, "work", "expired"} {
					if r.IntN(4) == 0 {
						m.Flags += " " + f
					}
				}
				m.Flags = strings.TrimSpace(m.Flags)
				body := fmt.Sprintf("Subject: %d\r\n\r\n%d\r\n", r.IntN(5), r.IntN(10))
				if len(first) > 0 && r.IntN(3) == 0 {
					m.Kind, m.Link, body = sims.Link, first[r.IntN(len(first))], ""
				} else {
					first = append(first, m.Name)
				}
				m.Size = int64(len(body))
				must(t, w.WriteMember(m))
				_, err := w.Write([]byte(body))
				must(t, err)
			}
		}
	}
	must(t, w.Close())
	return out.Bytes()
}

// TestWhatRestoreMakesIsRight: of whatever a restore has taken without a
// problem verify tells none, nor of what a backup of the store says.
func TestWhatRestoreMakesIsRight(t *testing.T) {
	dir := scratch.Dir(t)
	for seed := range uint64(150) {
		r := rand.New(rand.NewPCG(seed, 0))
		stream := anyStream(t, r)
		store := filepath.Join(dir, fmt.Sprint(seed))
		sel := storeconv.Selection{}
		if r.IntN(3) == 0 {
			sel.Map = map[string]string{"u0": "x", "u1": "x"}
		}
		in, err := restore.NewStream("s", bytes.NewReader(stream))
		must(t, err)
		log := new(recorder)
		if _, err := restore.Restore(context.Background(), store, []*restore.Stream{in}, restore.Options{Selection: sel, Log: log, Sync: storeconv.SyncNone}); err != nil || len(log.problems) > 0 {
			os.RemoveAll(store)
			continue
		}
		if log := verifyStreams(t, store, verify.StoreOptions{Selection: sel}, stream); len(log.problems) > 0 {
			t.Errorf("%d (map %v): %q", seed, sel.Map != nil, log.problems)
		}
		since := int64(900000500)
		for name, opts := range map[string]backup.Options{"all": {}, "since": {Since: &since}, "user": {Users: []string{"u1"}}, "path": {Paths: []string{"u0/INBOX"}}} {
			var own bytes.Buffer
			if _, err := backup.Backup(context.Background(), &own, store, opts); err != nil {
				continue
			}
			if log := verifyStreams(t, store, verify.StoreOptions{}, own.Bytes()); len(log.problems) > 0 {
				t.Errorf("%d (map %v), its own backup, %s: %q", seed, sel.Map != nil, name, log.problems)
			}
		}
		os.RemoveAll(store)
	}
}
