package selection

import (
	"slices"
	"strings"
	"testing"

	"imsconv/storeconv"
)

func TestTakes(t *testing.T) {
	for name, tt := range map[string]struct {
		sel             storeconv.Selection
		user, mailbox   string
		takes, box, all bool
	}{
		"everything":         {storeconv.Selection{}, "joe", "Mail", true, true, true},
		"a named user":       {storeconv.Selection{Users: map[string]bool{"joe": true}}, "joe", "Mail", true, true, false},
		"another user":       {storeconv.Selection{Users: map[string]bool{"joe": true}}, "ann", "Mail", false, true, false},
		"a path":             {storeconv.Selection{Paths: []string{"joe/Mail"}}, "joe", "Mail", true, true, false},
		"below a path":       {storeconv.Selection{Paths: []string{"/primary/user/joe/Mail"}}, "joe", "Mail/Old", true, true, false},
		"beside a path":      {storeconv.Selection{Paths: []string{"joe/Mail"}}, "joe", "Mailbox", true, false, false},
		"INBOX in any case":  {storeconv.Selection{Paths: []string{"joe/inbox"}}, "joe", "INBOX", true, true, false},
		"a path of all":      {storeconv.Selection{Paths: []string{"joe/Mail", "/"}}, "ann", "Sent", true, true, true},
		"path and user":      {storeconv.Selection{Users: map[string]bool{"ann": true}, Paths: []string{"joe"}}, "joe", "Mail", false, true, false},
		"a part of the site": {storeconv.Selection{Shard: storeconv.Shard{Index: 0, Count: 2}}, "joe", "Mail", storeconv.Shard{Index: 0, Count: 2}.Has("joe"), true, false},
	} {
		m, err := Compile(tt.sel)
		if err != nil {
			t.Fatal(err)
		}
		if m.Takes(tt.user) != tt.takes || m.TakesMailbox(tt.user, tt.mailbox) != tt.box || m.IsAll() != tt.all {
			t.Errorf("%s: %v, %v, %v", name, m.Takes(tt.user), m.TakesMailbox(tt.user, tt.mailbox), m.IsAll())
		}
	}
}

// TestMissing: what is named and never met is missing, once each.
func TestMissing(t *testing.T) {
	m, err := Compile(storeconv.Selection{Users: map[string]bool{"zoe": true, "joe": true, "ann": true}, Paths: []string{"joe/Mail", "zoe", "ann", "zoe/Mail", "bob"}})
	if err != nil {
		t.Fatal(err)
	}
	if m.Takes("zoe"); !m.Meet("joe") || m.Meet("bob") {
		t.Error("joe is named, bob is not")
	}
	if got := m.Missing(); !slices.Equal(got, []string{"ann", "zoe"}) {
		t.Errorf("%q", got)
	}
}

// TestListAndPath: of a list of users and paths those are taken who are in
// both. Who is in one and is there is not missing.
func TestListAndPath(t *testing.T) {
	m, err := Compile(storeconv.Selection{Users: map[string]bool{"joe": true, "zoe": true}, Paths: []string{"ann", "zoe/Mail"}})
	if err != nil {
		t.Fatal(err)
	}
	if m.Meet("joe") || m.Meet("ann") {
		t.Error("neither is in both")
	}
	if got := m.Missing(); !slices.Equal(got, []string{"zoe"}) {
		t.Errorf("%q", got)
	}
}

// TestPartitions: of a store the partition of a path counts, of a stream, which
// has none, it does not.
func TestPartitions(t *testing.T) {
	sel := storeconv.Selection{Paths: []string{"/two", "/one/user/joe/Mail", "/two/user/nobody", "/three", "zoe"}}
	m, err := CompileOfStore(sel)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		partition, user string
		takes           bool
	}{{"one", "joe", true}, {"one", "ann", false}, {"two", "ann", true}, {"one", "zoe", true}} {
		if got := m.MeetIn(tt.partition, tt.user); got != tt.takes {
			t.Errorf("%s in %s: %v", tt.user, tt.partition, got)
		}
	}
	if m.IsAll() || m.TakesMailboxIn("one", "joe", "Sent") || !m.TakesMailboxIn("two", "joe", "Sent") {
		t.Error("of joe Mail is named in one, and everything in two")
	}
	if got := m.MissingMailboxes(); !slices.Equal(got, []string{"joe/Mail"}) {
		t.Errorf("mailboxes %q", got)
	}
	if got := m.Missing(); got != nil {
		t.Errorf("users %q", got)
	}
	want := []storeconv.Path{{Partition: "two", User: "nobody"}, {Partition: "three"}}
	if got := m.MissingIn(); !slices.Equal(got, want) {
		t.Errorf("%+v", got)
	}
	sel.Users = map[string]bool{"ann": true}
	if m, err = CompileOfStore(sel); err != nil {
		t.Fatal(err)
	}
	want = []storeconv.Path{{Partition: "two"}, {Partition: "three"}}
	if got := m.MissingIn(); !slices.Equal(got, want) {
		t.Errorf("beside a list of users: %+v", got)
	}
	sel.Users = nil
	if m, err = Compile(sel); err != nil || !m.IsAll() {
		t.Error("a stream has no partitions, so that one is everything", err)
	}
}

