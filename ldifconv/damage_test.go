package ldifconv

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"imsconv/ldifconv/aci"
	"imsconv/ldifconv/filter"
	"imsconv/ldifconv/ldif"
	"imsconv/ldifconv/schema"
)

// One interface finds the damage of every format.
func TestDamageHasOneShape(t *testing.T) {
	_, ldifErr := ldif.NewReader(strings.NewReader("dn: o=x\no: x\nno colon\n"), ldif.Options{}).Next()
	_, filterErr := filter.Compile("(uid=a", nil)
	_, atErr := schema.Read(strings.NewReader("# a comment\nattribute nonsense\n"))
	_, ocErr := schema.Read(strings.NewReader("\nobjectclass x\n\tnonsense\n"))
	_, aciErr := aci.Parse("(version 2.0;)")
	for name, tt := range map[string]struct {
		err            error
		position, kind string
	}{
		"ldif":           {ldifErr, "line 3", ldif.BadLine},
		"filter":         {filterErr, "byte 1", "bad-filter"},
		"aci":            {aciErr, "byte 13", "bad-aci"},
		"slapd.at.conf":  {atErr, "line 2", "bad-schema"},
		"slapd.oc.conf":  {ocErr, "line 3", "bad-schema"},
		"wrapped deeper": {errors.Join(errors.New("x"), ldifErr), "line 3", ldif.BadLine},
	} {
		var damage interface {
			error
			Position() string
			Kind() string
			Severity() int
		}
		if !errors.As(tt.err, &damage) {
			t.Errorf("%s: %v", name, tt.err)
			continue
		}
		if damage.Position() != tt.position || damage.Kind() != tt.kind || damage.Severity() != 2 {
			t.Errorf("%s: at %q, kind %q, severity %d", name, damage.Position(), damage.Kind(), damage.Severity())
		}
	}
}

// A clone shares no memory with the record.
func TestCloneStays(t *testing.T) {
	text := []byte("dn: o=x\ncontrol: 1.2.3 true: v\nchangetype: modify\nreplace: o\no: x\n o\n-\n\ndn: o=y\no: yyy\n\ndn: o=z\nchangetype: modrdn\nnewrdn: o=w\ndeleteoldrdn: 1\nnewsuperior: o=v\n")
	var first, clones []string
	for range 2 {
		var kept []*ldif.Record
		data := bytes.Clone(text)
		for rec, err := range ldif.NewReader(bytes.NewReader(data), ldif.Options{ChunkSize: 16}).All() {
			if err != nil {
				t.Fatal(err)
			}
			if len(first) < 3 {
				first = append(first, string(ldif.AppendRecord(nil, rec)))
			}
			kept = append(kept, rec.Clone())
		}
		clones = clones[:0]
		for _, rec := range kept {
			clones = append(clones, string(ldif.AppendRecord(nil, rec)))
		}
	}
	if strings.Join(first, "|") != strings.Join(clones, "|") || len(clones) != 3 {
		t.Errorf("records\n%q\nclones\n%q", first, clones)
	}
}
