package restore

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"imsconv/storeconv/backup"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/sims"
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
