package storeconv

import (
	"os"
	"testing"
)

func TestMailboxEncodings(t *testing.T) {
	for enc, in := range map[string]string{"": "Entw&APw-rfe", "IMAP_MODIFIED-UTF-7": "Entw&APw-rfe", "UTF-8": "Entwürfe", "ISO-8859-1": "Entw\xfcrfe"} {
		decode, err := ParseEncoding(enc)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := decode(in); err != nil || got != "Entw&APw-rfe" {
			t.Errorf("%q: %q, %v", enc, got, err)
		}
	}
}

// Names that are not in the encoding are refused, and never become one.
func TestMailboxEncodingsRefuse(t *testing.T) {
	for enc, in := range map[string]string{"UTF-8": "a\xff", "Shift_JIS": "a\x81"} {
		decode, err := ParseEncoding(enc)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := decode(in); err == nil {
			t.Errorf("%q: %q becomes %q", enc, in, got)
		}
	}
	decode, _ := ParseEncoding("UTF-8")
	if got, err := decode("a\uFFFD"); err != nil || got != "a&,,0-" {
		t.Errorf("a name with U+FFFD itself: %q, %v", got, err)
	}
}

func TestShard(t *testing.T) {
	for _, s := range []string{"", "1", "1/0", "-1/3", "4/3", "a/b", "1/2/3"} {
		if _, err := ParseShard(s); err == nil {
			t.Errorf("%q is taken", s)
		}
	}
	for _, user := range []string{"joe", "ann", "bob@siroe.com"} {
		n := 0
		for i := 1; i <= 5; i++ {
			if (Shard{Index: i % 5, Count: 5}).Has(user) {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%s is in %d of 5 parts", user, n)
		}
	}
}

func TestParsePath(t *testing.T) {
	for text, want := range map[string]struct {
		path Path
		all  bool
	}{
		"joe":                       {Path{"", "joe", ""}, false},
		"joe/":                      {Path{"", "joe", ""}, false},
		"joe/Mail/Old":              {Path{"", "joe", "Mail/Old"}, false},
		"user/joe/Mail":             {Path{"", "joe", "Mail"}, false},
		"/primary/user/joe":         {Path{"primary", "joe", ""}, false},
		"/second/groupA/joe/Mail/x": {Path{"second", "joe", "Mail/x"}, false},
		"/":                         {Path{}, true},
		"/second":                   {Path{Partition: "second"}, true},
		"/second/":                  {Path{Partition: "second"}, true},
		"/primary/groupA":           {Path{Partition: "primary"}, true},
	} {
		if path, all, err := ParsePath(text); path != want.path || all != want.all || err != nil {
			t.Errorf("%q: %+v, %v, %v", text, path, all, err)
		}
	}
	for _, text := range []string{"", "user//Mail", "/primary/user//Mail"} {
		if path, _, err := ParsePath(text); err == nil {
			t.Errorf("%q is %+v", text, path)
		}
	}
}

func TestParseSyncMode(t *testing.T) {
	for text, want := range map[string]SyncMode{"": SyncBatch, "batch": SyncBatch, "none": SyncNone, "user": SyncUser} {
		m, err := ParseSyncMode(text)
		if m != want || err != nil || text != "" && m.String() != text {
			t.Errorf("%q: %v, %v", text, m, err)
		}
	}
	if m, err := ParseSyncMode("bogus"); err == nil {
		t.Errorf("bogus is %v", m)
	}
}

func TestOwnerCheck(t *testing.T) {
	me := Owner{os.Geteuid(), os.Getegid()}
	for _, o := range []Owner{me, {me.UID, -1}, {-1, -1}} {
		if err := o.Check(); err != nil {
			t.Errorf("%+v: %v", o, err)
		}
	}
	err := Owner{me.UID + 1, -1}.Check()
	if root := me.UID == 0; (err == nil) != root {
		t.Errorf("another user: %v", err)
	}
}
