package delivery

import (
	"bytes"
	"net/url"
	"strings"
)

// Fault is what keeps a value from being a mail address.
type Fault byte

// The faults of addresses.
const (
	NoFault   Fault = iota
	NotASCII        // no mail server of the time takes it
	NoDomain        // it could be a local part: each server adds a domain of its own
	NoAddress       // blanks, a name beside the address, two @, an empty part
)

// AddressFault says what keeps v from being a mail address: a local part,
// quoted or of characters that need no quotes, and a domain. A name or a
// comment beside it, as in the header of a message, makes it none.
func AddressFault(v []byte) Fault {
	if isPlain(v) {
		return NoFault
	}
	v = bytes.Trim(v, " ")
	at := AddressAt(v)
	local := v
	if at >= 0 {
		local = v[:at]
	}
	switch {
	case !isASCII(v):
		return NotASCII
	case !isLocalPart(local) || at >= 0 && !IsMailDomain(v[at+1:]):
		return NoAddress
	case at < 0:
		return NoDomain
	}
	return NoFault
}

// isPlain tells an address without quotes and blanks, which most are, and
// looks at each byte of it once.
func isPlain(v []byte) bool {
	for i, c := range v {
		if c == '@' {
			return i > 0 && IsDomain(v[i+1:])
		}
		if !localByte[c] || c >= 0x80 {
			return false
		}
	}
	return false
}

// AddressAt returns the position of the @ before the domain, past a quoted
// local part, or -1.
func AddressAt(v []byte) int {
	quoted := false
	for i := 0; i < len(v); i++ {
		switch {
		case v[i] == '\\' && quoted:
			i++
		case v[i] == '"':
			quoted = !quoted
		case v[i] == '@' && !quoted:
			return i
		}
	}
	return -1
}

// IsCatchAll reports whether v is @domain, an alternate address that all mail
// of a domain goes to.
func IsCatchAll(v []byte) bool {
	domain, ok := bytes.CutPrefix(bytes.Trim(v, " "), []byte{'@'})
	return ok && IsMailDomain(domain)
}

// IsURL reports whether v begins as an LDAP URL.
func IsURL(v []byte) bool { return hasPrefixFold(v, "ldap://") || hasPrefixFold(v, "ldaps://") }

// PeerFault is AddressFault of a value that tells whom a list is about, by
// mailto: or without, and is no LDAP URL. A DN without ldap:/// is no address
// without a domain.
func PeerFault(v []byte) Fault {
	v = WithoutMailto(v)
	fault := AddressFault(v)
	if fault == NoDomain && bytes.IndexByte(v, '=') >= 0 {
		return NoAddress
	}
	return fault
}

// WithoutMailto returns what a mailto: URL stands for, and v itself when it is
// none, without blanks around it.
func WithoutMailto(v []byte) []byte {
	v = bytes.TrimSpace(v)
	const scheme = "mailto:"
	if !hasPrefixFold(v, scheme) {
		return v
	}
	to, _, _ := bytes.Cut(v[len(scheme):], []byte{'?'})
	if bytes.IndexByte(to, '%') >= 0 {
		if text, err := url.PathUnescape(string(to)); err == nil {
			to = []byte(text)
		}
	}
	return bytes.TrimSpace(to)
}

func hasPrefixFold(v []byte, prefix string) bool {
	return len(v) >= len(prefix) && bytes.EqualFold(v[:len(prefix)], []byte(prefix))
}

// WithoutParameters cuts what NMS has behind the address of a list member:
// parameters from the first % or blank behind the domain on. A % before the @
// belongs to the address.
func WithoutParameters(v []byte) []byte {
	at := AddressAt(v)
	if at < 0 {
		return v
	}
	if i := bytes.IndexAny(v[at:], "% \t"); i >= 0 {
		return v[:at+i]
	}
	return v
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

// IsMailDomain reports whether v can stand behind the @ of an address: a host
// name, or an address in square brackets.
func IsMailDomain(v []byte) bool {
	if len(v) > 2 && v[0] == '[' && v[len(v)-1] == ']' {
		return !bytes.ContainsAny(v[1:len(v)-1], "[]<>@ ")
	}
	return IsDomain(v)
}

// IsDomain reports whether v is a domain name.
func IsDomain(v []byte) bool { return isDomain(v, "") }

// IsDomainPattern reports whether v is a domain name that may hold wildcards,
// or begin with a dot.
func IsDomainPattern(v []byte) bool {
	return isDomain(bytes.TrimPrefix(v, []byte{'.'}), "*?")
}

// isDomain reports whether v is a domain name, whose parts may also have the
// bytes of wild.
func isDomain(v []byte, wild string) bool {
	label := 0
	for _, c := range v {
		switch {
		case c == '.' && label == 0:
			return false
		case c == '.':
			label = 0
			continue
		case !domainByte[c] && strings.IndexByte(wild, c) < 0:
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
	for _, c := range "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_" {
		t[c] = true
	}
	return t
}()

func isASCII(v []byte) bool {
	for _, c := range v {
		if c >= 0x80 {
			return false
		}
	}
	return true
}
