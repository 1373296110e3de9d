package restore

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"imsconv/storeconv"
	"imsconv/storeconv/backup"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/sims"
	"imsconv/storeconv/verify"
)

// A backup calls messages by the UIDs that they have in the store, which are
// others than in the stream that some of them came from. Restored into its own
// store it changes nothing, and puts back what is gone.
func TestBackupIntoItsOwnStore(t *testing.T) {
	stream := func(validity uint32) io.Reader {
		var b bytes.Buffer
		w, err := sims.NewWriter(&b, sims.Header{Date: 981538200}, 0)
		if err != nil {
			t.Fatal(err)
		}
		put := func(m *sims.Member, body string) {
			m.Size = int64(len(body))
			if err := w.WriteMember(m); err != nil {
				t.Fatal(err)
			}
			io.WriteString(w, body)
		}
		put(&sims.Member{Kind: sims.Mailbox, Name: "joe/INBOX", UIDValidity: validity}, "")
		for i := range 3 {
			put(&sims.Member{Kind: sims.Message, Name: fmt.Sprintf("joe/INBOX/%d", i+1), Time: 900000000, Flags: `\Seen`}, fmt.Sprintf("%d of %d\r\n", i, validity))
		}
		put(&sims.Member{Kind: sims.Link, Name: "joe/INBOX/4", Link: "joe/INBOX/1", Time: 900000004, Flags: `\Flagged`}, "")
		put(&sims.Member{Kind: sims.Message, Name: "joe/INBOX/5", Time: 900000005}, string(bytes.Repeat([]byte("long\r\n"), 200_000)))
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return &b
	}
	store := filepath.Join(shmDir(t), "store")
	for _, validity := range []uint32{7, 8, 9} {
		if _, log, err := restoreTo(t, store, Options{}, stream(validity)); err != nil || len(log.lines) > 0 {
			t.Fatalf("%v, said %q", err, log.lines)
		}
	}
	_, before := treeHash(t, store)
	var own bytes.Buffer
	if _, err := backup.Backup(t.Context(), &own, store, backup.Options{}); err != nil {
		t.Fatal(err)
	}
	for _, dry := range []bool{true, false} {
		rep, log, err := restoreTo(t, store, Options{DryRun: dry}, bytes.NewReader(own.Bytes()))
		if err != nil || len(log.lines) > 0 || rep.Messages != 0 || rep.Duplicates != 15 {
			t.Errorf("dry run %v: %v, said %q, %d messages, %d there", dry, err, log.lines, rep.Messages, rep.Duplicates)
		}
		if _, after := treeHash(t, store); !cmp.Equal(before, after) {
			t.Errorf("dry run %v: the store has changed:\n%s", dry, cmp.Diff(before, after))
		}
	}

	for _, uid := range []uint32{2, 7, 9, 15} {
		if err := os.Remove(filepath.Join(store, ims.UserDir("primary", "joe"), ims.MessagePath(uid))); err != nil {
			t.Fatal(err)
		}
	}
	rep, _, err := restoreTo(t, store, Options{}, bytes.NewReader(own.Bytes()))
	if err != nil || rep.PutBack != 4 || rep.Messages != 0 {
		t.Errorf("%v, %d put back, %d messages", err, rep.PutBack, rep.Messages)
	}
}

