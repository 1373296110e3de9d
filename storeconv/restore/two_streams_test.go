package restore

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"imsconv/storeconv"
	"imsconv/storeconv/sims"
	"imsconv/storeconv/verify"
)

// A link leads to the message that its own stream calls so, although the store
// has that already, and a stream between had another one of that name.
func TestLinkToAMessageThatIsThere(t *testing.T) {
	a := tape(t, may20, firstTape...)
	between := tape(t, may20, "box joe/INBOX 99", `msg joe/INBOX/1 - uno`, `msg joe/INBOX/5 - cinco`)
	later := tape(t, may20, append(firstTape[:6:6], "user bob -", "box bob/INBOX 4", "link bob/INBOX/1 - joe/INBOX/1")...)
	for _, each := range []storeconv.SyncMode{storeconv.SyncBatch, storeconv.SyncUser} {
		store := restored(t, Options{}, a)
		again(t, store, Options{Sync: each}, between, later)
		checkBox(t, store, "joe", "Mail", "user/joe/Mail exists=1 last=1 validity=88 []", `1 [\Flagged]  88-1 one`)
		checkBox(t, store, "bob", "INBOX", "user/bob exists=1 last=1 validity=4 []", `1 []  4-1 one`)
	}
}

// Of two streams of a mailbox the later one may say less: another receive date
// of a message that is there, and a lower next UID. The first date and the
// highest UID stay; restore and verify tell of the date, and of nothing else.
func TestLaterStreamSaysLess(t *testing.T) {
	say := func(next uint32, date int64) []byte {
		var b bytes.Buffer
		w, err := sims.NewWriter(&b, sims.Header{Date: 981538200}, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range []*sims.Member{
			{Kind: sims.Mailbox, Name: "joe/INBOX", UIDValidity: 7, UIDNext: next},
			{Kind: sims.Message, Name: "joe/INBOX/1", Time: date},
			{Kind: sims.Message, Name: "joe/INBOX/2", Time: 9e8},
		} {
			if err := w.WriteMember(m); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	first, later := say(100, 9e8), say(50, 9e8+60)
	store := filepath.Join(shmDir(t), "store")
	restoreClean(t, store, Options{}, first)
	said := func(lines []string, kind, text string) bool {
		return len(lines) == 1 && strings.Contains(lines[0], kind) && strings.Contains(lines[0], "joe/INBOX/1") && strings.Contains(lines[0], text)
	}
	for _, dry := range []bool{true, false} {
		rep, log, err := restoreTo(t, store, Options{DryRun: dry}, bytes.NewReader(later))
		if err != nil || rep.Duplicates != 2 || !said(log.lines, "problem: kept-date", "1998-07-09 16:00:00 UTC, which stays; the stream says 1998-07-09 16:01:00") {
			t.Errorf("dry run %t: %v, %+v, %q", dry, err, rep, log.lines)
		}
	}
	if log := checkStreams(t, store, verify.StoreOptions{}, first, later); !said(log.Problems, "date", "") {
		t.Errorf("verify: %q", log.Problems)
	}
	// One that is too high is found all the same.
	if log := checkStreams(t, store, verify.StoreOptions{}, say(40, 9e8)); len(log.Problems) != 1 || !strings.HasPrefix(log.Problems[0], "uidnext ") {
		t.Errorf("verify: %q", log.Problems)
	}
}
