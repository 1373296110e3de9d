package backup

import (
	"bytes"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"imsconv/dbconv/bdb"
	"imsconv/dbconv/mboxlist"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/sims"
)

// listedStore is a store with the mailboxes, "user/mailbox", of which each has
// a message, and their records.
func listedStore(t *testing.T, mailboxes ...string) string {
	t.Helper()
	var text bytes.Buffer
	w, err := sims.NewWriter(&text, sims.Header{Date: 981538200}, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range mailboxes {
		for _, m := range []*sims.Member{{Kind: sims.Mailbox, Name: name, UIDValidity: 7}, {Kind: sims.Message, Name: name + "/1", Size: 1}} {
			if err := w.WriteMember(m); err != nil {
				t.Fatal(err)
			}
		}
		io.WriteString(w, "x")
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return restored(t, text.Bytes())
}

// addRecords writes a database of the store anew, with further records.
func addRecords(t *testing.T, store string, kind mboxlist.Kind, records ...[2]string) {
	t.Helper()
	path := filepath.Join(store, "mboxlist", kind.FileName())
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	db, err := bdb.NewReader(bytes.NewReader(old), int64(len(old)), bdb.Options{})
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]string)
	for c := db.Cursor(); ; {
		key, value, err := c.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		all[string(key)] = string(value)
	}
	for _, r := range records {
		all[r[0]] = r[1]
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out, err := bdb.NewWriter(f, bdb.WriterOptions{Name: filepath.Base(path)})
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range slices.Sorted(maps.Keys(all)) {
		if err := out.Put([]byte(key), []byte(all[key])); err != nil {
			t.Fatal(err)
		}
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}

// What folder.db has and the store does not have is told, as far as the backup
// is to have it.
func TestMailboxesWithoutDirectories(t *testing.T) {
	store := listedStore(t, "anna/INBOX", "anna/Mail", "anna/Mail/Old", "bob/INBOX", "joe/INBOX", "joe/Sent")
	for _, gone := range []string{ims.MailboxDir("primary", "anna", "Mail/Old"), ims.UserDir("primary", "joe")} {
		if err := os.RemoveAll(filepath.Join(store, gone)); err != nil {
			t.Fatal(err)
		}
	}
	addRecords(t, store, mboxlist.FolderDB,
		[2]string{"user/bob/far", "second\tbob\tlrswipcda"}, [2]string{"user/zoe", "second\tzoe\tlrswipcda"},
		[2]string{"user/bob/odd", "\x01"}, [2]string{"user/anna/Mail", "\x01"}, [2]string{"user/anna", "third\tanna\tlr"}, [2]string{"shared/x", "?"})
	const (
		old, joe, sent = "no-tree mboxlist/folder.db: user/anna/Mail/Old", "no-tree mboxlist/folder.db: user/joe", "no-tree mboxlist/folder.db: user/joe/Sent"
		odd, second    = "no-tree mboxlist/folder.db: user/bob/odd", "unknown-partition mboxlist/folder.db"
	)
	for _, tt := range []struct {
		paths, users []string
		want         []string
	}{
		{nil, nil, []string{old, odd, joe, sent, second}},
		{[]string{"/primary"}, nil, []string{old, odd, joe, sent}},
		{[]string{"anna"}, nil, []string{old}},
		{[]string{"anna/Mail"}, nil, []string{old}},
		{[]string{"anna/INBOX"}, nil, nil},
		{nil, []string{"anna"}, []string{old}},
		{nil, []string{"bob"}, []string{odd, second}},
		{nil, []string{"joe"}, []string{"no-user user joe", joe, sent}},
	} {
		_, _, log := backupOf(t, store, Options{Paths: tt.paths, Users: tt.users})
		var got []string
		for _, line := range log.Problems {
			for _, text := range []string{": a mailbox", ": partition", ": the store"} {
				line, _, _ = strings.Cut(line, text)
			}
			got = append(got, line)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("paths %q, users %q:\n%q\n%q", tt.paths, tt.users, got, tt.want)
		}
	}
}

// A limit that does not go along is told.
func TestQuotaThatAStreamCannotSay(t *testing.T) {
	store := listedStore(t, "anna/INBOX", "bob/INBOX", "joe/INBOX", "max/INBOX", "zoe/INBOX")
	addRecords(t, store, mboxlist.QuotaDB, [2]string{"anna", "?"}, [2]string{"bob", "1000 50 1 1 -1"},
		[2]string{"joe", "9223372036854775807 -1 1 1 -1"}, [2]string{"max", "1000 7"}, [2]string{"zoe", "-1 -2 1 1 -1"})
	stream, _, log := backupOf(t, store, Options{})
	want := []string{
		"quota user anna: the quota record is of a form that is not known: its limit is not in the backup",
		"quota user bob: a backup stream has no place for its limit of 50 messages",
		"quota user joe: its limit of 9223372036854775807 KB is larger than a stream can say: it is not in the backup",
	}
	if !slices.Equal(log.Warnings, want) || len(log.Problems) > 0 {
		t.Errorf("%q %q", log.Warnings, log.Problems)
	}
	quotas := make(map[string]string)
	for m, err := range sims.NewReader(bytes.NewReader(stream)).All() {
		if err != nil {
			t.Fatal(err)
		}
		if m.Kind == sims.User {
			quotas[m.Name] = "none"
			if m.HasQuota {
				quotas[m.Name] = strconv.FormatInt(m.Quota, 10)
			}
		}
	}
	for user, want := range map[string]string{"anna": "none", "bob": "1024000", "joe": "none", "max": "1024000", "zoe": "-1"} {
		if quotas[user] != want {
			t.Errorf("%s: quota %s, want %s", user, quotas[user], want)
		}
	}
}

// Files in the directories of messages that are none, or lie in the wrong one,
// are told, whatever tells of the messages.
func TestFilesBesideMessages(t *testing.T) {
	store := listedStore(t, "anna/INBOX", "joe/INBOX")
	anna, joe := ims.UserDir("primary", "anna"), ims.UserDir("primary", "joe")
	if err := os.Remove(filepath.Join(store, joe, ims.IndexName)); err != nil {
		t.Fatal(err)
	}
	var problems, warnings []string
	for _, dir := range []string{anna, joe} {
		for _, name := range []string{"/00/999.msg", "/00/1.msg.old"} {
			if err := os.WriteFile(filepath.Join(store, dir+name), []byte("y"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		problems = append(problems, "misplaced "+dir+"/00/999.msg: in the wrong directory, belongs in "+ims.MessageDir(999)+": it is not in the backup")
		warnings = append(warnings, "stray-file "+dir+"/00/1.msg.old: not a message file: it is not in the backup")
	}
	_, _, log := backupOf(t, store, Options{})
	strays := slices.DeleteFunc(log.Warnings, func(l string) bool { return !strings.HasPrefix(l, "stray-file ") })
	if !slices.Equal(log.Problems, problems) || !slices.Equal(strays, warnings) {
		t.Errorf("%q\n%q", log.Problems, log.Warnings)
	}
}
