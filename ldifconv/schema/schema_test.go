package schema

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLookup(t *testing.T) {
	for name, want := range map[string]ID{
		"mail": Mail, "MAIL": Mail, "rfc822mailbox": Mail, "RFC822Mailbox": Mail,
		"commonname": CN, "cn": CN, "2.5.4.3": CN, "oid.2.5.4.3": CN, "OID.2.5.4.3": CN,
		"maildeliveryoption": MailDeliveryOption, "2.16.840.1.113730.3.1.16": MailDeliveryOption,
		"mailautoreplytimeout": MailAutoReplyTimeOut, "labeledurl": LabeledURI,
		"": None, "x": None, "mail;lang-ja": None, "oid.": None,
	} {
		got, ok := LookupString(name)
		if got != want || ok != (want != None) {
			t.Errorf("Lookup(%q) = %q, %v; want %q", name, Name(got), ok, Name(want))
		}
	}
}

func TestLookupClass(t *testing.T) {
	for name, want := range map[string]ClassID{
		"inetMailUser": ClassInetMailUser, " INETMAILUSER ": ClassInetMailUser, "2.16.840.1.113730.3.2.3": ClassMailRecipient,
		"": NoClass, "inetMail User": NoClass,
	} {
		if got, ok := LookupClass([]byte(name)); got != want || ok != (want != NoClass) {
			t.Errorf("LookupClass(%q) = %q, %v", name, ClassName(got), ok)
		}
	}
}

func TestLookupDoesNotAllocate(t *testing.T) {
	name := []byte("mgrpRFC822MailMember")
	if n := testing.AllocsPerRun(100, func() { Lookup(name) }); n != 0 {
		t.Errorf("Lookup allocates %v times", n)
	}
}

// TestDefinitions checks what a server insists on: one definition a name and an
// identifier, classes made of attributes of the table, superiors that exist and
// come first.
func TestDefinitions(t *testing.T) {
	seen := map[string]string{}
	add := func(key, name string) {
		key = strings.ToLower(key)
		if other, ok := seen[key]; ok {
			t.Errorf("%s: %q is taken by %s", name, key, other)
		}
		seen[key] = name
	}
	for i, a := range attributes[1:] {
		if a.Name == "" {
			t.Fatalf("attribute %d has no definition", i+1)
		}
		add(a.Name, a.Name)
		add(a.OID, a.Name)
		for _, alias := range a.Aliases {
			add(alias, a.Name)
		}
		if id, ok := LookupString(a.Name); !ok || int(id) != i+1 {
			t.Errorf("%s is found as %d, not %d", a.Name, id, i+1)
		}
	}
	before := map[string]bool{}
	for i, c := range classes[1:] {
		if c.Name == "" {
			t.Fatalf("class %d has no definition", i+1)
		}
		add(c.OID, c.Name)
		if c.Superior != "" && !before[c.Superior] {
			t.Errorf("%s comes before its superior %s", c.Name, c.Superior)
		}
		before[c.Name] = true
		for _, id := range append(append([]ID(nil), c.Must...), c.May...) {
			if id == None || int(id) >= Count {
				t.Errorf("%s holds attribute %d, which is none", c.Name, id)
			}
		}
	}
}

// TestWriters holds the output forms against files under testdata; set UPDATE=1
// to write them anew.
func TestWriters(t *testing.T) {
	products, whole := Merged().Only(Products(), false), Merged().Only(Products(), true)
	for name, write := range map[string]func(io.Writer) error{
		"openldap.schema":            products.WriteSlapd,
		"openldap-standalone.schema": whole.WriteSlapd,
		"slapd.user_at.conf":         products.WriteAT,
		"slapd.user_oc.conf":         products.WriteOC,
		"99imsconv.ldif":             products.WriteLDIF,
		"imsconv-config.ldif":        products.WriteSlapdConfig,
	} {
		var got bytes.Buffer
		if err := write(&got); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", name)
		if os.Getenv("UPDATE") != "" {
			if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Bytes(), want) {
			t.Errorf("%s differs from %s", name, path)
		}
	}
}
