package export

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"imsconv/storeconv"
	"imsconv/storeconv/durable"
	"imsconv/storeconv/maildir"
	"imsconv/storeconv/sims"
)

// member is one member of a stream that a test writes.
type member struct {
	sims.Member
	body string
}

func boxed(name string, validity uint32) member {
	return member{sims.Member{Kind: sims.Mailbox, Name: name, UIDValidity: validity, Subscribed: 1}, ""}
}

func msg(name string, date int64, flags, body string) member {
	return member{sims.Member{Kind: sims.Message, Name: name, Time: date, Flags: flags, Size: int64(len(body)), Subscribed: -1}, body}
}

// write writes a stream.
func write(t testing.TB, members ...member) string {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "stream"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w, err := sims.NewWriter(f, sims.Header{Date: 958780800}, 0)
	if err != nil {
		t.Fatal(err)
	}
	for i := range members {
		m := &members[i]
		if err := w.WriteMember(&m.Member); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(m.body)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return f.Name()
}

// names lists a directory.
func names(t testing.TB, dir string) []string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range list {
		out = append(out, e.Name())
	}
	return out
}

func content(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestSecondPass: a server has changed flags, expunged, delivered and made a
// folder; the source has more mail. What is there stays, what is new comes.
func TestSecondPass(t *testing.T) {
	first := []member{
		boxed("joe/INBOX", 77), msg("joe/INBOX/1", 1001, `\Seen`, "one\r\n"), msg("joe/INBOX/2", 1002, "", "two\r\n"), msg("joe/INBOX/3", 1003, "Junk", "three\r\n"),
	}
	more := append(slices.Clone(first), msg("joe/INBOX/4", 1004, `\Flagged Work`, "four\r\n"), msg("joe/INBOX/9", 1009, "Junk", "nine\n"),
		boxed("joe/New", 88), msg("joe/New/5", 1005, "", "five\r\n"))
	for _, keep := range []Keep{KeepFlags, KeepNone} {
		dir := t.TempDir()
		joe := dir + "/joe/Maildir/"
		exportTo(t, dir, streamOf(t, write(t, first...)), Options{Path: "%u/Maildir"})
		if err := os.Rename(joe+"cur/1002.M2P0.imsconv,S=5,W=5:2,", joe+"cur/1002.M2P0.imsconv,S=5,W=5:2,FS"); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(joe + "cur/1001.M1P0.imsconv,S=5,W=5:2,S"); err != nil {
			t.Fatal(err)
		}
		list := content(t, joe+"dovecot-uidlist")
		list = strings.Replace(list, " N4 ", " N5 ", 1) + "4 :new.mail.of.server:2,\n"
		if err := os.WriteFile(joe+"dovecot-uidlist", []byte(list), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(joe+"cur/new.mail.of.server:2,", nil, 0o600); err != nil {
			t.Fatal(err)
		}
		changed := slices.Clone(more)
		changed[2].Flags = `\Draft`
		rep, log := exportTo(t, dir, streamOf(t, write(t, changed...)), Options{Keep: keep})
		if len(log.Problems) > 0 || rep.Messages != 3 || rep.There != 3 || rep.OtherUID != 1 {
			t.Errorf("%+v %q", rep, log.Problems)
		}
		second := map[Keep]string{KeepFlags: "FS", KeepNone: "D"}[keep]
		want := []string{"1002.M2P0.imsconv,S=5,W=5:2," + second, "1003.M3P0.imsconv,S=7,W=7:2,a", "1004.M4P0.imsconv,S=6,W=6:2,Fb", "1009.M9P0.imsconv,S=5,W=6:2,a", "new.mail.of.server:2,"}
		if got := names(t, joe+"cur"); !slices.Equal(got, want) {
			t.Errorf("keep %d: %q, want %q", keep, got, want)
		}
		if got := content(t, joe+"dovecot-keywords"); got != "0 Junk\n1 Work\n" {
			t.Errorf("keywords %q", got)
		}
		end := "4 :new.mail.of.server:2,\n5 :1004.M4P0.imsconv,S=6,W=6:2,Fb\n9 :1009.M9P0.imsconv,S=5,W=6:2,a\n"
		if got := content(t, joe+"dovecot-uidlist"); !strings.HasSuffix(got, end) || !strings.Contains(got, " V77 N10 ") && !strings.HasPrefix(got, "3 V77 N10 ") {
			t.Errorf("uidlist:\n%s", got)
		}
		if got := content(t, joe+"subscriptions"); got != "V\t2\n\nINBOX\nNew\n" {
			t.Errorf("subscriptions %q", got)
		}
		if got := names(t, joe+".New/cur"); !slices.Equal(got, []string{"1005.M5P0.imsconv,S=6,W=6:2,"}) {
			t.Errorf("New: %q", got)
		}
		before := tree(t, dir)
		rep, _ = exportTo(t, dir, streamOf(t, write(t, changed...)), Options{Keep: keep})
		if rep.Messages != 0 || rep.There != 6 {
			t.Errorf("the third time: %+v", rep)
		}
		if !slices.Equal(tree(t, dir), before) {
			t.Errorf("the third time something has changed")
		}
	}
}

// unowned is a file system on which a directory of some name cannot be given
// away.
type unowned struct {
	durable.FS
	name string
}

func (u unowned) Fchownat(dir int, name string, uid, gid, flags int) error {
	if name == u.name {
		return unix.EIO
	}
	return u.FS.Fchownat(dir, name, uid, gid, flags)
}

// TestDirectoryWithoutItsOwner: a directory above a new mailbox that a second
// pass has made, and could not give its owner, gets it from the next.
func TestDirectoryWithoutItsOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root gives files away")
	}
	first := []member{boxed("joe/INBOX", 77), msg("joe/INBOX/1", 1001, "", "one\r\n")}
	more := append(slices.Clone(first), boxed("joe/Mail/Old", 88), msg("joe/Mail/Old/5", 1005, "", "five\r\n"))
	for name, opt := range map[string]Options{"joe/Maildir/Mail": {Layout: maildir.FS}, "joe/Mail": {To: Mbox}} {
		dir := t.TempDir()
		opt.Owner, opt.Sync = &storeconv.Owner{UID: 1234, GID: 99}, storeconv.SyncNone
		exportTo(t, dir, streamOf(t, write(t, first...)), opt)
		opt.FS = unowned{durable.OS, name}
		if _, err := Export(t.Context(), dir, streamOf(t, write(t, more...)), opt); !errors.Is(err, unix.EIO) || !strings.Contains(err.Error(), filepath.Join(dir, name)) {
			t.Fatalf("%s: %v", name, err)
		}
		opt.FS = nil
		exportTo(t, dir, streamOf(t, write(t, more...)), opt)
		var st unix.Stat_t
		if err := unix.Stat(filepath.Join(dir, name), &st); err != nil || st.Uid != 1234 || st.Gid != 99 {
			t.Errorf("%s: owner %d:%d, %v", name, st.Uid, st.Gid, err)
		}
	}
}

