package ldif_test

import (
	"errors"
	"fmt"
	"strings"

	"imsconv/ldifconv/ldif"
)

// Read an export and print the DNs. A damaged record is an error of its own,
// and reading goes on behind it.
func ExampleReader_All() {
	export := strings.NewReader(`version: 1

dn: o=siroe.com
objectClass: organization
o: siroe.com

dn: uid=broken,o=siroe.com
no colon here

# entry-id: 3
dn: uid=jill,ou=People,
 o=siroe.com
objectClass: person
cn:: SmlsbCBTbWl0aA==
`)
	for rec, err := range ldif.NewReader(export, ldif.Options{}).All() {
		var damage *ldif.Error
		switch {
		case errors.As(err, &damage):
			fmt.Printf("%s: %s\n", damage.Position(), damage.Kind())
		case err != nil:
			fmt.Println("the input fails:", err)
		default:
			fmt.Printf("%s %q\n", rec.DN, rec.Get("cn"))
		}
	}
	// Output:
	// o=siroe.com []
	// line 8: bad-line
	// uid=jill,ou=People,o=siroe.com ["Jill Smith"]
}

// Records are reused: what is to stay is cloned.
func ExampleRecord_Clone() {
	in := ldif.NewReader(strings.NewReader("dn: o=a\no: a\n\ndn: o=b\no: b\n"), ldif.Options{})
	var kept []*ldif.Record
	for rec, err := range in.All() {
		if err != nil {
			fmt.Println(err)
			return
		}
		kept = append(kept, rec.Clone())
	}
	for _, rec := range kept {
		fmt.Printf("%s at line %d\n", rec.DN, rec.Line)
	}
	// Output:
	// o=a at line 1
	// o=b at line 4
}
