package sims

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

// archive builds streams header by header.
type archive struct{ Writer }

// member adds a member of any type with its body, behind a pax header of the
// records, and with a size field of its own.
func (a *archive) member(typ byte, name, link string, size int64, body string, records ...Attr) {
	if len(records) > 0 {
		a.pax('x', records)
	}
	a.header(name, 0o600, size, 957764210, typ, link)
	a.body(body)
}

func (a *archive) body(body string) {
	a.buf = append(a.buf, body...)
	a.zeros(int(roundUp(int64(len(body)))) - len(body))
}

func (a *archive) reader() io.Reader {
	a.zeros(2 * blockSize)
	return bytes.NewReader(a.buf)
}

// A body that is not the file's bytes is refused, whoever's key says so; all
// else about the member is as it was.
func TestKeysThatChangeTheBody(t *testing.T) {
	const body = "3\n0\n512\n1024\n512\n9999\n0\n"
	for _, c := range []struct {
		records []Attr
		name    string // in the message
		refused bool
	}{
		{[]Attr{{"GNU.sparse.major", "1"}, {"GNU.sparse.minor", "0"}, {"GNU.sparse.name", "joe/INBOX/7"}, {"GNU.sparse.realsize", "500000"}}, "joe/INBOX/7", true},
		{[]Attr{{"GNU.sparse.size", "500000"}, {"GNU.sparse.numblocks", "1"}, {"GNU.sparse.map", "0,512"}, {"GNU.sparse.name", "joe/INBOX/7"}}, "joe/INBOX/7", true},
		{[]Attr{{"GNU.sparse.size", "500000"}, {"GNU.sparse.numblocks", "1"}, {"GNU.sparse.offset", "0"}, {"GNU.sparse.numbytes", "512"}}, "joe/INBOX/1", true},
		{[]Attr{{"SUN.holesdata", " 0 512 1024"}}, "joe/INBOX/1", true},
		{[]Attr{{"SCHILY.realsize", "500000"}}, "joe/INBOX/1", true},
		{[]Attr{{"SCHILY.realsize", "nonsense"}}, "joe/INBOX/1", true},
		{[]Attr{{"SCHILY.filetype", "sparse"}}, "joe/INBOX/1", true},
		{[]Attr{{"SCHILY.filetype", "meta"}}, "joe/INBOX/1", true},
		{[]Attr{{"GNU.volume.offset", "4096"}}, "joe/INBOX/1", true},
		{[]Attr{{"SCHILY.offset", "4096"}}, "joe/INBOX/1", true},
		{[]Attr{{"VENDOR.sparsemap", "0,1"}}, "joe/INBOX/1", true},
		{[]Attr{{"VENDOR.compression", "zlib"}}, "joe/INBOX/1", true},
		{[]Attr{{"SCHILY.realsize", "24"}}, "", false},
		{[]Attr{{"SCHILY.filetype", "regular"}}, "", false},
		{[]Attr{{"SCHILY.xattr.user.sparse", "1"}, {"LIBARCHIVE.xattr.compress", "1"}, {"atime", "7"}, {"comment", "sparse"}}, "", false},
	} {
		a := &archive{}
		a.member('0', "joe/INBOX/1", "", int64(len(body)), body, c.records...)
		a.member('0', "joe/INBOX/2", "", 3, "two")
		r := NewReader(a.reader())
		m, err := r.Next()
		var p *Error
		switch {
		case !c.refused:
			if err != nil || m.Size != int64(len(body)) {
				t.Errorf("%v: %v", c.records, err)
			}
		case !errors.As(err, &p) || p.Class != BadType || p.Name != c.name || p.Member != nil:
			t.Errorf("%v: %v", c.records, err)
		}
		if m, err = r.Next(); err != nil || m.Name != "joe/INBOX/2" || m.Size != 3 {
			t.Errorf("%v: behind it %v", c.records, err)
		}
	}
}

// What a sparse file leaves out may be all of it.
func TestSparseFileWithoutABody(t *testing.T) {
	a := &archive{}
	a.member('0', "joe/INBOX/1", "", 0, "", Attr{"GNU.sparse.size", "500000"}, Attr{"GNU.sparse.numblocks", "0"})
	if m, err := NewReader(a.reader()).Next(); err == nil {
		t.Errorf("%+v is taken", m)
	}
}

// A key of a global header is in force for all members behind it.
func TestGlobalKeys(t *testing.T) {
	a := &archive{}
	a.pax('g', []Attr{{"SIMS.profile", "1"}, {"mtime", "-86400.5"}})
	a.member('0', "joe/INBOX/1", "", 3, "one")
	a.member('0', "joe/INBOX/2", "", 3, "two", Attr{"mtime", "5"})
	a.pax('g', []Attr{{"size", "700"}, {"path", "x"}})
	a.member('0', "joe/INBOX/3", "", 3, "abc")
	a.pax('g', []Attr{{"GNU.sparse.major", "1"}})
	a.member('5', "joe/Mail/", "", 0, "")
	a.member('0', "joe/INBOX/4", "", 3, "abc")
	_, got := readAll(t, a.reader())
	if len(got) != 6 || got[0].Time != -86401 || got[1].Time != 5 || got[2].Problem != BadExtended || got[3].Body != "abc" ||
		got[4].Name != "joe/Mail" || got[5].Problem != BadType {
		t.Errorf("%+v", got)
	}
}

