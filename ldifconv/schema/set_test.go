package schema

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"imsconv/ldifconv/ldif"
)

func TestPlaceholder(t *testing.T) {
	a, b := Placeholder("mailDomain"), Placeholder("MAILDOMAIN")
	if a != b || a == Placeholder("mailDomains") || !strings.HasPrefix(a, "2.25.") || len(a) < 30 {
		t.Errorf("%s, %s", a, b)
	}
}

// TestMerged holds the Set against the tables it is made of.
func TestMerged(t *testing.T) {
	s := Merged()
	for id := None + 1; id < count; id++ {
		a := s.AttributeType(int(id))
		if a.Name() != Name(id) || s.Attribute([]byte(strings.ToUpper(a.Name()))) != int(id) || s.Attribute([]byte(a.OID)) != int(id) {
			t.Errorf("attribute %d is %s", id, a.Name())
		}
		if a.Placeholder != strings.HasPrefix(a.OID, "2.25.") {
			t.Errorf("%s: %s, placeholder %t", a.Name(), a.OID, a.Placeholder)
		}
	}
	for id := NoClass + 1; id < classCount; id++ {
		if c := s.ClassType(int(id)); c.Name() != ClassName(id) || s.Class([]byte(" "+c.Name()+" ")) != int(id) {
			t.Errorf("class %d is %s", id, c.Name())
		}
	}
	if s.Attribute([]byte("rfc822mailbox")) != int(Mail) || s.Attribute([]byte("oid.2.5.4.3")) != int(CN) || s.Attribute([]byte("x")) != 0 {
		t.Error("names are not found")
	}
}