// TestDeletedMailbox: a mailbox that was deleted on the new side comes back
// with new mail only, and only that.
func TestDeletedMailbox(t *testing.T) {
	for _, to := range []Format{Maildir, Mbox} {
		dir := t.TempDir()
		first := []member{boxed("joe/INBOX", 7), msg("joe/INBOX/1", 1, "", "one\r\n"), boxed("joe/Old", 8), msg("joe/Old/1", 1, "", "one\r\n"), boxed("joe/Empty", 9)}
		exportTo(t, dir, streamOf(t, write(t, first...)), Options{To: to})
		gone := []string{dir + "/joe/Maildir/.Old", dir + "/joe/Maildir/.Empty"}
		if to == Mbox {
			gone = []string{dir + "/joe/Old", dir + "/joe/Empty"}
		}
		for _, path := range gone {
			if err := os.RemoveAll(path); err != nil {
				t.Fatal(err)
			}
		}
		exportTo(t, dir, streamOf(t, write(t, append(first, msg("joe/INBOX/2", 2, "", "two\r\n"))...)), Options{To: to})
		for _, path := range gone {
			if _, err := os.Stat(path); err == nil {
				t.Errorf("%s is there again", path)
			}
		}
		exportTo(t, dir, streamOf(t, write(t, append(first, msg("joe/Old/2", 2, "", "two\r\n"))...)), Options{To: to})
		text := ""
		if to == Mbox {
			text = content(t, gone[0])
		} else {
			text = content(t, gone[0]+"/cur/2.M2P0.imsconv,S=5,W=5:2,")
			if n := len(names(t, gone[0]+"/cur")); n != 1 {
				t.Errorf("%d messages", n)
			}
		}
		if !strings.Contains(text, "two") || strings.Contains(text, "one") {
			t.Errorf("%q", text)
		}
	}
}

