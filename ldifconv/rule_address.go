package ldifconv

import (
	"bytes"
	"slices"

	"imsconv/ldifconv/internal/delivery"
	"imsconv/ldifconv/schema"
)

// unlikePeer says what keeps v from telling whom a list is about, "" for an
// LDAP URL, a mailto: URL or an address.
func unlikePeer(v []byte) string {
	v = bytes.TrimSpace(v)
	if delivery.IsURL(v) {
		return delivery.SearchFault(v)
	}
	if fault := delivery.PeerFault(v); fault == delivery.NoFault || fault == delivery.NoDomain {
		return ""
	}
	return "is neither an address nor a mailto: or ldap: URL"
}

// warnAddresses warns of the values of a that no mail gets to.
func warnAddresses(d *draft, a attrID) {
	for _, v := range d.values(a) {
		switch fault := delivery.AddressFault(v); {
		case fault == delivery.NoFault || !hasBytes(v):
		case a == schema.MailAlternateAddress && delivery.IsCatchAll(v):
		case slices.Contains(addressees, a) && delivery.IsProgram(trimBlanks(v)):
			d.warnf("address-program", "%s %.200q is a program or a file: iMS runs programs by mailProgramDeliveryInfo and writes files by mailDeliveryFileURL alone", schema.Name(a), v)
		case fault == delivery.NoDomain:
			d.warnf("address-domain", "%s %.200q has no domain", schema.Name(a), v)
		case fault == delivery.NotASCII:
			d.warnf("address-form", "%s %.200q is not ASCII: no mail server of the time takes it", schema.Name(a), v)
		default:
			d.warnf("address-form", "%s %.200q is no address: mail servers take no such local part or domain", schema.Name(a), v)
		}
	}
}

// addressees are where mail of a user or list goes, and are not addresses of
// its own.
var addressees = []attrID{schema.MailForwardingAddress, schema.MgrpRFC822MailMember}

func addresseeForm(d *draft, _ *ruleOptions) bool {
	for _, a := range addressees {
		warnAddresses(d, a)
	}
	return false
}

// listDomains are the attributes of a list that hold domains of posters.
var listDomains = []attrID{schema.MgrpAllowedDomain, schema.MgrpDisallowedDomain}

// listDomainForm names what matches no poster's domain.
func listDomainForm(d *draft, _ *ruleOptions) bool {
	for _, a := range listDomains {
		for _, v := range d.values(a) {
			if !delivery.IsDomainPattern(trimBlanks(v)) {
				d.stays("list-domain", a, v, "is no domain, and matches no poster")
			}
		}
	}
	return false
}
