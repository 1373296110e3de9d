package maildir

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// teller collects what a reader tells.
type teller []string

func (l *teller) tell(e *Error) { *l = append(*l, e.Error()) }

func TestKeywords(t *testing.T) {
	for _, row := range []struct {
		text string
		want []string
		told string
	}{
		{"0 $Junk\n1 work\n", []string{"$Junk", "work"}, ""},
		{"0 $Junk\r\n1 work\r\n", []string{"$Junk", "work"}, ""},
		{"3 gap\n0 a b", []string{"a b", "", "", "gap"}, ""},
		{"0 a\n0 b\n26 z\nx y\n1\n\n", []string{"a"}, `line 2: number 0 is a already|line 3: keyword z has the number 26, which no letter stands for|line 4: not a number and a keyword: "x y"|line 5: not a number and a keyword: "1"`},
	} {
		var told teller
		got, err := ReadKeywords(strings.NewReader(row.text), told.tell)
		if err != nil || !slices.Equal(got, row.want) || strings.Join(told, "|") != row.told {
			t.Errorf("%q: %q, %v, told %q", row.text, got, err, told)
		}
	}
	var out bytes.Buffer
	if err := WriteKeywords(&out, []string{"a b", "", "c"}); err != nil || out.String() != "0 a b\n2 c\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
	if WriteKeywords(&out, make([]string, 27)) == nil || WriteKeywords(&out, []string{"a\nb"}) == nil {
		t.Error("keywords that cannot be were written")
	}
}

func TestReadSubscriptions(t *testing.T) {
	escape := Naming{PlusPlus, true}
	for _, row := range []struct {
		n          Naming
		text, want string
		told       int
	}{
		{Naming{}, "V\t2\n\nINBOX\nSent\nSent\t2001\n", "INBOX|Sent|Sent/2001", 0},
		{Naming{}, "inbox\nSent.2001\nx/y\n", "INBOX|Sent/2001", 1},
		{Naming{FS, false}, "Sent/v1.2\nINBOX/x", "Sent/v1.2|INBOX/x", 0},
		{escape, "V\t2\n\nv1\\2e2\ninbox\tx\n", "v1.2|INBOX/x", 0},
		{Naming{}, "V\t2\n\na\t\tb\n\t\na\x01tb\nx\n", "x", 3},
		{Naming{}, "V\t2\r\n\r\nSent\t2001\r\n", "Sent/2001", 0},
		{Naming{}, "", "", 0},
	} {
		var told teller
		got, err := ReadSubscriptions(strings.NewReader(row.text), row.n, told.tell)
		if err != nil || strings.Join(got, "|") != row.want || len(told) != row.told {
			t.Errorf("%q: %q, %v, told %q", row.text, got, err, told)
		}
	}
	var told teller
	got, err := ReadCourierSubscriptions(strings.NewReader("INBOX\nINBOX.Sent.2001\r\nshared.x\n#x\nINBOX.\n"), told.tell)
	if err != nil || strings.Join(got, "|") != "INBOX|Sent/2001" || len(told) != 3 {
		t.Errorf("%q, %v, told %q", got, err, told)
	}
}

func TestRights(t *testing.T) {
	for _, row := range []struct{ acl, file, lost string }{
		{"joe\tlrswipcda\nanyone\tlrs\n-bob\td\ngroup=staff\tlc", "owner lrwstipekxa\nanyone lrs\n-user=bob te\ngroup=staff lkx\n", ""},
		{"bob@x.com\tlr0\nnot a line", "", "bob@x.com\tlr0|not a line"},
		{"joe\tlr9\nbob\tl\n-bob\tr0", "owner lr\nuser=bob l\n-user=bob r\n", "joe\t9|-bob\t0"}, // without them more would be given
		{"joe\t9\n-bob\t0", "", "joe\t9|-bob\t0"},
		{"bob smith\tlr", "\"user=bob smith\" lr\n", ""},
		{"bob\t", "user=bob \n", ""},
	} {
		rights, refused := RightsOf("joe", row.acl)
		var out bytes.Buffer
		if err := WriteACL(&out, rights); err != nil {
			t.Error(err)
		}
		if out.String() != row.file || strings.Join(refused, "|") != row.lost {
			t.Errorf("%q: %q, refused %q", row.acl, out.String(), refused)
		}
		read, err := ReadACL(&out, func(e *Error) { t.Error(e) })
		if err != nil || !slices.Equal(read, rights) {
			t.Errorf("%q reads as %q, %v", rights, read, err)
		}
		if acl, lost := ACLOf("joe", read); len(lost) > 0 || row.lost == "" && sorted(acl) != sorted(row.acl) {
			t.Errorf("%q comes back as %q, lost %q", row.acl, acl, lost)
		}
	}
}