// The first copy of a message has expired: its file is dated by the first that
// has not, so that a backup of the store, where that is the first copy, says
// what the store has, and gives it back.
func TestBackupWithoutExpiredFirstCopies(t *testing.T) {
	b := tape(t, may20, "box ann/INBOX 5", "msg ann/INBOX/1 expired one", "box bob/INBOX 6", "link bob/INBOX/2 - ann/INBOX/1",
		"box joe/INBOX 7", "link joe/INBOX/3 - ann/INBOX/1", "msg joe/INBOX/4 expired two", "link joe/INBOX/5 expired joe/INBOX/4", "link joe/INBOX/6 - joe/INBOX/4", "link joe/INBOX/7 - joe/INBOX/6")
	store := filepath.Join(shmDir(t), "store")
	for range 2 {
		if _, log, err := restoreTo(t, store, Options{}, bytes.NewReader(b)); err != nil || len(log.lines) > 0 {
			t.Fatalf("%v, said %q", err, log.lines)
		}
		for path, first := range map[string]string{"bob/2": "bob/2", "joe/3": "bob/2", "joe/6": "joe/6", "joe/7": "joe/6"} {
			if got, want := infoOf(t, store, path).ModTime().Unix(), recordDate(t, store, first); got != want {
				t.Errorf("%s: the file is of %d, %s of %d", path, got, first, want)
			}
		}
	}
	own := filepath.Join(t.TempDir(), "own.sims")
	f, err := os.Create(own)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := backup.Backup(t.Context(), f, store, backup.Options{}); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, log := checkStore(t, store, own, verify.StoreOptions{}); len(log.Problems)+len(log.Warnings) > 0 {
		t.Errorf("the store and its backup: %q %q", log.Problems, log.Warnings)
	}
	text, err := os.ReadFile(own)
	if err != nil {
		t.Fatal(err)
	}
	var dates [2][]string
	for i, s := range []string{store, restored(t, Options{}, text)} {
		dates[i] = storeLines(t, s)
		// A user without mail is in no backup, nor is the UID that the source gave a
		// message.
		dates[i] = slices.DeleteFunc(dates[i], func(line string) bool { return !strings.Contains(line, ".msg ") })
	}
	if diff := cmp.Diff(dates[0], dates[1]); diff != "" || len(dates[0]) != 4 {
		t.Errorf("what is restored of it (-store +restored):\n%s", diff)
	}

	site := filepath.Join(t.TempDir(), "site.sims")
	if err := os.WriteFile(site, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, log := checkStore(t, store, site, verify.StoreOptions{}); len(log.Problems)+len(log.Warnings) > 0 {
		t.Errorf("the store and its stream: %q %q", log.Problems, log.Warnings)
	}
	expired := time.Unix(900002000, 0)
	if err := os.Chtimes(filepath.Join(store, ims.UserDir("primary", "bob"), ims.MessagePath(2)), expired, expired); err != nil {
		t.Fatal(err)
	}
	if _, log := checkStore(t, store, site, verify.StoreOptions{}); len(log.Problems) != 1 || !strings.HasPrefix(log.Problems[0], "file-date ") || !strings.Contains(log.Problems[0], "bob/INBOX/2") {
		t.Errorf("dated by the expired one: %q", log.Problems)
	}
}

// infoOf tells of the file of a message, "user/uid".
func infoOf(t *testing.T, store, path string) os.FileInfo {
	t.Helper()
	id, uid, _ := strings.Cut(path, "/")
	n, err := strconv.ParseUint(uid, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(store, ims.UserDir("primary", id), ims.MessagePath(uint32(n))))
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// recordDate is the receive date that the index has of a message, "user/uid".
func recordDate(t *testing.T, store, path string) int64 {
	t.Helper()
	id, uid, _ := strings.Cut(path, "/")
	for _, m := range readIndexOf(t, store, id, "INBOX").Messages {
		if strconv.FormatUint(uint64(m.UID), 10) == uid {
			return m.InternalDate
		}
	}
	t.Fatalf("%s is not in the index", path)
	return 0
}

// A message that has taken other members for its own, since its stream had lost
// blocks, is told once. The store has it as it is, and a backup of that says
// so: its readers tell nothing, but where it is damaged anew.
func TestBackupOfSwallowedMembers(t *testing.T) {
	inner := tape(t, may20, "box ann/INBOX 5", "msg ann/INBOX/1 - one")
	var b bytes.Buffer
	w, err := sims.NewWriter(&b, sims.Header{Date: may20}, 0)
	if err != nil {
		t.Fatal(err)
	}
	for i, text := range []string{"text\r\n", "long\r\n"} {
		body := append(bytes.Repeat([]byte(text), 512*(1+1000*i)), inner...)
		if err := w.WriteMember(&sims.Member{Kind: sims.Message, Name: fmt.Sprintf("joe/INBOX/%d", i+1), Time: 900000001, Size: int64(len(body))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(body); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	store := filepath.Join(shmDir(t), "store")
	_, log, err := restoreTo(t, store, Options{}, &b)
	if err != nil || log.lost != 2 || len(log.lines) != 2 || !strings.Contains(log.lines[0], "header of another member") {
		t.Fatalf("%v, said %q", err, log.lines)
	}
	var own bytes.Buffer
	if _, err := backup.Backup(t.Context(), &own, store, backup.Options{}); err != nil {
		t.Fatal(err)
	}
	again := filepath.Join(shmDir(t), "again")
	if _, log, err := restoreTo(t, again, Options{}, bytes.NewReader(own.Bytes())); err != nil || len(log.lines) > 0 {
		t.Errorf("%v, said %q", err, log.lines)
	}
	var twice bytes.Buffer
	if _, err := backup.Backup(t.Context(), &twice, again, backup.Options{}); err != nil || !bytes.Equal(twice.Bytes(), own.Bytes()) {
		t.Errorf("%v: a backup of what is restored is another: %d bytes and %d", err, twice.Len(), own.Len())
	}
	for _, text := range []string{"text\r\ntext", "long\r\nlong"} {
		bad := bytes.Replace(own.Bytes(), []byte(text), []byte(strings.ToUpper(text)), 1)
		_, log, err := restoreTo(t, filepath.Join(shmDir(t), "bad"), Options{}, bytes.NewReader(bad))
		if err != nil || log.lost != 1 || !strings.Contains(log.lines[0], "header of another member") {
			t.Errorf("%q: %v, said %q", text, err, log.lines)
		}
	}
}

// TestBackupOfUsersPutTogether: two messages of one text and one Original-Uid,
// as two users have them whose mailboxes say no UIDVALIDITY, are known by their
// dates: the backup of the store changes nothing in it.
func TestBackupOfUsersPutTogether(t *testing.T) {
	b := tape(t, may20, "box bob/INBOX 3", "msg bob/INBOX/1 - text", `link joe@x.test/Mail/1 \Seen bob/INBOX/1`, "msg zoe/Mail/1 - text", "msg zoe/Mail/2 - two")
	store := filepath.Join(shmDir(t), "store")
	opt := Options{Selection: storeconv.Selection{Map: map[string]string{"joe@x.test": "zoe"}}}
	if _, log, err := restoreTo(t, store, opt, bytes.NewReader(b)); err != nil || log.lost > 0 {
		t.Fatal(err, log.lines)
	}
	_, before := treeHash(t, store)
	var own bytes.Buffer
	if _, err := backup.Backup(t.Context(), &own, store, backup.Options{}); err != nil {
		t.Fatal(err)
	}
	for _, dry := range []bool{true, false} {
		rep, log, err := restoreTo(t, store, Options{DryRun: dry}, bytes.NewReader(own.Bytes()))
		if err != nil || log.lost > 0 || rep.Messages+rep.Updated != 0 {
			t.Errorf("dry run %v: %v, said %q, %+v", dry, err, log.lines, rep)
		}
	}
	if _, after := treeHash(t, store); !cmp.Equal(before, after) {
		t.Errorf("the store has changed:\n%s", cmp.Diff(before, after))
	}
}
