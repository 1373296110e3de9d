package restore

import (
	"bytes"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"imsconv/storeconv/sims"
	"imsconv/storeconv/verify"
)

// TestLinkBeforeItsFirstCopy: a link to something that comes later, with the
// same user, another one, in a later stream, or left out, is made in the same
// run, as the message it stands for.
func TestLinkBeforeItsFirstCopy(t *testing.T) {
	first := streamOf(t,
		sims.Member{Kind: sims.Mailbox, Name: "ann/INBOX", UIDValidity: 7, Subscribed: -1},
		sims.Member{Kind: sims.Link, Name: "ann/INBOX/1", Time: 900000000, Link: "ann/INBOX/9", Flags: `\Seen`},
		sims.Member{Kind: sims.Link, Name: "ann/INBOX/2", Time: 900000000, Link: "joe/INBOX/1"},
		sims.Member{Kind: sims.Link, Name: "ann/INBOX/3", Time: 900000000, Link: "zoe/INBOX/1"},
		sims.Member{Kind: sims.Link, Name: "ann/INBOX/4", Time: 900000000, Link: "joe/INBOX/2"},
		sims.Member{Kind: sims.Message, Name: "ann/INBOX/9", Time: 900000000},
		sims.Member{Kind: sims.Mailbox, Name: "joe/INBOX", UIDValidity: 8, Subscribed: -1},
		sims.Member{Kind: sims.Message, Name: "joe/INBOX/1", Time: 900000000},
		sims.Member{Kind: sims.Message, Name: "joe/INBOX/2", Time: 900000000, Flags: "expired"})
	second := streamOf(t,
		sims.Member{Kind: sims.Mailbox, Name: "zoe/INBOX", UIDValidity: 9, Subscribed: -1},
		sims.Member{Kind: sims.Message, Name: "zoe/INBOX/1", Time: 900000000})
	for _, existing := range []Existing{Append, AppendAll, NewName} {
		dir := t.TempDir()
		store := filepath.Join(dir, "store")
		dry, _, err := restoreTo(t, store, Options{Existing: existing, DryRun: true}, bytes.NewReader(first), bytes.NewReader(second))
		if err != nil {
			t.Fatal(err)
		}
		rep, log, err := restoreTo(t, store, Options{Existing: existing}, bytes.NewReader(first), bytes.NewReader(second))
		if err != nil || log.lost > 0 {
			t.Fatalf("%v, said %q", err, log.lines)
		}
		if rep.Messages != 7 || rep.Links != 3 || rep.Copies != 1 || rep.Refused != 0 || rep.Users != 3 || rep.Mailboxes != 3 {
			t.Errorf("%+v", rep)
		}
		if diff := cmp.Diff(rep, dry); diff != "" {
			t.Errorf("-run +dry:\n%s", diff)
		}
		if log := checkStreams(t, store, verify.StoreOptions{}, first, second); len(log.Problems)+len(log.Warnings) > 0 {
			t.Errorf("verify: %q %q", log.Problems, log.Warnings)
		}
		if existing != Append {
			continue
		}
		hash, _ := treeHash(t, store)
		rep = again(t, store, Options{}, first, second)
		if now, _ := treeHash(t, store); now != hash || rep.Messages != 0 {
			t.Errorf("again: %+v", rep)
		}
	}
}

// A link whose first copy never comes is lost, once, with its place.
func TestLinkWithoutFirstCopy(t *testing.T) {
	b := tape(t, may20, "box joe/INBOX 7", "link joe/INBOX/1 - ann/INBOX/5", "msg joe/INBOX/2 - two")
	for _, dry := range []bool{true, false} {
		rep, log, err := restoreTo(t, filepath.Join(t.TempDir(), "store"), Options{DryRun: dry}, bytes.NewReader(b))
		if err != nil || log.lost != 1 || !strings.Contains(log.lines[0], "joe/INBOX/1") || !strings.Contains(log.lines[0], "lost-link") {
			t.Errorf("%v, said %q", err, log.lines)
		}
		if rep.Refused != 1 || rep.Messages != 1 || rep.Users != 1 || rep.Mailboxes != 1 {
			t.Errorf("%+v", rep)
		}
	}
}