// sorted puts the letters of each line of rights into one order.
func sorted(acl string) string {
	var lines []string
	for line := range strings.SplitSeq(acl, "\n") {
		who, what, _ := strings.Cut(line, "\t")
		b := []byte(what)
		slices.Sort(b)
		lines = append(lines, who+"\t"+string(b))
	}
	return strings.Join(lines, "\n")
}

func TestReadACL(t *testing.T) {
	for _, row := range []struct{ text, want, lost, told string }{
		{"owner lrwstipekxa\nuser=bob lr\n", "joe\tlrswipcda|bob\tlr", "", ""},
		{"anyone lrt\n", "anyone\tlr", "[{anyone t}]", ""},
		{"user=bob kxe\n", "bob\tc", "[{user=bob e}]", ""},
		{"authenticated lr\n", "", "[{authenticated lr}]", ""},
		{"user=bob :lookup read\nuser=ann l:read\n# no\n\nuser=x lr9\n\"user=y lr\n", "bob\tlr", "", `line 2: no rights: "user=ann l:read"|line 5: no rights: "user=x lr9"|line 6: no rights: "\"user=y lr"`},
		{"user=bob\n", "bob\t", "", ""},
	} {
		var told teller
		rights, err := ReadACL(strings.NewReader(row.text), told.tell)
		acl, lost := ACLOf("joe", rights)
		lostText := ""
		if len(lost) > 0 {
			lostText = fmt.Sprint(lost)
		}
		if err != nil || acl != strings.ReplaceAll(row.want, "|", "\n") || lostText != row.lost || strings.Join(told, "|") != row.told {
			t.Errorf("%q: %q, lost %s, told %q, %v", row.text, acl, lostText, told, err)
		}
	}
}

func TestSize(t *testing.T) {
	for _, row := range []struct {
		text string
		want Size
		bad  bool
	}{
		{"10240000S,100C\n1000 8\n", Size{10240000, 100, 1000, 8}, false},
		{"100C\n5 1\n-5 -1\n7 1\n", Size{0, 100, 7, 1}, false},
		{"10S", Size{10, 0, 0, 0}, false},
		{"\n5 1\n", Size{-1, -1, 5, 1}, false},
		{"", Size{-1, -1, 0, 0}, false},
		{"10X\n", Size{}, true},
		{"S\n", Size{}, true},
		{"-1S\n", Size{}, true},
		{"5S,\n", Size{5, 0, 0, 0}, true},
	} {
		got, err := ReadSize(strings.NewReader(row.text))
		var e *Error
		if got != row.want || errors.As(err, &e) != row.bad {
			t.Errorf("%q: %+v, %v", row.text, got, err)
		}
	}
	for _, s := range []Size{{}, {10, 0, 5, 1}, {0, 7, 5, 1}, {10, 7, 0, 0}} {
		var out bytes.Buffer
		if err := WriteSize(&out, s); err != nil {
			t.Fatal(err)
		}
		if back, err := ReadSize(&out); err != nil || back != s {
			t.Errorf("%+v reads as %+v, %v", s, back, err)
		}
	}
}

// TestServed: the server gives an owner all rights unless a line tells of
// him.
func TestServed(t *testing.T) {
	for text, want := range map[string]string{
		"user=bob lrs\n":                      "joe\tlrswipcda\nbob\tlrs",
		"anyone lr\n":                         "joe\tlrswipcda\nanyone\tlr",
		"-owner w\n":                          "joe\tlrswipcda\n-joe\tw",
		"owner lr\nuser=bob lrs\n":            "joe\tlr\nbob\tlrs",
		"owner\n":                             "joe\t",
		"user=joe lr\n":                       "joe\tlr",
		"user=joey lr\n":                      "joe\tlrswipcda\njoey\tlr",
		"# nobody\n":                          "",
		"owner lrw\nuser=joe lr\n":            "joe\tlr",
		"user=bob k\nowner lr\nuser=bob xr\n": "bob\trc\njoe\tlr",
	} {
		rights, err := ReadACL(strings.NewReader(text), func(e *Error) { t.Errorf("%q: %v", text, e) })
		if err != nil {
			t.Fatal(err)
		}
		if got, lost := ACLOf("joe", Served("joe", rights)); got != want || len(lost) > 0 {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
