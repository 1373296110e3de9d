package restore

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"imsconv/storeconv/ims"
	"imsconv/storeconv/verify"
)

// TestLinkOfUsedUID: a later stream gives a UID out again, to a link. What it
// leads to is another message than the one that is there: it is added, as a
// message with a body is, with its flags.
func TestLinkOfUsedUID(t *testing.T) {
	full := tape(t, may20, "box joe/INBOX 77", "msg joe/INBOX/1 - one", "msg joe/INBOX/2 - two")
	want := []string{"user/joe exists=3 last=3 validity=77 []", "1 []  77-1 one", "2 []  77-2 two", `3 [\Flagged]  77-2 one`}
	for name, diff := range map[string][]string{
		"alone":                {"box joe/INBOX 77", `link joe/INBOX/2 \Flagged joe/INBOX/1`},
		"with its first":       {"box joe/INBOX 77", "msg joe/INBOX/1 - one", `link joe/INBOX/2 \Flagged joe/INBOX/1`},
		"before its first":     {"box joe/INBOX 77", `link joe/INBOX/2 \Flagged joe/INBOX/1`, "msg joe/INBOX/1 - one"},
		"of an expired one":    {"box joe/INBOX 77", "msg joe/INBOX/9 expired one", `link joe/INBOX/2 \Flagged joe/INBOX/9`},
		"of another user's":    {"box ann/INBOX 7", "msg ann/INBOX/1 - one", "box joe/INBOX 77", `link joe/INBOX/2 \Flagged ann/INBOX/1`},
		"before another's":     {"box joe/INBOX 77", `link joe/INBOX/2 \Flagged zoe/INBOX/1`, "box zoe/INBOX 7", "msg zoe/INBOX/1 - one"},
		"of one that is moved": {"box joe/INBOX 77", "box joe/Mail 8", "msg joe/Mail/2 - one", `link joe/INBOX/2 \Flagged joe/Mail/2`},
	} {
		diff := tape(t, may20+1, diff...)
		for _, together := range []bool{false, true} {
			store := filepath.Join(shmDir(t), "store")
			if together {
				again(t, store, Options{}, full, diff)
			} else {
				again(t, store, Options{}, full)
				dry, _, err := restoreTo(t, store, Options{DryRun: true}, bytes.NewReader(diff))
				if err != nil {
					t.Fatal(err)
				}
				// Of an expired first copy a dry run knows the size alone.
				if d := cmp.Diff(again(t, store, Options{}, diff), dry); d != "" && name != "of an expired one" {
					t.Errorf("%s: -run +dry:\n%s", name, d)
				}
			}
			checkBox(t, store, "joe", "INBOX", want...)
			again(t, store, Options{}, diff)
			checkBox(t, store, "joe", "INBOX", want...)
			log := checkStreams(t, store, verify.StoreOptions{}, full, diff)
			for _, line := range log.Problems {
				if !strings.HasPrefix(line, "date ") { // the same message comes with another one
					t.Errorf("%s: verify: %s", name, line)
				}
			}
			if t.Failed() {
				t.Fatal(name, together)
			}
		}
	}
}

// TestFirstCopyIsGone: a first copy whose file has gone from the store comes
// back as one file with its later copies again, wherever they are in the
// stream, and verify has nothing to say.
func TestFirstCopyIsGone(t *testing.T) {
	late := []string{"user ann -1", "box ann/INBOX 5", "link ann/INBOX/3 - joe/INBOX/1"} // in front of its first copy
	group := append(late, firstTape[:6]...)
	for name, lines := range map[string][]string{"first in front": firstTape, "first behind": group} {
		for _, gone := range [][]string{{"00/1.msg"}, {"00/5.msg"}, {"00/1.msg", "00/5.msg"}} {
			b := tape(t, may20, lines...)
			store := restored(t, Options{}, b)
			want, wantLines := treeHash(t, store)
			for _, name := range gone {
				if err := os.Remove(filepath.Join(store, ims.MailboxDir("primary", "joe", "INBOX"), name)); err != nil {
					t.Fatal(err)
				}
			}
			if rep := again(t, store, Options{}, b); rep.PutBack != int64(len(gone)) || rep.Messages != 0 {
				t.Errorf("%s, without %v: %+v", name, gone, rep)
			}
			if got, lines := treeHash(t, store); got != want {
				t.Errorf("%s, without %v, the store is another one:\n%s", name, gone, lineDiff(wantLines, lines))
			}
			if log := checkStreams(t, store, verify.StoreOptions{}, b); len(log.Problems) > 0 {
				t.Errorf("%s, without %v: verify: %q", name, gone, log.Problems)
			}
		}
	}
}
