package sims

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// told reads a stream: the names of its members, and what is told with the
// severity in front.
func told(t testing.TB, b []byte) (names, notes []string) {
	members, notes := toldMembers(t, b)
	for _, m := range members {
		names = append(names, m.Name)
	}
	return names, notes
}

// toldMembers is told with all that members say.
func toldMembers(t testing.TB, b []byte) (members []*Member, notes []string) {
	r := newReader(noSeek{bytes.NewReader(b)}, 2, minBuf)
	for {
		m, err := r.Next()
		var p *Error
		switch {
		case err == io.EOF:
			return members, notes
		case errors.As(err, &p):
			notes = append(notes, fmt.Sprintf("%d %s", p.Severity(), p.Class))
		case err != nil:
			t.Fatal(err)
		default:
			members = append(members, m.Clone())
		}
	}
}

// A hole of zeros of any length at any block costs the members in it, those
// behind it come, and where one is missing, or came otherwise, that is a
// problem.
func TestHoleOfZeros(t *testing.T) {
	whole := sample(t)[:24<<10]
	all, before := toldMembers(t, whole)
	for at := 512; at < 12<<10; at += blockSize {
		for _, n := range []int{1, 2, 3, 4, 7} {
			b := bytes.Clone(whole)
			clear(b[at : at+n*blockSize])
			members, notes := toldMembers(t, b)
			if cmp.Equal(members, all) && slices.Equal(notes, before) {
				continue // a hole in a body
			}
			if !slices.ContainsFunc(notes, func(s string) bool { return strings.HasPrefix(s, "2 ") }) {
				t.Errorf("hole of %d blocks at %d: %d of %d members, %q", n, at, len(members), len(all), notes)
			}
			if len(members) == 0 || !cmp.Equal(members[len(members)-1], all[len(all)-1]) {
				t.Errorf("hole of %d blocks at %d: %+v is the last", n, at, members)
			}
		}
	}
}

// What follows the end marker is looked through.
func TestBehindTheEndMarker(t *testing.T) {
	one := paxArchive(t, &tar.Header{Name: "joe/INBOX/1"})
	other := paxArchive(t, &tar.Header{Name: "joe/INBOX/2"})
	global := paxArchive(t, &tar.Header{Typeflag: tar.TypeXGlobalHeader, PAXRecords: attrs("SIMS.profile", "1")}, &tar.Header{Name: "joe/INBOX/3"})
	record := func(b []byte) []byte {
		return append(bytes.Clone(b), make([]byte, defaultRecord-len(b)%defaultRecord)...)
	}
	junk := bytes.Repeat([]byte("junk"), 300)[:2*blockSize]
	for name, c := range map[string]struct {
		stream []byte
		names  string
		notes  string
	}{
		"padding":                       {record(one), "1", ""},
		"padding that is cut":           {append(bytes.Clone(one), make([]byte, 700)...), "1", ""},
		"a stream behind a full record": {slices.Concat(record(one), other), "1 2", "1 trailing-data"},
		"three of them":                 {slices.Concat(record(one), record(other), one), "1 2 1", "1 trailing-data"},
		"a header of its own":           {slices.Concat(one, global), "1 3", "1 trailing-data"},
		"full records after that":       {slices.Concat(one, record(global), other), "1 3 2", "1 trailing-data"},
		"zeros that fill no record":     {slices.Concat(one, other), "1 2", "2 lost"},
		"one zero block":                {slices.Concat(one[:len(one)-blockSize], other), "1 2", "2 lost"},
		"other data":                    {slices.Concat(one, junk), "1", "2 bad-header"},
		"other data and a member":       {slices.Concat(one, junk, other), "1 2", "2 bad-header"},
		"twice":                         {slices.Concat(one, junk, other, junk, one), "1 2 1", "2 bad-header 2 bad-header"},
		"other data, cut":               {slices.Concat(one, junk[:700]), "1", "2 bad-header"},
	} {
		names, notes := told(t, c.stream)
		for i := range names {
			names[i] = strings.TrimPrefix(names[i], "joe/INBOX/")
		}
		if strings.Join(names, " ") != c.names || strings.Join(notes, " ") != c.notes {
			t.Errorf("%s: members %q, told %q; want %q, %q", name, names, notes, c.names, c.notes)
		}
	}
}

// An extended header whose member is gone says nothing about the next one.
func TestZerosBehindExtendedHeader(t *testing.T) {
	lost := paxArchive(t, &tar.Header{Name: "joe/INBOX/1", PAXRecords: attrs("SIMS.flags", "\\Seen")})[:1536]
	clear(lost[1024:])
	next := rawHeader("joe/INBOX/2", "00000000000\x00")
	r := NewReader(bytes.NewReader(slices.Concat(lost, next, make([]byte, 1024))))
	var classes []string
	m, err := r.Next()
	for p := new(Error); errors.As(err, &p); m, err = r.Next() {
		classes = append(classes, p.Class)
	}
	if err != nil || m.Name != "joe/INBOX/2" || m.Flags != "" {
		t.Errorf("%+v, %v", m, err)
	}
	if classes == nil || classes[0] != Lost {
		t.Errorf("told: %q", classes)
	}
}

// A stream of no whole number of blocks has been cut, wherever that is before
// its end marker; one cut behind a member may have been written so.
func TestCutInsideBlock(t *testing.T) {
	b := paxArchive(t, &tar.Header{Name: "joe/INBOX/1", PAXRecords: attrs("SIMS.flags", "a")}, &tar.Header{Name: "joe/INBOX/2"})
	end := len(b) - 2*blockSize
	for n := 1; n <= len(b); n++ {
		_, notes := told(t, b[:n])
		got := strings.Join(notes, ", ")
		switch {
		case n == len(b), n == end+blockSize:
			if got != "" {
				t.Errorf("cut at %d: %s", n, got)
			}
		case n == end, n == end-2*blockSize:
			if got != "1 no-end-marker" {
				t.Errorf("cut at %d: %s", n, got)
			}
		default:
			if got != "2 truncated" {
				t.Errorf("cut at %d: %q", n, got)
			}
		}
	}
}