// TestRenamedMailbox: a mailbox that a client has given another name keeps its
// GUID there; what is made again, when the source has more, has another, each
// time, and the same in every such run.
func TestRenamedMailbox(t *testing.T) {
	var runs [2][]string
	for i := range runs {
		dir := t.TempDir()
		joe := dir + "/joe/Maildir/"
		src := []member{boxed("joe/Old", 8)}
		for n := range 4 {
			exportTo(t, dir, streamOf(t, write(t, src...)), Options{})
			head, _, _ := strings.Cut(content(t, joe+".Old/dovecot-uidlist"), "\n")
			_, guid, _ := strings.Cut(head, " G")
			if slices.Contains(runs[i], guid) || len(guid) != 32 {
				t.Errorf("time %d: %q again, of %q", n, guid, runs[i])
			}
			runs[i] = append(runs[i], guid)
			if err := os.Rename(joe+".Old", fmt.Sprintf("%s.Archive%d", joe, n)); err != nil {
				t.Fatal(err)
			}
			src = append(src, msg(fmt.Sprintf("joe/Old/%d", n+3), int64(n+3), "", "more\r\n"))
		}
	}
	if !slices.Equal(runs[0], runs[1]) {
		t.Errorf("%q, then %q", runs[0], runs[1])
	}
}

// TestOtherUIDL: UIDLs that readers know are not changed by a later run.
func TestOtherUIDL(t *testing.T) {
	src := []member{boxed("joe/INBOX", 7), msg("joe/INBOX/1", 1, "", "one\r\n")}
	for _, row := range [][2]string{{"%v-%u", "%08Xu%08Xv"}, {"%v-%u", ""}, {"", "%v-%u"}} {
		dir := t.TempDir()
		exportTo(t, dir, streamOf(t, write(t, src...)), Options{UIDL: row[0]})
		before := tree(t, dir)
		_, err := Export(t.Context(), dir, streamOf(t, write(t, src...)), Options{UIDL: row[1]})
		if err == nil || !strings.Contains(err.Error(), "--pop3-uidl") {
			t.Errorf("%q, then %q: %v", row[0], row[1], err)
		}
		if after := tree(t, dir); !slices.Equal(before, after) {
			t.Errorf("%q, then %q: the destination has changed", row[0], row[1])
		}
		exportTo(t, dir, streamOf(t, write(t, src...)), Options{UIDL: row[0]})
	}
}

// TestLocked: while somebody holds the lock of a mailbox its user is left out,
// and the same command goes on later.
func TestLocked(t *testing.T) {
	dir := t.TempDir()
	first := []member{boxed("ann/INBOX", 5), msg("ann/INBOX/1", 1, "", "one\r\n"), boxed("joe/INBOX", 77), msg("joe/INBOX/1", 1, "", "one\r\n")}
	exportTo(t, dir, streamOf(t, write(t, first...)), Options{})
	more := append(slices.Clone(first), msg("ann/INBOX/2", 2, "", "two\r\n"), msg("joe/INBOX/2", 2, "", "two\r\n"))
	lock := dir + "/joe/Maildir/dovecot-uidlist.lock"
	if err := os.WriteFile(lock, []byte("17:host"), 0o600); err != nil {
		t.Fatal(err)
	}
	path := write(t, more...)
	rep, err := Export(context.Background(), dir, streamOf(t, path), Options{Sync: storeconv.SyncNone})
	if !errors.Is(err, ErrWaiting) || rep.Waiting != 1 || rep.Lost["locked"] != 2 {
		t.Errorf("%+v, %v", rep, err)
	}
	if got := names(t, dir+"/joe/Maildir/cur"); len(got) != 1 {
		t.Errorf("joe has %q", got)
	}
	if got := names(t, dir+"/ann/Maildir/cur"); len(got) != 2 {
		t.Errorf("ann has %q", got)
	}
	if content(t, lock) != "17:host" {
		t.Error("the lock is another")
	}
	os.Remove(lock)
	exportTo(t, dir, streamOf(t, path), Options{})
	if got := content(t, dir+"/joe/Maildir/dovecot-uidlist"); !strings.Contains(got, "\n2 :2.M2P0.imsconv,S=5,W=5:2,\n") {
		t.Errorf("uidlist:\n%s", got)
	}
	if got := names(t, dir+"/.imsconv"); !slices.Equal(got, []string{"export", "exported", "lock"}) {
		t.Errorf("left in .imsconv: %q", got)
	}
	if _, err := os.Stat(lock); err == nil {
		t.Error("a lock is left")
	}
}

