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

	"imsconv/storeconv/ims"
)

// indexTape has a mailbox in which nothing but the index tells messages apart:
// copies of one content with other flags, keywords, dates and UIDs with gaps.
var indexTape = []string{
	"user joe 2048",
	"box joe/INBOX 77 f1,f2",
	`msg joe/INBOX/1 \Seen,f2 one`,
	`msg joe/INBOX/5 - five`,
	`link joe/INBOX/6 \Flagged,f1 joe/INBOX/1`,
	`msg joe/INBOX/7 \Answered,f3 one`,
	`msg joe/INBOX/120 \Draft last`,
	"box joe/Mail 88",
	`link joe/Mail/1 \Flagged joe/INBOX/1`,
}

// lines are what a change does to the lines of an index.
type lines func(l []string) []string

// atLine is the number of the line of the first message.
func atLine(l []string) int { return slices.Index(l, "\n") + 1 }

// damages are ways to lose an index or a part of it, each with what is said
// of it.
var damages = []struct {
	name, said string
	change     lines // nil: it is removed
}{
	{"missing", "the index is missing", nil},
	{"last lines gone", "it has lines of 3 messages, and says 5", func(l []string) []string { return l[:len(l)-2] }},
	{"all lines gone", "it has lines of 0 messages, and says 5", func(l []string) []string { return l[:atLine(l)] }},
	{"cut inside the last line", "unexpected EOF", func(l []string) []string {
		last := l[len(l)-1]
		return append(l[:len(l)-1:len(l)-1], last[:len(last)/2])
	}},
	{"cut inside the header", "unexpected EOF", func(l []string) []string { return append(l[:3:3], l[3][:4]) }},
	{"a line that is none", "fields, 10 expected", func(l []string) []string {
		l[atLine(l)+1] = "5\t\x00\x00\x00\n"
		return l
	}},
	{"lines that do not ascend", "UID 1 after UID 5", func(l []string) []string {
		n := atLine(l)
		l[n], l[n+1] = l[n+1], l[n]
		return l
	}},
	{"a number in the header that is none", "Exists: number", func(l []string) []string {
		n := slices.IndexFunc(l, func(s string) bool { return strings.HasPrefix(s, "Exists:") })
		l[n] = "Exists: many\n"
		return l
	}},
}