// TestRead reads one class and attribute in each form that a site has.
func TestRead(t *testing.T) {
	wantAttr := AttributeType{Names: []string{"acmeColour", "acmeColor"}, OID: "1.2.3.4", Syntax: CES, Single: true, OneInIMS: true, Origin: Site}
	for name, text := range map[string]string{
		"conf": "# comment\nattribute acmeColour acmeColor 1.2.3.4 ces single\n\nobjectclass acmeThing\n\toid 1.2.3.5\n\tsuperior person\n\trequires\n\t\tobjectClass,\n\t\tsn\n\tallows\n\t\tacmeColour\n",
		"ldif": "dn: cn=schema\nattributeTypes: ( 1.2.3.4 NAME ( 'acmeColour' 'acmeColor' ) DESC 'a (nice) $ one' EQUALITY caseExac\n tMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15{64} SINGLE-VALUE X-ORIGIN ( 'us' 'them' ) )\n" +
			"objectClasses: ( 1.2.3.5 NAME 'acmeThing' SUP person AUXILIARY MUST ( objectClass $ sn ) MAY acmeColour )\n",
		"config": "dn: cn=acme,cn=schema,cn=config\nolcAttributeTypes: {0}( 1.2.3.4 NAME ( 'acmeColour' 'acmeColor' ) SYNTAX 1.3.6.1.4.1.1466.115.121.1.26 SINGLE-VALUE )\n" +
			"olcObjectClasses: {0}( 1.2.3.5 NAME 'acmeThing' SUP person AUXILIARY MUST ( objectClass $ sn ) MAY acmeColour )\n",
		"openldap": "objectidentifier acme 1.2.3\n# comment\nattributetype ( acme:4 NAME ( 'acmeColour'\n\t'acmeColor' )\n\tSYNTAX 1.3.6.1.4.1.1466.115.121.1.26 SINGLE-VALUE )\n\n" +
			"objectclass ( acme:5 NAME 'acmeThing' SUP person AUXILIARY\n\tMUST ( objectClass $ sn )\n\tMAY acmeColour )\n",
	} {
		d, err := Read(strings.NewReader(text))
		if err != nil || len(d.Attributes) != 1 || len(d.Classes) != 1 {
			t.Errorf("%s: %+v, %v", name, d, err)
			continue
		}
		if diff := cmp.Diff(wantAttr, d.Attributes[0], cmp.AllowUnexported(AttributeType{})); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		wantClass := ClassType{
			Names: []string{"acmeThing"}, OID: "1.2.3.5", Kind: Auxiliary, KindKnown: name != "conf", Superiors: []string{"person"},
			Must: []string{"objectClass", "sn"}, May: []string{"acmeColour"}, Origin: Site,
		}
		if diff := cmp.Diff(wantClass, d.Classes[0]); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	for _, bad := range []string{
		"attribute x", "dn: cn=schema\nattributeTypes: 1.2", "dn: cn=schema\nobjectClasses: ( NAME 'x' )", "attributetype ( 1.2 NAME ( 'x' )",
		"objectclass ( 1.2 NAME 'x )", "objectclass x\n\tcn\n", "dn: cn=schema\nno line",
	} {
		if _, err := Read(strings.NewReader(bad)); err == nil || !strings.Contains(err.Error(), "line ") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestAdd(t *testing.T) {
	s := Merged()
	d, err := Read(strings.NewReader("attribute acmeColour 1.2.3.4 cis\nattribute mailUserStatus 1.2.3.9 ces\nattribute mgrpAuthPassword 1.2.3.10 ces\n" +
		"objectclass inetMailUser\n\trequires\n\t\tobjectClass\n\tallows\n\t\tacmeColour,\n\t\tmailQuota\nobjectclass person\n\trequires\n\t\tsn\n"))
	if err != nil {
		t.Fatal(err)
	}
	notes := s.Add(d)
	want := []string{
		"attribute mailUserStatus: the site's identifier 1.2.3.9 gives way to 2.16.840.1.113730.3.1.778; several values, as the site has it; syntax cis, where the site has ces",
		"attribute mgrpAuthPassword: its identifier is the site's; several values, as the site has it",
		"class inetMailUser: allows 1 more attribute",
		"class person: requires what both require; allows 1 more attribute",
	}
	if d := cmp.Diff(want, notes); d != "" {
		t.Error(d)
	}
	status := s.AttributeType(int(MailUserStatus))
	if status.Single || status.Syntax != CIS || status.OID != netscape+"778" || !strings.Contains(status.Reason, "1.2.3.9 gives way") {
		t.Errorf("%+v", status)
	}
	if a := s.AttributeType(int(MgrpAuthPassword)); a.Placeholder || a.OID != "1.2.3.10" {
		t.Errorf("the site knows better: %+v", a)
	}
	user := s.ClassType(int(ClassInetMailUser))
	if !slices.Contains(user.May, "acmeColour") || len(user.Must) != 0 || user.OID != netscapeClass+"146" {
		t.Errorf("%+v", user)
	}
	if p := s.ClassType(int(ClassPerson)); len(p.Must) != 1 || !slices.Contains(p.May, "cn") {
		t.Errorf("%+v", p)
	}
}

// TestValidate has a row for each violation that rests on more than a value.
func TestValidate(t *testing.T) {
	const person = "objectClass: top\nobjectClass: person\ncn: A\nsn: B\n"
	for _, tt := range []struct{ text, want string }{
		{person, ""},
		{person + "objectClass: 2.5.6.7\ntitle: x\n", ""},
		{person + "title: x\n", "not-allowed title"},
		{person + "title;lang-ja: x\n", "not-allowed title;lang-ja"},
		{person + "surname: B\n", "duplicate-value sn"},
		{person + "commonName: A2\n", ""},
		{"objectClass: person\ncn: A\n", "required sn"},
		{"objectClass: inetOrgPerson\ncn: A\n", "required sn"},
		{person + "objectClass: extensibleObject\nx-anything: 1\n", "unknown-attribute x-anything"},
		{person + "objectClass: what\ntitle: 1\n", "unknown-class objectClass"},
		{person + "entryUUID: 1\ncreatorsName: cn=x\n", ""},
		{person + "creatorsName: x\n", "syntax-dn creatorsName"},
		{person + "objectClass: inetUser\ninetUserStatus: active\ninetUserStatus: deleted\n", "single-valued inetUserStatus"},
		{person + "seeAlso: cn=A, o=x\nSEEALSO: CN=a,O=X\n", "duplicate-value seeAlso"},
		{person + "seeAlso: cn=A,o=x#'0101'B\n", ""},
		{person + "telephoneNumber: +1 408 555-0100\ntelephoneNumber: +14085550100\n", "duplicate-value telephoneNumber"},
		{"objectClass: person\ncn: Other\nsn: B\n", "rdn-value cn"},
		{"cn: A\n", "no-class "},
	} {
		r := ldif.NewReader(strings.NewReader("dn: cn=A,o=x\n"+tt.text), ldif.Options{})
		rec, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		NewValidator(Merged()).Check(&rec.Entry, func(v Violation) { got = append(got, v.Code+" "+v.Attr) })
		if strings.Join(got, ", ") != tt.want {
			t.Errorf("%q: %q, want %q", tt.text, got, tt.want)
		}
	}
}

func TestIsTime(t *testing.T) {
	for value, want := range map[string]bool{
		"20001231235959Z": true, "2000123123Z": true, "200012312359Z": true, "20001231235959.25Z": true, "20001231235959,5-0330": true,
		"20001231235960Z": true, "20000229000000+09": true, "20010229000000Z": false, "20001231235959": false, "001231235959Z": false,
		"": false, "Z": false, "20001231235959z": false, "20001331000000Z": false, "20001231235959.Z": false, "20001231235959+9": false,
	} {
		if got := IsTime([]byte(value)); got != want {
			t.Errorf("%q: %t", value, got)
		}
	}
}

// FuzzRead reads anything as a schema file of any form: no panic, and what is
// read can be merged.
func FuzzRead(f *testing.F) {
	f.Add("attribute x 1.2 cis\nobjectclass y\n\tallows\n\t\tx\n")
	f.Add("dn: cn=schema\nattributeTypes: ( 1.2 NAME 'x' )\nobjectClasses: ( 1.3 NAME ( 'y' 'z' ) MUST ( cn $ sn ) )\n")
	f.Add("objectidentifier a 1.2\nattributetype ( a:1 NAME 'x' )\n")
	f.Fuzz(func(t *testing.T, text string) {
		if d, err := Read(strings.NewReader(text)); err == nil {
			Merged().Add(d)
		}
	})
}

// No message shows a password.
func TestSecretsAreNotShown(t *testing.T) {
	const export = "dn: cn=A,o=x\nobjectClass: top\nobjectClass: person\nobjectClass: mailGroup\ncn: A\nsn: B\n" +
		"userPassword: sesame\nuserPassword: sesame\nmgrpApprovePassword: sesame\nmgrpApprovePassword: sesame\nmgrpAuthPassword:: c2VzYW1l/w==\ndescription: open\ndescription: open\n"
	rec, err := ldif.NewReader(strings.NewReader(export), ldif.Options{}).Next()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	NewValidator(Merged()).Check(&rec.Entry, func(v Violation) {
		if strings.Contains(v.Text, "sesame") {
			t.Errorf("%s %s: %s", v.Code, v.Attr, v.Text)
		}
		if v.Code == DuplicateValue || v.Code == BadUTF8 {
			got = append(got, v.Attr+": "+v.Text)
		}
	})
	want := []string{
		"userPassword: a value (not shown) stands there twice", "mgrpApprovePassword: a value (not shown) stands there twice",
		"mgrpAuthPassword: a value (not shown) is not UTF-8", `description: "open" stands there twice`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestHugeSchema reads files of the largest size of what made reading take a
// time or a memory that grew with the square of the size.
func TestHugeSchema(t *testing.T) {
	const names = 100_000
	var class, aliases, again, chain strings.Builder
	class.WriteString("objectclass person\n\trequires\n")
	for i := range names {
		fmt.Fprintf(&class, "\t\tx%d\n", i)
		fmt.Fprintf(&aliases, "attribute cn x%d 1.2.%d cis\n", i, i)
		fmt.Fprintf(&again, "attribute sn 1.2.%d ces\n", i)
	}
	class.WriteString("\tallows\n")
	for i := range names {
		fmt.Fprintf(&class, "\t\tX%d\n", i)
	}
	for _, tt := range []struct {
		text string
		look func(s *Set, notes []string) string
		want string
	}{
		{class.String(), func(s *Set, notes []string) string {
			c := s.ClassType(int(ClassPerson))
			return fmt.Sprint(len(c.Must), " ", c.May[len(c.May)-1], notes)
		}, "0 x99999[class person: requires what both require; allows 100002 more attributes]"},
		{strings.Replace(class.String(), "person", "acme", 1), func(s *Set, _ []string) string {
			for i := range names { // or else no attribute is missing
				s.addAttribute(AttributeType{Names: []string{fmt.Sprint("x", i)}, OID: fmt.Sprint("1.2.", i)})
			}
			rec, err := ldif.NewReader(strings.NewReader("dn: x1=1\nobjectclass: acme\nx1: 1\n"), ldif.Options{}).Next()
			if err != nil {
				return err.Error()
			}
			missing, last := 0, ""
			NewValidator(s).Check(&rec.Entry, func(v Violation) {
				if v.Code == Required {
					missing++
					last = v.Text
				}
			})
			return fmt.Sprint(missing, " ", last)
		}, "99999 class acme requires x99999"},
		{aliases.String(), func(s *Set, _ []string) string {
			a := s.AttributeType(int(CN))
			return fmt.Sprint(len(a.Names), a.Names[:3], a.Names[len(a.Names)-1])
		}, "100002 [cn commonName x0]x99999"},
		{again.String(), func(s *Set, notes []string) string {
			a := s.AttributeType(int(SN))
			return fmt.Sprint(len(notes), len(a.Reason) < 2*longestReason, notes[len(notes)-1])
		}, "100000 trueattribute sn: the site's identifier 1.2.99999 gives way to 2.5.4.4; syntax cis, where the site has ces"},
	} {
		d, err := Read(strings.NewReader(tt.text))
		if err != nil {
			t.Fatal(err)
		}
		s := Merged()
		if got := tt.look(s, s.Add(d)); got != tt.want {
			t.Errorf("%.300s, want %s", got, tt.want)
		}
	}
	chain.WriteString("objectidentifier a0 1\n")
	for i := range names {
		fmt.Fprintf(&chain, "objectidentifier a%d a%d:1\n", i+1, i)
	}
	if _, err := Read(strings.NewReader(chain.String())); err == nil || err.Error() != "line 257: an identifier of 513 bytes, over the 512 that one may have" {
		t.Error(err)
	}
	if _, err := Read(strings.NewReader(strings.Repeat("#\n", maxSchemaFile/2) + "#")); !errors.Is(err, ErrTooBig) {
		t.Error(err)
	}
	_, err := Read(strings.NewReader("attribute x " + strings.Repeat("y", 1<<20)))
	if err == nil || len(err.Error()) > 200 {
		t.Errorf("%.300v", err)
	}
}

// A name may write a value as the digits of its encoding.
func TestNamesInHexadecimal(t *testing.T) {
	for _, tt := range []struct{ dn, want string }{
		{"cn=#04026438,o=x", ""},
		{"cn=#0c026438,o=x", ""},
		{"cn=#04024438,o=x", ""}, // D8
		{"cn=#04026439,o=x", "rdn-value cn"},
		{"cn=#0402643800,o=x", "rdn-value cn"}, // longer than it says
		{"cn=#0403643,o=x", "rdn-value cn"},
		{"cn=#,o=x", "rdn-value cn"},
	} {
		r := ldif.NewReader(strings.NewReader("dn: "+tt.dn+"\nobjectClass: person\ncn: d8\nsn: B\n"), ldif.Options{})
		rec, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		NewValidator(Merged()).Check(&rec.Entry, func(v Violation) { got = append(got, v.Code+" "+v.Attr) })
		if strings.Join(got, ", ") != tt.want {
			t.Errorf("%s: %q, want %q", tt.dn, got, tt.want)
		}
	}
}
