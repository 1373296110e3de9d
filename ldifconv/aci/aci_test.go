package aci

import (
	"errors"
	"os"
	"strings"
	"testing"
)

// good are ACIs that Directory Server takes.
var good = []string{
	`(targetattr="*")(version 3.0; acl "ok"; allow (read,search) groupdn="ldap:///cn=Messaging Admins,o=internet";)`,
	`(target="ldap:///uid=*,ou=People,o=x")(targetattr != "userPassword || cn;lang-ja")(version 3.0;acl "a";allow(all)userdn="ldap:///self";)`,
	`(targetfilter=(objectClass=nsManagedPerson))(version 3.0; acl "f"; deny (write) userdn != "ldap:///anyone";)`,
	"(targetattr = \"*\")\n (version 3.0; acl \"two\";\n allow (read) userdn = \"ldap:///all\"; deny (write) ip = \"10.0.*\" and not dns = \"*.x.com\";)",
	`(version 3.0; acl "b"; allow (read) (userdn = "ldap:///o=x??sub?(uid=a)" and groupdnattr = "ldap:///o=x?nsDAModifiableBy") or timeofday >= "0800";)`,
	`(targetattr="*")(version 3.0; acl x y ; allow (read) userdn="ldap:///anyone";)`,
	`(targetscope = "onelevel")(version 3.0; acl "s"; allow (selfwrite) userattr = "manager#USERDN" and dayofweek = "Mon, Tue" and authmethod = "ssl";)`,
}

// broken are ACIs that a test with the real server sees refused.
func broken(t testing.TB) (list []string) {
	text, err := os.ReadFile("testdata/broken.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSuffix(line, "\n"); line != "" && line[0] != '#' {
			list = append(list, line)
		}
	}
	return append(list, "")
}

func TestParse(t *testing.T) {
	for _, text := range good {
		a, err := Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		again, err := Parse(a.String())
		if err != nil || again.String() != a.String() {
			t.Errorf("%s: written as %s, read as %v, %v", text, a, again, err)
		}
	}
	for _, text := range broken(t) {
		_, err := Parse(text)
		var e *Error
		if !errors.As(err, &e) || e.Offset < 0 || e.Offset > len(text) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestParseDeepFilter: a filter that somebody has nested without end is refused
// at once, as an ACI in an export may be anybody's.
func TestParseDeepFilter(t *testing.T) {
	text := func(depth int) string {
		return `(targetfilter="` + strings.Repeat("(&", depth) + "(a=b)" + strings.Repeat(")", depth) + `")(version 3.0; acl "x"; allow (read) userdn="ldap:///anyone";)`
	}
	if _, err := Parse(text(50)); err != nil {
		t.Error(err)
	}
	for depth, want := range map[int]string{
		10_000:    "aci: byte 15: targetfilter: byte 1: nested deeper than 100",
		1_000_000: "aci: byte 15: targetfilter: byte 1: longer than 65536 bytes",
	} {
		if _, err := Parse(text(depth)); err == nil || err.Error() != want {
			t.Errorf("%d: %v, want %s", depth, err, want)
		}
	}
}

// TestTemplates parses each template, for names that need care too.
func TestTemplates(t *testing.T) {
	seen := map[string]bool{}
	templates := Templates()
	for i := range templates {
		tt := &templates[i]
		if seen[tt.Name] || tt.Source == "" || tt.What == "" {
			t.Errorf("%+v", tt)
		}
		seen[tt.Name] = true
		for _, root := range []string{"o=isp", `o="a, b",c=x`, `o=a\, b`} {
			a, err := tt.Make(root, "o=x.com,"+root, "ou=Groups,")
			if err != nil {
				t.Errorf("%s: %v", tt.Name, err)
				continue
			}
			if a.Name != tt.Name || strings.Contains(a.String(), "<") {
				t.Errorf("%s became %s", tt.Name, a)
			}
		}
	}
}

// FuzzParse reads anything: no panic, and what is read is written in a form
// that is read as the same.
func FuzzParse(f *testing.F) {
	for _, text := range append(broken(f), good...) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := Parse(text)
		if err != nil {
			return
		}
		b, err := Parse(a.String())
		if err != nil || a.String() != b.String() {
			t.Errorf("%q: %q, %v", text, a.String(), err)
		}
	})
}

// TestPlanTwice plans against what the first plan makes: nothing is left to do.
func TestPlanTwice(t *testing.T) {
	d := Delegation{
		Roots: []string{"o=isp", "o=internet"}, Groups: "ou=Groups", ServiceAdmins: []string{"uid=sa,o=x.com,o=isp"},
		Domains: []DomainNodes{{Nodes: []string{"o=x.com,o=isp", "dc=x,dc=com,o=internet"}, Admins: []string{"uid=a,o=x.com,o=isp"}}, {Nodes: []string{"o=y.com,o=isp"}}},
	}
	have := Have{}
	for _, dn := range []string{"o=isp", "o=internet", "o=x.com,o=isp", "dc=x,dc=com,o=internet", "o=y.com,o=isp"} {
		have[dn] = &Entry{}
	}
	records, notes, err := Plan(d, have)
	if err != nil || len(notes) > 0 || len(records) != 11 {
		t.Fatalf("%d records, %q, %v", len(records), notes, err)
	}
	for i := range records {
		r := &records[i]
		dn, err := norm(string(r.DN))
		if err != nil {
			t.Fatal(err)
		}
		if have[dn] == nil {
			have[dn] = &Entry{}
		}
		for _, v := range r.Get("uniqueMember") {
			m, _ := norm(string(v))
			have[dn].Members = append(have[dn].Members, m)
		}
		for _, m := range r.Mods {
			for _, v := range m.Values {
				have[dn].ACIs = append(have[dn].ACIs, string(v.Data))
			}
		}
	}
	if records, notes, err := Plan(d, have); err != nil || len(records)+len(notes) > 0 {
		t.Errorf("%d records, %q, %v", len(records), notes, err)
	}
	// What is named twice, in any spelling, is set up once.
	d.Roots = append(d.Roots, "O=ISP")
	d.Domains = append(d.Domains, DomainNodes{Nodes: []string{"o=Y.com, o=isp"}})
	d.ServiceAdmins = append(d.ServiceAdmins, "UID=sa, o=x.com,o=isp")
	if records, _, err := Plan(d, Have{}); err != nil || len(records) != 11 || len(records[1].Get("uniqueMember")) != 1 {
		t.Errorf("named twice: %d records, %v", len(records), err)
	}
	if _, _, err := Plan(Delegation{Roots: []string{"nothing"}}, nil); err == nil {
		t.Error("a root that is no DN")
	}
}