// TestNewValidity: a source that has made a mailbox anew has the same mail
// under other UIDs; it comes once.
func TestNewValidity(t *testing.T) {
	dir := t.TempDir()
	exportTo(t, dir, streamOf(t, write(t, boxed("joe/INBOX", 77), msg("joe/INBOX/1", 1, "", "one\r\n"), msg("joe/INBOX/2", 2, "", "two\r\n"))), Options{})
	path := write(t, boxed("joe/INBOX", 99), msg("joe/INBOX/1", 2, "", "two\r\n"), msg("joe/INBOX/2", 1, "", "one\r\n"), msg("joe/INBOX/3", 2, "", "TWO\r\n"))
	for range 2 {
		exportTo(t, dir, streamOf(t, path), Options{})
		got := names(t, dir+"/joe/Maildir/cur")
		if len(got) != 3 || !strings.HasPrefix(got[2], "2.M3P") {
			t.Errorf("%q", got)
		}
		if list := content(t, dir+"/joe/Maildir/dovecot-uidlist"); !strings.HasPrefix(list, "3 V77 N4 ") {
			t.Errorf("uidlist:\n%s", list)
		}
	}
}

// TestComesBack: a stream that does not keep its users together leaves what one
// that does leaves.
func TestComesBack(t *testing.T) {
	var together, apart []member
	for u := range 300 {
		together = append(together, boxed(fmt.Sprintf("u%d/INBOX", u), 7), msg(fmt.Sprintf("u%d/INBOX/1", u), 5, "Work", "one\r\n"), msg(fmt.Sprintf("u%d/INBOX/2", u), 6, `\Seen`, "two\r\n"))
		apart = append(apart, boxed(fmt.Sprintf("u%d/INBOX", u), 7), msg(fmt.Sprintf("u%d/INBOX/1", u), 5, "Work", "one\r\n"))
	}
	for u := range 300 {
		apart = append(apart, msg(fmt.Sprintf("u%d/INBOX/2", u), 6, `\Seen`, "two\r\n"))
	}
	a, b := t.TempDir(), t.TempDir()
	exportTo(t, a, streamOf(t, write(t, together...)), Options{})
	rep, log := exportTo(t, b, streamOf(t, write(t, apart...)), Options{})
	if len(log.Problems) > 0 {
		t.Errorf("%+v %q", rep, log.Problems)
	}
	if got, want := tree(t, b), tree(t, a); !slices.Equal(got, want) {
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("%s\n%s", got[i], want[i])
			}
		}
	}
}

// TestNextUID: UIDs that the source has given since, and that no message of it
// has any more, are given to no other message.
func TestNextUID(t *testing.T) {
	dir := t.TempDir()
	list := dir + "/joe/Maildir/dovecot-uidlist"
	box := boxed("joe/INBOX", 77)
	one := msg("joe/INBOX/1", 1001, "", "one\r\n")
	for _, step := range []struct{ next, want uint32 }{{5, 5}, {9, 9}, {7, 9}} {
		box.UIDNext = step.next
		exportTo(t, dir, streamOf(t, write(t, box, one)), Options{Path: "%u/Maildir"})
		if got, want := content(t, list), fmt.Sprintf("3 V77 N%d G", step.want); !strings.HasPrefix(got, want) {
			t.Errorf("next UID %d of the source: %q, want %q", step.next, got, want)
		}
	}
	before := tree(t, dir)
	box.UIDNext = 9
	exportTo(t, dir, streamOf(t, write(t, box, one)), Options{Path: "%u/Maildir"})
	if !slices.Equal(tree(t, dir), before) {
		t.Error("once more, and something has changed")
	}
}

