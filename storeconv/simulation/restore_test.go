package simulation

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"imsconv/storeconv"
	"imsconv/storeconv/durable"
	"imsconv/storeconv/durable/crashfs"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/restore"
	"imsconv/storeconv/sims"
)

// storePath is in no folder that is there. Hard links ask the operating system
// on which file system it would be: the one of the tests' own folders.
var storePath = filepath.Join(os.TempDir(), "no-such-site", "store")

// restoreCase is a restore to be disturbed.
type restoreCase struct {
	name   string
	before [][]byte // restored first, undisturbed
	gone   []string // files below the store's partition that are removed then
	tapes  [][]byte
	opt    restore.Options
	fail   func(call, name string) error

	report restore.Report // of the last run
}

// said takes the problems that a run tells.
type said struct{ problems []string }

func (s *said) Problem(kind, where, text string) {
	s.problems = append(s.problems, kind+": "+where+": "+text)
}

func (*said) Warning(string, string, string) {}

func fails(err error, calls ...string) func(call, name string) error {
	return func(call, _ string) error {
		if slices.Contains(calls, call) {
			return err
		}
		return nil
	}
}

func restoreCases(t testing.TB) []restoreCase {
	first := tape(t, 958780800,
		"user joe", "box joe/INBOX 77", "msg joe/INBOX/1 one", "msg joe/INBOX/2 two", "box joe/Mail 88", "link joe/Mail/1 joe/INBOX/1",
		"user ann", "box ann/INBOX 5", "msg ann/INBOX/7 seven", "link ann/INBOX/8 joe/INBOX/2")
	later := tape(t, 958780809,
		"user joe", "box joe/INBOX 77", "msg joe/INBOX/1 one", "msg joe/INBOX/9 nine", "user ann", "box ann/INBOX 5", "msg ann/INBOX/9 neun",
		"user bob", "box bob/INBOX 4", "link bob/INBOX/3 joe/INBOX/9")
	turns := tape(t, 958780800,
		"box joe/INBOX 77", "msg joe/INBOX/1 one", "box ann/INBOX 5", "msg ann/INBOX/1 eins", "link joe/INBOX/2 ann/INBOX/1", "link ann/INBOX/2 bob/INBOX/1",
		"msg joe/INBOX/3 three", "msg ann/INBOX/3 drei", "link ann/INBOX/4 joe/INBOX/3", "box bob/INBOX 4", "msg bob/INBOX/1 uno", "link joe/INBOX/4 bob/INBOX/1")
	unsaid := tape(t, 958780800, "msg joe/INBOX/1 one", "msg joe/Mail/7 seven", "msg ann/INBOX/1 eins", "link ann/INBOX/2 joe/INBOX/1")
	unsaidLater := tape(t, 958790000, "msg joe/INBOX/1 one", "msg joe/INBOX/2 two", "msg joe/Mail/8 eight", "msg ann/INBOX/1 eins", "msg ann/INBOX/3 drei")
	unsaidTurns := tape(t, 958780800, "msg joe/INBOX/1 one", "msg ann/INBOX/1 x", "same joe/INBOX/2 one", "msg ann/INBOX/2 y", "same joe/INBOX/3 one", "msg joe/INBOX/4 four")
	asOne := tape(t, 958780800,
		"user zoe", "box zoe/INBOX 7", "msg zoe/INBOX/1 one", "user joe", "box joe/INBOX 77", "link joe/INBOX/1 zoe/INBOX/1", "msg joe/INBOX/2 two",
		"user ann", "box ann/INBOX 5", "link ann/INBOX/1 joe/INBOX/2", "link ann/INBOX/2 joe@x.test/INBOX/1", "user joe@x.test", "box joe@x.test/INBOX 77", "msg joe@x.test/INBOX/1 eins",
		"link joe@x.test/INBOX/4 zoe/INBOX/1", "link joe@x.test/INBOX/5 joe/INBOX/2", "msg joe@x.test/INBOX/6 six",
		"user eve", "box eve/INBOX 9", "link eve/INBOX/1 joe@x.test/INBOX/1", "link eve/INBOX/2 joe@x.test/INBOX/6",
		"link eve/INBOX/3 ann/INBOX/2", "link eve/INBOX/4 joe@x.test/INBOX/5", "user dan", "box dan/INBOX 3", "link dan/INBOX/1 eve/INBOX/3", "link dan/INBOX/2 eve/INBOX/4")
	chain := tape(t, 958780800,
		"user zoe", "box zoe/INBOX 7", "msg zoe/INBOX/1 one", "user joe", "box joe/INBOX 77", "link joe/INBOX/1 zoe/INBOX/1", "user ann", "box ann/INBOX 5", "link ann/INBOX/1 joe/INBOX/1")
	each := restore.Options{Sync: storeconv.SyncUser}
	zeros := bytes.Clone(asOne)
	at := bytes.Index(zeros, []byte("Subject: two"))
	clear(zeros[at : at+512])
	long := "joe/" + strings.Repeat("L", 120)
	longName := tape(t, 958780800, "user joe", "box joe/INBOX 77", "msg joe/INBOX/1 one", "box "+long+" 5", "msg "+long+"/1 two", "msg "+long+"/2 three",
		"box joe/Mail 6", "msg joe/Mail/1 four", "user ann", "box ann/INBOX 5", "msg ann/INBOX/7 seven")
	one := storeconv.Selection{Map: map[string]string{"joe@x.test": "joe"}}
	copies := tape(t, 958780800, "msg joe/INBOX/1 one", "same joe/INBOX/2 one")
	fewer := tape(t, 958790000, "msg joe/INBOX/1 one", "msg joe/INBOX/2 two", "msg ann/INBOX/1 x", "same joe/INBOX/3 one", "msg joe/INBOX/4 four", "msg ann/INBOX/2 y", "msg joe/INBOX/5 five")
	other := storeconv.Selection{Map: one.Map, Users: map[string]bool{"joe": true}}
	joined := restore.Options{Sync: storeconv.SyncUser, Selection: storeconv.Selection{Map: map[string]string{"ann": "joe"}}}
	named := restore.Options{Sync: storeconv.SyncUser, Existing: restore.NewName}
	return []restoreCase{
		{name: "new", tapes: [][]byte{first}},
		{name: "batches", tapes: [][]byte{first}, opt: each},
		{name: "existing", before: [][]byte{first}, tapes: [][]byte{later}},
		{name: "existing without exchange", before: [][]byte{first}, tapes: [][]byte{later}, opt: each, fail: fails(unix.EINVAL, "exchange")},
		{name: "existing without renameat2 and syncfs", before: [][]byte{first}, tapes: [][]byte{later}, fail: fails(unix.ENOSYS, "exchange", "noreplace", "syncfs")},
		{name: "existing without links", before: [][]byte{first}, tapes: [][]byte{later}, fail: fails(unix.EPERM, "linkat")},
		{name: "links across devices", tapes: [][]byte{first, later}, opt: each, fail: fails(unix.EXDEV, "linkat")},
		{name: "two tapes", tapes: [][]byte{first, later}, opt: each},
		{name: "two tapes that say no UIDVALIDITY", tapes: [][]byte{unsaid, unsaidLater}, opt: each},
		{name: "a first copy that is gone", before: [][]byte{first}, gone: []string{ims.UserDir("primary", "joe") + "/00/1.msg"}, tapes: [][]byte{first}, opt: each},
		{name: "users in turns", tapes: [][]byte{turns}},
		{name: "users in turns, each user", tapes: [][]byte{turns}, opt: each},
		{name: "users in turns that say no UIDVALIDITY", tapes: [][]byte{unsaidTurns}, opt: each},
		{name: "the same again", before: [][]byte{unsaidTurns}, tapes: [][]byte{unsaidTurns}, opt: each},
		{name: "copies that are there, users who are one", before: [][]byte{copies}, tapes: [][]byte{fewer}, opt: joined},
		{name: "new names", before: [][]byte{first}, tapes: [][]byte{first}, opt: restore.Options{Existing: restore.NewName}},
		{name: "two users become one", tapes: [][]byte{asOne}, opt: restore.Options{Selection: one}},
		{name: "two users become one, each user", tapes: [][]byte{asOne}, opt: restore.Options{Selection: one, Sync: storeconv.SyncUser}},
		{name: "two users become one, a body of zeros", tapes: [][]byte{zeros}, opt: restore.Options{Selection: one, Sync: storeconv.SyncUser}},
		{name: "two users become one who is there", before: [][]byte{first}, tapes: [][]byte{asOne}, opt: restore.Options{Selection: one}},
		{name: "new names, one too long", before: [][]byte{longName}, tapes: [][]byte{longName}, opt: named},
		{name: "one of two users who are one", tapes: [][]byte{asOne}, opt: restore.Options{Selection: other}},
		{name: "one of two users who are one, who is there", before: [][]byte{first}, tapes: [][]byte{asOne}, opt: restore.Options{Selection: other, Sync: storeconv.SyncUser}},
		{name: "without looking, two tapes", before: [][]byte{first}, tapes: [][]byte{first, later}, opt: restore.Options{Existing: restore.AppendAll, Sync: storeconv.SyncUser}},
		{name: "links to links", tapes: [][]byte{chain}},
		{name: "new names, two tapes", before: [][]byte{first}, tapes: [][]byte{first, later}, opt: named},
	}
}

