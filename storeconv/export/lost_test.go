package export

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"imsconv/storeconv/ims"
	"imsconv/storeconv/restore"
	"imsconv/storeconv/sims"
)

// What looks like mail of a store, and what its lists name, and is not
// exported, is told: nobody else says that it is missing.
func TestMailThatIsNotExported(t *testing.T) {
	var text bytes.Buffer
	w, err := sims.NewWriter(&text, sims.Header{Date: 981538200}, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"anna/INBOX", "anna/Mail", "anna/Old", "bob/INBOX", "joe/INBOX"} {
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
	s, err := restore.NewStream("site", bytes.NewReader(text.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	store := t.TempDir()
	if _, err := restore.Restore(t.Context(), store, []*restore.Stream{s}, restore.Options{}); err != nil {
		t.Fatal(err)
	}
	if _, log := exportTo(t, t.TempDir(), FromStore(store), Options{To: Maildir}); len(log.Problems)+len(log.Warnings) > 0 {
		t.Fatalf("%q %q", log.Problems, log.Warnings)
	}

	at := func(path string) string { return filepath.Join(store, path) }
	bob, anna := ims.UserDir("primary", "bob"), ims.UserDir("primary", "anna")
	for _, err := range []error{
		os.MkdirAll(at("partition/primary/=user/00/00"), 0o700),
		os.Rename(at(bob), at("partition/primary/=user/00/00/=bob")),
		os.WriteFile(at(anna+"/00/9.msg"), []byte("y"), 0o600),
		os.WriteFile(at(anna+"/00/999.msg"), []byte("y"), 0o600),
		os.WriteFile(at(anna+"/00/1.msg.old"), []byte("y"), 0o600),
		os.Rename(at(anna+"/=+Mail"), at(anna+"/Mail")),
		os.RemoveAll(at(anna + "/=+Old")),
		os.Symlink(at("partition/primary"), at("partition/other")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	_, log := exportTo(t, t.TempDir(), FromStore(store), Options{To: Maildir})
	problems := []string{
		"misplaced " + anna + "/00/999.msg: in the wrong directory, belongs in " + ims.MessageDir(999) + ": it is not exported",
		"misplaced partition/primary/=user/00/00/=bob: in the wrong hash directory, user bob belongs in 53/b7: it is not exported",
		"no-tree mboxlist/folder.db: user/anna/Mail: a mailbox without a directory: it is not exported",
		"no-tree mboxlist/folder.db: user/anna/Old: a mailbox without a directory: it is not exported",
		"no-tree mboxlist/folder.db: user/bob: a mailbox without a directory: it is not exported",
		"not-indexed " + anna + "/00/9.msg: a message file that the index does not name: it is not exported",
		"stray-file partition/other: not a directory: it is not exported",
	}
	warnings := []string{
		"stray-file " + anna + "/00/1.msg.old: not a message file: it is not exported",
		"stray-file " + anna + "/Mail: no part of a mailbox: it is not exported",
	}
	slices.Sort(log.Problems)
	slices.Sort(log.Warnings)
	slices.Sort(problems)
	if !slices.Equal(log.Problems, problems) || !slices.Equal(log.Warnings, warnings) {
		t.Errorf("problems\n%q\n%q\nwarnings\n%q\n%q", log.Problems, problems, log.Warnings, warnings)
	}
}
