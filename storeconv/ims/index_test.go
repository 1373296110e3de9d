package ims

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const sampleIndex = "imsconv-store.idx 1\n" +
	"Name: user/joe/Mail\nVersion: imsconv-1\nExists: 2\nLargest Msg: 1094\nLast Append: 20060623164746\nLast UID: 9\nOldest Msg: 20000621093214\n" +
	"Oldest Uid: 2\nQuota Used: 1194\nUID Validity: 1008099930\nACL: joe\tlrswipcda\tanyone\tlr\nUserflags: f1 f2\nSubscribed: 1\nPartition: primary\nFuture: kept: as is\n" +
	"\n" +
	"2\t20000621093214\t19980719234108\t1094\t768\t0010000\t030000\t1008099883-2\t" + "aa00000000000000000000000000000000000000000000000000000000000001\t<0EWD00M09RWKOY@dumbo.sesta.com>\n" +
	"3\t20060623164746\t\t100\t100\t0100001\t00000080\t\t\t\n"

func TestIndexRoundTrip(t *testing.T) {
	x, err := ReadIndex(strings.NewReader(sampleIndex))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := x.WriteIndex(&out); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sampleIndex, out.String()); diff != "" {
		t.Errorf("written again (-want +got):\n%s", diff)
	}
	want := Record{UID: 2, InternalDate: 961579934, SentDate: 900891668, Size: 1094, HSize: 768, Flags: Seen, Keywords: []byte{3},
		OrigValidity: 1008099883, OrigUID: 2, SHA256: [32]byte{0: 0xaa, 31: 1}, MessageID: "<0EWD00M09RWKOY@dumbo.sesta.com>"}
	if diff := cmp.Diff(want, x.Messages[0]); diff != "" {
		t.Errorf("first record (-want +got):\n%s", diff)
	}
	if m := x.Messages[1]; m.SentDate != NoTime || m.HasSum() || m.Flags != Deleted|Archived || !m.HasKeyword(31) || m.HasKeyword(0) {
		t.Errorf("second record: %+v", m)
	}
	before := x.Header
	x.Count()
	if diff := cmp.Diff(before, x.Header); diff != "" {
		t.Errorf("counted header (-read +counted):\n%s", diff)
	}
}

func TestEmptyIndex(t *testing.T) {
	x := &Index{Header: Header{Name: "user/joe", UIDValidity: 7, Partition: "primary"}}
	x.Count()
	var out bytes.Buffer
	if err := x.WriteIndex(&out); err != nil {
		t.Fatal(err)
	}
	want := "imsconv-store.idx 1\nName: user/joe\nVersion: imsconv-1\nExists: 0\nLargest Msg: 0\nLast Append: \nLast UID: 0\nOldest Msg: \nOldest Uid: \n" +
		"Quota Used: 0\nUID Validity: 7\nACL: \nUserflags: \nSubscribed: 0\nPartition: primary\n\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("empty index (-want +got):\n%s", diff)
	}
	if _, err := ReadIndex(&out); err != nil {
		t.Error(err)
	}
}

