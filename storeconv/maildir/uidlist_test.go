package maildir

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

// readUidlist returns what a reader tells of a uidlist, a line each.
func readUidlist(text string) (out []string) {
	r, err := NewUidlistReader(strings.NewReader(text))
	if err != nil {
		return []string{err.Error()}
	}
	out = append(out, fmt.Sprintf("%d %+v", r.Version, r.Header))
	for e, err := range r.All() {
		if err != nil {
			out = append(out, err.Error())
			continue
		}
		out = append(out, fmt.Sprintf("%d %q %q", e.UID, e.Fields, e.Name))
	}
	return out
}

func TestUidlistReader(t *testing.T) {
	for _, row := range []struct {
		name, text string
		want       []string
	}{
		{"version 3", "3 V100 N8 Gabc\n2 :1.a:2,S\n7 S5 W6 P7-8 :1.b\n", []string{
			"3 {Validity:100 Next:8 GUID:abc}", `2 [] "1.a:2,S"`, `7 [{'S' "5"} {'W' "6"} {'P' "7-8"}] "1.b"`}},
		{"keys in any order, unknown ones", "3 N8 Xy V100\n", []string{"3 {Validity:100 Next:8 GUID:}"}},
		{"version 1", "1 100 8\n2 1.a b\n", []string{"1 {Validity:100 Next:8 GUID:}", `2 [] "1.a b"`}},
		{"no end of the last line", "1 100 8\n2 1.a", []string{"1 {Validity:100 Next:8 GUID:}", `2 [] "1.a"`}},
		{"a name with a colon and blanks", "3 V1 N9\n2 :a :b", []string{"3 {Validity:1 Next:9 GUID:}", `2 [] "a :b"`}},
		{"broken lines", "3 V1 N9\nx\n0 :a\n4294967295 :a\n5 :b\n5 :c\n4 :d\n6 e\n7 :\n8 p :x\n9 :a/b\n\n10 :ok\n", []string{
			"3 {Validity:1 Next:9 GUID:}",
			`line 2: no UID: "x"`, `line 3: no UID: "0 :a"`, `line 4: no UID: "4294967295 :a"`, `5 [] "b"`,
			`line 6: the UID is not above the last one, 5: "5 :c"`, `line 7: the UID is not above the last one, 5: "4 :d"`,
			`line 8: no file name behind a colon: "6 e"`, `line 9: no file name: "7 :"`, `line 10: no file name behind a colon: "8 p :x"`,
			`line 11: a file name that cannot be: "9 :a/b"`, `line 12: no UID: ""`, `10 [] "ok"`}},
		{"empty", "", []string{"line 1: the file is empty"}},
		{"version 2", "2 1 2\n", []string{`line 1: the first line "2 1 2": not of version 1 or 3`}},
		{"no validity", "3 V0 N5\n", []string{`line 1: the first line "3 V0 N5": UIDVALIDITY "0" is not from 1 to 4294967295`}},
		{"no next", "3 V5\n", []string{`line 1: the first line "3 V5": no UIDVALIDITY or no UIDNEXT`}},
		{"too large", "1 4294967296 1\n", []string{`line 1: the first line "1 4294967296 1": UIDVALIDITY "4294967296" is not from 1 to 4294967295`}},
		{"a long line", "3 V1 N9\n1 :" + strings.Repeat("x", 70000) + "\n2 :b\n", []string{
			"3 {Validity:1 Next:9 GUID:}", "line 2: the line is longer than 65536 bytes", `2 [] "b"`}},
	} {
		if got := readUidlist(row.text); strings.Join(got, "\n") != strings.Join(row.want, "\n") {
			t.Errorf("%s:\n%s\nwant\n%s", row.name, strings.Join(got, "\n"), strings.Join(row.want, "\n"))
		}
	}
}

func TestUidlistWriter(t *testing.T) {
	var out bytes.Buffer
	w := NewUidlistWriter(&out, UidlistHeader{Validity: 100, Next: 8, GUID: strings.Repeat("0a", 16)})
	for _, e := range []UidlistEntry{{UID: 2, Name: "1.a:2,S"}, {UID: 7, Fields: []Field{{'P', "7-8"}}, Name: "1.b"}} {
		if err := w.Write(&e); err != nil {
			t.Fatal(err)
		}
	}
	for _, e := range []UidlistEntry{{UID: 7, Name: "x"}, {UID: MaxUID + 1, Name: "x"}, {UID: 9}, {UID: 9, Name: "a/b"}, {UID: 9, Name: "a\nb"}} {
		if err := w.Write(&e); err == nil {
			t.Errorf("%+v was written", e)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	want := "3 V100 N8 G" + strings.Repeat("0a", 16) + "\n2 :1.a:2,S\n7 P7-8 :1.b\n"
	if out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
	if NewUidlistWriter(io.Discard, UidlistHeader{Next: 1}).Flush() == nil {
		t.Error("a header without UIDVALIDITY was written")
	}
}

func FuzzUidlist(f *testing.F) {
	f.Add([]byte("3 V100 N8 Gabc\n2 :1.a:2,S\n7 S5 W6 P7-8 :1.b\n"))
	f.Add([]byte("1 100 8\n2 1.a b\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := NewUidlistReader(bytes.NewReader(text))
		if err != nil {
			return
		}
		var out bytes.Buffer
		w := NewUidlistWriter(&out, UidlistHeader{Validity: r.Header.Validity, Next: r.Header.Next})
		last := uint32(0)
		var kept []string
		for e, err := range r.All() {
			var fault *Error
			if err != nil {
				if !errors.As(err, &fault) || fault.Line < 2 {
					t.Fatal(err)
				}
				continue
			}
			if e.UID <= last || e.UID > MaxUID || e.Name == "" || strings.Contains(e.Name, "/") {
				t.Fatalf("%+v behind %d", e, last)
			}
			last = e.UID
			if err := w.Write(e); err != nil {
				t.Fatal(err)
			}
			kept = append(kept, fmt.Sprintf("%d %q %q", e.UID, e.Fields, e.Name))
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		again := readUidlist(out.String())
		if strings.Join(again[1:], "\n") != strings.Join(kept, "\n") {
			t.Errorf("written again:\n%q\nread:\n%q", again, kept)
		}
	})
}
