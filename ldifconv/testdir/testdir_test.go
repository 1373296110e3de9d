package testdir

import (
	"bytes"
	"io"
	"strings"
	"testing"

	goldif "github.com/go-ldap/ldif"

	"imsconv/ldifconv/ldif"
)

var exportWriters = map[string]func(io.Writer, Options) (Totals, error){
	"sims": WriteSIMS, "nms": WriteNMS, "ims": WriteIMS,
}

// TestPlainExport: as many entries as are told, the same in every run.
func TestPlainExport(t *testing.T) {
	var a, b bytes.Buffer
	n, err := WritePlain(&a, 30)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := WritePlain(&b, 30); err != nil || !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Errorf("twice the same gave different bytes (%v)", err)
	}
	got := 0
	for _, err := range ldif.NewReader(&a, ldif.Options{}).All() {
		if err != nil {
			t.Fatal(err)
		}
		got++
	}
	if got != n || n != 34 {
		t.Errorf("%d entries, %d told", got, n)
	}
}

func TestExportIsReproducible(t *testing.T) {
	for name, write := range exportWriters {
		var a, b, c bytes.Buffer
		for _, w := range []*bytes.Buffer{&a, &b} {
			if _, err := write(w, Options{Seed: 7, Users: 50, Odd: true}); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(a.Bytes(), b.Bytes()) {
			t.Errorf("%s: the same options gave different bytes", name)
		}
		if _, err := write(&c, Options{Seed: 8, Users: 50, Odd: true}); err != nil {
			t.Fatal(err)
		}
		if bytes.Equal(a.Bytes(), c.Bytes()) {
			t.Errorf("%s: another seed gave the same bytes", name)
		}
	}
}

// TestExportReads reads exports with the project's reader and with an
// independent one.
func TestExportReads(t *testing.T) {
	for name, write := range exportWriters {
		var out bytes.Buffer
		totals, err := write(&out, Options{Users: 500})
		if err != nil {
			t.Fatal(err)
		}
		if int64(out.Len()) != totals.Bytes || totals.Users != 500 || totals.Groups != 20 {
			t.Errorf("%s: %d bytes written: %+v", name, out.Len(), totals)
		}
		for _, line := range strings.Split(out.String(), "\n") {
			if len(line) > 78 {
				t.Fatalf("%s: a line of %d columns", name, len(line))
			}
		}
		dns := map[string]bool{}
		r := ldif.NewReader(bytes.NewReader(out.Bytes()), ldif.Options{})
		for {
			rec, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if dns[string(rec.DN)] {
				t.Errorf("%s: %s comes twice", name, rec.DN)
			}
			dns[string(rec.DN)] = true
		}
		other, err := goldif.Parse(out.String())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if len(dns) != totals.Entries || len(other.Entries) != totals.Entries {
			t.Errorf("%s: %d and %d entries read, %d written", name, len(dns), len(other.Entries), totals.Entries)
		}
		for _, e := range other.Entries {
			if e.Entry == nil || !dns[e.Entry.DN] {
				t.Errorf("%s: the readers disagree about %v", name, e.Entry)
			}
		}
	}
}