// TestDryRun: a dry run tells what the run then does, of later copies too.
func TestDryRun(t *testing.T) {
	stream := "../../testdata/site/sims/backup.sims"
	for _, opt := range []Options{{Path: "%u/Maildir"}, {Path: "%u", To: Mbox}, {Path: "%u/Maildir", Newline: LF}, {Path: "%u/Maildir", Selection: storeconv.Selection{Paths: []string{"wallyc"}}}} {
		dir := t.TempDir()
		var reports [2]Report
		var results [2]bytes.Buffer
		for i, dry := range []bool{true, false} {
			opt.DryRun, opt.Results = dry, &results[i]
			reports[i], _ = exportTo(t, dir, streamOf(t, stream), opt)
		}
		if !reflect.DeepEqual(reports[0], reports[1]) {
			t.Errorf("dry %+v\nrun %+v", reports[0], reports[1])
		}
		if results[0].String() != results[1].String() {
			t.Errorf("dry\n%s\nrun\n%s", &results[0], &results[1])
		}
	}
}

// TestDryRunAgain: a dry run into what is there counts what a run then does:
// other UIDs, keywords that have no place.
func TestDryRunAgain(t *testing.T) {
	words := make([]string, 30)
	for i := range words {
		words[i] = fmt.Sprintf("word%d", i)
	}
	first := []member{boxed("joe/INBOX", 77), msg("joe/INBOX/1", 1001, strings.Join(words[:25], " "), "one\r\n"), msg("joe/INBOX/5", 1005, "", "five\r\n")}
	more := append(slices.Clone(first), msg("joe/INBOX/3", 1003, "word7 word28 word29", "three\r\n"), msg("joe/INBOX/7", 1007, "", "seven\r\n"), msg("joe/INBOX/4294967295", 1008, "", "high\r\n"),
		boxed("joe/New", 88), msg("joe/New/5", 1005, strings.Join(words, " "), "five\r\n"), msg("joe/New/4294967295", 1006, "", "high\r\n"))
	for _, to := range []Format{Maildir, Mbox} {
		dir := t.TempDir()
		exportTo(t, dir, streamOf(t, write(t, first...)), Options{To: to})
		before := tree(t, dir)
		dry, said := exportTo(t, dir, streamOf(t, write(t, more...)), Options{To: to, DryRun: true})
		if !slices.Equal(tree(t, dir), before) {
			t.Error("the dry run has changed something")
		}
		run, told := exportTo(t, dir, streamOf(t, write(t, more...)), Options{To: to})
		if !reflect.DeepEqual(said, told) {
			t.Errorf("dry %+v\nrun %+v", said, told)
		}
		if !reflect.DeepEqual(dry, run) || run.OtherUID == 0 || to == Maildir && run.KeywordsLost != 5 {
			t.Errorf("dry %+v\nrun %+v", dry, run)
		}
	}
}

// TestRefusedIsSelected: what is refused for its name does not count as not
// selected.
func TestRefusedIsSelected(t *testing.T) {
	stream := write(t, boxed("joe/INBOX", 77), msg("joe/INBOX/1", 1001, "", "one\r\n"), msg("joe/a%b/1", 1, "", "two\r\n"), msg("ann/INBOX/1", 1, "", "three\r\n"), msg("joe@/INBOX/1", 1, "", "four\r\n"))
	rep, log := exportTo(t, t.TempDir(), streamOf(t, stream), Options{Path: "%d/%n", Selection: storeconv.Selection{Domain: "siroe.com", Users: map[string]bool{"joe": true, "joe@": true}}})
	if rep.NotSelected != 1 || rep.Messages != 1 || len(log.Problems) < 2 || rep.Lost["bad-name"] != 1 || rep.Lost["no-place"] != 1 {
		t.Errorf("%+v %q", rep, log.Problems)
	}
}

