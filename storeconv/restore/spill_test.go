package restore

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"imsconv/storeconv"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/sims"
	"imsconv/storeconv/testsite"
	"imsconv/storeconv/testsite/reference"
	"imsconv/storeconv/verify"
)

// boxesInTurns is a stream of two users with many mailboxes each, whose
// messages come in turns and out of order, with flags, keywords, links to
// mailboxes that are in memory no more, and mailboxes announced late.
func boxesInTurns(t testing.TB, shift int) []byte {
	t.Helper()
	var members []sims.Member
	for _, uid := range []int{1, 3, 2, 9} {
		for i := range 24 {
			box := fmt.Sprintf("%s/F%d/%c", []string{"joe", "ann"}[i%2], i/6, 'a'+i%6)
			if uid == 1 || uid == 2 && i%3 == 0 {
				members = append(members, sims.Member{Kind: sims.Mailbox, Name: box, UIDValidity: uint32(i + 1), UIDNext: uint32(20 + uid), Subscribed: int8(i % 2),
					Keywords: fmt.Sprint("k", uid), ACL: fmt.Sprintf("%s\tlrswipcda\nanyone\tlr", box[:3])})
			}
			m := sims.Member{Kind: sims.Message, Name: fmt.Sprintf("%s/%d", box, uid+shift), Time: int64(900000000 + uid),
				Flags: []string{`\Seen k1`, `\Deleted k2`, "k3 K1", "expired"}[(uid+i)%4]}
			if uid > 1 && i%5 == 0 {
				m.Kind, m.Flags = sims.Link, `\Seen`
				m.Link = fmt.Sprintf("joe/F%d/%c/%d", (i+2)%24/6, 'a'+(i+2)%24/2*2%6, 1+shift)
			}
			members = append(members, m)
		}
	}
	return streamOf(t, members...)
}

// TestMailboxesInTheJournal: how many mailboxes of a user are in memory changes
// nothing.
func TestMailboxesInTheJournal(t *testing.T) {
	var site bytes.Buffer
	if _, err := testsite.WriteStream(&site, testsite.StreamOptions{Seed: 9, Users: 3, Mailboxes: 9, Messages: 200, Links: 40, Expired: 20, MedianSize: 300, Odd: true}, nil); err != nil {
		t.Fatal(err)
	}
	first, later := boxesInTurns(t, 0), boxesInTurns(t, 1)
	for name, rounds := range map[string][][][]byte{
		"site":        {{site.Bytes()}, {site.Bytes()}},
		"in turns":    {{first}, {later}, {first, later}},
		"two streams": {{first, later}, {later}},
	} {
		for _, opt := range []Options{{}, {Existing: AppendAll}, {Existing: NewName}, {NoIndex: true}, {linesKept: 300}} {
			name := fmt.Sprintf("%s, %+v", name, opt.Existing)
			dir := shmDir(t)
			few, many := filepath.Join(dir, "few"), filepath.Join(dir, "many")
			for n, streams := range rounds {
				if n > 0 { // a message that is gone comes back
					for _, store := range []string{few, many} {
						os.Remove(filepath.Join(store, ims.MailboxDir("primary", "joe", "F0/a"), ims.MessagePath(1)))
					}
				}
				restore := func(store string, kept int) (Report, []string) {
					o := opt
					o.boxesKept = kept
					log := &lineLog{}
					o.Log = log
					var in []*Stream
					for _, s := range streams {
						in = append(in, stream(t, "s", bytes.NewReader(s)))
					}
					rep, err := Restore(t.Context(), store, in, o)
					if err != nil {
						t.Fatalf("%s: %v", name, err)
					}
					return rep, log.lines
				}
				a, said := restore(few, 2)
				b, say := restore(many, 0)
				if diff := cmp.Diff(b, a); diff != "" {
					t.Errorf("%s, time %d (-many +few):\n%s", name, n, diff)
				}
				if diff := cmp.Diff(sorted(say), sorted(said)); diff != "" {
					t.Errorf("%s, time %d, said (-many +few):\n%s", name, n, diff)
				}
				reference.DiffLines(t, fmt.Sprintf("%s, time %d", name, n), storeLines(t, few), storeLines(t, many))
			}
			for _, problem := range checkStreams(t, few, verify.StoreOptions{NoIndex: opt.NoIndex}).Problems {
				// The later stream does not have what was removed.
				if !strings.Contains(problem, "00/1.msg") && !strings.HasPrefix(problem, "quota ") {
					t.Errorf("%s: %s", name, problem)
				}
			}
		}
	}
}

// TestMailboxesInTheJournalInterrupted: the same after a failure.
func TestMailboxesInTheJournalInterrupted(t *testing.T) {
	c := faultCase{tapes: [][]byte{boxesInTurns(t, 0), boxesInTurns(t, 1)}, opt: Options{boxesKept: 3, Sync: storeconv.SyncUser}}
	checkFaults(t, &c, shmDir(t), 12)
}

func sorted(lines []string) []string {
	lines = slices.Clone(lines)
	slices.Sort(lines)
	return lines
}