func (c *restoreCase) run(f durable.FS, tapes [][]byte) error { return c.runAndSay(f, tapes, nil) }

func (c *restoreCase) runAndSay(f durable.FS, tapes [][]byte, log storeconv.Log) error {
	var streams []*restore.Stream
	for _, b := range tapes {
		s, err := restore.NewStream("tape", bytes.NewReader(b))
		if err != nil {
			return err
		}
		streams = append(streams, s)
	}
	opt := c.opt
	opt.FS, opt.Jobs, opt.Log = f, 1, log
	rep, err := restore.Restore(context.Background(), storePath, streams, opt)
	c.report = rep
	return err
}

// store makes the file system that the run begins with, all durable.
func (c *restoreCase) store(t testing.TB) *crashfs.FS {
	f := crashfs.New()
	if len(c.before) > 0 {
		before := restoreCase{}
		if err := before.run(f, c.before); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range c.gone {
		if err := f.Unlinkat(unix.AT_FDCWD, storePath+"/"+name, 0); err != nil {
			t.Fatal(err)
		}
	}
	f.Sync()
	return f
}

// status runs the case and returns the exit status.
func (c *restoreCase) status(t testing.TB, f durable.FS) int {
	var log said
	if err := c.runAndSay(f, c.tapes, &log); err != nil {
		t.Fatal(err)
	}
	return log.status()
}

// status is the exit status of a run that has come to its end.
func (s *said) status() int {
	if len(s.problems) > 0 {
		return 3
	}
	return 0
}

// isOver tells whether nothing is left of a run that has made the store what
// want lists, or nothing that counts of its folder, in which the file last is
// the last to go: then the same command is a second run.
func isOver(state *crashfs.FS, want []string, last string) bool {
	left, err := durable.Leftovers(state, storePath)
	if err != nil {
		return false // no store yet
	}
	for _, l := range left {
		if _, err := state.Fstatat(unix.AT_FDCWD, l.Path+"/"+last, 0); err == nil || !l.Finished {
			return false
		}
	}
	if len(left) > 0 {
		return true // with more names of its files, which a power cut has left
	}
	isOurs := func(line string) bool { return strings.HasPrefix(line, ".imsconv") }
	made := slices.DeleteFunc(state.Tree(storePath, nil), isOurs)
	return slices.Equal(made, slices.DeleteFunc(slices.Clone(want), isOurs))
}

func full() bool { return os.Getenv("IMSCONV_FULL") == "1" }

// Sample sizes of a normal run: operations of a case, and states after each.
const (
	sampleOps    = 24
	sampleStates = 6
	lastOps      = 3 // are always tried: a run tidies up there
)

// crashes calls fn with the states that a kill or a power cut leaves during
// what f has recorded since operation from, none twice.
func crashes(f *crashfs.FS, from int, fn func(when string, state *crashfs.FS)) {
	seen := make(map[string]bool)
	try := func(when string, state *crashfs.FS) {
		if id := state.State(); !seen[id] {
			seen[id] = true
			fn(when, state)
		}
	}
	step := 1
	if !full() {
		ops := sampleOps
		if testing.Short() { // the race detector has seen enough by then
			ops = 6
		}
		step = max(1, (f.Ops()-from)/ops)
	}
	for n := from; n <= f.Ops(); n++ {
		if (n-from)%step != 0 && f.Ops()-n >= lastOps {
			continue
		}
		try(fmt.Sprintf("killed after operation %d", n), f.Killed(n))
		i, every := 0, 1
		if p := f.Pending(n); !full() {
			every = max(1, crashfs.Cuts(p)/sampleStates)
		}
		for what, state := range f.PowerCuts(n, 1) {
			if i%every == n%every {
				try(fmt.Sprintf("power cut after operation %d (%s)", n, what), state)
			}
			i++
		}
	}
}

func TestRestore(t *testing.T) {
	for _, c := range restoreCases(t) {
		t.Run(c.name, func(t *testing.T) {
			f := c.store(t)
			f.Fail(c.fail)
			from := f.Ops()
			status := c.status(t, f)
			if n := f.Open(); n != 0 {
				t.Errorf("%d descriptors are open after the run", n)
			}
			want := f.Tree(storePath, nil)
			second := c.status(t, f.Killed(f.Ops()))
			states := 0
			crashes(f, from, func(when string, state *crashfs.FS) {
				states++
				state.Fail(c.fail)
				wantStatus := status
				if isOver(state, want, "told") {
					if c.opt.Existing == restore.AppendAll {
						return // it would add all once more
					}
					wantStatus = second
				}
				if got := c.status(t, state); got != wantStatus {
					t.Fatalf("%s: ends with %d, an undisturbed run with %d", when, got, wantStatus)
				}
				if got := state.Tree(storePath, nil); !slices.Equal(got, want) {
					t.Fatalf("%s:\n%s", when, difference(want, got))
				}
			})
			t.Logf("%d operations, %d states", f.Ops()-from, states)
		})
	}
}

// TestRestoreCountsAgain: a run that goes on after an interruption counts what
// an undisturbed one counts.
func TestRestoreCountsAgain(t *testing.T) {
	first := tape(t, 958780800, "user joe", "box joe/INBOX 77", "msg joe/INBOX/1 one", "user ann", "box ann/INBOX 5", "msg ann/INBOX/7 seven")
	later := tape(t, 958780809, "user joe", "box joe/INBOX 77", "msg joe/INBOX/1 one", "msg joe/INBOX/9 nine", "user ann", "box ann/INBOX 5", "msg ann/INBOX/9 neun")
	last := tape(t, 958780818, "user joe", "box joe/INBOX 77", "msg joe/INBOX/1 one", "msg joe/INBOX/9 nine", "user ann", "box ann/INBOX 5", "msg ann/INBOX/7 seven")
	for existing, there := range map[restore.Existing]int64{restore.Append: 2, restore.AppendAll: 0} {
		c := restoreCase{before: [][]byte{first}, tapes: [][]byte{first, later, last}, opt: restore.Options{Sync: storeconv.SyncUser, Existing: existing}}
		f := c.store(t)
		from := f.Ops()
		c.status(t, f)
		want := c.report
		if want.Duplicates != there || want.Repeated != 4 {
			t.Errorf("%+v", want)
		}
		tree := f.Tree(storePath, nil)
		crashes(f, from, func(when string, state *crashfs.FS) {
			if isOver(state, tree, "told") {
				return
			}
			c.status(t, state)
			if c.report.Resumed = 0; !c.report.Finished && !reflect.DeepEqual(c.report, want) {
				t.Errorf("%s:\n%+v\nundisturbed:\n%+v", when, c.report, want)
			}
		})
	}
}

// TestRestoreTellsAgain: a run that goes on after an interruption tells the
// problems that an undisturbed one tells, as long as anything is left of the
// interrupted one.
func TestRestoreTellsAgain(t *testing.T) {
	first := tape(t, 958780800, "user joe", "box joe/INBOX 77", "msg joe/INBOX/1 one", "msg joe/INBOX/2 two", "msg joe/INBOX/3 three", "user ann", "box ann/INBOX 5", "msg ann/INBOX/7 seven")
	later := tape(t, 958780809, "user joe", "box joe/INBOX 77", "msg joe/INBOX/2 two", "msg joe/INBOX/9 nine", "msg joe/INBOX/9 neun",
		"user ann", "box ann/INBOX 5", "msg ann/INBOX/9 neun", "link ann/INBOX/10 eve/INBOX/1", "user bob", "box bob/INBOX 4", "msg bob/INBOX/1 uno")
	inside := bytes.Clone(later)
	at := bytes.LastIndex(inside, []byte("Subject: neun"))
	clear(inside[at : at+512])
	joe := ims.UserDir("primary", "joe")
	each := restore.Options{Sync: storeconv.SyncUser}
	for _, c := range []restoreCase{
		{name: "an index is gone", before: [][]byte{first}, gone: []string{joe + "/store.idx"}, tapes: [][]byte{later}, opt: each},
		{name: "a message is gone", before: [][]byte{first}, gone: []string{joe + "/00/3.msg"}, tapes: [][]byte{later}, opt: each},
		{name: "other dates, damage in a body", before: [][]byte{first}, tapes: [][]byte{inside, later}, opt: each},
		{name: "a database is gone", before: [][]byte{first}, gone: []string{"mboxlist/quota.db"}, tapes: [][]byte{later}, opt: each},
		{name: "new names", before: [][]byte{first}, tapes: [][]byte{later}, opt: restore.Options{Sync: storeconv.SyncUser, Existing: restore.NewName}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := c.store(t)
			from := f.Ops()
			var want said
			if err := c.runAndSay(f, c.tapes, &want); err != nil {
				t.Fatal(err)
			}
			slices.Sort(want.problems)
			states := 0
			crashes(f, from, func(when string, state *crashfs.FS) {
				left, err := durable.Leftovers(state, storePath)
				if err != nil || len(left) == 0 {
					return
				}
				told := left[0].Path + "/told"
				if _, err := state.Fstatat(unix.AT_FDCWD, told, 0); err != nil && left[0].Finished {
					return // the last moment: nothing is left but an empty folder
				}
				states++
				var got said
				if err := c.runAndSay(state, c.tapes, &got); err != nil {
					t.Fatalf("%s: %v", when, err)
				}
				if slices.Sort(got.problems); !slices.Equal(got.problems, want.problems) {
					t.Fatalf("%s:\n%s", when, difference(want.problems, got.problems))
				}
			})
			t.Logf("%d problems, %d operations, %d states", len(want.problems), f.Ops()-from, states)
		})
	}
}

