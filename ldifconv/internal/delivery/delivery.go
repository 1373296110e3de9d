// Package delivery says what it is that mail goes to: a host, an address, a
// program, what a search finds. An upgrade and a check of an export take a
// value for the same.
package delivery

import (
	"bytes"
	"net/netip"
)

// IsMailHost reports whether a value of mailHost is a full host name, or an IP
// address: of version 4 as it is, of either in square brackets (RFC 2821 4.1.3:
// one of version 6 has the tag IPv6: in front).
func IsMailHost(v []byte) bool { return IsHostName(v) || isIPv4(v) || isLiteral(v) }

// IsHostName reports whether v is a full host name: two parts or more, of
// letters, digits, hyphens and underscores, of at most 63 bytes each and 255
// together. The last one is no number: such a name is an address or nothing
// (RFC 1123 2.1).
func IsHostName(v []byte) bool {
	if len(v) > 255 {
		return false
	}
	part, digits, dots := 0, 0, 0
	for _, b := range v {
		switch {
		case b == '.':
			if part == 0 {
				return false
			}
			part, digits = 0, 0
			dots++
			continue
		case b >= '0' && b <= '9':
			digits++
		case b != '-' && b != '_' && (b|0x20 < 'a' || b|0x20 > 'z'):
			return false
		}
		if part++; part > 63 {
			return false
		}
	}
	return dots > 0 && part > digits
}

func isIPv4(v []byte) bool {
	if len(v) > len("255.255.255.255") {
		return false
	}
	addr, err := netip.ParseAddr(string(v))
	return err == nil && addr.Is4()
}

// isLiteral reports whether v is an IP address in square brackets.
func isLiteral(v []byte) bool {
	if len(v) < 2 || v[0] != '[' || v[len(v)-1] != ']' {
		return false
	}
	text := string(v[1 : len(v)-1])
	const tag = "IPv6:"
	six := hasPrefixFold([]byte(text), tag)
	if six {
		text = text[len(tag):]
	}
	addr, err := netip.ParseAddr(text)
	return err == nil && addr.Is6() == six && addr.Zone() == ""
}

// IsProgram reports whether v, without blanks around it, is a program or a file
// in the way of sendmail, with quotes around it or without: |/bin/prog,
// /var/mail/x, :include:/list. What begins with a slash and has an @ is an
// address of X.400.
func IsProgram(v []byte) bool {
	if len(v) > 2 && v[0] == '"' && v[len(v)-1] == '"' {
		v = v[1 : len(v)-1]
	}
	return bytes.HasPrefix(v, []byte{'|'}) || bytes.HasPrefix(v, []byte{'/'}) && bytes.IndexByte(v, '@') < 0 ||
		hasPrefixFold(v, ":include:")
}
