package verify

import (
	"slices"
	"strings"
	"testing"

	"imsconv/storeconv"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/testsite"
)

// TestNames holds the names against those of the generator, a third writing of
// the same rule, and against those of the format.
func TestNames(t *testing.T) {
	for i := range 200 {
		id := testsite.UserID(i)
		for j := range 14 {
			box := testsite.FolderName(j)
			dir := mailboxDir("p", id, box)
			if want := testsite.MailboxDir("p", id, box); dir != want || dir != ims.MailboxDir("p", id, box) {
				t.Errorf("%s %s: %s, want %s", id, box, dir, want)
			}
			uid := uint32(i*7919 + j*99)
			if want := testsite.MessagePath("p", id, box, uid); dir+"/"+messageFile(uid) != want {
				t.Errorf("uid %d: %s, want %s", uid, messageFile(uid), want)
			}
			if got, ok := readMessageName(strings.TrimPrefix(messageFile(uid), messageDir(uid)+"/")); ok != (uid > 0) || got != uid && ok {
				t.Errorf("%s is read as %d", messageFile(uid), got)
			}
		}
	}
	if got := hashDirs("mack1"); got != "53/53" {
		t.Errorf("mack1: %s", got)
	}
	if got := diskName("john.smith@siroe.com"); got != "=john%dsmith@siroe%dcom" {
		t.Error(got)
	}
}

func TestAllowed(t *testing.T) {
	for id, ok := range map[string]bool{
		"joe": true, "joe@siroe.com": true, "joe@siroe": false, "@siroe.com": false, "joe@-a.com": false, "": false, "-joe": false,
		"group=x": false, "anyone": false, "anyone@siroe.com": false, "a%b": false, "a/b": false, "jo\x01e": false, "..": false,
		strings.Repeat("a", 127): true, strings.Repeat("a", 128): false, strings.Repeat("*", 3): false, strings.Repeat("(", 80): false,
	} {
		if (checkStoreUser(id) == nil) != ok {
			t.Errorf("user %q: %v", id, checkStoreUser(id))
		}
	}
	for name, ok := range map[string]bool{
		"INBOX": true, "Mail/Old": true, "Mail//Old": false, "/Mail": false, "a/..": false, "a*": false, "": false,
		strings.Repeat("b", 254): true, strings.Repeat("b", 255): false, strings.Repeat("a/", 245): false,
	} {
		if (checkMailbox(name) == nil) != ok {
			t.Errorf("mailbox %q: %v", name, checkMailbox(name))
		}
	}
}

// FuzzDiskName: what is read is written in that form and no other, and the
// format agrees.
func FuzzDiskName(f *testing.F) {
	for _, s := range []string{"=joe", "=+John%dSmith", "=%x2b", "=%x61", "=a%", "=+a", "joe", "=", "=ü"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, ok := readDiskName(s)
		if ok && diskName(name) != s {
			t.Errorf("%q is read as %q, which is written %q", s, name, diskName(name))
		}
		if escaped, prefixed := strings.CutPrefix(s, "="); prefixed && escaped != "" {
			want, err := ims.UnescapeName(escaped)
			if (err == nil) != ok || ok && want != name {
				t.Errorf("%q: %q, %v; the format reads %q, %v", s, name, ok, want, err)
			}
		}
		if back, ok := readDiskName(diskName(s)); s != "" && (!ok || back != s) {
			t.Errorf("%q is written %q and read as %q", s, diskName(s), back)
		}
		odd, oddOK := readOddName(s)
		if ok && (!oddOK || odd != name) {
			t.Errorf("%q is read as %q, and with tolerance as %q", s, name, odd)
		}
	})
}

func TestSelection(t *testing.T) {
	c, err := choose(storeconv.Selection{
		Map: map[string]string{"joe": "joseph@siroe.com", "zoe": "zoe2"}, Domain: "siroe.com",
		Paths: []string{"/primary/user/joe", "user/zoe/Mail", "amy/inbox"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for user, want := range map[string]string{"joe": "joseph", "zoe": "zoe2", "bob@SIROE.COM": "bob", "bob@other.org": "bob@other.org"} {
		if id, err := c.id(user); id != want || err != nil {
			t.Errorf("%s: %s, %v", user, id, err)
		}
	}
	for _, tt := range []struct {
		user, box string
		want      bool
	}{
		{"joe", "INBOX", true}, {"joe", "Mail", true}, {"zoe", "INBOX", false}, {"zoe", "Mail", true}, {"zoe", "Mail/a", true},
		{"zoe", "Mailing", false}, {"amy", "INBOX", true}, {"amy", "Mail", false}, {"bob", "INBOX", false},
	} {
		if got := c.user(tt.user) && c.mailbox(tt.user, tt.box); got != tt.want {
			t.Errorf("%s %s: %v", tt.user, tt.box, got)
		}
	}
	if text, ok := c.rights("joe\tlrs\n-zoe\tw\r\nanyone\tl\n"); text != "joseph\tlrs\t-zoe2\tw\tanyone\tl" || !ok {
		t.Errorf("%q, %v", text, ok)
	}
	if text, ok := c.rights("joe lrs\n"); text != "" || ok {
		t.Errorf("%q, %v", text, ok)
	}
	for _, bad := range []string{"", "/primary/user//x"} {
		if _, err := choose(storeconv.Selection{Paths: []string{bad}}); err == nil {
			t.Errorf("path %q is taken", bad)
		}
	}
	for _, all := range []string{"/", "//"} {
		if c, err := chooseFrom(storeconv.Selection{Paths: []string{"joe", all}}, true); err != nil || c.paths != nil || !c.userIn("second", "amy") {
			t.Errorf("%q is everything: %v", all, err)
		}
	}
	if c, err := chooseFrom(storeconv.Selection{Users: map[string]bool{"amy": true}, Paths: []string{"/second", "/third"}}, true); err != nil || c.userIn("second", "joe") || c.userIn("first", "amy") || !slices.Equal(c.missing(), []string{"/third"}) {
		t.Errorf("a partition of others is there: %q, %v", c.missing(), err)
	}
	if c, err := choose(storeconv.Selection{Paths: []string{"joe", "/primary"}}); err != nil || c.paths != nil || !c.user("amy") {
		t.Errorf("a whole partition: %+v, %v", c, err)
	}
	seen := 0
	for i := range 3 {
		if inHashPart(storeconv.Shard{Index: i, Count: 3}, "joe") {
			seen++
		}
	}
	if seen != 1 {
		t.Errorf("joe is in %d of 3 shards", seen)
	}
}