// TestLostLinkLeavesNothing: a link whose first copy is nowhere leaves no
// directory behind.
func TestLostLinkLeavesNothing(t *testing.T) {
	tape := streamOf(t,
		sims.Member{Kind: sims.Mailbox, Name: "ann/INBOX", UIDValidity: 7, Subscribed: -1},
		sims.Member{Kind: sims.Message, Name: "ann/INBOX/1", Time: 900000000},
		sims.Member{Kind: sims.Link, Name: "ann/INBOX/777", Time: 900000000, Link: "joe/INBOX/1"})
	store := filepath.Join(t.TempDir(), "store")
	_, log, err := restoreTo(t, store, Options{}, bytes.NewReader(tape))
	if err != nil || log.lost != 1 {
		t.Fatalf("%v, %q", err, log.lines)
	}
	checked := checkStreams(t, store, verify.StoreOptions{})
	if len(checked.Problems)+len(checked.Warnings) > 0 {
		t.Errorf("%q %q", checked.Problems, checked.Warnings)
	}
}

// TestFlagsOfLinksPutOff: what a later stream says of a link decides about its
// flags, whichever of the two had to wait for the first copy; the same again
// changes nothing.
func TestFlagsOfLinksPutOff(t *testing.T) {
	box, mail := []string{"box zoe/Sent 7"}, []string{"box joe/INBOX 5", "msg joe/INBOX/1 - one"}
	link := func(flags string) []string { return append(box[:1:1], "link zoe/Sent/3 "+flags+" joe/INBOX/1") }
	for name, tapes := range map[string][][]string{
		"both put off":   {append(link("-"), mail...), append(link(`\Seen`), mail...)},
		"the first":      {append(link("-"), mail...), append(mail[:2:2], link(`\Seen`)...)},
		"without flags":  {append(link(`\Flagged`), mail...), append(mail[:2:2], link("-")...)},
		"three":          {append(link("-"), mail...), append(link(`\Flagged`), mail...), append(link(`\Seen`), mail...)},
		"the first copy": {link("-"), append(link(`\Seen`), mail...)},
	} {
		var streams [][]byte
		for i, lines := range tapes {
			streams = append(streams, tape(t, may20+int64(i), lines...))
		}
		store := filepath.Join(shmDir(t), "store")
		if _, log, err := restoreTo(t, store, Options{}, readers(streams)...); err != nil || strings.Contains(strings.Join(log.lines, "\n"), "lost") {
			t.Errorf("%s: %v, said %q", name, err, log.lines)
		}
		want := `3 [\Seen]  7-3 one`
		if name == "without flags" {
			want = "3 []  7-3 one"
		}
		if got := boxLines(t, store, "zoe", "Sent"); len(got) != 2 || got[1] != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
		if rep, log, err := restoreTo(t, store, Options{}, readers(streams)...); err != nil || rep.Messages > 0 || !slices.Equal(boxLines(t, store, "zoe", "Sent")[1:], []string{want}) {
			t.Errorf("%s again: %v, %+v, said %q", name, err, rep, log.lines)
		}
	}
}

func readers(streams [][]byte) (list []io.Reader) {
	for _, s := range streams {
		list = append(list, bytes.NewReader(s))
	}
	return list
}

// TestDryLinkToAnExpiredFirstCopy: a dry run looks for a first copy in the
// store before it takes the body of one that has expired, as the run does.
func TestDryLinkToAnExpiredFirstCopy(t *testing.T) {
	store := restored(t, Options{}, tape(t, may20, "box joe/INBOX 7", "msg joe/INBOX/1 - one", "msg joe/INBOX/2 - two"))
	b := tape(t, may20+10, "box joe/INBOX 7", "msg joe/INBOX/1 expired one", "msg joe/INBOX/3 expired three", "box zoe/INBOX 8", "link zoe/INBOX/9 - joe/INBOX/1", "link zoe/INBOX/10 - joe/INBOX/3")
	dry, _, err := restoreTo(t, store, Options{DryRun: true}, bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	rep, _, err := restoreTo(t, store, Options{}, bytes.NewReader(b))
	if diff := cmp.Diff(rep, dry); err != nil || diff != "" || rep.Links != 1 || rep.Copies != 1 {
		t.Errorf("%v, -run +dry:\n%s", err, diff)
	}
}
