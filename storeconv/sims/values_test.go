package sims

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// paxArchive makes a pax archive of members with bodies of three bytes.
func paxArchive(t testing.TB, headers ...*tar.Header) []byte {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, h := range headers {
		h.Format = tar.FormatPAX
		if h.Typeflag == 0 {
			h.Size = 3
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			io.WriteString(w, "abc")
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func attrs(list ...string) map[string]string {
	m := make(map[string]string)
	for i := 0; i < len(list); i += 2 {
		m[list[i]] = list[i+1]
	}
	return m
}

// What cannot be a value is left out and told with the member and its offset;
// the member comes without it, and its body with it.
func TestRefusedValues(t *testing.T) {
	dir := func(list ...string) *tar.Header {
		return &tar.Header{Name: "joe/INBOX/", Typeflag: tar.TypeDir, PAXRecords: attrs(list...)}
	}
	message := func(list ...string) *tar.Header {
		return &tar.Header{Name: "joe/INBOX/1", PAXRecords: attrs(list...)}
	}
	for _, c := range []struct {
		h       *tar.Header
		classes string
		want    Member // of its fields those that the case is about
	}{
		{dir("SIMS.madeuids", "0"), BadValue, Member{}},
		{dir("SIMS.madeuids", "17"), "", Member{MadeUIDs: 17}},
		{message("SIMS.flags", "\\Seen $a\tb Work"), BadFlag, Member{Flags: "\\Seen Work"}},
		{message("SIMS.flags", "a\u00a0b \x01 \x7f c\u0085"), "bad-flag bad-flag bad-flag bad-flag", Member{}},
		{message("SIMS.flags", "\\Bogus \\seen  pending"), BadFlag, Member{Flags: "\\seen  pending"}},
		{message("SIMS.flags", "caf\u00e9 (x) {3}"), "", Member{Flags: "caf\u00e9 (x) {3}"}},
		{dir("SIMS.keywords", "A\tB C\nD E"), "bad-flag bad-flag", Member{Keywords: "E"}},
		{dir("SIMS.keywords", "\\Seen E"), BadFlag, Member{Keywords: "E"}},
		{dir("SIMS.acl", "anna lr\n\tx\nbob\tlr"), "bad-acl bad-acl", Member{ACL: "bob\tlr"}},
		{dir("SIMS.acl", "bob\tzz\nann\tLR\nb\x01\tlr\nx\tl\ty\tr\n-\tl"), "bad-acl bad-acl bad-acl bad-acl bad-acl", Member{}},
		{dir("SIMS.acl", "bob\tlr0\r\n-ann\tw\ngroup=x y\t\n"), "", Member{ACL: "bob\tlr0\n-ann\tw\ngroup=x y\t"}},
		{dir("SIMS.quota", "20MB", "SIMS.uidvalidity", "x100", "SIMS.uidnext", "4294967297", "SIMS.subscribed", "yes"),
			"bad-value bad-value bad-value bad-value", Member{}},
		{dir("SIMS.quota", "-3", "SIMS.new", "x"), BadValue, Member{Unknown: []Attr{{"SIMS.new", "x"}}}},
		{&tar.Header{Name: "joe/INBOX/1", ModTime: time.Unix(1e15, 0)}, BadDate, Member{}},
		{&tar.Header{Name: "joe/INBOX/1", ModTime: time.Unix(-1e12, 0)}, BadDate, Member{}},
		{dir("SIMS.acl", strings.Repeat("x\n", 30)), strings.Repeat("bad-acl ", maxRefused) + BadValue, Member{}},
	} {
		r := NewReader(bytes.NewReader(paxArchive(t, c.h)))
		var classes []string
		m, err := r.Next()
		for p := new(Error); errors.As(err, &p); m, err = r.Next() {
			classes = append(classes, p.Class)
			if p.Name != strings.TrimSuffix(c.h.Name, "/") || p.Severity() != 2 {
				t.Errorf("%v: %v, severity %d", c.h.PAXRecords, p, p.Severity())
			}
		}
		if err != nil {
			t.Fatalf("%v: %v", c.h.PAXRecords, err)
		}
		if got := strings.Join(classes, " "); got != c.classes {
			t.Errorf("%v: %q, want %q", c.h.PAXRecords, got, c.classes)
		}
		got := Member{Flags: m.Flags, Keywords: m.Keywords, ACL: m.ACL, Unknown: m.Unknown, Time: m.Time,
			UIDValidity: m.UIDValidity, UIDNext: m.UIDNext, MadeUIDs: m.MadeUIDs, Quota: m.Quota, HasQuota: m.HasQuota}
		if c.h.ModTime.IsZero() {
			got.Time = 0
		}
		if diff := cmp.Diff(c.want, got); diff != "" || m.Subscribed != -1 {
			t.Errorf("%v:\n%s", c.h.PAXRecords, diff)
		}
		if body, err := io.ReadAll(r); m.Kind == Message && string(body) != "abc" || err != nil {
			t.Errorf("%v: body %q, %v", c.h.PAXRecords, body, err)
		}
		if _, err := r.Next(); err != io.EOF {
			t.Errorf("%v: %v behind it", c.h.PAXRecords, err)
		}
	}
}

// The date of the backup becomes UIDVALIDITY: one that cannot be is told.
func TestHeaderDate(t *testing.T) {
	for _, date := range []string{"yesterday", "-1", "1000000000000000"} {
		h := &tar.Header{Typeflag: tar.TypeXGlobalHeader, PAXRecords: attrs("SIMS.profile", "1", "SIMS.date", date)}
		r := NewReader(bytes.NewReader(paxArchive(t, h, &tar.Header{Name: "joe/INBOX/1"})))
		header, err := r.Header()
		if err != nil || header.HasDate || len(header.Unknown) > 0 {
			t.Errorf("%s: %+v, %v", date, header, err)
		}
		if _, err = r.Next(); ErrorOf(err) == nil || ErrorOf(err).Class != BadValue {
			t.Errorf("%s: %v", date, err)
		}
		if m, err := r.Next(); err != nil || m.Name != "joe/INBOX/1" {
			t.Errorf("%s: %v, %v", date, m, err)
		}
	}
}
