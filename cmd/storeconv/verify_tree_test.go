package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"imsconv/storeconv/sims"
)

// mailboxFile is one of two messages, with UIDs and flags.
const mailboxFile = `From a@siroe.com Wed Jun 21 09:32:14 2000
X-IMAPbase: 1008099930 0000000050 Junk
X-UID: 2
Status: RO
Subject: one

first
>From here on

From a@siroe.com Wed Jun 21 09:32:16 2000
X-UID: 7
Status: O
X-Status: F
X-Keywords: Junk
Subject: two

second

`

// TestVerifyTree holds a store against the mailbox files, or the Maildirs, that
// it was restored from.
func TestVerifyTree(t *testing.T) {
	dir := scratch(t)
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := os.MkdirAll(at("mbox/joe/Mail"), 0o700); err != nil {
		t.Fatal(err)
	}
	put(t, at("mbox/joe/INBOX"), mailboxFile)
	put(t, at("mbox/joe/Mail/Old"), mailboxFile)
	mustRun(t, 0, "restore", "-f", sampleSite+"sims/backup.sims", "--store", at("sample"), "--quiet")
	mustRun(t, 0, "export", "--store", at("sample"), "--to", "maildir", "--out", at("maildir"), "--quiet")
	for _, kind := range []string{"mbox", "maildir"} {
		t.Run(kind, func(t *testing.T) {
			store := at("store-" + kind)
			mustRun(t, 0, "restore", "--kind", kind, "-f", at(kind), "--store", store, "--quiet")
			mustRun(t, 0, "verify", "--kind", kind, "-f", at(kind), store)
			mustRun(t, 0, "verify", "--store", store, "-f", at(kind))
			var file string
			for name := range readTree(t, store) {
				if strings.HasSuffix(name, ".msg") && (file == "" || name < file) {
					file = name
				}
			}
			if err := os.Remove(filepath.Join(store, file)); err != nil {
				t.Fatal(err)
			}
			o := mustRun(t, 3, "verify", "--kind", kind, "-f", at(kind), store)
			if strings.Contains(o.stderr, "offset") {
				t.Errorf("a folder has no offsets:\n%s", o.stderr)
			}
			if !strings.Contains(o.stderr, file) {
				t.Errorf("%s is not there, and nobody says so:\n%s", file, o.stderr)
			}
		})
	}
	mustRun(t, 2, "verify", "--kind", "stream", "--user", "joe", "-f", at("mbox"), at("sample"))
}

// TestVerifyFlagsStay: flags that changed in a mailbox file since an earlier
// restore stay as they are in the store, which is no fault of the store.
func TestVerifyFlagsStay(t *testing.T) {
	dir := scratch(t)
	file, store := filepath.Join(dir, "joe"), filepath.Join(dir, "store")
	put(t, file, mailboxFile)
	mustRun(t, 0, "restore", "-f", file, "--store", store, "--quiet")
	put(t, file, strings.NewReplacer("Status: O\n", "Status: RO\n", "X-Keywords: Junk", "X-Keywords: Work").Replace(mailboxFile)+
		"From a@siroe.com Wed Jun 21 09:32:17 2000\nX-UID: 9\nStatus: RO\nSubject: three\n\nthird\n\n")
	mustRun(t, 0, "restore", "-f", file, "--store", store, "--quiet")
	o := mustRun(t, 0, "verify", "-f", file, store)
	if want := "joe/INBOX/7: the flags are [\"\\\\Flagged\" \"junk\"], the source says [\"\\\\Flagged\" \"\\\\Seen\" \"work\"]"; strings.Count(o.stderr, "[flags]") != 1 || !strings.Contains(o.stderr, want) {
		t.Errorf("not %q:\n%s", want, o.stderr)
	}
}

// TestVerifyTapeInAMessage: a header of a stream in a message, which tells of
// lost blocks on a tape, is text in a file.
func TestVerifyTapeInAMessage(t *testing.T) {
	dir := scratch(t)
	var tape bytes.Buffer
	w, err := sims.NewWriter(&tape, sims.Header{Date: 981538200}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	tree, store := filepath.Join(dir, "tree"), filepath.Join(dir, "store")
	name := filepath.Join(tree, "joe", "Maildir", "cur", "961579934.a:2,S")
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	put(t, name, "Subject: "+strings.Repeat("x", 499)+"\r\n\r\n"+tape.String())
	mustRun(t, 0, "restore", "-f", tree, "--store", store, "--quiet")
	mustRun(t, 0, "verify", "-f", tree, store)
}

// TestVerifyOfAnotherKind: what is given in the place of something else is
// called what it is, with the option that takes it.
func TestVerifyOfAnotherKind(t *testing.T) {
	dir := scratch(t)
	at := func(name string) string { return filepath.Join(dir, name) }
	put(t, at("joe"), mailboxFile)
	mustRun(t, 0, "restore", "-f", at("joe"), "--store", at("store"), "--quiet")
	mustRun(t, 0, "export", "--store", at("store"), "--to", "mbox", "--out", at("mbox"), "--quiet")
	mustRun(t, 0, "export", "--store", at("store"), "--to", "maildir", "--out", at("maildir"), "--quiet")
	for _, row := range []struct {
		args []string
		want []string
	}{
		{[]string{"--store", at("store"), "--maildir", at("mbox")}, []string{"mailbox files, no export of Maildirs", "-f " + at("mbox")}},
		{[]string{"--store", at("store"), "--maildir", at("mbox/joe/INBOX")}, []string{"mailbox files, no export of Maildirs", "-f "}},
		{[]string{at("mbox")}, []string{"looks like an export", "-f"}},
		{[]string{at("maildir")}, []string{"looks like an export", "--maildir"}},
		{[]string{"--store", at("store"), "-f", at("store")}, []string{"a store, and nothing that one was restored from"}},
	} {
		o := run(t, nil, append([]string{"verify"}, row.args...)...)
		for _, want := range row.want {
			if o.exit == 0 || !strings.Contains(o.stderr, want) || strings.Contains(o.stderr, "is not there") {
				t.Errorf("%q: exit status %d, no %q\n%s", row.args, o.exit, want, o.stderr)
			}
		}
	}
	mustRun(t, 0, "verify", "--store", at("store"), "-f", at("mbox"))
	mustRun(t, 0, "verify", "--store", at("store"), "-f", at("maildir"))
	o := mustRun(t, 1, "restore", "-f", at("store"), "--store", at("other"))
	if !strings.Contains(o.stderr, "a store, and no tree of mailbox files or Maildirs") {
		t.Error(o.stderr)
	}
}

// TestVerifyMaildirUsage: what does not go together is refused before anything
// is read.
func TestVerifyMaildirUsage(t *testing.T) {
	for _, args := range [][]string{
		{"--maildir", "out"},
		{"--maildir", "out", "--store", "s", "-f", "x"},
		{"--maildir", "out", "--store", "s", "--from", "n"},
		{"--maildir", "out", "--store", "s", "--no-index"},
		{"--maildir", "out", "--store", "s", "--kind", "mbox"},
		{"--maildir", "out", "-f", "x", "--partition", "a"},
		{"--maildir", "out", "--store", "s", "--partition", "a", "--partition", "b"},
		{"--maildir", "out", "--store", "s", "--layout", "x"},
		{"--store", "s", "--pop3-uidl", "%u"},
		{"--store", "s", "--newline", "lf"},
	} {
		if o := run(t, nil, append([]string{"verify"}, args...)...); o.exit != 2 {
			t.Errorf("%q: exit status %d\n%s", args, o.exit, o.stderr)
		}
	}
}
