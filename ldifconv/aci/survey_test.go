package aci

import (
	"slices"
	"strings"
	"testing"

	"imsconv/ldifconv/ldif"
)

// TestSurvey: of an export with users' own ACIs the nodes alone are kept, and
// an ACI of one that cannot be read is told.
func TestSurvey(t *testing.T) {
	const unreadable = `(targetattr="*"(version 3.0; acl "half`
	s := NewSurvey(nil, []string{"O=Isp", "cn=root"})
	for dn, class := range map[string]string{
		"o=isp":                            "country", // no class of a node, but named
		"ou=Groups,o=isp":                  "organizationalUnit",
		"o=x.com,o=isp":                    "inetDomain",
		"uid=a,o=x.com,o=isp":              "inetUser",
		"cn=Domain Administrators, o=isp":  "groupOfUniqueNames",
		"cn=Somebody,cn=Domain Admins,o=x": "person",
	} {
		e := &ldif.Entry{DN: []byte(dn)}
		e.Add([]byte("objectClass"), []byte(class))
		e.Add([]byte("inetDomainBaseDN"), []byte("o=x.com,o=isp"))
		e.Add([]byte("aci"), []byte(unreadable))
		if err := s.Entry(e); err != nil {
			t.Errorf("%s: %v", dn, err)
		}
	}
	var kept []string
	for dn := range s.Have {
		kept = append(kept, dn)
	}
	slices.Sort(kept)
	want := []string{"cn=domain administrators,o=isp", "o=isp", "o=x.com,o=isp", "ou=groups,o=isp"}
	if !slices.Equal(kept, want) {
		t.Errorf("kept %q, want %q", kept, want)
	}
	_, notes, err := Plan(Delegation{Roots: []string{"o=isp"}}, s.Have)
	if err != nil || len(notes) != 1 || !strings.HasPrefix(notes[0], "o=isp has an ACI that cannot be read, and may get one of its name: aci: byte 16: ") {
		t.Errorf("notes %q, %v", notes, err)
	}
}
