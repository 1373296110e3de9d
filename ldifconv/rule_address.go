package ldifconv

import (
	"bytes"
	"net/url"
	"slices"
	"strings"

	"imsconv/ldifconv/internal/delivery"
	"imsconv/ldifconv/schema"
)

// unlikeAddress says what keeps v from being a mail address, "" for one that
// is: a local part, quoted or of characters that need no quotes, and a domain.
// bare takes one without a domain, to which each server adds its own.
func unlikeAddress(v []byte, bare bool) string {
	v = trimBlanks(v)
	at := addressAt(v)
	local := v
	if at >= 0 {
		local = v[:at]
	}
	switch {
	case !isASCII(v):
		return "is not ASCII"
	case at < 0 && !bare:
		return "has no domain"
	case !isLocalPart(local) || at >= 0 && !isMailDomain(v[at+1:]):
		return "is no address"
	}
	return ""
}

// isLocalPart reports whether v can stand before the @ of an address.
func isLocalPart(v []byte) bool {
	if len(v) > 2 && v[0] == '"' && v[len(v)-1] == '"' {
		return true
	}
	for _, c := range v {
		if !localByte[c] {
			return false
		}
	}
	return len(v) > 0
}

// localByte holds the bytes that a local part may have without quotes.
var localByte = func() (t [256]bool) {
	for c := range t {
		t[c] = c > ' ' && c != 0x7f && strings.IndexByte(`()<>@,;:"[]\`, byte(c)) < 0
	}
	return t
}()

// isMailDomain reports whether v can stand behind the @ of an address: a host
// name, or an address in square brackets.
func isMailDomain(v []byte) bool {
	if len(v) > 2 && v[0] == '[' && v[len(v)-1] == ']' {
		return !bytes.ContainsAny(v[1:len(v)-1], "[]<>@ ")
	}
	return isDomainPattern(v, false)
}

// isDomainPattern reports whether v is a domain name; with wild one that may
// hold wildcards, or begin with a dot.
func isDomainPattern(v []byte, wild bool) bool {
	if wild {
		v = bytes.TrimPrefix(v, []byte{'.'})
	}
	label := 0
	for _, c := range v {
		switch {
		case c == '.' && label == 0:
			return false
		case c == '.':
			label = 0
			continue
		case !domainByte[c] && (!wild || c != '*' && c != '?'):
			return false
		}
		if label++; label > 63 {
			return false
		}
	}
	return label > 0 && len(v) <= 255
}

// domainByte holds the bytes that the parts of a domain name have.
var domainByte = func() (t [256]bool) {
	for c := range t {
		t[c] = isAlnum(byte(c)) || c == '-' || c == '_'
	}
	return t
}()

// unlikePeer says what keeps v from telling whom a list is about, "" for an
// LDAP URL, a mailto: URL or an address.
func unlikePeer(v []byte) string {
	const none = "is neither an address nor a mailto: or ldap: URL"
	v = bytes.TrimSpace(v)
	switch {
	case hasPrefixFold(v, "ldap://") || hasPrefixFold(v, "ldaps://"):
		return unlikeSearch(v)
	case hasPrefixFold(v, "mailto:"):
		to, _, _ := bytes.Cut(v[len("mailto:"):], []byte{'?'})
		if bytes.IndexByte(to, '%') >= 0 {
			if text, err := url.PathUnescape(string(to)); err == nil {
				to = []byte(text)
			}
		}
		if unlikeAddress(bytes.TrimSpace(to), true) != "" {
			return none
		}
		return ""
	case unlikeAddress(v, true) != "" || addressAt(v) < 0 && bytes.IndexByte(v, '=') >= 0:
		return none
	}
	return ""
}

// warnAddresses warns of the values of a that no mail gets to.
func warnAddresses(d *draft, a attrID) {
	for _, v := range d.values(a) {
		if plain := trimBlanks(v); a == schema.MailAlternateAddress && len(plain) > 1 && plain[0] == '@' && isMailDomain(plain[1:]) {
			continue // it catches all mail of the domain
		}
		switch why := unlikeAddress(v, false); {
		case !hasBytes(v):
		case slices.Contains(addressees, a) && delivery.IsProgram(trimBlanks(v)):
			d.warnf("address-program", "%s %.200q is a program or a file: iMS runs programs by mailProgramDeliveryInfo and writes files by mailDeliveryFileURL alone", schema.Name(a), v)
		case why == "":
		case why == "has no domain" || why == "is no address" && !hasDomain(v):
			d.warnf("address-domain", "%s %.200q has no domain", schema.Name(a), v)
		case why == "is not ASCII":
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
			if !isDomainPattern(trimBlanks(v), true) {
				d.stays("list-domain", a, v, "is no domain, and matches no poster")
			}
		}
	}
	return false
}