// A reader that is used again gives what a new one does, also after an index
// that could not be read.
func TestIndexReaderReset(t *testing.T) {
	var ir IndexReader
	empty := "imsconv-store.idx 1\nName: user/ann\nLast UID: 7\n\n"
	for _, text := range []string{sampleIndex, empty, "\x00", sampleIndex[:len(sampleIndex)-9], empty, sampleIndex} {
		want, wantErr := ReadIndex(strings.NewReader(text))
		got, err := new(Index), ir.Reset(strings.NewReader(text))
		got.Header = ir.Header
		for err == nil {
			var rec *Record
			if rec, err = ir.Next(); err == nil {
				got.Messages = append(got.Messages, *rec.Clone())
			}
		}
		if err == io.EOF {
			err = nil
		}
		if (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() {
			t.Errorf("%.30q: error %v, a new reader says %v", text, err, wantErr)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); err == nil && diff != "" {
			t.Errorf("%.30q (-new reader +used again):\n%s", text, diff)
		}
	}
}

// The lines behind the header are in the *bufio.Reader that was given, where
// whoever wants only a part of them reads on.
func TestIndexReaderTakesBuffer(t *testing.T) {
	br := bufio.NewReaderSize(strings.NewReader(sampleIndex), indexBuffer)
	if _, err := NewIndexReader(br); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(br)
	if _, want, _ := strings.Cut(sampleIndex, "\n\n"); err != nil || string(rest) != want {
		t.Errorf("%q, %v; want %q", rest, err, want)
	}
}

// A cut index must never read as a shorter one that is whole, except where the
// cut falls between two lines.
func TestIndexCutAnywhere(t *testing.T) {
	head := strings.Index(sampleIndex, "\n\n") + 2
	for n := range len(sampleIndex) {
		_, err := ReadIndex(strings.NewReader(sampleIndex[:n]))
		whole := n >= head && sampleIndex[n-1] == '\n'
		if whole != (err == nil) {
			t.Errorf("cut at %d: error %v", n, err)
		}
	}
}

// TestWhoseIndex: an index of ours that is damaged at its beginning, in
// whatever way, is not taken for another program's, and the other way round.
func TestWhoseIndex(t *testing.T) {
	whose := func(text string) error {
		_, err := ReadIndex(strings.NewReader(text))
		return err
	}
	for _, s := range []string{"\x00\x01\x02", "vendor's own bytes", strings.Repeat("\x00\x81\x07", 9000), "\x00\x01\nName: a\nVersion: 2\n"} {
		if err := whose(s); err != ErrForeignIndex {
			t.Errorf("%.40q: error %v, want ErrForeignIndex", s, err)
		}
	}
	head, records, _ := strings.Cut(sampleIndex, "\n\n")
	_, rest, _ := strings.Cut(head, "\n")
	ours := map[string]string{
		"empty":               "",
		"zeros":               strings.Repeat("\x00", 900),
		"more zeros":          strings.Repeat("\x00", 90000),
		"another version":     strings.Replace(sampleIndex, " 1\n", " 2\n", 1),
		"version of two":      "imsconv-store.idx 12\n\n",
		"first line is lost":  rest + "\n\n" + records,
		"header is lost":      records,
		"header of zeros":     strings.Repeat("\x00", len(head)) + "\n\n" + records,
		"a line in front":     "x\n" + sampleIndex,
		"other line ends":     strings.ReplaceAll(sampleIndex, "\n", "\r\n"),
		"cut in the marker":   sampleIndex[:18],
		"a page in the front": strings.Repeat("\x00", 4096) + sampleIndex,
	}
	for i := range len(indexMagic) + 1 {
		b := []byte(sampleIndex)
		b[i] ^= 1
		ours[fmt.Sprintf("byte %d", i)] = string(b)
	}
	for i := 1; i <= len(indexMagic); i++ {
		ours[fmt.Sprintf("cut to %d bytes", i)] = indexMagic[:i]
	}
	for name, text := range ours {
		err := whose(text)
		var bad *Error
		if !errors.As(err, &bad) || bad.Class != BadIndex || !errors.Is(err, ErrNoBeginning) || errors.Is(err, ErrForeignIndex) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// TestHeaderLineLost: an index that has lost a line of its header is damaged:
// what the line said is not taken as unset. Only Bare LF may be missing.
func TestHeaderLineLost(t *testing.T) {
	head, _, _ := strings.Cut(sampleIndex, "\n\n")
	for _, line := range strings.Split(head, "\n")[1:] {
		name, _, _ := strings.Cut(line, ":")
		_, err := ReadIndex(strings.NewReader(strings.Replace(sampleIndex, "\n"+line+"\n", "\n", 1)))
		if !slices.Contains(indexFields, name) || name == "Bare LF" {
			if err != nil {
				t.Errorf("without %s: %v", name, err)
			}
			continue
		}
		var bad *Error
		if !errors.As(err, &bad) || bad.Class != BadIndex || !strings.Contains(bad.Text, `"`+name+`"`) {
			t.Errorf("without %s: error %v", name, err)
		}
	}
}

func TestBadIndexLines(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{"Exists: 2", "Exists: -2", "line 4"},
		{"Exists: 2", "Exists", "line 4"},
		{"Last UID: 9", "Last UID: 4294967296", "line 7"},
		{"\n3\t", "\n2\t", "line 19: UID 2 after UID 2"},
		{"\n3\t", "\n03\t", "line 19"},
		{"0100001", "0100002", "line 19"},
		{"0100001", "010000", "line 19"},
		{"00000080", "0000008", "line 19"},
		{"1008099883-2", "1008099883", "line 18"},
		{"\taa0000", "\taa", "line 18"},
		{"20060623164746\t\t", "20061323164746\t\t", "line 19"},
		{"\t100\t100\t", "\t100\t", "line 19"},
	} {
		bad := strings.Replace(sampleIndex, c.old, c.new, 1)
		if _, err := ReadIndex(strings.NewReader(bad)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: error %v, want one with %q", c.new, err, c.want)
		}
	}
}

// TestIndexReaderGoesOn: a line that cannot be read keeps nobody from those
// behind it.
func TestIndexReaderGoesOn(t *testing.T) {
	head, lines, _ := strings.Cut(sampleIndex, "\n\n")
	ir, err := NewIndexReader(strings.NewReader(head + "\n\nnothing\n" + lines + "cut"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for len(got) < 20 {
		rec, err := ir.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			got = append(got, err.Error())
			continue
		}
		got = append(got, string(rec.Append(nil)))
	}
	whole := slices.Collect(strings.Lines(lines))
	want := slices.Concat([]string{"store.idx, line 18: 1 fields, 10 expected"}, whole, []string{fmt.Sprintf("store.idx, line %d: unexpected EOF", 19+len(whole))})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// FuzzIndex holds that whatever reads, reads the same after writing.
func FuzzIndex(f *testing.F) {
	f.Add([]byte(sampleIndex))
	f.Add([]byte("imsconv-store.idx 1\n\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		x, err := ReadIndex(bytes.NewReader(b))
		if err != nil {
			return
		}
		var out bytes.Buffer
		if err := x.WriteIndex(&out); err != nil {
			t.Fatal(err)
		}
		y, err := ReadIndex(&out)
		if err != nil {
			t.Fatalf("second reading: %v", err)
		}
		x.Version = y.Version
		if diff := cmp.Diff(x, y, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("second reading (-first +second):\n%s", diff)
		}
	})
}

// TestParseTime: fourteen digits are read as package time reads them, and
// refused where it refuses them.
func TestParseTime(t *testing.T) {
	for _, s := range []string{
		"20010228235959", "20000229000000", "00010101000000", "99991231235959", "19691231235959",
		"00000101000000", "20010229000000", "20010431000000", "20010001000000", "20011301000000", "20010100000000", "20010132000000",
		"20010101240000", "20010101006000", "20010101000060", "2001010100000x", "-0010101000000", "2001010100:000", "2001010 000000", " 0010101000000",
	} {
		got, err := ParseTime(s)
		want, wantErr := time.Parse("20060102150405", s)
		if wantErr == nil && want.Year() < 1 {
			wantErr = errors.New("year 0")
		}
		if (err != nil) != (wantErr != nil) || err == nil && got != want.Unix() {
			t.Errorf("%q: %d, %v; package time says %d, %v", s, got, err, want.Unix(), wantErr)
		}
	}
}

// TestBareLF: the field is believed of the messages that it was counted of, and
// says what it does not know.
func TestBareLF(t *testing.T) {
	read := func(lines string) (*Header, error) {
		for _, name := range indexFields { // what every index has
			if name != bareField && !strings.Contains("\n"+lines, "\n"+name+":") {
				lines = name + ":\n" + lines
			}
		}
		ir, err := NewIndexReader(strings.NewReader("imsconv-store.idx 1\n" + lines + "\n"))
		if err != nil {
			return nil, err
		}
		return &ir.Header, nil
	}
	for _, tt := range []struct {
		lines      string
		has, known []uint32
	}{
		{"Quota Used: 9\n", nil, nil},
		{"Quota Used: 9\nBare LF: 0 9\n", nil, []uint32{1, 7, 4294967295}},
		{"Bare LF: 0 9\nQuota Used: 9\n", nil, []uint32{1}},
		{"Quota Used: 9\nBare LF: 0 8\n", nil, nil},
		{"Quota Used: 9\nBare LF: 3 9\n", nil, nil},
		{"Quota Used: 9\nBare LF: 3 9 2,5:6\n", []uint32{2, 5, 6}, []uint32{1, 2, 3, 4, 5, 6, 7}},
	} {
		h, err := read(tt.lines)
		if err != nil {
			t.Fatal(err)
		}
		for _, uid := range []uint32{1, 2, 3, 4, 5, 6, 7, 4294967295} {
			has, known := h.HasBareLF(uid)
			if want := slices.Contains(tt.has, uid); has != want || slices.Contains(tt.known, uid) && !known || tt.known == nil && known {
				t.Errorf("%q, %d: %v, %v", tt.lines, uid, has, known)
			}
		}
		again, err := read(strings.TrimPrefix(strings.TrimSuffix(string(h.Append(nil)), "\n"), "imsconv-store.idx 1\n"))
		if err != nil || !slices.Equal(again.Bare.UIDs, h.Bare.UIDs) || again.Bare.Of != h.Bare.Of || again.Bare.Messages != h.Bare.Messages {
			t.Errorf("%q: %+v, %v", tt.lines, again, err)
		}
	}
	for _, bad := range []string{"", "1", "1 x", "x 1", "1 2 3:1", "1 2 0", "1 2 1,1", "1 2 1 2", "-1 2", "1  2"} {
		if _, err := read("Bare LF: " + bad + "\n"); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
	h := Header{QuotaUsed: 9}
	var many []UIDRange
	for i := range uint32(30_000) {
		many = append(many, UIDRange{First: 3*i + 1, Last: 3*i + 2})
	}
	h.SetBareLF(many)
	if again, err := read(strings.TrimPrefix(strings.TrimSuffix(string(h.Append(nil)), "\n"), "imsconv-store.idx 1\n")); err != nil || again.Bare.Messages != 60_000 || again.Bare.UIDs != nil {
		t.Errorf("%v, %v", again.Bare.Messages, err)
	}
}

// TestErrorsOfTheSource: an error of what an index is read from is told as it
// is, at every call, and is no damage: who goes on behind damage ends there.
func TestErrorsOfTheSource(t *testing.T) {
	head, lines, _ := strings.Cut(sampleIndex, "\n\n")
	first, rest, _ := strings.Cut(lines, "\n")
	broken := errors.New("the wire is cut")
	upTo := func(text string) io.Reader {
		// What comes behind the error is not read.
		return io.MultiReader(strings.NewReader(text), &oneError{err: broken}, strings.NewReader(rest))
	}
	for _, text := range []string{"", head[:30], head} {
		if _, err := NewIndexReader(upTo(text)); !errors.Is(err, broken) || IsBadIndex(err) {
			t.Errorf("after %d bytes of the header: %v", len(text), err)
		}
	}
	for _, text := range []string{"", first + "\n", first + "\n" + rest[:9], "nothing\n" + first + "\n", strings.Repeat("x", MaxIndexLine+9)} {
		ir, err := NewIndexReader(upTo(head + "\n\n" + text))
		if err != nil {
			t.Fatal(err)
		}
		for calls := 0; ; calls++ {
			rec, err := ir.Next()
			if err == nil && rec.UID == 2 {
				continue
			}
			if IsBadIndex(err) && calls == 0 && strings.HasPrefix(text, "nothing") {
				continue
			}
			if err != broken {
				t.Errorf("after %.20q: %v at call %d", text, err, calls)
			}
			if calls > 5 {
				break
			}
		}
	}
}

// oneError is a reader that fails once, and has nothing to give then.
type oneError struct{ err error }

func (r *oneError) Read([]byte) (int, error) {
	err := r.err
	r.err = io.EOF
	return 0, err
}

// TestLineTooLong: of a line that is too long nothing is read, and the next
// one follows.
func TestLineTooLong(t *testing.T) {
	head, lines, _ := strings.Cut(sampleIndex, "\n\n")
	first, rest, _ := strings.Cut(lines, "\n")
	ir, err := NewIndexReader(strings.NewReader(head + "\n\n" + strings.Repeat("x", MaxIndexLine) + "\n" + first + strings.Repeat("x", 9*MaxIndexLine) + "\n" + rest))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := ir.Next(); !IsBadIndex(err) {
			t.Errorf("error %v", err)
		}
	}
	rec, err := ir.Next()
	if err != nil || string(rec.Append(nil)) != rest {
		t.Errorf("%+v, %v, want %q", rec, err, rest)
	}
}
