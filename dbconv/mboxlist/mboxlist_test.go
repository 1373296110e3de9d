package mboxlist

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFolder(t *testing.T) {
	tests := []struct {
		in   string
		want Folder
		out  string // "" the same as in
		err  string
	}{
		{in: "primary", want: Folder{Partition: "primary"}},
		{in: "primary\tanna\tlrswipcda", want: Folder{"primary", []ACE{{"anna", "lrswipcda"}}}},
		{in: "primary\tanna\tlrs\tanyone\tl", want: Folder{"primary", []ACE{{"anna", "lrs"}, {"anyone", "l"}}}},
		{in: "primary\tanna\tlrs\t", want: Folder{"primary", []ACE{{"anna", "lrs"}}}, out: "primary\tanna\tlrs"},
		{in: "primary\tanna\t", want: Folder{"primary", []ACE{{"anna", ""}}}},
		{in: "primary\t", want: Folder{Partition: "primary"}, out: "primary"},
		{in: "", err: "folder record: byte 0: no partition"},
		{in: "primary\tanna", err: "folder record: byte 12: an identifier without rights"},
		{in: "primary\t\tlrs", err: "folder record: byte 8: an empty identifier"},
		{in: "primary\x00", err: "folder record: byte 7: a control byte"},
	}
	for _, tc := range tests {
		got, err := ParseFolder([]byte(tc.in))
		if text(err) != tc.err {
			t.Errorf("%q: error %q, want %q", tc.in, text(err), tc.err)
			continue
		}
		if err != nil {
			continue
		}
		if d := cmp.Diff(tc.want, got); d != "" {
			t.Errorf("%q: %s", tc.in, d)
		}
		if tc.out == "" {
			tc.out = tc.in
		}
		if out := string(got.Append(nil)); out != tc.out {
			t.Errorf("%q: written %q", tc.in, out)
		}
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestQuota(t *testing.T) {
	tests := []struct {
		in   string
		want Quota
		err  string
	}{
		{in: "1024 -1 17 3 -1", want: Quota{1024, -1, 17, 3, -1}},
		{in: "-2 -2 0 0 954000000", want: Quota{-2, -2, 0, 0, 954000000}},
		{in: "1 2 3 4", err: "quota record: byte 7: 4 numbers, want 5"},
		{in: "1 2 3 4 5 6", err: "quota record: byte 9: more than 5 numbers"},
		{in: "1 2 3 4 5 ", err: "quota record: byte 9: more than 5 numbers"},
		{in: "1  2 3 4 5", err: "quota record: byte 2: number 2 of 5 is not one"},
		{in: "+1 2 3 4 5", err: "quota record: byte 0: number 1 of 5 is not one"},
		{in: "", err: "quota record: byte 0: number 1 of 5 is not one"},
	}
	for _, tc := range tests {
		got, err := ParseQuota([]byte(tc.in))
		if text(err) != tc.err || got != tc.want {
			t.Errorf("%q: %v, %v", tc.in, got, err)
		}
		if err == nil && string(got.Append(nil)) != tc.in {
			t.Errorf("%q: written %q", tc.in, got.Append(nil))
		}
	}
	if q, err := ParseOldQuota([]byte("20480 311")); err != nil || q != (Quota{20480, -1, 311, 0, -1}) {
		t.Errorf("old form: %v, %v", q, err)
	}
	if _, err := ParseOldQuota([]byte("\x00\x00P\x00")); err == nil {
		t.Error("binary old form taken")
	}
}

func TestSubscriptions(t *testing.T) {
	for _, in := range []string{"", "user/anna", "user/anna\nuser/anna/Mail", "user/anna\n"} {
		s, err := ParseSubscriptions([]byte(in))
		if err != nil {
			t.Errorf("%q: %v", in, err)
		}
		again, err := ParseSubscriptions(s.Append(nil))
		if err != nil || cmp.Diff(s, again) != "" {
			t.Errorf("%q: again %q, %v", in, again, err)
		}
	}
	if _, err := ParseSubscriptions([]byte("user/anna\n\nuser/b")); text(err) != "subscription record: byte 10: an empty line" {
		t.Errorf("empty line: %v", err)
	}
}

func TestPerUser(t *testing.T) {
	var seen UIDSet
	for _, uid := range []uint32{1, 2, 3, 7, 9, 10} {
		seen = seen.Add(uid)
	}
	p := PerUser{LastAccess: 954000000, Seen: seen}
	if got := string(p.Append(nil)); got != "954000000\t1:3,7,9:10\t" {
		t.Errorf("written %q", got)
	}
	for _, in := range []string{"-1\t\t", "5\t1:3,7\t4294967295"} {
		got, err := ParsePerUser([]byte(in))
		if err != nil || string(got.Append(nil)) != in {
			t.Errorf("%q: %+v, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "5\t1", "x\t\t", "5\t0\t", "5\t3,1\t", "5\t1,2\t", "5\t1:1\t", "5\t01\t", "5\t3:1\t", "5\t1:*\t", "5\t1,\t", "+5\t\t"} {
		if got, err := ParsePerUser([]byte(in)); err == nil {
			t.Errorf("%q taken as %+v", in, got)
		}
	}
}

func TestKeys(t *testing.T) {
	tests := []struct {
		key, user, mailbox string
		ok                 bool
	}{
		{"user/anna", "anna", "INBOX", true},
		{"user/anna/Mail/Old", "anna", "Mail/Old", true},
		{"user/bob@siroe.com", "bob@siroe.com", "INBOX", true},
		{"user/", "", "", false},
		{"user/anna/", "", "", false},
		{"shared/x", "", "", false},
	}
	for _, tc := range tests {
		user, mailbox, ok := SplitKey(tc.key)
		if user != tc.user || mailbox != tc.mailbox || ok != tc.ok {
			t.Errorf("%q: %q %q %t", tc.key, user, mailbox, ok)
		}
		if ok && FolderKey(user, mailbox) != tc.key {
			t.Errorf("%q: made %q", tc.key, FolderKey(user, mailbox))
		}
	}
}