// TestTruncated: a stream that ends within a message is told with its position,
// once.
func TestTruncated(t *testing.T) {
	stream := write(t, boxed("joe/INBOX", 77), msg("joe/INBOX/1", 1001, "", strings.Repeat("one\r\n", 200)))
	text := content(t, stream)
	if err := os.Truncate(stream, int64(strings.Index(text, "one\r\n")+600)); err != nil {
		t.Fatal(err)
	}
	_, log := exportTo(t, t.TempDir(), streamOf(t, stream), Options{Path: "%u/Maildir"})
	if len(log.Problems) != 1 || strings.Count(log.Problems[0], "joe/INBOX/1") != 1 {
		t.Errorf("%q", log.Problems)
	}
}

// TestUidlistGone: where the uidlist of a mailbox that is there is gone or cut,
// its messages must not get other UIDs under the UIDVALIDITY that clients know.
// The mailbox stays as it is and is told, by a dry run too, until the server
// has made the list anew.
func TestUidlistGone(t *testing.T) {
	first := []member{
		boxed("joe/INBOX", 77), msg("joe/INBOX/11", 1001, "", "one\r\n"), msg("joe/INBOX/12", 1002, "", "two\r\n"), msg("joe/INBOX/13", 1003, "", "three\r\n"),
		boxed("ann/INBOX", 78), msg("ann/INBOX/5", 1005, "", "five\r\n"),
	}
	more := append(slices.Clone(first), msg("joe/INBOX/14", 1004, "", "four\r\n"), msg("ann/INBOX/6", 1006, "", "six\r\n"))
	for name, harm := range map[string]func(list string) string{
		"gone":             nil,
		"empty":            func(string) string { return "" },
		"cut between":      func(list string) string { return list[:strings.Index(list, "\n13 ")+1] },
		"cut in the head":  func(list string) string { return list[:10] },
		"cut to its head":  func(list string) string { return list[:strings.Index(list, "\n")+1] },
		"cut inside lines": func(list string) string { return list[:strings.Index(list, "\n13 ")+3] },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			joe := dir + "/joe/Maildir/"
			exportTo(t, dir, streamOf(t, write(t, first...)), Options{})
			list := content(t, joe+"dovecot-uidlist")
			if err := os.Remove(joe + "dovecot-uidlist"); err != nil {
				t.Fatal(err)
			}
			if harm != nil {
				if err := os.WriteFile(joe+"dovecot-uidlist", []byte(harm(list)), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			before := tree(t, dir+"/joe")
			for _, dry := range []bool{true, false, false} {
				rep, log := exportTo(t, dir, streamOf(t, write(t, more...)), Options{DryRun: dry})
				if len(log.Problems) != 1 || !strings.HasPrefix(log.Problems[0], "not-exported user joe: ") || !strings.Contains(log.Problems[0], "dovecot-uidlist") {
					t.Errorf("dry %v: told %q", dry, log.Problems)
				}
				if rep.Refused != 1 || rep.Users != 1 || rep.Lost["not-exported"] != 4 {
					t.Errorf("dry %v: %+v", dry, rep)
				}
				if now := tree(t, dir+"/joe"); !slices.Equal(now, before) {
					t.Errorf("dry %v: the mailbox has changed:\n%q\n%q", dry, now, before)
				}
			}
			if list := content(t, dir+"/ann/Maildir/dovecot-uidlist"); !strings.Contains(list, "\n6 ") {
				t.Errorf("ann's new message has no UID: %q", list)
			}
			// The server makes the list anew.
			anew := strings.Replace(strings.Replace(list, " V77 ", " V99 ", 1), "\n11 ", "\n1 ", 1)
			if err := os.WriteFile(joe+"dovecot-uidlist", []byte(anew), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, log := exportTo(t, dir, streamOf(t, write(t, more...)), Options{}); len(log.Problems) > 0 {
				t.Error(log.Problems)
			}
			want := strings.Replace(anew, " N14 ", " N15 ", 1) + "14 :1004.M14P0.imsconv,S=6,W=6:2,\n"
			if got := content(t, joe+"dovecot-uidlist"); got != want {
				t.Errorf("%q, want %q", got, want)
			}
		})
	}
}
