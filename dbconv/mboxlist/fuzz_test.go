package mboxlist

import (
	"bytes"
	"testing"
)

// What parses is written in a form that parses to the same, and is stable.
func stable[T any](t *testing.T, value []byte, parse func([]byte) (T, error), write func(T, []byte) []byte) {
	v, err := parse(value)
	if err != nil {
		return
	}
	once := write(v, nil)
	again, err := parse(once)
	if err != nil {
		t.Fatalf("%q written as %q: %v", value, once, err)
	}
	if twice := write(again, nil); !bytes.Equal(once, twice) {
		t.Fatalf("%q written as %q, then %q", value, once, twice)
	}
}

func FuzzRecords(f *testing.F) {
	for _, s := range []string{"primary\tanna\tlrswipcda\t", "primary\t", "1 2 3 4 -1", "20480 311", "user/anna\nuser/anna/Mail\n", "954000000\t1:3,7\t", "\x00\x01"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		stable(t, value, ParseFolder, Folder.Append)
		stable(t, value, ParseQuota, Quota.Append)
		stable(t, value, ParseSubscriptions, Subscriptions.Append)
		stable(t, value, ParsePerUser, PerUser.Append)
		stable(t, value, ParseUIDSet, UIDSet.Append)
		if q, err := ParseOldQuota(value); err == nil {
			stable(t, q.Append(nil), ParseQuota, Quota.Append)
		}
		if user, mailbox, ok := SplitKey(string(value)); ok && mailbox != Inbox && FolderKey(user, mailbox) != string(value) {
			t.Fatalf("key %q", value)
		}
	})
}
