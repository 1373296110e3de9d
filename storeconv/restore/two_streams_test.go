package restore

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

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

// TestDryRunOfTwoStreams: a dry run counts what the run does, whatever links
// lead to: to messages before and behind them, in either stream, or nowhere.
// And what the run does is the same with each number of workers.
func TestDryRunOfTwoStreams(t *testing.T) {
	seeds := uint64(120)
	if testing.Short() {
		seeds = 30
	}
	for seed := range seeds {
		rng := rand.New(rand.NewPCG(seed, 5))
		users, boxes := []string{"ann", "bob", "joe"}, []string{"INBOX", "Mail"}
		lines := func() (lines []string) {
			for _, u := range users {
				for _, b := range boxes {
					lines = append(lines, fmt.Sprintf("box %s/%s %d", u, b, 7+rng.IntN(8)/7))
					for uid := range rng.IntN(5) {
						if rng.IntN(2) == 0 {
							lines = append(lines, fmt.Sprintf("msg %s/%s/%d - text%d", u, b, 1+uid, rng.IntN(4)))
							continue
						}
						lines = append(lines, fmt.Sprintf("link %s/%s/%d - %s/%s/%d", u, b, 1+uid, users[rng.IntN(3)], boxes[rng.IntN(2)], 1+rng.IntN(6)))
					}
				}
			}
			return lines
		}
		first, later := lines(), lines()
		a, b := tape(t, may20, first...), tape(t, may20+10, later...)
		base := shmDir(t)
		var reports []Report
		var trees [2][]string
		for i, opt := range []Options{{DryRun: true}, {Jobs: 1}, {Jobs: 8}} {
			store := filepath.Join(base, fmt.Sprint(i))
			rep, _, err := restoreTo(t, store, opt, bytes.NewReader(a), bytes.NewReader(b))
			if err != nil {
				t.Fatal(err)
			}
			if reports = append(reports, rep); i > 0 {
				_, trees[i-1] = treeHash(t, store)
			}
		}
		if diff := cmp.Diff(reports[1], reports[0]); diff != "" {
			t.Errorf("seed %d: -run +dry:\n%s\n%s\n\n%s", seed, diff, strings.Join(first, "\n"), strings.Join(later, "\n"))
		}
		if diff := cmp.Diff(trees[0], trees[1]); diff != "" {
			t.Errorf("seed %d: -one worker +eight:\n%s", seed, diff)
		}
	}
}
