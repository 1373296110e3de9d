package restore

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

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