func (c lines) apply(t *testing.T, store string) {
	t.Helper()
	name := filepath.Join(store, ims.MailboxDir("primary", "joe", "INBOX"), ims.IndexName)
	if c == nil {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
		return
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Join(c(slices.Collect(strings.Lines(string(text)))), "")
	if changed == string(text) {
		t.Fatal("nothing is changed")
	}
	if err := os.WriteFile(name, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestIndexIsMadeAgain: of an index that is missing or damaged the same stream
// makes what it was, byte for byte, adds nothing, and says so.
func TestIndexIsMadeAgain(t *testing.T) {
	b := tape(t, may20, indexTape...)
	for _, d := range damages {
		for name, opt := range map[string]Options{"": {}, ", many mailboxes": {boxesKept: 1}} {
			t.Run(d.name+name, func(t *testing.T) {
				store := restored(t, Options{}, b)
				want, wantLines := treeHash(t, store)
				d.change.apply(t, store)
				dry := opt
				dry.DryRun = true
				for _, o := range []Options{dry, opt} {
					rep, log, err := restoreTo(t, store, o, bytes.NewReader(b))
					if err != nil || len(log.lines) != 1 || !strings.HasPrefix(log.lines[0], "warning: index-made: ") || !strings.Contains(log.lines[0], d.said) {
						t.Errorf("dry run %v: %v, said %q, want %q", o.DryRun, err, log.lines, d.said)
					}
					if rep.Messages != 0 || rep.Duplicates != 6 {
						t.Errorf("dry run %v: report %+v", o.DryRun, rep)
					}
				}
				if got, lines := treeHash(t, store); got != want {
					t.Errorf("the store is another one:\n%s", lineDiff(wantLines, lines))
				}
				again(t, store, Options{}, b) // says nothing
				if got, lines := treeHash(t, store); got != want {
					t.Errorf("another time, the store is another one:\n%s", lineDiff(wantLines, lines))
				}
			})
		}
	}
}

// TestIndexIsMadeAgainInPart: messages that a damaged index does not name and
// the stream does not have stay, without flags, which is a problem. What the
// index names keeps its flags.
func TestIndexIsMadeAgainInPart(t *testing.T) {
	full := tape(t, may20, indexTape...)
	later := tape(t, may20+9, "box joe/INBOX 77 f1,f2", `msg joe/INBOX/7 \Answered,f3 one`, `msg joe/INBOX/121 \Seen new`)
	const header = "user/joe exists=6 last=121 validity=77 "
	for _, tt := range []struct {
		damage, said string
		want         []string
	}{
		{"missing", "0 are as it says, 1 as the stream says; of 4 neither says anything", []string{
			header + "[f1 f2 f3]", "1 []  0-0 one", "5 []  0-0 five", "6 []  0-0 one", `7 [\Answered] 04 77-7 one`, "120 []  0-0 last", `121 [\Seen]  77-121 new`,
		}},
		{"last lines gone", "3 are as it says, 1 as the stream says; of 1 neither says anything", []string{
			header + "[f1 f2 f3]", `1 [\Seen] 02 77-1 one`, "5 []  77-5 five", `6 [\Flagged] 01 77-6 one`, `7 [\Answered] 04 77-7 one`, "120 []  0-0 last", `121 [\Seen]  77-121 new`,
		}},
		{"a line that is none", "4 are as it says, 0 as the stream says; of 1 neither says anything", []string{
			header + "[f1 f2 f3]", `1 [\Seen] 02 77-1 one`, "5 []  0-0 five", `6 [\Flagged] 01 77-6 one`, `7 [\Answered] 04 77-7 one`, `120 [\Draft]  77-120 last`, `121 [\Seen]  77-121 new`,
		}},
	} {
		t.Run(tt.damage, func(t *testing.T) {
			store := restored(t, Options{}, full)
			for _, d := range damages {
				if d.name == tt.damage {
					d.change.apply(t, store)
				}
			}
			rep, log, err := restoreTo(t, store, Options{}, bytes.NewReader(later))
			said := slices.DeleteFunc(log.lines, func(l string) bool { return strings.HasPrefix(l, "problem: kept-date: ") })
			if err != nil || log.lost == 0 || len(said) != 1 || !strings.HasPrefix(said[0], "problem: no-index: ") || !strings.Contains(said[0], tt.said) {
				t.Errorf("%v, said %q, want %q", err, said, tt.said)
			}
			if rep.Messages != 1 || rep.Duplicates != 1 {
				t.Errorf("report %+v", rep)
			}
			checkBox(t, store, "joe", "INBOX", tt.want...)
		})
	}
}

// TestIndexWithoutValidity: a stream that does not announce the mailbox cannot
// tell its UIDVALIDITY either.
func TestIndexWithoutValidity(t *testing.T) {
	store := restored(t, Options{}, tape(t, may20, "box joe/INBOX 77", `msg joe/INBOX/1 \Seen one`))
	damages[0].change.apply(t, store)
	_, log, err := restoreTo(t, store, Options{}, bytes.NewReader(tape(t, may20, `msg joe/INBOX/1 \Seen one`)))
	if want := fmt.Sprintf("its UIDVALIDITY is not known, and is %d now", may20); err != nil || log.lost != 1 || !strings.Contains(log.lines[0], want) {
		t.Errorf("%v, said %q, want %q", err, log.lines, want)
	}
}

// TestDamagedIndexStays: a run that makes no index leaves a damaged one, says
// so, and adds no message a second time.
func TestDamagedIndexStays(t *testing.T) {
	b := tape(t, may20, indexTape...)
	store := restored(t, Options{}, b)
	damages[1].change.apply(t, store)
	_, before := treeHash(t, store)
	rep, log, err := restoreTo(t, store, Options{NoIndex: true}, bytes.NewReader(b))
	if err != nil || log.lost != 1 || !strings.HasPrefix(log.lines[0], "problem: bad-index: ") || rep.Messages != 0 {
		t.Errorf("%v, said %q, report %+v", err, log.lines, rep)
	}
	if _, after := treeHash(t, store); !cmp.Equal(before, after) {
		t.Errorf("the store is another one:\n%s", lineDiff(before, after))
	}
	// None at all is what such runs leave.
	store = restored(t, Options{NoIndex: true}, b)
	_, before = treeHash(t, store)
	again(t, store, Options{NoIndex: true}, b)
	if _, after := treeHash(t, store); !cmp.Equal(before, after) {
		t.Errorf("without an index, the store is another one:\n%s", lineDiff(before, after))
	}
}
