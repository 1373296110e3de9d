package aci

import (
	"bytes"
	"slices"
	"testing"

	"imsconv/ldifconv/ldif"
)

// TestUndo: what was added goes, the last first, and values that were there
// before are not named.
func TestUndo(t *testing.T) {
	d := Delegation{Roots: []string{"o=internet"}, Groups: "ou=Groups", Domains: []DomainNodes{{Nodes: []string{"dc=x,o=internet"}, Admins: []string{"uid=b,o=internet"}}}}
	have := Have{
		"o=internet": {}, "dc=x,o=internet": {}, "ou=groups,dc=x,o=internet": {},
		"cn=domain administrators,ou=groups,dc=x,o=internet": {Members: []string{"uid=a,o=internet"}},
	}
	records, _, err := Plan(d, have)
	if err != nil {
		t.Fatal(err)
	}
	back := Undo(records)
	var got []string
	for i := range back {
		got = append(got, back[i].Type.String()+" "+string(back[i].DN))
		was := &records[len(records)-1-i]
		if len(back[i].Mods) != len(was.Mods) {
			t.Fatalf("%s: %d modifications for %d", back[i].DN, len(back[i].Mods), len(was.Mods))
		}
		for k, m := range back[i].Mods {
			same := slices.EqualFunc(m.Values, was.Mods[k].Values, func(a, b ldif.Value) bool { return bytes.Equal(a.Data, b.Data) })
			if m.Op != ldif.ModDelete || was.Mods[k].Op != ldif.ModAdd || !same {
				t.Errorf("%s: %+v takes %+v back", back[i].DN, m, was.Mods[k])
			}
		}
	}
	want := []string{
		"modify dc=x,o=internet", "modify o=internet",
		"modify cn=Domain Administrators,ou=Groups,dc=x,o=internet",
		"delete cn=Service Administrators,ou=Groups,o=internet", "delete ou=Groups,o=internet",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
