package directory

import (
	"strings"

	"imsconv/ldifconv/ldif"
)

// domainOf is the domain that an entry belongs to by its normalised DN, ""
// when the DN does not tell.
func domainOf(norm string) string {
	var labels []string
	for rdn := range strings.SplitSeq(norm, ",") {
		typ, value, _ := strings.Cut(rdn, "=")
		if typ == "dc" || typ == "domaincomponent" {
			labels = append(labels, value)
			continue
		}
		if len(labels) > 0 {
			break
		}
		if (typ == "o" || typ == "organizationname") && strings.Contains(value, ".") && !strings.ContainsAny(value, ` @\`) {
			return value
		}
	}
	return strings.Join(labels, ".")
}

// DomainOf is the mail domain that a DN, as written, is of; "" when it does not
// tell: see the package's text.
func DomainOf(dn string) string {
	norm, err := ldif.AppendNormDN(nil, []byte(dn))
	if err != nil {
		return ""
	}
	return domainOf(string(norm))
}
