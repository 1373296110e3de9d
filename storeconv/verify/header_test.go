package verify

import (
	"bytes"
	"net/mail"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/emersion/go-imap/utf7"
)

func TestReadHeader(t *testing.T) {
	for _, tt := range []struct {
		text string
		size int64
		sent int64
		id   string
	}{
		{"", 0, noDate, ""},
		{"\r\nbody", 2, noDate, ""},
		{"\nbody", 1, noDate, ""},
		{"Date: Mon, 1 May 2000 10:17:06 +0200\r\nMessage-ID: <a@b>\r\n\r\nDate: x", 57 + 2, 957169026, "<a@b>"},
		{"no header at all", 16, noDate, ""},
		{"a: b\nmessage-id:\n <a@b>\n (c)\n\n", 30, noDate, "<a@b>"},
		{"Message-Id: x <a@b> y\n\n", 23, noDate, "<a@b>"},
		{"Message-Id: plain\x01text\n\n", 24, noDate, "plaintext"},
		{"Meſſage-Id: <a@b>\nMessage-Idx: <c@d>\n\n", 40, noDate, ""},
		{"message-id \t: <a@b>\n\n", 21, noDate, "<a@b>"},
		{"Date: 1 Jan 99 23:59 GMT\n\n", 26, 915235140, ""},
		{"Date: (a, b) mON ,1 mAY 2000 10:17:06 (c, d) +0200\n\n", 52, 957169026, ""},
		{"DATE: 1 Jan 99 00:00:00 GMT\nDate: 2 Jan 99 00:00:00 GMT\n\n", 57, 915148800, ""},
	} {
		f := readHeader([]byte(tt.text))
		if f.size != tt.size || f.sent != tt.sent || !f.sentKnown || f.ids[0] != tt.id {
			t.Errorf("%q: %+v", tt.text, f)
		}
	}
	for _, odd := range []string{"Date: yesterday\n\n", "Date: Mon, 1 May 2000\n\n", "Date : 1 Jan 1999 00:00 GMT\n\n", "Date: 31 Feb 1999 00:00 GMT\n\n",
		"Date: 1 Jan 1999 00 GMT\n\n", "Date: 1 Jan 1999 0:00 GMT\n\n", "Date: 1 Jan 1999 00:60 GMT\n\n", "Date: 1 Jan 1999 24:00 GMT\n\n",
		"Date: 1 Jan 1999 00:00:61 GMT\n\n", "Date: 1 Jan 1999 00:00:00:00 GMT\n\n", "Date: 1 Jan 1999 00:00:+1 GMT\n\n",
		"Date: Mon,, 1 May 2000 10:17 GMT\n\n", "Date: , 1 May 2000 10:17 GMT\n\n", "Date: Ont, 1 May 2000 10:17 GMT\n\n", "Date: Mon, 1 Anf 2000 10:17 GMT\n\n",
		"Date: Mon, 1 May, 2000 10:17 GMT\n\n", "Date: Mon 1 May 2000 10:17 GMT\n\n"} {
		if f := readHeader([]byte(odd)); f.sentKnown {
			t.Errorf("%q is taken for %s", odd, dateText(f.sent))
		}
	}
	long := readHeader([]byte("Message-ID: <" + strings.Repeat("a", 2000) + ">\n\n"))
	if len(long.ids[0]) != maxMessageID {
		t.Errorf("a Message-ID of %d bytes", len(long.ids[0]))
	}
}

// FuzzReadHeader holds header and date against the library's: where both read a
// date they read the same.
func FuzzReadHeader(f *testing.F) {
	for _, s := range []string{
		"Date: Mon, 1 May 2000 10:17:06 +0200\r\n\r\n", "Date: 1 Jan 99 23:59:60 EST (x (y))\n\nbody", "Message-ID: <a> b\n c\n\n", "a\n", ":\n\n", "Date:\n\n",
		"Date: Mon,1 May 2000 10:17 -0130\n\n", "Date: Mon, 1 May 2000 10 : 17 : 06 GMT\n\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h := readHeader(b)
		if h.size < 0 || h.size > int64(len(b)) || len(h.ids[0]) > maxMessageID {
			t.Fatalf("%+v", h)
		}
		if cut := readHeader(b[:h.size]); cut.sent != h.sent || cut.ids != h.ids {
			t.Errorf("the header alone: %+v, with what follows %+v", cut, h)
		}
		m, err := mail.ReadMessage(bytes.NewReader(b))
		if err != nil || !h.sentKnown || h.sent == noDate || len(m.Header["Date"]) != 1 {
			return
		}
		// The library has other ideas of named zones and of years of two digits.
		if date, err := m.Header.Date(); err == nil && strings.ContainsAny(m.Header.Get("Date"), "+-") && date.Year() >= 1970 && date.Year() < 2049 && date.Unix() != h.sent {
			t.Errorf("%q: %s, the library reads %s", m.Header.Get("Date"), dateText(h.sent), date)
		}
	})
}

// FuzzModifiedUTF7 holds the writing of mailbox names against a library's.
func FuzzModifiedUTF7(f *testing.F) {
	for _, s := range []string{"", "Mail", "Gesendete Objekte", "Entwürfe", "日本語/x", "a&b", "\U0001f600", "~peter/mail/台北/日本語"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) {
			return
		}
		want, err := utf7.Encoding.NewEncoder().String(s)
		if got := modifiedUTF7(s); err == nil && got != want {
			t.Errorf("%q: %q, the library writes %q", s, got, want)
		}
	})
}

// FuzzLineEnds: in pieces of any size the same comes out.
func FuzzLineEnds(f *testing.F) {
	f.Add([]byte("a\nb\r\nc\r\r\n\n\r"), 3)
	f.Fuzz(func(t *testing.T, b []byte, piece int) {
		var whole, parts lineEnds
		want := bytes.Clone(whole.convert(b))
		var got []byte
		for rest, n := b, max(1, min(piece, 64)); len(rest) > 0; rest = rest[min(n, len(rest)):] {
			got = append(got, parts.convert(rest[:min(n, len(rest))])...)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%q in pieces: %q, whole %q", b, got, want)
		}
		if n := bytes.Count(want, []byte{'\n'}); n != bytes.Count(b, []byte{'\n'}) || n != bytes.Count(want, []byte("\r\n")) {
			t.Errorf("%q becomes %q", b, want)
		}
		if bytes.ReplaceAll(want, []byte{'\r'}, nil) != nil && !bytes.Equal(bytes.ReplaceAll(want, []byte{'\r'}, nil), bytes.ReplaceAll(b, []byte{'\r'}, nil)) {
			t.Errorf("%q becomes %q", b, want)
		}
	})
}
