package dbtext

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

type pair struct{ Key, Value string }

// database is one database of a text.
type database struct {
	Header  Header
	Records []pair
}

// surveyed is a Reader of a text that was read once before.
func surveyed(t testing.TB, text string) *Reader {
	t.Helper()
	plan, err := Survey(func() (io.Reader, error) { return strings.NewReader(text), nil }, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := NewReader(strings.NewReader(text))
	r.Follow(plan)
	return r
}

// readAll reads a text; bad items and an early end are returned as errors
// beside what was read.
func readAll(r *Reader) (dbs []database, errs []error) {
	for {
		h, err := r.Begin()
		if err == io.EOF {
			return dbs, errs
		}
		if err != nil {
			return dbs, append(errs, err)
		}
		db := database{Header: h}
		for {
			key, value, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				errs = append(errs, err)
				if errors.Is(err, ErrItem) {
					continue
				}
				break
			}
			db.Records = append(db.Records, pair{string(key), string(value)})
		}
		dbs = append(dbs, db)
	}
}

func write(t testing.TB, dbs []database) string {
	t.Helper()
	var out bytes.Buffer
	w := NewWriter(&out)
	for _, db := range dbs {
		if err := w.Begin(db.Header); err != nil {
			t.Fatal(err)
		}
		for _, r := range db.Records {
			if err := w.Record([]byte(r.Key), []byte(r.Value)); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.End(); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// header lines in the order of db_dump of release 5.3 (observed).
func TestHeaderOrder(t *testing.T) {
	tests := []struct {
		h    Header
		want string
	}{
		{Header{Type: "btree", MinKey: 4, Checksum: true, Duplicates: true, DupSort: true, PageSize: 4096, Keys: true},
			"VERSION=3 format=bytevalue type=btree bt_minkey=4 chksum=1 duplicates=1 dupsort=1 db_pagesize=4096 keys=1 HEADER=END"},
		{Header{Type: "btree", Print: true, RecNum: true, MinKey: 3, Checksum: true, PageSize: 4096},
			"VERSION=3 format=print type=btree recnum=1 bt_minkey=3 chksum=1 db_pagesize=4096 HEADER=END"},
		{Header{Type: "recno", Renumber: true, FixedLen: 10, Pad: '4', Checksum: true, PageSize: 4096},
			"VERSION=3 format=bytevalue type=recno renumber=1 re_len=10 re_pad=0x34 chksum=1 db_pagesize=4096 HEADER=END"},
		{Header{Type: "recno", FixedLen: 10, Pad: ' ', PageSize: 512},
			"VERSION=3 format=bytevalue type=recno re_len=10 db_pagesize=512 HEADER=END"},
		{Header{Type: "hash", Database: "a\\b", Named: true, NumElem: 101, Duplicates: true, PageSize: 4096},
			`VERSION=3 format=bytevalue database=a\\b type=hash h_nelem=101 duplicates=1 db_pagesize=4096 HEADER=END`},
	}
	for _, tc := range tests {
		got := strings.ReplaceAll(strings.TrimSuffix(string(tc.h.append(nil)), "\n"), "\n", " ")
		if got != tc.want {
			t.Errorf("got  %s\nwant %s", got, tc.want)
		}
	}
}

func TestRead(t *testing.T) {
	const head = "VERSION=3\nformat=print\ntype=btree\nHEADER=END\n"
	tests := []struct {
		name, text string
		want       []pair
		err        string // of the first error
	}{
		{"plain", head + " a\n b\nDATA=END\n", []pair{{"a", "b"}}, ""},
		{"escapes", head + " \\\\\\00\n \\fF\nDATA=END\n", []pair{{"\\\x00", "\xff"}}, ""},
		{"raw bytes", head + " \xe4\n \nDATA=END\n", []pair{{"\xe4", ""}}, ""},
		{"no final LF", head + " a\n b\nDATA=END", []pair{{"a", "b"}}, ""},
		{"hexadecimal", "VERSION=3\nformat=bytevalue\ntype=btree\nHEADER=END\n 61\n 0aFf\nDATA=END\n", []pair{{"a", "\n\xff"}}, ""},
		{"2.x", "format=print\ntype=btree\nHEADER=END\na\nb\n\nc\n", []pair{{"a", "b"}, {"", "c"}}, ""},
		{"recno", "VERSION=2\nformat=print\ntype=recno\nHEADER=END\n a\n b\nDATA=END\n", []pair{{"", "a"}, {"", "b"}}, ""},
		{"recno with keys", "VERSION=3\nformat=print\ntype=recno\nkeys=1\nHEADER=END\n 7\n b\nDATA=END\n", []pair{{"7", "b"}}, ""},
		{"bad escape", head + " a\\\n b\n c\n d\nDATA=END\n", []pair{{"c", "d"}}, "line 5: unreadable item: column 2: a backslash without two hexadecimal digits"},
		{"bad value", head + " a\n b\\0\n c\n d\nDATA=END\n", []pair{{"c", "d"}}, "line 6: unreadable item: column 2: a backslash without two hexadecimal digits"},
		{"no blank", head + "a\n b\n c\n d\nDATA=END\n", []pair{{"c", "d"}}, "line 5: unreadable item: up to line 6 left out: lines are missing or there are too many: what is a key and what a value is not sure"},
		{"odd hexadecimal", "VERSION=3\nformat=bytevalue\ntype=btree\nHEADER=END\n 6\n 61\nDATA=END\n", nil, "line 5: unreadable item: column 1: an odd number of hexadecimal digits"},
		{"no end", head + " a\n b\n", []pair{{"a", "b"}}, "line 6: text ends early: no DATA=END"},
		{"key only", head + " a\nDATA=END\n", nil, "line 5: unreadable item: up to line 5 left out: lines are missing or there are too many: what is a key and what a value is not sure"},
		{"no header end", "VERSION=3\ntype=btree\n", nil, "line 2: text ends early: no HEADER=END"},
		{"bad header", "VERSION=3\nhello\n", nil, `line 2: "hello" is no header line`},
		{"bad number", "VERSION=3\ndb_pagesize=x\n", nil, `line 2: db_pagesize="x": not a number from 1 to 1073741824`},
		{"newer", "VERSION=4\n", nil, `line 1: VERSION="4": not a number from 1 to 3`},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			dbs, errs := readAll(surveyed(t, tc.text))
			var got []pair
			for _, db := range dbs {
				got = append(got, db.Records...)
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Error(d)
			}
			first := ""
			if len(errs) > 0 {
				first = errs[0].Error()
			}
			if first != tc.err {
				t.Errorf("error %q, want %q", first, tc.err)
			}
		})
	}
}

func TestUnknownHeaderLinesAreTold(t *testing.T) {
	var told []string
	r := NewReader(strings.NewReader("VERSION=3\nformat=print\ntype=btree\nnew_thing=1\nHEADER=END\nDATA=END\n"))
	r.Warn = func(line int64, text string) { told = append(told, text) }
	if _, errs := readAll(r); len(errs) > 0 || len(told) != 1 || told[0] != `unknown header line "new_thing=1" passed over` {
		t.Errorf("told %q, errors %v", told, errs)
	}
}

func TestLongItems(t *testing.T) {
	long := strings.Repeat("x\x00\\", 300<<10)
	for _, print := range []bool{true, false} {
		want := []database{{Header{Version: 3, Print: print, Type: "btree"}, []pair{{"k", long}, {long, ""}}}}
		got, errs := readAll(NewReader(strings.NewReader(write(t, want))))
		if len(errs) > 0 || !cmp.Equal(want, got) {
			t.Errorf("print %t: not read back equal, %v", print, errs)
		}
	}
}

func TestLineBeyondTheLimit(t *testing.T) {
	head := "VERSION=3\nformat=print\ntype=btree\nHEADER=END\n "
	r := NewReader(io.MultiReader(strings.NewReader(head), io.LimitReader(letters{}, 3*DefaultMaxItem+1<<20)))
	if _, errs := readAll(r); len(errs) == 0 || !strings.Contains(errs[0].Error(), "longer than") {
		t.Errorf("errors %v", errs)
	}
}

// An item that reads as the end of the data, in a text without blanks, where
// what follows is read anew to tell: at the end of a buffer it stays what it
// is.
func TestItemAtTheEndOfABuffer(t *testing.T) {
	head := "format=print\ntype=btree\nHEADER=END\n"
	filler := strings.Repeat("x", lineBuffer-len(head)-len("\nkey\nDATA=END\n")-len("k\n"))
	want := []pair{{"k", filler}, {"key", "DATA=END"}, {"last", strings.Repeat("y", lineBuffer)}}
	text := head
	for _, p := range want {
		text += p.Key + "\n" + p.Value + "\n"
	}
	for name, src := range map[string]io.Reader{"whole": strings.NewReader(text), "a byte at a time": iotest.OneByteReader(strings.NewReader(text))} {
		dbs, errs := readAll(NewReader(src))
		if len(errs) > 0 || len(dbs) != 1 || !cmp.Equal(dbs[0].Records, want) {
			t.Errorf("%s: %d databases, errors %.200q", name, len(dbs), errs)
			for i, p := range dbs[0].Records {
				t.Logf("%d: %.20q %.20q", i, p.Key, p.Value)
			}
		}
	}
}

// letters is an endless line.
type letters struct{}

func (letters) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

// What is read from any text is written and read back equal.
func FuzzReader(f *testing.F) {
	f.Add("VERSION=3\nformat=print\ntype=btree\ndb_pagesize=512\nHEADER=END\n a\\00\\\\\n b\nDATA=END\n")
	f.Add("VERSION=3\nformat=bytevalue\ndatabase=x\ntype=recno\nkeys=1\nre_len=4\nre_pad=0x61\nHEADER=END\n 31\n 6162\nDATA=END\nVERSION=3\ntype=hash\nHEADER=END\nDATA=END\n")
	f.Add("format=print\ntype=btree\nHEADER=END\na\nb\n")
	f.Fuzz(func(t *testing.T, text string) {
		dbs, _ := readAll(NewReader(strings.NewReader(text)))
		for i := range dbs {
			dbs[i].Header.Version = 3
		}
		again, errs := readAll(NewReader(strings.NewReader(write(t, dbs))))
		if len(errs) > 0 || len(again) != len(dbs) {
			t.Fatalf("%d databases read back of %d: %v", len(again), len(dbs), errs)
		}
		for i := range dbs {
			if d := cmp.Diff(dbs[i].Records, again[i].Records); d != "" {
				t.Error(d)
			}
		}
	})
}