// The old sparse header of GNU tar has more of its map in blocks behind it.
// What looks like a header in the body is not one.
func TestSparseMapBlocks(t *testing.T) {
	a := &archive{}
	a.member('S', "joe/INBOX/1", "", 1024, "")
	a.buf[offMore] = 1
	sumUp(a.buf[:blockSize])
	more := make([]byte, 2*blockSize)
	more[0], more[offMoreNext], more[blockSize] = '1', 1, '2'
	a.body(string(more))
	inner := &archive{}
	inner.member('0', "ann/INBOX/9", "", 0, "")
	a.body("From here on\n")
	a.body(string(inner.buf))
	a.member('0', "joe/INBOX/2", "", 3, "two")
	_, got := readAll(t, a.reader())
	if len(got) != 2 || got[0].Problem != BadType || got[1].Name != "joe/INBOX/2" {
		t.Errorf("%+v", got)
	}
}

// sumUp writes the checksum of a changed header.
func sumUp(b []byte) {
	copy(b[offChecksum:offChecksum+8], "        ")
	var sum int64
	for _, c := range b {
		sum += int64(c)
	}
	octal(b[offChecksum:offChecksum+7], sum)
}

// A hard link may carry the data of what it links to, or have the size of that
// in its header and no data.
func TestLinksWithData(t *testing.T) {
	long := strings.Repeat("0123456789abcdef", MaxInline/16+100)
	for _, body := range []string{"one", strings.Repeat("x", 512), strings.Repeat("x", 513), long} {
		for _, carried := range []string{body, ""} {
			for _, last := range []bool{false, true} {
				a := &archive{}
				a.member('0', "joe/INBOX/1", "", int64(len(body)), body)
				a.member('1', "joe/INBOX/2", "joe/INBOX/1", int64(len(body)), carried)
				want := 2
				if !last {
					want++
					a.member('0', "joe/INBOX/3", "", 3, "abc", Attr{"SIMS.flags", "\\Seen"})
				}
				_, got := readAll(t, a.reader())
				if len(got) != want || got[1].Kind != Link || got[1].Link != "joe/INBOX/1" || got[1].Size != 0 || got[1].Time != 957764210 ||
					!last && (got[2].Body != "abc" || got[2].Flags != "\\Seen") {
					t.Errorf("%d bytes, %d carried, last %t: %d items", len(body), len(carried), last, len(got))
				}
			}
		}
	}
}

// A size in a link's header that is not the length of a body leads nobody past
// the next member.
func TestLinkWithAnImpossibleBody(t *testing.T) {
	a := &archive{}
	a.member('0', "joe/INBOX/1", "", 3, "one")
	a.member('1', "joe/INBOX/2", "joe/INBOX/1", 1000, "damage, not a body of 1000 bytes")
	a.member('0', "joe/INBOX/3", "", 3, "abc")
	a.member('0', "joe/INBOX/4", "", 900, strings.Repeat("d", 900))
	_, got := readAll(t, a.reader())
	if n := len(got); n != 5 || got[2].Problem != BadHeader || got[3].Name != "joe/INBOX/3" || got[4].Name != "joe/INBOX/4" {
		t.Errorf("%d items: %+v", n, got)
	}
}

// Dates before 1970 come back from both forms, at any distance.
func TestDatesBefore1970(t *testing.T) {
	var buf bytes.Buffer
	w, err := NewWriter(&buf, Header{HasDate: true}, 0)
	if err != nil {
		t.Fatal(err)
	}
	times := []int64{-1, 0, -86400 * 365 * 70, -1 << 33, 1<<33 - 1, 1 << 33}
	for i, at := range times {
		if err := w.WriteMember(&Member{Kind: Message, Name: "joe/INBOX/" + string(rune('1'+i)), Time: at}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	h, got := readAll(t, &buf)
	if !h.HasDate || h.Date != 0 {
		t.Errorf("header %+v", h)
	}
	for i, at := range times {
		if got[i].Time != at || len(got[i].Unknown) != 0 {
			t.Errorf("%d came back as %d", at, got[i].Time)
		}
	}
	b := rawHeader("joe/INBOX/1", "00000000000\x00")
	copy(b[offMtime:offMtime+12], "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe")
	sumUp(b)
	if m, err := NewReader(bytes.NewReader(b)).Next(); err != nil || m.Time != -2 {
		t.Errorf("in base 256: %v", err)
	}
	for text, want := range map[string]int64{"-0.5": -1, "-0": 0, "-1.0": -1, "-1.25": -2, "0.9": 0, "-.5": -1, ".5": 0} {
		if n, ok := parseSeconds(text); !ok || n != want {
			t.Errorf("%q is %d, %t", text, n, ok)
		}
	}
	for _, text := range []string{"", "-", ".", "1.x", "1e3", "+1", "1.-5"} {
		if n, ok := parseSeconds(text); ok {
			t.Errorf("%q is %d", text, n)
		}
	}
}
