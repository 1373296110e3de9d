package restore

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"imsconv/storeconv/verify"
)

// TestChainsOfLinksPutOff: links to links, all of which come before their first
// copy, in any order and over several users, are all made.
func TestChainsOfLinksPutOff(t *testing.T) {
	links := []string{
		"link ann/INBOX/1 - joe/INBOX/9",
		`link ann/INBOX/2 \Seen ann/INBOX/1`,
		"link bob/INBOX/1 - ann/INBOX/2",
		"link ann/INBOX/3 - bob/INBOX/1",
	}
	for _, order := range [][]int{{0, 1, 2, 3}, {3, 2, 1, 0}, {1, 3, 0, 2}, {2, 0, 3, 1}} {
		lines := []string{"box ann/INBOX 7", "box bob/INBOX 8"}
		for _, n := range order {
			lines = append(lines, links[n])
		}
		first := tape(t, may20, lines...)
		second := tape(t, may20, "box joe/INBOX 9", "msg joe/INBOX/9 - nine")
		store := filepath.Join(shmDir(t), "store")
		dry, log, err := restoreTo(t, store, Options{DryRun: true}, bytes.NewReader(first), bytes.NewReader(second))
		if err != nil || log.lost > 0 {
			t.Fatalf("%v: dry run: %v, said %q", order, err, log.lines)
		}
		rep, log, err := restoreTo(t, store, Options{}, bytes.NewReader(first), bytes.NewReader(second))
		if err != nil || log.lost > 0 || rep.Messages != 5 || rep.Links != 4 {
			t.Errorf("%v: %v, %+v, said %q", order, err, rep, log.lines)
		}
		if diff := cmp.Diff(rep, dry); diff != "" {
			t.Errorf("%v: -run +dry:\n%s", order, diff)
		}
		if log := checkStreams(t, store, verify.StoreOptions{}, first, second); len(log.Problems) > 0 {
			t.Errorf("%v: verify: %q", order, log.Problems)
		}
	}
}

// TestCycleOfLinks: links that lead to each other are lost, each with one word.
func TestCycleOfLinks(t *testing.T) {
	b := tape(t, may20, "box joe/INBOX 7", "link joe/INBOX/1 - joe/INBOX/2", "link joe/INBOX/2 - joe/INBOX/3", "link joe/INBOX/3 - joe/INBOX/1", "msg joe/INBOX/4 - four")
	for _, dry := range []bool{true, false} {
		rep, log, err := restoreTo(t, filepath.Join(shmDir(t), "store"), Options{DryRun: dry}, bytes.NewReader(b))
		if err != nil || log.lost != 3 || rep.Refused != 3 || rep.Messages != 1 {
			t.Errorf("%v, %+v, said %q", err, rep, log.lines)
		}
		for _, name := range []string{"joe/INBOX/1: ", "joe/INBOX/2: ", "joe/INBOX/3: "} {
			if n := strings.Count(strings.Join(log.lines, "\n"), name); n != 1 {
				t.Errorf("%s%d times in %q", name, n, log.lines)
			}
		}
	}
}
