package restore

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"imsconv/storeconv"
	"imsconv/storeconv/durable"
	"imsconv/storeconv/durable/crashfs"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/verify"
)

// strange reads a stream of testdata/strangers.
func strange(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata/strangers", name+".tar"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// texts lists the messages of all mailboxes of a store: the mailbox, the UID
// and the text behind the header, sorted.
func texts(t testing.TB, store string) []string {
	t.Helper()
	root, err := os.Open(store)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	var out []string
	for box, err := range ims.NewReader(root).All() {
		if err != nil {
			t.Error(err)
			continue
		}
		err = box.Messages(func(e *ims.Error) { t.Error(e) }, func(uid uint32) error {
			b, err := os.ReadFile(filepath.Join(store, box.Path, ims.MessagePath(uid)))
			b = bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n"))
			if _, text, ok := bytes.Cut(b, []byte("\n\n")); ok {
				b = text
			}
			out = append(out, fmt.Sprintf("%s %d %s", box.FullName(), uid, strings.TrimSpace(string(b))))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(out)
	return out
}

// readIndexOf reads the index of a mailbox.
func readIndexOf(t testing.TB, store, id, mailbox string) *ims.Index {
	t.Helper()
	f, err := os.Open(filepath.Join(store, ims.MailboxDir("primary", id, mailbox), "store.idx"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	x, err := ims.ReadIndex(f)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// INBOX is the name of one mailbox, and of no folder on the way to others.
func TestFoldersOfInbox(t *testing.T) {
	tar := strange(t, "inboxsub")
	store := restored(t, Options{}, tar)
	want := []string{"INBOX", "INBOX/sub", "sub"}
	root, err := os.Open(store)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	var got []string
	for box, err := range ims.NewReader(root).All() {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, box.Name)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("mailboxes of the reader (-want +got):\n%s", diff)
	}
	if log := checkStreams(t, store, verify.StoreOptions{}, tar); len(log.Problems) > 0 {
		t.Errorf("verify: %q", log.Problems)
	}
}

// Two users made one keep all that both had, in two runs and in one, and a
// third run finds it all there.
func TestTwoUsersIntoOne(t *testing.T) {
	tar := strange(t, "merge")
	one := func(user string) Options {
		return Options{Selection: storeconv.Selection{Users: map[string]bool{user: true}, Map: map[string]string{user: "x"}}}
	}
	store := restored(t, one("anna"), tar)
	again(t, store, one("bert"), tar)
	want := texts(t, store)
	if len(want) != 2 || want[0][len("user/x 1 "):] == want[1][len("user/x 2 "):] {
		t.Fatalf("messages: %q", want)
	}
	for _, user := range []string{"anna", "bert", "anna"} {
		if rep := again(t, store, one(user), tar); rep.Messages != 0 || rep.Duplicates != 1 {
			t.Errorf("%s again: %+v", user, rep)
		}
	}
	if diff := cmp.Diff(want, texts(t, store)); diff != "" {
		t.Errorf("after further runs (-want +got):\n%s", diff)
	}

	both := Options{Selection: storeconv.Selection{Map: map[string]string{"anna": "x", "bert": "x"}}}
	single := filepath.Join(shmDir(t), "store")
	_, log, err := restoreTo(t, single, both, bytes.NewReader(tar))
	if err != nil || log.lost > 0 || len(log.lines) != 1 || !strings.Contains(log.lines[0], "same-user") {
		t.Errorf("both in one run: %v, said %q", err, log.lines)
	}
	if diff := cmp.Diff(want, texts(t, single)); diff != "" {
		t.Errorf("both in one run (-want +got):\n%s", diff)
	}
}

// A link is there already when its content is.
func TestLinkWithAnotherContent(t *testing.T) {
	store := restored(t, Options{}, strange(t, "linkuid1"))
	rep := again(t, store, Options{}, strange(t, "linkuid2"))
	if rep.Messages != 2 || rep.Duplicates != 0 {
		t.Errorf("report %+v", rep)
	}
	first := texts(t, store)
	if len(first) != 3 {
		t.Fatalf("messages: %q", first)
	}
	for _, name := range []string{"linkuid2", "linkuid1", "linkuid2"} {
		if rep := again(t, store, Options{}, strange(t, name)); rep.Messages != 0 {
			t.Errorf("%s again: %+v", name, rep)
		}
	}
	if diff := cmp.Diff(first, texts(t, store)); diff != "" {
		t.Errorf("after further runs (-want +got):\n%s", diff)
	}
	checkStreams(t, store, verify.StoreOptions{})
}

// A later stream's state arrives the same in a run of its own and together
// with the earlier one.
func TestLaterStateInItsOwnRun(t *testing.T) {
	full, incr := strange(t, "full"), strange(t, "incr")
	together := restored(t, Options{}, full, incr)
	apart := restored(t, Options{}, full)
	rep := again(t, apart, Options{}, incr)
	if rep.Messages != 1 || rep.Duplicates != 1 || rep.Updated != 1 {
		t.Errorf("report %+v", rep)
	}
	if diff := cmp.Diff(storeLines(t, together), storeLines(t, apart)); diff != "" {
		t.Errorf("apart (-together +apart):\n%s", diff)
	}
	x := readIndexOf(t, apart, "joe", "INBOX")
	if x.LastUID != 19 || !x.Subscribed || x.ACL != "joe\tlrswipcda\tanyone\tlrs" || len(x.Userflags) != 2 || x.Messages[0].Flags != ims.Seen {
		t.Errorf("index %+v", x)
	}
	hash, _ := treeHash(t, apart)
	again(t, apart, Options{}, incr)
	if now, _ := treeHash(t, apart); now != hash {
		t.Error("the later stream again changed the store")
	}
}

// A UID that the source has given out is given to no other message.
func TestUIDsAreGivenOnce(t *testing.T) {
	store := restored(t, Options{}, strange(t, "incr"))
	other := tape(t, may20, "box joe/INBOX 99", "msg joe/INBOX/1 - other")
	again(t, store, Options{}, other)
	x := readIndexOf(t, store, "joe", "INBOX")
	if last := x.Messages[len(x.Messages)-1].UID; last != 20 {
		t.Errorf("UID %d, want 20: uidnext was 20", last)
	}
	// In one run after the other stream, and announced late.
	store = restored(t, Options{}, strange(t, "full"))
	again(t, store, Options{}, strange(t, "incr"), other)
	x = readIndexOf(t, store, "joe", "INBOX")
	if last := x.Messages[len(x.Messages)-1].UID; last != 20 {
		t.Errorf("UID %d, want 20: uidnext was 20", last)
	}
}

// What the index has is looked at before a message counts as there.
func TestPutBack(t *testing.T) {
	first := tape(t, may20, firstTape...)
	whole := restored(t, Options{}, first)
	_, want := treeHash(t, whole)
	joe, ann := ims.MailboxDir("primary", "joe", "INBOX"), ims.MailboxDir("primary", "ann", "INBOX")
	for name, c := range map[string]struct {
		damage func(store string) error
		back   int64
	}{
		"missing":      {func(s string) error { return os.Remove(filepath.Join(s, joe, "00/1.msg")) }, 1},
		"link missing": {func(s string) error { return os.Remove(filepath.Join(s, ann, "00/3.msg")) }, 1},
		"cut short":    {func(s string) error { return os.Truncate(filepath.Join(s, joe, "00/1.msg"), 10) }, 2},
		"no directory": {func(s string) error { return os.RemoveAll(filepath.Join(s, joe, "00")) }, 2},
	} {
		store := restored(t, Options{}, first)
		if err := c.damage(store); err != nil {
			t.Fatal(err)
		}
		dry, _, err := restoreTo(t, store, Options{DryRun: true}, bytes.NewReader(first))
		if err != nil || dry.PutBack != c.back {
			t.Errorf("%s, dry: %v, %+v", name, err, dry)
		}
		rep := again(t, store, Options{}, first)
		if rep.PutBack != c.back || rep.Messages != 0 || rep.Duplicates != 4-c.back {
			t.Errorf("%s: report %+v", name, rep)
		}
		if log := checkStreams(t, store, verify.StoreOptions{}); len(log.Problems) > 0 {
			t.Errorf("%s: verify: %q", name, log.Problems)
		}
		if name == "cut short" || name == "no directory" || name == "missing" {
			again(t, store, Options{}, first)
		}
		if name == "link missing" {
			if _, got := treeHash(t, store); !cmp.Equal(want, got) {
				t.Errorf("%s: %s", name, cmp.Diff(want, got))
			}
		}
	}
}

// What is missing and cannot be put back is a problem.
func TestMissingAndNotInTheStream(t *testing.T) {
	store := restored(t, Options{}, tape(t, may20, firstTape...))
	if err := os.Remove(filepath.Join(store, ims.MailboxDir("primary", "joe", "INBOX"), "00/5.msg")); err != nil {
		t.Fatal(err)
	}
	later := tape(t, may20+9, "box joe/INBOX 77", "msg joe/INBOX/9 - nine")
	_, log, err := restoreTo(t, store, Options{}, bytes.NewReader(later))
	if err != nil || log.lost != 1 || !strings.Contains(log.lines[0], "00/5.msg") {
		t.Errorf("%v, said %q", err, log.lines)
	}
}

// Where no links can be made, every later copy is a copy.
func TestCopiesWithoutLinks(t *testing.T) {
	for _, errno := range []unix.Errno{unix.EMLINK, unix.EPERM, unix.EXDEV} {
		for name, copies := range map[string]int64{"emlink-chain": 2, "emlink-expired": 2} {
			for _, piped := range []bool{false, true} {
				f := crashfs.New()
				f.Fail(func(call, _ string) error {
					if call == "linkat" {
						return errno
					}
					return nil
				})
				tar := strange(t, name)
				for n := range 2 {
					s := stream(t, "s", bytes.NewReader(tar))
					if piped {
						s = stream(t, "s", pipe{bytes.NewReader(tar)})
					}
					rep, err := Restore(context.Background(), "/store", []*Stream{s}, Options{FS: f, Jobs: 1})
					if err != nil {
						t.Errorf("%s, %v, time %d: %v", name, errno, n, err)
					} else if n == 0 && rep.Copies != copies {
						t.Errorf("%s, %v: %+v", name, errno, rep)
					}
				}
				if left, err := durable.Leftovers(f, "/store"); err != nil || len(left) > 0 {
					t.Errorf("%s, %v: left %v, %v", name, errno, left, err)
				}
			}
		}
	}
}

// A dry run counts what the run then does.
func TestDryRunHasTheFiguresOfTheRun(t *testing.T) {
	first := tape(t, may20, firstTape...)
	other := tape(t, may20, "box joe/INBOX 99", `msg joe/INBOX/1 - uno`, `msg joe/INBOX/20 - veinte`, `link joe/Mail/7 - joe/INBOX/20`, "link bob/INBOX/1 - joe/INBOX/20")
	stages := [][]byte{first, other, other, strange(t, "full"), strange(t, "incr"), strange(t, "emlink-expired"), strange(t, "emlink-chain"), strange(t, "linkuid2")}
	store := filepath.Join(shmDir(t), "store")
	for i, tar := range stages {
		dry, dryLog, err := restoreTo(t, store, Options{DryRun: true}, bytes.NewReader(tar))
		if err != nil {
			t.Fatal(err)
		}
		rep, log, err := restoreTo(t, store, Options{}, bytes.NewReader(tar))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(rep, dry); diff != "" {
			t.Errorf("stream %d (-run +dry):\n%s", i, diff)
		}
		if diff := cmp.Diff(log.lines, dryLog.lines); diff != "" {
			t.Errorf("stream %d said (-run +dry):\n%s", i, diff)
		}
	}
}

// TestDryRunOfSeveralStreams: of several streams a dry run counts and tells
// what the run does, also of what an earlier stream would have put into place.
func TestDryRunOfSeveralStreams(t *testing.T) {
	a := tape(t, may20, firstTape...)
	b := tape(t, may20+9, "user joe 4096", "box joe/INBOX 77 f2,f1", `msg joe/INBOX/1 \Deleted one`, `msg joe/INBOX/9 f2 nine`, `msg joe/INBOX/9 - again`, `link joe/INBOX/10 - joe/INBOX/5`)
	other := tape(t, may20, "box joe/INBOX 99", `msg joe/INBOX/1 - uno`, `msg joe/INBOX/20 - veinte`, `link joe/Mail/7 - joe/INBOX/20`, "link bob/INBOX/1 - joe/INBOX/20", "link bob/INBOX/2 - eve/INBOX/1")
	unsaid := tape(t, may20, "msg joe/INBOX/1 - one", "msg joe/Old/2 - two", "msg joe/Old/3 - two", "link ann/INBOX/1 - joe/Old/2")
	unsaidLater := tape(t, may20+9, `msg joe/INBOX/1 \Seen one`, "msg joe/INBOX/2 - new", "msg joe/Old/2 - two", "link ann/INBOX/1 - joe/Old/2", "link ann/INBOX/2 - joe/INBOX/2")
	for _, tt := range []struct {
		name   string
		before [][]byte
		spoil  string // a file that is removed then
		opt    Options
		tapes  [][]byte
	}{
		{name: "one stream twice", tapes: [][]byte{a, a}},
		{name: "one stream three times", tapes: [][]byte{a, a, a}},
		{name: "later flags", tapes: [][]byte{a, b}},
		{name: "another UIDVALIDITY", tapes: [][]byte{a, other, other, b}},
		{name: "no UIDVALIDITY", tapes: [][]byte{unsaid, unsaid}},
		{name: "no UIDVALIDITY, later", tapes: [][]byte{unsaid, unsaidLater}},
		{name: "both", tapes: [][]byte{unsaid, a, unsaidLater}},
		{name: "into a store", before: [][]byte{a}, tapes: [][]byte{b, other, a}},
		{name: "an index is gone", before: [][]byte{a}, spoil: ims.IndexName, tapes: [][]byte{b, a}},
		{name: "a message is gone", before: [][]byte{a}, spoil: "00/1.msg", tapes: [][]byte{b, a}},
		{name: "-i", before: [][]byte{a}, opt: Options{Existing: AppendAll}, tapes: [][]byte{a, b}},
		{name: "-n", before: [][]byte{a}, opt: Options{Existing: NewName}, tapes: [][]byte{a, b}},
		{name: "CR LF", opt: Options{CRLF: true}, tapes: [][]byte{a, a}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			store := filepath.Join(shmDir(t), "store")
			if tt.before != nil {
				again(t, store, Options{}, tt.before...)
			}
			if tt.spoil != "" {
				if err := os.Remove(filepath.Join(store, ims.MailboxDir("primary", "joe", "INBOX"), tt.spoil)); err != nil {
					t.Fatal(err)
				}
			}
			run := func(dry bool) (Report, []string) {
				var in []io.Reader
				for _, b := range tt.tapes {
					in = append(in, bytes.NewReader(b))
				}
				opt := tt.opt
				opt.DryRun = dry
				rep, log, err := restoreTo(t, store, opt, in...)
				if err != nil {
					t.Fatal(err)
				}
				return rep, log.lines
			}
			dry, drySaid := run(true)
			rep, said := run(false)
			if diff := cmp.Diff(rep, dry); diff != "" {
				t.Errorf("-run +dry:\n%s", diff)
			}
			if diff := cmp.Diff(said, drySaid); diff != "" {
				t.Errorf("said, -run +dry:\n%s", diff)
			}
		})
	}
}

// Dates at and before 1970 are dates.
func TestDatesBefore1970(t *testing.T) {
	store := restored(t, Options{}, strange(t, "pre1970"))
	x := readIndexOf(t, store, "joe", "INBOX")
	if len(x.Messages) != 2 || x.Messages[1].InternalDate != -1 || x.OldestMsg != -1 {
		t.Errorf("index %+v", x)
	}
	info, err := os.Stat(filepath.Join(store, ims.MailboxDir("primary", "joe", "INBOX"), "00/2.msg"))
	if err != nil || info.ModTime().Unix() != -1 {
		t.Errorf("time %v, %v", info.ModTime(), err)
	}
	again(t, store, Options{}, strange(t, "pre1970"))
}

// Two names of the stream that the encoding makes one are kept from each other.
func TestNamesThatBecomeOne(t *testing.T) {
	b := tape(t, may20, "msg joe/\x81\xe0/1 - one", "msg joe/\x87\x90/2 - two", "msg joe/inbox/3 - three", "msg joe/INBOX/4 - four",
		"msg ann/INBOX/1 - a", "msg joe/\x87\x90/5 - five", "msg joe/\x81\xe0/6 - six")
	store := filepath.Join(shmDir(t), "store")
	_, log, err := restoreTo(t, store, Options{Selection: storeconv.Selection{Encoding: "Shift_JIS"}}, bytes.NewReader(b))
	if err != nil || log.lost != 2 || !strings.Contains(log.lines[0], "name-collision") || !strings.Contains(log.lines[1], "name-collision") {
		t.Errorf("%v, said %q", err, log.lines)
	}
	if got := texts(t, store); len(got) != 5 {
		t.Errorf("messages: %q", got)
	}
}
