package ldifconv

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"imsconv/ldifconv/ldif"
	"imsconv/ldifconv/schema"
)

// TestReplicationStateOfEach: that state is left out is told of each entry,
// also where the one before begins with the same attributes.
func TestReplicationStateOfEach(t *testing.T) {
	var in strings.Builder
	for i := range 3 {
		fmt.Fprintf(&in, "dn: uid=u%d,o=x\nobjectClass;vucsn-3b00: inetMailUser\nuid: u%[1]d\nmail: u%[1]d@x.com\nmailHost: h.x.com\n\n", i)
	}
	_, _, report := upgraded(t, in.String(), Options{From: SIMS})
	if n := report.Warnings["replication-state"]; n != 3 {
		t.Errorf("told of %d entries of 3", n)
	}
}

// TestDraftForgets: what an entry gained is forgotten with it, also where no
// rule runs: a draft does not grow from one entry to the next.
func TestDraftForgets(t *testing.T) {
	rec, err := ldif.NewReader(strings.NewReader("dn: uid=u,o=x\nobjectClass: inetMailUser\nuid: u\n"), ldif.Options{}).Next()
	if err != nil {
		t.Fatal(err)
	}
	pairs, err := settings([]Pair{{Attr: "description", Value: "added"}})
	if err != nil {
		t.Fatal(err)
	}
	var d draft
	var b batch
	for range 1000 {
		d.load(rec, &b)
		d.applyPairs(pairs, false)
	}
	if want := []attrID{schema.Description}; !slices.Equal(d.arrived, want) {
		t.Errorf("%d attributes came to the last entry, want description alone", len(d.arrived))
	}
}

// A class with a million blanks around it is known, and not kept.
func TestLongNamesAreNotKept(t *testing.T) {
	blanks := strings.Repeat(" ", 1<<20)
	var d draft
	for _, class := range []string{"person", "inetUser", "inetMailUser"} {
		text := blanks + class
		rec := &ldif.Record{Entry: ldif.Entry{DN: []byte("o=x")}}
		rec.Add([]byte("objectclass"), []byte(text))
		d.load(rec, &batch{})
		if id, _ := schema.LookupClass([]byte(class)); !d.had.has(id) || id == schema.NoClass {
			t.Errorf("%s is not known with blanks in front", class)
		}
	}
	held := 0
	for _, list := range [][]cachedName{d.lastClasses, d.names.classes[:], d.names.attrs[:]} {
		for i := range list {
			held += cap(list[i].text)
		}
	}
	if held > 1000 {
		t.Errorf("%d bytes are held", held)
	}
}
