package schema

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// TestConfRoundTrip writes the table in the .conf forms and reads it back.
func TestConfRoundTrip(t *testing.T) {
	written := Merged().Only(Products(), false)
	var text bytes.Buffer
	if err := written.WriteAT(&text); err != nil {
		t.Fatal(err)
	}
	if err := written.WriteOC(&text); err != nil {
		t.Fatal(err)
	}
	read, err := Read(&text)
	if err != nil {
		t.Fatal(err)
	}
	// The files hold less than the table: what they do not say is what Read
	// takes for them.
	var want Definitions
	for _, a := range written.Attributes() {
		want.Attributes = append(want.Attributes, AttributeType{
			Names: a.Names, OID: a.netscapeOID(), Syntax: a.Syntax, Single: a.Single, OneInIMS: a.Single, Operational: a.Operational, Origin: Site,
		})
	}
	for _, c := range written.Classes() {
		must := []string{"objectClass"}
		for _, name := range c.Must {
			if name != "objectClass" {
				must = append(must, name)
			}
		}
		above := slices.DeleteFunc(slices.Clone(c.Superiors), func(name string) bool { return name == "top" })
		want.Classes = append(want.Classes, ClassType{Names: c.Names, OID: c.OID, Kind: Auxiliary, Superiors: above, Must: must, May: c.May, Origin: Site})
	}
	if d := cmp.Diff(want, read, cmp.AllowUnexported(AttributeType{}), cmpopts.EquateEmpty()); d != "" {
		t.Error(d)
	}
}

// TestReadConf reads what the files of Directory Server 4.x may hold, both
// forms in one.
func TestReadConf(t *testing.T) {
	const text = "# comment\nattribute\tmail rfc822mailbox\t0.9.2342.19200300.100.1.3 cis\n\n  attribute dn distinguishedName dn\n" +
		"attribute nsx nsx-oid CES single override\nattribute passwordRetryCount 2.16.840.1.113730.3.1.93 cis operational\n" +
		"objectclass mailRecipient\n\toid 2.16.840.1.113730.3.2.3\n\trequires\n\t\tobjectClass\n\tallows\n\t\tcn,\n\t\tmail\n" +
		"objectClass nsx\n    superior person\n    requires objectClass, sn\n    # comment\n\nobjectclass empty\n"
	got, err := Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	want := Definitions{
		Attributes: []AttributeType{
			{Names: []string{"mail", "rfc822mailbox"}, OID: "0.9.2342.19200300.100.1.3", Origin: Site},
			{Names: []string{"nsx"}, OID: "nsx-oid", Syntax: CES, Single: true, OneInIMS: true, Origin: Site},
			{Names: []string{"passwordRetryCount"}, OID: "2.16.840.1.113730.3.1.93", Operational: true, Origin: Site},
		},
		Classes: []ClassType{
			{Names: []string{"mailRecipient"}, OID: "2.16.840.1.113730.3.2.3", Kind: Auxiliary, Must: []string{"objectClass"}, May: []string{"cn", "mail"}, Origin: Site},
			{Names: []string{"nsx"}, OID: "nsx-oid", Kind: Auxiliary, Superiors: []string{"person"}, Must: []string{"objectClass", "sn"}, Origin: Site},
			{Names: []string{"empty"}, OID: "empty-oid", Kind: Auxiliary, Origin: Site},
		},
	}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(AttributeType{})); d != "" {
		t.Error(d)
	}
}

// TestReadConfDamage: the line that cannot be read is named, also within a
// class.
func TestReadConfDamage(t *testing.T) {
	for text, want := range map[string]string{
		"attribute":                        "line 1: an attribute needs a name and a syntax",
		"attribute single":                 "line 1: an attribute needs a name and a syntax",
		"attribute x 1.2 cis\nattribute y": "line 2: an attribute needs a name and a syntax",
		"# x\nattribute x y":               `line 2: "y" is no syntax`,
		"objectclass":                      "line 1: objectclass needs one name",
		"\n\nobjectclass a b":              "line 3: objectclass needs one name",
		"objectclass a\n\n\tcn\n":          `line 3: "cn" is outside requires and allows`,
		"objectclass a\n\trequires cn\n\toid 1\n# x\n\tsn\n": `line 5: "sn" is outside requires and allows`,
	} {
		if _, err := Read(strings.NewReader(text)); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// TestReadConfLongLine: no line is too long for a file that is not.
func TestReadConfLongLine(t *testing.T) {
	d, err := Read(strings.NewReader("objectclass a\n\tallows " + strings.Repeat("cn, ", 1<<19) + "sn\n"))
	if err != nil {
		t.Fatal(err)
	}
	if may := d.Classes[0].May; len(may) != 1<<19+1 || may[0] != "cn" || may[1<<19] != "sn" {
		t.Errorf("%d names", len(may))
	}
}
