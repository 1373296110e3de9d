package message

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"imsconv/storeconv/ims"
)

func TestParseDate(t *testing.T) {
	for text, want := range map[string]string{
		"Tue, 12 Oct 1999 13:29:56 +0000":                           "1999-10-12T13:29:56Z",
		"12 Oct 1999 13:29 -0800":                                   "1999-10-12T21:29:00Z",
		"Tue, 12 Oct 99 13:29:56 PDT":                               "1999-10-12T20:29:56Z",
		"Tue,12 oct 2001 01:02:03 (a (nested) comment) +0530 (IST)": "2001-10-11T19:32:03Z",
		"Sat, 1 Jan 00 00:00:00 GMT":                                "2000-01-01T00:00:00Z",
		"Sat, 1 Jan 100 00:00:00 UT":                                "2000-01-01T00:00:00Z",
		"1 Feb 2000 00:00:60":                                       "2000-02-01T00:01:00Z",
		"Mon, 3-Apr-95 10:00:00 Z":                                  "1995-04-03T10:00:00Z",
		"Tuesday, 12 October 1999 13:29:56 +0000":                   "1999-10-12T13:29:56Z",
	} {
		w, err := time.Parse(time.RFC3339, want)
		if err != nil {
			t.Fatal(err)
		}
		if got := parseDate([]byte(text)); got != w.Unix() {
			t.Errorf("%q: %v, want %v", text, time.Unix(got, 0).UTC(), want)
		}
	}
	for _, bad := range []string{"", "yesterday", "Tue, 32 Oct 1999 1:2:3", "30 Feb 2000 1:2:3", "1 Foo 2000 1:2:3", "1 Jan 2000", "1 Jan 2000 25:00", "1 Jan 2000 1:2:3 +99", "1 Jan 2000 10:61"} {
		if got := parseDate([]byte(bad)); got != ims.NoTime && !strings.HasSuffix(bad, "+99") {
			t.Errorf("%q: %v, want none", bad, time.Unix(got, 0).UTC())
		}
	}
}

func TestSummarize(t *testing.T) {
	for _, c := range []struct {
		text  string
		hsize int64
		sent  bool
		id    string
		bare  bool
	}{
		{"A: b\r\nMessage-Id: <x@y>\r\nDate: 1 Jan 2000 00:00:00\r\n\r\nbody\r\n", 54, true, "<x@y>", false},
		{"A: b\nMESSAGE-ID:\n <x@y>\nDate:\n\t1 Jan\n 2000 00:00:00\n\nbody", 53, true, "<x@y>", true},
		{"Message-ID: one\r\nMessage-ID: two\r\n", 34, false, "one", false},
		{"Message-ID: (c) <a\tb@c> x\r\n\r\nDate: 1 Jan 2000 00:00:00\r\n", 29, false, "<ab@c>", false},
		{"", 0, false, "", false},
		{"no header at all", 16, false, "", false},
		{"\r\nonly a body\n", 2, false, "", true},
	} {
		got := Summarize([]byte(c.text))
		if got.HeaderSize != c.hsize || (got.Sent != ims.NoTime) != c.sent || got.ID != c.id || got.BareLF != c.bare {
			t.Errorf("%q: %+v, want %+v", c.text, got, c)
		}
	}
}

// In pieces of any size a long body gives the same as in one.
func TestBodyHashInPieces(t *testing.T) {
	text := []byte("Subject: a\r\nMessage-ID: <m@x>\n\nline\r\nline\nlast\r\r\n\n")
	for _, crlf := range []bool{false, true} {
		want := text
		if crlf {
			want = AppendCRLF(nil, text, 0)
			if bytes.Contains(bytes.ReplaceAll(want, []byte("\r\n"), nil), []byte("\n")) {
				t.Fatalf("bare LF in %q", want)
			}
		}
		for size := 1; size <= len(text); size++ {
			h := NewBody(crlf)
			var out []byte
			for b := text; len(b) > 0; b = b[min(size, len(b)):] {
				out = append(out, h.Add(b[:min(size, len(b))])...)
			}
			text, stored, _ := h.Finish()
			if !bytes.Equal(out, want) || stored != int64(len(want)) || !text.BareLF || text.ID != "<m@x>" {
				t.Errorf("pieces of %d, crlf %v: %q, %+v", size, crlf, out, text)
			}
		}
	}
}

// FuzzMessage holds that no message makes the reading of its header crash, and
// that pieces give the same as the whole.
func FuzzMessage(f *testing.F) {
	for _, s := range []string{"A: b\r\nMessage-Id: <x@y>\r\nDate: 1 Jan 2000 00:00:00\r\n\r\nbody\r\n", "Date:\n\t1 Jan\n 2000 00:00:00\n\nbody", "Message-ID:", "date: (((\n\n", "\r\n"} {
		f.Add([]byte(s), uint8(3))
	}
	f.Fuzz(func(t *testing.T, b []byte, size uint8) {
		want := Summarize(b)
		if want.HeaderSize < 0 || want.HeaderSize > int64(len(b)) || len(want.ID) > maxMessageID || strings.ContainsAny(want.ID, "\t\r\n") {
			t.Fatalf("%+v", want)
		}
		h := NewBody(false)
		for rest := b; len(rest) > 0; rest = rest[min(int(size)+1, len(rest)):] {
			h.Add(rest[:min(int(size)+1, len(rest))])
		}
		text, stored, _ := h.Finish()
		if text.HeaderSize != want.HeaderSize || text.Sent != want.Sent || text.ID != want.ID || stored != int64(len(b)) {
			t.Fatalf("in pieces of %d: %+v, whole %+v", size, text, want)
		}
	})
}
