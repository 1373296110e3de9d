package maildirs

import (
	"errors"
	"io"
	"maps"
	"strings"
	"testing"
)

// TestUidlist reads lists as a server does.
func TestUidlist(t *testing.T) {
	const head = "3 V1 N9 G00112233445566778899aabbccddeeff\n"
	for _, tt := range []struct{ name, text, says string }{
		{"empty", "", "no first line"},
		{"whole", head + "1 :a\n3 S1 W2 Px-y :b,S=1:2,S\n", ""},
		{"no messages", head, ""},
		{"order of keys", "3 N9 V1\n", ""},
		{"version", "1 1 9\n", "the version is"},
		{"no validity", "3 N9\n", "no UIDVALIDITY"},
		{"next too high", "3 V1 N4294967295\n", "no UIDVALIDITY, or no next UID"},
		{"number", "3 V1 N4294967296\n", "no number of 32 bits"},
		{"sign", "3 V+1 N9\n", "no number of 32 bits"},
		{"blanks", "3 V1  N9\n", "two blanks"},
		{"no line end", head + "1 :a", "ends without a line end"},
		{"long", head + "1 :" + strings.Repeat("a", maxLine) + "\n", "more than"},
		{"no name", head + "1 :\n", "is no name"},
		{"slash", head + "1 :a/b\n", "is no name"},
		{"no colon", head + "1 a\n", "is no line"},
		{"zero", head + "0 :a\n", "comes after"},
		{"twice", head + "1 :a\n1 :b\n", "UID 1 comes after 1"},
		{"too high", head + "4294967294 :a\n", "no server has the UID"},
		{"field", head + "1 s5 :a\n", "is no field"},
	} {
		u, err := newUidlist(strings.NewReader(tt.text))
		for err == nil {
			_, err = u.nextLine()
		}
		switch {
		case tt.says == "" && err != io.EOF:
			t.Errorf("%s: %v", tt.name, err)
		case tt.says != "" && (!errors.Is(err, errBroken) || !strings.Contains(err.Error(), tt.says)):
			t.Errorf("%s: %v, not %q", tt.name, err, tt.says)
		}
	}
}

// TestSmallFiles reads the other files of lines.
func TestSmallFiles(t *testing.T) {
	kinds := map[string]func(string) error{
		"keywords":      func(s string) error { _, err := readKeywords(s); return err },
		"subscriptions": func(s string) error { _, err := readSubscriptions(s); return err },
		"acl":           func(s string) error { _, err := readRights(s); return err },
		"maildirsize":   func(s string) error { _, err := readSize(s); return err },
	}
	for _, tt := range []struct {
		kind, text string
		good       bool
	}{
		{"keywords", "", true}, {"keywords", "0 a\n25 b c\n", true}, {"keywords", "0 a", false}, {"keywords", "26 a\n", false},
		{"keywords", "0 a\n0 b\n", false}, {"keywords", "0 a\n1 A\n", false}, {"keywords", "a\n", false}, {"keywords", "0 \n", false},
		{"subscriptions", "V\t2\n\n", true}, {"subscriptions", "V\t2\n\nINBOX\na\tb\n", true}, {"subscriptions", "INBOX\n", false},
		{"subscriptions", "V\t2\n\na\na\n", false}, {"subscriptions", "V\t2\n\na", false}, {"subscriptions", "V\t2\n\n\n", false},
		{"acl", "owner lrwstipekxa\n-user=a b lr\n", false}, {"acl", "owner lrs\nuser=a lr\n", true}, {"acl", "owner\n", false},
		{"acl", "owner lc\n", false}, {"acl", "owner l\nowner r\n", false}, {"acl", " l\n", false}, {"acl", "owner \n", true},
		{"acl", "\"user=a b\" lr\n-user=c l\n", true}, {"acl", "\"user=a b\"lr\n", false}, {"acl", "\"user=a b lr\n", false}, {"acl", "\"\" lr\n", false},
		{"acl", "\"user=a\" l\nuser=a r\n", false}, {"acl", "\"user=a b\" lc\n", false},
		{"maildirsize", "0S\n0 0\n", true}, {"maildirsize", "5S,7C\n1 2\n-1 -1\n", true}, {"maildirsize", "\n1 1\n", true}, {"maildirsize", "5S\n", false},
		{"maildirsize", "5X\n1 1\n", false}, {"maildirsize", "-5S\n1 1\n", false}, {"maildirsize", "5S\n1\n", false}, {"maildirsize", "5S\n1 1", false},
	} {
		if err := kinds[tt.kind](tt.text); (err == nil) != tt.good {
			t.Errorf("%s %q: %v", tt.kind, tt.text, err)
		}
	}
}

// TestTurnRights turns the rights of RFC 2086 into the server's.
func TestTurnRights(t *testing.T) {
	login := template{"%d/%n", "siroe.com"}.login
	rights, left := turnRights("joe", login, strings.Split("joe\tlrswipcda\tsam\tlrd\tanyone\tc\t-sam\tw\tgroup=staff\tl\tann@varrius.org\tl\tjohn smith\tl\tauthenticated\tl\tx\tZ", "\t"))
	want := map[string]string{
		"owner": "lrwstipekxa", "user=sam@siroe.com": "lrte", "anyone": "kx", "-user=sam@siroe.com": "w", "group=staff": "l", "user=ann@varrius.org": "l",
		"user=john smith@siroe.com": "l", "user=authenticated@siroe.com": "l",
	}
	for id, letters := range want {
		if rights[id] != letters {
			t.Errorf("%s: %q, should be %q", id, rights[id], letters)
		}
	}
	if len(rights) != len(want) || len(left) != 1 {
		t.Errorf("%q, left %q", rights, left)
	}
	// Without what is left of these more would be given.
	rights, left = turnRights("joe", login, strings.Split("joe\tlr9\t-sam\tw0\tann\tl5\t-bob\t7", "\t"))
	want = map[string]string{"owner": "lr", "-user=sam@siroe.com": "w"}
	if !maps.Equal(rights, want) || len(left) != 4 {
		t.Errorf("%q, left %q", rights, left)
	}
}

// TestLineEnds: the same bytes, however they come in pieces.
func TestLineEnds(t *testing.T) {
	for _, tt := range []struct{ way, text, want string }{
		{"keep", "a\nb\r\nc\r", "a\nb\r\nc\r"},
		{"crlf", "\na\nb\r\n\n\r\r\n", "\r\na\r\nb\r\n\r\n\r\r\n"},
		{"lf", "\r\na\nb\r\n\r\r\nc\r", "\na\nb\n\r\nc\r"},
	} {
		for size := 1; size <= len(tt.text); size++ {
			ends, got := lineEnds{way: tt.way}, ""
			for rest := tt.text; rest != ""; {
				n := min(size, len(rest))
				got += string(ends.convert([]byte(rest[:n])))
				rest = rest[n:]
			}
			if got += string(ends.rest()); got != tt.want {
				t.Errorf("%s, %d at a time: %q becomes %q, should be %q", tt.way, size, tt.text, got, tt.want)
			}
		}
	}
}
