package simulation

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"imsconv/storeconv"
	"imsconv/storeconv/durable/crashfs"
	"imsconv/storeconv/export"
	"imsconv/storeconv/restore"
	"imsconv/storeconv/sims"
)

const outPath = "/site/out"

// exportCase is an export to be disturbed.
type exportCase struct {
	name   string
	before [][]byte // exported first, undisturbed
	tape   []byte
	store  bool // the source is the store that a restore makes of the tape, real files
	opt    export.Options
	fail   func(call, name string) error
}

func exportCases(t testing.TB) []exportCase {
	first := tape(t, 958780800,
		"user joe", "box joe/INBOX 77", "msg joe/INBOX/1 one", "msg joe/INBOX/2 two", "box joe/Mail 88", "link joe/Mail/1 joe/INBOX/1",
		"user ann", "box ann/INBOX 5", "msg ann/INBOX/7 seven", "link ann/INBOX/8 joe/INBOX/2")
	later := tape(t, 958780809,
		"user joe", "box joe/INBOX 77", "msg joe/INBOX/1 one", "msg joe/INBOX/9 nine", "box joe/v1.2 99", "msg joe/v1.2/4 four",
		"user ann", "box ann/INBOX 5", "msg ann/INBOX/9 neun", "user bob", "box bob/INBOX 4", "link bob/INBOX/3 joe/INBOX/9")
	plain, flagged := flaggedTape(t, ""), flaggedTape(t, `\Seen Work`)
	troubled, anew := troubledTape(t, 77), troubledTape(t, 78)
	each := export.Options{Sync: storeconv.SyncUser}
	return []exportCase{
		{name: "new", tape: first},
		{name: "new, each user", tape: first, opt: each},
		{name: "new without links and syncfs", tape: first, fail: fails(unix.EPERM, "linkat", "syncfs")},
		{name: "new without renameat2", tape: first, fail: fails(unix.ENOSYS, "exchange", "noreplace")},
		{name: "of a store", tape: first, store: true},
		{name: "of a store, shared", tape: first, store: true, opt: export.Options{Via: export.Hardlink}},
		{name: "second", before: [][]byte{first}, tape: later},
		{name: "second, each user", before: [][]byte{first}, tape: later, opt: each},
		{name: "second without links and syncfs", before: [][]byte{first}, tape: later, fail: fails(unix.EPERM, "linkat", "syncfs")},
		{name: "mbox", tape: first, opt: export.Options{To: export.Mbox}},
		{name: "mbox second", before: [][]byte{first}, tape: later, opt: export.Options{To: export.Mbox, Mboxcl2: true}},
		{name: "flags of the source", before: [][]byte{plain}, tape: flagged, opt: export.Options{Keep: export.KeepNone}},
		{name: "troubled", tape: troubled, opt: each},
		{name: "troubled, of a store", tape: troubled, store: true},
		{name: "troubled, mbox", tape: troubled, opt: export.Options{To: export.Mbox}},
		{name: "troubled, made anew", before: [][]byte{troubled}, tape: anew, opt: each},
		{name: "troubled, more keywords", before: [][]byte{plain}, tape: troubled},
		{name: "second without renameat2", before: [][]byte{first}, tape: later, opt: each, fail: fails(unix.ENOSYS, "noreplace", "syncfs")},
	}
}

