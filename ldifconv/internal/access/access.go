// Package access knows the clients that the access rules of the three products
// name: hosts, domains, addresses and nets.
package access

import (
	"bytes"
	"fmt"
	"net/netip"
	"strconv"
)

// AppendClient writes one client of mailAccessDomain in the form of the access
// rules of iMS: a host name matches that host, a name with a dot in front the
// hosts below it, numbers with a dot behind them the addresses that begin so,
// n.n.n.n/m.m.m.m a net. A name may have been either of the first two, so both
// are written. ok is false when it is nothing of all that.
func AppendClient(b, client []byte) (out []byte, ok bool) {
	switch {
	case isWord(client, "ALL") || string(client) == "*":
		return append(b, client...), true
	case bytes.HasPrefix(client, []byte("*.")) && IsHostName(client[2:]):
		return append(b, client[1:]...), true
	case client[0] == '.' && IsHostName(client[1:]):
		return append(b, client...), true
	case IsHostName(client):
		client = bytes.TrimSuffix(client, []byte{'.'})
		b = append(append(b, client...), ",."...)
		return append(b, client...), true
	}
	if net := AddressPattern(string(client)); net != "" {
		return append(b, net...), true
	}
	return b, false
}

// IsHostName reports whether name is made of the labels of a host name and is
// no address.
func IsHostName(name []byte) bool {
	name = bytes.TrimSuffix(name, []byte{'.'})
	letter := false // in the last label: a name that ends in a number is an address
	for label := range bytes.SplitSeq(name, []byte{'.'}) {
		if len(label) == 0 || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		letter = false
		for _, c := range label {
			if !isAlnum(c) && c != '-' && c != '_' {
				return false
			}
			letter = letter || c|0x20 >= 'a' && c|0x20 <= 'z'
		}
	}
	// Words that access rules have a meaning of their own for.
	return letter && len(name) <= 255 && !isWord(name, "LOCAL", "KNOWN", "UNKNOWN", "DNSSPOOFER", "EXCEPT", "NONE")
}

// AddressPattern is an address or a range of addresses as access rules write
// it, "" for what is none: 10.1.2.3 as it is; 10.1. and 10.1.* and 10.1.*.* as
// 10.1.; 10.1.0.0/16 and 10.1.0.0/255.255.0.0 as the latter.
func AddressPattern(text string) string {
	if addr, bits, ok := cutNet(text); ok {
		p, err := addr.Prefix(bits)
		if err != nil {
			return ""
		}
		mask := ^uint32(0) << (32 - bits)
		if bits == 0 {
			mask = 0
		}
		return fmt.Sprintf("%s/%d.%d.%d.%d", p.Addr(), mask>>24, mask>>16&255, mask>>8&255, mask&255)
	}
	if addr, err := netip.ParseAddr(text); err == nil && addr.Is4() {
		return text
	}
	return addressStart(text)
}

// cutNet reads an address and the length of its net, behind a slash.
func cutNet(text string) (addr netip.Addr, bits int, ok bool) {
	i := bytes.IndexByte([]byte(text), '/')
	if i < 0 {
		return addr, 0, false
	}
	addr, err := netip.ParseAddr(text[:i])
	if err != nil || !addr.Is4() {
		return addr, 0, false
	}
	if bits, err = strconv.Atoi(text[i+1:]); err == nil {
		return addr, bits, bits >= 0 && bits <= 32 && text[i+1] != '+'
	}
	mask, err := netip.ParseAddr(text[i+1:])
	if err != nil || !mask.Is4() {
		return addr, 0, false
	}
	bits = leadingOnes(mask.As4())
	return addr, bits, bits >= 0
}

// leadingOnes is the length of a net mask, -1 for what is none.
func leadingOnes(mask [4]byte) int {
	n := uint32(mask[0])<<24 | uint32(mask[1])<<16 | uint32(mask[2])<<8 | uint32(mask[3])
	bits := 0
	for n&(1<<31) != 0 {
		bits++
		n <<= 1
	}
	if n != 0 {
		return -1
	}
	return bits
}

// addressStart is the beginning of an address, one to three numbers with a dot
// behind each. Stars may stand for the numbers that are left out.
func addressStart(text string) string {
	out, parts, stars := "", 0, 0
	fields := bytes.Split([]byte(text), []byte{'.'})
	for i, field := range fields {
		last := i == len(fields)-1
		switch n, err := strconv.ParseUint(string(field), 10, 8); {
		case string(field) == "*":
			stars++
		case len(field) == 0 && last && stars == 0 && i > 0:
			stars++ // a dot at the end
		case err != nil || stars > 0:
			return ""
		default:
			parts++
			out += strconv.FormatUint(n, 10) + "."
		}
	}
	if stars == 0 || parts == 0 || parts > 3 || len(fields) > 4 {
		return ""
	}
	return out
}

// IsClient reports whether client may stand in an access rule of iMS as it is.
func IsClient(client []byte) bool {
	if isWord(client, "ALL", "LOCAL", "KNOWN", "UNKNOWN", "DNSSPOOFER") || string(client) == "*" {
		return true
	}
	if client[0] == '.' {
		client = client[1:]
	}
	return IsHostName(client) || len(client) > 0 && AddressPattern(string(client)) == string(client)
}

// isWord reports whether v is one of the words, in any letters.
func isWord(v []byte, words ...string) bool {
	for _, w := range words {
		if len(v) == len(w) && bytes.EqualFold(v, []byte(w)) {
			return true
		}
	}
	return false
}

func isAlnum(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}