// TestUTF8Names: where names of a source are in UTF-8, as those of Courier and
// of Python's mailbox module are, the error says which option takes them.
func TestUTF8Names(t *testing.T) {
	plain, err := Compile(storeconv.Selection{})
	if err != nil {
		t.Fatal(err)
	}
	taken, err := Compile(storeconv.Selection{Encoding: "UTF-8"})
	if err != nil {
		t.Fatal(err)
	}
	for name, says := range map[string]bool{"Müll": true, "a/日本": true, "M\xfcll": false, "a%": false} {
		_, err := plain.MailboxName(name)
		if err == nil || strings.Contains(err.Error(), "-e UTF-8") != says {
			t.Errorf("%q: %v", name, err)
		}
		if _, err := taken.MailboxName(name); says && err != nil {
			t.Errorf("%q in UTF-8: %v", name, err)
		}
	}
}

func TestNames(t *testing.T) {
	m, err := Compile(storeconv.Selection{Map: map[string]string{"joe": "jo", "bad": "b%d"}, Domain: "siroe.com", Encoding: "ISO-8859-1"})
	if err != nil {
		t.Fatal(err)
	}
	for user, want := range map[string]string{"joe": "jo", "ann@SIROE.com": "ann", "ann@other.com": "ann@other.com", "@siroe.com": ""} {
		if got, err := m.StoreID(user); want != "" && (got != want || err != nil) {
			t.Errorf("%s: %q, %v", user, got, err)
		}
	}
	if _, err := m.StoreID("bad"); err == nil {
		t.Error("an id that the store forbids")
	}
	for name, want := range map[string]string{"Entw\xfcrfe": "Entw&APw-rfe", "inBox": "INBOX", "a%": ""} {
		if got, err := m.MailboxName(name); (err == nil) != (want != "") || err == nil && got != want {
			t.Errorf("%q: %q, %v", name, got, err)
		}
	}
	if at, ok := m.PlaceOf("joe/inbox/7"); !ok || at != (Place{"jo", "INBOX", 7}) {
		t.Errorf("%+v, %v", at, ok)
	}
	for _, name := range []string{"joe", "joe/7", "bad/INBOX/7", "joe/INBOX/07"} {
		if at, ok := m.PlaceOf(name); ok {
			t.Errorf("%s has the place %+v", name, at)
		}
	}
}

func TestACL(t *testing.T) {
	m, err := Compile(storeconv.Selection{Map: map[string]string{"joe": "jo"}})
	if err != nil {
		t.Fatal(err)
	}
	for lines, want := range map[string]struct {
		acl string
		ok  bool
	}{
		"":                          {"", true},
		"joe\tlr\n":                 {"jo\tlr", true},
		"joe\tlr\r\nanyone\tp\n":    {"jo\tlr\tanyone\tp", true},
		"-joe\tw\ngroup=staff\tl":   {"-jo\tw\tgroup=staff\tl", true},
		"no rights\njoe\tlr":        {"jo\tlr", false},
		"\tlr":                      {"", false},
		"joe\tlr\tann\tlr\nann\tlr": {"ann\tlr", false},
	} {
		if acl, ok := m.ACL(lines); acl != want.acl || ok != want.ok {
			t.Errorf("%q: %q, %v", lines, acl, ok)
		}
	}
}

func TestCompileRefuses(t *testing.T) {
	for _, s := range []storeconv.Selection{{Encoding: "klingon"}, {Paths: []string{"user//Mail"}}} {
		if _, err := Compile(s); err == nil {
			t.Errorf("%+v is taken", s)
		}
	}
}
