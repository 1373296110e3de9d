package testsite

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/pierrec/lz4/v4"
)

func TestStreamIsReproducible(t *testing.T) {
	var a, b, c bytes.Buffer
	opts := StreamOptions{Seed: 7, Users: 20, Odd: true}
	for _, w := range []*bytes.Buffer{&a, &b} {
		if _, err := WriteStream(w, opts, nil); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Error("the same options gave different bytes")
	}
	if a.Len()%10240 != 0 {
		t.Errorf("length %d is no multiple of the record", a.Len())
	}
	opts.Seed = 8
	if _, err := WriteStream(&c, opts, nil); err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(a.Bytes(), c.Bytes()) {
		t.Error("another seed gave the same bytes")
	}
}

// TestStreamHoldsWhatIsExpected reads the stream as plain tar and compares it
// with the expectation.
func TestStreamHoldsWhatIsExpected(t *testing.T) {
	for _, kind := range []string{"", "gzip", "lz4"} {
		var stream bytes.Buffer
		var want Expect
		totals, err := WriteStream(&stream, StreamOptions{Seed: 3, Users: 30, Messages: 900, Odd: true, Compress: kind}, want.Add)
		if err != nil {
			t.Fatal(err)
		}
		var r io.Reader = &stream
		switch kind {
		case "gzip":
			if r, err = gzip.NewReader(r); err != nil {
				t.Fatal(err)
			}
		case "lz4":
			r = lz4.NewReader(r)
		}
		checkStream(t, tar.NewReader(r), &want, totals)
	}
}

func checkStream(t *testing.T, tr *tar.Reader, want *Expect, totals Totals) {
	t.Helper()
	sums := make(map[string]string) // member: hash
	var files, links, dirs int
	for {
		hdr, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch hdr.Typeflag {
		case tar.TypeDir:
			dirs++
		case tar.TypeLink:
			links++
			sum, ok := sums[hdr.Linkname]
			if !ok {
				t.Errorf("%s is linked to %s, which did not come before", hdr.Name, hdr.Linkname)
			}
			sums[hdr.Name] = sum
		case tar.TypeReg:
			files++
			h := sha256.New()
			if _, err := io.Copy(h, tr); err != nil {
				t.Fatal(err)
			}
			sums[hdr.Name] = hex.EncodeToString(h.Sum(nil))
		}
	}
	if files != totals.Files || links != totals.Links || dirs != totals.Users+totals.Mailboxes || links == 0 || totals.Expired == 0 {
		t.Errorf("the stream has %d files, %d links, %d directories; told was %+v", files, links, dirs, totals)
	}
	var live int64
	stored := make(map[string]bool)
	for _, box := range want.Mailboxes {
		for _, m := range box.Messages {
			live++
			member := box.User + "/" + box.Name + strings.TrimSuffix(m.Path[strings.LastIndexByte(m.Path, '/'):], ".msg")
			if sums[member] != m.SHA256 {
				t.Errorf("%s: hash %s in the stream, %s expected", member, sums[member], m.SHA256)
			}
			if m.Linked != (m.First != "") || m.Linked && !stored[m.First] {
				t.Errorf("%s: linked %v, first copy %q", member, m.Linked, m.First)
			}
			stored[m.Path] = true
		}
	}
	if live != totals.LiveMessages {
		t.Errorf("%d live messages expected, told were %d", live, totals.LiveMessages)
	}
}

// TestNamesAgreeWithSample holds the naming rules against the directories of
// the sample site.
func TestNamesAgreeWithSample(t *testing.T) {
	f, err := os.Open("../../testdata/site/expect.json")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	sample, err := ReadExpect(f)
	if err != nil {
		t.Fatal(err)
	}
	if len(sample.Mailboxes) == 0 {
		t.Fatal("the sample names no mailbox")
	}
	for _, box := range sample.Mailboxes {
		if got := MailboxDir("primary", box.User, box.Name); got != box.Dir {
			t.Errorf("%s %s: %s, want %s", box.User, box.Name, got, box.Dir)
		}
		for _, m := range box.Messages {
			if got := MessagePath("primary", box.User, box.Name, m.UID); got != m.Path {
				t.Errorf("%s %s %d: %s, want %s", box.User, box.Name, m.UID, got, m.Path)
			}
		}
	}
}

func BenchmarkWriteStream(b *testing.B) {
	for b.Loop() {
		totals, err := WriteStream(io.Discard, StreamOptions{Users: 100, Messages: 5000}, nil)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(totals.LiveSize)
	}
}