// difference lists what only one of two sorted lists has.
func difference(want, got []string) string {
	var out strings.Builder
	for _, l := range want {
		if !slices.Contains(got, l) {
			fmt.Fprintln(&out, "-", l)
		}
	}
	for _, l := range got {
		if !slices.Contains(want, l) {
			fmt.Fprintln(&out, "+", l)
		}
	}
	return out.String()
}

// tape makes a backup stream. A line is a kind of member, its name, and the
// UIDVALIDITY of a mailbox, the text of a message or the first copy of a link.
// A message that is the same as another has that one's date.
func tape(t testing.TB, date int64, lines ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := sims.NewWriter(&out, sims.Header{Product: "SIMS 4.0", Date: date}, 0)
	if err != nil {
		t.Fatal(err)
	}
	when := int64(900000000)
	dates := make(map[string]int64) // by text
	for _, line := range lines {
		f := append(strings.Fields(line), "")
		when += 1000
		m := sims.Member{Name: f[1], Time: when, Subscribed: -1}
		if f[0] == "same" {
			f[0], m.Time = "msg", dates[f[2]]
		}
		body := ""
		switch f[0] {
		case "user":
			m.Kind, m.Quota, m.HasQuota = sims.User, 1<<20, true
		case "box":
			m.Kind = sims.Mailbox
			fmt.Sscan(f[2], &m.UIDValidity)
		case "msg":
			dates[f[2]] = m.Time
			body = "Subject: " + f[2] + "\r\nMessage-ID: <" + f[2] + "@x>\r\n\r\n" + f[2] + "\r\n"
			m.Kind, m.Size = sims.Message, int64(len(body))
		case "link":
			m.Kind, m.Link = sims.Link, f[2]
		}
		if err := w.WriteMember(&m); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, body); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