// flaggedTape is a tape of two messages, the second with flags.
func flaggedTape(t testing.TB, flags string) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := sims.NewWriter(&out, sims.Header{Product: "SIMS 4.0", Date: 958780800}, 0)
	for _, m := range []sims.Member{
		{Kind: sims.Mailbox, Name: "joe/INBOX", UIDValidity: 77},
		{Kind: sims.Message, Name: "joe/INBOX/1", Time: 900000001},
		{Kind: sims.Message, Name: "joe/INBOX/2", Time: 900000002, Flags: flags},
	} {
		if err == nil {
			err = w.WriteMember(&m)
		}
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// troubledTape is a tape of which much is told because of what is made of it:
// names, keywords, flags, dates, UIDs, rights and limits that do not fit.
func troubledTape(t testing.TB, validity uint32) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := sims.NewWriter(&out, sims.Header{Product: "SIMS 4.0", Date: 958780800}, 0)
	var words []string
	for i := range 30 {
		words = append(words, fmt.Sprintf("Word%d", i))
	}
	for _, user := range []string{"ann", "joe"} {
		for _, m := range []sims.Member{
			{Kind: sims.User, Name: user, Quota: 1 << 20, HasQuota: true},
			{Kind: sims.Mailbox, Name: user + "/INBOX", UIDValidity: validity, ACL: user + "\tlrs\njim\tlr9"},
			{Kind: sims.Message, Name: user + "/INBOX/1", Time: 900000001, Flags: `\Archived ` + strings.Join(words, " ")},
			{Kind: sims.Message, Name: user + "/INBOX/2", Time: -5},
			{Kind: sims.Message, Name: user + "/INBOX/4294967295", Time: 900000003},
			{Kind: sims.Mailbox, Name: user + "/Inbox", UIDValidity: validity, ACL: "jim\tlr"},
			{Kind: sims.Message, Name: user + "/Inbox/4", Time: 900000004},
		} {
			if err == nil {
				err = w.WriteMember(&m)
			}
		}
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// run exports, and returns the lines that were told.
func (c *exportCase) run(t testing.TB, f *crashfs.FS, tape []byte, from string) (map[string]bool, error) {
	src := export.FromStore(from)
	if from == "" {
		var err error
		if src, err = export.FromStream("tape", bytes.NewReader(tape)); err != nil {
			t.Fatal(err)
		}
	}
	opt := c.opt
	log := telling{}
	opt.FS, opt.Jobs, opt.Log = f, 1, log
	_, err := export.Export(context.Background(), outPath, src, opt)
	return log, err
}

// telling are the lines that a run tells.
type telling map[string]bool

func (l telling) Problem(kind, where, text string) { l["problem "+kind+" "+where+": "+text] = true }
func (l telling) Warning(kind, where, text string) { l["warning "+kind+" "+where+": "+text] = true }

// restored is the store of a tape, in real files.
func restored(t testing.TB, tape []byte) string {
	t.Helper()
	s, err := restore.NewStream("tape", bytes.NewReader(tape))
	if err != nil {
		t.Fatal(err)
	}
	store := filepath.Join(t.TempDir(), "store")
	if _, err := restore.Restore(context.Background(), store, []*restore.Stream{s}, restore.Options{Sync: storeconv.SyncNone}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(store); err != nil {
		t.Fatal(err)
	}
	return store
}

// TestExport stops an export after every operation. The same command again
// leaves what an undisturbed run leaves and tells what that tells, and a user
// is never there in part.
func TestExport(t *testing.T) {
	for _, c := range exportCases(t) {
		t.Run(c.name, func(t *testing.T) {
			from := ""
			if c.store {
				from = restored(t, c.tape)
			}
			f := crashfs.New()
			f.LinkReal()
			for _, b := range c.before {
				if _, err := c.run(t, f, b, ""); err != nil {
					t.Fatal(err)
				}
			}
			f.Sync()
			f.Fail(c.fail)
			start := f.Ops()
			told, err := c.run(t, f, c.tape, from)
			if err != nil {
				t.Fatal(err)
			}
			if n := f.Open(); n != 0 {
				t.Errorf("%d descriptors are open after the run", n)
			}
			want := f.Tree(outPath, nil)
			states, place := 0, "/Maildir"
			if c.opt.To == export.Mbox {
				place = "/"
			}
			crashes(f, start, func(when string, state *crashfs.FS) {
				states++
				if c.before == nil {
					checkWhole(t, when, state, want, place)
				}
				state.Fail(c.fail)
				over := hasEnded(state, want)
				again, err := c.run(t, state, c.tape, from)
				if err != nil {
					t.Fatalf("%s: %v", when, err)
				}
				for line := range told {
					if !over && !again[line] {
						t.Fatalf("%s: not told again: %s", when, line)
					}
				}
				if got := state.Tree(outPath, nil); !slices.Equal(got, want) {
					t.Fatalf("%s:\n%s", when, difference(want, got))
				}
			})
			t.Logf("%d operations, %d states", f.Ops()-start, states)
		})
	}
}

// hasEnded tells whether a run has done all, and but for its folder is over.
func hasEnded(state *crashfs.FS, want []string) bool {
	left := state.Tree(outPath, func(path string) bool { return strings.HasSuffix(path, ".done") })
	return slices.Equal(left, want)
}

// checkWhole holds that each user is there as in the end, or not at all.
func checkWhole(t *testing.T, when string, state *crashfs.FS, want []string, place string) {
	t.Helper()
	mail := func(lines []string) map[string][]string {
		users := make(map[string][]string)
		for _, line := range lines {
			user, rest, _ := strings.Cut(line, place)
			if rest != "" && user[0] != '.' {
				line, _, _ = strings.Cut(line, " =") // what it shares its bytes with may be elsewhere yet
				users[user] = append(users[user], line)
			}
		}
		return users
	}
	all := mail(want)
	for user, lines := range mail(state.Tree(outPath, nil)) {
		if !slices.Equal(lines, all[user]) {
			t.Fatalf("%s: %s is there in part:\n%s", when, user, difference(all[user], lines))
		}
	}
}
