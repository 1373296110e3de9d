package schema

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestConfRoundTrip writes the table in the .conf forms and reads it back.
func TestConfRoundTrip(t *testing.T) {
	var at, oc bytes.Buffer
	if err := WriteATConf(&at); err != nil {
		t.Fatal(err)
	}
	if err := WriteOCConf(&oc); err != nil {
		t.Fatal(err)
	}
	attributes, err := ReadATConf(&at)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range attributes {
		id, ok := LookupString(a.Name)
		if want := Info(id); !ok || a.OID != Merged().AttributeType(int(id)).netscapeOID() || a.Syntax != want.Syntax || a.Single != (want.Single && !want.WasMulti) {
			t.Errorf("%+v was read for %+v", a, want)
		}
	}
	classes, err := ReadOCConf(&oc)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for i, c := range Classes() {
		if c.Origin == Standard {
			continue
		}
		if got := classes[n]; got.Name != c.Name || got.OID != Merged().ClassType(i+1).OID || got.Superior != c.Superior ||
			len(got.Requires) != len(c.Must)+1 || len(got.Allows) != len(c.May) {
			t.Errorf("%+v was read for %s", got, c.Name)
		}
		n++
	}
	if n != len(classes) {
		t.Errorf("%d classes read, %d written", len(classes), n)
	}
}

func TestReadATConf(t *testing.T) {
	const text = "# comment\nattribute\tmail rfc822mailbox\t0.9.2342.19200300.100.1.3 cis\n\n  attribute dn distinguishedName dn\n" +
		"attribute nsx nsx-oid CES single override\nattribute passwordRetryCount 2.16.840.1.113730.3.1.93 cis operational\n"
	got, err := ReadATConf(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	want := []Attribute{
		{Name: "mail", Aliases: []string{"rfc822mailbox"}, OID: "0.9.2342.19200300.100.1.3"},
		{Name: "dn", Aliases: []string{"distinguishedName"}, OID: "dn-oid", Syntax: DN},
		{Name: "nsx", OID: "nsx-oid", Syntax: CES, Single: true},
		{Name: "passwordRetryCount", OID: "2.16.840.1.113730.3.1.93", Operational: true},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(Attribute{})); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{"attribute", "attribute x", "attribute x y", "objectclass x", "attribute single", "attribute x 1.2 cis\nattribute y"} {
		if _, err := ReadATConf(strings.NewReader(bad)); err == nil || !strings.HasPrefix(err.Error(), "line ") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestReadOCConf(t *testing.T) {
	const text = "objectclass mailRecipient\n\toid 2.16.840.1.113730.3.2.3\n\trequires\n\t\tobjectClass\n\tallows\n\t\tcn,\n\t\tmail\n" +
		"objectClass nsx\n    superior person\n    requires objectClass, sn\n    # comment\n\nobjectclass empty\n"
	got, err := ReadOCConf(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	want := []ConfClass{
		{Name: "mailRecipient", OID: "2.16.840.1.113730.3.2.3", Superior: "top", Requires: []string{"objectClass"}, Allows: []string{"cn", "mail"}},
		{Name: "nsx", OID: "nsx-oid", Superior: "person", Requires: []string{"objectClass", "sn"}},
		{Name: "empty", OID: "empty-oid", Superior: "top"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{"oid 1.2", "objectclass", "objectclass a b", "objectclass a\n\tcn\n", "objectclass a\n\n\tallows\n"} {
		if _, err := ReadOCConf(strings.NewReader(bad)); err == nil || !strings.HasPrefix(err.Error(), "line ") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// FuzzConf reads anything as either form: no panic, and no more names than
// words.
func FuzzConf(f *testing.F) {
	f.Add("attribute mail rfc822mailbox 0.9.2342 cis single\n")
	f.Add("objectclass a\n\toid 1.2\n\trequires\n\t\tobjectClass,\n\t\tcn\n\tallows\n\t\tmail\n")
	f.Fuzz(func(t *testing.T, text string) {
		attributes, _ := ReadATConf(strings.NewReader(text))
		classes, _ := ReadOCConf(strings.NewReader(text))
		names := 2 * len(attributes)
		for _, c := range classes {
			names += len(c.Requires) + len(c.Allows)
		}
		if names > len(text) {
			t.Errorf("%d names out of %d bytes", names, len(text))
		}
	})
}
